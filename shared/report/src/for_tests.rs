//! A plan with one of each kind of organization without an account, for this crate's tests.

use std::sync::Arc;

use jiff::Timestamp;

use super::{ReportContext, Reporting};
use domain::model::{
    AccountId, Action, Category, Claim, Counts, Header, History, Instance, Mapping, Mode, Outcome,
    OwnMark, RecordOutcome, Reference, RunUsage, Usage, Week,
};
use domain::plan::{
    Entries, Evidence, Found, Guard, Inputs, Judged, Keeper, Kept, Limit, Limits, Listed, Lists,
    Mark, Marked, Plan, Planned, PlannedRun, Reason, Settings, Sizes, TakenBack, Waiting, WaitsFor,
};

/// Thursday, more than `QuietHours` before the purge of Saturday 2026-11-28.
pub(super) const NOW: &str = "2026-11-26T06:00:00Z";
pub(super) const LOST: &str = "0014M00001sDiGEQA0";
pub(super) const MACHINE: &str =
    "arn:aws:states:eu-central-1:000000000000:stateMachine:partner-sync";

pub(super) fn now() -> Timestamp {
    NOW.parse().unwrap()
}

pub(super) fn account() -> AccountId {
    AccountId::parse(LOST).unwrap()
}

/// Of the file that comes with the product.
pub(super) fn mapping() -> Mapping {
    config::read(config::PRODUCTS_OWN).unwrap()
}

pub(super) fn reporting() -> Reporting {
    Reporting {
        mapping: Arc::new(mapping()),
        runbook: "https://docs.example/RUNBOOK.md".to_owned(),
        reminder_hours: 24,
        interval_hours: 1,
    }
}

pub(super) fn context<'a>(
    mode: Mode,
    history: &'a History,
    reporting: &'a Reporting,
) -> ReportContext<'a> {
    ReportContext {
        run_id: "r",
        started_at: now(),
        ended_at: now(),
        bucket: "b",
        state_machine: Some(MACHINE),
        mode,
        reporting,
        history,
        people_are_told: false,
    }
}

/// One of each: two marks, one of them exempt, an unexplained one, two that are marked already, one
/// of them exempt, one whose mark is taken back, a merged one, and one that waits for each thing.
pub(super) fn planned(mode: Mode, held: &[Category]) -> Planned {
    let plan = Plan {
        header: Header::new("r", now(), 3),
        mode,
        digest: digest(0),
        config: None,
        mapping: None,
        counts: Counts {
            marks: 2,
            unexplained: 1,
            merged: 1,
            exempt: 1,
            waiting: 3,
            ..Counts::default()
        },
        guard: guard(held),
        release: None,
        warnings: Vec::new(),
        unknowns: Vec::new(),
        found: found(),
        lists: Lists {
            creates: listed(),
            updates: listed(),
            not_in_sync: listed(),
        },
        instances: vec![Instance {
            name: "global".to_owned(),
            host: "acme.zendesk.com".to_owned(),
            organizations_scanned: 100,
            partner_organizations: 100,
            pages: 1,
            seconds: 1.0,
            complete: true,
            error: None,
        }],
        inputs: inputs(),
        usage: RunUsage::default(),
    };
    let marks = vec![
        mark(11, Category::Marks, Evidence::Deleted),
        Mark {
            exempt: true,
            ..mark(12, Category::Marks, Evidence::Deleted)
        },
        mark(21, Category::Unexplained, Evidence::NotVisible),
    ];
    Planned {
        plan,
        entries: Entries {
            marks,
            ..Entries::default()
        },
    }
}

fn guard(held: &[Category]) -> Guard {
    Guard {
        categories: vec![
            judged(Category::Creates, 0, held),
            judged(Category::Updates, 0, held),
            judged(Category::Marks, 2, held),
            judged(Category::Unexplained, 1, held),
        ],
        refused_approvals: Vec::new(),
        seen: Sizes {
            linked: 100,
            base: 100,
            ..Sizes::default()
        },
    }
}

