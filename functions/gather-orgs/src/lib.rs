//! Stage 2: the partner organizations of every Zendesk instance, and who could be mistaken for one,
//! in `organizations.json`.

mod scan;

use std::time::Instant;

use lambda_runtime::LambdaEvent;
use serde_json::Value;
use shared::config::GatherOrgs;
use shared::deadline::Deadline;
use shared::http::Meter;
use shared::lambda::{GatherOrgsEvent, GatheredOrgs, Progress, SoFar, parse, run_id_of};
use shared::model::{Accounts, TARGET, Usage};
use shared::secrets::Secrets;
use shared::store::{Store, key};
use shared::telemetry::{Metric, log_failed, record, record_usage};
use shared::zendesk::{CallError, Client, Credentials, Scope, check_fields};
use shared::{Error, Result};

pub use scan::{Scan, Wanted};

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
    let (run_id, meter) = (run_id_of(&event.payload), Meter::default());
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
    let GatherOrgs {
        bucket: _,
        instances,
    } = config.as_ref().map_err(Clone::clone)?;
    let deadline = Deadline::from(&event.context);
    let GatherOrgsEvent { run_id, accounts } = parse(event.payload)?;
    let accounts = store
        .get_json::<Accounts>(&accounts)
        .await?
        .into_complete(&run_id)?;
    let wanted = Wanted::of(&accounts)?;
    let state = key(&run_id, STATE);
    let mut scan = store
        .find_json::<Scan>(&state)
        .await?
        .map_or_else(|| Ok(Scan::new(&run_id)), |scan| scan.resumed(&run_id))?;
    let (mut credentials_used, mut stopped) = (Vec::new(), None);

    for (instance, secret) in instances {
        if scan.has_read(instance) {
            continue;
        }
        let credentials = Credentials::read(secret, &secrets.secret(secret).await?)?;
        credentials_used.push(credentials.describe());
        let mut client = Client::new(instance, credentials, Scope::Read, meter)?;
        if let Err(cut) = walk(&mut client, &mut scan, &wanted, deadline).await {
            stopped = Some(cut);
            break;
        }
    }
    let usage = meter.take().usage(began, credentials_used);
    record_usage(&usage);
    scan.usage.add(&usage);
    let handled = scan.scanned();
    let so_far = SoFar {
        handled,
        total: None,
    };
    let failed = match stopped {
        None => None,
        Some(Cut::Stop(error)) => Some(error),
        Some(Cut::Pause {
            seconds: wait_seconds,
            what,
        }) if scan.throttled.one_more() => {
            scan.usage.add(&Usage::default().waiting(wait_seconds));
            store.put_json(&state, &scan, handled).await?;
            tracing::info!(
                run_id = %run_id,
                organizations = handled,
                wait_seconds,
                request_ids = meter.take_ids(),
                "pause: {what}"
            );
            return Ok(Progress::Wait {
                wait_seconds,
                so_far,
            });
        }
        Some(Cut::Pause { seconds: _, what }) => Some(Error::Throttled {
            what: format!("{what}, again and again"),
            retry_after: None,
        }),
        Some(Cut::Deadline) => {
            store.put_json(&state, &scan, handled).await?;
            tracing::info!(
                run_id = %run_id,
                organizations = handled,
                request_ids = meter.take_ids(),
                "to be continued"
            );
            return Ok(Progress::Continue { so_far });
        }
    };
    if let Some(error) = failed {
        // What stopped the walk matters more than that it begins anew.
        let saved = store.put_json(&state, &scan, handled).await;
        let _ = saved
            .inspect_err(|lost| tracing::warn!(run_id = %run_id, "the progress is lost: {lost}"));
        return Err(error);
    }
    let usage = scan.usage.clone();
    let document = scan.into_document();
    let (count, scanned) = (document.organizations.len(), document.scanned());
    let organizations = store
        .put_json(&key(&run_id, "organizations.json"), &document, count)
        .await?;
    record(Metric::OrganizationsScanned, scanned);
    let Usage {
        calls,
        throttled,
        milliseconds,
        ..
    } = usage;
    let request_ids = meter.take_ids();
    tracing::info!(
        run_id = %run_id,
        scanned,
        partner_organizations = count,
        calls,
        throttled,
        milliseconds,
        request_ids,
        "organizations gathered"
    );
    Ok(Progress::Done(GatheredOrgs {
        organizations,
        usage,
    }))
}

/// Why a walk stopped before its end.
enum Cut {
    Deadline,
    Pause { seconds: u64, what: String },
    Stop(Error),
}

impl From<CallError> for Cut {
    fn from(error: CallError) -> Self {
        match error {
            CallError::Pause { seconds, what } => Self::Pause { seconds, what },
            other => Self::Stop(other.into()),
        }
    }
}

/// Reads one instance to its end. What was read before a cut is in `scan`.
async fn walk(
    client: &mut Client,
    scan: &mut Scan,
    wanted: &Wanted,
    deadline: Deadline,
) -> Result<(), Cut> {
    let name = client.name.clone();
    if name == TARGET && !scan.fields_fit {
        check_fields(&client.organization_fields().await?).map_err(Cut::Stop)?;
        scan.fields_fit = true;
    }
    // Every invocation reads at least one page, so that the stage comes to its end however short
    // they are.
    for page in 0.. {
        if page > 0 && !deadline.allows_more() {
            break;
        }
        if let Some(seconds) = client.nearly_used_up() {
            return Err(Cut::Pause {
                seconds,
                what: format!("zendesk {name}: the rate limit is nearly used up"),
            });
        }
        let page = client.organizations(scan.cursor(&name)).await?;
        if scan.take(&name, page, wanted).map_err(Cut::Stop)? {
            return Ok(());
        }
    }
    Err(Cut::Deadline)
}
