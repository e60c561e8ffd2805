use jiff::Timestamp;

use super::super::for_tests::{
    IGNORE_DELETION, MAPPING, MARK_FOR_DELETION, account, account_id, formers, gathered, inputs,
    instance, key, lists, memory, now, organization, terminated, text, unseen,
};
use super::*;
use crate::model::{Absent, FieldValue, Memory, Organization};

#[test]
fn a_named_account_that_salesforce_did_not_return_is_named() {
    let present = account(1, "Here");
    let named = [account_id(1), account_id(2)].into();
    let missing = missing(&[present], &named);
    let salesforce_id = account_id(2);
    assert_eq!(missing, [Unknown::NamedMissing { salesforce_id }]);
}

#[test]
fn lookups_that_may_not_be_seen_are_one_warning_with_their_number_and_a_few_ids() {
    let seen = account(1, "Seen");
    assert_eq!(
        unseen_lookups(std::slice::from_ref(&seen), &MAPPING).unwrap(),
        []
    );
    let others = (2..9).rev().map(|number| unseen(account(number, "Unseen")));
    let accounts = Complete::for_tests(others.chain([seen]).collect());
    let inputs = inputs(now(), 24);
    let none = gathered(Vec::new());
    let found = Comparison::of(
        &accounts,
        &Formers::default(),
        none,
        &inputs,
        &MAPPING,
        None,
    )
    .unwrap();
    let wanted = Unknown::LookupsUnseen {
        field: "solutions_architect".to_owned(),
        source: "Solutions_Architect_Lookup__r.Name".to_owned(),
        accounts: 7,
        some: [2, 3, 4, 5, 6].map(account_id).to_vec(),
    };
    assert_eq!(found.unknowns, [wanted]);
}

#[test]
fn far_less_than_last_time_or_nothing_at_all_is_suspicious() {
    let counts = |accounts, organizations_scanned, partner_organizations| Counts {
        accounts,
        organizations_scanned,
        partner_organizations,
        ..Counts::default()
    };
    let mut inputs = inputs(now(), 24);
    inputs.settings.limits.min_accounts_percent = 80;
    assert_eq!(suspicions(&counts(0, 0, 0), &inputs).len(), 3);
    assert_eq!(suspicions(&counts(1, 1, 1), &inputs), []);
    inputs.last_good = Some(last_good(counts(100, 1000, 100)));
    assert_eq!(suspicions(&counts(80, 1000, 100), &inputs), []);
    assert_eq!(suspicions(&counts(79, 799, 100), &inputs).len(), 2);
    let fewer = Warning {
        input: Input::PartnerOrganizations,
        now: 10,
        before: 100,
    };
    assert_eq!(suspicions(&counts(100, 1000, 10), &inputs), [fewer]);
}

fn last_good(counts: Counts) -> LastGood {
    LastGood {
        header: Header::new("before", now(), 0),
        verdict: crate::model::Verdict::Ok,
        counts,
        linked: None,
        instances: Vec::new(),
        failing: std::collections::BTreeMap::new(),
    }
}

fn compared(organizations: Vec<Organization>, formers: &Formers, inputs: &Inputs) -> Comparison {
    let accounts = Complete::for_tests(vec![account(90, "Stays")]);
    Comparison::of(
        &accounts,
        formers,
        gathered(organizations),
        inputs,
        &MAPPING,
        None,
    )
    .unwrap()
}

fn gone(number: usize) -> Organization {
    let account = account(number, &format!("Gone {number}"));
    organization(number as u64, &account, &[])
}

fn marked(organization: Organization) -> Organization {
    with(organization, MARK_FOR_DELETION, FieldValue::Flag(true))
}

fn with(mut organization: Organization, field: &str, value: FieldValue) -> Organization {
    organization.organization_fields.set(key(field), value);
    organization
}

