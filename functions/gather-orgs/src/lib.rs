//! Stage 2: the partner organizations of every Zendesk instance, and who could be mistaken for one,
//! in `organizations.json`.

mod scan;
mod walk;

use std::time::Instant;

use lambda_runtime::LambdaEvent;
use serde_json::Value;
use shared::config::GatherOrgs;
use shared::deadline::Deadline;
use shared::http::Meter;
use shared::lambda::{GatherOrgsEvent, GatheredOrgs, Progress, SoFar, parse, run_id_of};
use shared::model::{Accounts, Credential, run_key};
use shared::secrets::Secrets;
use shared::store::Store;
use shared::telemetry::{Metric, log_failed, record, record_usage};
use shared::zendesk::{Client, Credentials, Scope};
use shared::{Error, Result};

pub use scan::{Scan, Wanted};
use walk::{Cut, walk};

/// The progress of a stage that was cut, below `runs/{run_id}/`.
const STATE: &str = "gather-orgs-state.json";

/// Walks all instances, goes on where an earlier invocation stopped, and writes
/// `organizations.json` at the end.
///
/// # Errors
/// [`Error::Incomplete`] unless every walk came to its end; [`Error::Contract`] if the target's
/// fields do not fit the mapping; otherwise as Zendesk answers. `organizations.json` is not written
/// then.
pub async fn handler<S: Store, K: Secrets>(
    config: &Result<GatherOrgs, Error>,
    store: &S,
    secrets: &K,
    event: LambdaEvent<Value>,
) -> Result<Progress<GatheredOrgs>, Error> {
    let run_id = run_id_of(&event.payload);
    let meter = Meter::default();
    let gathered = gather(config, store, secrets, &meter, event).await;
    gathered.inspect_err(|error| log_failed("gather-orgs", &run_id, error, &meter.take_ids()))
}

async fn gather<S: Store, K: Secrets>(
    config: &Result<GatherOrgs, Error>,
    store: &S,
    secrets: &K,
    meter: &Meter,
    event: LambdaEvent<Value>,
) -> Result<Progress<GatheredOrgs>, Error> {
    let began = Instant::now();
    let config = config.as_ref().map_err(Clone::clone)?;
    let deadline = Deadline::from(&event.context);
    let GatherOrgsEvent { run_id, accounts } = parse(event.payload)?;
    let accounts: Accounts = store.get_json(&accounts).await?;
    let wanted = Wanted::of(&accounts.into_complete(&run_id)?)?;
    let mut scan = open_scan(store, &run_id).await?;

    let mut credentials = Vec::new();
    let walked = walk_all(
        config,
        secrets,
        meter,
        &wanted,
        deadline,
        &mut scan,
        &mut credentials,
    )
    .await;
    let usage = meter.take().usage(began, credentials);
    record_usage(&usage);
    scan.usage.add(&usage);
    match walked {
        Ok(()) => finish(store, scan, meter).await,
        Err(cut) => stop(store, scan, meter, cut).await,
    }
}

async fn open_scan<S: Store>(store: &S, run_id: &str) -> Result<Scan> {
    match store.find_json::<Scan>(&run_key(run_id, STATE)).await? {
        Some(scan) => scan.resumed(STATE, run_id),
        None => Ok(Scan::new(run_id)),
    }
}

/// Walks every instance that is not read yet, one after the other.
async fn walk_all<K: Secrets>(
    config: &GatherOrgs,
    secrets: &K,
    meter: &Meter,
    wanted: &Wanted,
    deadline: Deadline,
    scan: &mut Scan,
    used: &mut Vec<Credential>,
) -> Result<(), Cut> {
    for (instance, secret) in &config.instances {
        if scan.has_read(instance) {
            continue;
        }
        let text = secrets.secret(secret).await?;
        let credentials = Credentials::read(secret, &text)?;
        used.push(credentials.describe());
        let mut client = Client::new(instance, credentials, Scope::Read, meter)?;
        walk(&mut client, scan, wanted, deadline).await?;
    }
    Ok(())
}

/// All instances are read: the document is written.
async fn finish<S: Store>(
    store: &S,
    scan: Scan,
    meter: &Meter,
) -> Result<Progress<GatheredOrgs>, Error> {
    let usage = scan.usage.clone();
    let document = scan.into_document();
    let count = document.organizations.len();
    let scanned = document.scanned();
    let run_id = &document.header.run_id;
    let key = run_key(run_id, "organizations.json");
    let organizations = store.put_json(&key, &document, count).await?;
    record(Metric::OrganizationsScanned, scanned);
    tracing::info!(
        run_id,
        scanned,
        partner_organizations = count,
        calls = usage.calls,
        throttled = usage.throttled,
        milliseconds = usage.milliseconds,
        request_ids = meter.take_ids(),
        "organizations gathered"
    );
    Ok(Progress::Done(GatheredOrgs {
        organizations,
        usage,
    }))
}

/// A walk was cut: the progress is saved, and the state machine is told when to come back.
async fn stop<S: Store>(
    store: &S,
    mut scan: Scan,
    meter: &Meter,
    cut: Cut,
) -> Result<Progress<GatheredOrgs>, Error> {
    let organizations = scan.scanned();
    let so_far = SoFar {
        handled: organizations,
        total: None,
    };
    match cut {
        Cut::Deadline => {
            save(store, &scan).await?;
            let request_ids = meter.take_ids();
            let run_id = scan.run_id();
            tracing::info!(run_id, organizations, request_ids, "to be continued");
            Ok(Progress::Continue { so_far })
        }
        Cut::Pause { seconds, what } if scan.throttled.one_more() => {
            scan.usage.waited(seconds);
            save(store, &scan).await?;
            tracing::info!(
                run_id = scan.run_id(),
                organizations,
                wait_seconds = seconds,
                request_ids = meter.take_ids(),
                "pause: {what}"
            );
            Ok(Progress::Wait {
                wait_seconds: seconds,
                so_far,
            })
        }
        Cut::Pause { seconds: _, what } => {
            let endless = Error::Throttled {
                what: format!("{what}, again and again"),
                retry_after: None,
            };
            fail(store, &scan, endless).await
        }
        Cut::Stop(error) => fail(store, &scan, error).await,
    }
}

/// What stopped the walk matters more than that its progress may be lost.
async fn fail<S: Store, T>(store: &S, scan: &Scan, error: Error) -> Result<T, Error> {
    if let Err(lost) = save(store, scan).await {
        tracing::warn!(run_id = scan.run_id(), "the progress is lost: {lost}");
    }
    Err(error)
}

async fn save<S: Store>(store: &S, scan: &Scan) -> Result<()> {
    let key = run_key(scan.run_id(), STATE);
    store.put_json(&key, scan, scan.scanned()).await.map(drop)
}
