//! Runs whose reports are known word for word: the same inputs, times and measurements every time.

mod given;
pub mod scenes;

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};

use domain::model::{
    Action, Applied, Category, Claim, Counts, Formers, Header, History, Instance, LastGood,
    ListDocument, Mode, Organizations, Outcome, PastRun, RecordOutcome, Reference, RunUsage, Usage,
    Verdict, Week, entries_digest,
};
use domain::plan::{
    Comparison, Creates, Entries, Inputs, KnownResults, Limit, Limits, Listed, Lists, NotInSync,
    Plan, Planned, PlannedRun, Reached, RunEnd, Settings, Updates,
};
use report::{Notice, Report, ReportContext, Reporting, notice};

use crate::standins::seed::account_id;
use crate::standins::{World, demo};
use crate::sync_file::MAPPING;
use given::{
    SALESFORCE, accounts, at, ended_at, formers, header, history, memory, organizations, past,
    read_usage, related, seconds, started_at, write_usage,
};
use scenes::{
    clashes, everybody_leaves, five_thousand, fourteen_leave, hostile, many_kinds, nobody_there,
    quiet,
};

const RUN: &str = "2026-11-23T06-00";
const MACHINE: &str = "arn:aws:states:eu-central-1:000000000000:stateMachine:partner-sync";
const BUCKET: &str = "partner-sync-documents";

/// The installation: its runbook has an address, so that links are seen.
static REPORTING: LazyLock<Reporting> = LazyLock::new(|| Reporting {
    mapping: Arc::clone(&MAPPING),
    runbook: "https://docs.example/RUNBOOK.md".to_owned(),
    reminder_hours: 24,
    interval_hours: 1,
});

/// Every scene by its name.
pub const SCENES: [&str; 17] = [
    "nothing-to-do",
    "all-kinds",
    "held",
    "held-marks",
    "held-creates",
    "unexplained",
    "partial",
    "failed",
    "first-run",
    "five-thousand-changes",
    "hostile-names",
    "conflicts",
    "skipped",
    "planned",
    "failed-accounts",
    "failed-before-a-plan",
    "failed-compare",
];

/// A scene's report, and what people are told.
pub fn report(scene: &str) -> (Report, Option<Notice>) {
    match scene {
        "nothing-to-do" => Scene::of(quiet(), past(29, Verdict::NothingToDo)).report(),
        "all-kinds" => Scene::of(many_kinds(), past(29, Verdict::Held)).report(),
        "held" => Scene {
            accounts_before: Some(166),
            ..Scene::of(everybody_leaves(), past(29, Verdict::Ok))
        }
        .report(),
        "held-marks" => Scene::of(fourteen_leave(), past(29, Verdict::Ok)).report(),
        "held-creates" => Scene::of(nobody_there(), past(29, Verdict::Ok)).report(),
        "unexplained" => Scene::of(demo(), past(29, Verdict::Ok)).report(),
        "partial" => Scene {
            failing: true,
            ..Scene::of(many_kinds(), past(29, Verdict::NothingToDo))
        }
        .report(),
        "failed" => Scene::of(many_kinds(), past(29, Verdict::Ok)).failed(),
        "first-run" => Scene::of(demo(), Vec::new()).report(),
        "five-thousand-changes" => Scene {
            limit: 10_000,
            ..Scene::of(five_thousand(), past(29, Verdict::Ok))
        }
        .report(),
        "hostile-names" => Scene::of(hostile(), past(5, Verdict::Ok)).report(),
        "conflicts" => Scene::of(clashes(), past(29, Verdict::Ok)).report(),
        "planned" => Scene {
            mode: Mode::Plan,
            ..Scene::of(everybody_leaves(), past(29, Verdict::Ok))
        }
        .report(),
        "failed-accounts" => failed_accounts(),
        "failed-before-a-plan" => failed_before_a_plan(),
        "failed-compare" => failed_compare(),
        _ => skipped(),
    }
}

struct Scene {
    world: World,
    past: Vec<PastRun>,
    mode: Mode,
    accounts_before: Option<usize>,
    limit: usize,
    failing: bool,
}

impl Scene {
    fn of(world: World, past: Vec<PastRun>) -> Self {
        Self {
            world,
            past,
            mode: Mode::Apply,
            accounts_before: None,
            limit: 0,
            failing: false,
        }
    }