/// The memory of a run in which these accounts had been missing for long.
fn long_missing(numbers: &[usize]) -> Memory {
    let absent = numbers.iter().map(|number| Absent {
        id: *number as u64,
        salesforce_id: account_id(*number),
        since: Some("2026-11-01T00:00:00Z".parse().unwrap()),
        fate: None,
    });
    Memory {
        absent: absent.collect(),
        ..memory()
    }
}

fn own_mark(number: usize) -> OwnMark {
    OwnMark {
        id: number as u64,
        salesforce_id: account_id(number),
        at: now(),
        approved: false,
        perhaps: false,
        exempt: false,
    }
}

#[test]
fn the_budget_counts_what_stands_and_waits_without_what_is_approved_or_exempt() {
    let exempt = (IGNORE_DELETION, FieldValue::Flag(true));
    let organizations = vec![
        gone(1),
        with(gone(2), exempt.0, exempt.1.clone()),
        marked(gone(3)),
        marked(gone(4)),
        with(marked(gone(5)), exempt.0, exempt.1.clone()),
        marked(gone(6)),
        gone(7),
        gone(8),
    ];
    let mut inputs = inputs(now(), 24);
    inputs.memory = Some(Memory {
        marked: vec![
            own_mark(3),
            OwnMark {
                approved: true,
                ..own_mark(4)
            },
            own_mark(5),
            own_mark(7),
        ],
        ..long_missing(&[3, 4, 5, 6, 7])
    });
    let answers = formers(&[3, 4, 5, 6, 7].map(|number| (number, terminated())));
    let Comparison { changes, guard, .. } = compared(organizations, &answers, &inputs);
    assert_eq!(changes.found.waiting.len(), 3, "one of them is exempt");
    let marks = &guard.categories[2];
    assert_eq!((marks.count, marks.standing, marks.waiting), (1, 1, 2));
}

#[test]
fn without_a_memory_every_marked_organization_without_account_counts_as_perhaps_ours() {
    for lost in [None, Some("it was cut".to_owned())] {
        let inputs = Inputs {
            memory_lost: lost,
            ..inputs(now(), 24)
        };
        let organizations = vec![marked(gone(1)), marked(gone(2)), gone(3)];
        let Comparison { changes, guard, .. } =
            compared(organizations, &Formers::default(), &inputs);
        assert_eq!(guard.seen.standing, 2);
        assert!(changes.found.own_marks.iter().all(|one| one.perhaps));
        assert_eq!(changes.entries.unmarks(), 0);
    }
}

#[test]
fn limits_are_measured_by_the_weeks_fewest_linked_organizations() {
    let unlinked = |number| with(gone(number), "salesforce_id", text("see notes"));
    let mut organizations: Vec<_> = (1..=6).map(gone).collect();
    organizations.extend((100..140).map(unlinked));
    let mut inputs = inputs(now(), 24);
    let base = |inputs: &Inputs| {
        let compared = compared(organizations.clone(), &Formers::default(), inputs);
        (compared.guard.seen.base, compared.unknowns)
    };
    assert_eq!(
        base(&inputs),
        (6, Vec::new()),
        "a type without an id is none"
    );
    inputs.last_good = Some(last_good(Counts {
        partner_organizations: 5,
        unlinked: 1,
        ..Counts::default()
    }));
    let growth = |before| vec![Unknown::Growth { now: 6, before }];
    assert_eq!(base(&inputs), (4, growth(4)));
    inputs.week.fewest_linked = Some(5);
    assert_eq!(base(&inputs), (5, Vec::new()), "20 % more is no warning");
    inputs.week.fewest_linked = Some(9);
    assert_eq!(base(&inputs).0, 6);
}

/// A world in which these many marks are due on a Friday evening.
fn on_friday(due: usize, quiet_hours: u32) -> Comparison {
    on_friday_with((1..=due).map(gone).collect(), quiet_hours)
}

