//! Worlds and time: hours in which accounts come and go, are merged, hidden and deleted, people
//! edit, runs fail, the memory breaks, and every Saturday the purge deletes what is marked; or
//! later, or not at all. What must never happen is looked for at each step.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;

use super::for_tests::{
    ACCOUNT_TYPE, EXPIRATION_DATE, IGNORE_DELETION, MAPPING, MARK_FOR_DELETION, PURGE, account_id,
    gathered, inputs, key, lists, organization, owned, text, values, with_status,
};
use super::*;
use crate::model::{
    Account, AccountId, Accounts, Action, Applied, Category, Claim, Fate, FieldValue, Former,
    Formers, Header, History, LastGood, Memory, Mode, Organization, Outcome, PastRun,
    RecordOutcome, RunUsage, Verdict,
};

const MARK_AFTER_HOURS: u32 = 6;
const QUIET_HOURS: u32 = 3;
const ACCOUNTS: usize = 16;
/// The most marks, creates and updates without an approval: the shares of 16 are fewer.
const MOST_MARKS: usize = 3;
const MOST_OTHERS: usize = 5;
/// Marks are held if fewer accounts are read than this share of the week's most, in percent.
const MIN_PERCENT: usize = 50;

/// Something that happens in an hour.
#[derive(Debug, Clone)]
enum Event {
    Nothing,
    /// Terminated, or authorised again.
    Turns(usize),
    Deleted(usize),
    /// Merged into another account.
    Merged(usize, usize),
    /// The recycle bin is emptied: what was deleted or merged is not visible any more.
    BinIsEmptied,
    /// No partner's account any more, or again one.
    TypeTurns(usize),
    /// Gets one of a few names.
    Renamed(usize, usize),
    /// A sharing rule hides every account from this number on; or shows all again.
    Hidden(Option<usize>),
    /// The next run gets no answer to its question about former accounts.
    NoAnswer,
    /// Its account id is protected by a parameter, or no more.
    ProtectionTurns(usize),
    /// A person makes the account's organization a customer's.
    BecomesCustomer(usize),
    /// A person writes something into the organization's Salesforce id.
    IdIsEdited(usize, usize),
    /// A person turns the mark around.
    MarkIsEdited(usize),
    /// A person writes an expiration date.
    DateIsEdited(usize, &'static str),
    /// Somebody changes the owner of every organization from this number on.
    OwnersAreEdited(usize),
    /// Somebody deletes every organization from this number on.
    OrganizationsAreLost(usize),
    /// The organization gets a ticket, or its last one is closed.
    TicketsTurn(usize),
    /// The next purges come this many hours late; `None`: not at all.
    PurgeIs(Option<u8>),
    MemoryBreaks,
    LatestBreaks,
}

/// How the run of an hour goes.
#[derive(Debug, Clone, Copy)]
enum Run {
    /// To its end; a person approves what they were shown, if they do.
    Ends { approves: Approves },
    /// In plan mode.
    Plans,
    /// Before it has read everything, or it is not started at all.
    FailsEarly,
    /// After this many records; what it knows of them may be lost.
    FailsLate { records: usize, known: bool },
}

/// What a person approves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Approves {
    Nothing,
    /// What the run before held.
    TheLast,
    /// Whatever was ever held.
    All,
}

