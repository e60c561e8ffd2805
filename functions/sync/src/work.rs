//! What is to be applied: the plan's lists, verified, without what the guard holds.

use domain::model::{Action, Category, MARK_FOR_DELETION, Mode, Organization, Reference, TARGET};
use domain::plan::{Change, Create, Mark, NAME, Plan, Planned, Update};
use domain::{Error, Result};
use jiff::Timestamp;
use serde_json::{Map, Value, json};
use stage::deadline::refuse_if_old;
use stage::loader::load_plan;
use stage::store::Store;

#[derive(Debug)]
pub struct Work {
    /// The plan it comes from, with all of its lists.
    pub planned: Planned,
    /// If the updates are held: the un-marks among them, which are applied all the same.
    unmarks: Option<Vec<Update>>,
    /// The marks of the categories that are not held. Progress counts places in this list.
    marks: Vec<Mark>,
}

impl Work {
    /// Loads the plan with its lists, verified.
    ///
    /// # Errors
    /// [`Error::Contract`] if anything was changed since compare wrote it, [`Error::Input`] if the
    /// plan is not to be applied.
    pub async fn load<S: Store>(
        store: &S,
        run_id: &str,
        plan: &Reference,
        now: Timestamp,
    ) -> Result<Self> {
        let planned = load_plan(store, run_id, plan).await?;
        let unmarks = || {
            let updates = planned.entries.updates.iter();
            updates.filter_map(Update::only_unmark).collect()
        };
        let work = Self {
            unmarks: planned.plan.guard.holds(Category::Updates).then(unmarks),
            marks: planned.free_marks().cloned().collect(),
            planned,
        };
        work.may_be_applied(now)?;
        Ok(work)
    }

    /// Refuses a plan that is too old, and one that was only to be looked at.
    ///
    /// # Errors
    /// [`Error::Input`].
    pub fn may_be_applied(&self, now: Timestamp) -> Result<()> {
        let plan = self.plan();
        refuse_if_old(plan.inputs.started_at, now)?;
        if plan.mode != Mode::Apply {
            return Err(Error::Input(
                "plan.json was made in plan mode and is not applied; start an execution in apply \
                 mode"
                    .to_owned(),
            ));
        }
        Ok(())
    }

    pub fn plan(&self) -> &Plan {
        &self.planned.plan
    }

    /// Refuses to write to another host than the one whose organizations were compared.
    ///
    /// # Errors
    /// [`Error::Config`] names both hosts.
    pub fn may_write_to(&self, host: &str) -> Result<()> {
        let target = self.plan().instances.iter().find(|one| one.name == TARGET);
        let was_read = target.map_or("", |target| target.host.as_str());
        if was_read == host {
            return Ok(());
        }
        Err(Error::Config(format!(
            "zendesk {TARGET}: the plan was made from {was_read:?}, and the secret names {host:?} \
             now; nothing was written there; correct base_url, or start a new run"
        )))
    }

    /// Creates to be applied, in order.
    pub fn creates(&self) -> &[Create] {
        if self.plan().guard.holds(Category::Creates) {
            return &[];
        }
        &self.planned.entries.creates
    }

    fn updates(&self) -> &[Update] {
        self.unmarks
            .as_ref()
            .unwrap_or(&self.planned.entries.updates)
    }

    fn marks(&self) -> &[Mark] {
        &self.marks
    }

    pub fn total(&self) -> usize {
        self.creates().len() + self.updates().len() + self.marks().len()
    }

    pub fn len(&self, action: Action) -> usize {
        match action {
            Action::Create => self.creates().len(),
            Action::Update => self.updates().len(),
            Action::Mark => self.marks().len(),
        }
    }

    /// The organization of an update or mark.
    pub fn id(&self, action: Action, index: usize) -> Option<u64> {
        match action {
            Action::Create => None,
            Action::Update => self.updates().get(index).map(|update| update.id),
            Action::Mark => self.marks().get(index).map(|mark| mark.id),
        }
    }

    /// The account of a record, or the Salesforce id the organization carries.
    pub fn salesforce_id(&self, action: Action, index: usize) -> Option<String> {
        match action {
            Action::Create => self
                .creates()
                .get(index)
                .map(|create| create.salesforce_id.to_string()),
            Action::Update => self
                .updates()
                .get(index)
                .map(|update| update.salesforce_id.to_string()),
            Action::Mark => self
                .marks()
                .get(index)
                .and_then(|mark| mark.salesforce_id.clone()),
        }
    }

    /// What `update_many` is sent for an update or mark: its id and only the fields that change.
    pub fn body(&self, action: Action, index: usize) -> Option<Value> {
        let mut body = Map::new();
        let mut fields = Map::new();
        body.insert("id".to_owned(), json!(self.id(action, index)?));
        match action {
            Action::Create => return None,
            Action::Mark => {
                fields.insert(MARK_FOR_DELETION.to_owned(), json!(true));
            }
            Action::Update => {
                for Change { field, old: _, new } in &self.updates().get(index)?.changes {
                    let place = if field == NAME {
                        &mut body
                    } else {
                        &mut fields
                    };
                    place.insert(field.clone(), json!(new));
                }
            }
        }
        if !fields.is_empty() {
            body.insert("organization_fields".to_owned(), Value::Object(fields));
        }
        Some(Value::Object(body))
    }

    /// True if the memory lists a mark on it: an earlier run set it, or may have.
    pub fn was_marked_before(&self, id: u64) -> bool {
        let memory = self.plan().inputs.memory.as_ref();
        let mut marked = memory.into_iter().flat_map(|memory| &memory.marked);
        marked.any(|mark| mark.id == id)
    }

    /// True if the organization has what the update or mark wants it to have.
    pub fn is_done(&self, action: Action, index: usize, organization: &Organization) -> bool {
        match action {
            Action::Create => false,
            Action::Mark => organization.is_marked(),
            Action::Update => self
                .updates()
                .get(index)
                .is_some_and(|update| update.is_done_on(organization)),
        }
    }

    /// True if an organization to be marked is still as compare saw it: a partner, not marked, not
    /// changed by anybody. Without an `updated_at` that cannot be known, so it is false.
    pub fn is_as_read(&self, index: usize, organization: &Organization) -> bool {
        organization.is_partner()
            && !organization.is_marked()
            && !organization.updated_at.is_empty()
            && self
                .marks()
                .get(index)
                .is_some_and(|mark| mark.updated_at == organization.updated_at)
    }
}
