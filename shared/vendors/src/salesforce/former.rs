//! The question about accounts that are no longer authorised partners, and its answer.
//!
//! Source: contract, section 2, gather-accounts, 4.

use std::collections::{BTreeMap, BTreeSet};
use std::mem;

use jiff::civil::Date;
use serde_json::{Map, Value};

use super::query::QueryPage;
use domain::model::{AccountId, Condition, Fate, Former, Mapping, Values};
use domain::{Error, Result};

/// Ids in one question: the address of a longer one would be refused.
const MOST_IDS: usize = 200;
/// How often it is asked what became of the accounts that others were merged into.
const MOST_ROUNDS: usize = 3;

const ID: &str = "Id";
const IS_DELETED: &str = "IsDeleted";
const MERGED_INTO: &str = "MasterRecordId";
const LAST_MODIFIED: &str = "LastModifiedDate";

/// What is asked of a missing account: who it is, what the filter looks at, and what became of it.
fn columns(mapping: &Mapping) -> Vec<&str> {
    let mut columns = vec![ID];
    let fate = [IS_DELETED, MERGED_INTO, LAST_MODIFIED];
    let asked = [mapping.name.as_str()]
        .into_iter()
        .chain(mapping.filter.columns());
    for column in asked.chain(fate) {
        if !columns.contains(&column) {
            columns.push(column);
        }
    }
    columns
}

/// The question, for `queryAll`, which finds deleted and merged records as well. By `Id`, since a
/// formula has no index.
pub(super) fn query(ids: &[AccountId], mapping: &Mapping) -> String {
    let quoted: Vec<String> = ids.iter().map(|id| format!("'{id}'")).collect();
    format!(
        "SELECT {} FROM {} WHERE {ID} IN ({})",
        columns(mapping).join(", "),
        mapping.object,
        quoted.join(", ")
    )
}

/// All the questions about missing accounts, and what is known so far. Merges are followed in
/// rounds, each about all survivors that nothing is known of.
#[derive(Debug)]
pub(super) struct Inquiry<'a> {
    missing: &'a [AccountId],
    /// Accounts that are known to be alive: nobody has to ask about them.
    gathered: &'a BTreeSet<AccountId>,
    mapping: &'a Mapping,
    /// What is still to be asked in this round.
    open: Vec<AccountId>,
    rounds_left: usize,
    known: BTreeMap<AccountId, Fate>,
}

impl<'a> Inquiry<'a> {
    pub(super) fn about(
        missing: &'a [AccountId],
        gathered: &'a BTreeSet<AccountId>,
        mapping: &'a Mapping,
    ) -> Self {
        Self {
            missing,
            gathered,
            mapping,
            open: missing.to_vec(),
            rounds_left: MOST_ROUNDS,
            known: BTreeMap::new(),
        }
    }

    /// The ids of the next question; `None` if there is nothing more to ask.
    pub(super) fn next_question(&mut self) -> Option<Vec<AccountId>> {
        if self.open.is_empty() && self.rounds_left > 0 {
            self.rounds_left -= 1;
            self.open = self.unknown_survivors();
        }
        let later = self.open.split_off(self.open.len().min(MOST_IDS));
        let now = mem::replace(&mut self.open, later);
        (!now.is_empty()).then_some(now)
    }

    /// Notes the answer to a question.
    ///
    /// # Errors
    /// [`Error::Contract`] for an answer that is not what it must be, [`Error::Incomplete`] for one
    /// that is not whole.
    pub(super) fn note(&mut self, ids: Vec<AccountId>, page: &QueryPage) -> Result<()> {
        let mut fates = fates(page, self.mapping)?;
        let known = ids.into_iter().map(|id| {
            let fate = fates.remove(&id).unwrap_or(Fate::NotVisible);
            (id, fate)
        });
        self.known.extend(known);
        Ok(())
    }

    /// What became of each missing account.
    pub(super) fn into_formers(self) -> Vec<Former> {
        let former = |id: &AccountId| Former {
            salesforce_id: id.clone(),
            fate: self.fate(id),
        };
        self.missing.iter().map(former).collect()
    }

    fn unknown_survivors(&self) -> Vec<AccountId> {
        let survivors: BTreeSet<_> = self.known.values().filter_map(survivor).collect();
        let is_unknown =
            |id: &&AccountId| !self.gathered.contains(*id) && !self.known.contains_key(*id);
        survivors.into_iter().filter(is_unknown).cloned().collect()
    }

