//! What Salesforce's refusals mean.

use super::query::{self, ApiError};
use crate::http::Reply;
use domain::Error;

/// Why Salesforce gave nothing to read.
pub(super) enum ReadError {
    /// The session ended; a new one may help.
    Session(Error),
    /// The query's place in the pages is lost; it must be asked again.
    Locator(Error),
    /// The query cannot be understood. Of a further page this says that its place is lost.
    Malformed(Error),
    /// Asking again would not help.
    Fatal(Error),
}

impl From<ReadError> for Error {
    fn from(error: ReadError) -> Self {
        match error {
            ReadError::Session(error)
            | ReadError::Locator(error)
            | ReadError::Malformed(error)
            | ReadError::Fatal(error) => error,
        }
    }
}

/// What a refusal means. Source: the table of data API errors in Salesforce's REST guide.
pub(super) fn refused(what: &str, reply: &Reply) -> ReadError {
    let status = reply.status;
    let errors = reply.refusal::<Vec<ApiError>>().unwrap_or_default();
    let ApiError { code, message } = errors.into_iter().next().unwrap_or_default();
    let code = if code.len() <= 60 && code.bytes().all(|b| b.is_ascii_uppercase() || b == b'_') {
        code
    } else {
        String::new()
    };
    let say = |advice: &str| format!("salesforce: {what}: status {status} {code}: {advice}");
    match (status, code.as_str()) {
        (401, _) if message.contains("not valid for use with the REST API") => {
            ReadError::Fatal(Error::Auth(say(
                "the session may not use the REST API; check the app's scopes and policies",
            )))
        }
        (401, _) => ReadError::Session(Error::Auth(say(
            "the session was refused; check the app's user and its session policy",
        ))),
        (403, "REQUEST_LIMIT_EXCEEDED") if message.contains("TotalRequests") => {
            ReadError::Fatal(Error::Rejected(say(
                "the org's API calls of 24 hours are used up; raise the limit or wait",
            )))
        }
        (403, "REQUEST_LIMIT_EXCEEDED") => ReadError::Fatal(Error::Throttled {
            what: say("too many calls at once in this org"),
            retry_after: None,
        }),
        (403, _) if !reply.is_json() => ReadError::Fatal(Error::Transient(say(
            "no JSON, so it comes from what stands in front of Salesforce",
        ))),
        (403, _) => ReadError::Fatal(Error::Auth(say(
            "the app's user may not use the API or read accounts; check its permissions",
        ))),
        (400, "INVALID_FIELD") => ReadError::Fatal(Error::Contract(say(&format!(
            "{} is missing, or hidden from the app's user by field-level security; give the user \
             read access to it",
            query::column(&message)
        )))),
        (400, "INVALID_TYPE") => ReadError::Fatal(Error::Auth(say(
            "the app's user may not read Account; give it read access",
        ))),
        (400 | 404, "INVALID_QUERY_LOCATOR") => ReadError::Locator(Error::Incomplete(say(
            "the place in the pages was lost twice; the next run reads again",
        ))),
        (400, "MALFORMED_QUERY") => ReadError::Malformed(Error::Rejected(say(
            "the query was not understood; see the Salesforce REST guide for this code",
        ))),
        (400, "QUERY_TIMEOUT") => ReadError::Fatal(Error::Transient(say("the query ran too long"))),
        (404 | 410, _) => ReadError::Fatal(Error::Config(say(
            "this API version is not served; set api_version in the secret",
        ))),
        (300..=399, _) => ReadError::Fatal(Error::Contract(say(
            "a redirect instead of data; check login_url and the org's My Domain",
        ))),
        _ => ReadError::Fatal(Error::Rejected(say(
            "it was refused; see the Salesforce REST guide for this code",
        ))),
    }
}
