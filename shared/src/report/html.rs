//! The report as one page: no script, nothing from outside, readable on a phone, in the dark, and on paper.

use std::fmt::Write as _;

use super::{Page, Section};

const STYLE: &str = "\
:root{color-scheme:light dark;--line:#8884;--soft:#8881}\
body{font:15px/1.5 system-ui,sans-serif;max-width:76rem;margin:0 auto;padding:1rem}\
h1{font-size:1.4rem;overflow-wrap:anywhere}h2{font-size:1.1rem;margin:2rem 0 .5rem}\
.verdict{display:inline-block;padding:.1rem .6rem;border-radius:.4rem;background:#2a7d46;color:#fff}\
.HELD,.PARTIAL{background:#b3541e}.PLANNED,.SKIPPED{background:#3b6ea5}\
pre{white-space:pre-wrap;overflow-wrap:anywhere;padding:.7rem;border:1px solid var(--line);border-radius:.4rem;background:var(--soft)}\
.wide{overflow-x:auto}table{border-collapse:collapse;width:100%}\
th,td{text-align:left;vertical-align:top;padding:.3rem .6rem;border-bottom:1px solid var(--line);overflow-wrap:anywhere}\
th{font-weight:600}tr:nth-child(even) td{background:var(--soft)}\
@media print{body{max-width:none;font-size:11px}.wide{overflow:visible}}";

pub(super) fn render(page: &Page) -> String {
    let Page { run_id, verdict, advice, command, sections } = page;
    let run_id = escape(run_id);
    let mut text = format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n\
         <title>partner-sync {run_id}: {verdict}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n\
         <h1>partner-sync {run_id} <span class=\"verdict {verdict}\">{verdict}</span></h1>\n<p>{}</p>\n",
        escape(advice)
    );
    // Writing to a string cannot fail.
    if let Some(command) = command {
        let _ = writeln!(text, "<pre>{}</pre>", escape(command));
    }
    for Section { title, note, head, rows } in sections {
        let _ = writeln!(text, "<h2>{}</h2>", escape(title));
        if !note.is_empty() {
            let _ = writeln!(text, "<p>{}</p>", escape(note));
        }
        let _ = writeln!(text, "<div class=\"wide\"><table>\n<tr><th>{}</th></tr>", head.join("</th><th>"));
        for row in rows {
            let cells: Vec<_> = row.iter().map(|cell| escape(cell)).collect();
            let _ = writeln!(text, "<tr><td>{}</td></tr>", cells.join("</td><td>"));
        }
        text.push_str("</table></div>\n");
    }
    text.push_str("</body>\n</html>\n");
    text
}

fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            c if c.is_control() => escaped.push(' '),
            c => escaped.push(c),
        }
    }
    escaped
}
