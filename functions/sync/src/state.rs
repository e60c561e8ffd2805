//! `sync-state.json`: how far a run is. Saved after every write to Zendesk.

use std::collections::BTreeSet;
use std::ops::Range;

use domain::model::{Header, Outcome, Related, Usage, run_key};
use domain::{Error, Result};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use stage::deadline::{Deadline, Pauses, seconds_until};
use stage::events::SoFar;
use stage::store::Store;

use crate::add_only::{AddOnly, Segments};
use crate::chunk::Chunk;
use crate::doubt::{MOST_FAILED_READS, OpenCreate};
use crate::list::List;
use crate::next::{Left, Step, Times, next};
use crate::refusal::Refusal;
use crate::work::Work;

/// The document's name, below `runs/{run_id}/`.
pub const FILE: &str = "sync-state.json";

/// Progress. What is decided lies in segments, so each save writes a few kilobytes however many
/// changes there are.
#[derive(Debug, Serialize, Deserialize)]
pub struct State {
    #[serde(flatten)]
    pub(crate) header: Header,
    plan_digest: String,
    /// When sync began with this plan.
    pub began_at: Timestamp,
    /// Until when the invocation that works now may run; `None` between two invocations. If this
    /// moment has passed, the invocation before was killed.
    working_until: Option<Timestamp>,
    pub(crate) segments: Segments,
    /// What became of the creates, in order.
    pub creates: AddOnly<CreateResult>,
    /// The create that comes next, if it was sent and is in doubt.
    pub open_create: Option<OpenCreate>,
    /// Before this moment no create is sent: the execution that was replaced may have sent one.
    creates_from: Option<Timestamp>,
    next_unmark: usize,
    next_update: usize,
    next_mark: usize,
    /// Chunks that are sent once more.
    pub again: Vec<Chunk>,
    /// Jobs that have not ended for us.
    pub jobs: Vec<SentJob>,
    /// Updates that were refused, and are sent once more without what was refused.
    pub refused: AddOnly<Refused>,
    /// What became of un-marks, updates and marks.
    pub decided: AddOnly<Decided>,
    since_pause: usize,
    /// True after `TooManyJobs`, until a job of ours has ended.
    no_room: bool,
    /// Pauses and doubtful answers since anything went forward.
    pub throttled: Pauses,
    /// Since when nothing went forward.
    pub stalled_since: Option<Timestamp>,
    /// True once Zendesk was asked for the users and tickets of the organizations to be marked.
    #[serde(default)]
    pub has_asked: bool,
    #[serde(default)]
    pub related: Vec<Related>,
    /// What the earlier invocations used.
    #[serde(default)]
    pub usage: Usage,
}

/// A job that Zendesk accepted, queued or working.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct SentJob {
    pub id: String,
    pub chunk: Chunk,
    pub sent_at: Timestamp,
    /// Since when Zendesk does not show it.
    pub missing_since: Option<Timestamp>,
    /// How often its records could not be read back.
    pub failed_reads: u32,
}

impl SentJob {
    /// False after too many failed reads.
    pub fn may_be_read_back(&self) -> bool {
        self.failed_reads < MOST_FAILED_READS
    }

    /// Its chunk, with this job noted as the last judged one.
    pub fn judged(&self) -> Chunk {
        Chunk {
            job_id: Some(self.id.clone()),
            ..self.chunk.clone()
        }
    }
}

/// What became of a create.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct CreateResult {
    pub outcome: Outcome,
    /// The new organization.
    pub id: Option<u64>,
    /// Zendesk's words.
    pub error: Option<String>,
    /// What was refused, if everything else was written.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub left_out: Vec<String>,
}

/// An update that Zendesk refused for some of its values.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Refused {
    /// Its place among the updates.
    pub place: usize,
    pub refusal: Refusal,
}

impl Refused {
    /// What was refused of the record at this place.
    pub fn at<'a>(place: usize, all: &[&'a Self]) -> Option<&'a Refusal> {
        let found = all.iter().find(|one| one.place == place);
        found.map(|one| &one.refusal)
    }
}

/// What became of some records of a list.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Decided {
    pub list: List,
    /// Their places in the list, as runs of neighbours.
    pub places: Vec<Range<usize>>,
    pub outcome: Outcome,
    /// The job they were sent with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub job_id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// Progress, and whether this invocation may go on with it.
pub enum Opened {
    /// This invocation may go on with it.
    Ours(Box<State>),
    /// Another invocation may still be running, for this many seconds at most.
    Busy { seconds: u64, so_far: SoFar },
}

