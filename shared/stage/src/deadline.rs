//! How long an invocation may still work.

use std::time::Duration;

use domain::{Error, Result};
use jiff::{SignedDuration, Timestamp};
use lambda_runtime::Context;
use serde::{Deserialize, Serialize};

use crate::clock::Clock;

/// The moment Lambda ends the invocation, from the invocation's context.
///
/// A stage that has less than [`Deadline::MARGIN`] left saves its progress and returns `continue`.
#[derive(Debug, Clone)]
pub struct Deadline {
    at: Timestamp,
    clock: Clock,
}

impl Deadline {
    /// What must be left of an invocation to begin another step: Lambda gives it 300 s, and the
    /// longest step takes 231 s. That is a create in doubt: two reads of at most 67 s each (tries
    /// for 32 s, a pause of 5 s, a last try of 30 s), a write of at most 87 s (two connections in
    /// vain of 6 s with their pauses, a try of 75 s), and 10 s to save the progress. A test in
    /// `vendors::zendesk::times` does the sum.
    pub const MARGIN: Duration = Duration::from_secs(235);

    /// The deadline of an invocation.
    pub fn of(context: &Context, clock: &Clock) -> Self {
        let at = i64::try_from(context.deadline)
            .ok()
            .and_then(|ms| Timestamp::from_millisecond(ms).ok());
        Self {
            at: at.unwrap_or(Timestamp::MAX),
            clock: clock.clone(),
        }
    }

    pub fn moment(&self) -> Timestamp {
        self.at
    }

    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// True if another remote call may begin.
    pub fn allows_more(&self) -> bool {
        self.left() > Self::MARGIN
    }

    /// Time left, zero if it has passed.
    pub fn left(&self) -> Duration {
        let left = self.at.duration_since(self.clock.now());
        Duration::try_from(left).unwrap_or_default()
    }
}

/// How long Step Functions lets an execution run.
const EXECUTION: SignedDuration = SignedDuration::from_hours(3);
/// What must be left of that for the way out.
const FOR_THE_WAY_OUT: SignedDuration = SignedDuration::from_mins(10);
/// The longest Wait state, in seconds.
const LONGEST_WAIT_SECONDS: u64 = 15 * 60;
/// The shortest: Step Functions ends an execution at 25,000 events, and one round of Wait, lease
/// and stage has 14. So three hours of the shortest waits have fewer, whatever the parameters are.
const SHORTEST_WAIT_SECONDS: u64 = 6;

/// When a run must end by itself, so that Step Functions does not end it without a report. Source:
/// contract, section 2, "sync".
#[derive(Debug, Clone, Copy)]
pub struct TimeLimit(Timestamp);

impl TimeLimit {
    /// The end of a run that started at this moment.
    pub fn of(started_at: Timestamp) -> Self {
        let end = started_at.checked_add(EXECUTION - FOR_THE_WAY_OUT);
        Self(end.unwrap_or(Timestamp::MAX))
    }

    pub fn moment(&self) -> Timestamp {
        self.0
    }

    /// True if nothing more may be begun.
    pub fn is_over(&self, now: Timestamp) -> bool {
        now >= self.0
    }

    /// The moment half way between this one and the end.
    pub fn half_way_from(&self, began: Timestamp) -> Timestamp {
        let half = self.0.duration_since(began) / 2;
        began.checked_add(half).unwrap_or(self.0)
    }

    /// The seconds of a Wait state: at most 15 minutes and what is left, and at least 6 s.
    pub fn wait_seconds(&self, seconds: u64, now: Timestamp) -> u64 {
        let left = u64::try_from(self.0.duration_since(now).as_secs()).unwrap_or_default();
        let most = LONGEST_WAIT_SECONDS.min(left);
        seconds.min(most).max(SHORTEST_WAIT_SECONDS)
    }
}

/// For this many hours after an execution's start its stages may begin. Its state machine ends it
/// after three; only one that was redriven is older.
const MOST_HOURS: i64 = 4;
/// By this many minutes the clocks of Step Functions and of a Lambda may differ.
const MOST_MINUTES_AHEAD: i64 = 5;

