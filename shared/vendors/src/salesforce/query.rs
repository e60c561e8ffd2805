//! The query: its text, and the shape of its replies.

use serde::Deserialize;
use serde_json::{Map, Value};

use domain::model::Alliances;
use domain::model::mapping::{ID, columns};

/// The one query of a run: the authorised partners, and the alliance accounts by their ids.
///
/// Its field list follows the mapping table, each Salesforce field once. Ids are letters and
/// digits, so nothing needs escaping. Source: contract, section 2, gather-accounts.
pub(super) fn partner_accounts(alliances: &Alliances) -> String {
    let ids: Vec<String> = alliances.0.iter().map(|id| format!("'{id}'")).collect();
    let by_id = match ids.as_slice() {
        [] => String::new(),
        [one] => format!("{ID} = {one} OR "),
        many => format!("{ID} IN ({}) OR ", many.join(", ")),
    };
    format!(
        "SELECT {} FROM Account WHERE {by_id}(Type = 'Partner' AND Partners_Partner_Status__c IN \
         ('Authorized') AND Partner_Track__c IN ('Open', 'Select'))",
        columns().join(", ")
    )
}

/// One page of a query.
#[derive(Deserialize)]
pub(super) struct QueryPage {
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

/// The column an `INVALID_FIELD` message names, as `No such column 'X' on entity 'Y'`, or for a
/// hidden lookup as `Didn't understand relationship 'X' in field path`.
pub(super) fn column(message: &str) -> String {
    let named_after = |words| {
        let (_, rest) = message.split_once(words)?;
        rest.split('\'').next()
    };
    let name =
        named_after("No such column '").or_else(|| named_after("Didn't understand relationship '"));
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
    use domain::model::AccountId;

    const ALLIANCE: &str = "0014M00001sDiGEQA0";
    const PARTNER: &str = "001D000000IRFmaIAH";

    fn alliances(ids: &[&str]) -> Alliances {
        Alliances(ids.iter().map(|id| AccountId::parse(id).unwrap()).collect())
    }

    #[test]
    fn the_query_is_the_contracts() {
        let contract = "SELECT Account_ID_18__c, Name, Account_Owner_Calc__c, \
            Technical_Account_Manager_Name__c, Restricted_Account__c, \
            Solutions_Architect_Lookup__r.Name, Partner_Track__c, Support_Hold__c, \
            Account_Risk_Level__c, Type, Partners_Partner_Status__c, \
            Solutions_Architect_Lookup__c FROM Account \
            WHERE Account_ID_18__c = '0014M00001sDiGEQA0' OR \
            (Type = 'Partner' AND Partners_Partner_Status__c IN ('Authorized') \
            AND Partner_Track__c IN ('Open', 'Select'))";
        assert_eq!(partner_accounts(&alliances(&[ALLIANCE])), contract);
        let two = partner_accounts(&alliances(&[ALLIANCE, PARTNER]));
        let by_ids = "Account_ID_18__c IN ('0014M00001sDiGEQA0', '001D000000IRFmaIAH') OR (Type";
        assert!(two.contains(by_ids));
        assert!(partner_accounts(&alliances(&[])).contains("WHERE (Type = 'Partner'"));
    }

    #[test]
    fn names_the_hidden_field() {
        let message = "\nSELECT Name, Support_Hold__c\n             ^\nERROR at \
                       Row:1:Column:14\nNo such column 'Support_Hold__c' on entity 'Account'. If \
                       you are";
        assert_eq!(column(message), "the field Support_Hold__c");
        let lookup = "\nSELECT Solutions_Architect_Lookup__r.Name\n       ^\nERROR at \
                      Row:1:Column:8\nDidn't understand relationship \
                      'Solutions_Architect_Lookup__r' in field path. If you are";
        assert_eq!(column(lookup), "the field Solutions_Architect_Lookup__r");
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
