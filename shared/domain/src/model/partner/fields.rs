//! The organization fields of a record, by the places of their keys.

use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

use serde::de::{Deserialize, Deserializer, Error, IgnoredAny, MapAccess, Visitor};
use serde::{Serialize, Serializer};

use super::{FieldValue, Key, Text};

/// So many values need no memory of their own: those of the file that comes with the product.
const USUAL: usize = 12;

/// Values of organization fields. A key without a value is absent, which is not the same as unset.
///
/// A small array instead of a map of strings: a run holds a million of them. In JSON it is an
/// object in the order of the keys, so the same fields are the same bytes.
#[derive(Debug, Clone)]
pub struct Fields<V = FieldValue> {
    usual: [Option<V>; USUAL],
    /// The places after those.
    more: Vec<Option<V>>,
}

impl<V> Fields<V> {
    /// The value under a key; `None` if it is absent.
    pub fn get(&self, key: Key) -> Option<&V> {
        let place = key.place();
        let found = match place.checked_sub(USUAL) {
            None => self.usual.get(place),
            Some(place) => self.more.get(place),
        };
        found?.as_ref()
    }

    /// The value under the key of this name; `None` if it is absent.
    pub fn named(&self, name: &str) -> Option<&V> {
        self.get(Key::known(name)?)
    }

    pub fn set(&mut self, key: Key, value: V) {
        let place = key.place();
        let slot = match place.checked_sub(USUAL) {
            None => self.usual.get_mut(place),
            Some(place) => {
                if self.more.len() <= place {
                    self.more.resize_with(place + 1, || None);
                }
                self.more.get_mut(place)
            }
        };
        if let Some(slot) = slot {
            *slot = Some(value);
        }
    }

    /// The keys that are there, sorted, with their values.
    pub fn iter(&self) -> impl Iterator<Item = (Key, &V)> {
        let keys = Key::all();
        let all = (0..keys.len()).filter_map(move |place| keys.get(place).copied());
        all.filter_map(|key| Some((key, self.get(key)?)))
    }
}

impl<V> Default for Fields<V> {
    fn default() -> Self {
        Self {
            usual: [const { None }; USUAL],
            more: Vec::new(),
        }
    }
}

/// By their values: empty places do not count.
impl<V: PartialEq> PartialEq for Fields<V> {
    fn eq(&self, other: &Self) -> bool {
        self.iter().eq(other.iter())
    }
}

impl<V: Eq> Eq for Fields<V> {}

impl<V> FromIterator<(Key, V)> for Fields<V> {
    fn from_iter<I: IntoIterator<Item = (Key, V)>>(values: I) -> Self {
        let mut fields = Self::default();
        for (key, value) in values {
            fields.set(key, value);
        }
        fields
    }
}

/// For tests and documents, whose keys are names. A name too many is left out.
impl<'a, V> FromIterator<(&'a str, V)> for Fields<V> {
    fn from_iter<I: IntoIterator<Item = (&'a str, V)>>(values: I) -> Self {
        let mut fields = Self::default();
        for (name, value) in values {
            if let Some(key) = Key::of(name) {
                fields.set(key, value);
            }
        }
        fields
    }
}

impl<V: Serialize> Serialize for Fields<V> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.iter().map(|(key, value)| (key.name(), value)))
    }
}

/// For the documents of this code, which name nothing but fields of some file.
impl<'de, V: Deserialize<'de>> Deserialize<'de> for Fields<V> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Reader {
            values: PhantomData,
            skips: false,
        })
    }
}

/// Reads what somebody else wrote. Null means no fields, and a key that nobody has named before is
/// skipped.
///
/// # Errors
/// If a value is not of the shape that `V` has.
pub fn known_fields<'de, D: Deserializer<'de>, V: Deserialize<'de>>(
    deserializer: D,
) -> Result<Fields<V>, D::Error> {
    deserializer.deserialize_any(Reader {
        values: PhantomData,
        skips: true,
    })
}

/// Reads the values of an object.
struct Reader<V> {
    values: PhantomData<V>,
    /// Whether a key that is not known is skipped.
    skips: bool,
}

