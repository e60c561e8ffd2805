//! The last runs as bars: where each stands and how high it is; a run that failed is a cross on the
//! axis. The template draws them.

use super::{Bar, minute};
use domain::model::{History, PastRun, Verdict};

const SHOWN_RUNS: usize = 30;
/// Width of a bar, in units of the drawing.
const BAR_WIDTH: usize = 24;
const GAP: usize = 4;
/// Height of the highest bar.
const BAR_HEIGHT: usize = 96;
/// Height of a run that changed nothing, so that it can be seen.
const LEAST_HEIGHT: usize = 3;
/// Half the size of the cross of a run that failed.
const CROSS: usize = 5;
/// Space above the highest bar, for a line of text.
const TOP: usize = 24;
/// Space before the first bar, for the scale's numbers.
const LEFT: usize = 52;
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

pub(super) struct Chart {
    pub(super) width: usize,
    pub(super) height: usize,
    pub(super) bar_width: usize,
    /// The y of the text below the axis.
    pub(super) below: usize,
    pub(super) bars: Vec<DrawnBar>,
    pub(super) crosses: Vec<Cross>,
    /// The lines of the scale, with what each means.
    pub(super) scale: Vec<Line>,
    /// Where the lines begin, behind their labels.
    pub(super) left: usize,
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

pub(super) struct Cross {
    /// The path of the drawing.
    pub(super) path: String,
    pub(super) title: String,
}

/// A line of the scale.
pub(super) struct Line {
    pub(super) y: usize,
    pub(super) label: String,
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
    let x = |place: usize| LEFT + place * (BAR_WIDTH + GAP);
    let (mut drawn, mut crosses) = (Vec::new(), Vec::new());
    for (place, bar) in bars.iter().enumerate() {
        if bar.verdict == Verdict::Failed {
            crosses.push(Cross {
                path: cross(x(place) + BAR_WIDTH / 2, axis),
                title: title(bar),
            });
        }
        let height = height(bar, most);
        if bar.verdict != Verdict::Failed || bar.changed > 0 {
            drawn.push(DrawnBar {
                verdict: bar.verdict.word(),
                x: x(place),
                y: axis - height,
                height,
                title: title(bar),
            });
        }
    }
    Some(Chart {
        width: x(SHOWN_RUNS),
        height: axis + BOTTOM,
        bar_width: BAR_WIDTH,
        below: axis + BOTTOM - 4,
        bars: drawn,
        crosses,
        scale: scale(most, axis),
        left: LEFT,
        wrong: bars.iter().filter(|bar| !bar.verdict.is_good()).count(),
        most,
        first: minute(first.ended_at),
        last: minute(last.ended_at),
    })
}

fn height(bar: &Bar, most: usize) -> usize {
    height_of(bar.changed, most).max(LEAST_HEIGHT)
}

fn height_of(changed: usize, most: usize) -> usize {
    (changed * BAR_HEIGHT * BAR_HEIGHT / most).isqrt()
}

/// Lines at nothing, at a quarter of the most, which is half as high, and at the most.
fn scale(most: usize, axis: usize) -> Vec<Line> {
    let mut numbers = vec![0, most / 4, most];
    numbers.dedup();
    let line = |number: usize| Line {
        y: axis - height_of(number, most),
        label: number.to_string(),
    };
    numbers.into_iter().map(line).collect()
}

fn cross(x: usize, y: usize) -> String {
    let (left, right) = (x - CROSS, x + CROSS);
    let (top, bottom) = (y - CROSS, y + CROSS);
    format!("M{left} {top}L{right} {bottom}M{left} {bottom}L{right} {top}")
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
