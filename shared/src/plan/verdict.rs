//! How a run that did not fail is called.

use super::Plan;
use crate::model::{Applied, Mode, Verdict};

/// The verdict of a run, from its plan and what was done of it. A held category needs a person, so
/// it comes before a failed record, which the next run tries again by itself.
#[must_use]
pub fn verdict(plan: &Plan, applied: &Applied) -> Verdict {
    let Applied {
        created,
        updated,
        marked,
        failed,
        drifted,
    } = *applied;
    if plan.mode == Mode::Plan {
        Verdict::Planned
    } else if !plan.guard.held().is_empty() {
        Verdict::Held
    } else if failed > 0 {
        Verdict::Partial
    } else if created + updated + marked + drifted > 0 {
        Verdict::Ok
    } else {
        Verdict::NothingToDo
    }
}
