//! A stored plan with its lists: the one way to load it, verified.

use crate::store::Store;
use domain::model::{Header, ListDocument, Reference, RunUsage, Usage, entries_digest, run_key};
use domain::plan::{Create, Creates, Listed, Mark, NotInSync, Plan, Update, Updates};
use domain::{Error, Result};

/// A plan and all entries of its lists, held or not.
#[derive(Debug, Clone, PartialEq)]
pub struct Planned {
    /// `plan.json`.
    pub plan: Plan,
    /// The entries of `creates.json`.
    pub creates: Vec<Create>,
    /// The entries of `updates.json`.
    pub updates: Vec<Update>,
    /// The entries of `not_in_sync.json`.
    pub marks: Vec<Mark>,
}

impl Planned {
    /// Loads the plan a reference names.
    ///
    /// # Errors
    /// [`Error::Contract`] if the plan or a list is gone, was changed since compare wrote it, or
    /// belongs to another run.
    pub async fn load<S: Store>(store: &S, run_id: &str, plan: &Reference) -> Result<Self> {
        let plan = store.get_json(plan).await?;
        Self::verified(store, run_id, plan).await
    }

    /// Finds the run's plan; `None` if it has none.
    ///
    /// # Errors
    /// As for [`Planned::load`].
    pub async fn find<S: Store>(store: &S, run_id: &str) -> Result<Option<Self>> {
        match store.find_json(&run_key(run_id, "plan.json")).await? {
            None => Ok(None),
            Some(plan) => Ok(Some(Self::verified(store, run_id, plan).await?)),
        }
    }

    async fn verified<S: Store>(store: &S, run_id: &str, plan: Plan) -> Result<Self> {
        let counts = &plan.counts;
        let entries = counts.creates + counts.updates + counts.marks;
        plan.header.check("plan.json", run_id, entries)?;
        let lists = &plan.lists;
        Ok(Self {
            creates: entries_of::<Creates, S>(store, run_id, &lists.creates).await?,
            updates: entries_of::<Updates, S>(store, run_id, &lists.updates).await?,
            marks: entries_of::<NotInSync, S>(store, run_id, &lists.not_in_sync).await?,
            plan,
        })
    }

    /// What all stages of the run used, given what sync did.
    pub fn usage(&self, sync: Usage) -> RunUsage {
        RunUsage {
            sync,
            ..self.plan.usage.clone()
        }
    }
}

async fn entries_of<L, S>(store: &S, run_id: &str, listed: &Listed) -> Result<Vec<L::Entry>>
where
    L: ListDocument + serde::de::DeserializeOwned,
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
