//! Ten runs whose reports are known word for word: the same inputs, times and measurements every time.

use gather_orgs::{Scan, Wanted};
use jiff::{Timestamp, ToSpan};
use serde_json::{Value, json};
use shared::model::{
    Account, AccountId, Accounts, Action, Alliances, Applied, Complete, Counts, Credential, Ending, Guarded, Header, History, Instance, LastGood,
    Mode, Organizations, Outcome, PastRun, RecordOutcome, Reference, RunUsage, TARGET, Usage, Verdict,
};
use shared::plan::{Changes, Inputs, Limit, Limits, Listed, Lists, Plan, Settings, make};
use shared::report::{About, End, Page, Run, notice, page};
use shared::{lambda::Notice, plan};

use crate::scenes::{clashes, everybody_leaves, five_thousand, hostile, many_kinds, quiet};
use crate::standins::seed::{ALLIANCE, Dice, account_id};
use crate::standins::{World, demo};

const RUN: &str = "2026-11-23T06-00";
const MACHINE: &str = "arn:aws:states:eu-central-1:000000000000:stateMachine:partner-sync";
const BUCKET: &str = "partner-sync-documents";

/// Every scene by its name.
pub const SCENES: [&str; 10] =
    ["nothing-to-do", "all-kinds", "held", "partial", "failed", "first-run", "five-thousand-changes", "hostile-names", "conflicts", "skipped"];

/// A scene's report, and what people are told.
#[must_use]
pub fn report(scene: &str) -> (Page, Option<Notice>) {
    match scene {
        "nothing-to-do" => Scene::of(quiet()).report(),
        "all-kinds" => Scene { past: past(29, Ending::Held), ..Scene::of(many_kinds()) }.report(),
        "held" => Scene { past: past(29, Ending::Ok), ..Scene::of(everybody_leaves()) }.report(),
        "partial" => Scene { failing: true, past: past(29, Ending::NothingToDo), ..Scene::of(many_kinds()) }.report(),
        "failed" => Scene { past: past(29, Ending::Ok), ..Scene::of(many_kinds()) }.failed(),
        "first-run" => Scene { past: Vec::new(), last_good: false, mode: Mode::Plan, ..Scene::of(demo()) }.report(),
        "five-thousand-changes" => Scene { limit: 10_000, past: past(29, Ending::Ok), ..Scene::of(five_thousand()) }.report(),
        "hostile-names" => Scene { past: past(5, Ending::Ok), ..Scene::of(hostile()) }.report(),
        "conflicts" => Scene { past: past(29, Ending::Ok), ..Scene::of(clashes()) }.report(),
        _ => skipped(),
    }
}

fn at(text: &str) -> Timestamp {
    text.parse().expect("a moment")
}

struct Scene {
    world: World,
    mode: Mode,
    last_good: bool,
    limit: usize,
    failing: bool,
    past: Vec<PastRun>,
}

impl Scene {
    fn of(world: World) -> Self {
        Self { world, mode: Mode::Apply, last_good: true, limit: 0, failing: false, past: past(29, Ending::NothingToDo) }
    }

    fn made(&self) -> (Plan, Changes) {
        let accounts = accounts(&self.world);
        let organizations = organizations(&self.world, &accounts);
        let reference = |file: &str| Reference { bucket: BUCKET.to_owned(), key: format!("runs/{RUN}/{file}"), sha256: "0".repeat(64), count: 0 };
        let listed = |file: &str, digest: String| Listed { reference: reference(file), digest };
        let limit = |number: usize, percent| Limit { number: number.max(self.limit), percent };
        let limits = Limits { creates: limit(10, 10), updates: limit(25, 30), marks: limit(5, 5), min_accounts_percent: 80 };
        let counts = Counts { accounts: 166, organizations_scanned: 6004, partner_organizations: 168, ..Counts::default() };
        let instances =
            organizations.get().instances.iter().map(|one| Instance { organizations_scanned: one.organizations_scanned - 3, ..one.clone() });
        let run = Header { run_id: "2026-11-23T04-00".to_owned(), generated_at: at("2026-11-23T04:01:40Z"), ..header(166) };
        let last = LastGood { header: run, verdict: Verdict::Ok, counts, instances: instances.collect() };
        let inputs = Inputs {
            accounts: reference("accounts.json"),
            organizations: reference("organizations.json"),
            started_at: at("2026-11-23T06:00:00Z"),
            settings: Settings { protected: [account_id(9005)].into(), retention_years: 3, limits },
            approve: Vec::new(),
            last_good: self.last_good.then_some(last),
            state_machine: Some(MACHINE.to_owned()),
        };
        let made = make(&accounts, organizations, &inputs).expect("a plan");
        let changes = made.changes.clone();
        let lists = Lists {
            creates: listed("creates.json", plan::digest::<plan::Creates>(&changes.creates).expect("a digest")),
            updates: listed("updates.json", plan::digest::<plan::Updates>(&changes.updates).expect("a digest")),
            not_in_sync: listed("not_in_sync.json", plan::digest::<plan::NotInSync>(&changes.marks).expect("a digest")),
        };
        (made.into_plan(header(0), self.mode, lists, inputs, usage()), changes)
    }

