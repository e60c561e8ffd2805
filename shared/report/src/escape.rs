//! Text from outside, made harmless.

/// The pieces of a text in which some characters are shown as something else.
pub(super) fn pieces(
    text: &str,
    instead: fn(char) -> Option<&'static str>,
) -> impl Iterator<Item = &str> {
    let parts = text.split_inclusive(move |c| instead(c).is_some());
    parts.flat_map(move |part| {
        let mut before = part.chars();
        match before.next_back().and_then(instead) {
            Some(shown) => [before.as_str(), shown],
            None => [part, ""],
        }
    })
}

/// True for control characters, and for signs that turn the direction of what follows: a name could
/// make the rest of its row read differently.
pub(super) fn becomes_a_space(c: char) -> bool {
    let turns_direction =
        matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    turns_direction || c.is_control()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn shown(c: char) -> Option<&'static str> {
        match c {
            '&' => Some("&amp;"),
            'ü' => Some("ue"),
            c => becomes_a_space(c).then_some(" "),
        }
    }

    proptest! {
        #[test]
        fn each_character_is_shown_as_itself_or_as_what_stands_for_it(text in "[a&ü\u{202e}\n]*") {
            let one_by_one: String = text
                .chars()
                .map(|c| shown(c).map_or_else(|| c.to_string(), str::to_owned))
                .collect();
            prop_assert_eq!(pieces(&text, shown).collect::<String>(), one_by_one);
        }
    }
}
