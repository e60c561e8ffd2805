//! A past run's plan, computed again from its stored inputs.

use super::{Comparison, Creates, Entries, Listed, Lists, NotInSync, Plan, Planned, Updates};
use crate::model::{
    Accounts, Header, ListDocument, Mapping, Organizations, Reference, entries_digest, json_bytes,
    sha256,
};
use crate::{Error, Result};

/// Whether a document that was computed again equals the stored one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Replayed {
    pub file: &'static str,
    /// True if every byte is the same.
    pub same: bool,
}

/// Computes `creates.json`, `updates.json`, `not_in_sync.json` and `plan.json` of a run again, and
/// compares the bytes. `stored` gives a document of the run by its file name; `mapping` gives the
/// `sync.toml` of a digest, and the one that comes with the product if the plan names none.
///
/// What cannot be computed is taken from the stored documents: the time of writing, and what the
/// stages used.
///
/// # Errors
/// [`Error::Contract`] if a document is gone or does not hold together, and if an input is not the
/// one the plan was made from.
pub fn replay(
    mut stored: impl FnMut(&str) -> Option<Vec<u8>>,
    mapping: impl FnOnce(Option<&str>) -> Result<Mapping>,
) -> Result<Vec<Replayed>> {
    let mut read = |file: &str| {
        stored(file).ok_or_else(|| {
            Error::Contract(format!(
                "{file}: the document is gone; only a complete run can be replayed"
            ))
        })
    };
    let plan_bytes = read("plan.json")?;
    let plan: Plan = parse("plan.json", &plan_bytes)?;
    let Plan {
        header,
        mode,
        config,
        inputs,
        usage,
        lists: was,
        ..
    } = plan;
    let mapping = mapping(config.as_deref())?;
    let run_id = header.run_id.clone();
    let mut accounts: Accounts = parse("accounts.json", &input(&mut read, &inputs.accounts)?)?;
    let formers = std::mem::take(&mut accounts.formers);
    let organizations: Organizations = parse(
        "organizations.json",
        &input(&mut read, &inputs.organizations)?,
    )?;
    let comparison = Comparison::of(
        &accounts.into_complete(&run_id)?,
        &formers,
        organizations.into_complete(&run_id, &mapping.target.name)?,
        &inputs,
        &mapping,
        config.as_deref(),
    )?;

    let mut replayed = Vec::new();
    let Entries {
        creates,
        updates,
        marks,
    } = &comparison.changes.entries;
    let lists = Lists {
        creates: again::<Creates>(&mut read, &mut replayed, creates, &was.creates)?,
        updates: again::<Updates>(&mut read, &mut replayed, updates, &was.updates)?,
        not_in_sync: again::<NotInSync>(&mut read, &mut replayed, marks, &was.not_in_sync)?,
    };
    let Planned { plan, entries: _ } = comparison.plan(header, mode, lists, inputs, usage);
    replayed.push(Replayed {
        file: "plan.json",
        same: json_bytes("plan.json", &plan)? == plan_bytes,
    });
    Ok(replayed)
}

/// An input of the plan; refused if it is not the one that the plan was made from.
fn input(read: &mut impl FnMut(&str) -> Result<Vec<u8>>, reference: &Reference) -> Result<Vec<u8>> {
    let file = reference.key.rsplit('/').next().unwrap_or_default();
    let stored = read(file)?;
    if sha256(&stored) == reference.sha256 {
        return Ok(stored);
    }
    Err(Error::Contract(format!(
        "{file}: it is not the document the plan was made from; restore that version of the object"
    )))
}

/// A list, computed again, with the stored one's header.
fn again<L: ListDocument + serde::de::DeserializeOwned>(
    read: &mut impl FnMut(&str) -> Result<Vec<u8>>,
    replayed: &mut Vec<Replayed>,
    entries: &[L::Entry],
    was: &Listed,
) -> Result<Listed> {
    let stored = read(L::FILE)?;
    let (header, _) = parse::<L>(L::FILE, &stored)?.into_parts();
    let header = Header {
        count: entries.len(),
        ..header
    };
    let made = json_bytes(L::FILE, &L::of(header, entries))?;
    replayed.push(Replayed {
        file: L::FILE,
        same: made == stored,
    });
    Ok(Listed {
        reference: Reference {
            sha256: sha256(&made),
            count: entries.len(),
            ..was.reference.clone()
        },
        digest: entries_digest::<L>(entries)?,
    })
}

fn parse<T: serde::de::DeserializeOwned>(file: &str, stored: &[u8]) -> Result<T> {
    serde_json::from_slice(stored).map_err(|_| {
        Error::Contract(format!(
            "{file}: it is not of the shape this code reads; replay it with the code of its time"
        ))
    })
}
