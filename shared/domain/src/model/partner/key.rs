//! The keys of organization fields, each with a place of its own.

use std::fmt;
use std::sync::{Arc, LazyLock, PoisonError, RwLock};

use serde::de::{Deserialize, Deserializer, Error as _};
use serde::ser::{Serialize, Serializer};

use super::Text;

/// The key of an organization field: its name in every document, and the place of its value in
/// [`Fields`](super::Fields).
///
/// A place is given once and for the whole process, and means nothing outside of it. So a record's
/// values are in a small array, whatever file said which fields there are.
#[derive(Clone, Copy)]
pub struct Key {
    name: &'static str,
    place: usize,
}

/// The unifying key: it names the account. Here and in every document these fields are called by
/// their role; the file `sync.toml` says how Zendesk calls them.
pub const SALESFORCE_ID: Key = role(0, "salesforce_id");
/// The drop-down that makes an organization a partner's.
pub const ACCOUNT_TYPE: Key = role(1, "account_type");
/// The checkbox that leads to deletion by the next purge.
pub const MARK_FOR_DELETION: Key = role(2, "mark_for_deletion");
/// The checkbox that keeps an organization from the purge; not every instance has it.
pub const IGNORE_DELETION: Key = role(3, "ignore_deletion");
/// Text, `YYYY-MM-DD`: the end of the last subscription.
pub const EXPIRATION_DATE: Key = role(4, "expiration_date");

/// The keys with a role, by their places.
pub const ROLES: [Key; 5] = [
    SALESFORCE_ID,
    ACCOUNT_TYPE,
    MARK_FOR_DELETION,
    IGNORE_DELETION,
    EXPIRATION_DATE,
];

const fn role(place: usize, name: &'static str) -> Key {
    Key { name, place }
}

/// More keys than any file has. Names are never forgotten, so their number is limited.
const MOST_KEYS: usize = 1_000;

/// Every key there is, sorted by name.
static KEYS: LazyLock<RwLock<Arc<[Key]>>> = LazyLock::new(|| RwLock::new(sorted(ROLES.to_vec())));

fn sorted(mut keys: Vec<Key>) -> Arc<[Key]> {
    keys.sort_unstable_by_key(|key| key.name);
    keys.into()
}

impl Key {
    /// The key of this name; `None` if there are too many others.
    pub fn of(name: &str) -> Option<Self> {
        if let Some(key) = Self::known(name) {
            return Some(key);
        }
        let mut keys = KEYS.write().unwrap_or_else(PoisonError::into_inner);
        // Somebody may have been faster.
        if let Some(key) = find(&keys, name) {
            return Some(key);
        }
        let place = keys.len();
        if place >= MOST_KEYS {
            return None;
        }
        let name: &'static str = Box::leak(name.into());
        let key = Self { name, place };
        let mut all = keys.to_vec();
        all.push(key);
        *keys = sorted(all);
        Some(key)
    }

    /// The key of this name, if there is one.
    pub fn known(name: &str) -> Option<Self> {
        find(&Self::all(), name)
    }

    /// Every key there is, sorted by name.
    pub(super) fn all() -> Arc<[Self]> {
        let keys = KEYS.read().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(&keys)
    }

    pub fn name(self) -> &'static str {
        self.name
    }

    pub(super) fn place(self) -> usize {
        self.place
    }
}

fn find(keys: &[Key], name: &str) -> Option<Key> {
    let place = keys.binary_search_by_key(&name, |key| key.name).ok()?;
    keys.get(place).copied()
}

impl Serialize for Key {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name)
    }
}

impl<'de> Deserialize<'de> for Key {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Text(name) = Text::deserialize(deserializer)?;
        Self::of(&name).ok_or_else(|| D::Error::custom("too many organization fields"))
    }
}

impl PartialEq for Key {
    fn eq(&self, other: &Self) -> bool {
        self.place == other.place
    }
}

impl Eq for Key {}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_has_one_place_and_a_place_one_name() {
        for (place, role) in ROLES.into_iter().enumerate() {
            assert_eq!(role.place, place);
            assert_eq!(Key::of(role.name), Some(role));
        }
        let seats = Key::of("seats").unwrap();
        assert_eq!(Key::of("seats"), Some(seats));
        assert_ne!(Key::of("region"), Some(seats));
        assert_eq!(Key::known("never named"), None);
        let all = Key::all();
        assert!(all.iter().map(|key| key.name).is_sorted());
        let mut places: Vec<_> = all.iter().map(|key| key.place).collect();
        places.sort_unstable();
        places.dedup();
        assert_eq!(places.len(), all.len());
    }
}
