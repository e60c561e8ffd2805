//! Worlds and time: hours in which accounts come and go, people edit, runs fail, the memory breaks,
//! and every Saturday what is marked is deleted. What must never happen is looked for at each step.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;

use super::for_tests::{account_id, gathered, inputs, lists, organization, owned, text};
use super::*;
use crate::model::{
    ACCOUNT_TYPE, Account, AccountId, Accounts, Action, Applied, Category, Fate, FieldValue,
    Former, Formers, Header, LastGood, MARK_FOR_DELETION, Memory, Mode, Organization, Outcome,
    RecordOutcome, RunUsage, TARGET, Verdict,
};

const MARK_AFTER_HOURS: u32 = 6;
const ACCOUNTS: usize = 16;

/// Something that happens in an hour.
#[derive(Debug, Clone)]
enum Event {
    Nothing,
    /// Terminated, or authorised again.
    Turns(usize),
    Deleted(usize),
    /// Gets one of a few names.
    Renamed(usize, usize),
    /// A sharing rule hides every account from this number on; or shows all again.
    Hidden(Option<usize>),
    /// A person makes the account's organization a customer's.
    BecomesCustomer(usize),
    /// A person writes something into the organization's Salesforce id.
    IdIsEdited(usize, usize),
    /// A person turns the mark around.
    MarkIsEdited(usize),
    MemoryBreaks,
    LatestBreaks,
}

/// How the run of an hour goes.
#[derive(Debug, Clone, Copy)]
enum Run {
    /// To its end; a person approves what the run before held, if told so.
    Ends { approved: bool },
    /// In plan mode.
    Plans,
    /// Before it has read everything.
    FailsEarly,
    /// After this many records; what it knows of them may be lost.
    FailsLate { records: usize, known: bool },
}

fn event() -> impl Strategy<Value = Event> {
    let one = 0..ACCOUNTS;
    prop_oneof![
        6 => Just(Event::Nothing),
        6 => one.clone().prop_map(Event::Turns),
        1 => one.clone().prop_map(Event::Deleted),
        1 => (one.clone(), 0..6_usize).prop_map(|(one, name)| Event::Renamed(one, name)),
        1 => prop::option::of(one.clone()).prop_map(Event::Hidden),
        1 => one.clone().prop_map(Event::BecomesCustomer),
        1 => (one.clone(), 0..4_usize).prop_map(|(one, what)| Event::IdIsEdited(one, what)),
        1 => one.prop_map(Event::MarkIsEdited),
        1 => prop_oneof![Just(Event::MemoryBreaks), Just(Event::LatestBreaks)],
    ]
}

fn run() -> impl Strategy<Value = Run> {
    prop_oneof![
        12 => Just(Run::Ends { approved: false }),
        1 => Just(Run::Ends { approved: true }),
        1 => Just(Run::Plans),
        1 => Just(Run::FailsEarly),
        1 => (0..6_usize, any::<bool>())
            .prop_map(|(records, known)| Run::FailsLate { records, known }),
    ]
}

/// An account as Salesforce has it.
#[derive(Debug, Clone)]
struct Partner {
    name: String,
    authorised: bool,
    deleted: bool,
}

/// Both systems, what the pipeline keeps between runs, and what the test knows better.
struct World {
    now: Timestamp,
    partners: Vec<Partner>,
    hidden_from: Option<usize>,
    organizations: BTreeMap<u64, Organization>,
    next_id: u64,
    memory: Option<Memory>,
    memory_is_broken: bool,
    latest_is_broken: bool,
    last_good: Option<LastGood>,
    digests: Vec<String>,
    /// Marks that were set by the pipeline and still stand, and the account of each.
    ours: BTreeMap<u64, AccountId>,
    /// Since when complete runs have missed an account.
    missed: BTreeMap<AccountId, Timestamp>,
    /// Marks that a person was shown as held, and has neither approved nor cleared up.
    held: BTreeSet<u64>,
    /// The largest limit of the week; `None` once a person has approved marks.
    limit: Option<usize>,
}