    fn made(&self) -> Planned {
        let accounts = accounts(&self.world);
        let organizations = organizations(&self.world, &accounts);
        let memory = memory(&accounts, &organizations);
        let limit = |number: usize, percent| Limit {
            number: number.max(self.limit),
            percent,
        };
        let limits = Limits {
            creates: limit(10, 10),
            updates: limit(25, 30),
            marks: limit(5, 5),
            min_accounts_percent: 80,
        };
        let inputs = Inputs {
            accounts: reference("accounts.json"),
            organizations: reference("organizations.json"),
            started_at: started_at(),
            settings: Settings {
                protected: [account_id(9005)].into(),
                named: MAPPING.named_accounts(),
                retention_years: 3,
                mark_after_hours: 24,
                quiet_hours: 12,
                limits,
            },
            approve: Vec::new(),
            claim: Claim::default(),
            last_good: self.last_good(accounts.get().len(), organizations.get()),
            week: self.week(),
            // Without a past there is no memory either.
            memory: (!self.past.is_empty()).then(|| memory.clone()),
            memory_lost: None,
            state_machine: Some(MACHINE.to_owned()),
            salesforce_host: SALESFORCE.to_owned(),
        };
        let formers = match &inputs.memory {
            Some(memory) => formers(&self.world, memory),
            None => Formers::default(),
        };
        let usage = read_usage(accounts.get().len(), organizations.get().scanned());
        let comparison = Comparison::of(
            &accounts,
            &formers,
            organizations,
            &inputs,
            &MAPPING,
            Some(&MAPPING.digest),
        );
        let comparison = comparison.expect("a plan");
        let changes = &comparison.changes.entries;
        let lists = Lists {
            creates: listed::<Creates>(&changes.creates),
            updates: listed::<Updates>(&changes.updates),
            not_in_sync: listed::<NotInSync>(&changes.marks),
        };
        comparison.plan(header(0), self.mode, lists, inputs, usage)
    }

    /// What the runs before say of the week.
    fn week(&self) -> Week {
        let most_accounts = self.accounts_before;
        Week {
            most_accounts,
            ..history(&self.past).week(started_at())
        }
    }

    /// The newest good run before this one, and what it read.
    fn last_good(&self, accounts: usize, now: &Organizations) -> Option<LastGood> {
        let run = self.past.iter().rev().find(|run| {
            matches!(
                run.ending,
                Verdict::Ok | Verdict::NothingToDo | Verdict::Partial
            )
        })?;
        let instances: Vec<_> = now
            .instances
            .iter()
            .map(|one| Instance {
                organizations_scanned: one.organizations_scanned - 3,
                ..one.clone()
            })
            .collect();
        let counts = Counts {
            accounts: self.accounts_before.unwrap_or(accounts - 1),
            organizations_scanned: now.scanned() - 6,
            partner_organizations: now
                .instances
                .first()
                .map_or(0, |one| one.partner_organizations - 1),
            ..Counts::default()
        };
        let header = Header {
            run_id: run.run_id.clone(),
            generated_at: run.ended_at,
            ..header(counts.accounts)
        };
        Some(LastGood {
            header,
            verdict: Verdict::Ok,
            counts,
            linked: None,
            instances,
            failing: BTreeMap::new(),
        })
    }

    /// What became of the plan: all is done, except held categories, and what the scene lets
    /// fail.
    fn results(&self, plan: &Plan, changes: &Entries) -> Vec<RecordOutcome> {
        if self.mode == Mode::Plan {
            return Vec::new();
        }
        let mut results = Vec::new();
        if !plan.guard.holds(Category::Creates) {
            for (create, id) in changes.creates.iter().zip(30_000_000_000_001..) {
                let account = Some(create.salesforce_id.to_string());
                results.push(done(Action::Create, id, account, None));
            }
        }
        if !plan.guard.holds(Category::Updates) {
            for update in &changes.updates {
                let account = Some(update.salesforce_id.to_string());
                let unmarked = update.unmark().is_some();
                let updated = done(Action::Update, update.id, account, Some("V3-b1"));
                results.push(RecordOutcome {
                    unmarked,
                    ..updated
                });
            }
        }
        for mark in &changes.marks {
            if !plan.guard.holds(mark.category) {
                let account = mark.salesforce_id.clone();
                results.push(done(Action::Mark, mark.id, account, Some("V3-b2")));
            }
        }
        if self.failing {
            let_some_fail(&mut results, changes);
        }
        results
    }

