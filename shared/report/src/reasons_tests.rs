use jiff::Timestamp;
use jiff::civil::Date;

use super::*;
use domain::model::AccountId;
use domain::plan::{Party, Protector};

use super::super::for_tests::mapping;

fn account() -> AccountId {
    AccountId::parse("0014M00001sDiGEQA0").unwrap()
}

fn values(values: &[(&str, Option<&str>)]) -> Values {
    let owned =
        |(name, value): &(&str, Option<&str>)| ((*name).to_owned(), value.map(str::to_owned));
    Values(values.iter().map(owned).collect())
}

fn no_more(status: &str, account_type: Option<&str>, track: Option<&str>) -> Evidence {
    Evidence::AuthorisedNoMore {
        values: values(&[
            ("type", account_type),
            ("status", Some(status)),
            ("track", track),
        ]),
        last_changed: Some(Date::constant(2026, 11, 20)),
    }
}

#[test]
fn evidence_names_what_salesforce_says_of_the_account() {
    let partner = Some("Partner");
    let undated = Evidence::AuthorisedNoMore {
        values: values(&[("type", partner), ("status", None), ("track", Some("Open"))]),
        last_changed: None,
    };
    for (said, words) in [
        (
            no_more("Terminated", partner, Some("Open")),
            "Partner status is Terminated; last changed 2026-11-20",
        ),
        (
            no_more("Authorized", partner, None),
            "Partner track is blank; last changed 2026-11-20",
        ),
        (undated, "Partner status is blank"),
        (
            no_more("AUTHORIZED", Some("partner"), Some("select")),
            "an authorised partner again, though not when the accounts were read; last changed \
             2026-11-20",
        ),
        (Evidence::Deleted, "deleted in Salesforce"),
        (
            Evidence::OtherType {
                values: values(&[("type", Some("Customer"))]),
            },
            "its account is no partner's: Type is Customer; correct the organization's \
             account_type, or the account's Type",
        ),
        (
            Evidence::OtherType {
                values: values(&[("type", None)]),
            },
            "its account is no partner's: Type is blank; correct the organization's account_type, \
             or the account's Type",
        ),
        (
            Evidence::NotVisible,
            "not visible to the integration's user: this is more often a lost permission than a \
             lost partner",
        ),
        (
            Evidence::NoAnswer,
            "Salesforce has no authorised partner account with this id, and did not say what \
             became of the account",
        ),
        (
            Evidence::NotAsked,
            "Salesforce has no authorised partner account with this id; what became of the account \
             has not been asked yet",
        ),
    ] {
        assert_eq!(evidence(&said, &mapping()), words);
    }
}

#[test]
fn the_accounts_type_is_named_beside_its_status_only_if_it_is_no_partners() {
    for (account_type, words) in [
        (Some("Partner"), "Partner status is Terminated"),
        (
            Some("Customer"),
            "Partner status is Terminated, Type is Customer",
        ),
        (None, "Partner status is Terminated, Type is blank"),
    ] {
        let said = evidence(
            &no_more("Terminated", account_type, Some("Open")),
            &mapping(),
        );
        assert_eq!(said, format!("{words}; last changed 2026-11-20"));
    }
    let said = evidence(
        &no_more("Authorized", Some("Customer"), Some("Open")),
        &mapping(),
    );
    assert_eq!(said, "Type is Customer; last changed 2026-11-20");
}

#[test]
fn whatever_keeps_an_organization_is_named() {
    let merged = |organization| Keeper::Merged {
        into: account(),
        organization,
    };
    for (by, words) in [
        (
            Keeper::Unlinked,
            "neither its Salesforce id nor its external id is an account's; write the 18 \
             characters of its account's id into salesforce_id, or give it another account_type \
             if it is no partner",
        ),
        (
            Keeper::Protected {
                by: Protector::Named,
            },
            "sync.toml names its account as a partner",
        ),
        (
            Keeper::AccountIsThere,
            "its account is an authorised partner",
        ),
        (
            Keeper::AccountIsBack,
            "its account is an authorised partner again, though not when the accounts were read",
        ),
        (
            Keeper::Conflict,
            "it clashes with another record, and a person has to decide",
        ),
        (
            Keeper::Retained {
                expired: Date::constant(2025, 2, 28),
                years: 3,
            },
            "expired 2025-02-28, retained for 3 years",
        ),
        (
            Keeper::UnreadableDate,
            "warning: its expiration date cannot be read; correct it to YYYY-MM-DD",
        ),
        (
            merged(Some(4711)),
            "its account was merged into account 0014M00001sDiGEQA0, which has organization 4711",
        ),
        (
            merged(None),
            "its account was merged into account 0014M00001sDiGEQA0, which has no organization",
        ),
        (
            Keeper::NoPartner,
            "it is no partner's organization any more",
        ),
    ] {
        assert_eq!(keeper(&by, &mapping()), words);
        assert_eq!(reason(&Reason::Kept(by), &mapping()), words);
    }
    assert_eq!(
        reason(&Reason::Said(Evidence::Deleted), &mapping()),
        "deleted in Salesforce"
    );
}

