//! Which texts may stand where.

/// True for the name of an object or a field of Salesforce; a field may be dotted, for a lookup.
pub(crate) fn is_column(text: &str) -> bool {
    let mut parts = text.split('.');
    let is_name = |part: &str| {
        let mut bytes = part.bytes();
        bytes
            .next()
            .is_some_and(|first| first.is_ascii_alphabetic())
            && bytes.all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
    };
    parts.next().is_some_and(is_name) && parts.next().is_none_or(is_name) && parts.next().is_none()
}

/// True for a key of a Zendesk field.
pub(crate) fn is_key(text: &str) -> bool {
    let is_usual = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
    !text.is_empty() && text.len() <= 100 && text.bytes().all(is_usual)
}

/// True for a name of ours, such as `us-government`.
pub(crate) fn is_name(text: &str) -> bool {
    let is_usual = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    !text.is_empty() && text.len() <= 40 && text.bytes().all(is_usual)
}

/// `a, b, c`.
pub(crate) fn listed<T: AsRef<str>>(words: &[T]) -> String {
    let words: Vec<_> = words.iter().map(AsRef::as_ref).collect();
    words.join(", ")
}
