//! When two names count as the same name.

use compact_str::CompactString;
use icu_casemap::CaseMapper;
use icu_normalizer::ComposingNormalizer;

/// The key under which Zendesk may see two names as the same: trimmed, NFC, case-folded.
///
/// Zendesk's own folding is not documented, so this errs on the side of a clash, which a person
/// resolves.
pub fn name_key(name: &str) -> CompactString {
    let name = name.trim();
    // Nearly all names are ASCII, and there only the case can differ.
    if name.is_ascii() {
        return CompactString::from(name).to_ascii_lowercase();
    }
    key_of_any(name)
}

/// True if two names count as the same. Names that are the same text need no key.
pub fn is_one_name(one: &str, other: &str) -> bool {
    one == other || name_key(one) == name_key(other)
}

fn key_of_any(name: &str) -> CompactString {
    let nfc = ComposingNormalizer::new_nfc();
    let composed = nfc.normalize(name.trim());
    let folded = CaseMapper::new().fold_string(&composed);
    nfc.normalize(&folded).as_ref().into()
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

        #[test]
        fn the_short_way_for_ascii_gives_the_same_key(name in "[\\x00-\\x7f]*") {
            prop_assert_eq!(name_key(&name), key_of_any(&name));
        }
    }
}