fn event() -> impl Strategy<Value = Event> {
    let one = 0..ACCOUNTS;
    let dates = prop::sample::select(vec!["", "2010-01-01", "2026-01-01", "soon"]);
    prop_oneof![
        8 => Just(Event::Nothing),
        8 => one.clone().prop_map(Event::Turns),
        1 => one.clone().prop_map(Event::Deleted),
        1 => (one.clone(), one.clone()).prop_map(|(one, into)| Event::Merged(one, into)),
        1 => Just(Event::BinIsEmptied),
        1 => one.clone().prop_map(Event::TypeTurns),
        1 => (one.clone(), 0..6_usize).prop_map(|(one, name)| Event::Renamed(one, name)),
        1 => prop::option::of(one.clone()).prop_map(Event::Hidden),
        1 => Just(Event::NoAnswer),
        1 => one.clone().prop_map(Event::ProtectionTurns),
        1 => one.clone().prop_map(Event::BecomesCustomer),
        1 => (one.clone(), 0..4_usize).prop_map(|(one, what)| Event::IdIsEdited(one, what)),
        1 => one.clone().prop_map(Event::MarkIsEdited),
        2 => (one.clone(), dates).prop_map(|(one, date)| Event::DateIsEdited(one, date)),
        1 => one.clone().prop_map(Event::OwnersAreEdited),
        1 => one.clone().prop_map(Event::OrganizationsAreLost),
        1 => one.prop_map(Event::TicketsTurn),
        1 => prop::option::of(1..30_u8).prop_map(Event::PurgeIs),
        1 => prop_oneof![Just(Event::MemoryBreaks), Just(Event::LatestBreaks)],
    ]
}

fn run() -> impl Strategy<Value = Run> {
    let ends = |approves| Just(Run::Ends { approves });
    prop_oneof![
        24 => ends(Approves::Nothing),
        2 => ends(Approves::TheLast),
        1 => ends(Approves::All),
        2 => Just(Run::Plans),
        3 => Just(Run::FailsEarly),
        2 => (0..6_usize, any::<bool>())
            .prop_map(|(records, known)| Run::FailsLate { records, known }),
    ]
}

/// An account as Salesforce has it.
#[derive(Debug, Clone)]
struct Partner {
    name: String,
    authorised: bool,
    gone: Option<Gone>,
    /// True once the recycle bin does not show it any more.
    forgotten: bool,
    is_customer: bool,
}

/// How an account went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Gone {
    Deleted,
    MergedInto(usize),
}

impl Partner {
    fn is_there(&self) -> bool {
        self.authorised && !self.is_customer && self.gone.is_none()
    }
}

/// A mark that the pipeline has set and that stands.
#[derive(Debug, Clone)]
struct Ours {
    at: Timestamp,
    approved: bool,
    /// True once a lost memory has left nobody who knows whose it is.
    perhaps: bool,
}

/// Both systems, what the pipeline keeps between runs, and what the test knows better.
struct World {
    now: Timestamp,
    partners: Vec<Partner>,
    hidden_from: Option<usize>,
    answers: bool,
    protected: BTreeSet<usize>,
    tickets: BTreeSet<u64>,
    purge_is_late_by: Option<u8>,
    organizations: BTreeMap<u64, Organization>,
    next_id: u64,
    memory: Option<Memory>,
    memory_is_broken: bool,
    latest_is_broken: bool,
    last_good: Option<LastGood>,
    history: History,
    digests: Vec<String>,
    all_digests: Vec<String>,
    /// Marks that were set by the pipeline and still stand.
    ours: BTreeMap<u64, Ours>,
    /// Organizations that the last complete run, or a later one that was cut off, would mark if
    /// enough time had passed.
    wanted: BTreeSet<u64>,
    /// Since when complete runs have missed an account.
    missed: BTreeMap<AccountId, Timestamp>,
    /// Marks that a person was shown as held, and has neither approved nor cleared up.
    held: BTreeSet<u64>,
    /// The same of creates and updates, by their keys.
    others_held: BTreeMap<Category, BTreeSet<String>>,
    /// How many accounts each good run has read.
    read: Vec<(Timestamp, usize)>,
}

