//! What must hold after every hour.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use crate::in_process::Pipeline;
use crate::standins::seed::in_sync;
use crate::standins::{Running, World};
use crate::sync_file::MAPPING;

/// What a run was going to change on the target, and what it said of that.
#[derive(Debug, Default)]
pub(super) struct Named {
    changed: BTreeSet<u64>,
    pub(super) marked: BTreeSet<u64>,
    /// Accounts to be given an organization.
    created: BTreeSet<String>,
    results: Vec<Value>,
    /// The values each update was to set.
    wanted: BTreeMap<u64, Vec<Value>>,
    /// The values each new organization was to have, by its account.
    creates: BTreeMap<String, Vec<Value>>,
}

impl Named {
    /// What the plan of the current run names, without the marks that are held; nothing if there is
    /// none.
    pub(super) fn by_the_plan(pipeline: &Pipeline) -> Self {
        let entries = |file: &str, list: &str| {
            let document = pipeline.document(file);
            document[list].as_array().cloned().unwrap_or_default()
        };
        let id = |entry: &Value| entry["id"].as_u64().unwrap_or_default();
        let marks = entries("not_in_sync.json", "not_in_sync");
        let plan = pipeline.document("plan.json");
        let judged = plan["guard"]["categories"]
            .as_array()
            .cloned()
            .unwrap_or_default();
        let are_held = judged.iter().any(|one| {
            one["category"] == "marks" && one["exceeded"] == true && one["approved"] == false
        });
        let marked = marks.iter().filter(|_| !are_held).map(id).collect();
        let updates = entries("updates.json", "updates");
        let mut changed: BTreeSet<u64> = updates.iter().map(id).collect();
        changed.extend(&marked);
        let creates = entries("creates.json", "creates");
        let account = |one: &Value| one["salesforce_id"].as_str().unwrap_or_default().to_owned();
        let values = |one: &Value| -> Vec<Value> {
            let fields = one["fields"].as_object().into_iter().flatten();
            fields
                .map(|(field, new)| json!({"field": field, "new": new}))
                .collect()
        };
        let wanted = updates.iter().map(|one| {
            let values = one["changes"].as_array().cloned().unwrap_or_default();
            (id(one), values)
        });
        Self {
            changed,
            marked,
            created: creates.iter().map(account).collect(),
            results: Vec::new(),
            wanted: wanted.collect(),
            creates: creates
                .iter()
                .map(|one| (account(one), values(one)))
                .collect(),
        }
    }

    /// The values that a result's record was to get.
    fn wanted(&self, result: &Value) -> Vec<Value> {
        let id = result["id"].as_u64().unwrap_or_default();
        let account = result["salesforce_id"].as_str().unwrap_or_default();
        let of_create = || self.creates.get(account);
        let of_update = self.wanted.get(&id);
        of_update.or_else(of_create).cloned().unwrap_or_default()
    }

    /// Fails if a mark that was to be taken back still stands, unless a job of an earlier hour that
    /// is stuck has its record: then Zendesk says that the two collide.
    ///
    /// # Errors
    /// The organization's id.
    pub(super) fn every_mark_is_taken_back(&self) -> Result<(), String> {
        for (id, changes) in &self.wanted {
            let unmark = json!({"field": "mark_for_deletion", "new": false});
            let takes_back =
                |one: &Value| one["field"] == unmark["field"] && one["new"] == unmark["new"];
            let result = self.results.iter().find(|one| one["id"] == *id);
            let is_done = result.is_some_and(|one| one["unmarked"] == true);
            let words = result.and_then(|one| one["error"].as_str());
            let collides = words.is_some_and(|words| words.contains("DatabaseConflict"));
            if changes.iter().any(takes_back) && !is_done && !collides {
                return Err(format!(
                    "the mark of organization {id} was not taken back: {result:?}"
                ));
            }
        }
        Ok(())
    }

    /// The records of the run that were refused, and those of them whose rest was written.
    pub(super) fn refused(&self) -> (usize, usize) {
        let failed = self.results.iter().filter(|one| one["outcome"] == "failed");
        let left_out = failed.clone().filter(|one| one["left_out"].is_array());
        (failed.count(), left_out.count())
    }

    /// The names that were refused because somebody has them.
    pub(super) fn taken(&self) -> usize {
        let words = self.results.iter().filter_map(|one| one["error"].as_str());
        words
            .filter(|words| words.contains("has already been taken"))
            .count()
    }

