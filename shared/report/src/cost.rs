//! What a run costs, from measured durations and counted state transitions, and what the
//! installation costs a month.

use super::cells::Cell;
use super::{ReportContext, Section};
use crate::Metric;
use domain::model::{RunUsage, Usage};
use domain::plan::PlannedRun;

/// AWS's list prices, in thousand-millionths of a US dollar: us-east-1, on demand, without the free
/// tier.
#[derive(Debug, Clone, Copy)]
pub struct Prices {
    /// Year and month of the list.
    pub as_of: &'static str,
    /// Ten GB-seconds of a Lambda on this architecture.
    pub ten_gb_seconds: u64,
    /// One request to a Lambda.
    pub request: u64,
    /// One state transition of a Standard workflow.
    pub transition: u64,
    /// A custom metric, a month.
    pub metric: u64,
    /// An alarm on one metric, a month.
    pub alarm: u64,
    pub dashboard: u64,
    pub secret: u64,
}

/// The prices that everything here is computed with.
pub const PRICES: Prices = Prices {
    as_of: "2026-11",
    ten_gb_seconds: if cfg!(target_arch = "aarch64") {
        133_334
    } else {
        166_667
    },
    request: 200,
    transition: 25_000,
    metric: 300_000_000,
    alarm: 100_000_000,
    dashboard: 3_000_000_000,
    secret: 400_000_000,
};

/// Memory of each Lambda, as in the template (`make validate` holds these three together).
pub const MEMORY_MB: u64 = 256;
/// Alarms of the template.
pub const ALARMS: u64 = 13;
/// Dashboards of the template.
pub const DASHBOARDS: u64 = 1;

/// Hours of a month, as AWS counts them.
const HOURS_A_MONTH: u64 = 730;

/// States every run enters once: the input, the lease, the accounts, the plan, whether it is only a
/// plan, the lease's release, whether people have to know, the end.
const STATES_OF_EVERY_RUN: u64 = 8;

/// What was counted for the cost of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cost {
    /// States entered, without those entered again after a failure.
    pub transitions: u64,
    pub invocations: u64,
    pub milliseconds: u64,
}

impl Cost {
    /// The cost of a run that used this. `notified` adds the state that tells people.
    pub fn of(usage: &RunUsage, notified: bool) -> Self {
        let RunUsage {
            gather_accounts: _,
            gather_orgs,
            compare: _,
            sync,
        } = usage;
        // Each invocation of these is followed by a look at its answer.
        let looks = |usage: &Usage| 2 * usage.invocations + usage.waits;
        // Before each invocation of sync the lease is confirmed.
        let confirmations = sync.invocations;
        // A plan that is applied has a state more: whether there is something to tell people.
        let is_applied = u64::from(sync.invocations > 0);
        let Usage {
            invocations,
            milliseconds,
            ..
        } = usage.total();
        Self {
            transitions: STATES_OF_EVERY_RUN
                + looks(gather_orgs)
                + looks(sync)
                + confirmations
                + is_applied
                + u64::from(notified),
            invocations,
            milliseconds,
        }
    }

    /// In millionths of a US dollar, rounded up.
    pub fn micro_usd(self) -> u64 {
        let Self {
            transitions,
            invocations,
            milliseconds,
        } = self;
        let compute = milliseconds * MEMORY_MB * PRICES.ten_gb_seconds / (1024 * 1000 * 10);
        let requests = invocations * PRICES.request;
        let states = transitions * PRICES.transition;
        (compute + requests + states).div_ceil(1000)
    }

    /// In US dollars, as text.
    pub fn usd(self) -> String {
        format!("{} USD", in_usd(self.micro_usd() * 1000))
    }
}

/// What the installation costs a month, with runs like this one.
pub(super) fn a_month(context: ReportContext<'_>, run: &PlannedRun<'_>) -> Option<Section> {
    let secrets = run.usage.total().credentials.len() as u64;
    let mut lines = vec![
        ("custom metrics", Metric::ALL.len() as u64, PRICES.metric),
        ("alarms", ALARMS, PRICES.alarm),
        ("dashboard", DASHBOARDS, PRICES.dashboard),
        ("secrets", secrets, PRICES.secret),
    ];
    // The machine that starts the run has a transition of its own.
    let of_a_run =
        Cost::of(&run.usage, context.people_are_told).micro_usd() * 1000 + PRICES.transition;
    let interval = u64::from(context.reporting.interval_hours);
    let runs = HOURS_A_MONTH.checked_div(interval);
    if let Some(runs) = runs {
        lines.push(("runs like this one", runs, of_a_run));
    }
    let total: u64 = lines.iter().map(|(_, number, each)| number * each).sum();
    let mut rows: Vec<Vec<Cell>> = Vec::new();
    for (what, number, each) in lines {
        rows.push(vec![
            what.into(),
            number.into(),
            in_usd(each).into(),
            cents(number * each).into(),
        ]);
    }
    rows.push(vec![
        "all".into(),
        Cell::default(),
        Cell::default(),
        cents(total).into(),
    ]);
    let often = match runs {
        Some(_) => format!("with a run every {interval} h"),
        None => "without the runs, whose interval is not known".to_owned(),
    };
    let note = format!(
        "US dollars, by AWS's list prices of {} in us-east-1, without the free tier, {often}. \
         DynamoDB, logs and messages come on top: cents; and S3, by the number of partners.",
        PRICES.as_of
    );
    Section::of(
        "Cost a month",
        note,
        &["what", "number", "each", "a month"],
        rows,
    )
}

/// Thousand-millionths of a dollar in dollars, to a millionth.
fn in_usd(nano: u64) -> String {
    let micro = nano.div_ceil(1000);
    format!("{}.{:06}", micro / 1_000_000, micro % 1_000_000)
}

/// Thousand-millionths of a dollar in dollars, to a cent.
fn cents(nano: u64) -> String {
    let cents = nano.div_ceil(10_000_000);
    format!("{}.{:02}", cents / 100, cents % 100)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quiet_run_costs_a_third_of_a_thousandth_of_a_dollar() {
        let stage = |invocations, milliseconds| Usage {
            invocations,
            milliseconds,
            ..Usage::default()
        };
        let usage = RunUsage {
            gather_accounts: stage(1, 400),
            gather_orgs: stage(1, 9000),
            compare: stage(1, 200),
            sync: stage(1, 400),
        };
        let cost = Cost::of(&usage, false);
        assert_eq!(
            cost,
            Cost {
                transitions: 14,
                invocations: 4,
                milliseconds: 10_000
            }
        );
        // 14 transitions at 25, 4 requests at 0.2, 2.5 GB-seconds at 16.6667 millionths.
        assert_eq!(cost.micro_usd(), 393);
        assert_eq!(cost.usd(), "0.000393 USD");
    }

    #[test]
    fn waits_are_transitions_and_their_length_costs_nothing() {
        let sync = Usage {
            invocations: 3,
            waits: 2,
            wait_seconds: 60,
            ..Usage::default()
        };
        let usage = RunUsage {
            sync,
            ..RunUsage::default()
        };
        assert_eq!(Cost::of(&usage, true).transitions, 8 + 6 + 2 + 3 + 1 + 1);
    }
}
