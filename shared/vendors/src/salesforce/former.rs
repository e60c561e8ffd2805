//! The question about accounts that are no longer authorised partners, and its answer.
//!
//! Source: contract, section 2, gather-accounts, 4.

use std::collections::BTreeMap;

use jiff::civil::Date;
use serde_json::{Map, Value};

use super::query::QueryPage;
use domain::model::mapping::ID;
use domain::model::{AccountId, Fate, Former};
use domain::{Error, Result};

/// Ids in one question: the address of a longer one would be refused.
pub(super) const MOST_IDS: usize = 200;

const STATUS: &str = "Partners_Partner_Status__c";
const TRACK: &str = "Partner_Track__c";
const KIND: &str = "Type";
const IS_DELETED: &str = "IsDeleted";
const LAST_MODIFIED: &str = "LastModifiedDate";

/// The question, for `queryAll`, which finds deleted records as well.
pub(super) fn query(ids: &[AccountId]) -> String {
    let quoted: Vec<String> = ids.iter().map(|id| format!("'{id}'")).collect();
    format!(
        "SELECT {ID}, Name, {KIND}, {STATUS}, {TRACK}, {IS_DELETED}, {LAST_MODIFIED} FROM Account \
         WHERE {ID} IN ({})",
        quoted.join(", ")
    )
}

/// What became of each account that was asked about.
pub(super) fn fates(ids: &[AccountId], page: &QueryPage) -> Result<Vec<Former>> {
    if !page.done {
        let why = "salesforce: former accounts: more than one page for 200 ids";
        return Err(Error::Contract(why.to_owned()));
    }
    let mut known = BTreeMap::new();
    for record in &page.records {
        let id = AccountId::parse(text(record, ID)?.unwrap_or_default());
        let id = id.map_err(|why| Error::Contract(format!("salesforce: former account: {why}")))?;
        known.insert(id, fate(record)?);
    }
    let former = |id: &AccountId| Former {
        salesforce_id: id.clone(),
        fate: known.remove(id).unwrap_or(Fate::NotVisible),
    };
    Ok(ids.iter().map(former).collect())
}

fn fate(record: &Map<String, Value>) -> Result<Fate> {
    if field(record, IS_DELETED)?.as_bool() == Some(true) {
        return Ok(Fate::Deleted);
    }
    let owned = |text: Option<&str>| text.map(str::to_owned);
    Ok(Fate::AuthorisedNoMore {
        status: owned(text(record, STATUS)?),
        kind: owned(text(record, KIND)?),
        track: owned(text(record, TRACK)?),
        last_changed: text(record, LAST_MODIFIED)?.and_then(day),
    })
}

/// The day of a moment such as `2026-11-20T10:00:00.000+0000`.
fn day(moment: &str) -> Option<Date> {
    moment.get(..10)?.parse().ok()
}

fn text<'a>(record: &'a Map<String, Value>, name: &str) -> Result<Option<&'a str>> {
    Ok(field(record, name)?.as_str())
}

/// The value of a field. An absent field is not blank, but hidden from the app's user.
fn field<'a>(record: &'a Map<String, Value>, name: &str) -> Result<&'a Value> {
    record.get(name).ok_or_else(|| {
        Error::Contract(format!(
            "salesforce: former accounts: {name} is absent; give the app's user read access to it"
        ))
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn ids() -> [AccountId; 3] {
        [
            "0014M00001sDiGEQA0",
            "001D000000IRFmaIAH",
            "001A00000000001AAA",
        ]
        .map(|id| AccountId::parse(&id[..15]).unwrap())
    }

    fn page(records: &Value) -> QueryPage {
        serde_json::from_value(json!({"done": true, "records": records})).unwrap()
    }

    fn record(id: &AccountId, deleted: bool) -> Value {
        json!({ID: id, STATUS: "Terminated", TRACK: null, KIND: "Partner", IS_DELETED: deleted,
            LAST_MODIFIED: "2026-11-20T10:00:00.000+0000"})
    }

    #[test]
    fn the_question_is_the_contracts() {
        let [one, other, _] = ids();
        assert_eq!(
            query(&[one, other]),
            "SELECT Account_ID_18__c, Name, Type, Partners_Partner_Status__c, Partner_Track__c, \
             IsDeleted, LastModifiedDate FROM Account WHERE Account_ID_18__c IN \
             ('0014M00001sDiGEQA0', '001D000000IRFmaIAH')"
        );
    }

    #[test]
    fn an_account_that_is_not_in_the_answer_is_not_visible() {
        let [one, deleted, hidden] = ids();
        let answer = page(&json!([record(&deleted, true), record(&one, false)]));
        let fates = fates(&[one, deleted, hidden], &answer).unwrap();
        let fates: Vec<_> = fates.into_iter().map(|former| former.fate).collect();
        let changed = Fate::AuthorisedNoMore {
            status: Some("Terminated".to_owned()),
            kind: Some("Partner".to_owned()),
            track: None,
            last_changed: Some(Date::constant(2026, 11, 20)),
        };
        assert_eq!(fates, [changed, Fate::Deleted, Fate::NotVisible]);
    }

    #[test]
    fn an_absent_field_is_no_blank_one() {
        let [one, ..] = ids();
        let mut cut = record(&one, false);
        cut.as_object_mut().unwrap().remove(STATUS);
        let error = fates(&[one], &page(&json!([cut]))).unwrap_err();
        assert!(error.to_string().contains(STATUS), "{error}");
    }
}
