//! What has to change, and whether it may be applied without an approval. Pure: the differ is never
//! given a client.
//!
//! The way of the data: [`diff()`] finds the [`Changes`], [`hold_what_is_too_large`] makes the
//! [`Guard`] from them, and [`Comparison`] puts both into a [`Plan`]. [`replay()`] does it
//! again from stored documents.

mod approval;
mod comparison;
mod conflicts;
mod diff;
mod document;
mod ended;
mod entries;
#[cfg(test)]
mod for_tests;
mod guard;
mod index;
mod names;
mod owners;
mod pairs;
mod past;
mod pending;
mod reason;
mod remember;
mod renames;
mod repeated;
mod replay;
mod standing;
mod verdict;
mod wanted;
#[cfg(test)]
#[path = "weeks_tests.rs"]
mod weeks;

pub use approval::{Approvals, Refused, WhyRefused};
pub use comparison::{Comparison, Input, Unknown, Warning, approval};
pub use diff::diff;
pub use document::{Creates, Inputs, Listed, Lists, NotInSync, Plan, Planned, Settings, Updates};
pub use ended::{KnownResults, PlannedRun, Reached, RunEnd};
pub use entries::{
    Change, Changes, Conflict, Create, Deferred, Entries, Found, Kept, Mark, Marked, NAME, Owner,
    Party, Repeated, Skipped, TakenBack, Update, Waiting,
};
pub use guard::{Guard, Judged, Limit, Limits, Sizes, Veto, hold_what_is_too_large};
pub use pairs::Target;
pub use past::Past;
pub use pending::{marks_pending, marks_set, still_marked};
pub use reason::{
    Clash, Evidence, Keeper, Protector, Reason, WaitsFor, Weight, WhyDeferred, WhySkipped,
};
pub use remember::{lost_news, remember};
pub use replay::{Replayed, replay};
pub use verdict::verdict;
pub use wanted::Rules;