/// The start of a stage's execution, if its stages may still begin.
///
/// # Errors
/// [`Error::Input`] if there is none, or as [`refuse_if_old`] says.
pub fn start_of(started_at: Option<Timestamp>, now: Timestamp) -> Result<Timestamp> {
    let started_at = started_at.ok_or_else(|| {
        let why = "the stage's input names no start of its execution (started_at), so nobody knows \
                   how old it is; start an execution, or send the moment at which this one began";
        Error::Input(why.to_owned())
    })?;
    refuse_if_old(started_at, now)?;
    Ok(started_at)
}

/// Refuses an execution that is too old, and with it its plan: what was read may be wrong by now,
/// and another one may be writing. A start in the future would make it young for ever. Source:
/// contract, section 3, "Single flight".
///
/// # Errors
/// [`Error::Input`].
pub fn refuse_if_old(started_at: Timestamp, now: Timestamp) -> Result<()> {
    let age = now.duration_since(started_at);
    if age > SignedDuration::from_hours(MOST_HOURS) {
        return Err(Error::Input(format!(
            "the execution started at {started_at}, more than {MOST_HOURS} h ago, so it was \
             redriven: what it has read is too old; do not redrive it, start a new execution"
        )));
    }
    if age < -SignedDuration::from_mins(MOST_MINUTES_AHEAD) {
        return Err(Error::Input(format!(
            "the execution starts at {started_at}, more than {MOST_MINUTES_AHEAD} minutes in the \
             future, so its age is not known; send the moment at which it began, or start a new \
             execution"
        )));
    }
    Ok(())
}

/// The first stage may begin for this many hours after the execution's start. What is left of the
/// three is for the other stages: its last invocation takes 5 minutes more, and a pause of the
/// state machine 10.
const MOST_HOURS_OF_THE_FIRST: i64 = 1;

/// Refuses to begin the first stage once the state machine has tried it for an hour. The state
/// machine does not try this again, so the run ends with a report, long before its three hours do.
///
/// # Errors
/// [`Error::Incomplete`].
pub fn refuse_after_an_hour(started_at: Option<Timestamp>, now: Timestamp) -> Result<()> {
    let last = SignedDuration::from_hours(MOST_HOURS_OF_THE_FIRST);
    match started_at {
        Some(started_at) if now.duration_since(started_at) > last => Err(Error::Incomplete(
            "salesforce: the accounts were not read in the first hour of the run, try after try; \
             the log of gather-accounts says what each ended with; the next run reads again"
                .to_owned(),
        )),
        _ => Ok(()),
    }
}

/// Refuses to write for an execution that was redriven: the lease may be another's by now.
///
/// # Errors
/// [`Error::Input`].
pub fn refuse_if_redriven(times: u32) -> Result<()> {
    if times == 0 {
        return Ok(());
    }
    let why = "the execution was redriven, and another one may hold the lease by now; do not \
               redrive it, start a new execution";
    Err(Error::Input(why.to_owned()))
}

/// Whole seconds from now until a moment, none if it has passed.
pub fn seconds_until(moment: Timestamp, now: Timestamp) -> u64 {
    let left = Duration::try_from(moment.duration_since(now)).unwrap_or_default();
    left.as_secs() + u64::from(left.subsec_nanos() > 0)
}

/// Pauses in a row, without anything going forward, after which a stage gives up with
/// `Sync.Throttled`.
const MOST_PAUSES: u32 = 10;

/// Pauses a vendor asked for since anything went forward; part of a stage's saved progress.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Pauses(u32);

impl Pauses {
    /// Counts a pause; false if there were too many without anything going forward.
    pub fn one_more(&mut self) -> bool {
        self.0 += 1;
        self.0 <= MOST_PAUSES
    }