impl World {
    fn new() -> Self {
        let partners = (0..ACCOUNTS).map(|number| Partner {
            name: format!("Name {number}"),
            authorised: true,
            deleted: false,
        });
        let mut world = Self {
            // A Friday, so that a purge comes after half a day, and another one a week later.
            now: "2026-11-20T12:00:00Z".parse().unwrap(),
            partners: partners.collect(),
            hidden_from: None,
            organizations: BTreeMap::new(),
            next_id: 100,
            memory: None,
            memory_is_broken: false,
            latest_is_broken: false,
            last_good: None,
            digests: Vec::new(),
            ours: BTreeMap::new(),
            missed: BTreeMap::new(),
            held: BTreeSet::new(),
            limit: Some(0),
        };
        for (number, account) in world.accounts() {
            let id = number as u64;
            world
                .organizations
                .insert(id, organization(id, &account, &[]));
        }
        world
    }

    /// The accounts that the query finds.
    fn accounts(&self) -> Vec<(usize, Account)> {
        let all = self.partners.iter().enumerate();
        let found = all.filter(|(number, partner)| {
            partner.authorised && !partner.deleted && !self.is_hidden(*number)
        });
        found
            .map(|(number, partner)| (number, owned(number, &partner.name, "Open", "Ada")))
            .collect()
    }

    fn is_hidden(&self, number: usize) -> bool {
        self.hidden_from.is_some_and(|from| number >= from)
    }

    fn fate(&self, id: &AccountId) -> Fate {
        let number = (0..ACCOUNTS).find(|number| account_id(*number) == *id);
        let Some(number) = number.filter(|number| !self.is_hidden(*number)) else {
            return Fate::NotVisible;
        };
        let partner = &self.partners[number];
        if partner.deleted {
            return Fate::Deleted;
        }
        let status = if partner.authorised {
            "Authorized"
        } else {
            "Terminated"
        };
        Fate::AuthorisedNoMore {
            status: Some(status.to_owned()),
            kind: Some("Partner".to_owned()),
            track: Some("Open".to_owned()),
            last_changed: None,
        }
    }

    fn happens(&mut self, event: &Event) {
        let edit = |world: &mut Self, number: usize, key: &str, value: FieldValue| {
            if let Some(one) = world.organizations.get_mut(&(number as u64)) {
                one.organization_fields.set(key, value);
            }
        };
        match event {
            Event::Nothing => {}
            Event::Turns(number) => {
                let partner = &mut self.partners[*number];
                partner.authorised = !partner.authorised;
            }
            Event::Deleted(number) => self.partners[*number].deleted = true,
            Event::Renamed(number, name) => {
                self.partners[*number].name = format!("Name {name}");
            }
            Event::Hidden(from) => self.hidden_from = *from,
            Event::BecomesCustomer(number) => {
                edit(self, *number, ACCOUNT_TYPE, text("customer"));
            }
            Event::IdIsEdited(number, what) => {
                let id = account_id(*number);
                let written = match what {
                    0 => String::new(),
                    1 => "see notes".to_owned(),
                    2 => id.short().to_owned(),
                    _ => id.as_str().to_lowercase(),
                };
                edit(self, *number, "salesforce_id", text(written));
            }
            Event::MarkIsEdited(number) => {
                let id = *number as u64;
                let marked = self
                    .organizations
                    .get(&id)
                    .is_some_and(Organization::is_marked);
                edit(self, *number, MARK_FOR_DELETION, FieldValue::Flag(!marked));
                self.ours.remove(&id);
                // A person who marks it by hand has decided, and need not be asked again.
                self.held.remove(&id);
            }
            Event::MemoryBreaks => self.memory_is_broken = true,
            Event::LatestBreaks => self.latest_is_broken = true,
        }
    }

    fn inputs(&self, approve: Vec<String>) -> Inputs {
        let limit = |number, percent| Limit { number, percent };
        let memory = self.memory.clone().filter(|_| !self.memory_is_broken);
        let (memory, last_good) = if self.latest_is_broken {
            (memory.map(Memory::without_clocks), None)
        } else {
            (memory, self.last_good.clone())
        };
        let is_lost = self.memory_is_broken || self.latest_is_broken;
        let mut inputs = Inputs {
            approve,
            last_good,
            memory,
            memory_lost: is_lost.then(|| "it broke".to_owned()),
            ..inputs(self.now, MARK_AFTER_HOURS)
        };
        inputs.settings.limits = Limits {
            creates: limit(100, 0),
            updates: limit(100, 0),
            marks: limit(3, 5),
            min_accounts_percent: 0,
        };
        inputs
    }

