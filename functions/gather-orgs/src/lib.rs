//! Stage 2: the partner organizations of every Zendesk instance, and who could be mistaken for one, in `organizations.json`.

mod scan;

use lambda_runtime::LambdaEvent;
use serde_json::Value;
use shared::config::GatherOrgs;
use shared::deadline::Deadline;
use shared::lambda::{GatherOrgsEvent, GatheredOrgs, Progress, SoFar, parse};
use shared::model::Accounts;
use shared::secrets::Secrets;
use shared::store::{Store, key};
use shared::zendesk::{CallError, Client, Credentials, Scope, TARGET, check_fields};
use shared::{Error, Result};

pub use scan::{Scan, Wanted};

/// The progress of a stage that was cut, below `runs/{run_id}/`.
const STATE: &str = "gather-orgs-state.json";

/// Walks all instances, goes on where an earlier invocation stopped, and writes `organizations.json` at the end.
///
/// # Errors
/// [`Error::Incomplete`] unless every walk came to its end; [`Error::Contract`] if the target's fields do not fit the mapping;
/// otherwise as Zendesk answers. `organizations.json` is not written then.
pub async fn handler<S: Store, K: Secrets>(
    config: &Result<GatherOrgs, Error>,
    store: &S,
    secrets: &K,
    event: LambdaEvent<Value>,
) -> Result<Progress<GatheredOrgs>, Error> {
    let GatherOrgs { bucket: _, instances } = config.as_ref().map_err(Clone::clone)?;
    let deadline = Deadline::from(&event.context);
    let GatherOrgsEvent { run_id, accounts } = parse(event.payload)?;
    let accounts = store.get_json::<Accounts>(&accounts).await?.into_complete(&run_id)?;
    let wanted = Wanted::of(&accounts)?;
    let state = key(&run_id, STATE);
    let mut scan = store.find_json::<Scan>(&state).await?.map_or_else(|| Ok(Scan::new(&run_id)), |scan| scan.resumed(&run_id))?;

    for (instance, secret) in instances {
        if scan.has_read(instance) {
            continue;
        }
        let credentials = Credentials::read(secret, &secrets.secret(secret).await?)?;
        let mut client = Client::new(instance, credentials, Scope::Read)?;
        match walk(&mut client, &mut scan, &wanted, deadline).await {
            Ok(()) => {}
            Err(cut) => {
                let cut = match cut {
                    Cut::Pause { what, .. } if !scan.may_pause() => {
                        Cut::Stop(Error::Throttled { what: format!("{what}, again and again"), retry_after: None })
                    }
                    cut => cut,
                };
                store.put_json(&state, &scan, scan.scanned()).await?;
                let so_far = SoFar { handled: scan.scanned(), total: None };
                tracing::info!(run_id = %run_id, instance, organizations = so_far.handled, "scan cut, progress saved");
                return match cut {
                    Cut::Stop(error) => Err(error),
                    Cut::Pause { seconds: wait_seconds, .. } => Ok(Progress::Wait { wait_seconds, so_far }),
                    Cut::Deadline => Ok(Progress::Continue { so_far }),
                };
            }
        }
    }
    let document = scan.into_document();
    let count = document.organizations.len();
    let organizations = store.put_json(&key(&run_id, "organizations.json"), &document, count).await?;
    tracing::info!(run_id = %run_id, partner_organizations = count, lookalikes = document.lookalikes.len(), "organizations gathered");
    Ok(Progress::Done(GatheredOrgs { organizations }))
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
            CallError::Pause { seconds, what } => {
                tracing::warn!(seconds, "{what}");
                Self::Pause { seconds, what }
            }
            other => Self::Stop(other.into()),
        }
    }
}

/// Reads one instance to its end. What was read before a cut is in `scan`.
async fn walk(client: &mut Client, scan: &mut Scan, wanted: &Wanted, deadline: Deadline) -> Result<(), Cut> {
    let name = client.name.clone();
    if name == TARGET && !scan.fields_fit {
        check_fields(&client.organization_fields().await?).map_err(Cut::Stop)?;
        scan.fields_fit = true;
    }
    // Every invocation reads at least one page, so that the stage comes to its end however short they are.
    for page in 0.. {
        if page > 0 && !deadline.allows_more() {
            break;
        }
        if let Some(seconds) = client.nearly_used_up() {
            return Err(Cut::Pause { seconds, what: format!("zendesk {name}: the rate limit is nearly used up") });
        }
        let page = client.organizations(scan.cursor(&name)).await?;
        if scan.take(&name, page, wanted).map_err(Cut::Stop)? {
            return Ok(());
        }
    }
    Err(Cut::Deadline)
}
