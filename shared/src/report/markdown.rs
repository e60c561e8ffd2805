//! The report as Markdown.

use std::fmt::Write as _;

use super::html::turns_direction;
use super::{Instruction, Link, Report, Section, minute};

pub(super) fn render(report: &Report) -> String {
    let Report {
        header,
        verdict,
        mode,
        headline,
        what_to_do,
        runbook,
        warnings,
        last_runs: _,
        sections,
        links,
    } = report;
    let mut text = format!(
        "# {}: {}\n\npartner-sync run {}, {}, mode {}\n",
        verdict.word(),
        plain(headline),
        plain(&header.run_id),
        minute(header.generated_at),
        mode.word()
    );
    // Writing to a string cannot fail.
    for warning in warnings {
        let _ = writeln!(text, "\n**Warning:** {}", plain(warning));
    }
    let _ = writeln!(text, "\n## What to do now");
    for Instruction {
        text: line,
        command,
    } in what_to_do
    {
        let _ = writeln!(text, "\n{}", plain(line));
        if let Some(command) = command {
            let _ = writeln!(text, "\n    {}", command.replace(char::is_control, " "));
        }
    }
    let _ = writeln!(
        text,
        "\nRunbook: {}",
        if runbook.is_address() {
            anchor(runbook)
        } else {
            plain(&runbook.in_words())
        }
    );
    for Section {
        title,
        note,
        head,
        rows,
    } in sections
    {
        let _ = writeln!(text, "\n## {title}\n");
        if !note.is_empty() {
            let _ = writeln!(text, "{}\n", plain(note));
        }
        let _ = writeln!(
            text,
            "| {} |\n|{}",
            head.join(" | "),
            "---|".repeat(head.len())
        );
        for row in rows {
            let cells: Vec<_> = row.iter().map(|cell| plain(cell)).collect();
            let _ = writeln!(text, "| {} |", cells.join(" | "));
        }
    }
    let _ = writeln!(text, "\n## Links\n");
    for link in links {
        let _ = writeln!(text, "- {}", anchor(link));
    }
    text
}

fn anchor(Link { text, url }: &Link) -> String {
    format!("[{text}](<{}>)", url.replace(['<', '>', '\n'], ""))
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
            c if c.is_control() || turns_direction(c) => plain.push(' '),
            c => plain.push(c),
        }
    }
    plain
}
