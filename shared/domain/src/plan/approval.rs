//! Which approvals count. One is bound to what a run in apply mode has held, and to the time since.
//!
//! Source: contract, section 3, "Approval".

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::Judged;
use super::reason::typed;
use crate::model::{Category, HeldKeys, Offer, sha256};

/// The most keys that a refusal names.
const MOST_KEYS: usize = 5;

/// What the execution's input approves, and what may be approved.
#[derive(Debug, Clone, Copy)]
pub struct Approvals<'a> {
    /// The digests of the input.
    pub given: &'a [String],
    /// What earlier runs in apply mode have held.
    pub offered: &'a [Offer],
    /// What the run before this one held.
    pub held: &'a HeldKeys,
    /// The digest of the `sync.toml` that the plan is made with: an approval counts under it alone.
    /// `None` in a replay of a plan that names none.
    pub bound_to: Option<&'a str>,
    pub now: Timestamp,
}

/// An approval that released nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refused {
    pub digest: String,
    #[serde(deserialize_with = "typed")]
    pub why: WhyRefused,
}

/// Why an approval released nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum WhyRefused {
    /// No run in apply mode of the last week has held it.
    Unknown,
    /// It was held too long ago.
    TooOld { held_at: Timestamp },
    /// What is planned now is something else.
    Differs {
        category: Category,
        held_at: Timestamp,
        was: usize,
        now: usize,
        /// Entries, by their keys, that are planned now and were not held: the first few.
        added: Vec<String>,
        /// Entries that were held and are not planned now: the first few.
        gone: Vec<String>,
    },
    /// Exactly this is planned, and needs no approval any more.
    NotNeeded { category: Category },
}

impl Approvals<'_> {
    /// The digest that an approval must name: of a category's entries, under this file.
    pub(super) fn digest(&self, entries: String) -> String {
        match self.bound_to {
            None => entries,
            Some(file) => format!("sha256:{}", sha256(format!("{entries}\n{file}").as_bytes())),
        }
    }

    /// True if the input approves the digest, and may do so.
    pub(super) fn release(&self, digest: &str) -> bool {
        self.given.iter().any(|given| given == digest) && self.is_open(digest)
    }

    /// True if a run that starts now may approve the digest.
    pub(super) fn is_open(&self, digest: &str) -> bool {
        let mut offers = self.offered.iter();
        offers.any(|offer| offer.held.digest == digest && offer.is_open(self.now))
    }

    /// The approvals that release nothing, each with the reason. `keys` gives the keys of the
    /// entries of a category that are planned now.
    pub(super) fn refused(
        &self,
        judged: &[Judged],
        keys: impl Fn(Category) -> BTreeSet<String>,
    ) -> Vec<Refused> {
        let releases = |given: &&String| {
            judged
                .iter()
                .any(|one| one.approved && one.digest == **given)
        };
        let refused = self.given.iter().filter(|given| !releases(given));
        let with_reason = refused.map(|digest| Refused {
            digest: digest.clone(),
            why: self.why_refused(digest, judged, &keys),
        });
        with_reason.collect()
    }

    fn why_refused(
        &self,
        digest: &str,
        judged: &[Judged],
        keys: impl Fn(Category) -> BTreeSet<String>,
    ) -> WhyRefused {
        let offer = self.offered.iter().find(|one| one.held.digest == digest);
        let Some(offer) = offer else {
            return WhyRefused::Unknown;
        };
        let held_at = offer.at;
        if !offer.is_open(self.now) {
            return WhyRefused::TooOld { held_at };
        }
        let category = offer.held.category;
        let planned = judged.iter().find(|one| one.category == category);
        if planned.is_some_and(|one| one.digest == digest) {
            return WhyRefused::NotNeeded { category };
        }
        let now = keys(category);
        let was = self.held.get(&category).cloned().unwrap_or_default();
        let first = |keys: BTreeSet<String>| keys.into_iter().take(MOST_KEYS).collect();
        WhyRefused::Differs {
            category,
            held_at,
            was: offer.held.count,
            now: planned.map_or(0, |one| one.count),
            added: first(&now - &was),
            gone: first(&was - &now),
        }
    }
}
