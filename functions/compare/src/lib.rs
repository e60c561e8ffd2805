//! Stage 3: accounts against organizations. No HTTP client, no vendor secret: it can read and write documents, nothing else.

use jiff::tz::TimeZone;
use lambda_runtime::LambdaEvent;
use serde_json::Value;
use shared::config::Compare;
use shared::lambda::{CompareEvent, Compared, ExecutionInput, parse};
use shared::model::{Accounts, Header, LastGood, Mode, Organizations};
use shared::plan::{Creates, Inputs, List, Listed, Lists, NotInSync, Plan, Rules, Seen, Target, Updates, diff, judge};
use shared::report;
use shared::store::{LATEST, Store, key};
use shared::{Error, Result};

/// The instance that is written to.
const TARGET: &str = "global";

/// Makes the plan and writes `creates.json`, `updates.json`, `not_in_sync.json` and `plan.json`; in plan mode the report as well.
///
/// # Errors
/// [`Error::Contract`] or [`Error::Incomplete`] if a document does not prove a complete read; [`Error::Input`], [`Error::Config`].
pub async fn handler<S: Store>(config: &Result<Compare, Error>, store: &S, event: LambdaEvent<Value>) -> Result<Compared, Error> {
    let Compare { bucket: _, protected, retention_years, limits } = config.as_ref().map_err(Clone::clone)?;
    let event: CompareEvent = parse(event.payload)?;
    let (run_id, ExecutionInput { mode, approve }) = (&event.run_id, ExecutionInput::read(&event.input)?);
    let accounts = store.get_json::<Accounts>(&event.accounts).await?.into_complete(run_id)?;
    let organizations = store.get_json::<Organizations>(&event.organizations).await?.into_complete(run_id, TARGET)?;
    let scanned = organizations.get().instances.iter().map(|instance| instance.organizations_scanned).sum();
    let target = organizations.map(|Organizations { organizations, lookalikes, header: _, instances: _ }| Target {
        partners: organizations.into_iter().filter(|one| one.instance == TARGET).collect(),
        lookalikes: lookalikes.into_iter().filter(|one| one.instance == TARGET).collect(),
    });
    let last_good: Option<LastGood> = store.find_json(LATEST).await?;

    let today = event.started_at.to_zoned(TimeZone::UTC).date();
    let rules = Rules { protected: protected.clone(), retention_years: *retention_years, today };
    let changes = diff(&accounts, &target, &rules)?;
    let seen = Seen {
        partner_organizations: target.get().partners.len(),
        accounts: accounts.get().len(),
        accounts_of_last_good_run: last_good.map(|last| last.counts.accounts),
    };
    let guard = judge(&changes, seen, limits, &approve)?;

    let lists = Lists {
        creates: put_list::<Creates, S>(store, run_id, &changes.creates).await?,
        updates: put_list::<Updates, S>(store, run_id, &changes.updates).await?,
        not_in_sync: put_list::<NotInSync, S>(store, run_id, &changes.marks).await?,
    };
    let counts = Plan::counts(&changes, seen.accounts, scanned, seen.partner_organizations);
    let entries = counts.creates + counts.updates + counts.marks;
    let plan = Plan {
        header: Header::new(run_id, entries),
        mode,
        digest: Plan::digest_of([&lists.creates.digest, &lists.updates.digest, &lists.not_in_sync.digest]),
        counts,
        release: release(&guard.held(), event.state_machine.as_deref()),
        guard,
        skipped: changes.skipped,
        retained: changes.retained,
        protected: changes.protected,
        conflicts: changes.conflicts,
        already_marked: changes.already_marked,
        lists,
        inputs: Inputs { accounts: event.accounts, organizations: event.organizations, today },
    };
    let reference = store.put_json(&key(run_id, "plan.json"), &plan, entries).await?;
    for judged in plan.guard.categories.iter().filter(|judged| judged.is_held()) {
        tracing::warn!(run_id = %run_id, category = ?judged.category, digest = judged.digest, "held: {}", judged.message);
    }
    tracing::info!(run_id = %run_id, creates = counts.creates, updates = counts.updates, marks = counts.marks, conflicts = counts.conflicts, "compared");
    let summary = match mode {
        Mode::Plan => {
            let (creates, updates, marks) = (&changes.creates, &changes.updates, &changes.marks);
            report::write(store, report::Run { plan: &plan, creates, updates, marks, results: &[] }).await?
        }
        Mode::Apply => report::summary(store.bucket(), &plan, &[]),
    };
    Ok(Compared { plan: reference, summary })
}

async fn put_list<L: List + Sync, S: Store>(store: &S, run_id: &str, entries: &[L::Entry]) -> Result<Listed> {
    let document = L::of(Header::new(run_id, entries.len()), entries);
    let reference = store.put_json(&key(run_id, L::FILE), &document, entries.len()).await?;
    Ok(Listed { reference, digest: shared::plan::digest::<L>(entries)? })
}

/// The command that releases the held categories of exactly this plan.
fn release(held: &[shared::model::Held], state_machine: Option<&str>) -> Option<String> {
    let digests: Vec<_> = held.iter().map(|held| format!("\"{}\"", held.digest)).collect();
    let machine = state_machine.unwrap_or("STATE_MACHINE_ARN");
    (!held.is_empty())
        .then(|| format!("aws stepfunctions start-execution --state-machine-arn {machine} --input '{{\"approve\": [{}]}}'", digests.join(", ")))
}