impl World {
    fn new() -> Self {
        let partners = (0..ACCOUNTS).map(|number| Partner {
            name: format!("Name {number}"),
            authorised: true,
            gone: None,
            forgotten: false,
            is_customer: false,
        });
        // A Friday, so that a purge comes after half a day, and another one a week later.
        let now = "2026-11-20T12:00:00Z".parse().unwrap();
        let mut world = Self {
            now,
            partners: partners.collect(),
            hidden_from: None,
            answers: true,
            protected: BTreeSet::new(),
            tickets: BTreeSet::new(),
            purge_is_late_by: Some(0),
            organizations: BTreeMap::new(),
            next_id: 100,
            memory: None,
            memory_is_broken: false,
            latest_is_broken: false,
            last_good: None,
            history: History::new("r", now),
            digests: Vec::new(),
            all_digests: Vec::new(),
            ours: BTreeMap::new(),
            wanted: BTreeSet::new(),
            missed: BTreeMap::new(),
            held: BTreeSet::new(),
            others_held: BTreeMap::new(),
            read: Vec::new(),
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
        let found = all.filter(|(number, partner)| partner.is_there() && !self.is_hidden(*number));
        found
            .map(|(number, partner)| (number, owned(number, &partner.name, "Open", "Ada")))
            .collect()
    }

    fn is_hidden(&self, number: usize) -> bool {
        self.hidden_from.is_some_and(|from| number >= from) || self.partners[number].forgotten
    }

    fn number(id: &AccountId) -> Option<usize> {
        (0..ACCOUNTS).find(|number| account_id(*number) == *id)
    }

    fn fate(&self, id: &AccountId) -> Fate {
        let Some(number) = Self::number(id).filter(|number| !self.is_hidden(*number)) else {
            return Fate::NotVisible;
        };
        let partner = &self.partners[number];
        match partner.gone {
            Some(Gone::MergedInto(into)) => {
                let into = account_id(self.survivor(into));
                return Fate::Merged { into };
            }
            Some(Gone::Deleted) => return Fate::Deleted,
            None => {}
        }
        if partner.is_customer {
            let values = values(&[("type", Some("Customer"))]);
            return Fate::OtherType { values };
        }
        with_status(if partner.authorised {
            "Authorized"
        } else {
            "Terminated"
        })
    }

    fn survivor(&self, mut number: usize) -> usize {
        for _ in 0..ACCOUNTS {
            match self.partners[number].gone {
                Some(Gone::MergedInto(into)) => number = into,
                Some(Gone::Deleted) | None => break,
            }
        }
        number
    }

    /// What the rules say of an organization, apart from how long it has waited: the test's own
    /// statement of them.
    fn would_be_marked(&self, one: &Organization) -> bool {
        let Some(number) = one.account_id().as_ref().and_then(Self::number) else {
            return false;
        };
        let partner = &self.partners[number];
        let is_there = partner.is_there() && !self.is_hidden(number);
        let date = one.named_field(EXPIRATION_DATE).as_text();
        let is_retained = date.is_some_and(|date| date != "2010-01-01");
        let is_kept = is_there || self.protected.contains(&number) || is_retained;
        let is_terminated = !partner.is_customer && !partner.authorised && !self.is_hidden(number);
        let is_merged = matches!(partner.gone, Some(Gone::MergedInto(_)));
        let is_deleted = partner.gone == Some(Gone::Deleted);
        let has_evidence = !is_merged && (is_deleted || is_terminated);
        // What is hidden may have been merged, and nobody can know.
        let may_be_approved = !is_merged || self.is_hidden(number);
        let is_approved = self.ours.get(&one.id).is_some_and(|mark| mark.approved);
        one.is_partner(&MAPPING) && !is_kept && (has_evidence || (is_approved && may_be_approved))
    }

    fn happens(&mut self, event: &Event) {
        let edit = |world: &mut Self, number: usize, name: &str, value: FieldValue| {
            if let Some(one) = world.organizations.get_mut(&(number as u64)) {
                one.organization_fields.set(key(name), value);
            }
        };
        match event {
            Event::Nothing => {}
            Event::Turns(number) => {
                let partner = &mut self.partners[*number];
                partner.authorised = !partner.authorised;
            }
            Event::Deleted(number) => {
                let partner = &mut self.partners[*number];
                partner.gone = partner.gone.or(Some(Gone::Deleted));
            }
            Event::Merged(number, into) => {
                let survivor = self.survivor(*into);
                let loser = &mut self.partners[*number];
                if survivor != *number {
                    loser.gone = loser.gone.or(Some(Gone::MergedInto(survivor)));
                }
            }
            Event::BinIsEmptied => {
                for partner in &mut self.partners {
                    partner.forgotten = partner.gone.is_some();
                }
            }
            Event::TypeTurns(number) => {
                let partner = &mut self.partners[*number];
                partner.is_customer = !partner.is_customer;
            }
            Event::NoAnswer => self.answers = false,
            Event::ProtectionTurns(number) => {
                if !self.protected.remove(number) {
                    self.protected.insert(*number);
                }
            }
            Event::DateIsEdited(number, date) => {
                edit(self, *number, EXPIRATION_DATE, text(date));
            }
            Event::OwnersAreEdited(from) => {
                for number in *from..ACCOUNTS {
                    edit(self, number, "account_owner", text("Sam"));
                }
            }
            Event::OrganizationsAreLost(from) => {
                let from = *from as u64;
                self.organizations.retain(|id, _| *id < from);
                self.ours.retain(|id, _| *id < from);
                self.held.retain(|id| *id < from);
            }
            Event::TicketsTurn(number) => {
                let id = *number as u64;
                if !self.tickets.remove(&id) {
                    self.tickets.insert(id);
                }
            }
            Event::PurgeIs(late) => self.purge_is_late_by = *late,
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
            week: self.history.week(self.now),
            ..inputs(self.now, MARK_AFTER_HOURS)
        };
        inputs.settings.quiet_hours = QUIET_HOURS;
        inputs.settings.protected = self.protected.iter().map(|one| account_id(*one)).collect();
        inputs.settings.limits = Limits {
            creates: limit(MOST_OTHERS, 0),
            updates: limit(MOST_OTHERS, 0),
            marks: limit(MOST_MARKS, 5),
            min_accounts_percent: MIN_PERCENT,
        };
        inputs
    }

    /// What Salesforce says of the accounts that the memory names.
    fn formers(&self, inputs: &Inputs) -> Formers {
        if !self.answers {
            return Formers {
                former: Vec::new(),
                former_error: Some("no answer".to_owned()),
            };
        }
        let there: BTreeSet<_> = self.ids_that_are_there();
        let memory = inputs.memory.iter();
        let absent = memory.clone().flat_map(|memory| &memory.absent);
        let marked = memory.flat_map(|memory| &memory.marked);
        let asked: BTreeSet<&AccountId> = absent
            .map(|one| &one.salesforce_id)
            .chain(marked.map(|one| &one.salesforce_id))
            .collect();
        let missing = asked.into_iter().filter(|id| !there.contains(*id));
        Formers {
            former: missing
                .map(|id| Former {
                    salesforce_id: id.clone(),
                    fate: self.fate(id),
                })
                .collect(),
            former_error: None,
        }
    }

    fn ids_that_are_there(&self) -> BTreeSet<AccountId> {
        let accounts = self.accounts();
        accounts
            .iter()
            .map(|(number, _)| account_id(*number))
            .collect()
    }

    fn compared(&self, inputs: &Inputs) -> Comparison {
        let accounts: Vec<_> = self.accounts().into_iter().map(|(_, one)| one).collect();
        let accounts = Accounts {
            host: String::new(),
            header: Header::new("r", Timestamp::UNIX_EPOCH, accounts.len()),
            accounts,
            formers: Formers::default(),
        };
        Comparison::of(
            &accounts.into_complete("r").unwrap(),
            &self.formers(inputs),
            gathered(self.organizations.values().cloned().collect()),
            inputs,
            &MAPPING,
            None,
        )
        .unwrap()
    }

    /// One run, and what must hold of it.
    fn runs(&mut self, run: Run) -> Result<(), TestCaseError> {
        let (approves, mode, records) = match run {
            Run::Ends { approves } => (approves, Mode::Apply, usize::MAX),
            Run::Plans => (Approves::Nothing, Mode::Plan, 0),
            Run::FailsEarly => return Ok(()),
            Run::FailsLate { records, .. } => (Approves::Nothing, Mode::Apply, records),
        };
        let approve = match approves {
            Approves::Nothing => Vec::new(),
            Approves::TheLast => self.digests.clone(),
            Approves::All => self.all_digests.clone(),
        };
        let inputs = self.inputs(approve);
        if inputs.memory.is_none() && mode == Mode::Apply {
            for mark in self.ours.values_mut() {
                mark.perhaps = true;
            }
        }
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
        self.all_digests.extend(self.digests.clone());
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
        self.note(&planned.plan, &results, finished);
        if finished {
            self.complete(&planned.plan, &results)?;
        }
        Ok(())
    }

    fn note(&mut self, plan: &Plan, results: &[RecordOutcome], finished: bool) {
        let held = plan.guard.held();
        let applied = Applied::of(results);
        let ending = if finished {
            verdict(plan, &applied)
        } else {
            Verdict::Failed
        };
        self.history.note(PastRun {
            run_id: self.now.to_string(),
            ended_at: self.now,
            seconds: 1,
            ending,
            error: None,
            counts: plan.counts,
            applied,
            linked: Some(plan.guard.seen.linked),
            held: held.iter().map(|held| held.category).collect(),
            offered: held,
            claim: Claim::default(),
            told: false,
            untold: Vec::new(),
        });
    }

    /// What the test notes of a run that came to its end, and what must hold after it.
    fn complete(&mut self, plan: &Plan, results: &[RecordOutcome]) -> Result<(), TestCaseError> {
        let there = self.ids_that_are_there();
        for number in 0..ACCOUNTS {
            let id = account_id(number);
            if there.contains(&id) {
                self.missed.remove(&id);
            } else {
                self.missed.entry(id).or_insert(self.now);
            }
        }
        let organizations = &self.organizations;
        self.held.retain(|id| {
            let account = organizations.get(id).and_then(Organization::account_id);
            account.is_some_and(|id| !there.contains(&id))
        });
        if self.answers {
            let all = self.organizations.values();
            let wanted = all.filter(|one| self.would_be_marked(one));
            self.wanted = wanted.map(|one| one.id).collect();
            for (id, _) in self.ours.iter().filter(|(_, mark)| !mark.perhaps) {
                let stays = self.wanted.contains(id);
                prop_assert!(stays, "our mark on {id} stands, and its reason is gone");
            }
        }
        self.answers = true;
        let held: Vec<_> = plan.guard.held().iter().map(|held| held.category).collect();
        let ending = verdict(plan, &Applied::of(results));
        if ending.moves_latest(&held) {
            self.read.push((self.now, plan.counts.accounts));
            self.latest_is_broken = false;
            self.last_good = Some(LastGood {
                header: Header::new("r", Timestamp::UNIX_EPOCH, 0),
                verdict: ending,
                counts: plan.counts,
                linked: Some(plan.guard.seen.linked),
                instances: Vec::new(),
                failing: BTreeMap::new(),
            });
        }
        Ok(())
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
            results.push(RecordOutcome::of(action, Some(id), Outcome::Done));
            results.len() < records
        };
        let mut goes_on = records > 0;
        self.assert_nothing_held_is_applied(plan, changes)?;
        let is_held = plan.guard.holds(Category::Updates);
        let updates = &changes.entries.updates;
        let mut unmarked = BTreeSet::new();
        for unmark in updates.iter().filter_map(Update::only_unmark) {
            if !goes_on {
                break;
            }
            self.write(&unmark);
            self.ours.remove(&unmark.id);
            unmarked.insert(unmark.id);
            goes_on = done(Action::Update, unmark.id);
        }
        for create in &changes.entries.creates {
            if !goes_on || plan.guard.holds(Category::Creates) {
                break;
            }
            let id = self.next_id;
            self.next_id += 1;
            let new = Organization {
                instance: "global".into(),
                id,
                name: create.name.as_str().into(),
                external_id: Some(create.salesforce_id.as_str().into()),
                updated_at: "".into(),
                organization_fields: create.fields.clone(),
            };
            self.organizations.insert(id, new);
            goes_on = done(Action::Create, id);
        }
        let without_unmark = |update: &Update| update.without(MARK_FOR_DELETION);
        for update in updates.iter().filter_map(without_unmark) {
            if !goes_on || is_held {
                break;
            }
            self.write(&update);
            if !unmarked.contains(&update.id) {
                goes_on = done(Action::Update, update.id);
            }
        }
        self.note_the_guard(plan, changes);
        for mark in &changes.entries.marks {
            if plan.guard.holds(mark.category) {
                continue;
            }
            if !goes_on {
                break;
            }
            let approved = plan.guard.approves(mark.category);
            self.assert_may_be_marked(mark, approved)?;
            let one = self.organizations.get_mut(&mark.id).unwrap();
            one.organization_fields
                .set(key(MARK_FOR_DELETION), FieldValue::Flag(true));
            let at = self.now;
            let ours = Ours {
                at,
                approved,
                perhaps: false,
            };
            self.ours.insert(mark.id, ours);
            self.wanted.insert(mark.id);
            goes_on = done(Action::Mark, mark.id);
        }
        for result in &mut results {
            let is_update = result.action == Action::Update;
            result.unmarked = is_update && result.id.is_some_and(|id| unmarked.contains(&id));
        }
        Ok(results)
    }