#[test]
fn what_an_organization_waits_for_is_time_the_purge_or_an_answer() {
    let words = [WaitsFor::Time, WaitsFor::Purge, WaitsFor::Answer].map(waits_for);
    assert_eq!(words, ["time", "the purge", "an answer"]);
}

#[test]
fn a_clash_says_what_clashes_and_what_a_person_can_do() {
    let party = Party {
        id: None,
        salesforce_id: None,
        name: "x".to_owned(),
        belongs_to: None,
        account_type: None,
        marked: false,
    };
    let salesforce_id = account();
    for (reason, words) in [
        (
            Clash::OneId {
                salesforce_id: salesforce_id.clone(),
            },
            "3 organizations have the id 0014M00001sDiGEQA0, in salesforce_id or else in \
             external_id; merge them or correct the ids of all but one",
        ),
        (
            Clash::OneExternalId { salesforce_id },
            "the organization was made for account 0014M00001sDiGEQA0, which is its external_id, \
             and has another account's salesforce_id; if it is still 0014M00001sDiGEQA0's, write \
             0014M00001sDiGEQA0 into salesforce_id, else clear its external_id",
        ),
        (
            Clash::NamesInARing,
            "3 organizations are to get each other's names, and Zendesk allows each name once: a \
             person has to rename one of them to a temporary name, and the next runs do the rest",
        ),
        (
            Clash::AccountsOfOneName,
            "2 accounts want one name, and Zendesk allows it once; rename all but one in \
             Salesforce",
        ),
        (
            Clash::NameIsTaken {
                may_be_linked: true,
            },
            "the name is taken; rename one of them, or give the organization the account's \
             Salesforce id",
        ),
        (
            Clash::NameIsTaken {
                may_be_linked: false,
            },
            "the name is taken by an organization that is not this account's; rename one of them",
        ),
    ] {
        let conflict = Conflict {
            reason,
            accounts: vec![party.clone(); 2],
            organizations: vec![party.clone(); 3],
        };
        assert_eq!(clash(&conflict, &mapping()), words);
    }
}

#[test]
fn an_owner_is_named_and_one_that_is_no_authorised_partner_is_said_to_be_none() {
    let of = |name: Option<&str>| {
        owner(&Owner {
            salesforce_id: account(),
            name: name.map(str::to_owned),
        })
    };
    assert_eq!(of(Some("Acme")), "account 0014M00001sDiGEQA0, Acme");
    assert_eq!(
        of(None),
        "account 0014M00001sDiGEQA0, no authorised partner"
    );
}

#[test]
fn who_waits_for_a_name_and_who_is_not_created_are_told_why() {
    let holders = vec![7, 8];
    assert_eq!(
        deferred(&WhyDeferred::NameIsGivenUp { holders }),
        "the name is still that of organization 7, 8, which is renamed by this plan or the next \
         ones; then this follows by itself"
    );
    assert_eq!(
        skipped(WhySkipped::NoAccountType, &mapping()),
        "its Partner track is none of Open, Select, so it has no account type"
    );
}

#[test]
fn inputs_that_look_too_empty_are_compared_with_the_last_good_run() {
    let of = |input, now| {
        warning(&Warning {
            input,
            now,
            before: 90,
        })
    };
    assert_eq!(of(Input::Accounts, 0), "no Salesforce accounts at all");
    assert_eq!(
        of(Input::Organizations, 12),
        "12 Zendesk organizations, 90 in the last good run"
    );
    assert_eq!(
        of(Input::PartnerOrganizations, 12),
        "12 partner organizations on the target, 90 in the last good run"
    );
}

/// So many accounts with a lookup that may not be seen, one of them named.
fn unseen(accounts: usize) -> Unknown {
    Unknown::LookupsUnseen {
        field: "solutions_architect".to_owned(),
        source: "Solutions_Architect_Lookup__r.Name".to_owned(),
        accounts,
        some: vec![account()],
    }
}