    fn compared(&self, inputs: &Inputs) -> Comparison {
        let accounts: Vec<_> = self.accounts().into_iter().map(|(_, one)| one).collect();
        let known: BTreeSet<_> = accounts.iter().map(|one| one.id().unwrap()).collect();
        let accounts = Accounts {
            host: String::new(),
            header: Header::new("r", Timestamp::UNIX_EPOCH, accounts.len()),
            accounts,
            formers: Formers::default(),
        };
        let absent = inputs.memory.iter().flat_map(|memory| &memory.absent);
        let absent = absent.filter(|one| !known.contains(&one.salesforce_id));
        let formers = Formers {
            former: absent
                .map(|one| Former {
                    salesforce_id: one.salesforce_id.clone(),
                    fate: self.fate(&one.salesforce_id),
                })
                .collect(),
            former_error: None,
        };
        Comparison::of(
            &accounts.into_complete("r").unwrap(),
            &formers,
            gathered(self.organizations.values().cloned().collect()),
            inputs,
        )
        .unwrap()
    }

    /// One run, and what must hold of it.
    fn runs(&mut self, run: Run) -> Result<(), TestCaseError> {
        let (approved, mode, records) = match run {
            Run::Ends { approved } => (approved, Mode::Apply, usize::MAX),
            Run::Plans => (false, Mode::Plan, 0),
            Run::FailsEarly => return Ok(()),
            Run::FailsLate { records, .. } => (false, Mode::Apply, records),
        };
        let approve = if approved {
            self.digests.clone()
        } else {
            Vec::new()
        };
        let inputs = self.inputs(approve);
        let comparison = self.compared(&inputs);
        let guard = comparison.guard.clone();
        let changes = comparison.changes.clone();
        let lists = lists();
        let planned = comparison.plan(
            Header::new("r", Timestamp::UNIX_EPOCH, 0),
            mode,
            lists,
            inputs,
            RunUsage::default(),
        );
        if mode == Mode::Plan {
            return Ok(());
        }
        self.digests = guard.held().into_iter().map(|held| held.digest).collect();
        let results = self.apply(&planned.plan, &changes, records)?;
        let (results, finished) = match run {
            Run::FailsLate { known, .. } => (if known { results } else { Vec::new() }, false),
            _ => (results, true),
        };
        let known = if finished {
            KnownResults::All
        } else {
            KnownResults::SoFar
        };
        let run = PlannedRun {
            results: results.clone(),
            known,
            ..PlannedRun::cut_off(&planned)
        };
        self.memory = Some(remember(&run, self.now));
        self.memory_is_broken = false;
        if finished {
            self.complete(&planned.plan, &results);
        }
        Ok(())
    }

    /// What the test notes of a run that came to its end.
    fn complete(&mut self, plan: &Plan, results: &[RecordOutcome]) {
        let there: BTreeSet<_> = self
            .accounts()
            .iter()
            .map(|(number, _)| account_id(*number))
            .collect();
        for number in 0..ACCOUNTS {
            let id = account_id(number);
            if there.contains(&id) {
                self.missed.remove(&id);
                self.held.remove(&(number as u64));
            } else {
                self.missed.entry(id).or_insert(self.now);
            }
        }
        let ending = verdict(plan, &Applied::of(results));
        if ending != Verdict::Held {
            self.latest_is_broken = false;
            self.last_good = Some(LastGood {
                header: Header::new("r", Timestamp::UNIX_EPOCH, 0),
                verdict: ending,
                counts: plan.counts,
                instances: Vec::new(),
                failing: BTreeMap::new(),
            });
        }
    }

