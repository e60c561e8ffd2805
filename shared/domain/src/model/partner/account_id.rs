//! Salesforce account ids.

use std::fmt;

use compact_str::CompactString;
use serde::de::{Deserialize, Deserializer, Error as _};
use serde::ser::{Serialize, Serializer};

use super::{Text, trimmed};

/// An account id in its canonical form: 18 characters with a correct checksum. The unifying key of
/// both systems.
///
/// Source: Salesforce ids are 15 case-sensitive characters; the 3 behind them carry the case of the
/// first 15 (three groups of 5, bit `i` set if character `i` is upper case), so that case-blind
/// systems can tell them apart.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AccountId(CompactString);

/// Text that is no account id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidAccountId {
    /// Neither 15 nor 18 letters and digits.
    #[error("an account id has 15 or 18 letters and digits")]
    Form,
    /// The last three characters do not fit the first fifteen.
    #[error("its checksum is wrong: the last three characters must be {expected}")]
    Checksum {
        /// What the first fifteen call for.
        expected: String,
    },
}

impl AccountId {
    /// Reads an id of 15 or 18 characters, ignoring white space around it.
    ///
    /// # Errors
    /// [`InvalidAccountId`] says what is wrong with the text.
    pub fn parse(text: &str) -> Result<Self, InvalidAccountId> {
        let text = trimmed(text);
        if !text.bytes().all(|b| b.is_ascii_alphanumeric()) {
            return Err(InvalidAccountId::Form);
        }
        let Some((short, given)) = text.split_at_checked(SHORT) else {
            return Err(InvalidAccountId::Form);
        };
        match given.len() {
            0 => {
                let mut id = CompactString::from(short);
                id.extend(checksum(short));
                Ok(Self(id))
            }
            3 if given.chars().eq(checksum(short)) => Ok(Self(CompactString::from(text))),
            3 => Err(InvalidAccountId::Checksum {
                expected: checksum(short).collect(),
            }),
            _ => Err(InvalidAccountId::Form),
        }
    }

    /// Reads an id as an organization carries it: like [`AccountId::parse`], and one of 18
    /// characters whose letters were all folded to one case is repaired from its checksum.
    ///
    /// # Errors
    /// [`InvalidAccountId`] says what is wrong with the text. Mixed case with a wrong checksum is
    /// not repaired: which of its letters is wrong cannot be known.
    pub fn parse_or_repair(text: &str) -> Result<Self, InvalidAccountId> {
        Self::parse(text).or_else(|error| match error {
            InvalidAccountId::Form => Err(error),
            InvalidAccountId::Checksum { .. } => repaired(text.trim()).map(Self).ok_or(error),
        })
    }

    /// The account an organization belongs to: by its Salesforce id, or, if that cannot be read,
    /// by its external id. Source: contract, section 2, compare.
    pub fn of_organization(salesforce_id: Option<&str>, external_id: Option<&str>) -> Option<Self> {
        let by_salesforce_id = salesforce_id
            .and_then(|text| Self::parse_or_repair(text).ok())
            .filter(Self::is_accounts);
        by_salesforce_id.or_else(|| Self::of_external_id(external_id?))
    }

    /// The account that an external id names. We set it on create; other systems write other things
    /// into it.
    pub fn of_external_id(text: &str) -> Option<Self> {
        Self::parse(text).ok().filter(Self::is_accounts)
    }

    /// True if it is an account's id, and not an opportunity's or a mere number: a checksum proves
    /// that it is an id, and no more.
    fn is_accounts(&self) -> bool {
        self.0.starts_with(PREFIX)
    }

    /// The canonical 18 characters.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The first 15 characters.
    pub fn short(&self) -> &str {
        self.0.get(..SHORT).unwrap_or(&self.0)
    }
}

/// What the id of every account begins with. Source: Salesforce's list of standard key prefixes.
pub(super) const PREFIX: &str = "001";
/// The characters of an id without its checksum.
pub(super) const SHORT: usize = 15;

/// What a checksum is written in: each character stands for its place.
const ALPHABET: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ012345";

fn checksum(short: &str) -> impl Iterator<Item = char> {
    let group = |five: &[u8]| {
        five.iter().rev().fold(0_usize, |bits, c| {
            bits << 1 | usize::from(c.is_ascii_uppercase())
        })
    };
    short
        .as_bytes()
        .chunks(5)
        .filter_map(move |five| ALPHABET.get(group(five)))
        .map(|&b| char::from(b))
}

/// The id whose 18 characters were all folded to one case; `None` if they were not, or if its
/// checksum calls for an upper-case digit.
fn repaired(text: &str) -> Option<CompactString> {
    let has_lower = text.bytes().any(|b| b.is_ascii_lowercase());
    let has_upper = text.bytes().any(|b| b.is_ascii_uppercase());
    if has_lower && has_upper {
        return None;
    }
    let checksum = text.get(SHORT..)?.to_ascii_uppercase();
    let mut repaired = CompactString::default();
    for (index, character) in text.chars().take(SHORT).enumerate() {
        let group = checksum.as_bytes().get(index / 5)?;
        let bits = ALPHABET.iter().position(|b| b == group)?;
        let is_upper = bits >> (index % 5) & 1 == 1;
        if is_upper && !character.is_ascii_alphabetic() {
            return None;
        }
        repaired.push(if is_upper {
            character.to_ascii_uppercase()
        } else {
            character.to_ascii_lowercase()
        });
    }
    Some(repaired + &checksum)
}