fn inputs() -> Inputs {
    let limits = Limits {
        creates: limit(10),
        updates: limit(25),
        marks: limit(5),
        min_accounts_percent: 80,
    };
    Inputs {
        accounts: reference(),
        organizations: reference(),
        started_at: now(),
        settings: Settings {
            protected: [].into(),
            named: [].into(),
            retention_years: 3,
            mark_after_hours: 24,
            quiet_hours: 12,
            limits,
        },
        approve: Vec::new(),
        claim: Claim::default(),
        last_good: None,
        week: Week::default(),
        memory: None,
        memory_lost: None,
        state_machine: Some(MACHINE.to_owned()),
        salesforce_host: "acme.my.salesforce.com".to_owned(),
    }
}

fn found() -> Found {
    Found {
        already_marked: vec![marked(31)],
        exempt: vec![marked(32)],
        own_marks: vec![OwnMark {
            id: 31,
            salesforce_id: account(),
            at: now(),
            approved: true,
            perhaps: false,
            exempt: false,
        }],
        taken_back: vec![TakenBack {
            id: 41,
            salesforce_id: account(),
            name: "Back".to_owned(),
            reason: Reason::Kept(Keeper::AccountIsThere),
        }],
        merged: vec![merged(51, Some(52))],
        waiting: vec![
            waiting(61, WaitsFor::Time, "2026-11-27T08:00:00Z"),
            waiting(62, WaitsFor::Purge, "2026-11-28T00:45:00Z"),
            waiting(63, WaitsFor::Answer, "2026-11-01T00:00:00Z"),
        ],
        ..Found::default()
    }
}

pub(super) fn merged(id: u64, organization: Option<u64>) -> Kept {
    let into = account();
    Kept {
        id,
        salesforce_id: Some(LOST.to_owned()),
        name: "Merged".to_owned(),
        reason: Keeper::Merged { into, organization },
        eligible_from: None,
    }
}

pub(super) fn waiting(id: u64, waits_for: WaitsFor, eligible_from: &str) -> Waiting {
    Waiting {
        id,
        salesforce_id: Some(LOST.to_owned()),
        name: "Waiting".to_owned(),
        reason: Evidence::Deleted,
        eligible_from: eligible_from.parse().unwrap(),
        waits_for,
        exempt: false,
    }
}

fn mark(id: u64, category: Category, reason: Evidence) -> Mark {
    Mark {
        id,
        salesforce_id: Some(LOST.to_owned()),
        name: "Gone".to_owned(),
        category,
        updated_at: String::new(),
        exempt: false,
        reason,
    }
}

fn marked(id: u64) -> Marked {
    Marked {
        id,
        salesforce_id: Some(LOST.to_owned()),
        name: "Marked".to_owned(),
        reason: Reason::Said(Evidence::Deleted),
    }
}

/// A category that is held, or free.
pub(super) fn judged(category: Category, count: usize, held: &[Category]) -> Judged {
    Judged {
        category,
        count,
        exempt: 0,
        standing: 0,
        waiting: 0,
        held_before: 0,
        limit: 5,
        veto: None,
        digest: digest(count),
        exceeded: held.contains(&category),
        approved: false,
    }
}

/// Lets a person approve a category.
pub(super) fn approve(planned: &mut Planned, category: Category) {
    let categories = &mut planned.plan.guard.categories;
    let approved = categories.iter_mut().find(|one| one.category == category);
    let approved = approved.unwrap();
    (approved.exceeded, approved.approved) = (true, true);
}

pub(super) fn digest(number: usize) -> String {
    format!("sha256:{number:064}")
}

pub(super) fn result(action: Action, id: u64, outcome: Outcome) -> RecordOutcome {
    RecordOutcome::of(action, Some(id), outcome)
}

/// The run of a plan, applied with these results or looked at.
pub(super) fn run(planned: &Planned, results: Vec<RecordOutcome>) -> PlannedRun<'_> {
    match planned.plan.mode {
        Mode::Apply => PlannedRun::applied(planned, results, Vec::new(), &Usage::default()),
        Mode::Plan => PlannedRun::looked_at(planned),
    }
}

fn limit(number: usize) -> Limit {
    Limit { number, percent: 5 }
}

fn listed() -> Listed {
    Listed {
        reference: reference(),
        digest: String::new(),
    }
}

fn reference() -> Reference {
    Reference {
        bucket: String::new(),
        key: String::new(),
        sha256: String::new(),
        count: 0,
    }
}
