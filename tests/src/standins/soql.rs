//! The SOQL that the stand-in Salesforce understands: columns of one object, by ids, or by
//! conditions that must all be met.

use std::collections::BTreeSet;

use domain::model::AccountId;
use serde_json::{Map, Value};

use super::Response;
use super::salesforce::error;

/// A query over accounts.
#[derive(Debug)]
pub(super) struct Query {
    pub(super) columns: Vec<String>,
    /// The 18-character ids it names as primary keys.
    keys: BTreeSet<String>,
    /// What it compares the id's formula with, in lower case: it is text.
    formulas: BTreeSet<String>,
    /// Columns and their values, all of which an account must have; `None` if it asks by id alone.
    conditions: Option<Vec<(String, Vec<String>)>>,
}

/// What every account has, whether the world names it or not.
const STANDARD: [&str; 4] = ["Id", "IsDeleted", "MasterRecordId", "LastModifiedDate"];
/// The fields of this org, lookups by the name that a query follows.
const CUSTOM: [&str; 11] = [
    "Account_ID_18__c",
    "Name",
    "Account_Owner_Calc__c",
    "Technical_Account_Manager_Name__c",
    "Restricted_Account__c",
    "Solutions_Architect_Lookup__r",
    "Partner_Track__c",
    "Support_Hold__c",
    "Account_Risk_Level__c",
    "Type",
    "Partners_Partner_Status__c",
];

impl Query {
    /// Reads a query over an object whose ids are in this formula as well.
    pub(super) fn read(soql: &str, object: &str, formula: &str) -> Result<Self, Response> {
        let malformed = || error(400, "MALFORMED_QUERY", "unexpected token");
        let (columns, condition) = soql
            .strip_prefix("SELECT ")
            .and_then(|rest| rest.split_once(&format!(" FROM {object} WHERE ")))
            .ok_or_else(malformed)?;
        let (by_id, group) = match condition.split_once(" OR (") {
            Some((by_id, group)) => (by_id, Some(group)),
            None => match condition.strip_prefix('(') {
                Some(group) => ("", Some(group)),
                None => (condition, None),
            },
        };
        let conditions = group.map(|group| conditions(group).ok_or_else(malformed));
        let conditions = conditions.transpose()?;
        let (mut keys, mut formulas) = (BTreeSet::new(), BTreeSet::new());
        if !by_id.is_empty() {
            let (field, values) = compared(by_id).ok_or_else(malformed)?;
            match field.as_str() {
                "Id" => {
                    let all: Result<Vec<_>, _> = values.iter().map(|id| primary_key(id)).collect();
                    keys.extend(all?);
                }
                field if field == formula => {
                    formulas.extend(values.iter().map(|id| id.to_lowercase()));
                }
                _ => return Err(malformed()),
            }
        }
        let columns = columns.split(',').map(|column| column.trim().to_owned());
        Ok(Self {
            columns: columns.collect(),
            keys,
            formulas,
            conditions,
        })
    }

    /// True if an account is in its answer. Text is compared without regard to case, a primary key
    /// is not text.
    pub(super) fn finds(&self, id: &str, record: &Map<String, Value>) -> bool {
        let is = |(field, wanted): &(String, Vec<String>)| {
            let text = record.get(field).and_then(Value::as_str);
            text.is_some_and(|text| wanted.iter().any(|one| one.eq_ignore_ascii_case(text)))
        };
        let conditions = self.conditions.as_ref();
        self.keys.contains(id)
            || self.formulas.contains(&id.to_lowercase())
            || conditions.is_some_and(|all| all.iter().all(is))
    }
}

/// The conditions of `A = 'a' AND B IN ('b', 'c'))`.
fn conditions(group: &str) -> Option<Vec<(String, Vec<String>)>> {
    let all = outside_quotes(group.strip_suffix(')')?, " AND ");
    all.into_iter().map(|one| compared(&one)).collect()
}

/// The field and the values of `A = 'a'`, or of `A IN ('a', 'b')`.
fn compared(condition: &str) -> Option<(String, Vec<String>)> {
    let (field, values) = condition.split_once(' ')?;
    let list = values
        .strip_prefix("= ")
        .or_else(|| values.strip_prefix("IN (")?.strip_suffix(')'))?;
    let values = outside_quotes(list, ",");
    let value = values.iter().map(|text| {
        let quoted = text.trim().strip_prefix('\'')?.strip_suffix('\'')?;
        Some(quoted.replace("\\'", "'").replace("\\\\", "\\"))
    });
    Some((field.to_owned(), value.collect::<Option<_>>()?))
}

/// The parts of a text, divided where no quote is open.
fn outside_quotes(text: &str, divider: &str) -> Vec<String> {
    let mut parts = vec![String::new()];
    let (mut is_quoted, mut is_escaped) = (false, false);
    let mut rest = text;
    while let Some(next) = rest.chars().next() {
        if !is_quoted && let Some(behind) = rest.strip_prefix(divider) {
            parts.push(String::new());
            rest = behind;
            continue;
        }
        is_quoted ^= next == '\'' && !is_escaped;
        is_escaped = next == '\\' && !is_escaped;
        parts
            .iter_mut()
            .next_back()
            .into_iter()
            .for_each(|part| part.push(next));
        rest = rest.strip_prefix(next).unwrap_or_default();
    }
    parts
}