/// These organizations are to be marked on a Friday evening; the last run marked them in vain.
fn on_friday_with(organizations: Vec<Organization>, quiet_hours: u32) -> Comparison {
    let mut inputs = inputs("2026-11-20T20:00:00Z".parse().unwrap(), 24);
    inputs.settings.quiet_hours = quiet_hours;
    inputs.settings.limits.marks.number = 5;
    let numbers: Vec<usize> = (1..=organizations.len()).collect();
    let written = organizations.iter().map(|one| crate::model::Written {
        id: one.id,
        field: MARK_FOR_DELETION.to_owned(),
        value_sha256: crate::model::Written::digest(&FieldValue::Flag(true)),
        runs: 1,
    });
    inputs.memory = Some(Memory {
        watched_at: Some(inputs.started_at),
        written: written.collect(),
        ..long_missing(&numbers)
    });
    let answers: Vec<_> = numbers.iter().map(|one| (*one, terminated())).collect();
    compared(organizations, &formers(&answers), &inputs)
}

#[test]
fn a_mark_waits_for_the_purge_in_the_quiet_hours_before_it() {
    let Comparison {
        changes,
        guard,
        counts,
        ..
    } = on_friday(3, 12);
    assert_eq!((counts.marks, counts.waiting), (0, 3));
    let waiting = &changes.found.waiting[0];
    assert_eq!(waiting.waits_for, WaitsFor::Purge);
    assert_eq!(waiting.eligible_from.to_string(), "2026-11-21T00:45:00Z");
    let marks = &guard.categories[2];
    assert_eq!((marks.count, marks.waiting), (0, 3));
    assert_eq!(changes.found.repeated, []);
    assert_eq!(on_friday(3, 0).counts.marks, 3);
    assert_eq!(on_friday(3, 0).changes.found.repeated.len(), 3);
    assert_eq!(on_friday(3, 4).counts.marks, 3, "it is not that near");
}

#[test]
fn what_waits_for_the_purge_and_is_exempt_is_neither_judged_nor_measured() {
    let exempt = |number| with(gone(number), IGNORE_DELETION, FieldValue::Flag(true));
    for (organizations, measured) in [(vec![exempt(1)], 0), (vec![exempt(1), gone(2), gone(3)], 2)]
    {
        let waiting = organizations.len();
        let Comparison { guard, counts, .. } = on_friday_with(organizations, 12);
        assert_eq!((counts.marks, counts.waiting), (0, waiting));
        let marks = &guard.categories[2];
        assert_eq!((marks.count, marks.exempt), (0, 0));
        assert_eq!(marks.waiting, measured);
    }
}

#[test]
fn what_is_held_in_the_quiet_hours_can_be_approved_in_them() {
    let Comparison { guard, counts, .. } = on_friday(6, 12);
    assert_eq!((counts.marks, guard.holds(Category::Marks)), (6, true));
}

#[test]
fn a_plan_to_be_looked_at_offers_a_release_only_of_what_a_run_has_held() {
    let mut inputs = inputs(now(), 0);
    let release = |inputs: &Inputs| {
        let compared = compared(vec![gone(1)], &Formers::default(), inputs);
        let held = compared.guard.held();
        let header = Header::new("r", now(), 2);
        let plan = compared.plan(
            header,
            Mode::Plan,
            lists(),
            inputs.clone(),
            RunUsage::default(),
        );
        (plan.plan.release, held)
    };
    let (none, held) = release(&inputs);
    assert_eq!(none, None);
    let offer = |held: &Held| crate::model::Offer {
        at: now(),
        held: held.clone(),
    };
    inputs.week.offered = held.iter().map(offer).collect();
    assert!(release(&inputs).0.is_some());
}

#[test]
fn what_could_not_be_known_is_said_and_nothing_else() {
    let known = compared(Vec::new(), &Formers::default(), &inputs(now(), 24));
    assert_eq!(known.unknowns, []);

    let lost = Inputs {
        memory_lost: Some("it was cut".to_owned()),
        ..inputs(now(), 24)
    };
    let refused = Formers {
        former: Vec::new(),
        former_error: Some("status 403".to_owned()),
    };
    let mut cut = instance("us-government");
    cut.complete = false;
    cut.error = Some("no answer".to_owned());
    let instances = [instance("global"), cut];
    let said = unknowns(&lost, &refused, &instances, Sizes::default());
    let wanted = [
        Unknown::MemoryLost {
            why: "it was cut".to_owned(),
        },
        Unknown::NoAnswer {
            why: "status 403".to_owned(),
        },
        Unknown::Instance {
            name: "us-government".to_owned(),
            why: Some("no answer".to_owned()),
        },
    ];
    assert_eq!(said, wanted);
}

