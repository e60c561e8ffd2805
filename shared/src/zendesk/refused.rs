//! What Zendesk's refusals mean. Every error envelope on record is read; a body that is none still
//! has a status.

use serde_json::Value;

use crate::Error;
use crate::http::{Failure, Reply};
use crate::mask::without_addresses;

/// Why a call brought no answer to work with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CallError {
    /// Come back later; nothing was done.
    Pause {
        /// Seconds.
        seconds: u64,
        /// Which call.
        what: String,
    },
    /// Whether the work was done is not known.
    Doubt {
        /// Which call, and what happened.
        what: String,
        /// Seconds to stay away, if Zendesk named any.
        retry_after: Option<u64>,
    },
    /// Zendesk refused this record, for good.
    Refused {
        /// Which call.
        what: String,
        /// The HTTP status.
        status: u16,
        /// True if a name or external id is taken.
        duplicate: bool,
        /// Zendesk's own words.
        words: String,
    },
    /// The run cannot go on.
    Fatal(Error),
}

impl From<Failure> for CallError {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Pause { seconds, what } => Self::Pause { seconds, what },
            Failure::Doubt { what, retry_after } => Self::Doubt { what, retry_after },
        }
    }
}

impl From<Error> for CallError {
    fn from(error: Error) -> Self {
        match error {
            Error::Throttled { what, retry_after } => Self::Pause {
                seconds: retry_after.unwrap_or(30),
                what,
            },
            other => Self::Fatal(other),
        }
    }
}

impl From<CallError> for Error {
    fn from(error: CallError) -> Self {
        match error {
            CallError::Pause { seconds, what } => Self::Throttled {
                what,
                retry_after: Some(seconds),
            },
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

/// The pause when too many bulk jobs are running, in seconds: theirs end within tens of seconds.
const JOB_PAUSE: u64 = 30;

pub(super) fn refused(what: &str, reply: &Reply) -> CallError {
    let body: Value = reply.json(what).unwrap_or(Value::Null);
    if body.get("error").and_then(Value::as_str) == Some("TooManyJobs") {
        let seconds = crate::http::retry::retry_after(&reply.headers)
            .unwrap_or(JOB_PAUSE)
            .max(1);
        return CallError::Pause {
            seconds,
            what: format!("{what}: too many bulk jobs are running in this account"),
        };
    }
    let status = reply.status;
    match status {
        401 => CallError::Fatal(Error::Auth(format!(
            "{what}: status 401; the credentials were refused, check the secret"
        ))),
        403 => CallError::Fatal(Error::Auth(format!(
            "{what}: status 403; the client's user needs a role that reads and manages \
             organizations, and the token the scope for it"
        ))),
        300..=399 => CallError::Fatal(Error::Contract(format!(
            "{what}: status {status}, a redirect instead of data; check base_url"
        ))),
        _ => CallError::Refused {
            what: what.to_owned(),
            status,
            duplicate: is_duplicate(&body),
            words: words(&body),
        },
    }
}

fn is_duplicate(body: &Value) -> bool {
    let details = body.get("details").and_then(Value::as_object);
    details
        .into_iter()
        .flat_map(|fields| fields.values())
        .filter_map(Value::as_array)
        .flatten()
        .any(|detail| {
            detail.get("error").and_then(Value::as_str) == Some("DuplicateValue")
                || detail
                    .get("description")
                    .and_then(Value::as_str)
                    .is_some_and(|text| text.contains("has already been taken"))
        })
}

/// The words of every known envelope: `{error, description, details}`, `{errors: [..]}`, `{title,
/// detail}`, `{error}`.
fn words(body: &Value) -> String {
    let text = |value: &Value, key: &str| value.get(key).and_then(Value::as_str).map(str::to_owned);
    let list = |value: &Value, key: &str| {
        value
            .get(key)
            .and_then(Value::as_array)
            .cloned()
            .unwrap_or_default()
    };
    let mut words: Vec<String> = ["error", "description", "title", "detail"]
        .iter()
        .filter_map(|key| text(body, key))
        .collect();
    for error in list(body, "errors") {
        words.extend(
            ["code", "title", "detail"]
                .iter()
                .filter_map(|key| text(&error, key)),
        );
    }
    for details in body
        .get("details")
        .and_then(Value::as_object)
        .into_iter()
        .flat_map(|fields| fields.values())
    {
        words.extend(
            details
                .as_array()
                .into_iter()
                .flatten()
                .filter_map(|detail| text(detail, "description")),
        );
    }
    in_short(&words)
}

/// Zendesk's words for a document: at most 500 characters, and without e-mail addresses, which no
/// document may hold.
pub(super) fn in_short(words: &[String]) -> String {
    if words.is_empty() {
        return "no reason given".to_owned();
    }
    without_addresses(&words.join(": "))
        .chars()
        .take(500)
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn keeps_zendesks_words_of_every_envelope() {
        let duplicate = json!({"error": "RecordInvalid", "description": "Record validation errors",
        "details": {"name": [{
            "description": "Name: Acme has already been taken", "error": "DuplicateValue",
        }]}});
        assert_eq!(
            words(&duplicate),
            "RecordInvalid: Record validation errors: Name: Acme has already been taken"
        );
        assert!(is_duplicate(&duplicate));
        assert_eq!(
            words(&json!({"errors": [{"code": "InvalidPaginationParameter", "title": "Bad"}]})),
            "InvalidPaginationParameter: Bad"
        );
        assert_eq!(
            words(
                &json!({"title": "Automated response", "status": "429", "detail": "Rate limited"})
            ),
            "Automated response: Rate limited"
        );
        assert_eq!(words(&Value::Null), "no reason given");
        assert_eq!(
            words(&json!({"error": "Owner: jo@partner.example is invalid"})),
            "Owner: [e-mail] is invalid"
        );
        assert!(!is_duplicate(&json!({"details": {"name": [{
            "description": "Name: cannot be blank", "error": "BlankValue",
        }]}})));
    }
}
