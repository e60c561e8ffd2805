//! The last invocation of an execution that was replaced may still be running, and its last create
//! may still take effect. Both are waited for.

use domain::model::run_key;
use domain::{Error, Result};
use jiff::Timestamp;
use serde::Deserialize;
use stage::deadline::seconds_until;
use stage::store::Store;

use crate::state::FILE;

/// What is read of another run's progress.
#[derive(Deserialize)]
struct OthersProgress {
    working_until: Option<Timestamp>,
    open_create: Option<OpenCreate>,
}

#[derive(Deserialize)]
struct OpenCreate {
    look_at: Timestamp,
}

/// For how many seconds the execution with this ARN may still be applying its plan; 0 if it cannot
/// be. If Lambda itself lets only one invocation run (`is_alone`), only its create in doubt counts.
///
/// # Errors
/// As for [`Store::get`].
pub async fn seconds_of<S: Store>(
    store: &S,
    execution: &str,
    is_alone: bool,
    now: Timestamp,
) -> Result<u64> {
    let Some(run_id) = execution.rsplit(':').next().filter(|id| !id.is_empty()) else {
        return Ok(0);
    };
    let found = match store.find_json(&run_key(run_id, FILE)).await {
        Ok(found) => found,
        // No version of this code that could still be running wrote that.
        Err(Error::Contract(_)) => None,
        Err(other) => return Err(other),
    };
    let Some(OthersProgress {
        working_until,
        open_create,
    }) = found
    else {
        return Ok(0);
    };
    let moments = [
        working_until.filter(|_| !is_alone),
        open_create.map(|open| open.look_at),
    ];
    let seconds = moments
        .into_iter()
        .flatten()
        .map(|moment| seconds_until(moment, now));
    Ok(seconds.max().unwrap_or_default())
}