#[test]
fn what_could_not_be_known_is_said_with_what_follows_from_it() {
    let why = "time-out".to_owned();
    let name = "us-government".to_owned();
    for (what, words) in [
        (
            Unknown::MemoryLost { why: why.clone() },
            "The memory of the runs before is lost: time-out. Every clock starts anew, and all \
             marks are held.",
        ),
        (
            Unknown::NoAnswer { why: why.clone() },
            "Salesforce did not say what became of the accounts that are gone: time-out. Nothing \
             changes for their organizations: what is not marked waits, and marks of this pipeline \
             stay.",
        ),
        (
            Unknown::Instance {
                name: name.clone(),
                why: Some(why),
            },
            "Zendesk us-government was not read to its end: time-out. The target was, and nothing \
             else is written to.",
        ),
        (
            Unknown::Instance { name, why: None },
            "Zendesk us-government was not read to its end: no error is known. The target was, and \
             nothing else is written to.",
        ),
        (
            Unknown::MappingChanged {
                differences: vec![
                    Difference {
                        part: "fields".to_owned(),
                        more: vec!["region".to_owned()],
                        fewer: vec![],
                        changed: vec!["account_owner".to_owned()],
                    },
                    Difference {
                        part: "types".to_owned(),
                        more: vec![],
                        fewer: vec!["gold".to_owned(), "silver".to_owned()],
                        changed: vec![],
                    },
                ],
            },
            "sync.toml has changed since the run before: fields: 1 more (region), 1 changed \
             (account_owner); types: 2 fewer (gold, silver). The updates that follow from it are \
             held as ever, if they are many.",
        ),
        (
            Unknown::NamedMissing {
                salesforce_id: account(),
            },
            "Salesforce returned no account 0014M00001sDiGEQA0, which sync.toml names as a \
             partner; correct the file, or give the integration's user access to the account",
        ),
        (
            unseen(1),
            "The integration's user may not see the records that \
             Solutions_Architect_Lookup__r.Name leads to in 1 account (0014M00001sDiGEQA0): \
             solutions_architect of their organizations is left as it is. Give the user read \
             access to these records.",
        ),
        (
            unseen(12),
            "The integration's user may not see the records that \
             Solutions_Architect_Lookup__r.Name leads to in 12 accounts (0014M00001sDiGEQA0, ...): \
             solutions_architect of their organizations is left as it is. Give the user read \
             access to these records.",
        ),
        (
            Unknown::Growth {
                now: 4100,
                before: 100,
            },
            "4100 partner organizations name an account, 100 in the smallest good run of the last \
             week: find out who adds them. The limits are still shares of 100, so adding \
             organizations raises none.",
        ),
    ] {
        assert_eq!(unknown(&what, &mapping()), words);
    }
}

#[test]
fn a_refused_approval_says_what_is_wrong_with_it() {
    let held_at: Timestamp = "2026-11-23T06:00:00Z".parse().unwrap();
    let differs = |category, now, added: &[&str], gone: &[&str]| {
        let keys = |keys: &[&str]| keys.iter().map(|&key| key.to_owned()).collect();
        WhyRefused::Differs {
            category,
            held_at,
            was: 6,
            now,
            added: keys(added),
            gone: keys(gone),
        }
    };
    let held = "it approves what was held at 2026-11-23 06:00 UTC, 6";
    for (why, words) in [
        (
            WhyRefused::Unknown,
            "no run in apply mode of the last week has held it".to_owned(),
        ),
        (
            WhyRefused::TooOld { held_at },
            "it was held last at 2026-11-23 06:00 UTC, and approvals count for 24 hours; this \
             run's report has the new one, if anything is still held"
                .to_owned(),
        ),
        (
            differs(Category::Marks, 7, &["11", "12"], &["9"]),
            format!(
                "{held} marks, and 7 are planned now; new among them: organization 11, 12; not \
                 among them any more: organization 9"
            ),
        ),
        (
            differs(Category::Creates, 1, &[], &["0014M00001sDiGEQA0"]),
            format!(
                "{held} creates, and 1 is planned now; not among them any more: account \
                 0014M00001sDiGEQA0"
            ),
        ),
        (
            differs(Category::Unexplained, 6, &[], &[]),
            format!(
                "{held} unexplained marks, and 6 are planned now, of the same records, with other \
                 evidence"
            ),
        ),
        (
            differs(Category::Updates, 6, &[], &[]),
            format!(
                "{held} updates, and 6 are planned now, of the same records, with other values"
            ),
        ),
        (
            WhyRefused::NotNeeded {
                category: Category::Updates,
            },
            "exactly these updates are planned, and need no approval any more".to_owned(),
        ),
    ] {
        assert_eq!(refused(&why), words);
    }
}
