//! A table of the file while it is read: every value is taken once, and what is left is unknown.

use toml_span::value::{Table, Value, ValueInner};
use toml_span::{Span, Spanned};

use crate::mistakes::Mistakes;
use crate::words::listed;

/// A table of the file.
pub(crate) struct Section<'a> {
    /// Such as `fields.account_owner`; empty for the file itself.
    path: String,
    span: Span,
    entries: Table<'a>,
    /// The keys that were asked for.
    known: Vec<&'static str>,
}

impl<'a> Section<'a> {
    /// The file itself.
    pub(crate) fn whole(mut file: Value<'a>) -> Option<Self> {
        let span = file.span;
        match file.take() {
            ValueInner::Table(entries) => Some(Self::of(String::new(), span, entries)),
            _ => None,
        }
    }

    fn of(path: String, span: Span, entries: Table<'a>) -> Self {
        Self {
            path,
            span,
            entries,
            known: Vec::new(),
        }
    }

    pub(crate) fn span(&self) -> Span {
        self.span
    }

    /// Whether a key is there.
    pub(crate) fn has(&self, key: &str) -> bool {
        self.entries.contains_key(key)
    }

    fn take(&mut self, key: &'static str) -> Option<Value<'a>> {
        self.known.push(key);
        self.entries.remove(key)
    }

    /// A key of this section, in full.
    fn name(&self, key: &str) -> String {
        match self.path.as_str() {
            "" => key.to_owned(),
            path => format!("{path}.{key}"),
        }
    }

    fn missing(&self, key: &str, example: &str, mistakes: &mut Mistakes<'_>) {
        let name = self.name(key);
        mistakes.at(
            self.span,
            format!("{name} is missing; add it, as in `{example}`"),
        );
    }

    /// A text that must be there.
    pub(crate) fn text(
        &mut self,
        key: &'static str,
        example: &str,
        mistakes: &mut Mistakes<'_>,
    ) -> Option<Spanned<String>> {
        if !self.has(key) {
            self.known.push(key);
            self.missing(key, example, mistakes);
            return None;
        }
        self.optional_text(key, mistakes)
    }

    /// A text that may be left out.
    pub(crate) fn optional_text(
        &mut self,
        key: &'static str,
        mistakes: &mut Mistakes<'_>,
    ) -> Option<Spanned<String>> {
        let value = self.take(key)?;
        text(&self.name(key), value, mistakes)
    }

    /// A list of texts; `None` if it is not there, or is no such list.
    pub(crate) fn texts(
        &mut self,
        key: &'static str,
        mistakes: &mut Mistakes<'_>,
    ) -> Option<Spanned<Vec<Spanned<String>>>> {
        let mut value = self.take(key)?;
        let (name, span) = (self.name(key), value.span);
        let ValueInner::Array(items) = value.take() else {
            mistakes.at(
                span,
                format!("{name} must be a list of texts, as [\"Open\"]"),
            );
            return None;
        };
        let all = items.into_iter().map(|item| text(&name, item, mistakes));
        let all: Option<Vec<_>> = all.collect();
        let all = all?;
        if all.is_empty() {
            mistakes.at(span, format!("{name} is empty; name at least one"));
            return None;
        }
        Some(Spanned::with_span(all, span))
    }

    /// A switch that may be left out: then it is off.
    pub(crate) fn flag(&mut self, key: &'static str, mistakes: &mut Mistakes<'_>) -> bool {
        let Some(mut value) = self.take(key) else {
            return false;
        };
        let span = value.span;
        if let ValueInner::Boolean(flag) = value.take() {
            return flag;
        }
        let name = self.name(key);
        mistakes.at(
            span,
            format!("{name} must be true or false, without quotes"),
        );
        false
    }

    /// A table that must be there.
    pub(crate) fn section(
        &mut self,
        key: &'static str,
        mistakes: &mut Mistakes<'_>,
    ) -> Option<Self> {
        if !self.has(key) {
            self.known.push(key);
            let name = self.name(key);
            mistakes.in_general(format!("the table [{name}] is missing; add it"));
            return None;
        }
        self.optional_section(key, mistakes)
    }

    /// A table that may be left out.
    pub(crate) fn optional_section(
        &mut self,
        key: &'static str,
        mistakes: &mut Mistakes<'_>,
    ) -> Option<Self> {
        let value = self.take(key)?;
        table(self.name(key), value, mistakes)
    }

    /// The tables of a list, such as every `[[filter]]`.
    pub(crate) fn sections(
        &mut self,
        key: &'static str,
        mistakes: &mut Mistakes<'_>,
    ) -> Option<Vec<Self>> {
        let name = self.name(key);
        let wanted = format!("write it as tables, each under [[{name}]]");
        let Some(mut value) = self.take(key) else {
            mistakes.in_general(format!("{name} is missing; {wanted}"));
            return None;
        };
        let span = value.span;
        let ValueInner::Array(items) = value.take() else {
            mistakes.at(span, format!("{name} is no list; {wanted}"));
            return None;
        };
        if items.is_empty() {
            mistakes.at(span, format!("{name} is empty; {wanted}"));
            return None;
        }
        let all = items
            .into_iter()
            .map(|item| table(name.clone(), item, mistakes));
        all.collect()
    }

    /// Everything that is left, by its key, in the order of the file.
    pub(crate) fn rest(&mut self) -> Vec<(Spanned<String>, Value<'a>)> {
        let left = std::mem::take(&mut self.entries).into_iter();
        let mut left: Vec<_> = left
            .map(|(key, value)| (Spanned::with_span(key.name.into_owned(), key.span), value))
            .collect();
        left.sort_by_key(|(key, _)| key.span.start);
        left
    }

    /// The rest as tables, by their keys.
    pub(crate) fn rest_as_sections(
        &mut self,
        mistakes: &mut Mistakes<'_>,
    ) -> Vec<(Spanned<String>, Self)> {
        let mut sections = Vec::new();
        for (key, value) in self.rest() {
            let section = table(self.name(&key.value), value, mistakes);
            sections.extend(section.map(|section| (key, section)));
        }
        sections
    }

    /// The rest as texts, by their keys.
    pub(crate) fn rest_as_texts(
        &mut self,
        mistakes: &mut Mistakes<'_>,
    ) -> Vec<(Spanned<String>, Spanned<String>)> {
        let mut texts = Vec::new();
        for (key, value) in self.rest() {
            let text = text(&self.name(&key.value), value, mistakes);
            texts.extend(text.map(|text| (key, text)));
        }
        texts
    }

    /// Nothing may be left of the keys of a rule.
    pub(crate) fn end_of_rule(mut self, rule: &str, mistakes: &mut Mistakes<'_>) {
        for (key, _) in self.rest() {
            let what = format!("the rule {rule} takes no {}; take it out", key.value);
            mistakes.at(key.span, what);
        }
    }

    /// Nothing may be left.
    pub(crate) fn end(mut self, mistakes: &mut Mistakes<'_>) {
        let known = listed(&self.known);
        for (key, _) in self.rest() {
            let name = self.name(&key.value);
            mistakes.at(
                key.span,
                format!("{name} is no known key; correct it to one of {known}, or take it out"),
            );
        }
    }
}

fn text(name: &str, mut value: Value<'_>, mistakes: &mut Mistakes<'_>) -> Option<Spanned<String>> {
    let span = value.span;
    let ValueInner::String(text) = value.take() else {
        mistakes.at(span, format!("{name} must be a text, in quotes"));
        return None;
    };
    if text.trim().is_empty() || text.trim() != text || text.chars().any(char::is_control) {
        let what = "must be a text of one line, not blank, without white space around it";
        mistakes.at(span, format!("{name} {what}"));
        return None;
    }
    Some(Spanned::with_span(text.into_owned(), span))
}

fn table<'a>(
    name: String,
    mut value: Value<'a>,
    mistakes: &mut Mistakes<'_>,
) -> Option<Section<'a>> {
    let span = value.span;
    let ValueInner::Table(entries) = value.take() else {
        mistakes.at(
            span,
            format!("{name} must be a table, in {{ }} or under [{name}]"),
        );
        return None;
    };
    Some(Section::of(name, span, entries))
}
