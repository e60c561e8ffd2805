//! The closed list of errors. Each name has one reaction, and the state machine knows them all.

/// A stage's failure. The variant decides the reaction; the text says what happened, to which
/// record, and what to do. No text ever holds a secret, a token, an e-mail address or a body.
///
/// [`Error::name`] is the `errorType` of the Lambda. Source: contract, section 4, "Error names".
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// A vendor asked for a pause longer than a Lambda may wait. Retried by the state machine.
    #[error("{what}")]
    Throttled {
        /// Who asked, and for which call.
        what: String,
        /// Seconds the vendor named, if it named any.
        retry_after: Option<u64>,
    },
    /// A fault that may pass by itself: no connection, a time-out, a 5xx. Retried by the state
    /// machine.
    #[error("{0}")]
    Transient(String),
    /// Credentials were refused. A person has to act.
    #[error("{0}")]
    Auth(String),
    /// A reply or a stored object is not what it must be.
    #[error("{0}")]
    Contract(String),
    /// A read did not prove that it is complete.
    #[error("{0}")]
    Incomplete(String),
    /// The execution's input has an unknown key or value.
    #[error("{0}")]
    Input(String),
    /// A setting or a secret is missing or wrong.
    #[error("{0}")]
    Config(String),
    /// A vendor understood the request and refused it for good.
    #[error("{0}")]
    Rejected(String),
    /// The program panicked: the stage, and the place in the code. Never retried.
    #[error("{0}")]
    Bug(String),
}

/// The result of anything in a stage.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// Every name there is, as the state machine spells it.
    pub const NAMES: [&'static str; 9] = [
        "Sync.Throttled",
        "Sync.Transient",
        "Sync.Auth",
        "Sync.Contract",
        "Sync.Incomplete",
        "Sync.Input",
        "Sync.Config",
        "Sync.Rejected",
        "Sync.Bug",
    ];

    /// The `errorType` sent to Lambda, one of [`Error::NAMES`].
    pub fn name(&self) -> &'static str {
        match self {
            Self::Throttled { .. } => "Sync.Throttled",
            Self::Transient(_) => "Sync.Transient",
            Self::Auth(_) => "Sync.Auth",
            Self::Contract(_) => "Sync.Contract",
            Self::Incomplete(_) => "Sync.Incomplete",
            Self::Input(_) => "Sync.Input",
            Self::Config(_) => "Sync.Config",
            Self::Rejected(_) => "Sync.Rejected",
            Self::Bug(_) => "Sync.Bug",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_variant_has_its_name_on_the_closed_list() {
        let text = || "x".to_owned();
        let all = [
            Error::Throttled {
                what: text(),
                retry_after: None,
            },
            Error::Transient(text()),
            Error::Auth(text()),
            Error::Contract(text()),
            Error::Incomplete(text()),
            Error::Input(text()),
            Error::Config(text()),
            Error::Rejected(text()),
            Error::Bug(text()),
        ];
        let names: Vec<_> = all.iter().map(Error::name).collect();
        assert_eq!(names, Error::NAMES);
    }
}
