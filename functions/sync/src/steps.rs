//! One step after the other, each saved, until the work is done or the invocation must end.

use shared::config::Sync;
use shared::deadline::Deadline;
use shared::secrets::Secrets;
use shared::store::Store;
use shared::zendesk::{CallError, Client};
use shared::{Error, Result};

use crate::create::create;
use crate::jobs::poll;
use crate::send::send;
use crate::session::Session;
use crate::state::{NextStep, State};
use crate::work::Work;

/// Why an invocation comes to its end.
pub(crate) enum Stop {
    /// All is applied and proven.
    Finished,
    /// The state machine is to wait.
    Wait {
        /// How long.
        seconds: u64,
        /// For the log.
        why: String,
    },
    /// Its time is nearly over.
    Deadline,
}

/// Goes on from the saved progress.
pub(crate) async fn go_on<S: Store, K: Secrets>(
    config: &Sync,
    store: &S,
    secrets: &K,
    session: &Session,
    work: &Work,
    state: &mut State,
    deadline: Deadline,
) -> Result<Stop, Error> {
    let run_id = &work.plan().header.run_id;
    let mut polls = 0;
    let mut has_begun = false;
    loop {
        let step = state.next(work, config.jobs_per_pause);
        if step == NextStep::Finish {
            return Ok(Stop::Finished);
        }
        let mut client = session.client(run_id, &config.secret, secrets).await?;
        work.may_write_to(&client.host())?;
        if has_begun && !deadline.allows_more() {
            return Ok(Stop::Deadline);
        }
        if let Some(seconds) = client.nearly_used_up() {
            let why = "the rate limit is nearly used up".to_owned();
            return Ok(Stop::Wait { seconds, why });
        }
        has_begun = true;
        let done = do_step(step, config, &mut client, work, state, &mut polls).await;
        match done {
            Ok(None) => state.throttled.went_forward(),
            Ok(Some(wait)) => {
                state.throttled.went_forward();
                return Ok(wait);
            }
            Err(CallError::Pause { seconds, what }) if state.throttled.one_more() => {
                return Ok(Stop::Wait { seconds, why: what });
            }
            Err(error) => return Err(error.into()),
        }
        state.save(store, false).await?;
    }
}

/// Does one step. Only pausing and polling may ask for a Wait state.
async fn do_step(
    step: NextStep,
    config: &Sync,
    client: &mut Client,
    work: &Work,
    state: &mut State,
    polls: &mut u32,
) -> Result<Option<Stop>, CallError> {
    let wait = |seconds, why: &str| Stop::Wait {
        seconds,
        why: why.to_owned(),
    };
    match step {
        NextStep::Create(index) => {
            create(client, work, state, index).await?;
            Ok(None)
        }
        NextStep::Send(chunk) => {
            send(client, work, state, chunk).await?;
            Ok(None)
        }
        NextStep::Poll => {
            let seconds = poll(client, work, state, polls).await?;
            Ok(seconds.map(|seconds| wait(seconds, "jobs are running")))
        }
        NextStep::Pause => {
            state.pausing();
            Ok(Some(wait(config.pause_seconds, "enough jobs were sent")))
        }
        NextStep::Finish => Ok(Some(Stop::Finished)),
    }
}
