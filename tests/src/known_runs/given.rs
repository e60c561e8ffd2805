//! What the known runs are made from: a moment, the records, what was used, the runs before.

use std::collections::BTreeSet;

use domain::model::{
    Absent, Account, AccountId, Accounts, Action, Applied, Category, Claim, Complete, Condition,
    Counts, Credential, Fate, Former, Formers, Header, HeldKeys, History, MOST_RELATED, Memory,
    Organizations, PastRun, RecordOutcome, Related, RunUsage, Usage, Values, Verdict,
};
use domain::plan::Mark;
use gather_orgs::{Scan, Wanted};
use jiff::civil::Date;
use jiff::{Timestamp, ToSpan};
use serde_json::{Value, json};
use vendors::zendesk::{ListedOrganization, PageBody};

use super::RUN;
use crate::standins::World;
use crate::standins::demo::JUST_LOST;
use crate::standins::seed::{Dice, account_id, mapped};
use crate::sync_file::MAPPING;

/// The host of the accounts.
pub(super) const SALESFORCE: &str = "partner-sync-demo.my.salesforce.com";
/// The host of the target.
pub(super) const ZENDESK: &str = "partner-sync-demo.zendesk.com";

/// What Zendesk says of the users and tickets of the first marks.
pub(super) fn related(marks: &[Mark]) -> Vec<Related> {
    let some = marks.iter().take(MOST_RELATED);
    some.map(|mark| Related {
        id: mark.id,
        users: mark.id % 37,
        tickets: mark.id % 211,
    })
    .collect()
}

pub(super) fn at(text: &str) -> Timestamp {
    text.parse().expect("a moment")
}

pub(super) fn started_at() -> Timestamp {
    at("2026-11-23T06:00:00Z")
}

pub(super) fn seconds(usage: &RunUsage) -> u64 {
    let Usage {
        milliseconds,
        wait_seconds,
        ..
    } = usage.total();
    milliseconds / 1000 + wait_seconds + 1
}

pub(super) fn ended_at(usage: &RunUsage) -> Timestamp {
    let seconds = i64::try_from(seconds(usage)).unwrap_or_default();
    started_at()
        .saturating_add(seconds.seconds())
        .expect("a moment")
}

pub(super) fn header(count: usize) -> Header {
    Header::new(RUN, at("2026-11-23T06:00:31Z"), count)
}

/// What reading this many records takes.
pub(super) fn read_usage(accounts: usize, organizations: usize) -> RunUsage {
    let credential = |secret: &str, auth: &str, ends: Option<&str>| Credential {
        secret: format!("partner-sync/{secret}"),
        auth: auth.to_owned(),
        ends: ends.map(|day| day.parse().expect("a day")),
    };
    let account_pages = accounts.div_ceil(2000) as u64;
    let organization_pages = organizations.div_ceil(100) as u64;
    let global = credential("zendesk/global", "client_credentials", None);
    let other = credential("zendesk/us-government", "api_token", Some("2027-04-30"));
    RunUsage {
        gather_accounts: Usage {
            pages: account_pages,
            milliseconds: 500 + 300 * account_pages,
            calls: 1 + account_pages,
            credentials: vec![credential("salesforce", "jwt_bearer", None)],
            ..invocation()
        },
        // A token, the fields, the pages, one of them again after a pause.
        gather_orgs: Usage {
            milliseconds: 900 + 350 * organization_pages,
            calls: 3 + organization_pages,
            retries: 1,
            throttled: 1,
            credentials: vec![global, other],
            ..invocation()
        },
        compare: Usage {
            milliseconds: 304,
            ..invocation()
        },
        sync: Usage::default(),
    }
}

/// What writing these records takes: a token, the creates, the jobs and a look at them, the marks
/// read again.
pub(super) fn write_usage(results: &[RecordOutcome]) -> Usage {
    let of = |action| results.iter().filter(|one| one.action == action).count() as u64;
    let creates = of(Action::Create);
    let mark_jobs = of(Action::Mark).div_ceil(100);
    let jobs = of(Action::Update).div_ceil(100) + mark_jobs;
    let waits = jobs / 20;
    let calls = if results.is_empty() {
        0
    } else {
        1 + creates + jobs + mark_jobs + jobs.min(1) + waits
    };
    Usage {
        invocations: 1 + waits,
        milliseconds: 150 + 420 * calls,
        calls,
        waits,
        wait_seconds: 30 * waits,
        ..Usage::default()
    }
}

pub(super) fn invocation() -> Usage {
    Usage {
        invocations: 1,
        ..Usage::default()
    }
}

pub(super) fn accounts(world: &World) -> Complete<Vec<Account>> {
    let records = world.salesforce.accounts.values().filter(|one| {
        one["Partners_Partner_Status__c"] == "Authorized" && one["Type"] == "Partner"
    });
    let accounts: Vec<_> = records
        .map(|record| mapped(record).expect("an account"))
        .collect();
    Accounts {
        header: header(accounts.len()),
        host: SALESFORCE.to_owned(),
        accounts,
        formers: Formers::default(),
    }
    .into_complete(RUN)
    .expect("a complete read")
}