impl Serialize for AccountId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for AccountId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Text(text) = Text::deserialize(deserializer)?;
        Self::parse(&text).map_err(D::Error::custom)
    }
}

impl fmt::Display for AccountId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn knows_the_checksum_of_published_ids() {
        for id in [
            "0014M00001sDiGEQA0",
            "001D000000IRFmaIAH",
            "001D000000IqhSLIAZ",
        ] {
            assert_eq!(AccountId::parse(&id[..15]).unwrap().as_str(), id);
            assert_eq!(AccountId::parse(id).unwrap().as_str(), id);
        }
        assert!(
            AccountId::parse("0036000000QKv5T")
                .unwrap()
                .as_str()
                .ends_with("TAAT")
        );
    }

    #[test]
    fn refuses_what_is_no_id() {
        assert_eq!(
            AccountId::parse("0014M00001sDiGEQA1"),
            Err(InvalidAccountId::Checksum {
                expected: "QA0".to_owned()
            })
        );
        for text in [
            "",
            "0014M00001sDiGE QA0",
            "0014M00001sDiG",
            "0014M00001sDiGEQ",
            "0014M00001sDiGÉQA0",
            "0014M00001sDiGEQA00",
        ] {
            assert_eq!(
                AccountId::parse(text),
                Err(InvalidAccountId::Form),
                "{text}"
            );
        }
    }

    #[test]
    fn mixed_case_with_a_wrong_checksum_is_not_repaired() {
        for text in [
            "0014M00001sDiGEQA1",
            "0014m00001sdigeQA0",
            "0014M00001SDIGEqa0",
        ] {
            assert!(AccountId::parse_or_repair(text).is_err(), "{text}");
        }
    }

    #[test]
    fn the_external_id_counts_only_if_the_salesforce_id_cannot_be_read() {
        let [one, other] = ["001D000000IRFmaIAH", "001D000000IqhSLIAZ"];
        let read = |salesforce_id, external_id| {
            AccountId::of_organization(salesforce_id, external_id).map(|id| id.to_string())
        };
        assert_eq!(read(Some(one), Some(other)).as_deref(), Some(one));
        assert_eq!(read(Some("no id"), Some(other)).as_deref(), Some(other));
        assert_eq!(read(None, Some(other)).as_deref(), Some(other));
        assert_eq!(read(None, Some("crm-17")), None);
        let invoice = "202311150000123";
        assert_eq!(read(Some(invoice), Some(invoice)), None);
        assert_eq!(read(Some(invoice), Some(other)).as_deref(), Some(other));
        assert_eq!(read(Some(&one[..15]), None).as_deref(), Some(one));
        assert_eq!(read(None, Some(&one[..15])).as_deref(), Some(one));
        assert_eq!(read(None, None), None);
    }

    #[test]
    fn the_id_of_another_object_is_no_accounts_in_either_length() {
        let opportunity = AccountId::parse("0064M00001sDiGE").unwrap();
        let partner = Some("001D000000IRFmaIAH");
        let folded = opportunity.as_str().to_lowercase();
        for text in [opportunity.as_str(), opportunity.short(), &folded] {
            assert_eq!(AccountId::of_external_id(text), None, "{text}");
            assert_eq!(AccountId::of_organization(Some(text), None), None, "{text}");
            let by_external_id = AccountId::of_organization(Some(text), partner);
            assert_eq!(by_external_id.as_ref().map(AccountId::as_str), partner);
        }
    }

    proptest! {
        #[test]
        fn any_fifteen_characters_survive_the_way_to_eighteen_and_back(short in "[A-Za-z0-9]{15}") {
            let id = AccountId::parse(&short).unwrap();
            prop_assert_eq!(id.short(), short.as_str());
            prop_assert_eq!(AccountId::parse(id.as_str()).unwrap(), id);
        }

        #[test]
        fn an_id_folded_to_one_case_is_repaired(short in "[A-Za-z0-9]{15}") {
            let id = AccountId::parse(&short).unwrap();
            let lower = id.as_str().to_lowercase();
            let upper = id.as_str().to_uppercase();
            prop_assert_eq!(AccountId::parse_or_repair(&lower), Ok(id.clone()));
            prop_assert_eq!(AccountId::parse_or_repair(&upper), Ok(id));
        }

        #[test]
        fn what_is_repaired_differs_from_the_text_in_case_alone(
            text in "[A-Z2-9]{15}[A-Z0-5]{3}|[a-z2-9]{15}[a-z0-5]{3}",
        ) {
            if let Ok(id) = AccountId::parse_or_repair(&text) {
                prop_assert!(id.as_str().eq_ignore_ascii_case(&text));
                prop_assert_eq!(AccountId::parse(id.as_str()), Ok(id));
            }
        }

        #[test]
        fn no_text_makes_it_panic(text in "\\PC*") {
            let _ = AccountId::parse(&text);
            let _ = AccountId::parse_or_repair(&text);
        }
    }
}
