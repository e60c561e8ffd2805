//! Why something is done to an organization, or left undone. Typed: the report words it.
//!
//! Source: contract, section 3, "Marks".

use std::fmt;

use jiff::civil::Date;
use serde::de::value::MapDeserializer;
use serde::de::{DeserializeOwned, Deserializer, Error as _, MapAccess, Visitor};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::model::{AccountId, Category, Fate, Values};

/// What is known of a missing account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Evidence {
    /// A partner's account that is authorised no more.
    AuthorisedNoMore {
        /// What the filter looks at, as Salesforce shows it.
        #[serde(flatten)]
        values: Values,
        last_changed: Option<Date>,
    },
    Deleted,
    /// No partner's account: perhaps the organization's own type is wrong.
    OtherType {
        /// What the filter's first condition looks at.
        #[serde(flatten)]
        values: Values,
    },
    /// More often a lost permission than a lost partner.
    NotVisible,
    /// Salesforce was asked, and gave no answer.
    NoAnswer,
    /// This is the first run that misses the account, so nobody has asked yet.
    NotAsked,
}

/// What an answer of Salesforce means for a mark.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Weight {
    /// It speaks for a mark.
    Evidence,
    /// It explains nothing: a person has to look.
    Unexplained,
    /// There is no answer: nothing changes.
    None,
}

impl Evidence {
    pub fn weight(&self) -> Weight {
        match self {
            Self::AuthorisedNoMore { .. } | Self::Deleted => Weight::Evidence,
            Self::OtherType { .. } | Self::NotVisible => Weight::Unexplained,
            Self::NoAnswer | Self::NotAsked => Weight::None,
        }
    }

    /// The category of a mark for this reason.
    pub fn category(&self) -> Category {
        match self.weight() {
            Weight::Unexplained => Category::Unexplained,
            // Without an answer it is marked only if no account has to be missing for any time.
            Weight::Evidence | Weight::None => Category::Marks,
        }
    }

    /// The kind alone, as documents spell it. An approval is bound to it, and to no wording.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::AuthorisedNoMore { .. } => "authorised_no_more",
            Self::Deleted => "deleted",
            Self::OtherType { .. } => "other_type",
            Self::NotVisible => "not_visible",
            Self::NoAnswer => "no_answer",
            Self::NotAsked => "not_asked",
        }
    }
}

/// What keeps an organization from being marked, and is no matter of time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Keeper {
    /// It belongs to no account id that can be read.
    Unlinked,
    Protected {
        by: Protector,
    },
    /// Its account is one of this run's.
    AccountIsThere,
    /// Salesforce names its account as an authorised partner, though the query did not find it.
    AccountIsBack,
    /// It clashes with another record, and a person has to decide.
    Conflict,
    /// Its last subscription ended not long enough ago.
    Retained {
        expired: Date,
        years: i16,
    },
    /// Its expiration date is no date.
    UnreadableDate,
    /// Its account went into another one.
    Merged {
        into: AccountId,
        /// The organization of the surviving account, if it has one.
        organization: Option<u64>,
    },
    /// It is no partner's organization any more.
    NoPartner,
}

/// What protects an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Protector {
    /// The parameter of this name.
    ProtectedAccountIds,
    /// `sync.toml` names the account. Before 0.6 a parameter did, `AllianceAccountIds`.
    #[serde(rename = "alliance_account_ids")]
    Named,
}

/// Why a mark stands, or is taken back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Reason {
    Said(Evidence),
    Kept(Keeper),
}

impl<'de> Deserialize<'de> for Reason {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let object = Object::deserialize(deserializer)?;
        if let Ok(evidence) = object.clone().read() {
            return Ok(Self::Said(evidence));
        }
        let keeper = object.read().map_err(D::Error::custom)?;
        Ok(Self::Kept(keeper))
    }
}

/// Reads a typed reason. By way of an object: so its code is there once, and not once for each kind
/// of deserializer. That makes sync's zip smaller.
pub(super) fn typed<'de, D: Deserializer<'de>, T: DeserializeOwned>(
    deserializer: D,
) -> Result<T, D::Error> {
    let object = Object::deserialize(deserializer)?;
    object.read().map_err(D::Error::custom)
}

