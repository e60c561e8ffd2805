//! The query: its text, and the shape of its replies.

use serde::Deserialize;
use serde_json::{Map, Value};

use domain::model::{Allowed, Condition, Mapping};

/// The one query of a run: the authorised partners, and the accounts that are named.
///
/// Its columns follow the mapping, each once. Ids and columns are letters, digits and underscores,
/// so only the filter's values have to be escaped. Source: contract, section 2, gather-accounts.
pub(super) fn partner_accounts(mapping: &Mapping) -> String {
    let Mapping { object, id, .. } = mapping;
    let named = mapping.named.iter();
    let ids: Vec<String> = named.map(|one| format!("'{}'", one.account)).collect();
    let by_id = match ids.as_slice() {
        [] => String::new(),
        [one] => format!("{id} = {one} OR "),
        many => format!("{id} IN ({}) OR ", many.join(", ")),
    };
    let conditions: Vec<_> = mapping.filter.conditions().map(condition).collect();
    format!(
        "SELECT {} FROM {object} WHERE {by_id}({})",
        mapping.columns().join(", "),
        conditions.join(" AND ")
    )
}

fn condition(condition: &Condition) -> String {
    let column = &condition.column;
    match &condition.allowed {
        Allowed::One(value) => format!("{column} = {}", quoted(value)),
        Allowed::Any(values) => {
            let values: Vec<_> = values.iter().map(|value| quoted(value)).collect();
            format!("{column} IN ({})", values.join(", "))
        }
    }
}

/// A text of SOQL. Source: Salesforce's SOQL reference, "Quoted String Escape Sequences".
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\\', "\\\\").replace('\'', "\\'"))
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
    use crate::for_tests::mapping;
    use domain::model::{AccountId, Named};

    fn naming(ids: &[&str]) -> String {
        let named = |id: &&str| Named {
            account: AccountId::parse(id).unwrap(),
            tag: "alliance_partner".to_owned(),
        };
        partner_accounts(&Mapping {
            named: ids.iter().map(named).collect(),
            ..mapping()
        })
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
        assert_eq!(partner_accounts(&mapping()), contract);
        let two = naming(&["0014M00001sDiGEQA0", "001D000000IRFmaIAH"]);
        let by_ids = "Account_ID_18__c IN ('0014M00001sDiGEQA0', '001D000000IRFmaIAH') OR (Type";
        assert!(two.contains(by_ids));
        assert!(naming(&[]).contains("WHERE (Type = 'Partner'"));
    }

    #[test]
    fn a_quote_in_a_value_ends_no_text() {
        let mut mapping = mapping();
        mapping.filter.kind.as_mut().unwrap().allowed = Allowed::One(r"O'Neil \ Sons".to_owned());
        let query = partner_accounts(&mapping);
        assert!(query.contains(r"(Type = 'O\'Neil \\ Sons' AND"), "{query}");
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