/// An id as a primary key, of 15 or 18 characters: the 18.
fn primary_key(text: &str) -> Result<String, Response> {
    let id = AccountId::parse_or_repair(text);
    id.map(|id| id.to_string()).map_err(|_| {
        let message = format!(
            "\nFROM Account WHERE Id IN ('{text}')\n                   ^\nERROR at \
             Row:1:Column:20\ninvalid ID field: {text}"
        );
        error(400, "INVALID_QUERY_FILTER_OPERATOR", &message)
    })
}

/// True if the org has a column; a lookup's column by the lookup.
pub(super) fn is_column(column: &str) -> bool {
    let field = column.split('.').next().unwrap_or_default();
    let (is_lookup, is_followed) = (field.ends_with("__r"), column.contains('.'));
    let by_id = field.strip_suffix("__c").map(|name| format!("{name}__r"));
    let has = |name: &str| STANDARD.contains(&name) || CUSTOM.contains(&name);
    is_lookup == is_followed && (has(field) || by_id.is_some_and(|lookup| has(&lookup)))
}

/// The refusal of a query with a column that is not there, or hidden. A lookup that is followed is
/// refused in words of its own.
pub(super) fn refused_column(column: &str, object: &str) -> Response {
    let what = match column.split_once('.') {
        Some((lookup, _)) => {
            format!("Didn't understand relationship '{lookup}' in field path.")
        }
        None => format!("No such column '{column}' on entity '{object}'."),
    };
    let message = format!(
        "\nSELECT {column}\n       ^\nERROR at Row:1:Column:8\n{what} If you are attempting to use \
         a custom field, be sure to append the '__c' after the custom field name."
    );
    error(400, "INVALID_FIELD", &message)
}

#[cfg(test)]
mod tests {
    use form_urlencoded::byte_serialize;
    use serde_json::json;

    use super::super::seed::{account_id, equal};
    use super::super::{Request, World};
    use super::*;

    fn world() -> World {
        let mut world = equal(7, 5, 9, 1);
        world.salesforce.tokens = vec!["good".to_owned()];
        world
    }

    /// What a resource answers to a query: the status, and the body.
    fn asked(world: &mut World, resource: &str, soql: &str) -> (u16, Value) {
        let soql: String = byte_serialize(soql.as_bytes()).collect();
        let request = Request {
            method: "GET".to_owned(),
            path: format!("/services/data/v67.0/{resource}"),
            query: format!("q={soql}"),
            headers: [("authorization".to_owned(), "Bearer good".to_owned())].into(),
            body: Vec::new(),
        };
        let response = world.salesforce.answer(&request);
        let body = serde_json::from_slice(&response.body).unwrap();
        (response.status, body)
    }

    /// What `queryAll` shows of one account.
    fn shown(world: &mut World, number: usize) -> Option<Value> {
        let soql = format!(
            "SELECT Id, IsDeleted, MasterRecordId, Type FROM Account WHERE Id IN ('{}')",
            account_id(number)
        );
        let (status, body) = asked(world, "queryAll", &soql);
        assert_eq!(status, 200, "{body}");
        let mut record = body["records"].get(0)?.clone();
        record.as_object_mut().unwrap().remove("attributes");
        Some(record)
    }

    fn code(world: &mut World, soql: &str) -> (u16, Value) {
        let (status, body) = asked(world, "queryAll", soql);
        (status, body[0]["errorCode"].clone())
    }

    #[test]
    fn a_primary_key_is_taken_with_15_and_18_characters_and_answered_with_18() {
        let id = account_id(3);
        let folded = id.as_str().to_lowercase();
        for text in [id.as_str(), id.short(), &folded] {
            let soql = format!("SELECT Id FROM Account WHERE Id IN ('{text}')");
            let (_, body) = asked(&mut world(), "query", &soql);
            assert_eq!(body["records"][0]["Id"], id.as_str(), "{text}");
        }
    }

    #[test]
    fn an_account_is_neither_deleted_nor_merged_unless_somebody_did_it() {
        let alive = json!({
            "Id": account_id(3), "IsDeleted": false, "MasterRecordId": null, "Type": "Partner",
        });
        assert_eq!(shown(&mut world(), 3), Some(alive));
    }

    #[test]
    fn only_query_all_shows_the_loser_of_a_merge_until_the_recycle_bin_is_emptied() {
        let mut world = world();
        world.merge(3, 4);
        let record = shown(&mut world, 3).unwrap();
        assert_eq!(record["IsDeleted"], true);
        assert_eq!(record["MasterRecordId"], account_id(4).as_str());
        let soql = format!("SELECT Id FROM Account WHERE Id IN ('{}')", account_id(3));
        assert_eq!(asked(&mut world, "query", &soql).1["totalSize"], 0);
        world.empty_recycle_bin();
        assert_eq!(shown(&mut world, 3), None);
        assert!(shown(&mut world, 4).is_some());
    }

