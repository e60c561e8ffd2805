//! Former accounts: what Salesforce says of an account that is no longer an authorised partner.
//!
//! Source: contract, section 2, gather-accounts, item 4.

use std::fmt;

use jiff::civil::Date;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde::ser::Serializer;
use serde::{Deserialize, Serialize};

use super::AccountId;

/// An account that an organization belongs to, and that is not among the gathered ones.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Former {
    pub salesforce_id: AccountId,
    #[serde(flatten)]
    pub fate: Fate,
}

/// What became of a former account: the evidence for a mark, or against it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum Fate {
    /// A partner's account that the query of authorised partners does not find.
    AuthorisedNoMore {
        /// What the filter looks at.
        #[serde(flatten)]
        values: Values,
        /// `LastModifiedDate`; `None` if it cannot be read.
        last_changed: Option<Date>,
    },
    /// It is in Salesforce's recycle bin.
    Deleted,
    /// It was merged into another account, and is gone.
    Merged {
        /// The account that survived this merge and the ones after it.
        into: AccountId,
    },
    /// Salesforce has it, and it is no partner's: perhaps it never was.
    OtherType {
        /// What the filter's first condition looks at.
        #[serde(flatten)]
        values: Values,
    },
    /// Salesforce does not show it to the integration's user.
    NotVisible,
}

impl Fate {
    /// True if Salesforce names the account as an authorised partner after all: it came back while
    /// the accounts were read.
    pub fn is_authorised(&self, filter: &Filter) -> bool {
        matches!(self, Self::AuthorisedNoMore { values, .. } if filter.unmet(values).is_none())
    }

    /// True for what stays true though Salesforce forgets it: the recycle bin is emptied after 15
    /// days.
    pub fn is_remembered(&self) -> bool {
        matches!(self, Self::Deleted | Self::Merged { .. })
    }
}

/// Values of an account that the filter looks at, by the names of its conditions and in their
/// order; `None` is blank. In JSON they stand beside what else is known of the account.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Values(pub Vec<(String, Option<String>)>);

impl Values {
    /// The value that a condition looks at; `None` if it is blank.
    pub fn get(&self, condition: &Condition) -> Option<&str> {
        let found = self.0.iter().find(|(name, _)| *name == condition.name);
        found.and_then(|(_, value)| value.as_deref())
    }
}

impl Serialize for Values {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(name, value)| (name, value)))
    }
}

/// Read by hand, because the order counts: a replay gives the same bytes.
impl<'de> Deserialize<'de> for Values {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(ValuesReader)
    }
}

struct ValuesReader;

impl<'de> Visitor<'de> for ValuesReader {
    type Value = Values;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("texts by their names")
    }

    fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Values, M::Error> {
        let mut values = Vec::new();
        while let Some(value) = map.next_entry()? {
            values.push(value);
        }
        Ok(Values(values))
    }
}

/// Who is an authorised partner: an account that meets every condition.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Filter {
    /// What a partner's account is at all: one that does not meet it has perhaps never been one.
    /// `None` if the file has a single condition.
    pub kind: Option<Condition>,
    /// The others. There is at least one.
    pub others: Vec<Condition>,
}

/// A condition of the query of authorised partners.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Condition {
    /// In documents, such as `status`.
    pub name: String,
    /// In reports, as the beginning of a sentence: `Partner status` is Terminated.
    pub says: String,
    /// The Salesforce field.
    pub column: String,
    pub allowed: Allowed,
}

/// The values that meet a condition. Salesforce compares without regard to case.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Allowed {
    One(String),
    Any(Vec<String>),
}

impl Default for Allowed {
    /// No value.
    fn default() -> Self {
        Self::Any(Vec::new())
    }
}

impl Allowed {
    /// The values, in the order of the file.
    pub fn values(&self) -> &[String] {
        match self {
            Self::One(value) => std::slice::from_ref(value),
            Self::Any(values) => values,
        }
    }
}

impl Condition {
    /// True if a value meets it; a blank one never does.
    pub fn is_met(&self, value: Option<&str>) -> bool {
        let is = |allowed: &String| value.is_some_and(|value| value.eq_ignore_ascii_case(allowed));
        self.allowed.values().iter().any(is)
    }
}

impl Filter {
    /// Every condition, in the order of the file.
    pub fn conditions(&self) -> impl Iterator<Item = &Condition> {
        self.kind.iter().chain(&self.others)
    }

    /// The Salesforce fields that it looks at, in the order of the file.
    pub fn columns(&self) -> impl Iterator<Item = &str> {
        self.conditions().map(|condition| condition.column.as_str())
    }

    /// True if this may be a partner's account, authorised or not.
    pub fn is_kind(&self, values: &Values) -> bool {
        let kind = self.kind.as_ref();
        kind.is_none_or(|kind| kind.is_met(values.get(kind)))
    }

    /// The first condition that a partner's account does not meet.
    pub fn unmet(&self, values: &Values) -> Option<&Condition> {
        let is_unmet = |condition: &&Condition| !condition.is_met(values.get(condition));
        self.others.iter().find(is_unmet)
    }
}

#[cfg(test)]
mod tests {
    use super::super::for_tests::filter;
    use super::*;

    fn changed(status: Option<&str>, track: Option<&str>) -> Fate {
        let value = |name: &str, value: Option<&str>| (name.to_owned(), value.map(str::to_owned));
        Fate::AuthorisedNoMore {
            values: Values(vec![
                value("status", status),
                value("type", Some("Partner")),
                value("track", track),
            ]),
            last_changed: Some(Date::constant(2026, 11, 20)),
        }
    }

    #[test]
    fn an_account_that_meets_the_query_is_authorised_whatever_the_case_of_its_words() {
        let is_authorised = |fate: Fate| fate.is_authorised(&filter());
        assert!(is_authorised(changed(Some("AUTHORIZED"), Some("select"))));
        assert!(!is_authorised(changed(Some("Terminated"), Some("Open"))));
        assert!(!is_authorised(changed(Some("Authorized"), None)));
        assert!(!is_authorised(Fate::NotVisible));
    }

    #[test]
    fn its_form_in_the_document_has_the_state_beside_the_values_in_their_order() {
        let id = "0014M00001sDiGEQA0";
        for (fate, rest) in [
            (
                changed(Some("Terminated"), None),
                concat!(
                    r#""state":"authorised_no_more","status":"Terminated","type":"Partner","#,
                    r#""track":null,"last_changed":"2026-11-20""#
                ),
            ),
            (
                Fate::Merged {
                    into: AccountId::parse(id).unwrap(),
                },
                r#""state":"merged","into":"0014M00001sDiGEQA0""#,
            ),
            (
                Fate::OtherType {
                    values: Values(vec![("type".to_owned(), None)]),
                },
                r#""state":"other_type","type":null"#,
            ),
        ] {
            let former = Former {
                salesforce_id: AccountId::parse(id).unwrap(),
                fate,
            };
            let document = format!("{{\"salesforce_id\":\"{id}\",{rest}}}");
            assert_eq!(serde_json::to_string(&former).unwrap(), document);
            assert_eq!(serde_json::from_str::<Former>(&document).unwrap(), former);
        }
    }
}