    fn write(&mut self, update: &Update) {
        let one = self.organizations.get_mut(&update.id).unwrap();
        for Change { field, old: _, new } in &update.changes {
            if field == NAME {
                one.name = new.as_text().unwrap().into();
            } else {
                one.organization_fields.set(key(field), new.clone());
            }
        }
    }

    /// What was held stays held until a person approves it, or none of it is planned any more.
    fn assert_nothing_held_is_applied(
        &mut self,
        plan: &Plan,
        changes: &Changes,
    ) -> Result<(), TestCaseError> {
        for category in [Category::Creates, Category::Updates] {
            let planned = super::guard::entry_keys(category, &changes.entries);
            let held = self.others_held.remove(&category).unwrap_or_default();
            let still: BTreeSet<_> = held.intersection(&planned).collect();
            let goes = !plan.guard.holds(category) && !plan.guard.approves(category);
            // A memory that was lost has forgotten them.
            let is_known = plan.inputs.memory.is_some();
            let is_released = goes && is_known && !still.is_empty();
            prop_assert!(!is_released, "{category:?}: {still:?} was left held");
            let is_too_large = planned.len() > MOST_OTHERS;
            prop_assert!(!(goes && is_too_large), "{} {category:?}", planned.len());
            if plan.guard.holds(category) {
                self.others_held.insert(category, planned);
            }
        }
        Ok(())
    }

