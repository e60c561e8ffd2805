//! The last runs as bars, in SVG.

use std::fmt::Write as _;

use super::html::escape;
use super::{Bar, minute};
use crate::model::{Ending, History};

/// Runs in the chart.
const SHOWN: usize = 30;
const WIDTH: usize = 24;
const GAP: usize = 4;
const HEIGHT: usize = 96;

/// The last runs, the oldest first.
pub(super) fn bars(history: &History) -> Vec<Bar> {
    let from = history.runs.len().saturating_sub(SHOWN);
    let bar = |run: &crate::model::PastRun| Bar {
        run_id: run.run_id.clone(),
        ended_at: run.ended_at,
        verdict: run.ending,
        changed: run.changed(),
        failed: run.applied.failed,
        seconds: run.seconds,
    };
    history.runs.iter().skip(from).map(bar).collect()
}

/// The chart; empty without runs. Heights go with the square root, so that one large run does not
/// flatten the others.
pub(super) fn svg(bars: &[Bar]) -> String {
    let (Some(first), Some(last)) = (bars.first(), bars.last()) else {
        return String::new();
    };
    let most = bars
        .iter()
        .map(|bar| bar.changed)
        .max()
        .unwrap_or_default()
        .max(1);
    let (width, base) = (SHOWN * (WIDTH + GAP), HEIGHT + 24);
    let wrong = bars.iter().filter(|bar| !bar.verdict.is_good()).count();
    let mut svg = format!(
        "<figure>\n<svg viewBox=\"0 0 {width} {}\" role=\"img\" aria-label=\"The last {} runs, \
         {wrong} of them not good; at most {most} records \
         changed in one.\">\n<text x=\"0\" y=\"18\">{most} changed</text>\n<path class=\"axis\" \
         d=\"M0 {base}H{width}\"/>\n",
        base + 26,
        bars.len(),
    );
    for (
        place,
        Bar {
            run_id,
            ended_at,
            verdict,
            changed,
            failed,
            seconds,
        },
    ) in bars.iter().enumerate()
    {
        let height =
            (changed * HEIGHT * HEIGHT / most)
                .isqrt()
                .max(if *verdict == Ending::Failed {
                    HEIGHT / 2
                } else {
                    3
                });
        // Writing to a string cannot fail.
        let _ = writeln!(
            svg,
            "<rect class=\"{}\" x=\"{}\" y=\"{}\" width=\"{WIDTH}\" height=\"{height}\" \
             rx=\"2\"><title>{}: {}, {changed} changed, {failed} failed, \
             {seconds} s, {}</title></rect>",
            verdict.word(),
            place * (WIDTH + GAP),
            base - height,
            escape(run_id),
            verdict.word(),
            minute(*ended_at),
        );
    }
    let _ = writeln!(
        svg,
        "<text x=\"0\" y=\"{y}\">{}</text>\n<text x=\"{width}\" y=\"{y}\" \
         class=\"end\">{}</text>\n</svg>\n<figcaption>Records changed in the last runs; \
         grey: nothing to do, green: OK, orange: a person has to look, red: \
         failed.</figcaption>\n</figure>",
        minute(first.ended_at),
        minute(last.ended_at),
        y = base + 22,
    );
    svg
}
