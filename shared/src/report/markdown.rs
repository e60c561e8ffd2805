//! The report as Markdown.

use std::fmt::Write as _;

use super::{Page, Section};

pub(super) fn render(page: &Page) -> String {
    let Page { run_id, verdict, advice, command, sections } = page;
    let mut text = format!("# partner-sync {}: {verdict}\n\n{}\n", plain(run_id), plain(advice));
    // Writing to a string cannot fail.
    if let Some(command) = command {
        let _ = writeln!(text, "\n    {command}");
    }
    for Section { title, note, head, rows } in sections {
        let _ = writeln!(text, "\n## {title}\n");
        if !note.is_empty() {
            let _ = writeln!(text, "{}\n", plain(note));
        }
        let _ = writeln!(text, "| {} |\n|{}", head.join(" | "), "---|".repeat(head.len()));
        for row in rows {
            let cells: Vec<_> = row.iter().map(|cell| plain(cell)).collect();
            let _ = writeln!(text, "| {} |", cells.join(" | "));
        }
    }
    text
}

/// Text from outside on one line, with the signs of Markdown and HTML made harmless.
fn plain(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\\' | '`' | '*' | '_' | '[' | ']' | '|' | '#' | '~' | '!' => plain.extend(['\\', c]),
            '<' => plain.push_str("&lt;"),
            '>' => plain.push_str("&gt;"),
            '&' => plain.push_str("&amp;"),
            c if c.is_control() => plain.push(' '),
            c => plain.push(c),
        }
    }
    plain
}
