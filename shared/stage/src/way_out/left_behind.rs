//! How far a failed run got, from what it left in the store.

use std::borrow::Cow;

use domain::model::{Accounts, Organizations, Results, Usage, run_key};
use domain::plan::{KnownResults, PlannedRun, Reached};
use domain::{Error, Result};

use crate::loader::find_plan;
use crate::recall::find_memory;
use crate::store::Store;

/// How far the run got. If something that it left cannot be read, the plan counts as unreadable.
///
/// # Errors
/// [`Error::Transient`] if the store does not answer: only that is worth another try.
pub async fn reached<S: Store>(store: &S, run_id: &str) -> Result<Reached<'static>> {
    match look(store, run_id).await {
        Err(error @ Error::Transient(_)) => Err(error),
        Err(error) => {
            tracing::warn!(run_id, "the report goes without the plan: {error}");
            Ok(Reached::UnreadablePlan)
        }
        Ok(reached) => Ok(reached),
    }
}

async fn look<S: Store>(store: &S, run_id: &str) -> Result<Reached<'static>> {
    let Some(planned) = find_plan(store, run_id).await? else {
        return gathered(store, run_id).await;
    };
    let stored = store.find_json(&run_key(run_id, "results.json")).await?;
    let (results, related, sync, known) = match stored {
        Some(Results {
            header: _,
            results,
            related,
            usage,
        }) => (results, related, usage, KnownResults::SoFar),
        None => (Vec::new(), Vec::new(), Usage::default(), KnownResults::None),
    };
    Ok(Reached::Plan(Box::new(PlannedRun {
        usage: planned.usage(sync),
        planned: Cow::Owned(planned),
        results,
        related,
        known,
    })))
}

/// What a run without a plan gathered.
async fn gathered<S: Store>(store: &S, run_id: &str) -> Result<Reached<'static>> {
    let accounts: Option<Accounts> = store.find_json(&run_key(run_id, "accounts.json")).await?;
    let organizations: Option<Organizations> = store
        .find_json(&run_key(run_id, "organizations.json"))
        .await?;
    let memory = find_memory(store, run_id).await?;
    let marked = memory.iter().flat_map(|memory| &memory.marked);
    Ok(Reached::BeforePlan {
        own_marks: marked.filter(|mark| !mark.exempt).count(),
        accounts: accounts.map(|accounts| accounts.header.count),
        instances: organizations
            .map(|organizations| organizations.instances)
            .unwrap_or_default(),
    })
}
