//! `[salesforce]`: the object, and its two columns that are always there.

use toml_span::Spanned;

use crate::mistakes::Mistakes;
use crate::section::Section;
use crate::words::is_column;

pub(crate) struct Salesforce {
    pub(crate) object: String,
    pub(crate) id: String,
    pub(crate) name: String,
}

pub(crate) fn read(file: &mut Section<'_>, mistakes: &mut Mistakes<'_>) -> Option<Salesforce> {
    let mut section = file.section("salesforce", mistakes)?;
    let object = section.text("object", "object = \"Account\"", mistakes);
    let id = section.text("id", "id = \"Account_ID_18__c\"", mistakes);
    let name = section.text("name", "name = \"Name\"", mistakes);
    section.end(mistakes);
    let (object, id, name) = (
        own_column(object, mistakes),
        own_column(id, mistakes),
        own_column(name, mistakes),
    );
    Some(Salesforce {
        object: object?,
        id: id?,
        name: name?,
    })
}

/// The text, if it can be the name of a column.
pub(crate) fn column(text: Option<Spanned<String>>, mistakes: &mut Mistakes<'_>) -> Option<String> {
    let Spanned { value, span } = text?;
    if is_column(&value) {
        return Some(value);
    }
    let what = "is no API name of Salesforce; write it as Account_Risk_Level__c or Owner.Name";
    mistakes.at(span, format!("{value:?} {what}"));
    None
}

/// The same, for a column that no lookup leads to.
pub(crate) fn own_column(
    text: Option<Spanned<String>>,
    mistakes: &mut Mistakes<'_>,
) -> Option<String> {
    let text = text?;
    if text.value.contains('.') {
        let what = "leads to another record, which only the rule text follows; make a formula, and \
                    name it";
        mistakes.at(text.span, format!("{:?} {what}", text.value));
        return None;
    }
    column(Some(text), mistakes)
}
