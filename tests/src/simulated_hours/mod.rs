//! Simulated hours: accounts come, go and change, people edit organizations, everything fails at
//! random, and what must never happen is looked for after every hour. The same seed gives the same
//! hours.

mod harm;
mod invariants;
mod live;

use std::collections::{BTreeMap, BTreeSet};

use crate::clock::{now, travel_to};
use domain::Error;
use domain::model::Verdict;
use harm::{calm, harm};
use invariants::{Named, check, equal_now, few_creates_were_sent, target};
use jiff::ToSpan;
use live::live;
use serde_json::{Value, json};
use stage::events::Progress;

use crate::in_process::{Killed, Pipeline};
use crate::standins::Running;
use crate::standins::seed::{Dice, equal};

const ACCOUNTS: usize = 30;
const HOURS_UNTIL_MARKED: i64 = 3;
/// Invocations after which a run should have ended: three hours of waits of 30 s.
const MOST_INVOCATIONS: usize = 400;

/// What happened in the simulated hours.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Hours {
    /// Hours simulated.
    pub hours: usize,
    /// Runs that failed, as runs do when vendors are down.
    pub failed: usize,
    /// Runs whose sync was killed at least once.
    pub killed: usize,
    pub writes: usize,
    /// Tries of creates without a usable answer.
    pub doubtful_creates: usize,
    /// Creates that were done late.
    pub late_creates: usize,
    /// Chunks that were sent once more, in halves or as they were.
    pub sent_again: usize,
    /// Jobs that failed after half of their records.
    pub half_done_jobs: usize,
    /// Records that two jobs had at the same time.
    pub collisions: usize,
    /// Jobs that Zendesk did not show.
    pub lost_jobs: usize,
    /// Records that were left alone because somebody had changed them.
    pub drifted: usize,
    /// Tokens that ended in the middle of a run.
    pub ended_tokens: usize,
    /// Records that stayed unknown: they may have been applied or not.
    pub unknown: usize,
    /// Records that were refused.
    pub refused: usize,
    /// Those of them that were written without what was refused.
    pub left_out: usize,
    /// Names that somebody else has, as Zendesk sees it.
    pub taken_names: usize,
    /// Marks that were taken back though the rest of the update was refused or is not known.
    pub unmarked_all_the_same: usize,
}

impl Hours {
    pub fn and(&self, other: &Self) -> Self {
        let both = |of: fn(&Self) -> usize| of(self) + of(other);
        Self {
            hours: both(|one| one.hours),
            failed: both(|one| one.failed),
            killed: both(|one| one.killed),
            writes: both(|one| one.writes),
            doubtful_creates: both(|one| one.doubtful_creates),
            late_creates: both(|one| one.late_creates),
            sent_again: both(|one| one.sent_again),
            half_done_jobs: both(|one| one.half_done_jobs),
            collisions: both(|one| one.collisions),
            lost_jobs: both(|one| one.lost_jobs),
            drifted: both(|one| one.drifted),
            ended_tokens: both(|one| one.ended_tokens),
            unknown: both(|one| one.unknown),
            refused: both(|one| one.refused),
            left_out: both(|one| one.left_out),
            taken_names: both(|one| one.taken_names),
            unmarked_all_the_same: both(|one| one.unmarked_all_the_same),
        }
    }

    /// Chaos that meets nothing proves nothing.
    ///
    /// # Errors
    /// Everything that was met, if anything was not.
    pub fn met_everything(&self) -> Result<(), String> {
        let Self {
            hours: _,
            failed,
            killed,
            writes,
            doubtful_creates,
            late_creates,
            sent_again,
            half_done_jobs,
            collisions,
            lost_jobs,
            drifted,
            ended_tokens,
            unknown,
            refused,
            left_out,
            taken_names,
            unmarked_all_the_same,
        } = self;
        let all = [
            failed,
            killed,
            writes,
            doubtful_creates,
            late_creates,
            sent_again,
            half_done_jobs,
            collisions,
            lost_jobs,
            drifted,
            ended_tokens,
            unknown,
            refused,
            left_out,
            taken_names,
            unmarked_all_the_same,
        ];
        if all.into_iter().all(|met| *met > 0) {
            return Ok(());
        }
        Err(format!("{self:?}"))
    }
}

