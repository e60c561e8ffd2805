//! Stage 2: the partner organizations of every Zendesk instance, and others that could be mistaken
//! for one, in `organizations.json`.

mod scan;
mod walk;

use std::collections::BTreeMap;
use std::sync::Arc;

use domain::model::{Accounts, Credential, run_key};
use domain::{Error, Result};
use futures_util::future::join_all;
use jiff::Timestamp;
use lambda_runtime::LambdaEvent;
use serde_json::Value;
use stage::deadline::{Deadline, TimeLimit, start_of};
use stage::events::{GatherOrgsEvent, GatheredOrgs, Progress, SoFar, parse};
use stage::metrics::{Metric, record, record_usage};
use stage::recall::find_memory;
use stage::secrets::Secrets;
use stage::settings::{GatherOrgs, Instance};
use stage::store::Store;
use vendors::http::Wire;
use vendors::zendesk::{Client, Credentials, Scope};

pub use scan::{Scan, Walk, Wanted};
use walk::{Cut, Next};

/// The progress of a stage that was cut, below `runs/{run_id}/`.
const STATE: &str = "gather-orgs-state.json.gz";

/// Walks all instances, goes on where an earlier invocation stopped, and writes
/// `organizations.json` at the end.
///
/// # Errors
/// [`Error::Incomplete`] unless the walk over the target came to its end; [`Error::Contract`] if
/// the target's fields do not fit the mapping; [`Error::Input`] if the execution is too old, or
/// names no start; otherwise as Zendesk answers. `organizations.json` is not written then.
pub async fn handler<S: Store, K: Secrets>(
    config: &Result<GatherOrgs, Error>,
    store: &S,
    secrets: &K,
    wire: &Wire,
    event: LambdaEvent<Value>,
) -> Result<Progress<GatheredOrgs>, Error> {
    let began = wire.now();
    let config = config.as_ref().map_err(Clone::clone)?;
    let deadline = Deadline::of(&event.context, &wire.clock);
    let GatherOrgsEvent {
        run_id,
        started_at,
        accounts,
    } = parse(event.payload)?;
    let started_at = start_of(started_at, wire.now())?;
    let accounts: Accounts = store.get_json(&accounts).await?;
    let accounts = accounts.into_complete(&run_id)?;
    let memory = find_memory(store, &run_id).await?;
    let wanted = Wanted::of(&accounts, memory.as_ref(), &config.mapping)?;
    let mut scan = open_scan(store, &run_id, wire.now()).await?;

    let (clients, credentials) = clients(config, secrets, wire, &scan).await?;
    let cuts = walk_all(clients, &mut scan, &wanted, &deadline, began).await;
    let now = wire.now();
    let usage = wire.meter.take().usage(began, now, credentials);
    record_usage(&usage, now);
    scan.usage.add(&usage);
    let limit = TimeLimit::of(started_at);
    let next = match after(&mut scan, cuts, limit.is_over(now)) {
        Ok(next) => next,
        Err(error) => return fail(store, &scan, error).await,
    };
    match next {
        Next::Done => finish(store, scan, wire).await,
        Next::Continue => go_on(store, scan, wire).await,
        Next::Wait { seconds, what } => {
            let seconds = limit.wait_seconds(seconds, now);
            pause(store, scan, wire, seconds, &what).await
        }
    }
}

async fn open_scan<S: Store>(store: &S, run_id: &str, now: Timestamp) -> Result<Scan> {
    match store
        .find_compressed::<Scan>(&run_key(run_id, STATE))
        .await?
    {
        Some(scan) => scan.resumed(STATE, run_id),
        None => Ok(Scan::new(run_id, now)),
    }
}

/// A client for each instance that is still to be read, and what its credentials are. A missing or
/// malformed secret ends the run, whichever instance it belongs to; one that is optional and has no
/// secret is not read.
async fn clients<K: Secrets>(
    config: &GatherOrgs,
    secrets: &K,
    wire: &Wire,
    scan: &Scan,
) -> Result<(BTreeMap<String, Client>, Vec<Credential>)> {
    let mut clients = BTreeMap::new();
    let mut described = Vec::new();
    for Instance { site, secret } in &config.instances {
        let name = &site.name;
        if scan.has_ended(name) {
            continue;
        }
        let text = match secrets.find_secret(secret).await? {
            None if site.optional => continue,
            Some(text) => text,
            None => secrets.secret(secret).await?,
        };
        let credentials = Credentials::read(secret, &text)?;
        described.push(credentials.describe());
        let mapping = Arc::clone(&config.mapping);
        let client = Client::new(name, mapping, credentials, Scope::Read, wire)?;
        clients.insert(name.clone(), client);
    }
    Ok((clients, described))
}

