//! What was read.

use super::cells::Cell;
use super::words::against;
use super::{Section, minute};
use domain::model::{Instance, LastGood};
use domain::plan::PlannedRun;

/// What a run with a plan read, against the last good run.
pub(super) fn inputs(run: &PlannedRun<'_>) -> Option<Section> {
    let counts = &run.planned.plan.counts;
    let last = run.planned.plan.inputs.last_good.as_ref();
    let mut rows = vec![salesforce_row(run, last)];
    for instance in &run.planned.plan.instances {
        rows.push(zendesk_row(instance, last));
    }
    let note = match last {
        None => String::new(),
        Some(last) => format!(
            "The last good run was {}, {}. Partner organizations on the target: {} since.",
            last.header.run_id,
            minute(last.header.generated_at),
            against(
                counts.partner_organizations,
                Some(last.counts.partner_organizations)
            )
        ),
    };
    let head = [
        "source",
        "records",
        "partners",
        "pages",
        "seconds",
        "complete",
        "since the last good run",
    ];
    Section::of("Inputs", note, &head, rows)
}

fn salesforce_row(run: &PlannedRun<'_>, last: Option<&LastGood>) -> Vec<Cell> {
    let accounts = run.planned.plan.counts.accounts;
    let usage = &run.usage.gather_accounts;
    vec![
        "Salesforce accounts".into(),
        accounts.into(),
        Cell::default(),
        usage.pages.into(),
        usage.seconds().into(),
        yes_or_no(true),
        against(accounts, last.map(|last| last.counts.accounts)).into(),
    ]
}

fn zendesk_row(instance: &Instance, last: Option<&LastGood>) -> Vec<Cell> {
    let Instance {
        name,
        host: _,
        organizations_scanned,
        partner_organizations,
        pages,
        seconds,
        complete,
        error: _,
    } = instance;
    let since = match last {
        None => against(0, None),
        Some(last) => match last.instances.iter().find(|before| before.name == *name) {
            None => "not read then".to_owned(),
            Some(before) => against(*organizations_scanned, Some(before.organizations_scanned)),
        },
    };
    vec![
        format!("Zendesk {name}").into(),
        (*organizations_scanned).into(),
        (*partner_organizations).into(),
        (*pages).into(),
        format!("{seconds:.1}").into(),
        yes_or_no(*complete),
        since.into(),
    ]
}

fn yes_or_no(complete: bool) -> Cell {
    if complete { "yes" } else { "NO" }.into()
}

/// What was read by a run that failed before it had a plan.
pub(super) fn read_before_the_plan(
    accounts: Option<usize>,
    instances: &[Instance],
) -> Option<Section> {
    let row = |name: &str, records: Option<usize>| {
        vec![
            name.into(),
            records.map_or_else(Cell::default, Cell::from),
            yes_or_no(records.is_some()),
        ]
    };
    let scanned = instances
        .iter()
        .map(|instance| instance.organizations_scanned);
    let all_scanned = (!instances.is_empty()).then(|| scanned.sum());
    let rows = [
        row("Salesforce accounts", accounts),
        row("Zendesk, all instances", all_scanned),
    ];
    Section::of(
        "Inputs",
        "What is not complete is not used.",
        &["source", "records", "complete"],
        rows,
    )
}
