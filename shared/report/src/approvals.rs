//! What the execution's input approved: what that released, what it did not and why, and who claims
//! to have approved it.

use super::reasons::{self, entry};
use super::words::counted;
use super::{Instruction, ReportContext, links, minute};
use domain::mask::without_addresses;
use domain::model::{Claim, StateMachine};
use domain::plan::{Plan, Refused};

/// Which approvals the run was started with, and where to see who started it.
pub(super) fn started_with(context: ReportContext<'_>, plan: &Plan) -> Option<Instruction> {
    let approved = approved(plan)?;
    let claimed = claimed(&plan.inputs.claim).map_or_else(String::new, |one| format!(" {one}"));
    let text = format!(
        "This run was started with an approval of {approved}.{claimed} Who started it is not known \
         here: AWS CloudTrail shows it, event StartExecution, {}, name {}.",
        minute(context.started_at),
        context.run_id
    );
    let machine = context.state_machine.and_then(StateMachine::of);
    let page = machine.and_then(|machine| machine.starts_page());
    let page = page.map(|url| links::link("Open CloudTrail: StartExecution", url));
    Some(Instruction::on(text, page))
}

/// What was approved, and what the input claims of it, for a message.
pub(super) fn in_short(plan: &Plan) -> Option<String> {
    let approval = format!("It was started with an approval of {}.", approved(plan)?);
    Some(match claimed(&plan.inputs.claim) {
        Some(claimed) => format!("{approval} {claimed}"),
        None => approval,
    })
}

/// A warning for each approval that released nothing.
pub(super) fn refused(plan: &Plan) -> Vec<String> {
    let refused = plan.guard.refused_approvals.iter();
    let warning = |Refused { digest, why }: &Refused| {
        format!(
            "Refused approval, which released nothing: {digest}: {}.",
            reasons::refused(why)
        )
    };
    refused.map(warning).collect()
}

/// The same for a message, which leaves the digests to the report.
pub(super) fn told_of_refused(plan: &Plan) -> Vec<String> {
    let refused = plan.guard.refused_approvals.iter();
    let told = |one: &Refused| {
        format!(
            "An approval released nothing: {}.",
            reasons::refused(&one.why)
        )
    };
    refused.map(told).collect()
}

/// What the run's approvals released.
fn approved(plan: &Plan) -> Option<String> {
    let approved = plan.guard.categories.iter().filter(|one| one.approved);
    let words: Vec<_> = approved
        .map(|one| counted(one.count, entry(one.category)))
        .collect();
    (!words.is_empty()).then(|| words.join(" and "))
}

/// What the input says of its approval. Nobody has checked it.
fn claimed(claim: &Claim) -> Option<String> {
    let Claim { approved_by, note } = claim;
    let quoted = |text: &str| without_addresses(text).replace(char::is_control, " ");
    let by = approved_by.as_deref();
    let by = by.map(|by| format!("approved by \"{}\"", quoted(by)));
    let note = note.as_deref();
    let note = note.map(|note| format!("note \"{}\"", quoted(note)));
    let claims: Vec<_> = by.into_iter().chain(note).collect();
    (!claims.is_empty()).then(|| format!("As claimed by its input: {}.", claims.join(", ")))
}
