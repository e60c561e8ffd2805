//! What a run costs, from measured durations and counted state transitions.

use crate::model::{RunUsage, Usage};

/// Memory of each Lambda, as in the template (`make validate` holds both together).
const MEMORY_MB: u64 = 256;
/// Ten GB-seconds of a Lambda, in nano-dollars (thousand-millionths of a US dollar).
///
/// Source of this and the next two: AWS's price lists for us-east-1, on demand, x86, as of 2026-11.
const TEN_GB_SECONDS_NANO_USD: u64 = 166_667;
/// One request to a Lambda, in nano-dollars.
const REQUEST_NANO_USD: u64 = 200;
/// One state transition of a Standard workflow, in nano-dollars.
const TRANSITION_NANO_USD: u64 = 25_000;

/// States every run enters once: the input, the lease, the accounts, the plan, whether it is only a
/// plan, the lease's release, whether people have to know, the end.
const STATES_OF_EVERY_RUN: u64 = 8;

/// What was counted for the cost of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cost {
    /// States entered, without those entered again after a failure.
    pub transitions: u64,
    /// Invocations of Lambdas.
    pub invocations: u64,
    /// Their length.
    pub milliseconds: u64,
}

impl Cost {
    /// The cost of a run that used this. `notified` adds the state that tells people.
    #[must_use]
    pub fn of(usage: &RunUsage, notified: bool) -> Self {
        let RunUsage {
            gather_accounts: _,
            gather_orgs,
            compare: _,
            sync,
        } = usage;
        // Each invocation of these is followed by a look at its answer.
        let looks = |usage: &Usage| 2 * usage.invocations + usage.waits;
        // Before each of sync the lease is confirmed.
        let confirmations = sync.invocations;
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
                + u64::from(notified),
            invocations,
            milliseconds,
        }
    }

    /// In millionths of a US dollar, rounded up.
    #[must_use]
    pub fn micro_usd(self) -> u64 {
        let Self {
            transitions,
            invocations,
            milliseconds,
        } = self;
        let compute = milliseconds * MEMORY_MB * TEN_GB_SECONDS_NANO_USD / (1024 * 1000 * 10);
        let requests = invocations * REQUEST_NANO_USD;
        let states = transitions * TRANSITION_NANO_USD;
        (compute + requests + states).div_ceil(1000)
    }

    /// In US dollars, as text.
    #[must_use]
    pub fn usd(self) -> String {
        let micro = self.micro_usd();
        format!("{}.{:06} USD", micro / 1_000_000, micro % 1_000_000)
    }
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
                transitions: 13,
                invocations: 4,
                milliseconds: 10_000
            }
        );
        // 13 transitions at 25, 4 requests at 0.2, 2.5 GB-seconds at 16.6667 millionths.
        assert_eq!(cost.micro_usd(), 368);
        assert_eq!(cost.usd(), "0.000368 USD");
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
        assert_eq!(Cost::of(&usage, true).transitions, 8 + 6 + 2 + 3 + 1);
    }
}
