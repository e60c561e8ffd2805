//! `sync-state.json`: how far a run is, and what comes next. Saved after every write to Zendesk.

use serde::{Deserialize, Serialize};
use shared::deadline::Pauses;
use shared::lambda::SoFar;
use shared::model::{Action, Header, Outcome, Usage, run_key};
use shared::store::Store;
use shared::{Error, Result};

use crate::work::Work;

const FILE: &str = "sync-state.json";
/// Organizations in one bulk job. Source: Zendesk, `TooManyValues`.
const RECORDS_PER_JOB: usize = 100;

/// Progress. Only exceptions are kept per record, so ten thousand changes take some ten kilobytes.
#[derive(Debug, Serialize, Deserialize)]
pub struct State {
    #[serde(flatten)]
    header: Header,
    plan_digest: String,
    /// False while an invocation works: one that finds it false was preceded by one that was
    /// killed.
    clean: bool,
    /// What became of the creates, in order.
    pub creates: Vec<CreateResult>,
    next_update: usize,
    next_mark: usize,
    /// Halves of chunks whose job failed as a whole.
    pub again: Vec<Chunk>,
    /// Every job that was accepted.
    pub jobs: Vec<SentJob>,
    /// Updates and marks that did not simply succeed with their job.
    pub exceptions: Vec<Exception>,
    since_pause: usize,
    /// Pauses Zendesk asked for since anything went forward.
    pub throttled: Pauses,
    /// What the invocations before used.
    #[serde(default)]
    pub usage: Usage,
    /// True if the write after the saved one may have been done.
    #[serde(skip)]
    pub in_doubt: bool,
}

/// Neighbouring records of one list that go in one job.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Chunk {
    /// Update or mark.
    pub action: Action,
    /// The first.
    pub from: usize,
    /// Behind the last.
    pub to: usize,
    /// True for a part of a chunk that was sent before.
    pub again: bool,
}

/// A job Zendesk accepted.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct SentJob {
    /// Zendesk's id.
    pub id: String,
    /// What went with it.
    pub chunk: Chunk,
    /// Where it is.
    pub phase: Phase,
    /// Wait states it has outlived.
    pub pauses: u32,
    /// Polls in a row in which Zendesk did not know it.
    pub missed: u32,
}

/// Where a job is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Phase {
    /// Queued or working.
    Running,
    /// Every record of it is judged.
    Judged,
    /// Failed as a whole; its halves are sent again.
    Halved,
}

/// What became of a create.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct CreateResult {
    /// Done, failed, or unknown.
    pub outcome: Outcome,
    /// The new organization.
    pub id: Option<u64>,
    /// Zendesk's words.
    pub error: Option<String>,
}

/// What became of an update or mark, if it did not simply succeed with its job.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Exception {
    /// Update or mark.
    pub action: Action,
    /// Its place in the list.
    pub index: usize,
    /// What became of it.
    pub outcome: Outcome,
    /// Zendesk's words.
    pub error: Option<String>,
}

/// What sync does next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NextStep {
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

impl State {
    /// Loads the progress of this plan, or begins it. The beginning is saved as well: an invocation
    /// that finds progress knows that another one was here before.
    ///
    /// # Errors
    /// [`Error::Contract`] if the progress is another plan's.
    pub async fn open<S: Store>(store: &S, run_id: &str, work: &Work) -> Result<Self> {
        match store.find_json(&run_key(run_id, FILE)).await? {
            Some(state) => Self::resumed(state, store, run_id, work).await,
            None => Self::begun(store, run_id, work).await,
        }
    }

    async fn resumed<S: Store>(
        mut state: Self,
        store: &S,
        run_id: &str,
        work: &Work,
    ) -> Result<Self> {
        state.header.check(FILE, run_id, work.total())?;
        if state.plan_digest != work.plan().digest {
            return Err(Error::Contract(format!(
                "{FILE}: it belongs to another plan; start a new run"
            )));
        }
        state.in_doubt = !state.clean;
        if state.clean {
            state.save(store, false).await?;
        }
        Ok(state)
    }

    async fn begun<S: Store>(store: &S, run_id: &str, work: &Work) -> Result<Self> {
        let mut state = Self {
            header: Header::new(run_id, work.total()),
            plan_digest: work.plan().digest.clone(),
            clean: false,
            creates: Vec::new(),
            next_update: 0,
            next_mark: 0,
            again: Vec::new(),
            jobs: Vec::new(),
            exceptions: Vec::new(),
            since_pause: 0,
            throttled: Pauses::default(),
            usage: Usage::default(),
            in_doubt: false,
        };
        state.save(store, work.total() == 0).await?;
        Ok(state)
    }

    /// Saves the progress. `clean` says that the invocation ends here by itself, with nothing in
    /// doubt.
    ///
    /// # Errors
    /// As for [`Store::put`].
    pub async fn save<S: Store>(&mut self, store: &S, clean: bool) -> Result<()> {
        self.clean = clean && !self.in_doubt;
        let count = self.header.count;
        self.header = Header::new(&self.header.run_id, count);
        let key = run_key(&self.header.run_id, FILE);
        store.put_json(&key, self, count).await.map(drop)
    }

