//! The verdict of a run that did not fail.

use super::Plan;
use crate::model::{Applied, Mode, Verdict};

/// The verdict of a run, from its plan and what was done of it. A held category needs a person, so
/// it comes before a record that failed or is unknown, which the next run tries again, or looks at
/// again, by itself.
pub fn verdict(plan: &Plan, applied: &Applied) -> Verdict {
    let Applied {
        created,
        updated,
        marked,
        failed,
        unknown,
        drifted,
    } = *applied;
    if plan.mode == Mode::Plan {
        Verdict::Planned
    } else if !plan.guard.held().is_empty() {
        Verdict::Held
    } else if failed + unknown > 0 {
        Verdict::Partial
    } else if created + updated + marked + drifted > 0 {
        Verdict::Ok
    } else {
        Verdict::NothingToDo
    }
}

#[cfg(test)]
mod tests {
    use super::super::for_tests::planned;
    use super::*;

    fn plan(mode: Mode, is_held: bool) -> Plan {
        planned(mode, is_held).plan
    }

    fn applied(edit: impl Fn(&mut Applied)) -> Applied {
        let mut applied = Applied::default();
        edit(&mut applied);
        applied
    }

    #[test]
    fn the_verdict_follows_from_what_was_done() {
        let free = plan(Mode::Apply, false);
        let of = |edit: &dyn Fn(&mut Applied)| verdict(&free, &applied(edit));
        assert_eq!(of(&|_| {}), Verdict::NothingToDo);
        assert_eq!(of(&|one| one.created = 1), Verdict::Ok);
        assert_eq!(of(&|one| one.updated = 1), Verdict::Ok);
        assert_eq!(of(&|one| one.marked = 1), Verdict::Ok);
        assert_eq!(of(&|one| one.drifted = 1), Verdict::Ok);
        assert_eq!(of(&|one| one.failed = 1), Verdict::Partial);
        assert_eq!(of(&|one| one.unknown = 1), Verdict::Partial);
        let some_failed = |one: &mut Applied| {
            one.failed = 1;
            one.updated = 2;
        };
        assert_eq!(of(&some_failed), Verdict::Partial);
        let some_unknown = |one: &mut Applied| {
            one.unknown = 1;
            one.updated = 2;
        };
        assert_eq!(of(&some_unknown), Verdict::Partial);
    }

    #[test]
    fn what_is_held_comes_before_what_failed_and_a_plan_before_both() {
        let failed = applied(|one| one.failed = 1);
        let unknown = applied(|one| one.unknown = 1);
        assert_eq!(verdict(&plan(Mode::Apply, true), &failed), Verdict::Held);
        assert_eq!(verdict(&plan(Mode::Apply, true), &unknown), Verdict::Held);
        assert_eq!(verdict(&plan(Mode::Plan, true), &failed), Verdict::Planned);
        assert_eq!(verdict(&plan(Mode::Plan, false), &failed), Verdict::Planned);
    }
}
