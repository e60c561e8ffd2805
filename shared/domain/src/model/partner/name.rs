//! When two names count as the same name.

use compact_str::CompactString;
use icu_casemap::CaseMapper;
use icu_normalizer::ComposingNormalizer;
use icu_properties::CodePointSetData;
use icu_properties::props::DefaultIgnorableCodePoint;

use super::trimmed;

/// The key under which Zendesk may see two names as the same: NFKC, case-folded, without the
/// characters that are never shown, and with one space for each run of white space.
///
/// Zendesk's own folding is not documented, so this errs on the side of a clash, which a person
/// resolves.
pub fn name_key(name: &str) -> CompactString {
    // Nearly all names are ASCII, and there only case and white space can differ.
    if name.is_ascii() {
        let name = trimmed(name);
        let mut key = if is_spaced(name) {
            CompactString::from(name)
        } else {
            with_single_spaces(name)
        };
        key.make_ascii_lowercase();
        return key;
    }
    key_of_any(name)
}

/// True if two names count as the same. Names that are the same text need no key.
pub fn is_one_name(one: &str, other: &str) -> bool {
    one == other || name_key(one) == name_key(other)
}

/// True if each white space of a trimmed ASCII name is a single space.
fn is_spaced(name: &str) -> bool {
    let mut before = b' ';
    name.bytes().all(|one| {
        let is_one_space = one > b' ' || (one == b' ' && before != b' ');
        before = one;
        is_one_space
    })
}

fn key_of_any(name: &str) -> CompactString {
    let nfkc = ComposingNormalizer::new_nfkc();
    let composed = nfkc.normalize(name);
    let folded = CaseMapper::new().fold_string(&composed);
    let shown = with_single_spaces(&without_hidden(&folded));
    // What was hidden between two characters kept them from being composed.
    nfkc.normalize(&shown).as_ref().into()
}

/// The text without zero-width characters, direction marks, and others that are never shown.
fn without_hidden(text: &str) -> CompactString {
    let hidden = CodePointSetData::new::<DefaultIgnorableCodePoint>();
    text.chars().filter(|one| !hidden.contains(*one)).collect()
}

/// The words of the text, with one space between them.
fn with_single_spaces(text: &str) -> CompactString {
    let mut words = text.split_whitespace();
    let mut spaced = CompactString::from(words.next().unwrap_or_default());
    for word in words {
        spaced.push(' ');
        spaced.push_str(word);
    }
    spaced
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

    #[test]
    fn what_looks_like_the_same_name_is_the_same_name() {
        let same = [
            "Office\u{a0}Fit",
            "Office\u{3000}Fit",
            "Office\u{202f}Fit",
            "Office\u{2028}Fit",
            "Office  Fit",
            "Office\tFit",
            "Office\u{b}\r\nFit",
            "\u{a0}Office \u{2003} Fit\u{a0}",
            "Ｏｆｆｉｃｅ Ｆｉｔ",
            "O\u{fb03}ce Fit",
            "Office Fi\u{200b}t",
            "Of\u{200c}fice Fi\u{200d}t",
            "Of\u{ad}fice Fit",
            "\u{200e}Office Fit\u{200f}",
            "\u{202a}Office Fit\u{202c}",
            "\u{2066}Office Fit\u{2069}",
            "\u{feff}Office Fit",
            "\u{200b} Office\u{200b} \u{200b}Fit \u{200b}",
            "Office\u{2060} Fit\u{fe0f}",
        ];
        for name in same {
            assert!(is_one_name(name, "Office Fit"), "{name:?}");
            assert_eq!(name_key(name), "office fit", "{name:?}");
        }
        let hidden_before_an_accent = "Cafe\u{200d}\u{301}";
        assert!(is_one_name(hidden_before_an_accent, "Caf\u{e9}"));
    }

    #[test]
    fn another_letter_or_accent_is_another_name() {
        for (one, other) in [
            ("Isik", "I\u{15f}\u{131}k"),
            ("sik", "s\u{131}k"),
            ("Cafe", "Caf\u{e9}"),
            ("Muller", "M\u{fc}ller"),
            ("Mueller", "M\u{fc}ller"),
            ("Office Fit", "OfficeFit"),
            ("Office Fit", "Office-Fit"),
            ("Acme", "\u{410}cme"),
        ] {
            assert!(!is_one_name(one, other), "{one} {other}");
        }
    }

    #[test]
    fn the_key_of_each_character_is_its_own_key() {
        for one in '\u{80}'..='\u{1ffff}' {
            let name = CompactString::from_iter(['a', one, 'b']);
            let key = name_key(&name);
            assert_eq!(name_key(&key), key, "U+{:04X}", u32::from(one));
        }
    }

    proptest! {
        #[test]
        fn a_key_is_its_own_key(name in "\\PC*") {
            prop_assert_eq!(name_key(&name_key(&name)), name_key(&name));
        }

        #[test]
        fn neither_white_space_nor_hidden_characters_make_another_name(
            words in prop::collection::vec("[a-zA-Z\u{c0}-\u{17f}\u{ff21}-\u{ff3a}]{1,8}", 1..4),
            space in "[ \t\u{a0}\u{2000}-\u{200a}\u{2028}\u{202f}\u{3000}]{1,3}",
            hidden in "[\u{ad}\u{200b}-\u{200f}\u{202a}-\u{202e}\u{2060}\u{2066}-\u{2069}\u{feff}]",
        ) {
            let plain = words.join(" ");
            prop_assert_eq!(name_key(&words.join(&space)), name_key(&plain));
            let letters: Vec<_> = plain.chars().map(String::from).collect();
            prop_assert_eq!(name_key(&letters.join(&hidden)), name_key(&plain));
        }

        #[test]
        fn the_short_way_for_ascii_gives_the_same_key(name in "([\\x00-\\x7f]|[a-c \t]{2})*") {
            prop_assert_eq!(name_key(&name), key_of_any(&name));
        }
    }
}
