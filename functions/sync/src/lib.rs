//! Stage 4: the plan, applied. Creates, then updates, then marks; killed anywhere, the next invocation goes on.

mod bulk;
mod create;
mod ending;
mod session;
mod state;
mod work;

use std::time::Duration;

use lambda_runtime::LambdaEvent;
use serde_json::Value;
use shared::config::Sync;
use shared::deadline::Deadline;
use shared::lambda::{Progress, SyncEvent, Synced, parse};
use shared::secrets::Secrets;
use shared::store::Store;
use shared::zendesk::CallError;
use shared::{Error, Result};

pub use session::Session;
use state::{State, Step};
use work::Work;

/// Between two looks at running jobs: a short sleep a few times, then a Wait state.
const LOOK_AGAIN: Duration = Duration::from_secs(1);
const LOOKS: u32 = 3;
const LOOK_LATER: u64 = 5;

/// Applies the plan as far as the invocation's time allows.
///
/// # Errors
/// [`Error::Contract`] if the plan or its lists were changed, or saved progress belongs to another plan; otherwise as Zendesk
/// answers. Progress is saved after every write, so the same input may be sent again.
pub async fn handler<S: Store, K: Secrets>(
    config: &Result<Sync, Error>,
    store: &S,
    secrets: &K,
    session: &Session,
    event: LambdaEvent<Value>,
) -> Result<Progress<Synced>, Error> {
    let Sync { bucket: _, secret, jobs_per_pause, pause_seconds } = config.as_ref().map_err(Clone::clone)?;
    let deadline = Deadline::from(&event.context);
    let SyncEvent { run_id, plan } = parse(event.payload)?;
    let work = Work::load(store, &run_id, &plan).await?;
    let mut state = State::open(store, &run_id, &work).await?;
    let (mut looks, mut begun) = (0, false);

    loop {
        let step = state.next(&work, *jobs_per_pause);
        if step == Step::Finish {
            let summary = ending::write(store, &work, &state).await?;
            return Ok(Progress::Done(Synced { summary }));
        }
        let mut client = session.client(&run_id, secret, secrets).await?;
        let cut = if begun && !deadline.allows_more() {
            Some(Progress::Continue { so_far: state.so_far(&work) })
        } else if let Some(wait_seconds) = client.nearly_used_up() {
            Some(Progress::Wait { wait_seconds, so_far: state.so_far(&work) })
        } else {
            begun = true;
            let done = match step {
                Step::Create(index) => create::create(&mut client, &work, &mut state, index).await,
                Step::Send(chunk) => bulk::send(&mut client, &work, &mut state, chunk).await,
                Step::Look => bulk::look(&mut client, &work, &mut state, &mut looks).await,
                Step::Pause | Step::Finish => {
                    state.pausing();
                    Ok(Some(*pause_seconds))
                }
            };
            match done {
                Ok(pause) => {
                    state.went_forward();
                    pause.map(|wait_seconds| Progress::Wait { wait_seconds, so_far: state.so_far(&work) })
                }
                Err(CallError::Pause { seconds, what }) if state.may_pause() => {
                    tracing::info!(run_id = %run_id, seconds, "pause: {what}");
                    Some(Progress::Wait { wait_seconds: seconds, so_far: state.so_far(&work) })
                }
                Err(error) => {
                    state.save(store, false).await?;
                    return Err(error.into());
                }
            }
        };
        state.save(store, cut.is_some()).await?;
        if let Some(cut) = cut {
            return Ok(cut);
        }
    }
}