pub(super) fn organizations(
    world: &World,
    accounts: &Complete<Vec<Account>>,
) -> Complete<Organizations> {
    let wanted = Wanted::of(accounts, None, &MAPPING).expect("ids");
    let mut scan = Scan::new(RUN, started_at());
    let names: Vec<_> = world.zendesk.keys().cloned().collect();
    for walk in scan.begin(&names, &MAPPING.target.name, started_at()) {
        let instance = &world.zendesk[walk.name()];
        let all: Vec<&Value> = instance.organizations.values().collect();
        let body = json!({"organizations": all, "meta": {"has_more": false}}).to_string();
        let is_wanted = |listed: &ListedOrganization<'_>| wanted.keeps(walk.name(), listed);
        let page = PageBody::of(body.as_bytes()).expect("a page");
        let page = page.read(walk.name(), &MAPPING, is_wanted).expect("JSON");
        let page = page.expect("organizations");
        walk.take(ZENDESK, page, &MAPPING, started_at())
            .expect("a page");
    }
    let mut document = scan.into_document(started_at());
    for instance in &mut document.instances {
        let pages = instance.organizations_scanned.div_ceil(100);
        instance.pages = pages;
        instance.seconds = 0.35 * f64::from(u32::try_from(pages).unwrap_or_default());
    }
    document
        .into_complete(RUN, &MAPPING.target.name)
        .expect("a complete read")
}

/// What earlier runs left in the memory: every organization without an account has lacked it for a
/// day and a half, except one of the demo's.
pub(super) fn memory(
    accounts: &Complete<Vec<Account>>,
    organizations: &Complete<Organizations>,
) -> Memory {
    let known: BTreeSet<_> = accounts
        .get()
        .iter()
        .map(|account| account.id().expect("an id"))
        .collect();
    let mut absent = Vec::new();
    for organization in &organizations.get().organizations {
        let account = organization.account_id();
        let Some(salesforce_id) = account.filter(|id| !known.contains(id)) else {
            continue;
        };
        let hours = if salesforce_id == account_id(JUST_LOST) {
            2
        } else {
            36
        };
        let since = started_at().saturating_sub(hours.hours());
        absent.push(Absent {
            id: organization.id,
            salesforce_id,
            since: Some(since.expect("a moment")),
            fate: None,
        });
    }
    Memory {
        header: header(absent.len()),
        absent,
        marked: Vec::new(),
        held: HeldKeys::new(),
        written: Vec::new(),
        started_at: started_at(),
        lost: None,
        lost_untold: false,
        mapping: None,
        watched_at: None,
    }
}

/// What Salesforce says became of the memory's accounts.
pub(super) fn formers(world: &World, memory: &Memory) -> Formers {
    let fate = |id: &AccountId| {
        let Some(record) = world.salesforce.accounts.get(id.as_str()) else {
            return Fate::NotVisible;
        };
        let text = |field: &str| {
            let text = record.get(field).and_then(Value::as_str);
            text.map(str::to_owned)
        };
        if let Some(into) = text("MasterRecordId") {
            let into = AccountId::parse(&into).expect("an id");
            return Fate::Merged { into };
        }
        if record.get("IsDeleted") == Some(&json!(true)) {
            return Fate::Deleted;
        }
        let value = |one: &Condition| (one.name.clone(), text(&one.column));
        let filter = &MAPPING.filter;
        let kind = Values(filter.kind.iter().map(value).collect());
        if !filter.is_kind(&kind) {
            return Fate::OtherType { values: kind };
        }
        Fate::AuthorisedNoMore {
            values: Values(filter.conditions().map(value).collect()),
            last_changed: Some(Date::constant(2026, 11, 20)),
        }
    };
    let former = memory.absent.iter().map(|one| Former {
        salesforce_id: one.salesforce_id.clone(),
        fate: fate(&one.salesforce_id),
    });
    Formers {
        former: former.collect(),
        former_error: None,
    }
}

/// The runs of some hours before this one; the last of them ended as given.
pub(super) fn past(hours: usize, last: Verdict) -> Vec<PastRun> {
    let mut dice = Dice::new(30);
    let mut runs = Vec::new();
    for hours_ago in (1..=hours).rev() {
        let mut some = |below: u64| usize::try_from(dice.roll(below)).unwrap_or_default();
        let applied = Applied {
            created: some(3),
            updated: some(14),
            marked: some(2),
            failed: 0,
            unknown: 0,
            drifted: 0,
        };
        let seconds = i64::try_from(20 + some(9)).unwrap_or_default();
        let ago = i64::try_from(hours_ago).unwrap_or_default().hours();
        let began = started_at().saturating_sub(ago).expect("a moment");
        let (ending, applied, error) = how_it_ended(hours_ago, last, applied);
        runs.push(PastRun {
            run_id: began.strftime("%Y-%m-%dT%H-%M").to_string(),
            ended_at: began.saturating_add(seconds.seconds()).expect("a moment"),
            seconds: seconds.unsigned_abs(),
            ending,
            error,
            counts: Counts {
                accounts: 167,
                ..Counts::default()
            },
            linked: Some(170),
            applied,
            held: match ending {
                Verdict::Held => vec![Category::Marks],
                _ => Vec::new(),
            },
            offered: Vec::new(),
            claim: Claim::default(),
            told: ending == Verdict::Held,
            untold: Vec::new(),
        });
    }
    runs
}

/// Some hours are bad ones, always the same.
fn how_it_ended(
    hours_ago: usize,
    last: Verdict,
    applied: Applied,
) -> (Verdict, Applied, Option<String>) {
    match hours_ago {
        1 if last == Verdict::Ok => (last, applied, None),
        1 => (last, Applied::default(), None),
        11 => {
            let failed = 2;
            (Verdict::Partial, Applied { failed, ..applied }, None)
        }
        17 | 18 => {
            let error = "Sync.Transient".to_owned();
            (Verdict::Failed, Applied::default(), Some(error))
        }
        _ if hours_ago.is_multiple_of(3) => (Verdict::NothingToDo, Applied::default(), None),
        _ => (Verdict::Ok, applied, None),
    }
}

pub(super) fn history(past: &[PastRun]) -> History {
    let mut history = History::new(RUN, started_at());
    for run in past {
        history.note(run.clone());
    }
    history
}