/// An object of JSON whose keys keep their order: a replay gives the same bytes.
#[derive(Debug, Clone)]
struct Object(Vec<(String, Value)>);

impl Object {
    fn read<T: DeserializeOwned>(self) -> Result<T, serde_json::Error> {
        T::deserialize(MapDeserializer::new(self.0.into_iter()))
    }
}

impl<'de> Deserialize<'de> for Object {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(ObjectReader)
    }
}

struct ObjectReader;

impl<'de> Visitor<'de> for ObjectReader {
    type Value = Object;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a reason: its kind, and its values")
    }

    fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Object, M::Error> {
        let mut entries = Vec::new();
        while let Some(entry) = map.next_entry()? {
            entries.push(entry);
        }
        Ok(Object(entries))
    }
}

/// What an organization waits for before it may be marked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WaitsFor {
    /// `MarkAfterHours`.
    Time,
    /// The purge, in the hours before it.
    Purge,
    /// Salesforce's answer.
    Answer,
}

/// Why an account is not created.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum WhySkipped {
    /// The column of the type has no value that is a partner's type.
    NoAccountType,
}

/// Why an account does not get its name yet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum WhyDeferred {
    /// These organizations bear the name, and give it up by this plan or the next ones.
    NameIsGivenUp { holders: Vec<u64> },
}

/// Why records clash.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Clash {
    /// Several organizations have one account id, as Salesforce id or external id.
    OneId { salesforce_id: AccountId },
    /// An account's id is the external id of another account's organization.
    OneExternalId { salesforce_id: AccountId },
    /// Organizations want each other's names, in a ring.
    NamesInARing,
    /// Several accounts want one name.
    AccountsOfOneName,
    /// The name is taken.
    NameIsTaken {
        /// True if giving the organization the account's id takes it from nobody.
        may_be_linked: bool,
    },
}

/// `None` for a fate that is no evidence of its own: merged, or authorised after all.
impl TryFrom<&Fate> for Evidence {
    type Error = ();

    fn try_from(fate: &Fate) -> Result<Self, ()> {
        Ok(match fate {
            Fate::AuthorisedNoMore {
                values,
                last_changed,
            } => Self::AuthorisedNoMore {
                values: values.clone(),
                last_changed: *last_changed,
            },
            Fate::Deleted => Self::Deleted,
            Fate::OtherType { values } => Self::OtherType {
                values: values.clone(),
            },
            Fate::NotVisible => Self::NotVisible,
            Fate::Merged { .. } => return Err(()),
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::for_tests::values;
    use super::*;

    #[test]
    fn the_kind_that_an_approval_is_bound_to_is_the_one_in_the_documents() {
        let all = [
            Evidence::AuthorisedNoMore {
                values: values(&[("status", Some("Terminated")), ("track", None)]),
                last_changed: None,
            },
            Evidence::Deleted,
            Evidence::OtherType {
                values: values(&[("type", None)]),
            },
            Evidence::NotVisible,
            Evidence::NoAnswer,
            Evidence::NotAsked,
        ];
        for evidence in all {
            let document = serde_json::to_value(&evidence).unwrap();
            assert_eq!(document["kind"], evidence.kind());
            let reason: Reason = serde_json::from_value(document).unwrap();
            assert_eq!(reason, Reason::Said(evidence));
        }
    }

    #[test]
    fn the_values_of_a_reason_keep_their_order() {
        let document = concat!(
            r#"{"kind":"authorised_no_more","status":"Terminated","type":"Partner","#,
            r#""track":null,"last_changed":"2026-11-20"}"#
        );
        let reason: Reason = serde_json::from_str(document).unwrap();
        assert_eq!(serde_json::to_string(&reason).unwrap(), document);
    }

    #[test]
    fn a_protector_is_spelt_as_the_parameter_that_protected() {
        for (by, name) in [
            (Protector::ProtectedAccountIds, "protected_account_ids"),
            (Protector::Named, "alliance_account_ids"),
        ] {
            let document = serde_json::to_value(Keeper::Protected { by }).unwrap();
            assert_eq!(document["by"], name);
            let reason: Reason = serde_json::from_value(document).unwrap();
            assert_eq!(reason, Reason::Kept(Keeper::Protected { by }));
        }
        assert!(serde_json::from_value::<Reason>(json!({"kind": "whim"})).is_err());
    }
}
