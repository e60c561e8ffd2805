//! Why something is done or left undone, in words. The documents have reasons typed, and nothing
//! reads these words again.

use super::minute;
use super::words::counted;
use domain::model::{
    ACCOUNT_TYPE, AccountId, Category, Condition, Difference, Mapping, SALESFORCE_ID, Values,
};
use domain::plan::{
    Clash, Conflict, Evidence, Input, Keeper, Owner, Protector, Reason, Unknown, WaitsFor, Warning,
    WhyDeferred, WhyRefused, WhySkipped,
};

const BLANK: &str = "blank";

/// What Salesforce says of a missing account.
pub(super) fn evidence(evidence: &Evidence, mapping: &Mapping) -> String {
    let gone = "Salesforce has no authorised partner account with this id";
    match evidence {
        Evidence::AuthorisedNoMore {
            values,
            last_changed,
        } => {
            let what = not_authorised(values, mapping);
            match last_changed {
                Some(day) => format!("{what}; last changed {day}"),
                None => what,
            }
        }
        Evidence::Deleted => "deleted in Salesforce".to_owned(),
        Evidence::OtherType { values } => other_type(values, mapping),
        Evidence::NotVisible => "not visible to the integration's user: this is more often a lost \
                                 permission than a lost partner"
            .to_owned(),
        Evidence::NoAnswer => format!("{gone}, and did not say what became of the account"),
        Evidence::NotAsked => {
            format!("{gone}; what became of the account has not been asked yet")
        }
    }
}

fn other_type(values: &Values, mapping: &Mapping) -> String {
    let own = mapping.shown(ACCOUNT_TYPE.name());
    match &mapping.filter.kind {
        Some(kind) => format!(
            "its account is no partner's: {}; correct the organization's {own}, or the account's \
             {}",
            is(kind, values),
            kind.says
        ),
        None => format!("its account is no partner's; correct the organization's {own}"),
    }
}

/// The condition that the account does not meet. What makes it a partner's at all is named too, if
/// it is not there.
fn not_authorised(values: &Values, mapping: &Mapping) -> String {
    let filter = &mapping.filter;
    let other_kind = filter
        .kind
        .iter()
        .filter(|kind| !kind.is_met(values.get(kind)));
    if mapping.fields.is_empty() {
        // The file cannot be read: what the filter looks at is known, and not what it wants.
        let all = values.0.iter();
        let all =
            all.map(|(name, value)| format!("{name} is {}", value.as_deref().unwrap_or(BLANK)));
        return all.collect::<Vec<_>>().join(", ");
    }
    let unmet: Vec<_> = filter.unmet(values).into_iter().chain(other_kind).collect();
    if unmet.is_empty() {
        return "an authorised partner again, though not when the accounts were read".to_owned();
    }
    let unmet: Vec<_> = unmet.into_iter().map(|one| is(one, values)).collect();
    unmet.join(", ")
}

/// Such as `Partner status is Terminated`.
fn is(condition: &Condition, values: &Values) -> String {
    let value = values.get(condition).unwrap_or(BLANK);
    format!("{} is {value}", condition.says)
}

/// What keeps an organization from being marked.
pub(super) fn keeper(keeper: &Keeper, mapping: &Mapping) -> String {
    match keeper {
        Keeper::Unlinked => format!(
            "neither its Salesforce id nor its external id is an account's; write the 18 \
             characters of its account's id into {}, or give it another {} if it is no partner",
            mapping.shown(SALESFORCE_ID.name()),
            mapping.shown(ACCOUNT_TYPE.name())
        ),
        Keeper::Protected { by } => match by {
            Protector::ProtectedAccountIds => {
                "its Salesforce id is protected by ProtectedAccountIds".to_owned()
            }
            Protector::Named => "sync.toml names its account as a partner".to_owned(),
        },
        Keeper::AccountIsThere => "its account is an authorised partner".to_owned(),
        Keeper::AccountIsBack => {
            "its account is an authorised partner again, though not when the accounts were read"
                .to_owned()
        }
        Keeper::Conflict => "it clashes with another record, and a person has to decide".to_owned(),
        Keeper::Retained { expired, years } => {
            format!("expired {expired}, retained for {years} years")
        }
        Keeper::UnreadableDate => {
            "warning: its expiration date cannot be read; correct it to YYYY-MM-DD".to_owned()
        }
        Keeper::Merged { into, organization } => {
            let merged = format!("its account was merged into account {into}");
            match organization {
                Some(id) => format!("{merged}, which has organization {id}"),
                None => format!("{merged}, which has no organization"),
            }
        }
        Keeper::NoPartner => "it is no partner's organization any more".to_owned(),
    }
}

