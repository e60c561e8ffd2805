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

/// What became of a former account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum Fate {
    /// Salesforce has it, and the query of authorised partners does not find it.
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
    /// Salesforce does not show it to the integration's user.
    NotVisible,
}

impl Fate {
    /// Why the account is missing, for a person.
    pub fn reason(&self) -> String {
        match self {
            Self::AuthorisedNoMore {
                status,
                kind,
                track,
                last_changed,
            } => {
                let what = not_authorised(kind.as_deref(), status.as_deref(), track.as_deref());
                match last_changed {
                    Some(day) => format!("{what}; last changed {day}"),
                    None => what,
                }
            }
            Self::Deleted => "deleted in Salesforce".to_owned(),
            Self::NotVisible => "not visible to the integration's user: this is more often a lost \
                                 permission than a lost partner"
                .to_owned(),
        }
    }

    /// True if Salesforce names the account as an authorised partner after all: it came back while
    /// the accounts were read. Salesforce compares without regard to case.
    pub fn is_authorised(&self) -> bool {
        let Self::AuthorisedNoMore {
            status,
            kind,
            track,
            last_changed: _,
        } = self
        else {
            return false;
        };
        first_difference(kind.as_deref(), status.as_deref(), track.as_deref()).is_none()
    }
}

/// The first condition of the query that the account does not meet, and the account's value.
fn not_authorised(kind: Option<&str>, status: Option<&str>, track: Option<&str>) -> String {
    match first_difference(kind, status, track) {
        Some((field, value)) => format!("{field} is {}", value.unwrap_or("blank")),
        None => "an authorised partner again, though not when the accounts were read".to_owned(),
    }
}

fn first_difference<'a>(
    kind: Option<&'a str>,
    status: Option<&'a str>,
    track: Option<&'a str>,
) -> Option<(&'static str, Option<&'a str>)> {
    let conditions: [(_, _, &[&str]); 3] = [
        ("Partner status", status, &["Authorized"]),
        ("Type", kind, &["Partner"]),
        ("Partner track", track, &["Open", "Select"]),
    ];
    let is_met = |value: Option<&str>, allowed: &[&str]| {
        value.is_some_and(|value| allowed.iter().any(|one| value.eq_ignore_ascii_case(one)))
    };
    let mut unmet = conditions
        .into_iter()
        .filter(|(_, value, allowed)| !is_met(*value, allowed));
    unmet.next().map(|(field, value, _)| (field, value))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn changed(status: Option<&str>, kind: Option<&str>, track: Option<&str>) -> Fate {
        let text = |value: Option<&str>| value.map(str::to_owned);
        Fate::AuthorisedNoMore {
            status: text(status),
            kind: text(kind),
            track: text(track),
            last_changed: Some(Date::constant(2026, 11, 20)),
        }
    }

    #[test]
    fn the_reason_names_what_is_not_as_it_must_be_and_when_it_changed() {
        let partner = Some("Partner");
        let authorized = Some("Authorized");
        let open = Some("Open");
        for (fate, reason) in [
            (
                changed(Some("Terminated"), partner, open),
                "Partner status is Terminated; last changed 2026-11-20",
            ),
            (
                changed(authorized, Some("Customer"), open),
                "Type is Customer; last changed 2026-11-20",
            ),
            (
                changed(authorized, partner, None),
                "Partner track is blank; last changed 2026-11-20",
            ),
            (Fate::Deleted, "deleted in Salesforce"),
        ] {
            assert_eq!(fate.reason(), reason);
            assert!(!fate.is_authorised(), "{reason}");
        }
        assert!(Fate::NotVisible.reason().contains("a lost permission"));
        assert!(!Fate::NotVisible.is_authorised());
    }

    #[test]
    fn an_account_that_meets_the_query_is_authorised_whatever_the_case_of_its_words() {
        let fate = changed(Some("AUTHORIZED"), Some("partner"), Some("Select"));
        assert!(fate.is_authorised());
    }

    #[test]
    fn its_form_in_the_document_has_the_state_beside_the_values() {
        let former = Former {
            salesforce_id: AccountId::parse("0014M00001sDiGEQA0").unwrap(),
            fate: changed(Some("Terminated"), Some("Partner"), None),
        };
        let wanted = serde_json::json!({
            "salesforce_id": "0014M00001sDiGEQA0", "state": "authorised_no_more",
            "status": "Terminated", "type": "Partner", "track": null,
            "last_changed": "2026-11-20",
        });
        assert_eq!(serde_json::to_value(&former).unwrap(), wanted);
        let back: Former = serde_json::from_value(wanted).unwrap();
        assert_eq!(back, former);
    }
}
