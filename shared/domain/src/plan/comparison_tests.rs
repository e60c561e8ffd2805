use jiff::Timestamp;

use super::super::for_tests::{
    account, account_id, gathered, inputs, instance, lists, memory, organization, text,
};
use super::*;
use crate::model::{
    Absent, Category, EXPIRATION_DATE, FieldValue, Former, MARK_FOR_DELETION, Organization,
};

#[test]
fn an_alliance_account_that_salesforce_did_not_return_is_named() {
    let present = account(1, "Here");
    let alliances = [account_id(1), account_id(2)].into();
    let warnings = missing_alliances(&[present], &alliances).unwrap();
    assert_eq!(warnings.len(), 1);
    assert!(warnings[0].contains(account_id(2).as_str()), "{warnings:?}");
}

#[test]
fn far_less_than_last_time_or_nothing_at_all_is_suspicious() {
    let counts = |accounts, organizations_scanned, partner_organizations| Counts {
        accounts,
        organizations_scanned,
        partner_organizations,
        ..Counts::default()
    };
    let last = counts(100, 1000, 100);
    assert_eq!(
        suspicions(&counts(80, 1000, 100), Some(&last), 80),
        Vec::<String>::new()
    );
    assert_eq!(suspicions(&counts(79, 799, 100), Some(&last), 80).len(), 2);
    assert_eq!(suspicions(&counts(0, 0, 0), None, 80).len(), 3);
    assert_eq!(suspicions(&counts(1, 1, 1), None, 80), Vec::<String>::new());
    assert_eq!(
        suspicions(&counts(100, 1000, 10), Some(&last), 80),
        ["10 partner organizations on the target, 100 in the last good run"]
    );
}

fn now() -> Timestamp {
    "2026-11-23T06:00:00Z".parse().unwrap()
}

fn compared(organizations: Vec<Organization>, formers: &Formers, inputs: &Inputs) -> Comparison {
    let accounts = Complete::for_tests(vec![account(90, "Stays")]);
    Comparison::of(&accounts, formers, gathered(organizations), inputs).unwrap()
}

fn gone(number: usize) -> Organization {
    let account = account(number, &format!("Gone {number}"));
    organization(number as u64, &account, &[])
}

fn with(mut organization: Organization, field: &str, value: FieldValue) -> Organization {
    organization.organization_fields.set(field, value);
    organization
}

#[test]
fn only_accounts_of_what_is_to_be_marked_or_waits_can_show_a_lost_permission() {
    let former = |number, fate| Former {
        salesforce_id: account_id(number),
        fate,
    };
    let formers = Formers {
        former: vec![
            former(1, Fate::NotVisible),
            former(2, Fate::Deleted),
            former(3, Fate::NotVisible),
            former(4, Fate::NotVisible),
            former(5, Fate::NotVisible),
        ],
        former_error: None,
    };
    let mut inputs = inputs(now(), 24);
    inputs.memory = Some(crate::model::Memory {
        absent: vec![Absent {
            id: 1,
            salesforce_id: account_id(1),
            since: "2026-11-01T00:00:00Z".parse().unwrap(),
        }],
        ..memory()
    });
    let organizations = vec![
        gone(1),
        gone(2),
        gone(3),
        with(gone(4), MARK_FOR_DELETION, FieldValue::Flag(true)),
        with(gone(5), EXPIRATION_DATE, text("2026-01-01")),
        gone(6),
    ];
    let Comparison { changes, guard, .. } = compared(organizations, &formers, &inputs);
    let numbers = (changes.entries.marks.len(), changes.found.waiting.len());
    assert_eq!(
        numbers,
        (1, 3),
        "6 waits as well, and nobody was asked about it"
    );
    assert_eq!((guard.seen.former, guard.seen.former_not_visible), (3, 2));
}

#[test]
fn what_could_not_be_known_is_said_and_nothing_else() {
    let known = compared(Vec::new(), &Formers::default(), &inputs(now(), 24));
    assert_eq!(known.unknowns, [""; 0]);

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
    let instances = [instance(TARGET), cut];
    let said = unknowns(&lost, &refused, &instances);
    assert_eq!(said.len(), 3);
    for (text, word) in said.iter().zip(["it was cut", "status 403", "no answer"]) {
        assert!(text.contains(word), "{text}");
    }
}

#[test]
fn the_organizations_of_all_instances_are_counted_as_scanned() {
    let of = |name, organizations_scanned| crate::model::Instance {
        organizations_scanned,
        ..instance(name)
    };
    let mut document = gathered(Vec::new()).into_inner();
    document.instances = vec![of(TARGET, 5210), of("us-government", 800)];
    assert_eq!(document.scanned(), 6010);
}

#[test]
fn nothing_of_another_instance_is_compared() {
    let on = |instance: &str, id, kind: &str| Organization {
        instance: instance.to_owned(),
        id,
        ..with(gone(1), "account_type", text(kind))
    };
    let mut document = gathered(Vec::new()).into_inner();
    document.organizations = vec![
        on(TARGET, 1, "open_partner"),
        on("us-government", 2, "open_partner"),
    ];
    document.lookalikes = vec![
        on(TARGET, 3, "customer"),
        on("us-government", 4, "customer"),
    ];
    let Target {
        partners,
        lookalikes,
    } = on_target(document);
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
    assert_eq!(release(&[], Some("arn")), None);
    assert_eq!(
        release(&[held("sha256:a"), held("sha256:b")], Some("arn")).unwrap(),
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
