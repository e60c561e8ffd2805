//! The organization fields of a record, by their place among the known keys.

use std::fmt;
use std::marker::PhantomData;
use std::sync::LazyLock;

use serde::de::{Deserialize, Deserializer, Error as _, IgnoredAny, MapAccess, Visitor};
use serde::{Serialize, Serializer};

use super::mapping::FIELDS;
use super::{EXPIRATION_DATE, FieldValue, IGNORE_DELETION, MARK_FOR_DELETION, Text};

/// Keys that are known besides those of the mapping table.
const OTHERS: [&str; 3] = [MARK_FOR_DELETION, EXPIRATION_DATE, IGNORE_DELETION];
const COUNT: usize = FIELDS.len() + OTHERS.len();

/// Every known key, sorted: the place of a key here is the place of its value.
static KEYS: LazyLock<Vec<&str>> = LazyLock::new(|| {
    let mut keys: Vec<_> = FIELDS.iter().map(|field| field.key).collect();
    keys.extend(OTHERS);
    keys.sort_unstable();
    keys
});

/// Values of the known organization fields: those of the mapping table, the mark, and the
/// expiration date. A key without a value is absent, which is not the same as unset.
///
/// A small array instead of a map of strings: a run holds a million of them. In JSON it is an
/// object in the order of the keys, so the same fields are the same bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fields<V = FieldValue>([Option<V>; COUNT]);

impl<V> Fields<V> {
    /// The value under a key; `None` if it is absent, or not known.
    pub fn get(&self, key: &str) -> Option<&V> {
        self.0.get(place(key)?)?.as_ref()
    }

    /// Sets the value under a key; one that is not known is left out.
    pub fn set(&mut self, key: &str, value: V) {
        if let Some(slot) = self.slot(key) {
            *slot = Some(value);
        }
    }

    /// The keys that are there, sorted, with their values.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, &V)> {
        let keys = KEYS.iter().zip(&self.0);
        keys.filter_map(|(key, value)| Some((*key, value.as_ref()?)))
    }

    /// Reads the value of a key of this code's own documents. The keys come in order there, so each
    /// is looked for at the place where it is expected first, `next`.
    pub(super) fn read<'de, M: MapAccess<'de>>(
        &mut self,
        key: &str,
        next: &mut usize,
        map: &mut M,
    ) -> Result<(), M::Error>
    where
        V: Deserialize<'de>,
    {
        let unknown = || M::Error::custom("an organization field that is not known");
        let place = place_from(*next, key).ok_or_else(unknown)?;
        let slot = self.0.get_mut(place).ok_or_else(unknown)?;
        *slot = Some(map.next_value()?);
        *next = place + 1;
        Ok(())
    }

    /// Where the value of a key is; `None` if the key is not known.
    fn slot(&mut self, key: &str) -> Option<&mut Option<V>> {
        self.0.get_mut(place(key)?)
    }
}

fn place(key: &str) -> Option<usize> {
    KEYS.iter().position(|known| *known == key)
}

/// The place of a key, looked for from this one on first.
fn place_from(first: usize, key: &str) -> Option<usize> {
    let mut behind = KEYS.iter().enumerate().skip(first);
    let found = behind.find(|(_, known)| **known == key);
    found.map(|(place, _)| place).or_else(|| place(key))
}

impl<V> Default for Fields<V> {
    fn default() -> Self {
        Self([const { None }; COUNT])
    }
}

/// Keys that are not known are left out.
impl<'a, V> FromIterator<(&'a str, V)> for Fields<V> {
    fn from_iter<I: IntoIterator<Item = (&'a str, V)>>(values: I) -> Self {
        let mut fields = Self::default();
        for (key, value) in values {
            fields.set(key, value);
        }
        fields
    }
}

impl<V: Serialize> Serialize for Fields<V> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.iter())
    }
}

/// For the documents of this code: a key that is not known makes them unreadable.
impl<'de, V: Deserialize<'de>> Deserialize<'de> for Fields<V> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Reader {
            values: PhantomData,
            skips: false,
        })
    }
}

/// Reads what somebody else wrote. Null means no fields, and a key that is not known is skipped.
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
        let mut next = 0;
        while let Some(Text(key)) = map.next_key()? {
            if self.skips && place(&key).is_none() {
                map.next_value::<IgnoredAny>()?;
            } else {
                fields.read(&key, &mut next, &mut map)?;
            }
        }
        Ok(fields)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
        let fields: Fields = [("account_owner", FieldValue::UNSET)].into_iter().collect();
        assert_eq!(fields.get("account_owner"), Some(&FieldValue::UNSET));
        assert_eq!(fields.get("support_hold"), None);
        assert_eq!(fields.get("sales_notes"), None);
    }

    #[test]
    fn no_key_is_known_twice() {
        let fields: Fields = KEYS.iter().map(|key| (*key, FieldValue::UNSET)).collect();
        assert_eq!(fields.iter().count(), COUNT);
    }

    #[test]
    fn an_unknown_key_is_skipped_in_what_others_wrote_and_refused_in_our_own() {
        let json = r#"{"sales_notes": [1, {"a": "b"}], "account_owner": "Ada"}"#;
        let mut reader = serde_json::Deserializer::from_str(json);
        let fields: Fields = known_fields(&mut reader).unwrap();
        assert_eq!(fields.iter().count(), 1);
        assert!(serde_json::from_str::<Fields>(json).is_err());
        let none: Fields = known_fields(&mut serde_json::Deserializer::from_str("null")).unwrap();
        assert_eq!(none, Fields::default());
    }
}
