//! E-mail addresses in text from outside are masked before a person or a log sees it.

/// Replaces every word that may be an e-mail address: none may stand in a log, an error, a report
/// or a notice.
pub fn without_addresses(text: &str) -> String {
    if !text.contains('@') {
        return text.to_owned();
    }
    let words = text.split_inclusive(char::is_whitespace).map(|word| {
        let bare = word.trim_end();
        if bare.contains('@') {
            format!("[e-mail]{}", word.strip_prefix(bare).unwrap_or_default())
        } else {
            word.to_owned()
        }
    });
    words.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_go_and_the_rest_stays() {
        assert_eq!(
            without_addresses("Owner: jo@partner.example is\tinvalid\n"),
            "Owner: [e-mail] is\tinvalid\n"
        );
        assert_eq!(without_addresses("<jo@partner.example>,(al@x)"), "[e-mail]");
        assert_eq!(without_addresses(" Nova  Linden "), " Nova  Linden ");
    }
}