    /// The fate of an account, with its merges followed as far as they are known. Merges that lead
    /// back to where they were end there.
    fn fate(&self, id: &AccountId) -> Fate {
        let fate = self.known.get(id).unwrap_or(&Fate::NotVisible);
        let Some(mut into) = survivor(fate) else {
            return fate.clone();
        };
        let mut passed = BTreeSet::from([id, into]);
        while let Some(next) = self.known.get(into).and_then(survivor)
            && passed.insert(next)
        {
            into = next;
        }
        Fate::Merged { into: into.clone() }
    }
}

/// The account that another one was merged into.
fn survivor(fate: &Fate) -> Option<&AccountId> {
    match fate {
        Fate::Merged { into } => Some(into),
        _ => None,
    }
}

/// What an answer says of the accounts in it.
fn fates(page: &QueryPage, mapping: &Mapping) -> Result<BTreeMap<AccountId, Fate>> {
    if !page.done {
        return Err(contract(&format!("more than one page for {MOST_IDS} ids")));
    }
    let count = page.records.len();
    if page.total_size.is_some_and(|total| total != count) {
        return Err(Error::Incomplete(format!(
            "salesforce: former accounts: {count} records came, another number was announced"
        )));
    }
    let mut fates = BTreeMap::new();
    for record in &page.records {
        let id = account_id(ID, text(record, ID)?.unwrap_or_default())?;
        fates.insert(id, fate(record, mapping)?);
    }
    Ok(fates)
}

/// What became of an account. A merge deletes the loser too, so it counts before a deletion.
fn fate(record: &Map<String, Value>, mapping: &Mapping) -> Result<Fate> {
    for column in columns(mapping) {
        field(record, column)?;
    }
    if let Some(into) = text(record, MERGED_INTO)? {
        let into = account_id(MERGED_INTO, into)?;
        return Ok(Fate::Merged { into });
    }
    if flag(record, IS_DELETED)? {
        return Ok(Fate::Deleted);
    }
    let value = |condition: &Condition| -> Result<(String, Option<String>)> {
        let text = text(record, &condition.column)?.map(str::to_owned);
        Ok((condition.name.clone(), text))
    };
    let filter = &mapping.filter;
    let kind = Values(filter.kind.iter().map(value).collect::<Result<_>>()?);
    if !filter.is_kind(&kind) {
        return Ok(Fate::OtherType { values: kind });
    }
    let values = filter.conditions().map(value).collect::<Result<_>>()?;
    Ok(Fate::AuthorisedNoMore {
        values: Values(values),
        last_changed: text(record, LAST_MODIFIED)?.and_then(day),
    })
}

/// The day of a moment such as `2026-11-20T10:00:00.000+0000`.
fn day(moment: &str) -> Option<Date> {
    moment.get(..10)?.parse().ok()
}

fn account_id(name: &str, text: &str) -> Result<AccountId> {
    AccountId::parse(text).map_err(|why| contract(&format!("{name}: {why}")))
}

/// A text, without white space around it; `None` if it is blank.
fn text<'a>(record: &'a Map<String, Value>, name: &str) -> Result<Option<&'a str>> {
    match field(record, name)? {
        Value::Null => Ok(None),
        Value::String(text) => Ok(Some(text.trim()).filter(|text| !text.is_empty())),
        _ => Err(contract(&format!("{name} is no text"))),
    }
}

fn flag(record: &Map<String, Value>, name: &str) -> Result<bool> {
    let flag = field(record, name)?.as_bool();
    flag.ok_or_else(|| contract(&format!("{name} is no checkbox")))
}

/// The value of a field. An absent field is not blank, but hidden from the app's user.
fn field<'a>(record: &'a Map<String, Value>, name: &str) -> Result<&'a Value> {
    record.get(name).ok_or_else(|| {
        contract(&format!(
            "{name} is absent; give the app's user read access to it"
        ))
    })
}

fn contract(what: &str) -> Error {
    Error::Contract(format!("salesforce: former accounts: {what}"))
}

#[cfg(test)]
mod tests {
    use std::slice;

    use serde_json::json;

    use super::*;
    use crate::for_tests::mapping;

    const NAME: &str = "Name";
    const KIND: &str = "Type";
    const STATUS: &str = "Partners_Partner_Status__c";
    const TRACK: &str = "Partner_Track__c";

    fn values(values: &[(&str, Option<&str>)]) -> Values {
        let owned =
            |(name, value): &(&str, Option<&str>)| ((*name).to_owned(), value.map(str::to_owned));
        Values(values.iter().map(owned).collect())
    }

    fn id(number: usize) -> AccountId {
        AccountId::parse(&format!("0014M{number:010}")).unwrap()
    }

    fn record(number: usize) -> Value {
        json!({ID: id(number), NAME: "Acme", STATUS: "Terminated", TRACK: null, KIND: "Partner",
            IS_DELETED: false, MERGED_INTO: null, LAST_MODIFIED: "2026-11-20T10:00:00.000+0000"})
    }

