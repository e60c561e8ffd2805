//! What has to change, and whether it may be applied unseen. Pure: the differ is never given a
//! client.

mod changes;
mod conflicts;
mod diff;
mod document;
mod guard;
mod make;
mod replay;
mod verdict;

pub use changes::{Change, Changes, Conflict, Create, Mark, Party, Retained, Skipped, Update};
pub use diff::{Rules, Target, diff};
pub use document::{
    Creates, Inputs, List, Listed, Lists, NotInSync, Plan, Settings, Updates, digest, json_bytes,
    sha256,
};
pub use guard::{Guard, Judged, Limit, Limits, Seen, judge};
pub use make::{Made, make, start_command};
pub use replay::{Replayed, replay};
pub use verdict::verdict;
