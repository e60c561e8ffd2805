//! What must hold after every hour.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use crate::in_process::Pipeline;
use crate::standins::seed::in_sync;
use crate::standins::{Logged, Running, World};

/// What a run was going to change on the target.
#[derive(Debug, Default)]
pub(super) struct Named {
    changed: BTreeSet<u64>,
    marked: BTreeSet<u64>,
    creates: usize,
}

impl Named {
    /// What the plan of the current run names; nothing if there is none.
    pub(super) fn by_the_plan(pipeline: &Pipeline) -> Self {
        let entries = |file: &str, list: &str| -> BTreeSet<u64> {
            let document = pipeline.document(file);
            let entries = document[list].as_array().into_iter().flatten();
            entries.filter_map(|entry| entry["id"].as_u64()).collect()
        };
        let marked = entries("not_in_sync.json", "not_in_sync");
        let mut changed = entries("updates.json", "updates");
        changed.extend(&marked);
        let creates = pipeline.document("creates.json")["creates"]
            .as_array()
            .map_or(0, Vec::len);
        Self {
            changed,
            marked,
            creates,
        }
    }
}

/// What must never have happened on the target, since it was as `before`: by the run that named
/// these, or by jobs of it that came late.
pub(super) fn check(
    standins: &Running,
    before: &BTreeMap<u64, Value>,
    named: &Named,
) -> Result<(), String> {
    let after = target(standins);
    let authorised = authorised(&standins.world());
    let is_marked = |one: &Value| one["organization_fields"]["mark_for_deletion"] == true;
    let (mut owners, mut bearers) = (BTreeMap::new(), BTreeMap::new());
    for (id, one) in &after {
        let old = before.get(id);
        let salesforce_id = one["organization_fields"]["salesforce_id"].as_str();
        let account = salesforce_id.filter(|account| authorised.contains(*account));
        if is_marked(one) && !old.is_some_and(is_marked) {
            if let Some(account) = account {
                return Err(format!(
                    "organization {id} was marked, and {account} is a partner"
                ));
            }
            if !named.marked.contains(id) {
                return Err(format!("organization {id} was marked, and no plan said so"));
            }
        }
        if let Some(account) = account
            && let Some(other) = owners.insert(account, id)
        {
            return Err(format!(
                "organizations {other} and {id} are both account {account}'s"
            ));
        }
        if let Some(other) = bearers.insert(one["name"].as_str(), id) {
            return Err(format!("organizations {other} and {id} have one name"));
        }
        if old.is_some_and(|old| old != one) && !named.changed.contains(id) {
            return Err(format!("organization {id} changed, and no plan named it"));
        }
    }
    Ok(())
}

/// No create is sent more than three times in a run.
pub(super) fn few_creates_were_sent(standins: &Running, named: &Named) -> Result<(), String> {
    let log = standins.world().log.clone();
    let is_create = |call: &&Logged| {
        (call.host == "global" && call.method == "POST" && call.path == "/api/v2/organizations")
            // These say that nothing was done.
            && call.status != 429
            && call.status != 401
    };
    let sent = log.iter().filter(is_create).count();
    if sent <= 3 * named.creates {
        return Ok(());
    }
    Err(format!(
        "{sent} creates were sent for {} accounts",
        named.creates
    ))
}

/// Salesforce and Zendesk after the faults: every partner has its organization, field by field, and
/// nobody else is unmarked.
pub(super) fn equal_now(standins: &Running) -> Result<(), String> {
    let world = standins.world().clone();
    let organizations = target(standins);
    for id in authorised(&world) {
        let record = world
            .salesforce
            .accounts
            .get(&id)
            .ok_or("an account is gone")?;
        let wanted = in_sync(0, record).ok_or("an account cannot be mapped")?;
        let own = organizations
            .values()
            .find(|one| one["organization_fields"]["salesforce_id"] == id.as_str());
        let own = own.ok_or_else(|| format!("account {id} has no organization"))?;
        for key in [
            "salesforce_id",
            "sfdc_short_id",
            "account_owner",
            "account_type",
            "support_hold",
            "solutions_architect",
        ] {
            if own["organization_fields"][key] != wanted["organization_fields"][key] {
                return Err(format!("account {id}: {key} differs"));
            }
        }
        if own["name"] != wanted["name"] || own["organization_fields"]["mark_for_deletion"] == true
        {
            return Err(format!("account {id}: the name differs, or it is marked"));
        }
    }
    Ok(())
}

/// The organizations of the target, without the time of their last change.
pub(super) fn target(standins: &Running) -> BTreeMap<u64, Value> {
    let mut organizations = standins.world().instance("global").organizations.clone();
    for one in organizations.values_mut() {
        one["updated_at"] = Value::Null;
    }
    organizations
}

fn authorised(world: &World) -> BTreeSet<String> {
    let accounts = world.salesforce.accounts.iter();
    accounts
        .filter(|(_, one)| one.get("Partners_Partner_Status__c") == Some(&json!("Authorized")))
        .map(|(id, _)| id.clone())
        .collect()
}
