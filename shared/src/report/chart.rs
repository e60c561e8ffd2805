//! The last runs as bars: where each stands and how high it is. The template draws them.

use super::{Bar, minute};
use crate::model::{Conclusion, History, PastRun};

/// Runs in the chart.
const SHOWN_RUNS: usize = 30;
/// Width of a bar, in units of the drawing.
const BAR_WIDTH: usize = 24;
/// Space between two bars.
const GAP: usize = 4;
/// Height of the highest bar.
const BAR_HEIGHT: usize = 96;
/// Height of a run that changed nothing, so that it is seen.
const LEAST_HEIGHT: usize = 3;
/// Height of a run that failed.
const FAILED_HEIGHT: usize = BAR_HEIGHT / 2;
/// Space above the highest bar, for a line of text.
const TOP: usize = 24;
/// Space below the axis, for a line of text.
const BOTTOM: usize = 26;

/// The last runs, the oldest first.
pub(super) fn bars(history: &History) -> Vec<Bar> {
    let from = history.runs.len().saturating_sub(SHOWN_RUNS);
    history.runs.iter().skip(from).map(bar).collect()
}

fn bar(run: &PastRun) -> Bar {
    Bar {
        run_id: run.run_id.clone(),
        ended_at: run.ended_at,
        verdict: run.ending,
        changed: run.changed(),
        failed: run.applied.failed,
        unknown: run.applied.unknown,
        seconds: run.seconds,
    }
}

/// The drawing.
pub(super) struct Chart {
    pub(super) width: usize,
    pub(super) height: usize,
    pub(super) bar_width: usize,
    /// The y of the axis, on which the bars stand.
    pub(super) axis: usize,
    /// The y of the text below the axis.
    pub(super) below: usize,
    pub(super) bars: Vec<DrawnBar>,
    /// Runs that were not good.
    pub(super) wrong: usize,
    /// The most records changed in one run.
    pub(super) most: usize,
    pub(super) first: String,
    pub(super) last: String,
}

/// A bar of the drawing.
pub(super) struct DrawnBar {
    pub(super) verdict: &'static str,
    pub(super) x: usize,
    pub(super) y: usize,
    pub(super) height: usize,
    pub(super) title: String,
}

/// Draws the bars; `None` without runs.
///
/// Heights go with the square root, so that one large run does not flatten the others.
pub(super) fn draw(bars: &[Bar]) -> Option<Chart> {
    let first = bars.first()?;
    let last = bars.last()?;
    let most_changed = bars.iter().map(|bar| bar.changed).max().unwrap_or_default();
    let most = most_changed.max(1);
    let axis = BAR_HEIGHT + TOP;
    let drawn = bars.iter().enumerate().map(|(place, bar)| {
        let height = height(bar, most);
        DrawnBar {
            verdict: bar.verdict.word(),
            x: place * (BAR_WIDTH + GAP),
            y: axis - height,
            height,
            title: title(bar),
        }
    });
    Some(Chart {
        width: SHOWN_RUNS * (BAR_WIDTH + GAP),
        height: axis + BOTTOM,
        bar_width: BAR_WIDTH,
        axis,
        below: axis + BOTTOM - 4,
        bars: drawn.collect(),
        wrong: bars.iter().filter(|bar| !bar.verdict.is_good()).count(),
        most,
        first: minute(first.ended_at),
        last: minute(last.ended_at),
    })
}

fn height(bar: &Bar, most: usize) -> usize {
    let least = match bar.verdict {
        Conclusion::Failed => FAILED_HEIGHT,
        _ => LEAST_HEIGHT,
    };
    let share = bar.changed * BAR_HEIGHT * BAR_HEIGHT / most;
    share.isqrt().max(least)
}

fn title(bar: &Bar) -> String {
    let Bar {
        run_id,
        ended_at,
        verdict,
        changed,
        failed,
        unknown,
        seconds,
    } = bar;
    format!(
        "{run_id}: {}, {changed} changed, {failed} failed, {unknown} unknown, {seconds} s, {}",
        verdict.word(),
        minute(*ended_at)
    )
}
