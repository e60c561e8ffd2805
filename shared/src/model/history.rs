//! `history.json`: the last runs, so that a report can compare and chart, and a notice is sent on a
//! change only.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Applied, Counts, Header, Verdict};

/// Runs kept: a week of hours.
const KEPT: usize = 168;
/// Failing records kept: more are no list of exceptions.
const FAILING: usize = 1000;

/// How a run ended, failed or not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Ending {
    /// All of the plan is done.
    Ok,
    /// Both systems are equal.
    NothingToDo,
    /// Plan mode.
    Planned,
    /// Some records failed.
    Partial,
    /// The guard held a category.
    Held,
    /// Another execution was running.
    Skipped,
    /// It could not go on.
    Failed,
}

impl From<Verdict> for Ending {
    fn from(verdict: Verdict) -> Self {
        match verdict {
            Verdict::Ok => Self::Ok,
            Verdict::NothingToDo => Self::NothingToDo,
            Verdict::Planned => Self::Planned,
            Verdict::Partial => Self::Partial,
            Verdict::Held => Self::Held,
            Verdict::Skipped => Self::Skipped,
        }
    }
}

impl Ending {
    /// The word for it, as the execution's output spells verdicts.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Ok => "OK",
            Self::NothingToDo => "NOTHING_TO_DO",
            Self::Planned => "PLANNED",
            Self::Partial => "PARTIAL",
            Self::Held => "HELD",
            Self::Skipped => "SKIPPED",
            Self::Failed => "FAILED",
        }
    }

    /// True if nobody has to look: `OK`, `NOTHING_TO_DO`.
    #[must_use]
    pub fn is_good(self) -> bool {
        matches!(self, Self::Ok | Self::NothingToDo)
    }
}

/// One run in the history. Runs in plan mode and skipped ones are not in it, nor those that were
/// stopped or timed out: nothing is left of them that could note it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PastRun {
    /// The execution's name.
    pub run_id: String,
    /// When it ended.
    pub ended_at: Timestamp,
    /// From the execution's start.
    pub seconds: u64,
    /// How it ended.
    pub ending: Ending,
    /// The name of the error that ended it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// What was seen and planned; zeros if it failed before it had a plan.
    pub counts: Counts,
    /// What was done.
    pub applied: Applied,
}

impl PastRun {
    /// What a person would call the pipeline's state after it: good, or what is wrong.
    fn state_key(&self) -> (Ending, Option<&str>) {
        let ending = if self.ending.is_good() {
            Ending::Ok
        } else {
            self.ending
        };
        (ending, self.error.as_deref())
    }

    /// Its verdict, and the error's name if it failed.
    #[must_use]
    pub fn state(&self) -> String {
        self.error.as_ref().map_or_else(
            || self.ending.word().to_owned(),
            |error| format!("{} {error}", self.ending.word()),
        )
    }

    /// Records changed.
    #[must_use]
    pub fn changed(&self) -> usize {
        let Applied {
            created,
            updated,
            marked,
            failed: _,
            drifted: _,
        } = self.applied;
        created + updated + marked
    }
}

/// `history.json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct History {
    /// The header; its count is that of `runs`.
    #[serde(flatten)]
    pub header: Header,
    /// The last [`KEPT`] runs, the oldest first.
    pub runs: Vec<PastRun>,
    /// Records that failed, by Salesforce id (or organization id), with the number of runs in a row
    /// they have failed in.
    pub failing: BTreeMap<String, u32>,
}

impl History {
    /// A history without runs.
    #[must_use]
    pub fn new(run_id: &str) -> Self {
        Self {
            header: Header::new(run_id, 0),
            runs: Vec::new(),
            failing: BTreeMap::new(),
        }
    }

    /// True if the run is in it already: whoever notes it was killed after doing so.
    #[must_use]
    pub fn has(&self, run_id: &str) -> bool {
        self.runs.iter().any(|run| run.run_id == run_id)
    }

    /// Notes a run, in the place of an earlier note of the same run, and forgets what is too old.
    pub fn note(&mut self, run: PastRun) {
        self.runs.retain(|other| other.run_id != run.run_id);
        let run_id = run.run_id.clone();
        self.runs.push(run);
        self.runs.drain(..self.runs.len().saturating_sub(KEPT));
        self.header = Header::new(&run_id, self.runs.len());
    }

    /// Keeps these numbers of failures, the largest if there are too many.
    pub fn keep_failing(&mut self, failing: BTreeMap<String, u32>) {
        let mut all: Vec<_> = failing.into_iter().collect();
        all.sort_by_key(|(_, runs)| std::cmp::Reverse(*runs));
        all.truncate(FAILING);
        self.failing = all.into_iter().collect();
    }

    /// The run before the last one and the last one, if the pipeline's state differs after them. A
    /// first run is compared with a good one.
    #[must_use]
    pub fn change(&self) -> Option<(Option<&PastRun>, &PastRun)> {
        let last = self.runs.last()?;
        let before = self.runs.iter().rev().nth(1);
        let state = before.map_or((Ending::Ok, None), PastRun::state_key);
        (state != last.state_key()).then_some((before, last))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(number: usize, ending: Ending, error: Option<&str>) -> PastRun {
        let (counts, applied) = (Counts::default(), Applied::default());
        let error = error.map(str::to_owned);
        PastRun {
            run_id: format!("r{number}"),
            ended_at: Timestamp::UNIX_EPOCH,
            seconds: 1,
            ending,
            error,
            counts,
            applied,
        }
    }

    #[test]
    fn it_keeps_a_week_of_hours_and_each_run_once() {
        let mut history = History::new("r");
        for number in 0..500 {
            history.note(run(number, Ending::Ok, None));
            history.note(run(number, Ending::NothingToDo, None));
        }
        assert_eq!((history.runs.len(), history.header.count), (KEPT, KEPT));
        assert_eq!(history.runs.last().unwrap().run_id, "r499");
        history.keep_failing(
            (0..5000_u32)
                .map(|number| (format!("0014M{number:010}QAA"), number))
                .collect(),
        );
        assert_eq!(
            (history.failing.len(), history.failing.values().min()),
            (FAILING, Some(&4000))
        );
        assert!(
            serde_json::to_vec(&history).unwrap().len() < 150_000,
            "an index, not an archive"
        );
    }

    #[test]
    fn only_a_change_of_state_is_a_change() {
        use Ending::{Failed, Held, NothingToDo, Ok, Partial};
        let table = [
            (vec![(Ok, None)], false),
            (vec![(Held, None)], true),
            (vec![(Ok, None), (NothingToDo, None)], false),
            (vec![(NothingToDo, None), (Partial, None)], true),
            (vec![(Partial, None), (Partial, None)], false),
            (vec![(Held, None), (Partial, None)], true),
            (vec![(Held, None), (Ok, None)], true),
            (
                vec![(Failed, Some("Sync.Auth")), (Failed, Some("Sync.Auth"))],
                false,
            ),
            (
                vec![(Failed, Some("Sync.Auth")), (Failed, Some("Sync.Config"))],
                true,
            ),
            (vec![(Failed, Some("Sync.Auth")), (NothingToDo, None)], true),
        ];
        for (runs, changed) in table {
            let mut history = History::new("r");
            for (number, (ending, error)) in runs.iter().enumerate() {
                history.note(run(number, *ending, *error));
            }
            assert_eq!(history.change().is_some(), changed, "{runs:?}");
        }
    }
}
