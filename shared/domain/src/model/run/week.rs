//! What a run is measured against: the good runs of the last week, and what was offered for an
//! approval.
//!
//! Source: contract, section 3, "Guard" and "Approval".

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::{Held, PastRun};

const A_WEEK: SignedDuration = SignedDuration::from_hours(7 * 24);
/// How long a report's release may be used.
const OFFERED_FOR: SignedDuration = SignedDuration::from_hours(24);

/// What a run is measured against.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Week {
    /// The fewest partner organizations that named an account in a good run; `None` without one.
    pub fewest_linked: Option<usize>,
    /// The most accounts of a good run.
    pub most_accounts: Option<usize>,
    /// What runs in apply mode have held, the newest first.
    pub offered: Vec<Offer>,
}

/// A category that was held, and so was offered for an approval.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Offer {
    /// When the run ended that held it last.
    pub at: Timestamp,
    #[serde(flatten)]
    pub held: Held,
}

impl Offer {
    /// True if a run that starts at this moment may still use it.
    pub fn is_open(&self, now: Timestamp) -> bool {
        now.duration_since(self.at) <= OFFERED_FOR
    }
}

impl Week {
    pub(super) fn of(runs: &[PastRun], now: Timestamp) -> Self {
        let first = now.saturating_sub(A_WEEK).unwrap_or(Timestamp::MIN);
        let young = runs.iter().filter(|run| run.ended_at >= first);
        let good = || young.clone().filter(|run| run.is_good());
        let mut offered: Vec<Offer> = Vec::new();
        for run in young.clone().rev() {
            for held in &run.offered {
                if !offered.iter().any(|one| one.held.digest == held.digest) {
                    offered.push(Offer {
                        at: run.ended_at,
                        held: held.clone(),
                    });
                }
            }
        }
        Self {
            fewest_linked: good().map(PastRun::linked).min(),
            most_accounts: good().map(|run| run.counts.accounts).max(),
            offered,
        }
    }
}
