//! Ids of 15 characters whose letters were folded to one case.
//!
//! Such an id has no checksum to repair it from: read as it is, it may be another account's. So it
//! is compared, without case, with the accounts of the run. Source: contract, section 2, compare.

use std::collections::HashMap;

use smallvec::SmallVec;

use super::account_id::{PREFIX, SHORT};
use super::{AccountId, trimmed};

/// The first 15 characters of an account id, in lower case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FoldedId([u8; SHORT]);

impl FoldedId {
    /// An account's id without case.
    pub fn of(id: &AccountId) -> Self {
        let mut short = [0; SHORT];
        for (to, from) in short.iter_mut().zip(id.short().bytes()) {
            *to = from.to_ascii_lowercase();
        }
        Self(short)
    }

    /// Reads a Salesforce id as an organization carries it; `None` unless it may have been folded:
    /// an account's id of 15 characters, with letters, all of one case.
    pub fn read(text: &str) -> Option<Self> {
        let text = trimmed(text);
        let short: [u8; SHORT] = text.as_bytes().try_into().ok()?;
        let is_id = text.starts_with(PREFIX) && short.iter().all(u8::is_ascii_alphanumeric);
        let has_lower = short.iter().any(u8::is_ascii_lowercase);
        let has_upper = short.iter().any(u8::is_ascii_uppercase);
        (is_id && has_lower != has_upper).then(|| Self(short.map(|b| b.to_ascii_lowercase())))
    }
}

/// What an id that may have been folded means among the accounts of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Meaning<'a> {
    /// The account that has it as it is, or else the only one that has it but for the case.
    Account(&'a AccountId),
    /// More than one account has it but for the case: it cannot be read.
    Several,
}

/// The accounts of a run, to be found by folded ids.
#[derive(Debug, Default)]
pub struct FoldedIds(HashMap<FoldedId, SmallVec<[AccountId; 1]>>);

impl FromIterator<AccountId> for FoldedIds {
    fn from_iter<I: IntoIterator<Item = AccountId>>(accounts: I) -> Self {
        let mut ids = Self::default();
        for account in accounts {
            let alike = ids.0.entry(FoldedId::of(&account)).or_default();
            alike.push(account);
        }
        ids
    }
}

impl FoldedIds {
    /// What an organization's Salesforce id means; `None` if it was not folded, or if no account
    /// has it: then it means what it says.
    pub fn meaning(&self, salesforce_id: &str) -> Option<Meaning<'_>> {
        // Nearly always: no organization has a folded id.
        if self.0.is_empty() {
            return None;
        }
        let alike = self.0.get(&FoldedId::read(salesforce_id)?)?;
        let exact = alike.iter().find(|id| id.short() == trimmed(salesforce_id));
        Some(match (exact, alike.as_slice()) {
            (Some(account), _) | (None, [account]) => Meaning::Account(account),
            _ => Meaning::Several,
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn id(short: &str) -> AccountId {
        AccountId::parse(short).unwrap()
    }

    fn among(accounts: &[&str]) -> FoldedIds {
        accounts.iter().map(|short| id(short)).collect()
    }

    const ONE: &str = "0014M00001sDiGE";
    /// It differs from the other one in case alone, as neighbours in Salesforce do.
    const NEIGHBOUR: &str = "0014M00001sDiGe";
    const OTHER: &str = "001D000000IRFma";

    #[test]
    fn only_fifteen_characters_of_an_account_in_one_case_count_as_folded() {
        for text in [
            "0014m00001sdige",
            "0014M00001SDIGE",
            " 0014M0000000041 ",
            "00100000000000a",
        ] {
            assert!(FoldedId::read(text).is_some(), "{text}");
        }
        for text in [
            ONE,
            "001000000000001",
            "0014m00001sdigeqa0",
            "0064m00001sdige",
            "0014m00001sdig",
            "0014m00001sdi-e",
            "0014m00001sdié",
            "",
        ] {
            assert_eq!(FoldedId::read(text), None, "{text}");
        }
    }

    #[test]
    fn a_folded_id_is_the_account_that_has_it_but_for_the_case() {
        let accounts = among(&[ONE, OTHER]);
        for text in [ONE.to_lowercase(), ONE.to_uppercase()] {
            let meaning = accounts.meaning(&text);
            assert_eq!(meaning, Some(Meaning::Account(&id(ONE))), "{text}");
        }
    }

    #[test]
    fn a_folded_id_of_no_account_and_any_other_text_mean_what_they_say() {
        let accounts = among(&[ONE]);
        for text in [OTHER.to_lowercase().as_str(), ONE, id(ONE).as_str(), ""] {
            assert_eq!(accounts.meaning(text), None, "{text}");
        }
    }

    #[test]
    fn of_two_accounts_that_differ_in_case_alone_a_folded_id_is_neither() {
        let accounts = among(&[ONE, NEIGHBOUR]);
        let folded = ONE.to_lowercase();
        assert_eq!(accounts.meaning(&folded), Some(Meaning::Several));
    }

    #[test]
    fn an_account_whose_id_is_all_in_one_case_is_found_by_it_whoever_else_is_alike() {
        let lower = "0014a00001sdige";
        let accounts = among(&["0014A00001sDiGE", lower, "0014a00001sdigE"]);
        assert_eq!(accounts.meaning(lower), Some(Meaning::Account(&id(lower))));
        assert_eq!(
            accounts.meaning(&lower.to_uppercase()),
            Some(Meaning::Several)
        );
    }

    /// Account ids with a letter.
    fn shorts() -> impl Strategy<Value = String> {
        "001[A-Za-z0-9]{11}[A-Za-z]"
    }

    proptest! {
        #[test]
        fn any_account_is_found_by_its_folded_id_among_others(
            short in shorts(),
            others in prop::collection::vec(shorts(), 0..9),
        ) {
            let account = id(&short);
            let is_alike = |other: &String| other.eq_ignore_ascii_case(&short);
            let others = others.iter().filter(|other| !is_alike(other)).map(|other| id(other));
            let accounts: FoldedIds = others.chain([account.clone()]).collect();
            for text in [short.to_lowercase(), short.to_uppercase()] {
                prop_assert_eq!(FoldedId::read(&text), Some(FoldedId::of(&account)));
                prop_assert_eq!(accounts.meaning(&text), Some(Meaning::Account(&account)));
            }
        }

        #[test]
        fn whatever_a_text_means_differs_from_it_in_case_alone(
            text in "001a{10}[ab]{2}|001A{10}[AB]{2}",
            accounts in prop::collection::vec("001[aA]{10}[abAB]{2}", 0..9),
        ) {
            let accounts: FoldedIds = accounts.iter().map(|short| id(short)).collect();
            if let Some(Meaning::Account(account)) = accounts.meaning(&text) {
                prop_assert!(account.short().eq_ignore_ascii_case(&text));
            }
        }

        #[test]
        fn no_text_makes_it_panic(text in "\\PC*") {
            let _ = FoldedId::read(&text);
            let _ = among(&[ONE]).meaning(&text);
        }
    }
}
