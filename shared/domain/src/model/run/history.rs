//! `history.json`: the last runs. Reports show them, and people are told only of a change.
//!
//! Source: contract, section 4, "S3".

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::{Applied, Category, Claim, Counts, Header, Held, Verdict, Week};

/// Runs that the history keeps whatever their age.
const FEWEST_RUNS: usize = 168;
/// The most runs in the history.
const MOST_RUNS: usize = 2000;
/// Days for which the history keeps every run.
const DAYS: i64 = 8;
/// The most messages that are waiting to be told.
const MOST_UNTOLD: usize = 10;
/// The most failing records in the history: more would be no list of exceptions.
const MOST_FAILING: usize = 1000;

/// One run in the history. It has no runs in plan mode, no skipped ones, and none that were stopped
/// or timed out: of those nothing is left running that could note it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PastRun {
    pub run_id: String,
    pub ended_at: Timestamp,
    /// Seconds from the execution's start to its end.
    pub seconds: u64,
    pub ending: Verdict,
    /// The name of the error that ended it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// What was seen and planned; zeros if it failed before it had a plan.
    pub counts: Counts,
    pub applied: Applied,
    /// The partner organizations on the target that name an account; documents of version 0.2 lack
    /// it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub linked: Option<usize>,
    /// The categories that were held.
    #[serde(default)]
    pub held: Vec<Category>,
    /// What was held, with the digests that a person may approve.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub offered: Vec<Held>,
    /// Who approved it and why, as claimed in the execution's input.
    #[serde(default, skip_serializing_if = "Claim::is_empty")]
    pub claim: Claim,
    /// True if people were told of it.
    #[serde(default)]
    pub told: bool,
    /// The messages that could not be sent by the end of this run, the oldest first: the next run
    /// tells them. Each is its subject, an empty line, and its text.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub untold: Vec<String>,
}

/// What a person would call the pipeline's state: good, or what is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct State<'a> {
    ending: Verdict,
    error: Option<&'a str>,
    held: &'a [Category],
    /// True if something was held, and other records failed or are unknown.
    some_failed: bool,
}

/// The state before the first run.
const GOOD: State<'_> = State {
    ending: Verdict::Ok,
    error: None,
    held: &[],
    some_failed: false,
};