    /// Notes that something went forward.
    pub fn went_forward(&mut self) {
        self.0 = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_context_with_less_than_the_margin_left_allows_no_more() {
        let clock = Clock::system();
        let in_seconds = |s: i64| {
            let mut context = Context::default();
            let at = clock.now().as_millisecond() + s * 1000;
            context.deadline = u64::try_from(at).unwrap();
            Deadline::of(&context, &clock)
        };
        assert!(in_seconds(240).allows_more());
        assert!(!in_seconds(230).allows_more());
        assert!(!in_seconds(-5).allows_more());
        assert!(
            !Deadline::of(&Context::default(), &clock).allows_more(),
            "a missing deadline must not loop for ever"
        );
    }

    #[test]
    fn a_wait_has_six_seconds_to_fifteen_minutes_and_at_most_what_is_left_of_the_run() {
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        let end = TimeLimit::of(at("2026-11-23T06:00:00Z"));
        assert_eq!(end.wait_seconds(60, at("2026-11-23T06:00:00Z")), 60);
        assert_eq!(end.wait_seconds(3600, at("2026-11-23T06:00:00Z")), 900);
        assert_eq!(end.wait_seconds(900, at("2026-11-23T08:45:00Z")), 300);
        assert_eq!(end.wait_seconds(900, at("2026-11-23T09:00:00Z")), 6);
        assert_eq!(end.wait_seconds(1, at("2026-11-23T06:00:00Z")), 6);
        assert_eq!(end.wait_seconds(7, at("2026-11-23T06:00:00Z")), 7);
        assert!(!end.is_over(at("2026-11-23T08:49:59Z")));
        assert!(end.is_over(at("2026-11-23T08:50:00Z")));
        let half = end.half_way_from(at("2026-11-23T06:50:00Z"));
        assert_eq!(half, at("2026-11-23T07:50:00Z"));
        assert_eq!(
            seconds_until(at("2026-11-23T06:00:01Z"), at("2026-11-23T06:00:00.5Z")),
            1
        );
        assert_eq!(
            seconds_until(at("2026-11-23T06:00:00Z"), at("2026-11-23T06:00:09Z")),
            0
        );
    }

    #[test]
    fn an_execution_that_is_old_or_of_the_future_or_names_no_start_is_refused() {
        let now: Timestamp = "2026-11-23T10:00:00Z".parse().unwrap();
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        for allowed in ["2026-11-23T06:00:00Z", "2026-11-23T10:05:00Z"] {
            assert_eq!(start_of(Some(at(allowed)), now), Ok(at(allowed)));
        }
        for (start, why) in [
            (Some(at("2026-11-23T05:59:59Z")), "more than 4 h ago"),
            (Some(at("2026-11-23T10:05:01Z")), "in the future"),
            (Some(Timestamp::MAX), "in the future"),
            (None, "names no start"),
        ] {
            let refused = start_of(start, now).unwrap_err();
            assert_eq!(refused.name(), "Sync.Input");
            let said = refused.to_string();
            assert!(said.contains(why) && said.contains("start a"), "{said}");
        }
    }

    #[test]
    fn the_first_stage_begins_in_the_first_hour_and_leaves_the_other_stages_their_time() {
        let start: Timestamp = "2026-11-23T06:00:00Z".parse().unwrap();
        let after = |minutes| start + SignedDuration::from_mins(minutes);
        assert!(refuse_after_an_hour(Some(start), after(60)).is_ok());
        assert!(refuse_after_an_hour(None, after(600)).is_ok());
        let refused = refuse_after_an_hour(Some(start), after(61)).unwrap_err();
        assert_eq!(refused.name(), "Sync.Incomplete");
        let invocation_and_pause = SignedDuration::from_mins(6) + SignedDuration::from_mins(10);
        let latest = after(60) + invocation_and_pause;
        let half_of_the_run = after(0) + EXECUTION / 2;
        assert!(latest < half_of_the_run && !TimeLimit::of(start).is_over(latest));
    }

    #[test]
    fn a_redriven_execution_may_not_write() {
        assert!(refuse_if_redriven(0).is_ok());
        assert_eq!(refuse_if_redriven(1).unwrap_err().name(), "Sync.Input");
    }
}
