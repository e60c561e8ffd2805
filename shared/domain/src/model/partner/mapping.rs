//! The mapping: who is a partner, and which values of an account its organization carries.
//!
//! It is what the file `sync.toml` says, read and checked by the crate `config`. The query, the
//! schema checks, the comparison and every document follow from it. A plan holds it, so that sync
//! reads no TOML.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::{ACCOUNT_TYPE, AccountId, Filter, Key};
use crate::model::{PurgeTime, sha256};

/// How a value is made from its Salesforce fields.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rule {
    /// The 18 characters of the account's id.
    Id18,
    /// The first 15 characters of the account's id.
    Id15,
    /// Text, trimmed; unset if null or blank.
    Text,
    /// Text of the record that a lookup leads to. The Salesforce field with the lookup's id tells
    /// an empty lookup from one whose record the app's user may not see.
    LookedUp { id: String },
    /// A checkbox, as it is.
    Checkbox,
    /// Ticked if the text is this one. Salesforce compares without regard to case.
    Equals(String),
    /// The tag beside the text; unset if the table has no such text. An account that is named as a
    /// partner gets its type by its name.
    Table(Vec<Choice>),
}

/// A row of a rule's table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Choice {
    /// In Salesforce, compared without regard to case.
    pub text: String,
    /// In Zendesk, a tag.
    pub tag: String,
}

/// A field of the organization that an account decides about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Field {
    pub key: Key,
    /// The Salesforce field, dotted for a lookup.
    pub source: String,
    /// How the one becomes the other.
    pub rule: Rule,
}

impl Field {
    /// The Salesforce field with the id of the lookup that this field follows.
    pub fn lookup_id(&self) -> Option<&str> {
        match &self.rule {
            Rule::LookedUp { id } => Some(id),
            _ => None,
        }
    }
}

/// A key of the documents, and how Zendesk calls it. They differ only where a field has a role, and
/// Zendesk's name for it is another one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Spelling {
    pub key: Key,
    /// Zendesk's key.
    pub zendesk: Key,
}

/// An account that is a partner's because the file names it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Named {
    pub account: AccountId,
    /// The tag of its type.
    pub tag: String,
}

/// A Zendesk instance that is read.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Site {
    pub name: String,
    /// Whether a run goes on if there is no secret for it.
    pub optional: bool,
}

/// What is synced: one file of its operators. The default knows nothing: a run whose file cannot be
/// read is reported with it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Mapping {
    /// The file itself: each run keeps it beside its plan. Not in documents.
    #[serde(skip)]
    pub text: String,
    /// `sha256:` and the digest of the file.
    pub digest: String,
    /// The Salesforce object, such as `Account`.
    pub object: String,
    /// The Salesforce field with the 18 characters of a record's id.
    pub id: String,
    /// The Salesforce field with a record's name, which the organization bears.
    pub name: String,
    pub filter: Filter,
    /// Partners whatever the filter says, in the order of the file.
    pub named: Vec<Named>,
    /// Tags of the organization's type that mean a partner.
    pub partner_types: Vec<String>,
    /// The managed fields, in the order of the query. The organization's name is managed beside
    /// them.
    pub fields: Vec<Field>,
    /// How Zendesk calls every field that is read: the managed ones, and those with a role.
    pub spellings: Vec<Spelling>,
    /// When what is marked is deleted; `None` if the file does not say.
    pub purge: Option<PurgeTime>,
    /// The instance that is written to.
    pub target: Site,
    /// Instances that are only read.
    pub others: Vec<Site>,
}

/// The digest of a file's text, `sha256:...`.
pub fn file_digest(text: &str) -> String {
    format!("sha256:{}", sha256(text.as_bytes()))
}

impl Mapping {
    /// Every Salesforce field that the query selects, once; the ids of lookups come last.
    /// Salesforce sends each of them in every record, null where it is empty.
    pub fn columns(&self) -> Vec<&str> {
        let mapped = self.fields.iter().map(|field| field.source.as_str());
        let filtered = self.filter.columns();
        let ids = self.fields.iter().filter_map(Field::lookup_id);
        let mut columns = Vec::new();
        for column in [&*self.id, &*self.name]
            .into_iter()
            .chain(mapped)
            .chain(filtered)
            .chain(ids)
        {
            if !columns.contains(&column) {
                columns.push(column);
            }
        }
        columns
    }

    /// The Salesforce field that a value of an organization comes from: of its `name`, or of an
    /// organization field; `None` if Salesforce has no say in it.
    pub fn source(&self, field: &str) -> Option<&str> {
        if field == "name" {
            return Some(&self.name);
        }
        let mapped = self.fields.iter().find(|row| row.key.name() == field);
        mapped.map(|row| row.source.as_str())
    }

    /// The managed field with the partner's type.
    pub fn type_field(&self) -> Option<&Field> {
        self.fields.iter().find(|field| field.key == ACCOUNT_TYPE)
    }

    /// The texts in Salesforce that give a type, in the order of the file.
    pub fn type_texts(&self) -> Vec<&str> {
        match self.type_field().map(|field| &field.rule) {
            Some(Rule::Table(choices)) => choices.iter().map(|one| one.text.as_str()).collect(),
            _ => Vec::new(),
        }
    }

    /// True for the tag of a partner's type.
    pub fn is_partner_type(&self, tag: &str) -> bool {
        self.partner_types.iter().any(|one| one == tag.trim())
    }

    /// The tag of an account's type, if the file names the account.
    pub fn named_type(&self, account: &AccountId) -> Option<&str> {
        let named = self.named.iter().find(|named| named.account == *account);
        named.map(|named| named.tag.as_str())
    }

    /// The accounts that the file names.
    pub fn named_accounts(&self) -> BTreeSet<AccountId> {
        let accounts = self.named.iter().map(|named| named.account.clone());
        accounts.collect()
    }

    /// Zendesk's key for a key of the documents; `None` if the file has no such field.
    pub fn zendesk_key(&self, key: Key) -> Option<Key> {
        let spelling = self.spellings.iter().find(|one| one.key == key);
        spelling.map(|one| one.zendesk)
    }

    /// Zendesk's name of a field, for people; `name` stays what it is.
    pub fn shown<'a>(&self, field: &'a str) -> &'a str {
        let zendesk = Key::known(field).and_then(|key| self.zendesk_key(key));
        match zendesk {
            Some(zendesk) => zendesk.name(),
            None => field,
        }
    }

    /// Every instance, the target first.
    pub fn sites(&self) -> impl Iterator<Item = &Site> {
        std::iter::once(&self.target).chain(&self.others)
    }
}
