//! `sync-state.json`: how far a run is, and what comes next. Saved after every write to Zendesk.

mod chunks;
mod giving_up;
mod segments;

use domain::model::{Action, Header, Outcome, Related, Usage, run_key};
use domain::{Error, Result};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use stage::deadline::{Deadline, Pauses, now, seconds_until};
use stage::events::SoFar;
use stage::store::Store;

use crate::doubt::{MOST_FAILED_READS, OpenCreate};
use crate::outcomes;
use crate::work::Work;

pub use chunks::Chunk;
pub use segments::{Grown, Segments};

/// The document's name, below `runs/{run_id}/`.
pub const FILE: &str = "sync-state.json";

/// Progress. Only exceptions are kept per record, and what is decided lies in segments, so each
/// save writes a few kilobytes however many changes there are.
#[derive(Debug, Serialize, Deserialize)]
pub struct State {
    #[serde(flatten)]
    header: Header,
    plan_digest: String,
    /// When sync began with this plan.
    pub began_at: Timestamp,
    /// Until when the invocation that works now may run, none between two invocations. Who finds a
    /// moment here that has passed was preceded by one that was killed.
    working_until: Option<Timestamp>,
    segments: Segments,
    /// What became of the creates, in order.
    pub creates: Grown<CreateResult>,
    /// The create that comes next, if it was sent and is in doubt.
    pub open_create: Option<OpenCreate>,
    next_update: usize,
    next_mark: usize,
    /// Chunks that are sent once more.
    pub again: Vec<Chunk>,
    /// Every job that was accepted.
    pub jobs: Grown<SentJob>,
    /// Updates and marks that did not simply succeed with their job.
    pub exceptions: Grown<Exception>,
    since_pause: usize,
    /// True after `TooManyJobs`, until a job of ours has ended.
    no_room: bool,
    /// Pauses and doubtful answers since anything went forward.
    pub throttled: Pauses,
    /// Since when nothing went forward.
    pub stalled_since: Option<Timestamp>,
    /// True once Zendesk was asked what hangs on the marks.
    #[serde(default)]
    pub has_asked: bool,
    #[serde(default)]
    pub related: Vec<Related>,
    /// What the invocations before used.
    #[serde(default)]
    pub usage: Usage,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct SentJob {
    pub id: String,
    pub chunk: Chunk,
    pub phase: Phase,
    pub sent_at: Timestamp,
    /// Since when Zendesk does not show it.
    pub missing_since: Option<Timestamp>,
    /// Times its records could not be read back.
    pub failed_reads: u32,
}

impl SentJob {
    /// False after too many reads in vain.
    pub fn may_be_read_back(&self) -> bool {
        self.failed_reads < MOST_FAILED_READS
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Phase {
    /// Queued or working.
    Running,
    /// Every record of it is judged, or is sent once more.
    Judged,
    /// Failed as a whole; its halves are sent again.
    Halved,
}

/// What became of a create.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct CreateResult {
    pub outcome: Outcome,
    pub id: Option<u64>,
    pub error: Option<String>,
}

/// What became of an update or mark, if it did not simply succeed with its job.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Exception {
    pub action: Action,
    /// Its place in the list.
    pub index: usize,
    pub outcome: Outcome,
    pub error: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NextStep {
    /// Wait so many seconds before the create in doubt is looked for.
    WaitForCreate(u64),
    /// Create the organization at this place.
    Create(usize),
    /// Send a job.
    Send(Chunk),
    /// Poll the running jobs.
    Poll,
    /// Pause: enough jobs were sent.
    Pause,
    /// All is done.
    Finish,
}

/// Progress, and whether it may be gone on with.
pub enum Opened {
    /// It is this invocation's to go on with.
    Ours(Box<State>),
    /// Another invocation may still be running, for so many seconds.
    Busy {
        /// How long at most.
        seconds: u64,
        /// How far the run was.
        so_far: SoFar,
    },
}

impl State {
    /// Loads the progress of this plan, or begins it. The beginning is saved as well: an invocation
    /// that finds progress knows that another one was here before, and until when it may run. That
    /// is waited for, unless Lambda itself lets only one invocation run (`is_alone`).
    ///
    /// # Errors
    /// [`Error::Contract`] if the progress is another plan's.
    pub async fn open<S: Store>(
        store: &S,
        run_id: &str,
        work: &Work,
        deadline: Deadline,
        is_alone: bool,
        jobs_per_pause: usize,
    ) -> Result<Opened> {
        let found = store.find_json(&run_key(run_id, FILE)).await?;
        let mut state = match found {
            Some(state) => Self::resumed(state, run_id, work, store).await?,
            None => Self::begun(run_id, work),
        };
        let busy = state
            .working_until
            .map_or(0, |until| seconds_until(until, now()));
        if busy > 0 && !is_alone {
            let so_far = state.so_far(work);
            return Ok(Opened::Busy {
                seconds: busy,
                so_far,
            });
        }
        if state.working_until.is_some() {
            state.note_a_kill(work, jobs_per_pause);
        }
        state.working_until = Some(deadline.moment());
        state.save(store).await?;
        Ok(Opened::Ours(Box::new(state)))
    }

