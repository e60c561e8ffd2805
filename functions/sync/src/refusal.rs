//! What a refusal names: the values that the record is sent without once more.
//!
//! Zendesk takes a record whole or not at all, so one value that it does not like would keep all
//! others from being written. Source: contract, section 2, sync, 4.

use domain::model::Mapping;
use domain::plan::NAME;
use serde::{Deserialize, Serialize};

/// A record that was refused for some of its values.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refusal {
    /// `name`, or the keys of organization fields. What is sent once more is without them.
    pub left_out: Vec<String>,
    /// Zendesk's words.
    pub words: String,
}

impl Refusal {
    /// What Zendesk's words say of a record with these values: the ones they name by Zendesk's key
    /// or title, else its name.
    /// `None` if that leaves nothing to send, or nothing to leave out.
    pub fn of(words: &str, sent: &[&str], mapping: &Mapping) -> Option<Self> {
        let text = plain(words);
        let named = |is_named: fn(&str, &str) -> bool| -> Vec<String> {
            let fields = sent
                .iter()
                .filter(|field| is_named(&text, mapping.shown(field)));
            fields.map(|field| (*field).to_owned()).collect()
        };
        let fallbacks = [is_the_label, is_in_the_words, is_the_name];
        let left_out = fallbacks
            .map(named)
            .into_iter()
            .find(|all| !all.is_empty())?;
        (left_out.len() < sent.len()).then(|| Self {
            left_out,
            words: words.to_owned(),
        })
    }

    /// True if the value is left out.
    pub fn leaves_out(&self, field: &str) -> bool {
        self.left_out.iter().any(|one| one == field)
    }

    /// The words of a record that was refused without these values, too.
    pub fn and_then(&self, words: &str) -> String {
        let fields = self.left_out.join(", ");
        format!("{}; sent once more without {fields}: {words}", self.words)
    }
}

/// Zendesk writes a field as its key or as its title: both look the same then.
fn plain(text: &str) -> String {
    let words = text.split(|c: char| c.is_whitespace() || c == '_');
    let words = words.filter(|word| !word.is_empty());
    words.collect::<Vec<_>>().join(" ").to_lowercase()
}

/// True for the field that stands before a colon, as in `Account owner: is invalid`.
fn is_the_label(text: &str, field: &str) -> bool {
    has_word(text, &format!("{}:", plain(field)))
}

fn is_in_the_words(text: &str, field: &str) -> bool {
    field != NAME && has_word(text, &plain(field))
}

fn is_the_name(_: &str, field: &str) -> bool {
    field == NAME
}

/// True if the words stand in the text, and are no part of longer ones.
fn has_word(text: &str, words: &str) -> bool {
    let is_part = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
    text.match_indices(words).any(|(at, found)| {
        let (before, from) = text.split_at(at);
        let behind = from.strip_prefix(found).unwrap_or_default();
        let ends = found.ends_with(':') || !is_part(behind.chars().next());
        !is_part(before.chars().next_back()) && ends
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(words: &str, sent: &[&str]) -> Option<Refusal> {
        Refusal::of(words, sent, &Mapping::default())
    }

    const SENT: [&str; 4] = ["name", "account_owner", "support_hold", "salesforce_id"];

    fn left_out(words: &str, sent: &[&str]) -> Vec<String> {
        refusal(words, sent).map_or_else(Vec::new, |refusal| refusal.left_out)
    }

    #[test]
    fn the_field_that_the_words_name_is_left_out_by_its_key_or_its_title() {
        for (words, named) in [
            ("Name:  Acme has already been taken", "name"),
            ("RecordInvalid: Account Owner: is invalid", "account_owner"),
            ("account_owner: is not a valid value", "account_owner"),
            (
                "The value of support_hold must be a checkbox",
                "support_hold",
            ),
            ("Name: Support Hold Ltd has already been taken", "name"),
            ("Salesforce ID: is invalid", "salesforce_id"),
        ] {
            assert_eq!(left_out(words, &SENT), [named], "{words}");
        }
        let both = "Name: Acme has already been taken: Account owner: is invalid";
        assert_eq!(left_out(both, &SENT), ["name", "account_owner"]);
    }

    #[test]
    fn words_that_name_no_field_leave_out_the_name_and_nothing_else() {
        for words in [
            "",
            "OrganizationUpdateFailed",
            "the surname is bad",
            "Rename: no",
        ] {
            assert_eq!(left_out(words, &SENT), ["name"], "{words}");
            assert_eq!(left_out(words, &SENT[1..]), [""; 0], "{words}");
        }
    }

    #[test]
    fn a_record_of_which_nothing_would_be_left_is_not_sent_again() {
        assert_eq!(refusal("Name: is too long", &["name"]), None);
        assert_eq!(refusal("Account owner: no", &["account_owner"]), None);
    }
}
