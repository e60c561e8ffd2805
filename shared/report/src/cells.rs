//! Cells of the report's tables: text, and ids that lead to their record.

use std::borrow::Cow;

use serde::{Serialize, Serializer};

use domain::mask::without_addresses;
use domain::model::AccountId;

/// The most characters of a text that are shown; the documents have all of it.
const SHOWN_CHARACTERS: usize = 250;

/// A cell. In JSON it is its text.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Cell(Vec<Part>);

/// A piece of a cell. Text is raw, except for masked e-mail addresses; the renderers escape it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Part {
    /// Words and numbers.
    Text(String),
    /// An organization of the target.
    Organization(u64),
    /// An account, and its id as it was written.
    Account(AccountId, String),
    Run(String),
    /// What follows begins a new line.
    Break,
}

impl Cell {
    pub(super) fn organization(id: u64) -> Self {
        Self(vec![Part::Organization(id)])
    }

    pub(super) fn account(id: &AccountId) -> Self {
        Self(vec![Part::Account(id.clone(), id.to_string())])
    }

    /// A Salesforce id as Zendesk has it, which need not be one.
    pub(super) fn salesforce_id(text: Option<&str>) -> Self {
        let Some(text) = text else {
            return Self::default();
        };
        match AccountId::parse(text) {
            Ok(id) => Self(vec![Part::Account(id, text.trim().to_owned())]),
            Err(_) => Self::from(text),
        }
    }

    pub(super) fn run(run_id: &str) -> Self {
        Self(vec![Part::Run(run_id.to_owned())])
    }

    /// Words of ours that stand nowhere else, however long.
    pub(super) fn whole(words: String) -> Self {
        Self(vec![Part::Text(words)])
    }

    /// A sentence of ours: the ids in it lead to their records.
    pub(super) fn sentence(text: &str) -> Self {
        let text = shown(text);
        let mut cell = Self::default();
        let mut before = "";
        for word in text.split_inclusive(' ') {
            let bare = word.trim_end_matches([' ', ',', ';', '.', ')']);
            let is_account = bare.len() == 18;
            let account = AccountId::parse(bare).ok().filter(|_| is_account);
            let organization = bare.parse().ok().filter(|_| before == "organization");
            let id = match (account, organization) {
                (Some(account), _) => Some(Part::Account(account, bare.to_owned())),
                (None, Some(id)) => Some(Part::Organization(id)),
                (None, None) => None,
            };
            let rest = match id {
                Some(id) => {
                    cell.0.push(id);
                    word.strip_prefix(bare).unwrap_or_default()
                }
                None => word,
            };
            cell.push_text(rest);
            before = bare;
        }
        cell
    }

    fn push_text(&mut self, text: &str) {
        match self.0.last_mut() {
            Some(Part::Text(last)) => last.push_str(text),
            _ if text.is_empty() => {}
            _ => self.0.push(Part::Text(text.to_owned())),
        }
    }

    /// Each on a line of its own.
    pub(super) fn lines(cells: impl IntoIterator<Item = Self>) -> Self {
        let mut lines = Self::default();
        for Self(parts) in cells {
            if !lines.0.is_empty() {
                lines.0.push(Part::Break);
            }
            lines.0.extend(parts);
        }
        lines
    }

    pub(super) fn and(mut self, more: impl Into<Self>) -> Self {
        let Self(parts) = more.into();
        self.0.extend(parts);
        self
    }

    pub(super) fn parts(&self) -> &[Part] {
        &self.0
    }

    /// All of it as text.
    pub(super) fn text(&self) -> Cow<'_, str> {
        match self.0.as_slice() {
            [part] => part.text(),
            parts => Cow::Owned(parts.iter().map(Part::text).collect()),
        }
    }
}

impl Part {
    pub(super) fn text(&self) -> Cow<'_, str> {
        match self {
            Self::Text(text) | Self::Account(_, text) | Self::Run(text) => text.into(),
            Self::Organization(id) => id.to_string().into(),
            Self::Break => "\n".into(),
        }
    }
}

impl From<&str> for Cell {
    fn from(text: &str) -> Self {
        if text.is_empty() {
            return Self::default();
        }
        Self(vec![Part::Text(shown(text))])
    }
}

impl From<String> for Cell {
    fn from(text: String) -> Self {
        Self::from(text.as_str())
    }
}

impl From<usize> for Cell {
    fn from(number: usize) -> Self {
        Self::from(number.to_string())
    }
}

impl From<u64> for Cell {
    fn from(number: u64) -> Self {
        Self::from(number.to_string())
    }
}

impl Serialize for Cell {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text())
    }
}

/// Text from outside as a report shows it: without e-mail addresses, and cut off if it is long.
fn shown(text: &str) -> String {
    let text = without_addresses(text);
    let Some((end, _)) = text.char_indices().nth(SHOWN_CHARACTERS) else {
        return text;
    };
    let beginning = text.get(..end).unwrap_or_default();
    format!("{beginning}... ({} characters)", text.chars().count())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ids_of_a_sentence_lead_to_their_records_and_its_text_stays() {
        let text = "the name of organization 4711, of account 0014M00001sDiGEQA0, goes; 42 stay";
        let cell = Cell::sentence(text);
        assert_eq!(cell.text(), text);
        let ids: Vec<_> = cell
            .parts()
            .iter()
            .filter(|part| !matches!(part, Part::Text(_)))
            .map(Part::text)
            .collect();
        assert_eq!(ids, ["4711", "0014M00001sDiGEQA0"]);
        let wrong = "account 0014M00001sDiGEQAX and 001000000000001 of organization x";
        assert_eq!(Cell::sentence(wrong), Cell::from(wrong));
    }
}
