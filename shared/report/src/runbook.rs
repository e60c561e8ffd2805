//! The sections of the runbook that reports and messages name, by their headings.

use domain::Error;

/// A heading of `infra/RUNBOOK.md`. Others cannot be made, and `make validate` looks for each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Heading(&'static str);

macro_rules! headings {
    ($($name:ident: $text:literal,)*) => {
        impl Heading {
            $(pub(super) const $name: Self = Self($text);)*

            /// All of them, except those of the errors.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];
        }
    };
}

headings! {
    CONFLICTS: "Alarm Conflicts",
    FAILED_RECORDS: "Alarm FailedRecords",
    HELD_CHANGES: "Alarm HeldChanges",
    LOOKING_AT_A_CHANGE: "Looking at a change before it is applied",
    MARKS_WERE_SET: "Marks were set",
    MERGED: "Merged accounts",
    NAMES_OF_AWS: "AWS's own names",
    RUN_IS_SKIPPED: "A run is SKIPPED",
    TAKING_BACK_A_MARK: "Taking back a wrong mark",
    THE_MEMORY_IS_LOST: "The memory is lost",
    UNEXPLAINED: "Unexplained marks",
    UNKNOWN_RECORDS: "Alarm UnknownRecords",
    WHERE_TO_LOOK: "Where to look",
    WRITTEN_IN_VAIN: "Written in vain",
}

impl Heading {
    /// The section of an error: its own name, if it is one of ours.
    pub(super) fn of_error(error: &str) -> Self {
        let ours = Error::NAMES.into_iter().find(|name| *name == error);
        ours.map_or(Self::NAMES_OF_AWS, Self)
    }

    /// As it stands in the runbook.
    pub fn text(self) -> &'static str {
        self.0
    }
}