/// Why a mark stands, or is taken back.
pub(super) fn reason(reason: &Reason, mapping: &Mapping) -> String {
    match reason {
        Reason::Said(said) => evidence(said, mapping),
        Reason::Kept(by) => keeper(by, mapping),
    }
}

/// What an organization waits for before it may be marked.
pub(super) fn waits_for(waits_for: WaitsFor) -> &'static str {
    match waits_for {
        WaitsFor::Time => "time",
        WaitsFor::Purge => "the purge",
        WaitsFor::Answer => "an answer",
    }
}

/// What clashes, and what a person can do about it.
pub(super) fn clash(conflict: &Conflict, mapping: &Mapping) -> String {
    let Conflict {
        reason,
        accounts,
        organizations,
    } = conflict;
    let (accounts, organizations) = (accounts.len(), organizations.len());
    let key = mapping.shown(SALESFORCE_ID.name());
    match reason {
        Clash::OneId { salesforce_id: id } => format!(
            "{organizations} organizations have the id {id}, in {key} or else in external_id; \
             merge them or correct the ids of all but one"
        ),
        Clash::OneExternalId { salesforce_id: id } => format!(
            "the organization was made for account {id}, which is its external_id, and has another \
             account's {key}; if it is still {id}'s, write {id} into {key}, else clear its \
             external_id"
        ),
        Clash::NamesInARing => format!(
            "{organizations} organizations are to get each other's names, and Zendesk allows each \
             name once: a person has to rename one of them to a temporary name, and the next runs \
             do the rest"
        ),
        Clash::AccountsOfOneName => format!(
            "{accounts} accounts want one name, and Zendesk allows it once; rename all but one in \
             Salesforce"
        ),
        Clash::NameIsTaken {
            may_be_linked: true,
        } => "the name is taken; rename one of them, or give the organization the account's \
              Salesforce id"
            .to_owned(),
        Clash::NameIsTaken {
            may_be_linked: false,
        } => "the name is taken by an organization that is not this account's; rename one of them"
            .to_owned(),
    }
}

/// The account that an organization belongs to.
pub(super) fn owner(owner: &Owner) -> String {
    let Owner {
        salesforce_id: id,
        name,
    } = owner;
    match name {
        Some(name) => format!("account {id}, {name}"),
        None => format!("account {id}, no authorised partner"),
    }
}

/// Why an account does not get its name yet.
pub(super) fn deferred(why: &WhyDeferred) -> String {
    let WhyDeferred::NameIsGivenUp { holders } = why;
    format!(
        "the name is still that of organization {}, which is renamed by this plan or the next \
         ones; then this follows by itself",
        listed(holders)
    )
}

/// Why an account is not created.
pub(super) fn skipped(why: WhySkipped, mapping: &Mapping) -> String {
    match why {
        WhySkipped::NoAccountType => {
            let column = mapping.type_field().map_or("", |field| &field.source);
            let mut conditions = mapping.filter.conditions();
            let condition = conditions.find(|one| one.column == column);
            let says = condition.map_or(column, |one| &one.says);
            let texts = mapping.type_texts().join(", ");
            format!("its {says} is none of {texts}, so it has no account type")
        }
    }
}

/// Why the inputs look emptier than they should.
pub(super) fn warning(warning: &Warning) -> String {
    let Warning { input, now, before } = warning;
    let name = match input {
        Input::Accounts => "Salesforce accounts",
        Input::Organizations => "Zendesk organizations",
        Input::PartnerOrganizations => "partner organizations on the target",
    };
    match now {
        0 => format!("no {name} at all"),
        _ => format!("{now} {name}, {before} in the last good run"),
    }
}