    fn assert_may_be_marked(&self, mark: &Mark, approved: bool) -> Result<(), TestCaseError> {
        if approved {
            return Ok(());
        }
        let id = mark.id;
        let week = SignedDuration::from_hours(7 * 24);
        let of_week = self.read.iter();
        let of_week = of_week.filter(|(at, _)| self.now.duration_since(*at) <= week);
        let most = of_week.map(|(_, accounts)| *accounts).max().unwrap_or(0);
        let read = self.accounts().len();
        let is_enough = read > 0 && read * 100 >= most * MIN_PERCENT;
        prop_assert!(is_enough, "{id}: marked with {read} accounts of {most}");
        prop_assert!(!self.held.contains(&id), "{id} was left held");
        let one = &self.organizations[&id];
        prop_assert!(self.would_be_marked(one), "{id}: marked without evidence");
        let since = self.missed.get(&one.account_id().unwrap());
        prop_assert!(since.is_some(), "{id}: no complete run has missed it");
        let missing = self.now.duration_since(*since.unwrap());
        let least = SignedDuration::from_hours(i64::from(MARK_AFTER_HOURS));
        prop_assert!(missing >= least, "{id} is marked after {missing}");
        Ok(())
    }

    fn note_the_guard(&mut self, plan: &Plan, changes: &Changes) {
        let marks = &plan.guard.categories[2];
        if marks.approved {
            self.held.clear();
        }
        if marks.is_held() {
            let held = changes.entries.marks_of(Category::Marks);
            self.held.extend(held.map(|mark| mark.id));
        }
    }

