//! The report as one page: no script, nothing from outside, readable on a phone, in the dark, and
//! on paper.

use std::fmt::Write as _;

use super::{Link, Page, Section, Step, chart, minute};

const STYLE: &str = "\
:root{color-scheme:light \
dark;--line:#8884;--soft:#8881;--ok:#2a7d46;--look:#b3541e;--bad:#b3261e;--calm:#5f6b7a;--plan:#3b6ea5}\
*{box-sizing:border-box}body{font:15px/1.5 system-ui,sans-serif;max-width:76rem;margin:0 \
auto;padding:1rem}\
h1{font-size:1.4rem;margin:0;overflow-wrap:anywhere}h2{font-size:1.1rem;margin:2rem 0 \
.4rem}p{margin:.3rem 0}\
header{border-left:.5rem solid var(--calm);padding:.2rem 0 .2rem 1rem;margin-bottom:1rem}\
.badge{display:inline-block;padding:0 \
.6rem;border-radius:.4rem;background:var(--calm);color:#fff;font-weight:600}\
.badge.OK{background:var(--ok)}.badge.HELD,.badge.PARTIAL{background:var(--look)}.badge.FAILED{background:var(--bad)}\
.badge.PLANNED,.badge.SKIPPED{background:var(--plan)}\
header.OK{border-color:var(--ok)}header.HELD,header.PARTIAL{border-color:var(--look)}header.FAILED{border-color:var(--bad)}\
header.PLANNED,header.SKIPPED{border-color:var(--plan)}\
.todo,.warn{border:1px solid var(--line);border-radius:.4rem;padding:.5rem .8rem;margin:.6rem \
0}.warn{border-color:var(--look)}\
.todo h2,.warn h2{margin:0 0 .2rem}\
pre{white-space:pre-wrap;overflow-wrap:anywhere;margin:.5rem 0 \
0;padding:.6rem;border-radius:.3rem;background:var(--soft)}\
figure{margin:1.2rem 0}svg{width:100%;height:auto;max-height:11rem}svg \
text{font-size:10px;fill:currentColor}svg .end{text-anchor:end}\
.axis{stroke:var(--line)}rect{fill:var(--calm)}rect.OK{fill:var(--ok)}rect.HELD,rect.PARTIAL{fill:var(--look)}rect.FAILED{fill:var(--bad)}\
figcaption,.note{font-size:.87rem;opacity:.8}\
.wide{overflow-x:auto}table{border-collapse:collapse;width:100%}\
th,td{text-align:left;vertical-align:top;padding:.25rem .6rem;border-bottom:1px solid \
var(--line);overflow-wrap:anywhere;min-width:5.5rem}\
th{font-weight:600;white-space:nowrap}.n{min-width:0;text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}\
tr:nth-child(even) td{background:var(--soft)}a{color:inherit}li{overflow-wrap:anywhere}\
@media(max-width:640px){th,th.n{display:none}svg \
text{font-size:22px}tr{display:block;padding:.4rem 0;border-bottom:1px solid var(--line)}\
td,td.n{display:flex;min-width:0;gap:.6rem;border:0;padding:.05rem \
.3rem;text-align:left;white-space:normal}tr:nth-child(even) td{background:none}\
td:empty{display:none}td::before{flex:0 0 7.5rem;opacity:.7}}\
@media \
print{body{max-width:none;font-size:10px}.wide{overflow:visible}tr{break-inside:avoid}.badge{border:1px solid}}";

