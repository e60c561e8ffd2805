//! Numbers with the right word after them.

/// A number and a word, as `1 mark` and `2 marks`.
pub(super) fn counted(count: usize, one: &str) -> String {
    match count {
        1 => format!("1 {one}"),
        _ => format!("{count} {one}s"),
    }
}

/// The word of two that goes with the number, such as `waits` and `wait`.
pub(super) fn which(count: usize, one: &'static str, many: &'static str) -> &'static str {
    if count == 1 { one } else { many }
}

/// The difference from another number, as `+2`.
pub(super) fn against(now: usize, last: Option<usize>) -> String {
    match last {
        None => "no earlier good run".to_owned(),
        Some(last) if now >= last => format!("+{}", now - last),
        Some(last) => format!("-{}", last - now),
    }
}