/// Simulates this many hours, then stops the faults, lets two runs go, and expects that a third has
/// nothing to do and both systems are equal.
///
/// # Errors
/// What happened that must never happen, and in which hour.
pub async fn simulate(seed: u64, hours: usize) -> Result<Hours, String> {
    let mut dice = Dice::new(seed);
    let world = equal(seed, ACCOUNTS, 120, 10);
    let standins = Running::start(world)
        .await
        .map_err(|error| error.to_string())?;
    let mut pipeline = Pipeline::on(&standins);
    pipeline.retries = true;
    for name in ["MAX_UPDATES", "MAX_CREATES", "MAX_MARKS"] {
        pipeline.env.insert(name.to_owned(), "1000".to_owned());
    }
    let hours_until_marked = (
        "MARK_AFTER_HOURS".to_owned(),
        HOURS_UNTIL_MARKED.to_string(),
    );
    pipeline.env.extend([hours_until_marked]);
    let mut tally = Hours {
        hours,
        ..Hours::default()
    };
    let mut last = (target(&standins), Named::default());
    for hour in 0..hours {
        let in_hour = |why: String| format!("hour {hour}: {why}");
        // Jobs of the last run may have come late.
        check(&standins, &last.0, &last.1).map_err(in_hour)?;
        live(&mut dice, &mut standins.world(), hour);
        let marks_are_safe = harm(&mut dice, &standins);
        let dice_of_run = (!marks_are_safe).then_some(&mut dice);
        last = run(&mut pipeline, &standins, &mut tally, dice_of_run)
            .await
            .map_err(in_hour)?;
        if marks_are_safe {
            last.1.every_mark_is_taken_back().map_err(in_hour)?;
        }
        to_the_next_hour(&mut pipeline)?;
    }
    check(&standins, &last.0, &last.1)?;
    calm(&standins);
    run(&mut pipeline, &standins, &mut tally, None).await?;
    // What waits may be marked then.
    pipeline.hours_pass(HOURS_UNTIL_MARKED);
    to_the_next_hour(&mut pipeline)?;
    run(&mut pipeline, &standins, &mut tally, None).await?;
    to_the_next_hour(&mut pipeline)?;
    let last = pipeline
        .run(json!({}))
        .await
        .map_err(|error| format!("a run without faults failed: {error}"))?;
    if last.verdict != Verdict::NothingToDo {
        return Err(format!("two runs without faults left something: {last:?}"));
    }
    equal_now(&standins)?;
    let mut world = standins.world();
    let zendesk = world.instance("global");
    tally.late_creates = zendesk.late_creates;
    tally.half_done_jobs = zendesk.jobs.seen.halves;
    tally.collisions = zendesk.jobs.seen.collisions;
    Ok(tally)
}

/// The next full hour after the run has ended.
fn to_the_next_hour(pipeline: &mut Pipeline) -> Result<(), String> {
    while pipeline.today <= now() {
        let next = pipeline.today.saturating_add(1.hour());
        pipeline.today = next.map_err(|error| error.to_string())?;
    }
    travel_to(pipeline.today);
    Ok(())
}