pub(super) fn render(page: &Page) -> String {
    let Page {
        header,
        verdict,
        mode,
        headline,
        what_to_do,
        runbook,
        warnings,
        last_runs,
        sections,
        links,
    } = page;
    let (run_id, word) = (escape(&header.run_id), verdict.word());
    let labels: String = sections
        .iter()
        .enumerate()
        .map(|(place, section)| labels(place, section))
        .collect();
    let mut text = format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<meta \
         name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src \
         'unsafe-inline'\">\n\
         <title>partner-sync {run_id}: \
         {word}</title>\n<style>{STYLE}{labels}</style>\n</head>\n<body>\n\
         <header class=\"{word}\">\n<h1><span class=\"badge {word}\">{word}</span> \
         {}</h1>\n<p>partner-sync run {run_id}, {}, mode {}</p>\n</header>\n",
        escape(headline),
        minute(header.generated_at),
        mode.word(),
    );
    list(&mut text, "warn", "Warnings", warnings);
    // Writing to a string cannot fail.
    let _ = write!(text, "<section class=\"todo\">\n<h2>What to do now</h2>\n");
    for Step {
        text: line,
        command,
    } in what_to_do
    {
        let _ = writeln!(text, "<p>{}</p>", escape(line));
        if let Some(command) = command {
            let _ = writeln!(text, "<pre>{}</pre>", escape(command));
        }
    }
    let place = if runbook.is_address() {
        anchor(runbook)
    } else {
        escape(&runbook.in_words())
    };
    let _ = write!(text, "<p class=\"note\">Runbook: {place}</p>\n</section>\n");
    text.push_str(&chart::svg(last_runs));
    for (place, section) in sections.iter().enumerate() {
        table(&mut text, place, section);
    }
    let _ = write!(text, "<h2>Links</h2>\n<ul>\n");
    for link in links {
        let _ = writeln!(text, "<li>{}</li>", anchor(link));
    }
    text.push_str("</ul>\n</body>\n</html>\n");
    text
}

fn anchor(Link { text, url }: &Link) -> String {
    format!("<a href=\"{}\">{}</a>", escape(url), escape(text))
}

fn list(text: &mut String, class: &str, title: &str, lines: &[String]) {
    if lines.is_empty() {
        return;
    }
    let _ = write!(text, "<section class=\"{class}\">\n<h2>{title}</h2>\n");
    for line in lines {
        let _ = writeln!(text, "<p>{}</p>", escape(line));
    }
    text.push_str("</section>\n");
}

/// On a phone a row is a card, and each cell bears its column's name.
fn labels(place: usize, Section { head, .. }: &Section) -> String {
    let label = |(column, name): (usize, &&str)| {
        format!(
            "#s{place} td:nth-child({})::before{{content:\"{name}\"}}",
            column + 1
        )
    };
    let rules: String = head.iter().enumerate().map(label).collect();
    format!("@media(max-width:640px){{{rules}}}")
}

fn table(
    text: &mut String,
    place: usize,
    Section {
        title,
        note,
        head,
        rows,
    }: &Section,
) {
    let _ = writeln!(text, "<h2>{title}</h2>");
    if !note.is_empty() {
        let _ = writeln!(text, "<p class=\"note\">{}</p>", escape(note));
    }
    let is_number = |column: usize| {
        rows.iter()
            .all(|row| row.get(column).is_some_and(|cell| is_number(cell)))
    };
    let numbers: Vec<bool> = (0..head.len()).map(is_number).collect();
    let class = |column: usize| {
        if numbers.get(column) == Some(&true) {
            " class=\"n\""
        } else {
            ""
        }
    };
    let cells = |tag: &str, cells: &mut dyn Iterator<Item = String>| -> String {
        cells
            .enumerate()
            .map(|(column, cell)| ["<", tag, class(column), ">", &cell].concat())
            .collect()
    };
    let _ = writeln!(
        text,
        "<div class=\"wide\"><table id=\"s{place}\">\n<tr>{}",
        cells("th", &mut head.iter().map(|name| escape(name)))
    );
    for row in rows {
        let _ = writeln!(
            text,
            "<tr>{}",
            cells("td", &mut row.iter().map(|cell| escape(cell)))
        );
    }
    text.push_str("</table></div>\n");
}

/// True for a number that is compared, not for an id, which is read.
fn is_number(cell: &str) -> bool {
    cell.len() <= 9
        && cell
            .bytes()
            .all(|b| b.is_ascii_digit() || matches!(b, b'.' | b'+' | b'-'))
}

pub(super) fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            c if c.is_control() || is_direction(c) => escaped.push(' '),
            c => escaped.push(c),
        }
    }
    escaped
}

/// Signs that turn the direction of what follows: a name could make the rest of its row read
/// differently.
pub(super) fn is_direction(c: char) -> bool {
    matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}