impl PastRun {
    /// The pipeline's state after this run.
    fn state_key(&self) -> State<'_> {
        let is_held = self.ending == Verdict::Held;
        State {
            ending: if self.ending.is_good() {
                Verdict::Ok
            } else {
                self.ending
            },
            error: self.error.as_deref(),
            held: if is_held { &self.held } else { &[] },
            some_failed: is_held && self.applied.failed + self.applied.unknown > 0,
        }
    }

    /// True if later runs may be measured against it.
    pub fn is_good(&self) -> bool {
        self.ending.moves_latest(&self.held)
    }

    /// The partner organizations that named an account.
    pub fn linked(&self) -> usize {
        self.linked.unwrap_or_else(|| self.counts.linked())
    }

    /// Its verdict, and the error's name if it failed.
    pub fn state(&self) -> String {
        self.error.as_ref().map_or_else(
            || self.ending.word().to_owned(),
            |error| format!("{} {error}", self.ending.word()),
        )
    }

    pub fn changed(&self) -> usize {
        let Applied {
            created,
            updated,
            marked,
            failed: _,
            unknown: _,
            drifted: _,
        } = self.applied;
        created + updated + marked
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct History {
    /// The header; its count is that of `runs`.
    #[serde(flatten)]
    pub header: Header,
    /// The runs of the last 8 days, at least 168 and at most 2,000, the oldest first.
    pub runs: Vec<PastRun>,
    /// Since when something has been held in every run that came to a plan.
    #[serde(default)]
    pub held_since: Option<Timestamp>,
    /// In how many runs in a row each record has failed or stayed unknown. Key: Salesforce id, else
    /// organization id.
    pub failing: BTreeMap<String, u32>,
    /// Since when each of them has, as far as it was written down.
    #[serde(default)]
    pub failing_since: BTreeMap<String, Timestamp>,
}

impl History {
    pub fn new(run_id: &str, now: Timestamp) -> Self {
        Self {
            header: Header::new(run_id, now, 0),
            runs: Vec::new(),
            held_since: None,
            failing: BTreeMap::new(),
            failing_since: BTreeMap::new(),
        }
    }

    /// True if it has the run already: the invocation that added it was killed afterwards.
    pub fn has(&self, run_id: &str) -> bool {
        self.runs.iter().any(|run| run.run_id == run_id)
    }

    /// Adds a run in place of an earlier entry of the same run, and forgets the oldest.
    pub fn note(&mut self, run: PastRun) {
        self.runs.retain(|other| other.run_id != run.run_id);
        // A run that failed releases nothing, and may have ended before it had a plan.
        if run.ending != Verdict::Failed {
            let since = self.held_since.unwrap_or(run.ended_at);
            self.held_since = (!run.held.is_empty()).then_some(since);
        }
        let (run_id, ended_at) = (run.run_id.clone(), run.ended_at);
        self.runs.push(run);
        self.forget(ended_at);
        self.header = Header::new(&run_id, ended_at, self.runs.len());
    }

    fn forget(&mut self, now: Timestamp) {
        let first = now.saturating_sub(SignedDuration::from_hours(24 * DAYS));
        let first = first.unwrap_or(Timestamp::MIN);
        let young = self.runs.iter().filter(|run| run.ended_at >= first).count();
        let kept = young.clamp(FEWEST_RUNS, MOST_RUNS);
        self.runs.drain(..self.runs.len().saturating_sub(kept));
    }

    /// What a run that starts at this moment is measured against.
    pub fn week(&self, now: Timestamp) -> Week {
        Week::of(&self.runs, now)
    }

    /// Keeps these numbers of failures; if there are too many, only the largest.
    pub fn keep_failing(&mut self, failing: BTreeMap<String, u32>) {
        let mut all: Vec<_> = failing.into_iter().collect();
        all.sort_by_key(|(_, runs)| std::cmp::Reverse(*runs));
        all.truncate(MOST_FAILING);
        self.failing = all.into_iter().collect();
        let failing = &self.failing;
        self.failing_since
            .retain(|key, _| failing.contains_key(key));
    }

    /// The run before the last one and the last one, if the pipeline's state changed between them.
    /// A first run is compared with a good one.
    pub fn change(&self) -> Option<(Option<&PastRun>, &PastRun)> {
        let last = self.runs.last()?;
        let before = self.runs.iter().rev().nth(1);
        let mut was = before.map_or(GOOD, PastRun::state_key);
        let is = last.state_key();
        // A history of an earlier version does not say what was held.
        if was.ending == Verdict::Held && was.held.is_empty() {
            was.held = is.held;
        }
        (was != is).then_some((before, last))
    }

    /// When people were told of a run before the last one.
    pub fn told_before(&self) -> Option<Timestamp> {
        let before = self.runs.iter().rev().skip(1);
        let mut told = before.filter(|run| run.told);
        told.next().map(|run| run.ended_at)
    }

    /// What could not be told by the end of the run before the last one.
    pub fn untold_before(&self) -> &[String] {
        let before = self.runs.iter().rev().nth(1);
        before.map_or(&[], |run| run.untold.as_slice())
    }

    /// Notes that people were not told of a run, nor of what it was to tell again. Returns false if
    /// the history does not have the run.
    pub fn not_told(&mut self, run_id: &str, own: Option<String>) -> bool {
        let Some(place) = self.runs.iter().position(|run| run.run_id == run_id) else {
            return false;
        };
        let (before, rest) = self.runs.split_at_mut(place);
        let waiting = before.last().map(|run| run.untold.clone());
        if let Some(run) = rest.first_mut() {
            run.told = false;
            run.untold = waiting.into_iter().flatten().chain(own).collect();
            let too_many = run.untold.len().saturating_sub(MOST_UNTOLD);
            run.untold.drain(..too_many);
        }
        true
    }

    /// The run with which the present incident began: the first of the bad ones before the last
    /// run; the last run itself if it is the first bad one, or if all is good.
    pub fn incident(&self) -> Option<&PastRun> {
        let is_good = |run: &&PastRun| run.state_key() == GOOD;
        let (last, before) = self.runs.split_last()?;
        let bad = before.iter().rev().take_while(|run| !is_good(run));
        Some(bad.last().unwrap_or(last))
    }

    /// Notes that people are told of the last run.
    pub fn tell(&mut self) {
        if let Some(last) = self.runs.last_mut() {
            last.told = true;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(number: usize, ending: Verdict, error: Option<&str>) -> PastRun {
        PastRun {
            run_id: format!("r{number}"),
            ended_at: Timestamp::UNIX_EPOCH,
            seconds: 1,
            ending,
            error: error.map(str::to_owned),
            counts: Counts::default(),
            applied: Applied::default(),
            linked: None,
            held: Vec::new(),
            offered: Vec::new(),
            claim: Claim::default(),
            told: false,
            untold: Vec::new(),
        }
    }

    /// How many runs are left of this many, one in so many minutes.
    fn left(runs: usize, minutes: i64) -> usize {
        let mut history = History::new("r", Timestamp::UNIX_EPOCH);
        let mut now = Timestamp::UNIX_EPOCH;
        for number in 0..runs {
            now += SignedDuration::from_mins(minutes);
            history.note(PastRun {
                ended_at: now,
                ..run(number, Verdict::Ok, None)
            });
        }
        assert_eq!(history.header.count, history.runs.len());
        history.runs.len()
    }

    #[test]
    fn it_keeps_eight_days_of_runs_and_at_least_a_week_of_hours() {
        assert_eq!(left(500, 60), 8 * 24 + 1);
        assert_eq!(left(500, 24 * 60), FEWEST_RUNS);
        assert_eq!(left(3000, 5), MOST_RUNS);
    }

    /// A run that ended this many minutes before the moment at which it is measured against.
    fn ago(minutes: i64, ending: Verdict, linked: usize, accounts: usize) -> PastRun {
        let mut run = run(usize::try_from(minutes).unwrap(), ending, None);
        run.ended_at = now() - SignedDuration::from_mins(minutes);
        run.linked = Some(linked);
        run.counts.accounts = accounts;
        run
    }

    fn now() -> Timestamp {
        "2026-11-23T06:00:00Z".parse().unwrap()
    }

    fn history(runs: Vec<PastRun>) -> History {
        let mut history = History::new("r", Timestamp::UNIX_EPOCH);
        history.runs = runs;
        history
    }

    #[test]
    fn a_run_is_measured_against_the_good_ones_of_the_last_seven_days() {
        const A_WEEK: i64 = 7 * 24 * 60;
        let measure = |runs| {
            let week = history(runs).week(now());
            (week.fewest_linked, week.most_accounts)
        };
        assert_eq!(measure(Vec::new()), (None, None));
        let runs = vec![
            ago(A_WEEK + 1, Verdict::Ok, 1, 900),
            ago(A_WEEK, Verdict::Ok, 40, 60),
            ago(120, Verdict::Failed, 2, 800),
            ago(60, Verdict::NothingToDo, 50, 50),
        ];
        assert_eq!(measure(runs), (Some(40), Some(60)));
    }

    #[test]
    fn what_was_held_is_offered_once_as_of_the_last_run_that_held_it_the_newest_first() {
        let held = |minutes, digests: &[&str]| PastRun {
            offered: digests
                .iter()
                .map(|digest| Held {
                    category: Category::Marks,
                    count: 6,
                    limit: 5,
                    digest: (*digest).to_owned(),
                })
                .collect(),
            ..ago(minutes, Verdict::Held, 1, 1)
        };
        let runs = vec![
            held(180, &["a", "b"]),
            held(120, &["c", "a"]),
            held(60, &["c"]),
        ];
        let offered = history(runs).week(now()).offered;
        let offered: Vec<_> = offered
            .iter()
            .map(|one| (one.held.digest.as_str(), one.at))
            .collect();
        let at = |minutes| now() - SignedDuration::from_mins(minutes);
        assert_eq!(offered, [("c", at(60)), ("a", at(120)), ("b", at(180))]);
    }

    #[test]
    fn it_keeps_each_run_once() {
        let mut history = History::new("r", Timestamp::UNIX_EPOCH);
        for number in 0..5 {
            history.note(run(number, Verdict::Ok, None));
            history.note(run(number, Verdict::NothingToDo, None));
        }
        assert_eq!(history.runs.len(), 5);
        assert_eq!(history.runs.last().unwrap().run_id, "r4");
    }

    #[test]
    fn it_keeps_the_records_that_failed_most_often_and_stays_small() {
        let mut history = History::new("r", Timestamp::UNIX_EPOCH);
        for number in 0..500 {
            history.note(run(number, Verdict::Ok, None));
        }
        let failing = (0..5000_u32).map(|runs| (format!("0014M{runs:010}QAA"), runs));
        history.keep_failing(failing.collect());
        assert_eq!(history.failing.len(), MOST_FAILING);
        assert_eq!(history.failing.values().min(), Some(&4000));
        let bytes = serde_json::to_vec(&history).unwrap().len();
        assert!(bytes < 300_000, "{bytes} bytes: an index, not an archive");
    }

    #[test]
    fn a_history_from_before_the_unknown_were_counted_is_still_read() {
        let mut history = History::new("r", Timestamp::UNIX_EPOCH);
        history.note(run(1, Verdict::Ok, None));
        let mut document = serde_json::to_value(&history).unwrap();
        let applied = document["runs"][0]["applied"].as_object_mut().unwrap();
        assert!(applied.remove("unknown").is_some());
        let read: History = serde_json::from_value(document).unwrap();
        assert_eq!(read.runs, history.runs);
    }

    /// Whether the last of these runs changed the pipeline's state.
    fn is_change(runs: &[(Verdict, Option<&str>)]) -> bool {
        let mut history = History::new("r", Timestamp::UNIX_EPOCH);
        for (number, (ending, error)) in runs.iter().enumerate() {
            history.note(run(number, *ending, *error));
        }
        history.change().is_some()
    }

    #[test]
    fn a_good_run_after_a_good_one_is_no_change_and_the_first_counts_as_after_a_good_one() {
        use Verdict::{Held, NothingToDo, Ok, Partial};
        assert!(!is_change(&[(Ok, None)]));
        assert!(is_change(&[(Held, None)]));
        assert!(!is_change(&[(Ok, None), (NothingToDo, None)]));
        assert!(is_change(&[(NothingToDo, None), (Partial, None)]));
        assert!(is_change(&[(Held, None), (Ok, None)]));
    }

    #[test]
    fn another_set_of_held_categories_is_a_change() {
        let held = |categories: &[Category]| PastRun {
            held: categories.to_vec(),
            ..run(0, Verdict::Held, None)
        };
        let is_change = |before: &[Category], now: &[Category]| {
            let mut history = History::new("r", Timestamp::UNIX_EPOCH);
            history.note(held(before));
            let run_id = "r1".to_owned();
            history.note(PastRun {
                run_id,
                ..held(now)
            });
            history.change().is_some()
        };
        let (marks, updates) = (Category::Marks, Category::Updates);
        assert!(!is_change(&[marks], &[marks]));
        assert!(is_change(&[marks], &[updates, marks]));
        assert!(is_change(&[updates, marks], &[marks]));
        assert!(!is_change(&[], &[marks]), "an earlier version does not say");
    }

    #[test]
    fn records_that_fail_beside_what_is_held_are_a_change() {
        let held = |number: usize, failed: usize, unknown: usize| {
            let mut held = run(number, Verdict::Held, None);
            held.held = vec![Category::Marks];
            (held.applied.failed, held.applied.unknown) = (failed, unknown);
            held
        };
        let mut history = History::new("r", Timestamp::UNIX_EPOCH);
        let mut is_change = |run| {
            history.note(run);
            history.change().is_some()
        };
        assert!(is_change(held(0, 0, 0)), "the first run");
        assert!(is_change(held(1, 1, 0)));
        assert!(!is_change(held(2, 0, 2)), "still some");
        assert!(is_change(held(3, 0, 0)));
    }

    #[test]
    fn something_is_held_since_the_first_run_of_an_unbroken_row() {
        let mut history = History::new("r", Timestamp::UNIX_EPOCH);
        let mut note = |number: usize, held: &[Category]| {
            let hours = jiff::SignedDuration::from_hours(i64::try_from(number).unwrap());
            history.note(PastRun {
                ended_at: Timestamp::UNIX_EPOCH + hours,
                held: held.to_vec(),
                ..run(number, Verdict::Held, None)
            });
            history.held_since.map(|since| since.as_second() / 3600)
        };
        assert_eq!(note(1, &[Category::Marks]), Some(1));
        assert_eq!(note(2, &[]), None);
        assert_eq!(note(3, &[Category::Marks]), Some(3));
        assert_eq!(note(4, &[Category::Creates]), Some(3));
    }

    #[test]
    fn a_bad_run_after_a_bad_one_is_a_change_only_if_it_is_bad_in_another_way() {
        use Verdict::{Failed, Held, NothingToDo, Partial};
        let auth = Some("Sync.Auth");
        let config = Some("Sync.Config");
        assert!(!is_change(&[(Partial, None), (Partial, None)]));
        assert!(is_change(&[(Held, None), (Partial, None)]));
        assert!(!is_change(&[(Failed, auth), (Failed, auth)]));
        assert!(is_change(&[(Failed, auth), (Failed, config)]));
        assert!(is_change(&[(Failed, auth), (NothingToDo, None)]));
    }
}
