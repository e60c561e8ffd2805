//! What is to be applied: the plan's lists, verified, without what the guard holds.

use std::sync::Arc;

use domain::model::{Category, Key, MARK_FOR_DELETION, Mapping, Mode, Organization, Reference};
use domain::plan::{Change, Create, Mark, NAME, Plan, Planned, Update};
use domain::{Error, Result};
use jiff::Timestamp;
use serde_json::{Map, Value, json};
use stage::deadline::refuse_if_old;
use stage::loader::load_plan;
use stage::settings::Sync;
use stage::store::Store;

use crate::list::List;
use crate::refusal::Refusal;

#[derive(Debug)]
pub struct Work {
    /// The plan was made with it.
    pub mapping: Arc<Mapping>,
    /// The plan it comes from, with all of its lists.
    pub planned: Planned,
    /// For each list the places of its records in the plan's own; progress counts places in these.
    /// Updates are in two of them: those that take a mark back, and those that change anything
    /// else, unless that is held.
    unmarks: Vec<usize>,
    updates: Vec<usize>,
    /// Those of the categories that are not held.
    marks: Vec<usize>,
}

impl Work {
    /// Loads the plan with its lists, verified.
    ///
    /// # Errors
    /// [`Error::Contract`] if anything was changed since compare wrote it, [`Error::Input`] if the
    /// plan is not to be applied, [`Error::Config`] if it was made with another `sync.toml`.
    pub async fn load<S: Store>(
        store: &S,
        run_id: &str,
        plan: &Reference,
        config: &Sync,
        now: Timestamp,
    ) -> Result<Self> {
        let planned = load_plan(store, run_id, plan).await?;
        let mapping = planned.plan.mapping.clone().unwrap_or_default();
        let work = Self::of(planned, Arc::new(mapping));
        work.may_be_applied(now)?;
        work.is_made_for(config)?;
        Ok(work)
    }

    /// Refuses a plan that was made with another `sync.toml`, which may mean other fields, and one
    /// for an instance that this program may not write to.
    fn is_made_for(&self, config: &Sync) -> Result<()> {
        if self.plan().config.as_ref() != Some(&config.config) {
            return Err(Error::Config(
                "the plan was made with another sync.toml than the one beside this program, so \
                 nothing of it is written; deploy between runs, then start a new run"
                    .to_owned(),
            ));
        }
        let target = &self.mapping.target.name;
        if *target != config.target {
            return Err(Error::Config(format!(
                "sync.toml writes to {target:?}, and TargetInstance is {:?}: make them the same",
                config.target
            )));
        }
        Ok(())
    }