    async fn resumed<S: Store>(
        mut state: Self,
        run_id: &str,
        work: &Work,
        store: &S,
    ) -> Result<Self> {
        state.header.check(FILE, run_id, work.total())?;
        if state.plan_digest != work.plan().digest {
            return Err(Error::Contract(format!(
                "{FILE}: it belongs to another plan; start a new run"
            )));
        }
        state.read_segments(store).await?;
        Ok(state)
    }

    fn begun(run_id: &str, work: &Work) -> Self {
        Self {
            header: Header::new(run_id, work.total()),
            plan_digest: work.plan().digest.clone(),
            began_at: now(),
            working_until: None,
            segments: Segments::default(),
            creates: Grown::default(),
            open_create: None,
            next_update: 0,
            next_mark: 0,
            again: Vec::new(),
            jobs: Grown::default(),
            exceptions: Grown::default(),
            since_pause: 0,
            no_room: false,
            throttled: Pauses::default(),
            stalled_since: None,
            has_asked: false,
            related: Vec::new(),
            usage: Usage::default(),
        }
    }

    /// An invocation was killed: whatever it was to send next may have been sent.
    fn note_a_kill(&mut self, work: &Work, jobs_per_pause: usize) {
        let words = "the invocation that sent it was killed";
        match self.next(work, jobs_per_pause) {
            NextStep::Create(_) => {
                let before = self.open_create.as_ref();
                if before.is_none_or(|open| open.may_have_been_sent(now())) {
                    let lost = OpenCreate::lost(before, now(), None, words.to_owned());
                    self.open_create = Some(lost);
                }
            }
            NextStep::Send(chunk) => self.doubted(chunk),
            NextStep::WaitForCreate(_) | NextStep::Poll | NextStep::Pause | NextStep::Finish => {}
        }
    }

    /// Saves the progress: first what is decided, if it is enough for a segment.
    ///
    /// # Errors
    /// As for [`Store::put`].
    pub async fn save<S: Store>(&mut self, store: &S) -> Result<()> {
        self.put_segment(store).await?;
        let count = self.header.count;
        self.header = Header::new(&self.header.run_id, count);
        let key = run_key(&self.header.run_id, FILE);
        store.put_json(&key, self, count).await.map(drop)
    }

    /// Saves the progress of an invocation that ends by itself.
    ///
    /// # Errors
    /// As for [`Store::put`].
    pub async fn leave<S: Store>(&mut self, store: &S) -> Result<()> {
        self.working_until = None;
        self.save(store).await
    }

    /// What comes next: creates, then updates, then marks; never more running jobs than go between
    /// two pauses, and no more while Zendesk has no room for them.
    pub fn next(&self, work: &Work, jobs_per_pause: usize) -> NextStep {
        let running = self.running().count();
        if self.creates.len() < work.creates().len() {
            let open = self.open_create.as_ref();
            return match open.map_or(0, |open| seconds_until(open.look_at, now())) {
                0 => NextStep::Create(self.creates.len()),
                seconds => NextStep::WaitForCreate(seconds),
            };
        }
        if self.since_pause >= jobs_per_pause {
            return NextStep::Pause;
        }
        let is_full = running >= jobs_per_pause || (self.no_room && running > 0);
        match self.next_chunk(work) {
            Some(chunk) if !is_full => NextStep::Send(chunk),
            _ if running > 0 => NextStep::Poll,
            Some(chunk) => NextStep::Send(chunk),
            None => NextStep::Finish,
        }
    }

    /// Notes that Zendesk has no room for another job.
    pub fn no_room(&mut self) {
        self.no_room = true;
    }

    /// Notes that the pause after enough jobs begins.
    pub fn pausing(&mut self) {
        self.since_pause = 0;
    }

    /// The jobs that have not ended.
    pub fn running(&self) -> impl Iterator<Item = &SentJob> {
        self.jobs.iter().filter(|job| job.phase == Phase::Running)
    }

    /// The places of the jobs that have not ended, so many at most.
    pub fn running_places(&self, most: usize) -> Vec<usize> {
        let jobs = self.jobs.iter().enumerate();
        let running = jobs.filter(|(_, job)| job.phase == Phase::Running);
        running.map(|(place, _)| place).take(most).collect()
    }

    /// Notes that a job has ended for us.
    pub fn close(&mut self, place: usize, phase: Phase) {
        if let Some(job) = self.jobs.get_mut(place) {
            job.phase = phase;
        }
        self.no_room = false;
    }

    /// How far the run is.
    pub fn so_far(&self, work: &Work) -> SoFar {
        SoFar {
            handled: outcomes::decided(work, self),
            total: Some(work.total()),
        }
    }
}