    /// The purge deletes what is marked and has no tickets, and nothing of ours that should not be.
    fn purge(&mut self, is_on_time: bool) -> Result<(), TestCaseError> {
        let all = self.organizations.values();
        let marked = all.filter(|one| one.is_marked() && !one.is_exempt());
        let (kept, taken): (Vec<u64>, Vec<u64>) = marked
            .map(|one| one.id)
            .partition(|id| self.tickets.contains(id));
        let ours: Vec<_> = taken
            .iter()
            .filter_map(|id| self.ours.get_key_value(id))
            .collect();
        let unapproved = ours.iter().filter(|(_, mark)| !mark.approved).count();
        prop_assert!(
            unapproved <= MOST_MARKS,
            "without an approval: {ours:?} at {}",
            self.now
        );
        for (id, mark) in ours {
            let is_wanted = self.wanted.contains(id) || mark.perhaps;
            prop_assert!(is_wanted, "{id} is purged, its reason is gone");
            let since = self.now.duration_since(mark.at);
            let is_new = since < SignedDuration::from_hours(i64::from(QUIET_HOURS));
            prop_assert!(
                mark.approved || !is_on_time || !is_new,
                "{id} after {since}"
            );
        }
        for id in kept {
            let one = self.organizations.get_mut(&id).unwrap();
            one.organization_fields
                .set(key(IGNORE_DELETION), FieldValue::Flag(true));
        }
        for id in taken {
            self.organizations.remove(&id);
            self.ours.remove(&id);
        }
        Ok(())
    }

