//! What Zendesk's refusals mean. Every error envelope that Zendesk is known to send is read; of any
//! other body, the status.

use serde_json::Value;

use crate::http::{CallError, Reply, retry};
use domain::Error;
use domain::mask::without_addresses;

/// The pause when too many bulk jobs are running: jobs end within tens of seconds.
const JOB_PAUSE_SECONDS: u64 = 30;

/// What a refusal means for the call `what`.
pub(super) fn refused(what: &str, reply: &Reply) -> CallError {
    let body: Value = reply.refusal().unwrap_or(Value::Null);
    if body.get("error").and_then(Value::as_str) == Some("TooManyJobs") {
        return CallError::TooManyJobs {
            seconds: seconds_to_a_free_job(reply),
            what: format!("{what}: too many bulk jobs are running in this account"),
        };
    }
    let status = reply.status;
    match status {
        429 => {
            let seconds = retry::pause(&reply.headers);
            CallError::Pause {
                seconds,
                what: format!("{what}: throttled, asked to come back in {seconds} s"),
            }
        }
        401 => CallError::Fatal(Error::Auth(format!(
            "{what}: status 401; the credentials were refused, check the secret"
        ))),
        403 if !reply.is_json() => CallError::Doubt {
            what: format!(
                "{what}: status 403 without JSON: it comes from the edge before Zendesk, and \
                 passes; if it stays, look at what is between (a proxy, a firewall, allowed \
                 addresses)"
            ),
            retry_after: None,
        },
        403 => CallError::Fatal(Error::Auth(format!(
            "{what}: status 403{}; the client's user needs a role that reads and manages \
             organizations, and the token the scope for it",
            missing_scopes(&body)
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

/// What an error means for a call that lists: Zendesk was seen to answer 404 to one although what
/// it was asked for existed, so a 404 says nothing. Source: dust-tt/dust, issue 9592.
pub(super) fn list_not_read(error: CallError) -> CallError {
    match error {
        CallError::Refused {
            what, status: 404, ..
        } => CallError::Doubt {
            what: format!("{what}: status 404 to a list, which says nothing of what is in it"),
            retry_after: None,
        },
        other => other,
    }
}

/// How long it takes until a job may be sent again: `zendesk-ratelimit-inflight-jobs: total=30;
/// remaining=0; resets=60`, else `Retry-After`, else what jobs usually take.
fn seconds_to_a_free_job(reply: &Reply) -> u64 {
    let header = reply
        .header("zendesk-ratelimit-inflight-jobs")
        .unwrap_or_default();
    let mut parts = header.split(';').map(str::trim);
    let resets = parts.find_map(|part| part.strip_prefix("resets=")?.parse().ok());
    let named = resets.map(|seconds: u64| seconds.clamp(1, retry::LONGEST_PAUSE_SECONDS));
    named
        .or_else(|| retry::retry_after(&reply.headers))
        .unwrap_or(JOB_PAUSE_SECONDS)
}

/// The scopes a 403 names, as `missing the following required scopes: read`; nothing of its other
/// words.
fn missing_scopes(body: &Value) -> String {
    let words = words(body);
    let (_, scopes) = words.split_once("scopes:").unwrap_or_default();
    let is_scope = |one: &&str| {
        one.len() <= 60
            && one
                .bytes()
                .all(|b| b.is_ascii_lowercase() || b"_:".contains(&b))
    };
    let separators = [' ', ',', '[', ']', '"'];
    let scopes = scopes.split(separators).filter(|one| !one.is_empty());
    let scopes: Vec<_> = scopes.take_while(is_scope).collect();
    if scopes.is_empty() {
        return String::new();
    }
    format!(", missing scope: {}", scopes.join(" "))
}

fn is_duplicate(body: &Value) -> bool {
    let details = body.get("details").and_then(Value::as_object);
    let named =
        |detail: &Value| detail.get("error").and_then(Value::as_str) == Some("DuplicateValue");
    let fields = details.into_iter().flat_map(|fields| fields.values());
    fields.filter_map(Value::as_array).flatten().any(named)
        || words(body).contains("has already been taken")
}

/// The words of every known envelope: `{error, description, details}`, `{errors: [..]}`, `{title,
/// detail}`, `{error}`, `{error: {title, message}}`.
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
    if let Some(error) = body.get("error").filter(|error| error.is_object()) {
        words.extend(
            ["title", "message"]
                .iter()
                .filter_map(|key| text(error, key)),
        );
    }
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
        assert_eq!(
            words(&json!({"error": {"title": "Invalid attribute", "message": "too long"}})),
            "Invalid attribute: too long"
        );
        assert_eq!(words(&Value::Null), "no reason given");
        assert_eq!(
            words(&json!({"error": "Owner: jo@partner.example is invalid"})),
            "Owner: [e-mail] is invalid"
        );
        let taken = json!({"error": {"title": "Bad", "message": "Name has already been taken"}});
        assert!(is_duplicate(&taken));
        assert!(!is_duplicate(&json!({"details": {"name": [{
            "description": "Name: cannot be blank", "error": "BlankValue",
        }]}})));
    }

    #[test]
    fn a_403_names_the_missing_scopes_and_nothing_else_of_its_words() {
        let named =
            |text: &str| missing_scopes(&json!({"error": "Forbidden", "description": text}));
        assert_eq!(
            named("You are missing the following required scopes: read, organizations:write"),
            ", missing scope: read organizations:write"
        );
        assert_eq!(
            named("required scopes: [\"read\"]"),
            ", missing scope: read"
        );
        assert_eq!(named("scopes: Jo"), "");
        assert_eq!(named("You may not"), "");
    }
}