    /// What became of the plan: all done, but for held categories, and for what the scene lets fail.
    fn results(&self, plan: &Plan, changes: &Changes) -> Vec<RecordOutcome> {
        if self.mode == Mode::Plan {
            return Vec::new();
        }
        let done = |action, id, salesforce_id: Option<String>, job: Option<&str>| RecordOutcome {
            action,
            id: Some(id),
            salesforce_id,
            outcome: Outcome::Done,
            job_id: job.map(str::to_owned),
            error: None,
            runs_failed: None,
        };
        let goes = |category| !plan.guard.holds(category);
        let creates = changes.creates.iter().filter(|_| goes(Guarded::Creates)).zip(30_000_000_000_001_u64..);
        let creates = creates.map(|(one, id)| done(Action::Create, id, Some(one.salesforce_id.to_string()), None));
        let updates = changes.updates.iter().filter(|_| goes(Guarded::Updates));
        let updates = updates.map(|one| done(Action::Update, one.id, Some(one.salesforce_id.to_string()), Some("V3-b1")));
        let marks = changes.marks.iter().filter(|_| goes(Guarded::Marks));
        let marks = marks.map(|one| done(Action::Mark, one.id, one.salesforce_id.clone(), Some("V3-b2")));
        let mut results: Vec<_> = creates.chain(updates).chain(marks).collect();
        if self.failing {
            let words = [
                (0, Outcome::Failed, "RecordInvalid: Record validation errors: Name: Kestrel Labs has already been taken", 7),
                (4, Outcome::Failed, "OrganizationUpdateFailed: Owner: [e-mail] is invalid", 1),
                (5, Outcome::Unknown, "Zendesk gave no result, and the organization does not have the wanted values", 3),
            ];
            for (place, outcome, error, runs) in words {
                if let Some(one) = results.get_mut(place) {
                    (one.outcome, one.error, one.runs_failed) = (outcome, Some(error.to_owned()), Some(runs));
                    one.id = one.id.filter(|_| one.action != Action::Create);
                }
            }
            if let Some(last) = results.last_mut() {
                (last.outcome, last.job_id) = (Outcome::Drifted, None);
            }
        }
        results
    }

    fn report(&self) -> (Page, Option<Notice>) {
        let (plan, changes) = self.made();
        let results = self.results(&plan, &changes);
        let summary = shared::report::summary(BUCKET, &plan, &results);
        let mut history = history(&self.past);
        if self.mode == Mode::Apply {
            history.note(run(RUN, 0, summary.verdict.into(), None, summary.counts, summary.applied));
        }
        let Changes { creates, updates, marks, .. } = &changes;
        let usage = usage();
        let end = End::Planned(Run { plan: &plan, creates, updates, marks, results: Some(&results), usage: &usage });
        (page(about(&history), end), notice(BUCKET, &history, &summary.held, &results))
    }

    /// A run that came to a plan and could not write it.
    fn failed(&self) -> (Page, Option<Notice>) {
        let (plan, changes) = self.made();
        let mut history = history(&self.past);
        history.note(run(RUN, 0, Ending::Failed, Some("Sync.Auth"), plan.counts, Applied::default()));
        let Changes { creates, updates, marks, .. } = &changes;
        let cause = "zendesk global: create organization: status 403; the client's user needs a role that reads and manages organizations, and the \
                     token the scope for it";
        let run = Some(Run { plan: &plan, creates, updates, marks, results: None, usage: &plan.usage });
        (page(about(&history), End::Failed { error: "Sync.Auth", cause, run }), notice(BUCKET, &history, &[], &[]))
    }
}

fn skipped() -> (Page, Option<Notice>) {
    let history = history(&past(12, Ending::Ok));
    let holder = format!("{}:2026-11-23T05-00", MACHINE.replace(":stateMachine:", ":execution:"));
    (page(about(&history), End::Skipped { holder: &holder }), None)
}

