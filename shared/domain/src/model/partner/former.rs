//! Former accounts: what Salesforce says of an account that is no longer an authorised partner.
//!
//! Source: contract, section 2, gather-accounts, item 4.

use jiff::civil::Date;
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
        /// `Partners_Partner_Status__c`.
        status: Option<String>,
        /// `Type`.
        #[serde(rename = "type")]
        kind: Option<String>,
        /// `Partner_Track__c`.
        track: Option<String>,
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
        /// `Type`.
        #[serde(rename = "type")]
        kind: Option<String>,
    },
    /// Salesforce does not show it to the integration's user.
    NotVisible,
}

/// A condition of the query of authorised partners.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Condition {
    Status,
    Track,
}

/// The `Type` of a partner's account.
pub const PARTNER: &str = "Partner";

impl Fate {
    /// True if Salesforce names the account as an authorised partner after all: it came back while
    /// the accounts were read.
    pub fn is_authorised(&self) -> bool {
        matches!(self, Self::AuthorisedNoMore { status, track, .. }
            if unmet(status.as_deref(), track.as_deref()).is_none())
    }

    /// True for what stays true though Salesforce forgets it: the recycle bin is emptied after 15
    /// days.
    pub fn is_remembered(&self) -> bool {
        matches!(self, Self::Deleted | Self::Merged { .. })
    }
}

/// The first condition that a partner's account does not meet. Salesforce compares without regard
/// to case.
pub fn unmet(status: Option<&str>, track: Option<&str>) -> Option<Condition> {
    let is_one_of = |value: Option<&str>, allowed: &[&str]| {
        value.is_some_and(|value| allowed.iter().any(|one| value.eq_ignore_ascii_case(one)))
    };
    if !is_one_of(status, &["Authorized"]) {
        return Some(Condition::Status);
    }
    (!is_one_of(track, &["Open", "Select"])).then_some(Condition::Track)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn changed(status: Option<&str>, track: Option<&str>) -> Fate {
        let text = |value: Option<&str>| value.map(str::to_owned);
        Fate::AuthorisedNoMore {
            status: text(status),
            kind: text(Some(PARTNER)),
            track: text(track),
            last_changed: Some(Date::constant(2026, 11, 20)),
        }
    }

    #[test]
    fn an_account_that_meets_the_query_is_authorised_whatever_the_case_of_its_words() {
        assert!(changed(Some("AUTHORIZED"), Some("select")).is_authorised());
        assert!(!changed(Some("Terminated"), Some("Open")).is_authorised());
        assert!(!changed(Some("Authorized"), None).is_authorised());
        assert!(!Fate::NotVisible.is_authorised());
    }

    #[test]
    fn its_form_in_the_document_has_the_state_beside_the_values() {
        let id = AccountId::parse("0014M00001sDiGEQA0").unwrap();
        let merged = Fate::Merged { into: id.clone() };
        for (fate, wanted) in [
            (
                changed(Some("Terminated"), None),
                serde_json::json!({
                    "salesforce_id": "0014M00001sDiGEQA0", "state": "authorised_no_more",
                    "status": "Terminated", "type": "Partner", "track": null,
                    "last_changed": "2026-11-20",
                }),
            ),
            (
                merged,
                serde_json::json!({
                    "salesforce_id": "0014M00001sDiGEQA0", "state": "merged",
                    "into": "0014M00001sDiGEQA0",
                }),
            ),
        ] {
            let former = Former {
                salesforce_id: id.clone(),
                fate,
            };
            assert_eq!(serde_json::to_value(&former).unwrap(), wanted);
            let back: Former = serde_json::from_value(wanted).unwrap();
            assert_eq!(back, former);
        }
    }
}
