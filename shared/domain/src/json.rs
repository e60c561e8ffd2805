//! Reading JSON.

use serde::Deserialize;

/// Reads JSON. That it is text is checked once for all of it. `serde_json` would check each string
/// by itself, which costs a comparison a tenth of its time.
///
/// # Errors
/// If it is no JSON, or of another shape.
pub fn from_bytes<'a, T: Deserialize<'a>>(bytes: &'a [u8]) -> serde_json::Result<T> {
    // What is no text is no JSON either, and neither is this.
    const NO_JSON: &str = "\u{fffd}";
    serde_json::from_str(str::from_utf8(bytes).unwrap_or(NO_JSON))
}

#[cfg(test)]
mod tests {
    use serde_json::error::Category;

    use super::*;

    #[test]
    fn what_is_no_text_is_no_json() {
        assert_eq!(from_bytes::<String>(br#""a""#).unwrap(), "a");
        let no_text = from_bytes::<String>(b"\"\xff\"").unwrap_err();
        assert_eq!(no_text.classify(), Category::Syntax);
    }
}
