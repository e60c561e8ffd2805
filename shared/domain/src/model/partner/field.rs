//! Values of organization fields.

use std::borrow::Cow;
use std::fmt;

use compact_str::CompactString;
use serde::de::{Deserializer, Visitor};
use serde::{Deserialize, Serialize};

/// The value of one organization field.
///
/// In JSON: `true`, `false`, a string, or `null`. Zendesk's numbers and lists are not managed here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum FieldValue {
    /// A checkbox.
    Flag(bool),
    /// Text, or the tag of a drop-down option; `None` if unset. Ids, tags and most names fit into
    /// it without an allocation.
    Text(Option<CompactString>),
}

/// Text in JSON, borrowed from it where nothing in it is escaped.
#[derive(Debug, Deserialize)]
pub struct Text<'a>(#[serde(borrow)] pub Cow<'a, str>);

/// The text without white space around it. Nearly all texts have none, so that is looked at first:
/// a run does this a million times.
pub fn trimmed(text: &str) -> &str {
    let is_shown = |b: Option<&u8>| b.is_some_and(u8::is_ascii_graphic);
    let bytes = text.as_bytes();
    if is_shown(bytes.first()) && is_shown(bytes.last()) {
        return text;
    }
    text.trim()
}

impl FieldValue {
    pub const UNSET: Self = Self::Text(None);

    /// Text from anywhere: trimmed, and unset if nothing is left.
    pub fn text(text: Option<&str>) -> Self {
        Self::Text(
            text.map(trimmed)
                .filter(|text| !text.is_empty())
                .map(CompactString::from),
        )
    }

    /// The text, trimmed; `None` if unset, blank, or no text.
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => text.as_deref().map(trimmed).filter(|text| !text.is_empty()),
            Self::Flag(_) => None,
        }
    }

    /// True for a ticked checkbox, false for everything else.
    pub fn is_true(&self) -> bool {
        *self == Self::Flag(true)
    }

    /// True if both mean the same: null, blank and absent are equal, an unset checkbox equals
    /// false, and text is compared trimmed. Source: contract, section 2, compare.
    pub fn means(&self, other: &Self) -> bool {
        self.is_true() == other.is_true() && self.as_text() == other.as_text()
    }
}

/// Read by hand: serde's own way for untagged values buffers each of them.
impl<'de> Deserialize<'de> for FieldValue {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Value)
    }
}

struct Value;

impl Visitor<'_> for Value {
    type Value = FieldValue;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("true, false, a string, or null")
    }

    fn visit_bool<E>(self, flag: bool) -> Result<FieldValue, E> {
        Ok(FieldValue::Flag(flag))
    }

    fn visit_str<E>(self, text: &str) -> Result<FieldValue, E> {
        Ok(FieldValue::Text(Some(text.into())))
    }

    fn visit_unit<E>(self) -> Result<FieldValue, E> {
        Ok(FieldValue::UNSET)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &str) -> FieldValue {
        FieldValue::Text(Some(text.into()))
    }

    #[test]
    fn a_value_in_json_is_a_checkbox_a_text_or_null_and_nothing_else() {
        let read = serde_json::from_str::<FieldValue>;
        for (json, value) in [
            ("true", FieldValue::Flag(true)),
            (r#""Ad\u0061""#, text("Ada")),
            ("null", FieldValue::UNSET),
        ] {
            assert_eq!(read(json).unwrap(), value);
        }
        for other in ["3", "[]", "{}"] {
            assert!(read(other).is_err(), "{other}");
        }
    }

    #[test]
    fn null_blank_and_an_unset_checkbox_mean_the_same() {
        for other in [
            FieldValue::UNSET,
            text(""),
            text("  "),
            FieldValue::Flag(false),
        ] {
            assert!(FieldValue::UNSET.means(&other), "{other:?}");
            assert!(other.means(&FieldValue::UNSET), "{other:?}");
        }
        assert!(text(" Ada ").means(&text("Ada")));
        assert!(!text("Ada").means(&text("ada")));
        assert!(!FieldValue::Flag(true).means(&FieldValue::UNSET));
        assert!(!FieldValue::Flag(true).means(&text("true")));
    }

    proptest::proptest! {
        #[test]
        fn trimming_is_what_the_standard_library_does(text in "\\PC*|[ \\x00-\\x7f\u{a0}]*") {
            proptest::prop_assert_eq!(trimmed(&text), text.trim());
        }
    }
}
