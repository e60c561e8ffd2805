//! Values of organization fields.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// The value of one organization field.
///
/// In JSON: `true`, `false`, a string, or `null`. Zendesk's numbers and lists are not managed here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum FieldValue {
    /// A checkbox.
    Flag(bool),
    /// Text, or the tag of a drop-down option; `None` if unset.
    Text(Option<String>),
}

/// Field key to value, in the order of the keys: the same fields are the same bytes.
pub type Fields = BTreeMap<String, FieldValue>;

impl FieldValue {
    /// An unset value.
    pub const UNSET: Self = Self::Text(None);

    /// Text from anywhere: trimmed, and unset if nothing is left.
    #[must_use]
    pub fn text(text: Option<&str>) -> Self {
        Self::Text(
            text.map(str::trim)
                .filter(|text| !text.is_empty())
                .map(str::to_owned),
        )
    }

    /// The text, trimmed; `None` if unset, blank, or no text.
    #[must_use]
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => text
                .as_deref()
                .map(str::trim)
                .filter(|text| !text.is_empty()),
            Self::Flag(_) => None,
        }
    }

    /// True for a ticked checkbox, false for everything else.
    #[must_use]
    pub fn is_true(&self) -> bool {
        *self == Self::Flag(true)
    }

    /// True if both mean the same: null, blank and absent are equal, an unset checkbox equals
    /// false, and text is compared trimmed. Source: contract, section 2, compare.
    #[must_use]
    pub fn means(&self, other: &Self) -> bool {
        self.is_true() == other.is_true() && self.as_text() == other.as_text()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &str) -> FieldValue {
        FieldValue::Text(Some(text.to_owned()))
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
}