    #[test]
    fn a_hidden_account_is_not_shown_and_a_changed_type_is() {
        let mut world = world();
        world.hide_account(3);
        assert_eq!(shown(&mut world, 3), None);
        world.set_type(4, "Customer");
        assert_eq!(shown(&mut world, 4).unwrap()["Type"], "Customer");
    }

    #[test]
    fn what_salesforce_would_refuse_is_refused() {
        let of = |columns: &str, ids: &str| {
            code(
                &mut world(),
                &format!("SELECT {columns} FROM Account WHERE Id IN ({ids})"),
            )
        };
        let id = format!("'{}'", account_id(3));
        for unknown in ["Nmae", "MasterRecordId__c", "Name.Name", "Type__r.Name"] {
            assert_eq!(of(unknown, &id), (400, json!("INVALID_FIELD")), "{unknown}");
        }
        for malformed in ["'001'", "'0014M00000000032AA'"] {
            let refused = (400, json!("INVALID_QUERY_FILTER_OPERATOR"));
            assert_eq!(of("Id", malformed), refused, "{malformed}");
        }
        let many = vec![id; 1000].join(",");
        assert_eq!(of("Id", &many), (414, json!("URI_TOO_LONG")));
        for condition in [
            "Name = 'x'",
            "(Type = Partner)",
            "(Type = 'a'",
            "Id IN 'x'",
            "Id = x",
        ] {
            let soql = format!("SELECT Id FROM Account WHERE {condition}");
            let malformed = (400, json!("MALFORMED_QUERY"));
            assert_eq!(code(&mut world(), &soql), malformed, "{condition}");
        }
    }

    #[test]
    fn a_hidden_lookup_is_refused_by_its_relationship_and_its_id_by_its_column() {
        let mut world = world();
        world.salesforce.hidden = vec!["Solutions_Architect_Lookup__c".to_owned()];
        for (column, words) in [
            (
                "Solutions_Architect_Lookup__r.Name",
                "Didn't understand relationship 'Solutions_Architect_Lookup__r' in field path",
            ),
            (
                "Solutions_Architect_Lookup__c",
                "No such column 'Solutions_Architect_Lookup__c' on entity 'Account'",
            ),
        ] {
            let soql = format!(
                "SELECT {column} FROM Account WHERE Id IN ('{}')",
                account_id(3)
            );
            let (status, body) = asked(&mut world, "query", &soql);
            assert_eq!(
                (status, &body[0]["errorCode"]),
                (400, &json!("INVALID_FIELD"))
            );
            assert!(
                body[0]["message"].as_str().unwrap().contains(words),
                "{body}"
            );
        }
    }

    #[test]
    fn values_are_compared_without_regard_to_case() {
        let soql = "SELECT Name FROM Account WHERE (Type = 'Partner' AND \
                    Partners_Partner_Status__c IN ('Authorized') AND Partner_Track__c IN ('Open', \
                    'Select'))";
        let mut world = world();
        let before = asked(&mut world, "query", soql).1["totalSize"].clone();
        for (field, value) in [
            ("Type", "PARTNER"),
            ("Partners_Partner_Status__c", "authorized"),
            ("Partner_Track__c", "select"),
        ] {
            world.set_account(3, field, json!(value));
        }
        assert_eq!(asked(&mut world, "query", soql).1["totalSize"], before);
    }

    #[test]
    fn a_lookup_that_may_not_be_seen_has_its_id_and_no_record() {
        let mut world = world();
        let architect = json!({"attributes": {"type": "User"}, "Name": "Robin Alder"});
        world.set_account(3, "Solutions_Architect_Lookup__r", architect);
        world.salesforce.unseen.insert(account_id(3).to_string());
        let soql = format!(
            "SELECT Solutions_Architect_Lookup__r.Name, Solutions_Architect_Lookup__c FROM Account \
             WHERE Id IN ('{}')",
            account_id(3)
        );
        let record = asked(&mut world, "query", &soql).1["records"][0].clone();
        assert_eq!(record["Solutions_Architect_Lookup__r"], Value::Null);
        assert!(record["Solutions_Architect_Lookup__c"].is_string());
    }

    #[test]
    fn a_lookup_has_an_id_if_it_has_a_record() {
        let soql = "SELECT Id, Solutions_Architect_Lookup__c, Solutions_Architect_Lookup__r.Name \
                    FROM Account WHERE (Type = 'Partner' AND Partners_Partner_Status__c IN \
                    ('Authorized') AND Partner_Track__c IN ('Open', 'Select'))";
        let mut world = equal(7, 30, 60, 1);
        world.salesforce.tokens = vec!["good".to_owned()];
        let (_, body) = asked(&mut world, "query", soql);
        let records = body["records"].as_array().unwrap();
        assert!(records.len() > 20);
        for record in records {
            let id = &record["Solutions_Architect_Lookup__c"];
            let followed = &record["Solutions_Architect_Lookup__r"];
            assert_eq!(id.is_null(), followed.is_null(), "{record}");
        }
    }
}