/// One run, as the state machine does it, and the look for what must never happen. With dice it may
/// be killed, its store may fail, and people work meanwhile. Returns what the target was after it,
/// and what its plan named.
async fn run(
    pipeline: &mut Pipeline,
    standins: &Running,
    tally: &mut Hours,
    mut dice: Option<&mut Dice>,
) -> Result<(BTreeMap<u64, Value>, Named), String> {
    let before = target(standins);
    standins.world().log.clear();
    if let Some(dice) = dice.as_mut()
        && dice.roll(10) == 0
    {
        pipeline
            .store
            .fail_at(usize_of(dice, 12), dice.roll(2) == 0);
    }
    let (ended, named) = match pipeline.plan(json!({})).await {
        Ok(compared) => {
            let named = Named::by_the_plan(pipeline);
            let mut named = named;
            if let Some(dice) = dice {
                touch(dice, standins, &mut named);
                let reserved = dice.roll(2).to_string();
                let setting = ("SYNC_RESERVED_CONCURRENCY".to_owned(), reserved);
                pipeline.env.extend([setting]);
                if dice.roll(5) == 0 {
                    pipeline.store.die_at(usize_of(dice, 14), dice.roll(2) == 0);
                }
            }
            let plan = json!(compared.plan);
            let applied = apply(pipeline, standins, tally, &plan).await?;
            (applied, named.with_results(pipeline))
        }
        Err(error) => (Err(error), Named::default()),
    };
    pipeline.store.live();
    if let Err(error) = ended {
        tally.failed += 1;
        pipeline
            .record_failure(&error)
            .await
            .map_err(|lost| format!("{error}: not recorded: {lost}"))?;
    }
    let log = standins.world().log.clone();
    let writes = log
        .iter()
        .filter(|call| call.method != "GET" && call.path.starts_with("/api/"));
    tally.writes += writes.count();
    let refused = log
        .iter()
        .filter(|call| call.host == "global" && call.status == 401);
    tally.ended_tokens += refused.count();
    check(standins, &before, &named)?;
    few_creates_were_sent(standins, &named)?;
    let (refused, left_out) = named.refused();
    tally.refused += refused;
    tally.left_out += left_out;
    tally.taken_names += named.taken();
    tally.unmarked_all_the_same += named.unmarked_all_the_same();
    Ok((target(standins), named))
}

/// Something else of some organizations changes between the plan and its application: those must
/// not be marked.
fn touch(dice: &mut Dice, standins: &Running, named: &mut Named) {
    let mut world = standins.world();
    let zendesk = world.instance("global");
    for id in named.marked.clone() {
        if dice.roll(4) == 0 {
            zendesk.touch(id);
            named.marked.remove(&id);
        }
    }
}

fn usize_of(dice: &mut Dice, below: u64) -> usize {
    usize::try_from(dice.roll(below)).unwrap_or_default()
}

/// The last stage, until it is done or has failed for good.
async fn apply(
    pipeline: &mut Pipeline,
    standins: &Running,
    tally: &mut Hours,
    plan: &Value,
) -> Result<Result<(), Error>, String> {
    let mut seen = SeenDoubts::default();
    let mut killed = false;
    for _ in 0..MOST_INVOCATIONS {
        let ended = pipeline.sync_retried(plan, standins).await;
        seen.note(&pipeline.document("sync-state.json"));
        match ended {
            Ok(Ok(Progress::Wait { .. } | Progress::Continue { .. })) => {}
            Ok(Ok(Progress::Done(done))) => {
                tally.unknown += done.summary.applied.unknown;
                tally.drifted += done.summary.applied.drifted;
                seen.add_to(tally, killed);
                return Ok(Ok(()));
            }
            Ok(Err(Killed)) => killed = true,
            Err(error) => {
                seen.add_to(tally, killed);
                return Ok(Err(error));
            }
        }
    }
    Err(format!(
        "sync does not come to its end in {MOST_INVOCATIONS} invocations"
    ))
}

/// What the progress of a run says of doubts, after each invocation.
#[derive(Default)]
struct SeenDoubts {
    creates: BTreeSet<(u64, u64)>,
    chunks: BTreeSet<String>,
    jobs: BTreeSet<String>,
}

impl SeenDoubts {
    fn note(&mut self, state: &Value) {
        if let Some(tries) = state["open_create"]["tries"].as_u64() {
            let before = state["segments"]["creates"].as_u64().unwrap_or_default();
            let listed = state["creates"].as_array().map_or(0, Vec::len);
            self.creates.insert((before + listed as u64, tries));
        }
        let jobs = state["jobs"].as_array().into_iter().flatten();
        let again = state["again"].as_array().into_iter().flatten();
        let chunks = again.chain(jobs.clone().map(|job| &job["chunk"]));
        self.chunks.extend(
            chunks
                .filter(|chunk| chunk["before"] != "unsent")
                .map(Value::to_string),
        );
        let lost = jobs.filter(|job| !job["missing_since"].is_null());
        self.jobs.extend(lost.map(|job| job["id"].to_string()));
    }

    fn add_to(&self, tally: &mut Hours, killed: bool) {
        tally.killed += usize::from(killed);
        tally.doubtful_creates += self.creates.len();
        tally.sent_again += self.chunks.len();
        tally.lost_jobs += self.jobs.len();
    }
}