    fn report(&self) -> (Report, Option<Notice>) {
        let planned = self.made();
        let Planned { plan, entries } = &planned;
        let results = self.results(plan, entries);
        let summary = stage::way_out::summary(BUCKET, plan, &results);
        let sync = if self.mode == Mode::Apply {
            write_usage(&results)
        } else {
            Usage::default()
        };
        let usage = RunUsage {
            sync,
            ..plan.usage.clone()
        };
        let related = match self.mode {
            Mode::Apply => related(&entries.marks),
            Mode::Plan => Vec::new(),
        };
        let mut history = history(&self.past);
        if self.mode == Mode::Apply {
            history.note(PastRun {
                run_id: RUN.to_owned(),
                ended_at: ended_at(&usage),
                seconds: seconds(&usage),
                ending: summary.verdict,
                error: None,
                counts: summary.counts,
                applied: summary.applied,
                linked: None,
                held: summary.held.iter().map(|held| held.category).collect(),
                offered: summary.held.clone(),
                claim: Claim::default(),
                told: false,
                untold: Vec::new(),
            });
        }
        let about = about(&history, &usage, self.mode);
        let end = RunEnd::Planned(Box::new(PlannedRun {
            results,
            related,
            usage: usage.clone(),
            ..PlannedRun::looked_at(&planned)
        }));
        both(about, &end)
    }

    /// A run that got as far as a plan, created one organization, and was then forbidden to.
    fn failed(&self) -> (Report, Option<Notice>) {
        let planned = self.made();
        let Planned { plan, entries } = &planned;
        let results: Vec<_> = self.results(plan, entries).into_iter().take(1).collect();
        let usage = RunUsage {
            sync: write_usage(&results),
            ..plan.usage.clone()
        };
        let history = with_failure(
            &self.past,
            "Sync.Auth",
            &usage,
            plan.counts,
            Applied::of(&results),
        );
        let cause = "zendesk global: create organization: status 403; the client's user needs a \
                     role that reads and manages organizations, and the \
                     token the scope for it";
        let about = about(&history, &usage, Mode::Apply);
        let reached = Reached::Plan(Box::new(PlannedRun {
            results,
            known: KnownResults::SoFar,
            usage: usage.clone(),
            ..PlannedRun::cut_off(&planned)
        }));
        let end = RunEnd::Failed {
            error: "Sync.Auth",
            cause,
            reached,
        };
        both(about, &end)
    }
}

fn reference(file: &str) -> Reference {
    Reference {
        bucket: BUCKET.to_owned(),
        key: format!("runs/{RUN}/{file}"),
        sha256: "0".repeat(64),
        count: 0,
    }
}

fn listed<L: ListDocument>(entries: &[L::Entry]) -> Listed {
    Listed {
        reference: reference(L::FILE),
        digest: entries_digest::<L>(entries).expect("a digest"),
    }
}

fn done(
    action: Action,
    id: u64,
    salesforce_id: Option<String>,
    job: Option<&str>,
) -> RecordOutcome {
    RecordOutcome {
        salesforce_id,
        job_id: job.map(str::to_owned),
        ..RecordOutcome::of(action, Some(id), Outcome::Done)
    }
}

/// A create and an update fail, another update is unknown, and the last mark drifts.
fn let_some_fail(results: &mut [RecordOutcome], changes: &Entries) {
    let name = &changes.creates.first().expect("a create").name;
    let create = &mut results[0];
    create.id = None;
    create.outcome = Outcome::Failed;
    create.error = Some(format!(
        "RecordInvalid: Record validation errors: Name: {name} has already been taken"
    ));
    create.runs_failed = Some(7);
    create.failing_since = Some(at("2026-11-22T23:59:00Z"));

    let update = &mut results[8];
    update.outcome = Outcome::Failed;
    update.error = Some("OrganizationUpdateFailed: Account owner: is invalid".to_owned());
    update.runs_failed = Some(1);
    update.failing_since = Some(at("2026-11-23T06:01:00Z"));
    update.left_out = vec!["account_owner".to_owned()];

    let silent = &mut results[9];
    silent.outcome = Outcome::Unknown;
    silent.error = Some(
        "Zendesk gave no result, and the organization does not have the wanted values".to_owned(),
    );
    silent.runs_failed = Some(3);
    silent.failing_since = Some(at("2026-11-23T03:59:00Z"));

    let drifted = results.last_mut().expect("a mark");
    drifted.outcome = Outcome::Drifted;
    drifted.job_id = None;
}