fn about(history: &History) -> About<'_> {
    About {
        run_id: RUN,
        started_at: at("2026-11-23T06:00:00Z"),
        ended_at: at("2026-11-23T06:01:42Z"),
        bucket: BUCKET,
        state_machine: Some(MACHINE),
        history,
    }
}

fn header(count: usize) -> Header {
    Header { generated_at: at("2026-11-23T06:00:31Z"), ..Header::new(RUN, count) }
}

fn usage() -> RunUsage {
    let credential = |secret: &str, auth: &str, ends: Option<&str>| Credential {
        secret: format!("partner-sync/{secret}"),
        auth: auth.to_owned(),
        ends: ends.map(|day| day.parse().expect("a day")),
    };
    let stage = |milliseconds, calls, credentials| Usage { invocations: 1, milliseconds, calls, credentials, ..Usage::default() };
    RunUsage {
        gather_accounts: Usage { pages: 1, ..stage(812, 2, vec![credential("salesforce", "jwt_bearer", None)]) },
        gather_orgs: Usage {
            throttled: 1,
            retries: 1,
            ..stage(
                21_480,
                66,
                vec![credential("zendesk/global", "client_credentials", None), credential("zendesk/us-government", "api_token", Some("2027-04-30"))],
            )
        },
        compare: stage(304, 0, Vec::new()),
        sync: Usage { invocations: 2, waits: 1, wait_seconds: 30, ..stage(6_120, 9, Vec::new()) },
    }
}

fn accounts(world: &World) -> Complete<Vec<Account>> {
    let alliances = Alliances(vec![AccountId::parse(ALLIANCE).expect("an id")]);
    let records = world.salesforce.accounts.values().filter(|one| one["Partners_Partner_Status__c"] == "Authorized");
    let accounts: Vec<_> = records.map(|record| Account::from_record(record, &alliances).expect("an account")).collect();
    Accounts { header: header(accounts.len()), accounts }.into_complete(RUN).expect("a complete read")
}

fn organizations(world: &World, accounts: &Complete<Vec<Account>>) -> Complete<Organizations> {
    let (wanted, mut scan) = (Wanted::of(accounts).expect("ids"), Scan::new(RUN));
    for (name, instance) in &world.zendesk {
        let all: Vec<&Value> = instance.organizations.values().collect();
        let page = serde_json::from_value(json!({"organizations": all, "meta": {"has_more": false}})).expect("a page");
        scan.take(name, page, &wanted).expect("a page");
    }
    let mut document = scan.into_document();
    for instance in &mut document.instances {
        let pages = instance.organizations_scanned.div_ceil(100);
        (instance.pages, instance.seconds) = (pages, 0.35 * f64::from(u32::try_from(pages).unwrap_or_default()));
    }
    document.into_complete(RUN, TARGET).expect("a complete read")
}

fn run(run_id: &str, hours_ago: i64, ending: Ending, error: Option<&str>, counts: Counts, applied: Applied) -> PastRun {
    let ended_at = at("2026-11-23T06:01:42Z").saturating_sub(hours_ago.hours()).expect("a moment");
    PastRun { run_id: run_id.to_owned(), ended_at, seconds: 102, ending, error: error.map(str::to_owned), counts, applied }
}

/// Some hours before this run, of which the last one ended as given.
fn past(hours: usize, last: Ending) -> Vec<PastRun> {
    let mut dice = Dice::new(30);
    let mut runs = Vec::new();
    for number in (1..=hours).rev() {
        let mut some = |below: u64| usize::try_from(dice.roll(below)).unwrap_or_default();
        let applied = Applied { created: some(3), updated: some(14), marked: some(2), failed: 0, drifted: 0 };
        let hours_ago = i64::try_from(number).unwrap_or_default();
        let name = at("2026-11-23T06:00:00Z").saturating_sub(hours_ago.hours()).expect("a moment").strftime("%Y-%m-%dT%H-%M").to_string();
        let (ending, applied, error) = match number {
            1 => (last, if last == Ending::Ok { applied } else { Applied::default() }, None),
            11 => (Ending::Partial, Applied { failed: 2, ..applied }, None),
            17 | 18 => (Ending::Failed, Applied::default(), Some("Sync.Transient")),
            _ if number % 3 == 0 => (Ending::NothingToDo, Applied::default(), None),
            _ => (Ending::Ok, applied, None),
        };
        runs.push(run(&name, hours_ago, ending, error, Counts::default(), applied));
    }
    runs
}

fn history(past: &[PastRun]) -> History {
    let mut history = History::new(RUN);
    for run in past {
        history.note(run.clone());
    }
    history
}