/// What could not be known, or looks odd.
pub(super) fn unknown(unknown: &Unknown, mapping: &Mapping) -> String {
    match unknown {
        Unknown::MemoryLost { why } => format!(
            "The memory of the runs before is lost: {why}. Every clock starts anew, and all marks \
             are held."
        ),
        Unknown::NoAnswer { why } => format!(
            "Salesforce did not say what became of the accounts that are gone: {why}. Nothing \
             changes for their organizations: what is not marked waits, and marks of this pipeline \
             stay."
        ),
        Unknown::Instance { name, why } => format!(
            "Zendesk {name} was not read to its end: {}. The target was, and nothing else is \
             written to.",
            why.as_deref().unwrap_or("no error is known")
        ),
        Unknown::NamedMissing { salesforce_id: id } => format!(
            "Salesforce returned no account {id}, which sync.toml names as a partner; correct the \
             file, or give the integration's user access to the account"
        ),
        Unknown::LookupsUnseen {
            field,
            source,
            accounts,
            some,
        } => unseen(mapping.shown(field), source, *accounts, some),
        Unknown::MappingChanged { differences } => {
            let parts: Vec<_> = differences.iter().map(difference_of_part).collect();
            format!(
                "sync.toml has changed since the run before: {}. The updates that follow from it \
                 are held as ever, if they are many.",
                parts.join("; ")
            )
        }
        Unknown::Growth { now, before } => format!(
            "{now} partner organizations name an account, {before} in the smallest good run of the \
             last week: find out who adds them. The limits are still shares of {before}, so adding \
             organizations raises none."
        ),
    }
}

/// Such as `fields: 1 more (region)`.
fn difference_of_part(difference: &Difference) -> String {
    let Difference {
        part,
        more,
        fewer,
        changed,
    } = difference;
    let said = [("more", more), ("fewer", fewer), ("changed", changed)];
    let said = said.into_iter().filter(|(_, names)| !names.is_empty());
    let said = said.map(|(word, names)| format!("{} {word} ({})", names.len(), names.join(", ")));
    format!("{part}: {}", said.collect::<Vec<_>>().join(", "))
}

fn unseen(field: &str, source: &str, accounts: usize, some: &[AccountId]) -> String {
    let ids: Vec<_> = some.iter().map(AccountId::as_str).collect();
    let more = if accounts > ids.len() { ", ..." } else { "" };
    format!(
        "The integration's user may not see the records that {source} leads to in {} ({}{more}): \
         {field} of their organizations is left as it is. Give the user read access to these \
         records.",
        counted(accounts, "account"),
        ids.join(", ")
    )
}

/// Why an approval released nothing.
pub(super) fn refused(why: &WhyRefused) -> String {
    match why {
        WhyRefused::Unknown => "no run in apply mode of the last week has held it".to_owned(),
        WhyRefused::TooOld { held_at } => format!(
            "it was held last at {}, and approvals count for 24 hours; this run's report has the \
             new one, if anything is still held",
            minute(*held_at)
        ),
        WhyRefused::Differs {
            category,
            held_at,
            was,
            now,
            added,
            gone,
        } => {
            let counts = format!(
                "it approves what was held at {}, {}, and {now} {} planned now",
                minute(*held_at),
                counted(*was, entry(*category)),
                if *now == 1 { "is" } else { "are" },
            );
            format!("{counts}{}", difference(*category, added, gone))
        }
        WhyRefused::NotNeeded { category } => format!(
            "exactly these {} are planned, and need no approval any more",
            plural(*category)
        ),
    }
}

/// The entries by which two plans differ.
fn difference(category: Category, added: &[String], gone: &[String]) -> String {
    let key = match category {
        Category::Creates => "account",
        Category::Updates | Category::Marks | Category::Unexplained => "organization",
    };
    let first = |words: &str, keys: &[String]| match keys {
        [] => String::new(),
        keys => format!("; {words}: {key} {}", keys.join(", ")),
    };
    if added.is_empty() && gone.is_empty() {
        let what = match category {
            Category::Creates | Category::Updates => "other values",
            Category::Marks | Category::Unexplained => "other evidence",
        };
        return format!(", of the same records, with {what}");
    }
    let added = first("new among them", added);
    format!("{added}{}", first("not among them any more", gone))
}

/// An entry of a category.
pub(super) fn entry(category: Category) -> &'static str {
    match category {
        Category::Creates => "create",
        Category::Updates => "update",
        Category::Marks => "mark",
        Category::Unexplained => "unexplained mark",
    }
}

fn plural(category: Category) -> &'static str {
    match category {
        Category::Creates => "creates",
        Category::Updates => "updates",
        Category::Marks => "marks",
        Category::Unexplained => "unexplained marks",
    }
}

fn listed(ids: &[u64]) -> String {
    let ids: Vec<_> = ids.iter().map(u64::to_string).collect();
    ids.join(", ")
}

#[cfg(test)]
#[path = "reasons_tests.rs"]
mod tests;
