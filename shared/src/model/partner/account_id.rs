//! Salesforce account ids.

use std::fmt;

use serde::{Deserialize, Serialize};

/// An account id in its canonical form: 18 characters with a correct checksum. The unifying key of
/// both systems.
///
/// Source: Salesforce ids are 15 case-sensitive characters; the 3 behind them carry the case of the
/// first 15 (three groups of 5, bit `i` set if character `i` is upper case), so that case-blind
/// systems can tell them apart.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct AccountId(String);

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
        let text = text.trim();
        if !text.bytes().all(|b| b.is_ascii_alphanumeric()) {
            return Err(InvalidAccountId::Form);
        }
        let (Some(short), length) = (text.get(..15), text.len()) else {
            return Err(InvalidAccountId::Form);
        };
        let canonical = format!("{short}{}", checksum(short));
        match length {
            15 => Ok(Self(canonical)),
            18 if canonical == text => Ok(Self(canonical)),
            18 => Err(InvalidAccountId::Checksum {
                expected: checksum(short),
            }),
            _ => Err(InvalidAccountId::Form),
        }
    }

    /// The canonical 18 characters.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The first 15 characters.
    #[must_use]
    pub fn short(&self) -> &str {
        self.0.get(..15).unwrap_or(&self.0)
    }
}

fn checksum(short: &str) -> String {
    const ALPHABET: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ012345";
    let group = |five: &[u8]| {
        five.iter().rev().fold(0_usize, |bits, c| {
            bits << 1 | usize::from(c.is_ascii_uppercase())
        })
    };
    short
        .as_bytes()
        .chunks(5)
        .filter_map(|five| ALPHABET.get(group(five)))
        .map(|&b| char::from(b))
        .collect()
}

impl TryFrom<String> for AccountId {
    type Error = InvalidAccountId;
    fn try_from(text: String) -> Result<Self, InvalidAccountId> {
        Self::parse(&text)
    }
}

impl From<AccountId> for String {
    fn from(id: AccountId) -> Self {
        id.0
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

    proptest! {
        #[test]
        fn any_fifteen_characters_survive_the_way_to_eighteen_and_back(short in "[A-Za-z0-9]{15}") {
            let id = AccountId::parse(&short).unwrap();
            prop_assert_eq!(id.short(), short.as_str());
            prop_assert_eq!(AccountId::parse(id.as_str()).unwrap(), id);
        }

        #[test]
        fn no_text_makes_it_panic(text in "\\PC*") {
            let _ = AccountId::parse(&text);
        }
    }
}
