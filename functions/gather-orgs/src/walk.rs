//! The walk over the organizations of one instance.

use shared::Error;
use shared::deadline::Deadline;
use shared::model::TARGET;
use shared::zendesk::{CallError, Client, check_fields};

use crate::scan::{Scan, Wanted};

/// Why a walk stopped before its end.
pub(crate) enum Cut {
    /// The invocation's time is nearly over.
    Deadline,
    /// Zendesk asks for a pause.
    Pause {
        /// Its length.
        seconds: u64,
        /// For which call.
        what: String,
    },
    /// It cannot go on.
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

impl From<Error> for Cut {
    fn from(error: Error) -> Self {
        Self::Stop(error)
    }
}

/// Reads one instance to its end. What was read before a cut is in `scan`.
pub(crate) async fn walk(
    client: &mut Client,
    scan: &mut Scan,
    wanted: &Wanted,
    deadline: Deadline,
) -> Result<(), Cut> {
    let name = client.name.clone();
    if name == TARGET && !scan.fields_fit {
        check_fields(&client.organization_fields().await?)?;
        scan.fields_fit = true;
    }
    // Every invocation reads at least one page, so that the stage comes to its end however short
    // they are.
    let mut may_read = true;
    while may_read {
        if let Some(seconds) = client.nearly_used_up() {
            return Err(Cut::Pause {
                seconds,
                what: format!("zendesk {name}: the rate limit is nearly used up"),
            });
        }
        let page = client.organizations(scan.cursor(&name)).await?;
        let is_last = scan.take(&name, &client.host(), page, wanted)?;
        if is_last {
            return Ok(());
        }
        may_read = deadline.allows_more();
    }
    Err(Cut::Deadline)
}