    fn with(number: usize, changes: &Value) -> Value {
        let mut record = record(number);
        for (name, value) in changes.as_object().unwrap() {
            record[name] = value.clone();
        }
        record
    }

    fn merged(number: usize, into: usize) -> Value {
        with(number, &json!({IS_DELETED: true, MERGED_INTO: id(into)}))
    }

    fn page(records: &[Value]) -> QueryPage {
        serde_json::from_value(json!({"done": true, "records": records})).unwrap()
    }

    /// A Salesforce of these records, which notes how many ids each question names.
    struct Org {
        records: BTreeMap<AccountId, Value>,
        gathered: BTreeSet<AccountId>,
        asked: Vec<usize>,
    }

    impl Org {
        fn of(records: impl IntoIterator<Item = Value>) -> Self {
            let keyed = records.into_iter().map(|record| {
                let id = AccountId::parse(record[ID].as_str().unwrap()).unwrap();
                (id, record)
            });
            Self {
                records: keyed.collect(),
                gathered: BTreeSet::new(),
                asked: Vec::new(),
            }
        }

        fn gathering(mut self, number: usize) -> Self {
            self.gathered.insert(id(number));
            self
        }

        fn formers(&mut self, missing: &[AccountId]) -> Result<Vec<Former>> {
            let mapping = mapping();
            let mut inquiry = Inquiry::about(missing, &self.gathered, &mapping);
            while let Some(ids) = inquiry.next_question() {
                assert!(self.asked.len() < 99, "it never ends");
                self.asked.push(ids.len());
                let found = ids.iter().filter_map(|id| self.records.get(id).cloned());
                let page = page(&found.collect::<Vec<_>>());
                inquiry.note(ids, &page)?;
            }
            Ok(inquiry.into_formers())
        }

        /// The fates of the accounts with these numbers.
        fn fates(&mut self, numbers: &[usize]) -> Vec<Fate> {
            let missing: Vec<_> = numbers.iter().copied().map(id).collect();
            let formers = self.formers(&missing).unwrap();
            let ids: Vec<_> = formers
                .iter()
                .map(|former| former.salesforce_id.clone())
                .collect();
            assert_eq!(ids, missing, "one fate an id, in their order");
            formers.into_iter().map(|former| former.fate).collect()
        }
    }

    fn into(number: usize) -> Fate {
        Fate::Merged { into: id(number) }
    }

    /// What one record says.
    fn fate_of(changes: &Value) -> Fate {
        Org::of([with(1, changes)]).fates(&[1]).remove(0)
    }

    fn error_of(record: &Value) -> Error {
        fates(&page(slice::from_ref(record)), &mapping()).unwrap_err()
    }

    #[test]
    fn the_question_is_the_contracts() {
        let ids = ["0014M00001sDiGE", "001D000000IRFma"].map(|id| AccountId::parse(id).unwrap());
        assert_eq!(
            query(&ids, &mapping()),
            "SELECT Id, Name, Type, Partners_Partner_Status__c, Partner_Track__c, IsDeleted, \
             MasterRecordId, LastModifiedDate FROM Account WHERE Id IN ('0014M00001sDiGEQA0', \
             '001D000000IRFmaIAH')"
        );
    }

    #[test]
    fn a_partners_account_is_authorised_no_more_as_salesforce_shows_it() {
        let wanted = Fate::AuthorisedNoMore {
            values: values(&[
                ("type", Some("PARTNER")),
                ("status", Some("Terminated")),
                ("track", None),
            ]),
            last_changed: Some(Date::constant(2026, 11, 20)),
        };
        assert_eq!(fate_of(&json!({KIND: "PARTNER"})), wanted);
    }

    #[test]
    fn an_account_that_is_not_in_the_answer_is_not_visible() {
        let fates = Org::of([record(1)]).fates(&[1, 2]);
        assert!(matches!(fates[0], Fate::AuthorisedNoMore { .. }));
        assert_eq!(fates[1], Fate::NotVisible);
    }

    #[test]
    fn an_account_that_is_no_partners_has_another_type_and_a_blank_one_is_another_one() {
        let other = |kind: Option<&str>| Fate::OtherType {
            values: values(&[("type", kind)]),
        };
        assert_eq!(fate_of(&json!({KIND: "Customer"})), other(Some("Customer")));
        for blank in [Value::Null, json!(""), json!(" ")] {
            assert_eq!(fate_of(&json!({KIND: blank})), other(None));
        }
    }

    #[test]
    fn a_deleted_account_is_deleted_whatever_its_type_is() {
        for kind in ["Partner", "Customer"] {
            let deleted = json!({IS_DELETED: true, KIND: kind});
            assert_eq!(fate_of(&deleted), Fate::Deleted);
        }
    }