    fn an_hour_passes(&mut self) -> Result<(), TestCaseError> {
        let hour = SignedDuration::from_hours(1);
        let next = self.now.saturating_add(hour).unwrap();
        if let Some(hours) = self.purge_is_late_by {
            let late = SignedDuration::from_hours(i64::from(hours));
            let purge = PURGE.last(next - late) + late;
            if purge > self.now {
                self.purge(hours == 0)?;
            }
        }
        self.now = next;
        Ok(())
    }

    /// In the end nothing is left but what is held, and whatever is held can be released: then
    /// every account that is in no conflict has its organization, unmarked, and every organization
    /// of a missing account is marked.
    fn settles(&mut self) -> Result<(), TestCaseError> {
        // What is held is released, in the end: a chain of renames frees one name a run, and a
        // broken pointer to the last good run is mended only by a good one.
        for _ in 0..ACCOUNTS {
            self.runs(Run::Ends {
                approves: Approves::Nothing,
            })?;
            self.runs(Run::Ends {
                approves: Approves::TheLast,
            })?;
        }
        for _ in 0..MARK_AFTER_HOURS + QUIET_HOURS + 3 {
            self.runs(Run::Ends {
                approves: Approves::Nothing,
            })?;
            self.an_hour_passes()?;
        }
        self.runs(Run::Ends {
            approves: Approves::TheLast,
        })?;
        let inputs = self.inputs(Vec::new());
        let Changes { entries, found, .. } = self.compared(&inputs).changes;
        prop_assert_eq!(entries, Entries::default());
        prop_assert_eq!(found.deferred, []);
        prop_assert_eq!(found.waiting, []);
        Ok(())
    }
}

proptest! {
    #[test]
    fn over_days_nobody_is_deleted_who_should_not_be_and_both_systems_become_equal(
        hours in prop::collection::vec((event(), run()), 1..120),
    ) {
        let mut world = World::new();
        for (event, run) in hours {
            world.happens(&event);
            world.runs(run)?;
            world.an_hour_passes()?;
        }
        // Away from a purge, so that its quiet hours are over.
        while PURGE.within(world.now, 48).is_some() {
            world.an_hour_passes()?;
        }
        world.settles()?;
    }
}