#[test]
fn the_organizations_of_all_instances_are_counted_as_scanned() {
    let of = |name, organizations_scanned| crate::model::Instance {
        organizations_scanned,
        ..instance(name)
    };
    let mut document = gathered(Vec::new()).into_inner();
    document.instances = vec![of("global", 5210), of("us-government", 800)];
    assert_eq!(document.scanned(), 6010);
}

#[test]
fn nothing_of_another_instance_is_compared() {
    let on = |instance: &str, id, kind: &str| Organization {
        instance: instance.into(),
        id,
        ..with(gone(1), "account_type", text(kind))
    };
    let mut document = gathered(Vec::new()).into_inner();
    document.organizations = vec![
        on("global", 1, "open_partner"),
        on("us-government", 2, "open_partner"),
    ];
    document.lookalikes = vec![
        on("global", 3, "customer"),
        on("us-government", 4, "customer"),
    ];
    let Target {
        partners,
        lookalikes,
    } = on_target(document, "global");
    let ids = |list: Vec<Organization>| list.iter().map(|one| one.id).collect::<Vec<_>>();
    assert_eq!((ids(partners), ids(lookalikes)), (vec![1], vec![3]));
}

#[test]
fn the_command_that_releases_names_every_held_digest_and_is_there_only_if_something_is_held() {
    let held = |digest: &str| Held {
        category: Category::Marks,
        count: 1,
        limit: 0,
        digest: digest.to_owned(),
    };
    let inputs = Inputs {
        state_machine: Some("arn".to_owned()),
        ..inputs(now(), 0)
    };
    assert_eq!(release(&[], Mode::Apply, &inputs), None);
    assert_eq!(
        release(&[held("sha256:a"), held("sha256:b")], Mode::Apply, &inputs).unwrap(),
        "aws stepfunctions start-execution --state-machine-arn arn --input '{\"approve\": \
         [\"sha256:a\", \"sha256:b\"]}'"
    );
}

#[test]
fn the_plan_is_what_the_comparison_found() {
    let inputs = inputs(now(), 0);
    let comparison = compared(vec![gone(1)], &Formers::default(), &inputs);
    let Planned { plan, entries } = comparison.plan(
        Header::new("r", Timestamp::UNIX_EPOCH, 2),
        Mode::Apply,
        lists(),
        inputs,
        RunUsage::default(),
    );
    assert_eq!((plan.counts.creates, plan.counts.marks), (1, 1));
    assert_eq!((entries.creates.len(), entries.marks.len()), (1, 1));
    assert_eq!((plan.counts.waiting, plan.counts.unlinked), (0, 0));
    assert_eq!(
        (plan.counts.accounts, plan.counts.partner_organizations),
        (1, 1)
    );
    assert_eq!(plan.found.absent.len(), 1);
    assert!(plan.release.is_some(), "the limits are zero");
}

#[test]
fn the_plans_digest_changes_with_each_of_its_lists() {
    let digest = |edit: &dyn Fn(&mut Lists)| {
        let mut lists = lists();
        edit(&mut lists);
        lists.digest()
    };
    let other = || "sha256:other".to_owned();
    let digests: BTreeSet<_> = [
        digest(&|_| {}),
        digest(&|lists| lists.creates.digest = other()),
        digest(&|lists| lists.updates.digest = other()),
        digest(&|lists| lists.not_in_sync.digest = other()),
    ]
    .into();
    assert_eq!(digests.len(), 4);
    assert!(digests.iter().all(|digest| digest.starts_with("sha256:")));
}
