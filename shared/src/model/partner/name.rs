//! When two names are one name.

use std::borrow::Cow;

use icu_casemap::CaseMapper;
use icu_normalizer::ComposingNormalizer;

/// The key under which Zendesk may see two names as one: trimmed, NFC, case-folded.
///
/// Zendesk's own folding is not documented, so this errs on the side of a clash, which a person
/// resolves.
#[must_use]
pub fn name_key(name: &str) -> String {
    let nfc = ComposingNormalizer::new_nfc();
    let composed = nfc.normalize(name.trim());
    let folded: Cow<'_, str> = CaseMapper::new().fold_string(&composed);
    nfc.normalize(&folded).into_owned()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn case_composition_and_white_space_do_not_make_another_name() {
        assert_eq!(name_key("  ACME GmbH "), name_key("acme gmbh"));
        assert_eq!(name_key("Caf\u{e9}"), name_key("CAFE\u{301}"));
        assert_eq!(name_key("STRASSE"), name_key("Straße"));
        assert_ne!(name_key("Acme"), name_key("Acme 2"));
    }

    proptest! {
        #[test]
        fn a_key_is_its_own_key(name in "\\PC*") {
            prop_assert_eq!(name_key(&name_key(&name)), name_key(&name));
        }
    }
}