impl State {
    /// Loads the progress of this plan, or begins it. The beginning is saved too, so an invocation
    /// that finds progress knows that another one was here before, and until when that may run. It
    /// waits for that moment, unless Lambda itself lets only one invocation run (`is_alone`).
    ///
    /// # Errors
    /// [`Error::Contract`] if the progress is another plan's.
    pub async fn open<S: Store>(
        store: &S,
        work: &Work,
        deadline: &Deadline,
        is_alone: bool,
        jobs_per_pause: usize,
        creates_from: Option<Timestamp>,
    ) -> Result<Opened> {
        let now = deadline.now();
        let key = run_key(&work.plan().header.run_id, FILE);
        let mut state = match store.find_json(&key).await? {
            Some(state) => Self::resumed(state, work, store).await?,
            None => Self::begun(work, now, creates_from),
        };
        let busy = state
            .working_until
            .map_or(0, |until| seconds_until(until, now));
        if busy > 0 && !is_alone {
            let so_far = state.so_far(work);
            return Ok(Opened::Busy {
                seconds: busy,
                so_far,
            });
        }
        if state.working_until.is_some() {
            state.note_a_kill(work, jobs_per_pause, now);
        }
        state.working_until = Some(deadline.moment());
        state.save(store, now).await?;
        Ok(Opened::Ours(Box::new(state)))
    }

    async fn resumed<S: Store>(mut state: Self, work: &Work, store: &S) -> Result<Self> {
        let run_id = &work.plan().header.run_id;
        state.header.check(FILE, run_id, work.total())?;
        if state.plan_digest != work.plan().digest {
            return Err(Error::Contract(format!(
                "{FILE}: it belongs to another plan; start a new run"
            )));
        }
        state.read_segments(store).await?;
        Ok(state)
    }