    /// Applies a plan as sync does, up to this many records.
    fn apply(
        &mut self,
        plan: &Plan,
        changes: &Changes,
        records: usize,
    ) -> Result<Vec<RecordOutcome>, TestCaseError> {
        let mut results = Vec::new();
        let mut done = |action, id: u64| {
            results.push(RecordOutcome {
                action,
                id: Some(id),
                salesforce_id: None,
                outcome: Outcome::Done,
                job_id: None,
                error: None,
                runs_failed: None,
            });
            results.len() < records
        };
        let mut goes_on = records > 0;
        for create in &changes.entries.creates {
            if !goes_on {
                break;
            }
            let id = self.next_id;
            self.next_id += 1;
            let new = Organization {
                instance: TARGET.to_owned(),
                id,
                name: create.name.clone(),
                external_id: Some(create.salesforce_id.to_string()),
                updated_at: String::new(),
                organization_fields: create.fields.clone(),
            };
            self.organizations.insert(id, new);
            goes_on = done(Action::Create, id);
        }
        for update in &changes.entries.updates {
            if !goes_on {
                break;
            }
            let one = self.organizations.get_mut(&update.id).unwrap();
            for Change { field, old: _, new } in &update.changes {
                if field == NAME {
                    new.as_text().unwrap().clone_into(&mut one.name);
                } else {
                    one.organization_fields.set(field, new.clone());
                }
            }
            if update.unmark().is_some() {
                self.ours.remove(&update.id);
            }
            goes_on = done(Action::Update, update.id);
        }
        self.note_the_guard(plan, changes);
        for mark in &changes.entries.marks {
            if !goes_on || plan.guard.holds(Category::Marks) {
                break;
            }
            prop_assert!(!self.held.contains(&mark.id), "{} was left held", mark.id);
            let one = self.organizations.get_mut(&mark.id).unwrap();
            one.organization_fields
                .set(MARK_FOR_DELETION, FieldValue::Flag(true));
            self.ours.insert(mark.id, one.account_id().unwrap());
            goes_on = done(Action::Mark, mark.id);
        }
        Ok(results)
    }

    fn note_the_guard(&mut self, plan: &Plan, changes: &Changes) {
        let marks = &plan.guard.categories[2];
        if marks.approved {
            self.held.clear();
            self.limit = None;
        }
        if marks.is_held() {
            self.held
                .extend(changes.entries.marks.iter().map(|mark| mark.id));
        }
        let limit = plan.inputs.settings.limits.marks;
        let limit = limit.of(plan.counts.partner_organizations);
        self.limit = self.limit.map(|most| most.max(limit));
    }

    /// Saturday: what is marked is deleted, and nothing of ours that should not be.
    fn purge(&mut self) -> Result<(), TestCaseError> {
        let marked = self.organizations.values().filter(|one| one.is_marked());
        let ours: Vec<_> = marked
            .filter_map(|one| self.ours.get_key_value(&one.id))
            .collect();
        for (id, account) in &ours {
            let since = self.missed.get(*account);
            prop_assert!(
                since.is_some(),
                "{id} is purged, and its account was there in the last complete run"
            );
            let least = SignedDuration::from_hours(i64::from(MARK_AFTER_HOURS));
            let missing = self.now.duration_since(*since.unwrap());
            prop_assert!(missing >= least, "{id} is purged after {missing}");
        }
        if let Some(limit) = self.limit {
            prop_assert!(ours.len() <= limit, "{} purged, limit {limit}", ours.len());
        }
        self.organizations.retain(|_, one| !one.is_marked());
        self.ours.clear();
        self.limit = Some(0);
        Ok(())
    }

    fn an_hour_passes(&mut self) -> Result<(), TestCaseError> {
        let next = self
            .now
            .saturating_add(SignedDuration::from_hours(1))
            .unwrap();
        if last_purge(next) > self.now {
            self.purge()?;
        }
        self.now = next;
        Ok(())
    }

    /// Every account that is in no conflict has its organization, unmarked; and every organization
    /// of a missing account is marked or held.
    fn equal(&self) -> Result<(), TestCaseError> {
        let inputs = self.inputs(Vec::new());
        let Comparison { changes, guard, .. } = self.compared(&inputs);
        prop_assert_eq!(&changes.entries.creates, &[]);
        prop_assert_eq!(&changes.entries.updates, &[]);
        prop_assert_eq!(&changes.found.deferred, &[]);
        prop_assert_eq!(&changes.found.waiting, &[]);
        prop_assert!(changes.entries.marks.is_empty() || guard.holds(Category::Marks));
        Ok(())
    }
}

proptest! {
    #[test]
    fn over_days_nobody_is_deleted_who_should_not_be_and_both_systems_become_equal(
        hours in prop::collection::vec((event(), run()), 1..80),
    ) {
        let mut world = World::new();
        for (event, run) in hours {
            world.happens(&event);
            world.runs(run)?;
            world.an_hour_passes()?;
        }
        for _ in 0..MARK_AFTER_HOURS + 3 {
            world.runs(Run::Ends { approved: false })?;
            world.an_hour_passes()?;
        }
        world.equal()?;
    }
}
