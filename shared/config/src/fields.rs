//! `[fields]`: the table of fields, one line each.

use domain::model::{
    ACCOUNT_TYPE, Choice, EXPIRATION_DATE, Field, IGNORE_DELETION, Key, MARK_FOR_DELETION, Rule,
    SALESFORCE_ID,
};
use toml_span::{Span, Spanned};

use crate::mistakes::Mistakes;
use crate::roles::Roles;
use crate::salesforce::{Salesforce, column, own_column};
use crate::section::Section;
use crate::words::is_key;

/// A line of the table, before it is known which fields have a role.
pub(crate) struct Line {
    zendesk: String,
    span: Span,
    /// `None` for an id, which has the file's own column.
    source: Option<String>,
    rule: Rule,
}

/// A field, how Zendesk calls it, and where it stands.
pub(crate) struct PlacedField {
    pub(crate) field: Field,
    pub(crate) zendesk: String,
    pub(crate) span: Span,
}

const RULES: &str = "id_18, id_15, text, checkbox, equals, table";

pub(crate) fn read(file: &mut Section<'_>, mistakes: &mut Mistakes<'_>) -> Option<Vec<Line>> {
    let mut section = file.section("fields", mistakes)?;
    let place = section.span();
    let sections = section.rest_as_sections(mistakes);
    if sections.is_empty() {
        mistakes.at(
            place,
            "[fields] is empty; add at least the one with the rule id_18",
        );
        return None;
    }
    let lines = sections
        .into_iter()
        .map(|(key, section)| line(key, section, mistakes));
    // Every line is read, so that every mistake is named.
    let lines: Vec<_> = lines.collect();
    lines.into_iter().collect()
}

fn line(
    key: Spanned<String>,
    mut section: Section<'_>,
    mistakes: &mut Mistakes<'_>,
) -> Option<Line> {
    let Spanned {
        value: zendesk,
        span,
    } = key;
    let rule = section.text("rule", "rule = \"text\"", mistakes)?;
    let takes_column = !matches!(rule.value.as_str(), "id_18" | "id_15");
    let source = if takes_column {
        let text = section.text("column", "column = \"Name__c\"", mistakes);
        let may_look_up = rule.value == "text";
        let read = if may_look_up { column } else { own_column };
        Some(read(text, mistakes))
    } else {
        None
    };
    let made = make(
        &rule,
        source.as_ref().and_then(Option::as_deref),
        &mut section,
        mistakes,
    );
    section.end_of_rule(&rule.value, mistakes);
    if !is_key(&zendesk) || zendesk == "name" {
        let what =
            format!("{zendesk:?} is no key of an organization field; the name is always synced");
        mistakes.at(span, what);
        return None;
    }
    Some(Line {
        zendesk,
        span,
        source: match source {
            Some(column) => Some(column?),
            None => None,
        },
        rule: made?,
    })
}

fn make(
    rule: &Spanned<String>,
    source: Option<&str>,
    section: &mut Section<'_>,
    mistakes: &mut Mistakes<'_>,
) -> Option<Rule> {
    match rule.value.as_str() {
        "id_18" => Some(Rule::Id18),
        "id_15" => Some(Rule::Id15),
        "text" => Some(text(source?)),
        "checkbox" => Some(Rule::Checkbox),
        "equals" => {
            let value = section.text("value", "value = \"At Risk\"", mistakes)?;
            Some(Rule::Equals(value.value))
        }
        "table" => choices(section, mistakes).map(Rule::Table),
        other => {
            let what = format!("there is no rule {other:?}; use one of: {RULES}");
            mistakes.at(rule.span, what);
            None
        }
    }
}

/// Text, perhaps through a lookup. Salesforce calls the lookup `Owner` and its id `OwnerId`, or, if
/// somebody made it, `Architect__r` and `Architect__c`.
fn text(source: &str) -> Rule {
    let Some((lookup, _)) = source.split_once('.') else {
        return Rule::Text;
    };
    let id = match lookup.strip_suffix("__r") {
        Some(own) => format!("{own}__c"),
        None => format!("{lookup}Id"),
    };
    Rule::LookedUp { id }
}