    /// The marks that were taken back though something else of the record was refused.
    pub(super) fn unmarked_all_the_same(&self) -> usize {
        let unmarked = self.results.iter().filter(|one| one["unmarked"] == true);
        unmarked.filter(|one| one["outcome"] != "done").count()
    }

    /// With what the run said in the end.
    pub(super) fn with_results(mut self, pipeline: &Pipeline) -> Self {
        let results = pipeline.document("results.json");
        self.results = results["results"].as_array().cloned().unwrap_or_default();
        self
    }
}

/// No word about a record is false: what is done is there, and what has failed is not.
fn words_are_true(after: &BTreeMap<u64, Value>, named: &Named) -> Result<(), String> {
    for result in &named.results {
        let id = result["id"].as_u64();
        let left_out = |field: &Value| {
            let mut all = result["left_out"].as_array().into_iter().flatten();
            all.any(|one| one == field)
        };
        let is_there = match (result["action"].as_str(), id.and_then(|id| after.get(&id))) {
            (Some("create"), None) => {
                let mut all = after.values();
                all.any(|one| one["external_id"] == result["salesforce_id"])
            }
            (Some("create"), Some(_)) => true,
            (Some("mark"), Some(one)) => is_marked(one),
            (_, Some(one)) => {
                let wanted = id.and_then(|id| named.wanted.get(&id));
                wanted.into_iter().flatten().all(|change| has(one, change))
            }
            (_, None) => false,
        };
        let organization = id.and_then(|id| after.get(&id));
        let is_false = match result["outcome"].as_str() {
            Some("done") => !is_there,
            Some("failed") if result["left_out"].is_array() => {
                let wanted = named.wanted(result);
                let fits =
                    |one: &Value, change: &Value| has(one, change) != left_out(&change["field"]);
                !organization.is_some_and(|one| wanted.iter().all(|change| fits(one, change)))
            }
            Some("failed") => is_there,
            _ => false,
        };
        let is_marked = organization.is_some_and(is_marked);
        let is_false = is_false || (result["unmarked"] == true && is_marked);
        if is_false {
            return Err(format!("a false word: {result}"));
        }
    }
    Ok(())
}

/// True if an organization has the new value of a change. An empty value may have any form.
fn has(one: &Value, change: &Value) -> bool {
    let field = change["field"].as_str().unwrap_or_default();
    let value = if field == "name" {
        &one["name"]
    } else {
        &one["organization_fields"][field]
    };
    let is_nothing =
        |value: &Value| *value == json!(null) || *value == json!(false) || *value == json!("");
    *value == change["new"] || (is_nothing(value) && is_nothing(&change["new"]))
}

fn is_marked(one: &Value) -> bool {
    one["organization_fields"]["mark_for_deletion"] == true
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
    words_are_true(&after, named)?;
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

/// No create is sent more than three times in a run, and none that was not planned.
pub(super) fn few_creates_were_sent(standins: &Running, named: &Named) -> Result<(), String> {
    let mut sent = BTreeMap::<String, usize>::new();
    let world = standins.world();
    let creates = world.log.iter().filter(|call| {
        // These statuses say that nothing was done.
        call.host == "global" && !call.creates.is_empty() && ![401, 422, 429].contains(&call.status)
    });
    for call in creates {
        *sent.entry(call.creates.clone()).or_default() += 1;
    }
    for (account, times) in sent {
        if times > 3 || !named.created.contains(&account) {
            return Err(format!("{account} was created {times} times"));
        }
    }
    Ok(())
}

/// Salesforce and Zendesk after the faults: every partner has its organization, field by field, and
/// every other partner organization is marked.
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
        for field in MAPPING.fields.iter().map(|field| field.key.name()) {
            let new = if field == "name" {
                &wanted["name"]
            } else {
                &wanted["organization_fields"][field]
            };
            if !has(own, &json!({"field": field, "new": new})) {
                return Err(format!("account {id}: {field} differs"));
            }
        }
        if is_marked(own) {
            return Err(format!("account {id}: its organization is marked"));
        }
    }
    let partners = authorised(&world);
    for (id, one) in &organizations {
        let fields = &one["organization_fields"];
        let is_partner = fields["account_type"]
            .as_str()
            .is_some_and(|tag| MAPPING.is_partner_type(tag));
        let account = fields["salesforce_id"].as_str().unwrap_or_default();
        if is_partner && !partners.contains(account) && !is_marked(one) {
            return Err(format!(
                "organization {id} is nobody's any more, and is not marked"
            ));
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
