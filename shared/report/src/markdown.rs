//! The report as Markdown.

use std::fmt::Write as _;

use super::addresses::Addresses;
use super::cells::{Cell, Part};
use super::escape::{becomes_a_space, pieces};
use super::{Instruction, Link, Report, Section, minute};

pub(super) fn render(report: &Report) -> String {
    let Report {
        header,
        version,
        verdict,
        mode,
        headline,
        what_to_do,
        runbook,
        warnings,
        last_runs: _,
        sections,
        addresses,
        links,
    } = report;
    let mut text = format!(
        "# {}: {}\n\nrun {}, {}, mode {}, by partner-sync {version}\n",
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
        input,
        page,
    } in what_to_do
    {
        let _ = writeln!(text, "\n{}", plain(line));
        for exactly in [command, input].into_iter().flatten() {
            let _ = writeln!(text, "\n    {}", exactly.replace(char::is_control, " "));
        }
        if let Some(page) = page {
            let _ = writeln!(text, "\n{}", anchor(page));
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
        count,
        is_held: _,
        head,
        rows,
    } in sections
    {
        let _ = writeln!(text, "\n## {title} ({count})\n");
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
            let cells: Vec<_> = row.iter().map(|cell| shown(cell, addresses)).collect();
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

/// A cell, its ids as links.
fn shown(cell: &Cell, addresses: &Addresses) -> String {
    let shown = |part: &Part| match (part, addresses.of_part(part)) {
        (Part::Break, _) => "; ".to_owned(),
        (_, Some(url)) => anchor(&Link {
            text: plain(&part.text()),
            url,
        }),
        (_, None) => plain(&part.text()),
    };
    cell.parts().iter().map(shown).collect()
}

/// Text from outside on one line, with the signs of Markdown and HTML made harmless.
fn plain(text: &str) -> String {
    pieces(text, harmless).collect()
}

/// What a character is shown as, if not as itself.
fn harmless(c: char) -> Option<&'static str> {
    match c {
        '\\' => Some(r"\\"),
        '`' => Some(r"\`"),
        '*' => Some(r"\*"),
        '_' => Some(r"\_"),
        '[' => Some(r"\["),
        ']' => Some(r"\]"),
        '|' => Some(r"\|"),
        '#' => Some(r"\#"),
        '~' => Some(r"\~"),
        '!' => Some(r"\!"),
        '<' => Some("&lt;"),
        '>' => Some("&gt;"),
        '&' => Some("&amp;"),
        c => becomes_a_space(c).then_some(" "),
    }
}
