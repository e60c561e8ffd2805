//! Without reserved concurrency, the last invocation of an execution that was replaced may still be
//! running. It is waited for.

use jiff::Timestamp;
use serde::Deserialize;
use shared::deadline::{now, seconds_until};
use shared::model::run_key;
use shared::store::Store;
use shared::{Error, Result};

use crate::state::FILE;

/// What is read of another run's progress.
#[derive(Deserialize)]
struct Working {
    working_until: Option<Timestamp>,
}

/// For how many seconds the execution with this ARN may still be applying its plan; 0 if it cannot
/// be.
///
/// # Errors
/// As for [`Store::get`].
pub async fn seconds_of<S: Store>(store: &S, execution: &str) -> Result<u64> {
    let Some(run_id) = execution.rsplit(':').next().filter(|id| !id.is_empty()) else {
        return Ok(0);
    };
    match store.find_json::<Working>(&run_key(run_id, FILE)).await {
        Ok(found) => {
            let until = found.and_then(|working| working.working_until);
            Ok(until.map_or(0, |until| seconds_until(until, now())))
        }
        // Whoever wrote that is no version of ours that could be waited for.
        Err(Error::Contract(_)) => Ok(0),
        Err(other) => Err(other),
    }
}