    fn of(planned: Planned, mapping: Arc<Mapping>) -> Self {
        let guard = &planned.plan.guard;
        let are_updates_free = !guard.holds(Category::Updates);
        let updates = || planned.entries.updates.iter().enumerate();
        let marks = planned.entries.marks.iter().enumerate();
        let changes = |update: &Update| of_list(List::Updates, update).next().is_some();
        Self {
            unmarks: places(updates().filter(|(_, update)| update.unmark().is_some())),
            updates: places(updates().filter(|(_, update)| are_updates_free && changes(update))),
            marks: places(marks.filter(|(_, mark)| !guard.holds(mark.category))),
            planned,
            mapping,
        }
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
        let name = &self.mapping.target.name;
        let target = self.plan().instances.iter().find(|one| one.name == *name);
        let was_read = target.map_or("", |target| target.host.as_str());
        if was_read == host {
            return Ok(());
        }
        Err(Error::Config(format!(
            "zendesk {name}: the plan was made from {was_read:?}, and the secret names {host:?} \
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

    fn places(&self, list: List) -> &[usize] {
        match list {
            List::Unmarks => &self.unmarks,
            List::Updates => &self.updates,
            List::Marks => &self.marks,
        }
    }

    pub fn len(&self, list: List) -> usize {
        self.places(list).len()
    }

    /// Where an update of the plan is in a list; `None` if it is not sent with that.
    pub fn place_of(&self, list: List, in_plan: usize) -> Option<usize> {
        self.places(list).binary_search(&in_plan).ok()
    }

    /// The records that are to be sent: an organization whose mark is taken back may be two.
    pub fn total(&self) -> usize {
        let in_bulk: usize = List::ALL.iter().map(|list| self.len(*list)).sum();
        self.creates().len() + in_bulk
    }

    /// The update at this place of the un-marks or of the updates.
    pub fn update(&self, list: List, place: usize) -> Option<&Update> {
        let places = match list {
            List::Unmarks => &self.unmarks,
            List::Updates => &self.updates,
            List::Marks => return None,
        };
        self.planned.entries.updates.get(*places.get(place)?)
    }

    pub fn mark(&self, place: usize) -> Option<&Mark> {
        self.planned.entries.marks.get(*self.marks.get(place)?)
    }

    /// The organization of a record.
    pub fn id(&self, list: List, place: usize) -> Option<u64> {
        match list {
            List::Unmarks | List::Updates => self.update(list, place).map(|update| update.id),
            List::Marks => self.mark(place).map(|mark| mark.id),
        }
    }

    /// The values that an update is sent with, without those that were refused.
    pub fn changes<'a>(
        &'a self,
        list: List,
        place: usize,
        refusal: Option<&'a Refusal>,
    ) -> impl Iterator<Item = &'a Change> {
        let update = self.update(list, place);
        let changes = update
            .into_iter()
            .flat_map(move |update| of_list(list, update));
        changes.filter(move |change| !refusal.is_some_and(|one| one.leaves_out(&change.field)))
    }

    /// What `update_many` is sent for a record: its id and only the fields that change.
    pub fn body(&self, list: List, place: usize, refusal: Option<&Refusal>) -> Option<Value> {
        let mut body = Map::new();
        let mut fields = Map::new();
        body.insert("id".to_owned(), json!(self.id(list, place)?));
        if list == List::Marks {
            fields.insert(self.zendesk_key(MARK_FOR_DELETION)?.to_owned(), json!(true));
        }
        for Change { field, old: _, new } in self.changes(list, place, refusal) {
            if field == NAME {
                body.insert(NAME.to_owned(), json!(new));
            } else {
                let key = self.zendesk_key(Key::known(field)?)?;
                fields.insert(key.to_owned(), json!(new));
            }
        }
        if !fields.is_empty() {
            body.insert("organization_fields".to_owned(), Value::Object(fields));
        }
        Some(Value::Object(body))
    }

    /// Zendesk's name of a field.
    fn zendesk_key(&self, key: Key) -> Option<&'static str> {
        self.mapping.zendesk_key(key).map(Key::name)
    }

    /// Which values a refusal of a record names: see [`Refusal::of`].
    pub fn refusal(&self, words: &str, sent: &[&str]) -> Option<Refusal> {
        Refusal::of(words, sent, &self.mapping)
    }

    /// True if the memory lists a mark on it: an earlier run set it, or may have.
    pub fn was_marked_before(&self, id: u64) -> bool {
        let memory = self.plan().inputs.memory.as_ref();
        let mut marked = memory.into_iter().flat_map(|memory| &memory.marked);
        marked.any(|mark| mark.id == id)
    }

    /// True if the organization has what the record wants it to have.
    pub fn is_done(
        &self,
        list: List,
        place: usize,
        refusal: Option<&Refusal>,
        organization: &Organization,
    ) -> bool {
        match list {
            List::Marks => organization.is_marked(),
            List::Unmarks | List::Updates => self
                .changes(list, place, refusal)
                .all(|change| change.is_done_on(organization)),
        }
    }

    /// True if an organization to be marked is still as compare saw it: a partner, not marked, not
    /// changed by anybody. Without an `updated_at` that cannot be known, so it is false.
    pub fn is_as_read(&self, place: usize, organization: &Organization) -> bool {
        organization.is_partner(&self.mapping)
            && !organization.is_marked()
            && !organization.updated_at.is_empty()
            && self
                .mark(place)
                .is_some_and(|mark| mark.updated_at == organization.updated_at)
    }
}

fn places<T>(entries: impl Iterator<Item = (usize, T)>) -> Vec<usize> {
    entries.map(|(place, _)| place).collect()
}

/// The changes of an update that are sent with this list.
fn of_list(list: List, update: &Update) -> impl Iterator<Item = &Change> {
    let takes_back = list == List::Unmarks;
    let changes = update.changes.iter();
    changes.filter(move |change| (change.field == MARK_FOR_DELETION.name()) == takes_back)
}
