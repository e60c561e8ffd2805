//! Wire types of the query resource.

use serde::Deserialize;
use serde_json::{Map, Value};

/// One page of a query.
#[derive(Deserialize)]
pub(super) struct Page {
    #[serde(rename = "totalSize", default)]
    pub(super) total_size: Option<usize>,
    pub(super) done: bool,
    #[serde(rename = "nextRecordsUrl", default)]
    pub(super) next_records_url: Option<String>,
    pub(super) records: Vec<Map<String, Value>>,
}

/// One error of the data API; the body is a list of them.
#[derive(Deserialize, Default)]
pub(super) struct ApiError {
    #[serde(rename = "errorCode", default)]
    pub(super) code: String,
    #[serde(default)]
    pub(super) message: String,
}

/// The column an `INVALID_FIELD` message names, as `No such column 'X' on entity 'Y'`.
pub(super) fn column(message: &str) -> String {
    let name = message
        .split("No such column '")
        .nth(1)
        .and_then(|rest| rest.split('\'').next());
    let is_name = |name: &&str| {
        !name.is_empty()
            && name
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'.')
    };
    name.filter(is_name).map_or_else(
        || "a field of the query".to_owned(),
        |name| format!("the field {name}"),
    )
}

/// The calls used and allowed that a `Sforce-Limit-Info` names, as `api-usage=18/5000;
/// api-bursts=1/750`.
pub(super) fn usage(header: &str) -> Option<(u64, u64)> {
    let (used, allowed) = header
        .split(';')
        .find_map(|part| part.trim().strip_prefix("api-usage="))?
        .split_once('/')?;
    Some((used.parse().ok()?, allowed.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_the_hidden_field() {
        let message = "\nSELECT Name, Support_Hold__c\n             ^\nERROR at \
                       Row:1:Column:14\nNo such column 'Support_Hold__c' on entity 'Account'. If \
                       you are";
        assert_eq!(column(message), "the field Support_Hold__c");
        assert_eq!(column("No such column '<b>' on"), "a field of the query");
        assert_eq!(column(""), "a field of the query");
    }

    #[test]
    fn reads_the_usage_among_other_limits() {
        assert_eq!(usage("api-usage=18/5000"), Some((18, 5000)));
        assert_eq!(
            usage("per-app-api-usage=17/250(appName=x); api-usage=4500/5000; api-bursts=1/750"),
            Some((4500, 5000))
        );
        for odd in ["", "api-usage=", "api-usage=x/y", "api-usage=5"] {
            assert_eq!(usage(odd), None);
        }
    }
}