    fn begun(work: &Work, now: Timestamp, creates_from: Option<Timestamp>) -> Self {
        let plan = work.plan();
        Self {
            header: Header::new(&plan.header.run_id, now, work.total()),
            plan_digest: plan.digest.clone(),
            began_at: now,
            working_until: None,
            segments: Segments::default(),
            creates: AddOnly::default(),
            open_create: None,
            creates_from,
            next_unmark: 0,
            next_update: 0,
            next_mark: 0,
            again: Vec::new(),
            jobs: Vec::new(),
            refused: AddOnly::default(),
            decided: AddOnly::default(),
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
    fn note_a_kill(&mut self, work: &Work, jobs_per_pause: usize, now: Timestamp) {
        let words = "the invocation that sent it was killed";
        let times = Times {
            now,
            creates_until: Timestamp::MAX,
            until: Timestamp::MAX,
        };
        match next(&self.left(work), jobs_per_pause, &times) {
            Step::Create(_) => {
                let before = self.open_create.as_ref();
                if before.is_none_or(|open| open.may_have_been_sent(now)) {
                    let lost = OpenCreate::lost(before, now, None, words.to_owned());
                    self.open_create = Some(lost);
                }
            }
            Step::Send(chunk) => {
                self.take(&chunk);
                self.again.extend(chunk.doubted());
            }
            Step::WaitForCreate(_)
            | Step::Look
            | Step::Pause
            | Step::Finish
            | Step::GiveUpCreates
            | Step::GiveUp => {}
        }
    }

    /// Saves the progress: first what is decided, if it is enough for a segment.
    ///
    /// # Errors
    /// As for [`Store::put`].
    pub async fn save<S: Store>(&mut self, store: &S, now: Timestamp) -> Result<()> {
        self.put_segment(store, now).await?;
        let count = self.header.count;
        self.header = Header::new(&self.header.run_id, now, count);
        let key = run_key(&self.header.run_id, FILE);
        store.put_json(&key, self, count).await.map(drop)
    }

    /// Saves the progress of an invocation that ends by itself.
    ///
    /// # Errors
    /// As for [`Store::put`].
    pub async fn leave<S: Store>(&mut self, store: &S, now: Timestamp) -> Result<()> {
        self.working_until = None;
        self.save(store, now).await
    }

    /// What is left to do. Marks are taken back before anything else: until that is decided,
    /// nothing else is left.
    pub fn left(&self, work: &Work) -> Left {
        let creates = self.creates.len();
        let mut left = Left {
            create: None,
            create_from: None,
            chunk: self.next_chunk(List::Unmarks, work),
            running: self.jobs.len(),
            since_pause: self.since_pause,
            no_room: self.no_room,
        };
        let mut lists = self.jobs.iter().map(|job| job.chunk.list);
        if left.chunk.is_some() || lists.any(|list| list == List::Unmarks) {
            return left;
        }
        let open = self.open_create.as_ref();
        left.create = (creates < work.creates().len()).then_some(creates);
        left.create_from = open.map(|open| open.look_at).max(self.creates_from);
        left.chunk = self.next_chunk(List::Updates, work);
        left.chunk = left.chunk.or_else(|| self.next_chunk(List::Marks, work));
        left
    }

    /// First what was never sent, then what is sent once more, so that a record that spoils its
    /// chunk keeps no other waiting.
    fn next_chunk(&self, list: List, work: &Work) -> Option<Chunk> {
        let fresh = Chunk::fresh(list, self.next_place(list)..work.len(list));
        let again = || self.again.iter().find(|one| one.list == list).cloned();
        fresh.or_else(again)
    }

    /// The place of the first record that was never sent.
    fn next_place(&self, list: List) -> usize {
        match list {
            List::Unmarks => self.next_unmark,
            List::Updates => self.next_update,
            List::Marks => self.next_mark,
        }
    }

    /// Takes a chunk from what is still to be sent.
    pub fn take(&mut self, chunk: &Chunk) {
        if let Some(place) = self.again.iter().position(|one| one == chunk) {
            self.again.remove(place);
            return;
        }
        let next = match chunk.list {
            List::Unmarks => &mut self.next_unmark,
            List::Updates => &mut self.next_update,
            List::Marks => &mut self.next_mark,
        };
        *next = chunk.to;
    }

    /// What was refused of the records of a chunk.
    pub fn refusals(&self, chunk: &Chunk) -> Vec<&Refused> {
        let refused = self.refused.iter().filter(|_| chunk.list == List::Updates);
        let of_chunk = refused.filter(|one| chunk.places().contains(&one.place));
        of_chunk.collect()
    }

    /// Notes that a chunk was accepted as this job.
    pub fn sent(&mut self, chunk: Chunk, id: String, now: Timestamp) {
        self.take(&chunk);
        self.since_pause += 1;
        self.no_room = false;
        self.jobs.push(SentJob {
            id,
            chunk,
            sent_at: now,
            missing_since: None,
            failed_reads: 0,
        });
    }

    /// Notes that Zendesk has no room for another job.
    pub fn no_room(&mut self) {
        self.no_room = true;
    }

    /// Notes that the pause after enough jobs begins.
    pub fn pausing(&mut self) {
        self.since_pause = 0;
    }

    pub fn job_mut(&mut self, id: &str) -> Option<&mut SentJob> {
        self.jobs.iter_mut().find(|job| job.id == id)
    }

    /// Notes that a job has ended for us: every record of it is decided, or is sent once more.
    pub fn close(&mut self, id: &str) {
        self.jobs.retain(|job| job.id != id);
        self.no_room = false;
    }

    /// The places of a chunk that are not decided yet.
    pub fn undecided(&self, chunk: &Chunk) -> Vec<usize> {
        let mut open: BTreeSet<usize> = chunk.places().collect();
        let decided = self.decided.iter().filter(|one| one.list == chunk.list);
        for places in decided.flat_map(|one| &one.places) {
            for place in places.start.max(chunk.from)..places.end.min(chunk.to) {
                open.remove(&place);
            }
        }
        open.into_iter().collect()
    }

    /// Notes what became of records of a chunk, with the job they were sent with.
    pub fn decide(
        &mut self,
        chunk: &Chunk,
        places: &[usize],
        outcome: Outcome,
        words: Option<&str>,
    ) {
        if places.is_empty() {
            return;
        }
        // A drifted record was left out of the job.
        let job_id = chunk.job_id.clone();
        self.decided.push(Decided {
            list: chunk.list,
            places: neighbours(places),
            outcome,
            job_id: job_id.filter(|_| outcome != Outcome::Drifted),
            error: words.map(str::to_owned),
        });
    }

    /// How far the run is.
    pub fn so_far(&self, work: &Work) -> SoFar {
        let places = self.decided.iter().flat_map(|one| &one.places);
        let decided: usize = places.map(Range::len).sum();
        SoFar {
            handled: self.creates.len() + decided,
            total: Some(work.total()),
        }
    }
}

/// Places as runs of neighbours.
fn neighbours(places: &[usize]) -> Vec<Range<usize>> {
    let mut runs: Vec<Range<usize>> = Vec::new();
    for &place in places {
        match runs.last_mut() {
            Some(run) if run.end == place => run.end += 1,
            _ => runs.push(place..place + 1),
        }
    }
    runs
}
