//! `[partners]`: the types that make an organization a partner's, and the accounts that are named.

use domain::model::{ACCOUNT_TYPE, AccountId, Choice, Named, Rule};
use toml_span::{Span, Spanned};

use crate::fields::PlacedField;
use crate::filter::Placed;
use crate::mistakes::Mistakes;
use crate::section::Section;
use crate::words::listed;

pub(crate) struct Partners {
    pub(crate) types: Vec<String>,
    pub(crate) named: Vec<Named>,
    /// Where the types stand.
    span: Span,
    /// Where the tag of each named account stands.
    named_spans: Vec<Span>,
}

pub(crate) fn read(file: &mut Section<'_>, mistakes: &mut Mistakes<'_>) -> Option<Partners> {
    let mut section = file.section("partners", mistakes)?;
    let place = section.span();
    if !section.has("types") {
        let what = "partners.types is missing; add it, as in `types = [\"open_partner\"]`";
        mistakes.at(place, what);
    }
    let types = section.texts("types", mistakes);
    let named = section.optional_section("named", mistakes);
    section.end(mistakes);
    let mut partners = Partners {
        types: Vec::new(),
        named: Vec::new(),
        span: place,
        named_spans: Vec::new(),
    };
    for (account, tag) in named.map_or_else(Vec::new, |mut all| all.rest_as_texts(mistakes)) {
        partners.name(&account, tag, mistakes);
    }
    let Spanned { value, span } = types?;
    partners.types = value.into_iter().map(|tag| tag.value).collect();
    partners.span = span;
    Some(partners)
}

impl Partners {
    fn name(
        &mut self,
        account: &Spanned<String>,
        tag: Spanned<String>,
        mistakes: &mut Mistakes<'_>,
    ) {
        let text = &account.value;
        match AccountId::parse(text) {
            Err(why) => mistakes.at(
                account.span,
                format!("partners.named: {text:?}: {why}; copy the id again from Salesforce"),
            ),
            Ok(id) if self.named.iter().any(|named| named.account == id) => {
                let what = format!("partners.named names the account {id} twice; take one out");
                mistakes.at(account.span, what);
            }
            Ok(account) => {
                let Spanned { value: tag, span } = tag;
                self.named.push(Named { account, tag });
                self.named_spans.push(span);
            }
        }
    }

    /// The types, the table that gives them, and the filter must fit together.
    pub(crate) fn check(
        &self,
        fields: &[PlacedField],
        filter: &Placed,
        mistakes: &mut Mistakes<'_>,
    ) {
        let types = listed(&self.types);
        let place = mistakes.line(self.span);
        let mut must_be_a_type = |tag: &String, span| {
            if !self.types.contains(tag) {
                let what = format!("{tag:?} is not among the partners' types in line {place}");
                mistakes.at(span, format!("{what}; add it there, or use one of {types}"));
            }
        };
        for (named, span) in self.named.iter().zip(&self.named_spans) {
            must_be_a_type(&named.tag, *span);
        }
        let Some(types_of) = fields.iter().find(|one| one.field.key == ACCOUNT_TYPE) else {
            return;
        };
        let Rule::Table(choices) = &types_of.field.rule else {
            return;
        };
        for choice in choices {
            must_be_a_type(&choice.tag, types_of.span);
        }
        check_filter(types_of, choices, filter, mistakes);
    }
}

/// The filter must look at the column that gives the types: otherwise it finds accounts that have
/// none.
fn check_filter(
    types_of: &PlacedField,
    choices: &[Choice],
    filter: &Placed,
    mistakes: &mut Mistakes<'_>,
) {
    let column = &types_of.field.source;
    let mut conditions = filter.filter.conditions().zip(&filter.spans);
    let Some((condition, span)) = conditions.find(|(one, _)| one.column == *column) else {
        let texts: Vec<_> = choices
            .iter()
            .map(|one| format!("{:?}", one.text))
            .collect();
        let what = format!(
            "{column} gives the type, and no [[filter]] looks at it, so accounts without a type \
             would be found; add a [[filter]] with column = {column:?}, values = [{}], and a name \
             and says of its own",
            listed(&texts)
        );
        mistakes.at(types_of.span, what);
        return;
    };
    let has_type = |text: &String| {
        let is_it = |choice: &Choice| choice.text.eq_ignore_ascii_case(text);
        choices.iter().any(is_it)
    };
    let values = condition.allowed.values();
    for text in values.iter().filter(|text| !has_type(text)) {
        let table = mistakes.line(types_of.span);
        let what = format!(
            "the filter lets {text:?} in, which has no type; take it out here, or add it to the \
             table in line {table}"
        );
        mistakes.at(*span, what);
    }
}
