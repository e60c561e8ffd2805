//! Why a call to a vendor brought no answer to work with: one closed list for both vendors.

use domain::Error;

/// The pause if an error asks for one and does not say for how long.
const UNNAMED_PAUSE_SECONDS: u64 = 30;

/// Why a call brought no answer to work with. The transport says the first three; what a refusal
/// means, only the vendor's client can say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CallError {
    /// Come back later; nothing was done.
    Pause {
        /// How long, as the vendor named it.
        seconds: u64,
        what: String,
    },
    /// No whole reply, or a 5xx: whether the work was done is not known.
    Doubt {
        /// Which call, and what happened.
        what: String,
        /// Seconds to stay away, if the vendor named any.
        retry_after: Option<u64>,
    },
    /// The run cannot go on.
    Fatal(Error),
    /// Zendesk allows 30 bulk jobs at a time in an account, ours and others' together; nothing was
    /// done.
    TooManyJobs {
        /// Seconds until there is room again, as far as Zendesk says.
        seconds: u64,
        what: String,
    },
    /// The vendor refused this record, for good.
    Refused {
        what: String,
        status: u16,
        /// True if a name or external id is taken.
        duplicate: bool,
        words: String,
    },
}

impl From<Error> for CallError {
    fn from(error: Error) -> Self {
        match error {
            Error::Throttled { what, retry_after } => Self::Pause {
                seconds: retry_after.unwrap_or(UNNAMED_PAUSE_SECONDS),
                what,
            },
            Error::Transient(what) => Self::Doubt {
                what,
                retry_after: None,
            },
            other => Self::Fatal(other),
        }
    }
}

impl From<CallError> for Error {
    fn from(error: CallError) -> Self {
        match error {
            CallError::Pause { seconds, what } | CallError::TooManyJobs { seconds, what } => {
                Self::Throttled {
                    what,
                    retry_after: Some(seconds),
                }
            }
            CallError::Doubt {
                what,
                retry_after: _,
            } => Self::Transient(what),
            // Its words may hold names, and an error is logged.
            CallError::Refused {
                what,
                status,
                duplicate: _,
                words: _,
            } => Self::Rejected(format!(
                "{what}: status {status}: refused for good; look the status up in Zendesk's error \
                 list"
            )),
            CallError::Fatal(error) => error,
        }
    }
}