/// Goes on with every walk that has not ended, all at the same time; returns where each was cut.
async fn walk_all(
    mut clients: BTreeMap<String, Client>,
    scan: &mut Scan,
    wanted: &Wanted,
    deadline: &Deadline,
    now: Timestamp,
) -> Vec<Option<Cut>> {
    let names: Vec<_> = clients.keys().cloned().collect();
    let mut under_way = Vec::new();
    for walk in scan.begin(&names, &wanted.mapping.target.name, now) {
        let client = clients.remove(walk.name());
        under_way.push(async move {
            let mut client = client?;
            let cut = walk::go_on(&mut client, walk, wanted, deadline).await.err();
            // The next invocation has a token of its own. A Zendesk that asks for a pause, or does
            // not answer, is left alone.
            if matches!(cut, None | Some(Cut::Deadline)) {
                client.give_back().await;
            }
            cut
        });
    }
    join_all(under_way).await
}

/// What the stage does after its walks were cut: the longest wait decides.
fn after(scan: &mut Scan, cuts: Vec<Option<Cut>>, is_over: bool) -> Result<Next> {
    let mut all = Next::Done;
    let mut fault = None;
    for (walk, cut) in scan.walks().iter_mut().zip(cuts) {
        let Some(cut) = cut else { continue };
        match walk::after_cut(walk, cut, is_over) {
            Ok(next) => all = all.max(next),
            Err(error) => fault = Some(error),
        }
    }
    fault.map_or(Ok(all), Err)
}

/// All instances are read: the document is written.
async fn finish<S: Store>(
    store: &S,
    scan: Scan,
    wire: &Wire,
) -> Result<Progress<GatheredOrgs>, Error> {
    let usage = scan.usage.clone();
    let document = scan.into_document(wire.now());
    let count = document.organizations.len();
    let scanned = document.scanned();
    let run_id = &document.header.run_id;
    let key = run_key(run_id, "organizations.json");
    let organizations = store.put_json(&key, &document, count).await?;
    let unread = document.instances.iter().filter(|one| !one.complete);
    record(Metric::InstancesUnread, unread.count());
    record(Metric::OrganizationsScanned, scanned);
    tracing::info!(
        run_id,
        scanned,
        partner_organizations = count,
        calls = usage.calls,
        throttled = usage.throttled,
        milliseconds = usage.milliseconds,
        request_ids = wire.meter.take_ids(),
        "organizations gathered"
    );
    Ok(Progress::Done(GatheredOrgs {
        organizations,
        usage,
    }))
}

/// The invocation's time is nearly over: the progress is saved.
async fn go_on<S: Store>(
    store: &S,
    scan: Scan,
    wire: &Wire,
) -> Result<Progress<GatheredOrgs>, Error> {
    save(store, &scan).await?;
    let run_id = scan.run_id();
    let organizations = scan.scanned();
    let request_ids = wire.meter.take_ids();
    tracing::info!(run_id, organizations, request_ids, "to be continued");
    Ok(Progress::Continue {
        so_far: so_far(&scan),
    })
}

/// Zendesk asks for a pause: the progress is saved, and the state machine told when to come back.
async fn pause<S: Store>(
    store: &S,
    mut scan: Scan,
    wire: &Wire,
    seconds: u64,
    what: &str,
) -> Result<Progress<GatheredOrgs>, Error> {
    scan.usage.waited(seconds);
    save(store, &scan).await?;
    tracing::info!(
        run_id = scan.run_id(),
        organizations = scan.scanned(),
        wait_seconds = seconds,
        request_ids = wire.meter.take_ids(),
        "pause: {what}"
    );
    Ok(Progress::Wait {
        wait_seconds: seconds,
        so_far: so_far(&scan),
    })
}

fn so_far(scan: &Scan) -> SoFar {
    SoFar {
        handled: scan.scanned(),
        total: None,
    }
}

/// Saves the progress, then fails with the error that stopped the walk. A failed save is only
/// logged: that error matters more.
async fn fail<S: Store, T>(store: &S, scan: &Scan, error: Error) -> Result<T, Error> {
    if let Err(lost) = save(store, scan).await {
        tracing::warn!(run_id = scan.run_id(), "the progress is lost: {lost}");
    }
    Err(error)
}

async fn save<S: Store>(store: &S, scan: &Scan) -> Result<()> {
    let key = run_key(scan.run_id(), STATE);
    store.put_compressed(&key, scan).await
}