fn choices(section: &mut Section<'_>, mistakes: &mut Mistakes<'_>) -> Option<Vec<Choice>> {
    let place = section.span();
    let mut table = section.section("values", mistakes)?;
    let rows = table.rest_as_texts(mistakes);
    if rows.is_empty() {
        let what = "its table is empty; add a line, as in `values = { Open = \"open_partner\" }`";
        mistakes.at(place, what);
        return None;
    }
    let mut choices: Vec<Choice> = Vec::new();
    for (text, tag) in rows {
        let (Spanned { value: text, span }, tag) = (text, tag.value);
        let is_there = |choice: &Choice| choice.text.eq_ignore_ascii_case(&text);
        if choices.iter().any(is_there) {
            let what =
                format!("{text:?} is in the table twice, as case does not count; take one out");
            mistakes.at(span, what);
            return None;
        }
        choices.push(Choice { text, tag });
    }
    Some(choices)
}

/// The fields by the keys of the documents, once the roles are known.
pub(crate) fn with_roles(
    lines: Vec<Line>,
    roles: &Roles,
    salesforce: &Salesforce,
    mistakes: &mut Mistakes<'_>,
) -> Option<Vec<PlacedField>> {
    let mut fields = Vec::new();
    let mut is_whole = has_rule(&lines, SALESFORCE_ID, roles, mistakes);
    is_whole &= has_rule(&lines, ACCOUNT_TYPE, roles, mistakes);
    for line in lines {
        match placed(line, roles, salesforce, mistakes) {
            Some(field) => fields.push(field),
            None => is_whole = false,
        }
    }
    is_whole.then_some(fields)
}

fn placed(
    line: Line,
    roles: &Roles,
    salesforce: &Salesforce,
    mistakes: &mut Mistakes<'_>,
) -> Option<PlacedField> {
    let Line {
        zendesk,
        span,
        source,
        rule,
    } = line;
    let role = roles.of(&zendesk);
    if let Some(role) = role
        && [MARK_FOR_DELETION, EXPIRATION_DATE, IGNORE_DELETION].contains(&role)
    {
        let what = format!("{zendesk} has the role {role}, and is not filled from Salesforce");
        mistakes.at(span, format!("{what}; take this line out of [fields]"));
        return None;
    }
    // With another mistake in [roles], the role may be meant to be this field's.
    if role.is_none() && roles.takes(&zendesk) && mistakes.are_none() {
        let what = format!("{zendesk} is the name of a role that [roles] gives to another field");
        mistakes.at(
            span,
            format!("{what}; rename this field in Zendesk, or give it the role"),
        );
        return None;
    }
    let Some(key) = role.or_else(|| Key::of(&zendesk)) else {
        mistakes.at(span, "there are too many fields");
        return None;
    };
    let field = Field {
        key,
        source: source.unwrap_or_else(|| salesforce.id.clone()),
        rule,
    };
    Some(PlacedField {
        field,
        zendesk,
        span,
    })
}

/// The field of a role must be there, and have the rule that its part needs.
fn has_rule(lines: &[Line], role: Key, roles: &Roles, mistakes: &mut Mistakes<'_>) -> bool {
    let fits = |rule: &Rule| match rule {
        Rule::Id18 => role == SALESFORCE_ID,
        Rule::Table(_) => role == ACCOUNT_TYPE,
        _ => false,
    };
    let Some((zendesk, place)) = roles.get(role) else {
        return false;
    };
    let wanted = if role == SALESFORCE_ID {
        "id_18"
    } else {
        "table"
    };
    let what = match lines.iter().find(|line| line.zendesk == zendesk) {
        Some(line) if fits(&line.rule) => return true,
        Some(line) => {
            let line = mistakes.line(line.span);
            format!(
                "{zendesk} must have the rule {wanted} for this role, and has another in line \
                 {line}"
            )
        }
        None => format!("{zendesk} must be in [fields], with the rule {wanted}"),
    };
    mistakes.at(
        place,
        format!("roles.{role}: {what}; correct the one or the other"),
    );
    false
}
