//! What is wrong with a file: each mistake with its line.

use toml_span::{Error, ErrorKind, Span};

/// The mistakes found so far.
pub(crate) struct Mistakes<'a> {
    text: &'a str,
    /// Line, 0 for the file as a whole, and what is wrong there.
    found: Vec<(usize, String)>,
}

impl<'a> Mistakes<'a> {
    pub(crate) fn of(text: &'a str) -> Self {
        Self {
            text,
            found: Vec::new(),
        }
    }

    /// Something is wrong at a place of the file.
    pub(crate) fn at(&mut self, span: Span, what: impl Into<String>) {
        self.found.push((self.line(span), what.into()));
    }

    /// The line in which a place is.
    pub(crate) fn line(&self, span: Span) -> usize {
        let before = self.text.as_bytes().iter().take(span.start);
        1 + before.filter(|byte| **byte == b'\n').count()
    }

    /// True if nothing is wrong so far.
    pub(crate) fn are_none(&self) -> bool {
        self.found.is_empty()
    }

    /// Something is wrong with the file as a whole.
    pub(crate) fn in_general(&mut self, what: impl Into<String>) {
        self.found.push((0, what.into()));
    }

    /// It is no TOML.
    pub(crate) fn of_toml(&mut self, error: &Error) {
        let what = match &error.kind {
            ErrorKind::DuplicateKey { key, first } => {
                let line = self.line(*first);
                format!("the key {key} is there already, in line {line}; take one of the two out")
            }
            ErrorKind::DuplicateTable { name, .. } => {
                format!("the table {name} is there twice; make one of the two")
            }
            ErrorKind::Wanted { expected, found } => {
                format!(
                    "the file cannot be read from here on: {expected} is expected, and {found} \
                     found; correct it, and what comes behind is looked at"
                )
            }
            other => format!("the file cannot be read from here on: {other}"),
        };
        self.at(error.span, what);
    }

    /// All of it in one line, in the order of the file; `None` if nothing is wrong.
    pub(crate) fn into_text(mut self) -> Option<String> {
        self.found.sort();
        self.found.dedup();
        let named: Vec<_> = self.found.into_iter().map(in_line).collect();
        (!named.is_empty()).then(|| named.join("; "))
    }
}

fn in_line((line, what): (usize, String)) -> String {
    match line {
        0 => what,
        line => format!("line {line}: {what}"),
    }
}
