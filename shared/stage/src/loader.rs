//! A stored plan with its lists: the one way to load it, verified.

use domain::model::{Header, ListDocument, Reference, entries_digest, run_key};
use domain::plan::{Creates, Entries, Listed, NotInSync, Plan, Planned, Updates};
use domain::{Error, Result};
use serde::de::DeserializeOwned;

use crate::store::Store;

/// Loads the plan a reference names, and all entries of its lists, held or not.
///
/// # Errors
/// [`Error::Contract`] if the plan or a list is gone, was changed since compare wrote it, or
/// belongs to another run.
pub async fn load_plan<S: Store>(store: &S, run_id: &str, plan: &Reference) -> Result<Planned> {
    let plan = store.get_json(plan).await?;
    verified(store, run_id, plan).await
}

/// Finds the run's plan; `None` if it has none.
///
/// # Errors
/// As for [`load_plan`].
pub async fn find_plan<S: Store>(store: &S, run_id: &str) -> Result<Option<Planned>> {
    match store.find_json(&run_key(run_id, "plan.json")).await? {
        None => Ok(None),
        Some(plan) => Ok(Some(verified(store, run_id, plan).await?)),
    }
}

async fn verified<S: Store>(store: &S, run_id: &str, plan: Plan) -> Result<Planned> {
    plan.header
        .check("plan.json", run_id, plan.counts.entries())?;
    let lists = &plan.lists;
    let entries = Entries {
        creates: entries_of::<Creates, S>(store, run_id, &lists.creates).await?,
        updates: entries_of::<Updates, S>(store, run_id, &lists.updates).await?,
        marks: entries_of::<NotInSync, S>(store, run_id, &lists.not_in_sync).await?,
    };
    Ok(Planned { plan, entries })
}

async fn entries_of<L, S>(store: &S, run_id: &str, listed: &Listed) -> Result<Vec<L::Entry>>
where
    L: ListDocument + DeserializeOwned,
    S: Store,
{
    let document: L = store.get_json(&listed.reference).await?;
    let (header, entries): (Header, _) = document.into_parts();
    header.check(L::FILE, run_id, entries.len())?;
    if entries_digest::<L>(&entries)? == listed.digest {
        Ok(entries)
    } else {
        Err(Error::Contract(format!(
            "{}: its entries are not those of the plan; start a new run",
            L::FILE
        )))
    }
}