    #[test]
    fn a_merged_account_is_merged_though_the_merge_deleted_it() {
        assert_eq!(Org::of([merged(1, 2), record(2)]).fates(&[1]), [into(2)]);
    }

    #[test]
    fn merges_are_followed_to_the_account_that_survives() {
        let mut org = Org::of([merged(1, 2), merged(2, 3), merged(3, 4), record(4)]);
        assert_eq!(org.fates(&[1]), [into(4)]);
        assert_eq!(org.asked, [1, 1, 1, 1]);
    }

    #[test]
    fn after_three_rounds_nobody_asks_further() {
        let mut org = Org::of((1..9).map(|number| merged(number, number + 1)));
        assert_eq!(org.fates(&[1]), [into(5)]);
        assert_eq!(org.asked, [1, 1, 1, 1]);
    }

    #[test]
    fn a_survivor_among_the_runs_accounts_is_not_asked_about() {
        let mut org = Org::of([merged(1, 2), record(2)]).gathering(2);
        assert_eq!(org.fates(&[1]), [into(2)]);
        assert_eq!(org.asked, [1]);
    }

    #[test]
    fn a_survivor_that_is_missing_itself_is_asked_about_once() {
        let mut org = Org::of([merged(1, 2), merged(2, 3)]).gathering(3);
        assert_eq!(org.fates(&[1, 2]), [into(3), into(3)]);
        assert_eq!(org.asked, [2]);
    }

    #[test]
    fn all_survivors_of_a_round_are_in_one_question_each_of_them_once() {
        let losers = (1..=50).map(|number| merged(number, 100 + number / 2));
        let mut org = Org::of(losers);
        let numbers: Vec<_> = (1..=50).collect();
        assert_eq!(org.fates(&numbers)[1], into(101));
        assert_eq!(org.asked, [50, 26]);
    }

    #[test]
    fn a_survivor_that_was_deleted_or_is_not_visible_stays_the_survivor() {
        let deleted = with(2, &json!({IS_DELETED: true}));
        let mut org = Org::of([merged(1, 2), deleted, merged(3, 4)]);
        assert_eq!(org.fates(&[1, 3]), [into(2), into(4)]);
    }

    #[test]
    fn a_circle_of_merges_ends() {
        let mut org = Org::of([merged(1, 2), merged(2, 3), merged(3, 1), merged(4, 4)]);
        assert_eq!(org.fates(&[1, 4]), [into(3), into(4)]);
        assert_eq!(org.asked, [2, 1, 1]);
    }

    #[test]
    fn a_question_names_two_hundred_ids_at_most_and_none_is_left_out() {
        let numbers: Vec<_> = (1..=401).collect();
        let mut org = Org::of(numbers.iter().map(|number| record(*number)));
        let fates = org.fates(&numbers);
        assert_eq!(org.asked, [200, 200, 1]);
        let is_seen = |fate: &Fate| matches!(fate, Fate::AuthorisedNoMore { .. });
        assert!(fates.iter().all(is_seen));
    }

    #[test]
    fn nothing_missing_is_no_question() {
        let mut org = Org::of([]);
        assert!(org.fates(&[]).is_empty() && org.asked.is_empty());
    }

    #[test]
    fn an_absent_field_is_no_blank_one_in_no_record() {
        for whole in [record(1), merged(1, 2)] {
            for column in columns(&mapping()) {
                let mut cut = whole.clone();
                cut.as_object_mut().unwrap().remove(column);
                let error = error_of(&cut);
                assert_eq!(error.name(), "Sync.Contract");
                assert!(error.to_string().contains(column), "{error}");
            }
        }
    }

    #[test]
    fn a_value_of_another_form_is_no_evidence() {
        for (column, odd) in [
            (ID, json!("0014M00001sDiGEQA1")),
            (MERGED_INTO, json!("an account")),
            (MERGED_INTO, json!(17)),
            (IS_DELETED, Value::Null),
            (IS_DELETED, json!("true")),
            (KIND, json!(17)),
        ] {
            let error = error_of(&with(1, &json!({column: odd})));
            assert_eq!(error.name(), "Sync.Contract");
            assert!(error.to_string().contains(column), "{error}");
        }
    }

    #[test]
    fn an_answer_that_is_not_whole_is_none() {
        let name_of = |answer: Value| {
            let page = serde_json::from_value(answer).unwrap();
            fates(&page, &mapping()).unwrap_err().name()
        };
        let records = [record(1)];
        let more = json!({"done": false, "totalSize": 1, "records": records});
        assert_eq!(name_of(more), "Sync.Contract");
        let fewer = json!({"done": true, "totalSize": 2, "records": records});
        assert_eq!(name_of(fewer), "Sync.Incomplete");
    }
}
