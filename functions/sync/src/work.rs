//! What is to be applied: the plan's lists, verified, without what the guard holds.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value, json};
use shared::model::{
    Action, FieldValue, Guarded, MARK_FOR_DELETION, Mode, Organization, Organizations, Reference,
    TARGET,
};
use shared::plan::{
    Create, Creates, List, Listed, Lists, Mark, NotInSync, Plan, Update, Updates, digest,
};
use shared::store::Store;
use shared::{Error, Result};

/// A run ends after three hours; an execution that was redriven later must not apply what it
/// planned then.
const OLDEST_PLAN: SignedDuration = SignedDuration::from_hours(4);

/// The work of one run.
#[derive(Debug)]
pub struct Work {
    /// The plan it comes from.
    pub plan: Plan,
    /// All of its lists, held or not, for the report.
    pub planned: (Vec<Create>, Vec<Update>, Vec<Mark>),
    /// Creates to be applied, in order.
    pub creates: Vec<Create>,
    updates: Vec<Update>,
    marks: Vec<Mark>,
    /// When each organization to be marked was changed last, as compare saw it.
    read_at: BTreeMap<u64, String>,
}

impl Work {
    /// Loads the plan and its lists and verifies the digests.
    ///
    /// # Errors
    /// [`Error::Contract`] if anything was changed since compare wrote it, [`Error::Input`] if the
    /// plan is not to be applied.
    pub async fn load<S: Store>(store: &S, run_id: &str, plan: &Reference) -> Result<Self> {
        let plan: Plan = store.get_json(plan).await?;
        plan.header.check(
            "plan.json",
            run_id,
            plan.counts.creates + plan.counts.updates + plan.counts.marks,
        )?;
        let age = Timestamp::now().duration_since(plan.header.generated_at);
        if age > OLDEST_PLAN {
            return Err(Error::Contract(
                "plan.json is too old to be applied; start a new run instead of redriving this one"
                    .to_owned(),
            ));
        }
        if plan.mode != Mode::Apply {
            return Err(Error::Input(
                "plan.json was made in plan mode and is not applied; start an \
                                     execution in apply mode"
                    .to_owned(),
            ));
        }
        let Lists {
            creates,
            updates,
            not_in_sync,
        } = &plan.lists;
        let mut creates = list::<Creates, S>(store, run_id, creates).await?;
        let mut updates = list::<Updates, S>(store, run_id, updates).await?;
        let mut marks = list::<NotInSync, S>(store, run_id, not_in_sync).await?;
        let planned = (creates.clone(), updates.clone(), marks.clone());
        if plan.guard.holds(Guarded::Creates) {
            creates.clear();
        }
        if plan.guard.holds(Guarded::Updates) {
            updates = updates.iter().filter_map(Update::only_unmark).collect();
        }
        if plan.guard.holds(Guarded::Marks) {
            marks.clear();
        }
        let mut read_at = BTreeMap::new();
        if !marks.is_empty() {
            let organizations: Organizations = store.get_json(&plan.inputs.organizations).await?;
            let target = organizations
                .organizations
                .into_iter()
                .filter(|one| one.instance == TARGET);
            read_at.extend(target.map(|one| (one.id, one.updated_at)));
        }
        Ok(Self {
            plan,
            planned,
            creates,
            updates,
            marks,
            read_at,
        })
    }

    /// Under which the failures of every planned record are counted, held or not.
    #[must_use]
    pub fn failing_keys(&self) -> BTreeSet<String> {
        let (creates, updates, marks) = &self.planned;
        let creates = creates
            .iter()
            .map(|create| create.salesforce_id.to_string());
        let updates = updates
            .iter()
            .map(|update| update.salesforce_id.to_string());
        let marks = marks.iter().map(|mark| {
            mark.salesforce_id
                .clone()
                .unwrap_or_else(|| mark.id.to_string())
        });
        creates.chain(updates).chain(marks).collect()
    }

    /// Records in all.
    #[must_use]
    pub fn total(&self) -> usize {
        self.creates.len() + self.updates.len() + self.marks.len()
    }

    /// Records of one kind.
    #[must_use]
    pub fn len(&self, action: Action) -> usize {
        match action {
            Action::Create => self.creates.len(),
            Action::Update => self.updates.len(),
            Action::Mark => self.marks.len(),
        }
    }

    /// The organization of an update or mark.
    #[must_use]
    pub fn id(&self, action: Action, index: usize) -> Option<u64> {
        match action {
            Action::Create => None,
            Action::Update => self.updates.get(index).map(|update| update.id),
            Action::Mark => self.marks.get(index).map(|mark| mark.id),
        }
    }

    /// The account of a record, or the Salesforce id the organization carries.
    #[must_use]
    pub fn salesforce_id(&self, action: Action, index: usize) -> Option<String> {
        match action {
            Action::Create => self
                .creates
                .get(index)
                .map(|create| create.salesforce_id.to_string()),
            Action::Update => self
                .updates
                .get(index)
                .map(|update| update.salesforce_id.to_string()),
            Action::Mark => self
                .marks
                .get(index)
                .and_then(|mark| mark.salesforce_id.clone()),
        }
    }

    /// What `update_many` is sent for an update or mark: its id and only the fields that change.
    #[must_use]
    pub fn body(&self, action: Action, index: usize) -> Option<Value> {
        let mut fields = Map::new();
        let mut body = Map::from_iter([("id".to_owned(), json!(self.id(action, index)?))]);
        match action {
            Action::Create => return None,
            Action::Mark => drop(fields.insert(MARK_FOR_DELETION.to_owned(), json!(true))),
            Action::Update => {
                for change in &self.updates.get(index)?.changes {
                    let to = if change.field == "name" {
                        &mut body
                    } else {
                        &mut fields
                    };
                    to.insert(change.field.clone(), json!(change.new));
                }
            }
        }
        if !fields.is_empty() {
            body.insert("organization_fields".to_owned(), Value::Object(fields));
        }
        Some(Value::Object(body))
    }

    /// True if the organization has what the update or mark wants it to have.
    #[must_use]
    pub fn is_done(&self, action: Action, index: usize, organization: &Organization) -> bool {
        match action {
            Action::Create => false,
            Action::Mark => organization.is_marked(),
            Action::Update => self.updates.get(index).is_some_and(|update| {
                update
                    .changes
                    .iter()
                    .all(|change| match change.field.as_str() {
                        "name" => FieldValue::text(Some(&organization.name)).means(&change.new),
                        key => organization.field(key).means(&change.new),
                    })
            }),
        }
    }

    /// True if an organization to be marked is still as compare saw it: a partner, not marked, not
    /// changed by anybody.
    #[must_use]
    pub fn is_as_read(&self, organization: &Organization) -> bool {
        organization.is_partner()
            && !organization.is_marked()
            && self.read_at.get(&organization.id) == Some(&organization.updated_at)
    }
}

async fn list<L: List + serde::de::DeserializeOwned, S: Store>(
    store: &S,
    run_id: &str,
    Listed {
        reference,
        digest: wanted,
    }: &Listed,
) -> Result<Vec<L::Entry>> {
    let (header, entries) = store.get_json::<L>(reference).await?.into_parts();
    header.check(L::FILE, run_id, entries.len())?;
    if digest::<L>(&entries)? != *wanted {
        return Err(Error::Contract(format!(
            "{}: its entries are not those of the plan; start a new run",
            L::FILE
        )));
    }
    Ok(entries)
}