    /// What comes next: creates, then updates, then marks; never more running jobs than go between
    /// two pauses.
    #[must_use]
    pub fn next(&self, work: &Work, jobs_per_pause: usize) -> NextStep {
        let running = self.running().count();
        if self.creates.len() < work.creates.len() {
            return NextStep::Create(self.creates.len());
        }
        if self.since_pause >= jobs_per_pause {
            return NextStep::Pause;
        }
        match self.next_chunk(work) {
            Some(chunk) if running < jobs_per_pause => NextStep::Send(chunk),
            _ if running > 0 => NextStep::Poll,
            Some(chunk) => NextStep::Send(chunk),
            None => NextStep::Finish,
        }
    }

    fn next_chunk(&self, work: &Work) -> Option<Chunk> {
        let fresh = |action, from: usize| {
            let to = work.len(action).min(from + RECORDS_PER_JOB);
            (from < to).then_some(Chunk {
                action,
                from,
                to,
                again: false,
            })
        };
        let updates_first = |chunk: &&Chunk| chunk.action == Action::Update;
        let half = self.again.iter().find(updates_first).copied();
        half.or_else(|| fresh(Action::Update, self.next_update))
            .or_else(|| self.again.first().copied())
            .or_else(|| fresh(Action::Mark, self.next_mark))
    }

    /// Notes that a chunk was dealt with: sent with this job, or left out in full.
    pub fn sent(&mut self, chunk: Chunk, job: Option<String>) {
        if let Some(place) = self.again.iter().position(|one| *one == chunk) {
            self.again.remove(place);
        } else if chunk.action == Action::Update {
            self.next_update = chunk.to;
        } else {
            self.next_mark = chunk.to;
        }
        if let Some(id) = job {
            self.since_pause += 1;
            self.jobs.push(SentJob {
                id,
                chunk,
                phase: Phase::Running,
                pauses: 0,
                missed: 0,
            });
        }
        self.in_doubt = false;
    }

    /// Notes that the pause after enough jobs begins.
    pub fn pausing(&mut self) {
        self.since_pause = 0;
    }

    /// The jobs that have not ended.
    pub fn running(&self) -> impl Iterator<Item = &SentJob> {
        self.jobs.iter().filter(|job| job.phase == Phase::Running)
    }

    /// The places of a chunk that are not decided yet.
    #[must_use]
    pub fn undecided(&self, chunk: Chunk) -> Vec<usize> {
        let is_decided = |index: usize| {
            self.exceptions
                .iter()
                .any(|one| one.action == chunk.action && one.index == index)
        };
        (chunk.from..chunk.to)
            .filter(|index| !is_decided(*index))
            .collect()
    }

    /// Notes what became of an update or mark.
    pub fn decide(&mut self, action: Action, index: usize, outcome: Outcome, words: Option<&str>) {
        self.exceptions.push(Exception {
            action,
            index,
            outcome,
            error: words.map(str::to_owned),
        });
    }

    /// Halves a chunk until the record that spoils it stands alone; that one has failed.
    pub fn failed_as_a_whole(&mut self, chunk: Chunk, words: &str) {
        let Chunk {
            action,
            from,
            to,
            again: _,
        } = chunk;
        if to - from == 1 {
            self.decide(action, from, Outcome::Failed, Some(words));
            return;
        }
        let middle = from + (to - from) / 2;
        for (from, to) in [(from, middle), (middle, to)] {
            self.again.push(Chunk {
                action,
                from,
                to,
                again: true,
            });
        }
    }

    /// Notes that Zendesk says a job runs; returns the Wait states the job has outlived.
    pub fn seen_running(&mut self, place: usize) -> u32 {
        self.jobs.get_mut(place).map_or(0, |job| {
            job.missed = 0;
            job.pauses
        })
    }

    /// Notes that Zendesk does not know a job; returns in how many polls in a row it did not.
    pub fn missed(&mut self, place: usize) -> u32 {
        self.jobs.get_mut(place).map_or(0, |job| {
            job.missed += 1;
            job.missed
        })
    }

    /// Notes that every running job outlives a Wait state.
    pub fn outlived_a_wait(&mut self) {
        for job in &mut self.jobs {
            if job.phase == Phase::Running {
                job.pauses += 1;
            }
        }
    }

    /// Notes that a job has ended for us.
    pub fn close(&mut self, place: usize, phase: Phase) {
        if let Some(job) = self.jobs.get_mut(place) {
            job.phase = phase;
        }
    }

    /// How far the run is.
    #[must_use]
    pub fn so_far(&self, work: &Work) -> SoFar {
        let judged = self
            .jobs
            .iter()
            .filter(|job| job.phase == Phase::Judged)
            .map(|job| job.chunk.to - job.chunk.from)
            .sum::<usize>();
        SoFar {
            handled: self.creates.len() + judged,
            total: Some(work.total()),
        }
    }
}
