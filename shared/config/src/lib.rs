#![doc = env!("CARGO_PKG_DESCRIPTION")]
//!
//! Source: `docs/REFERENCE.md`, "The file sync.toml". The file is data of its operators: whatever
//! is wrong with it is named at once, each mistake with its line and what to do.

mod fields;
mod filter;
mod instances;
mod mistakes;
mod partners;
mod roles;
mod salesforce;
mod section;
mod words;

use domain::model::{Mapping, file_digest};
use domain::{Error, Result};

use mistakes::Mistakes;
use roles::Roles;
use section::Section;

/// The file that comes with the product: the partner sync of GitLab.
pub const PRODUCTS_OWN: &str = include_str!("../../../infra/sync.toml");

/// More than any file has. A larger one is none of ours.
const MOST_BYTES: usize = 64 * 1024;

/// Reads the text of a `sync.toml`.
///
/// # Errors
/// [`Error::Config`] names every mistake, with its line and what to do.
pub fn read(text: &str) -> Result<Mapping> {
    let mut mistakes = Mistakes::of(text);
    let mapping = mapping(text, &mut mistakes);
    match (mapping, mistakes.into_text()) {
        (Some(mapping), None) => Ok(mapping),
        (_, wrong) => Err(Error::Config(format!(
            "sync.toml: {}",
            wrong.unwrap_or_else(|| "it cannot be read".to_owned())
        ))),
    }
}

/// The mapping, as far as it can be made: `None` only if there are mistakes.
fn mapping(text: &str, mistakes: &mut Mistakes<'_>) -> Option<Mapping> {
    if text.len() > MOST_BYTES {
        mistakes.in_general(format!("it has more than {MOST_BYTES} bytes"));
        return None;
    }
    let mut file = match toml_span::parse(text) {
        Ok(file) => Section::whole(file)?,
        Err(error) => {
            mistakes.of_toml(&error);
            return None;
        }
    };
    let salesforce = salesforce::read(&mut file, mistakes);
    let filter = filter::read(&mut file, mistakes);
    let partners = partners::read(&mut file, mistakes);
    let roles = Roles::read(&mut file, mistakes);
    let fields = fields::read(&mut file, mistakes);
    let purge = instances::purge(&mut file, mistakes);
    let instances = instances::read(&mut file, mistakes);
    file.end(mistakes);

    let (salesforce, filter, partners) = (salesforce?, filter?, partners?);
    let (roles, (target, others)) = (roles?, instances?);
    let fields = fields::with_roles(fields?, &roles, &salesforce, mistakes)?;
    partners.check(&fields, &filter, mistakes);
    Some(Mapping {
        text: text.to_owned(),
        digest: file_digest(text),
        object: salesforce.object,
        id: salesforce.id,
        name: salesforce.name,
        filter: filter.filter,
        named: partners.named,
        partner_types: partners.types,
        spellings: roles.spellings(&fields),
        fields: fields.into_iter().map(|placed| placed.field).collect(),
        purge,
        target,
        others,
    })
}

#[cfg(test)]
mod tests;
