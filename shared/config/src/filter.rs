//! `[[filter]]`: who is a partner.

use domain::model::{Allowed, Condition, Filter};
use toml_span::{Span, Spanned};

use crate::mistakes::Mistakes;
use crate::salesforce::own_column;
use crate::section::Section;

/// The filter, and where the values of each condition stand.
pub(crate) struct Placed {
    pub(crate) filter: Filter,
    pub(crate) spans: Vec<Span>,
}

/// Names that the documents have for something else, beside a condition's value.
const RESERVED: [&str; 6] = [
    "id",
    "into",
    "kind",
    "last_changed",
    "salesforce_id",
    "state",
];

pub(crate) fn read(file: &mut Section<'_>, mistakes: &mut Mistakes<'_>) -> Option<Placed> {
    let sections = file.sections("filter", mistakes)?;
    let mut conditions: Vec<Condition> = Vec::new();
    let mut spans = Vec::new();
    let mut is_whole = true;
    for section in sections {
        match condition(section, &conditions, mistakes) {
            Some((condition, span)) => {
                conditions.push(condition);
                spans.push(span);
            }
            None => is_whole = false,
        }
    }
    let kind = (conditions.len() > 1).then(|| conditions.remove(0));
    let others = conditions;
    let filter = Filter { kind, others };
    is_whole.then_some(Placed { filter, spans })
}

fn condition(
    mut section: Section<'_>,
    before: &[Condition],
    mistakes: &mut Mistakes<'_>,
) -> Option<(Condition, Span)> {
    let name = section.text("name", "name = \"status\"", mistakes);
    let says = section.text("says", "says = \"Partner status\"", mistakes);
    let source = section.text("column", "column = \"Partner_Status__c\"", mistakes);
    let source = own_column(source, mistakes);
    let allowed = allowed(&mut section, mistakes);
    section.end(mistakes);
    let name = condition_name(name?, before, mistakes);
    let (allowed, span) = allowed?;
    let condition = Condition {
        name: name?,
        says: says?.value,
        column: source?,
        allowed,
    };
    Some((condition, span))
}

/// The name, if it can be a key of the documents and no other condition has it.
fn condition_name(
    name: Spanned<String>,
    before: &[Condition],
    mistakes: &mut Mistakes<'_>,
) -> Option<String> {
    let Spanned { value, span } = name;
    let is_usual = |byte: u8| byte.is_ascii_lowercase() || byte == b'_';
    if !value.bytes().all(is_usual) || RESERVED.contains(&value.as_str()) {
        let what =
            "cannot name a value: the documents use it otherwise, or it has other characters";
        mistakes.at(
            span,
            format!("{value:?} {what}; choose another, in small letters and _"),
        );
        return None;
    }
    if before.iter().any(|other| other.name == value) {
        let what = format!("another [[filter]] is named {value:?} too; rename one of them");
        mistakes.at(span, what);
        return None;
    }
    Some(value)
}

/// What meets the condition: one `value`, or any of the `values`.
fn allowed(section: &mut Section<'_>, mistakes: &mut Mistakes<'_>) -> Option<(Allowed, Span)> {
    let place = section.span();
    let (has_one, has_many) = (section.has("value"), section.has("values"));
    let one = section.optional_text("value", mistakes);
    let many = section.texts("values", mistakes);
    if has_one == has_many {
        mistakes.at(
            place,
            "a [[filter]] must have either `value` or `values`: take one out, or add one",
        );
        return None;
    }
    match (one, many) {
        (Some(one), _) => Some((Allowed::One(one.value), one.span)),
        (_, Some(many)) => {
            let values = many.value.into_iter().map(|value| value.value);
            Some((Allowed::Any(values.collect()), many.span))
        }
        (None, None) => None,
    }
}
