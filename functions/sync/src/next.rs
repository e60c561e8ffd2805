//! What sync does next: one pure function. Its table is in the tests.

use jiff::Timestamp;
use stage::deadline::seconds_until;

use crate::chunk::Chunk;

/// What is left to do.
#[derive(Debug, Clone)]
pub struct Left {
    /// The place of the create that comes next.
    pub create: Option<usize>,
    /// Until when it has to wait: it was sent and is in doubt, or another one may be.
    pub create_from: Option<Timestamp>,
    /// The chunk that comes next.
    pub chunk: Option<Chunk>,
    /// Jobs that run.
    pub running: usize,
    /// Jobs sent since the last pause.
    pub since_pause: usize,
    /// True if Zendesk has no room for another job.
    pub no_room: bool,
}

/// What time it is in the run.
#[derive(Debug, Clone, Copy)]
pub struct Times {
    pub now: Timestamp,
    /// Until when creates may keep updates and marks waiting: half of the run's time.
    pub creates_until: Timestamp,
    /// Until when the run may go on. It ends by itself, with its report, before Step Functions ends
    /// it without one.
    pub until: Timestamp,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Decide everything that is left: the run's time is over.
    GiveUp,
    /// Decide the creates that are left.
    GiveUpCreates,
    /// Wait this many seconds for the create that comes next.
    WaitForCreate(u64),
    /// Create the organization at this place, or look for it if it is in doubt.
    Create(usize),
    /// Send a job.
    Send(Chunk),
    /// Look at the running jobs.
    Look,
    /// Pause: enough jobs were sent.
    Pause,
    /// All is done.
    Finish,
}

/// Creates before jobs; never more running jobs than go between two pauses, and no
/// more while Zendesk has no room for them.
pub fn next(left: &Left, jobs_per_pause: usize, times: &Times) -> Step {
    let Times {
        now,
        creates_until,
        until,
    } = *times;
    let is_done = left.create.is_none() && left.chunk.is_none() && left.running == 0;
    if now >= until && !is_done {
        return Step::GiveUp;
    }
    if let Some(place) = left.create {
        return match left
            .create_from
            .map_or(0, |moment| seconds_until(moment, now))
        {
            _ if now >= creates_until => Step::GiveUpCreates,
            0 => Step::Create(place),
            seconds => Step::WaitForCreate(seconds),
        };
    }
    if left.since_pause >= jobs_per_pause {
        return Step::Pause;
    }
    let is_full = left.running >= jobs_per_pause || left.no_room;
    match (&left.chunk, left.running) {
        (None, 0) => Step::Finish,
        (None, _) => Step::Look,
        (Some(_), 1..) if is_full => Step::Look,
        (Some(chunk), _) => Step::Send(chunk.clone()),
    }
}

#[cfg(test)]
#[path = "next_tests.rs"]
mod tests;
