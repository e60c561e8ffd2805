//! The last invocation of an execution that was replaced may still be running, and its last create
//! may still take effect. Both are waited for.

use domain::model::run_key;
use domain::{Error, Result};
use jiff::Timestamp;
use serde::Deserialize;
use stage::deadline::seconds_until;
use stage::store::Store;

use crate::doubt::after_a_create;
use crate::state::FILE;

/// What is read of another run's progress.
#[derive(Deserialize)]
struct OthersProgress {
    /// Set while an invocation works, and left behind by one that was stopped.
    working_until: Option<Timestamp>,
    open_create: Option<OpenCreate>,
    #[serde(default)]
    creates_from: Option<Timestamp>,
}

#[derive(Deserialize)]
struct OpenCreate {
    look_at: Timestamp,
}

/// What an execution that was replaced keeps its successor from doing.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Fence {
    /// For how many seconds it may still be applying its plan; 0 if it cannot be.
    pub seconds: u64,
    /// Before this moment no create may be sent: one of it may still take effect.
    pub creates_from: Option<Timestamp>,
}

/// What the execution with this ARN leaves. If Lambda itself lets only one invocation run
/// (`is_alone`), it is not applying its plan any more; but it may have been stopped between a
/// create and the progress that tells of it.
///
/// # Errors
/// As for [`Store::get`].
pub async fn of<S: Store>(
    store: &S,
    execution: &str,
    is_alone: bool,
    now: Timestamp,
) -> Result<Fence> {
    let Some(run_id) = execution.rsplit(':').next().filter(|id| !id.is_empty()) else {
        return Ok(Fence::default());
    };
    let found = match store.find_json(&run_key(run_id, FILE)).await {
        Ok(found) => found,
        // No version of this code that could still be running wrote that.
        Err(Error::Contract(_)) => None,
        Err(other) => return Err(other),
    };
    Ok(found.map_or_else(Fence::default, |others: OthersProgress| {
        others.fence(is_alone, now)
    }))
}

impl OthersProgress {
    fn fence(self, is_alone: bool, now: Timestamp) -> Fence {
        let Self {
            working_until,
            open_create,
            creates_from,
        } = self;
        let runs_until = working_until.filter(|_| !is_alone);
        let stopped_at = working_until.map(|until| until.min(now));
        let known = open_create.map(|open| open.look_at).max(creates_from);
        Fence {
            seconds: runs_until.map_or(0, |until| seconds_until(until, now)),
            creates_from: stopped_at.map(after_a_create).max(known),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(1_795_000_000 + seconds).unwrap()
    }

    fn fence(progress: &str, is_alone: bool) -> Fence {
        let others: OthersProgress = serde_json::from_str(progress).unwrap();
        others.fence(is_alone, at(0))
    }

    fn working_until(seconds: i64) -> String {
        format!(
            r#"{{"working_until": "{}", "open_create": null}}"#,
            at(seconds)
        )
    }

    #[test]
    fn an_invocation_that_may_run_is_waited_for_unless_lambda_lets_only_one_run() {
        assert_eq!(fence(&working_until(100), false).seconds, 100);
        assert_eq!(fence(&working_until(100), true).seconds, 0);
        assert_eq!(fence(&working_until(-1), false).seconds, 0);
    }

    #[test]
    fn a_create_that_may_have_been_sent_before_it_was_saved_is_waited_for() {
        for is_alone in [true, false] {
            let stopped_now = fence(&working_until(100), is_alone);
            assert_eq!(stopped_now.creates_from, Some(at(60)));
            let stopped_before = fence(&working_until(-40), is_alone);
            assert_eq!(stopped_before.creates_from, Some(at(20)));
        }
    }

    #[test]
    fn a_create_that_is_known_to_be_in_doubt_is_waited_for_and_so_is_one_that_it_waited_for() {
        let open = format!(
            r#"{{"working_until": null, "open_create": {{"look_at": "{}"}}}}"#,
            at(50)
        );
        assert_eq!(fence(&open, true).creates_from, Some(at(50)));
        let waiting = format!(
            r#"{{"working_until": null, "open_create": null, "creates_from": "{}"}}"#,
            at(30)
        );
        assert_eq!(fence(&waiting, true).creates_from, Some(at(30)));
        let ended = r#"{"working_until": null, "open_create": null}"#;
        assert_eq!(fence(ended, true), Fence::default());
    }
}