/// A run whose secret Salesforce refused.
fn failed_accounts() -> (Report, Option<Notice>) {
    let reached = Reached::BeforePlan {
        accounts: None,
        instances: Vec::new(),
        own_marks: 2,
    };
    let cause = "salesforce: token: status 400 invalid_client; check client_id and client_secret \
                 of the secret partner-sync/salesforce, and that the app is enabled";
    failed_early("Sync.Auth", cause, reached, &RunUsage::default())
}

/// A run whose second page of organizations did not come.
fn failed_before_a_plan() -> (Report, Option<Notice>) {
    let reached = Reached::BeforePlan {
        accounts: Some(168),
        instances: Vec::new(),
        own_marks: 0,
    };
    let cause = "zendesk global: the read is not complete: a page in the middle is empty, after \
                 100 records; the next run reads again";
    failed_early("Sync.Incomplete", cause, reached, &read_usage(168, 100))
}

/// A run in which compare found that somebody had changed a document.
fn failed_compare() -> (Report, Option<Notice>) {
    let accounts = accounts(&quiet());
    let organizations = organizations(&quiet(), &accounts);
    let reached = Reached::BeforePlan {
        accounts: Some(accounts.get().len()),
        instances: organizations.get().instances.clone(),
        own_marks: 1,
    };
    let cause = "runs/2026-11-23T06-00/organizations.json was changed after it was written; start \
                 a new run";
    failed_early("Sync.Contract", cause, reached, &read_usage(168, 6010))
}

fn failed_early(
    error: &str,
    cause: &str,
    reached: Reached<'_>,
    usage: &RunUsage,
) -> (Report, Option<Notice>) {
    let history = with_failure(
        &past(29, Verdict::Ok),
        error,
        usage,
        Counts::default(),
        Applied::default(),
    );
    let end = RunEnd::Failed {
        error,
        cause,
        reached,
    };
    both(about(&history, usage, Mode::Apply), &end)
}

/// The report, and what people are told.
fn both(about: ReportContext<'_>, end: &RunEnd<'_>) -> (Report, Option<Notice>) {
    let told = match about.mode {
        Mode::Apply => notice(about, end).expect("a message"),
        Mode::Plan => None,
    };
    let about = ReportContext {
        people_are_told: told.is_some(),
        ..about
    };
    (Report::of(about, end), told)
}

fn with_failure(
    past: &[PastRun],
    error: &str,
    usage: &RunUsage,
    counts: Counts,
    applied: Applied,
) -> History {
    let mut history = history(past);
    history.note(PastRun {
        run_id: RUN.to_owned(),
        ended_at: ended_at(usage),
        seconds: seconds(usage),
        ending: Verdict::Failed,
        error: Some(error.to_owned()),
        counts,
        applied,
        linked: None,
        held: Vec::new(),
        offered: Vec::new(),
        claim: Claim::default(),
        told: false,
        untold: Vec::new(),
    });
    history
}

/// A run that found the one of an hour ago still at work.
fn skipped() -> (Report, Option<Notice>) {
    let mut earlier = past(13, Verdict::Ok);
    earlier.pop();
    let holder = format!(
        "{}:2026-11-23T05-00",
        MACHINE.replace(":stateMachine:", ":execution:")
    );
    let end = RunEnd::Skipped {
        holder: &holder,
        approve: &[],
    };
    let history = history(&earlier);
    let about = about(&history, &RunUsage::default(), Mode::Apply);
    (Report::of(about, &end), None)
}

fn about<'a>(history: &'a History, usage: &RunUsage, mode: Mode) -> ReportContext<'a> {
    ReportContext {
        run_id: RUN,
        started_at: started_at(),
        ended_at: ended_at(usage),
        bucket: BUCKET,
        state_machine: Some(MACHINE),
        mode,
        reporting: &REPORTING,
        history,
        people_are_told: false,
    }
}
