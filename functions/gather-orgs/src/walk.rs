//! The walk over the organizations of one instance.

use domain::Error;
use futures_util::future::join;
use stage::deadline::Deadline;
use vendors::zendesk::{CallError, Client, OrganizationsPage, PageBody, check_fields};

use crate::scan::{Walk, Wanted};

/// Why a walk stopped before its end.
pub(crate) enum Cut {
    /// The invocation's time is nearly over.
    Deadline,
    /// Zendesk asks for a pause.
    Pause { seconds: u64, what: String },
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

/// Reads one instance to its end. What was read before a cut is in `walk`.
pub(crate) async fn go_on(
    client: &mut Client,
    walk: &mut Walk,
    wanted: &Wanted,
    deadline: &Deadline,
) -> Result<(), Cut> {
    if walk.is_of_target() && !walk.fields_fit {
        check_fields(&client.organization_fields().await?, &wanted.mapping)?;
        walk.fields_fit = true;
    }
    // Every invocation reads at least one page, so the stage ends at last, however short the
    // invocations are.
    let mut body = fetch(client, walk.cursor()).await?;
    let mut has_read = false;
    loop {
        let may_go_on = deadline.allows_more();
        let ahead = body.cursor_ahead(walk.cursor()).filter(|_| may_go_on);
        let (fetched, page) = join(
            fetch_ahead(client, ahead.as_deref()),
            read(&body, walk.name(), wanted),
        )
        .await;
        let page = match page {
            Ok(page) => page?,
            // The two calls before may have taken their time.
            Err(_) if has_read && !deadline.allows_more() => return Err(Cut::Deadline),
            Err(_) => read_again(client, walk, wanted).await?,
        };
        has_read = true;
        if walk.take(&client.host(), page, &wanted.mapping, client.now())? {
            return Ok(());
        }
        if !may_go_on {
            return Err(Cut::Deadline);
        }
        body = match fetched {
            Some(next) if ahead.as_deref() == walk.cursor() => next?,
            _ => fetch(client, walk.cursor()).await?,
        };
    }
}

/// The page after a cursor, unless the rate limit is nearly used up.
async fn fetch(client: &mut Client, cursor: Option<&str>) -> Result<PageBody, Cut> {
    if let Some(seconds) = client.nearly_used_up() {
        let name = &client.name;
        return Err(Cut::Pause {
            seconds,
            what: format!("zendesk {name}: the rate limit is nearly used up"),
        });
    }
    Ok(client.organizations(cursor).await?)
}

/// The page after a cursor, if that is known already.
async fn fetch_ahead(client: &mut Client, cursor: Option<&str>) -> Option<Result<PageBody, Cut>> {
    Some(fetch(client, Some(cursor?)).await)
}

/// Reads a page while the next one is on its way.
async fn read(
    body: &PageBody,
    instance: &str,
    wanted: &Wanted,
) -> serde_json::Result<domain::Result<OrganizationsPage>> {
    // The connection has to send the request first.
    tokio::task::yield_now().await;
    body.read(instance, &wanted.mapping, |listed| {
        wanted.keeps(instance, listed)
    })
}

/// Asks again for a page that named the next one and is broken inside, as for any broken reply.
async fn read_again(
    client: &mut Client,
    walk: &Walk,
    wanted: &Wanted,
) -> Result<OrganizationsPage, Cut> {
    let instance = walk.name();
    tracing::info!(instance, "a page is broken within, and asked for again");
    let body = client.whole_organizations(walk.cursor()).await?;
    let page = read(&body, walk.name(), wanted).await;
    let broken = |_| Error::Transient(format!("zendesk {}: a broken page", walk.name()));
    Ok(page.map_err(broken)??)
}

/// The most seconds that all pauses of an instance other than the target may take together.
const MOST_WAITED_SECONDS: u64 = 600;

/// What the stage does after a walk was cut; `is_over` says that the run's time is over.
///
/// A fault of the target ends the run. A fault of another instance ends only that instance's walk:
/// nothing is decided by it, and it must not keep the target waiting. Source: contract, section 2,
/// gather-orgs, item 7.
pub(crate) fn after_cut(walk: &mut Walk, cut: Cut, is_over: bool) -> Result<Next, Error> {
    let error = match cut {
        Cut::Deadline | Cut::Pause { .. } if is_over => out_of_time(walk.name()),
        Cut::Deadline => return Ok(Next::Continue),
        Cut::Pause { seconds, what } => {
            walk.waited_seconds += seconds;
            let is_patient = walk.is_of_target() || walk.waited_seconds <= MOST_WAITED_SECONDS;
            if is_patient && walk.throttled.one_more() {
                return Ok(Next::Wait { seconds, what });
            }
            Error::Throttled {
                what: format!("{what}, again and again"),
                retry_after: None,
            }
        }
        Cut::Stop(error) => error,
    };
    if walk.is_of_target() {
        return Err(error);
    }
    tracing::error!(
        instance = walk.name(),
        error = error.name(),
        "the instance is given up: {error}"
    );
    walk.give_up(&error);
    Ok(Next::Done)
}

/// An error that the state machine does not retry: the run must end by itself, with its report.
fn out_of_time(instance: &str) -> Error {
    Error::Incomplete(format!(
        "zendesk {instance}: the run's time is over before all organizations were read; the next \
         run reads again; look who else uses the API"
    ))
}

/// What comes after a walk; the longest wait of all walks decides.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Next {
    /// The walk has ended.
    Done,
    /// It goes on at once.
    Continue,
    /// It goes on after a pause.
    Wait { seconds: u64, what: String },
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scan::Scan;

    #[test]
    fn when_the_runs_time_is_over_the_target_ends_the_run_and_another_instance_its_walk_alone() {
        let pause = || Cut::Pause {
            seconds: 900,
            what: "throttled".to_owned(),
        };
        let mut scan = Scan::new("run", jiff::Timestamp::UNIX_EPOCH);
        let names = ["global".to_owned(), "us-government".to_owned()];
        for walk in scan.begin(&names, "global", jiff::Timestamp::UNIX_EPOCH) {
            assert_eq!(after_cut(walk, Cut::Deadline, false), Ok(Next::Continue));
            for cut in [Cut::Deadline, pause()] {
                let judged = after_cut(walk, cut, true);
                if walk.is_of_target() {
                    assert_eq!(judged.unwrap_err().name(), "Sync.Incomplete");
                } else {
                    assert_eq!(judged, Ok(Next::Done));
                }
            }
        }
    }
}