impl<'de, V: Deserialize<'de>> Visitor<'de> for Reader<V> {
    type Value = Fields<V>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("organization fields by their keys")
    }

    fn visit_unit<E>(self) -> Result<Fields<V>, E> {
        Ok(Fields::default())
    }

    fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Fields<V>, M::Error> {
        let mut fields = Fields::default();
        let mut keys = InOrder::default();
        while let Some(Text(name)) = map.next_key()? {
            match keys.find(&name) {
                Some(key) => fields.set(key, map.next_value()?),
                None if self.skips => {
                    map.next_value::<IgnoredAny>()?;
                }
                None => fields.set(named(&name)?, map.next_value()?),
            }
        }
        Ok(fields)
    }
}

fn named<E: Error>(name: &str) -> Result<Key, E> {
    Key::of(name).ok_or_else(|| E::custom("too many organization fields"))
}

/// Finds keys by their names. In the documents of this code they come in order, so each is looked
/// for first where it is expected.
pub(super) struct InOrder {
    keys: Arc<[Key]>,
    next: usize,
}

impl Default for InOrder {
    fn default() -> Self {
        let keys = Key::all();
        Self { keys, next: 0 }
    }
}

impl InOrder {
    pub(super) fn find(&mut self, name: &str) -> Option<Key> {
        let has_it = |key: &Key| key.name() == name;
        let behind = self.keys.iter().skip(self.next).position(has_it);
        let place = match behind {
            Some(further) => self.next + further,
            None => self.keys.iter().position(has_it)?,
        };
        self.next = place + 1;
        self.keys.get(place).copied()
    }

    /// As [`InOrder::find`]; a name that nobody has named before becomes a key.
    pub(super) fn find_or_name<E: Error>(&mut self, name: &str) -> Result<Key, E> {
        self.find(name).map_or_else(|| named(name), Ok)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(json: &str) -> Fields {
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn fields_are_written_in_the_order_of_their_keys_and_read_again() {
        let fields: Fields = [
            ("support_hold", FieldValue::Flag(true)),
            ("account_owner", FieldValue::UNSET),
            ("mark_for_deletion", FieldValue::Flag(false)),
        ]
        .into_iter()
        .collect();
        let json = serde_json::to_string(&fields).unwrap();
        let wanted = r#"{"account_owner":null,"mark_for_deletion":false,"support_hold":true}"#;
        assert_eq!(json, wanted);
        assert_eq!(serde_json::from_str::<Fields>(&json).unwrap(), fields);
    }

    #[test]
    fn absent_is_not_unset() {
        let fields = fields(r#"{"account_owner": null}"#);
        assert_eq!(fields.named("account_owner"), Some(&FieldValue::UNSET));
        assert_eq!(fields.named("support_hold"), None);
        assert_eq!(fields.named("never named"), None);
        assert_ne!(fields, Fields::default());
    }

    #[test]
    fn fields_are_equal_whatever_other_keys_there_are() {
        let one = fields(r#"{"account_owner": "Ada"}"#);
        let mut other = fields(r#"{"zone": "Ada", "account_owner": "Ada"}"#);
        assert_ne!(one, other);
        assert_ne!(other, one);
        other = fields(r#"{"account_owner": "Ada"}"#);
        assert_eq!(one, other);
    }

    #[test]
    fn a_key_that_nobody_named_is_skipped_in_what_others_wrote_and_kept_in_our_own() {
        let json = r#"{"sales_notes": [1, {"a": "b"}], "mark_for_deletion": true}"#;
        let mut reader = serde_json::Deserializer::from_str(json);
        let known: Fields = known_fields(&mut reader).unwrap();
        assert_eq!(known.iter().count(), 1);
        let none: Fields = known_fields(&mut serde_json::Deserializer::from_str("null")).unwrap();
        assert_eq!(none, Fields::default());
        let own = fields(r#"{"named_by_a_document": "x"}"#);
        assert_eq!(own.iter().count(), 1);
    }
}
