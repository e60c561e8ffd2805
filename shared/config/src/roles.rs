//! `[roles]`: how Zendesk calls the organization fields that have a part of their own.

use domain::model::{
    ACCOUNT_TYPE, EXPIRATION_DATE, IGNORE_DELETION, Key, MARK_FOR_DELETION, SALESFORCE_ID, Spelling,
};
use toml_span::{Span, Spanned};

use crate::fields::PlacedField;
use crate::mistakes::Mistakes;
use crate::section::Section;
use crate::words::is_key;

/// Each role with Zendesk's key, and where that stands.
pub(crate) struct Roles(Vec<(Key, String, Span)>);

/// The roles that a file must give; the others may be left out.
const NEEDED: [Key; 3] = [SALESFORCE_ID, ACCOUNT_TYPE, MARK_FOR_DELETION];
const OPTIONAL: [Key; 2] = [EXPIRATION_DATE, IGNORE_DELETION];

impl Roles {
    /// Those that are right; the others are mistakes.
    pub(crate) fn read(file: &mut Section<'_>, mistakes: &mut Mistakes<'_>) -> Option<Self> {
        let mut section = file.section("roles", mistakes)?;
        let mut roles = Self(Vec::new());
        for role in NEEDED {
            let example = format!("{role} = \"{role}\"");
            let zendesk = section.text(role.name(), &example, mistakes);
            roles.add(role, zendesk, mistakes);
        }
        for role in OPTIONAL {
            let zendesk = section.optional_text(role.name(), mistakes);
            roles.add(role, zendesk, mistakes);
        }
        section.end(mistakes);
        Some(roles)
    }

    fn add(&mut self, role: Key, zendesk: Option<Spanned<String>>, mistakes: &mut Mistakes<'_>) {
        let Some(Spanned { value, span }) = zendesk else {
            return;
        };
        if !is_key(&value) {
            mistakes.at(span, format!("{value:?} is no key of a Zendesk field"));
        } else if let Some((other, ..)) = self.0.iter().find(|(_, name, _)| *name == value) {
            let what =
                format!("{value:?} is given two roles, {other} and {role}; give it one of them");
            mistakes.at(span, what);
        } else {
            self.0.push((role, value, span));
        }
    }

    /// The role of a field, by Zendesk's key.
    pub(crate) fn of(&self, zendesk: &str) -> Option<Key> {
        let found = self.0.iter().find(|(_, name, _)| name == zendesk);
        found.map(|(role, ..)| *role)
    }

    /// Zendesk's key for a role, and where it stands.
    pub(crate) fn get(&self, role: Key) -> Option<(&str, Span)> {
        let found = self.0.iter().find(|(one, ..)| *one == role);
        found.map(|(_, name, span)| (name.as_str(), *span))
    }

    /// True if a key of the documents belongs to a role that Zendesk calls otherwise.
    pub(crate) fn takes(&self, name: &str) -> bool {
        let role = self.0.iter().find(|(role, ..)| role.name() == name);
        role.is_some_and(|(_, zendesk, _)| zendesk != name)
    }

    /// How Zendesk calls every field that is read.
    pub(crate) fn spellings(&self, fields: &[PlacedField]) -> Vec<Spelling> {
        let spelt = |key: Key, zendesk: &str| {
            let zendesk = Key::of(zendesk)?;
            Some(Spelling { key, zendesk })
        };
        let mapped = fields
            .iter()
            .map(|one| (one.field.key, one.zendesk.as_str()));
        let is_mapped = |role: Key| fields.iter().any(|one| one.field.key == role);
        let others = self.0.iter().filter(|(role, ..)| !is_mapped(*role));
        let others = others.map(|(role, zendesk, _)| (*role, zendesk.as_str()));
        let all = mapped.chain(others);
        all.filter_map(|(key, zendesk)| spelt(key, zendesk))
            .collect()
    }
}
