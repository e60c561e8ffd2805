//! The comparison: accounts against the organizations of the target. Source: contract, compare.

use std::collections::{BTreeMap, BTreeSet};

use jiff::ToSpan;
use jiff::civil::Date;

use super::conflicts::{Conflicts, Shared};
use super::{Change, Changes, Create, Mark, Retained, Skipped, Update};
use crate::Result;
use crate::model::{
    ACCOUNT_TYPE, Account, AccountId, Complete, EXPIRATION_DATE, FieldValue, MARK_FOR_DELETION,
    Organization, name_key,
};

/// The organizations of the instance that is written to.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Target {
    /// Those with a partner's account type.
    pub partners: Vec<Organization>,
    /// Others with an account's id or name. They are adopted or in conflict, never marked.
    pub lookalikes: Vec<Organization>,
}

/// What the operator decides about organizations without account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rules {
    /// Never marked, whatever Salesforce says.
    pub protected: BTreeSet<AccountId>,
    /// Years after the expiration date in which an organization is retained.
    pub retention_years: i16,
    /// The day of the run, UTC.
    pub today: Date,
}

/// Finds what has to change on the target so that it equals Salesforce.
///
/// The result depends on the inputs alone, not on their order.
///
/// # Errors
/// [`crate::Error::Contract`] if an account has no usable id.
pub fn diff(
    accounts: &Complete<Vec<Account>>,
    target: &Complete<Target>,
    rules: &Rules,
) -> Result<Changes> {
    let accounts = accounts
        .get()
        .iter()
        .map(|account| Ok((account.id()?, account)))
        .collect::<Result<BTreeMap<_, _>>>()?;
    let index = Index::new(target.get());
    let mut conflicts = Conflicts::default();
    let mut changes = Changes::default();
    let mut unmatched = Vec::new();
    let mut matched: Vec<Pair<'_>> = Vec::new();
    for (id, organizations) in index
        .by_id
        .iter()
        .filter(|(_, organizations)| organizations.len() > 1)
    {
        conflicts.add(
            Shared::Id(id.clone()),
            accounts
                .get_key_value(id)
                .map(|(id, account)| (id, *account)),
            organizations.iter().copied(),
        );
    }
    for (id, account) in &accounts {
        match index.by_id.get(id).map_or(&[][..], Vec::as_slice) {
            [] => unmatched.push((id, *account)),
            [one] => matched.push((id, account, one)),
            _ => {}
        }
    }
    for organizations in index
        .by_text
        .values()
        .filter(|organizations| organizations.len() > 1)
    {
        let text = organizations
            .first()
            .and_then(|one| one.salesforce_id())
            .unwrap_or_default();
        conflicts.add(
            Shared::Text(text.to_owned()),
            None,
            organizations.iter().copied(),
        );
    }
    let (new, renamed) = wanted_names(&unmatched, &matched);
    let free_to_rename = |name: &str| renamed.get(&name_key(name)).is_none_or(|all| all.len() < 2);
    let mut claims = BTreeMap::<String, usize>::new();
    for (_, account) in &unmatched {
        *claims.entry(name_key(&account.name)).or_default() += 1;
    }
    let free_to_adopt = |name: &str| {
        claims.get(&name_key(name)).is_none_or(|count| *count < 2)
            && !renamed.contains_key(&name_key(name))
    };
    let free_to_create = |name: &str| {
        new.get(&name_key(name)).is_none_or(|count| *count < 2)
            && !renamed.contains_key(&name_key(name))
    };

    for (id, account) in unmatched {
        if account.account_type().is_none() {
            changes.skipped.push(skipped(id, account));
        }
        let holders = index.holders(&account.name, None);
        match index
            .adoptable(account)
            .filter(|_| free_to_adopt(&account.name))
        {
            Some(organization) => matched.push((id, account, organization)),
            None if account.account_type().is_none() && holders.is_empty() => {}
            None if !holders.is_empty() || !free_to_create(&account.name) => {
                let name = name_key(&account.name);
                conflicts.add(Shared::Name(name.clone()), Some((id, account)), holders);
                // The other side may be an organization that gets this name by the same plan.
                for &(id, account, organization) in renamed.get(&name).into_iter().flatten() {
                    conflicts.add(
                        Shared::Name(name.clone()),
                        Some((id, account)),
                        [organization],
                    );
                }
            }
            None => changes.creates.push(Create {
                salesforce_id: id.clone(),
                name: account.name.clone(),
                fields: account.fields.clone(),
            }),
        }
    }
    let mut done = BTreeSet::new();
    for (id, account, organization) in matched {
        done.insert(organization.id);
        if account.account_type().is_none()
            && !changes
                .skipped
                .iter()
                .any(|skipped| skipped.salesforce_id == *id)
        {
            changes.skipped.push(skipped(id, account));
        }
        let Some(update) = update(id, account, organization) else {
            continue;
        };
        let to_be_renamed = update.changes.iter().any(|change| change.field == "name");
        let holders = index.holders(&account.name, Some(organization));
        if to_be_renamed && (!holders.is_empty() || !free_to_rename(&account.name)) {
            conflicts.add(
                Shared::Name(name_key(&account.name)),
                Some((id, account)),
                holders.into_iter().chain([organization]),
            );
            changes.updates.extend(update.only_unmark());
        } else {
            changes.updates.push(update);
        }
    }
    let names: BTreeMap<String, (&AccountId, &Account)> = accounts
        .iter()
        .map(|(id, account)| (name_key(&account.name), (id, *account)))
        .collect();
    for organization in &target.get().partners {
        if done.contains(&organization.id) || conflicts.leaves_alone(organization) {
            continue;
        }
        let name = name_key(&organization.name);
        match names.get(&name) {
            Some(account) => conflicts.add(Shared::Name(name), Some(*account), [organization]),
            None => judge_abandoned(organization, rules, &mut changes),
        }
    }
    changes.conflicts = conflicts.into_list();
    changes.sort();
    Ok(changes)
}

/// An account and its organization.
type Pair<'a> = (&'a AccountId, &'a Account, &'a Organization);

/// Who wants a name they do not hold yet: as a new organization (their number), and as a renamed
/// one. An account without type is never created, so it wants none.
fn wanted_names<'a>(
    unmatched: &[(&AccountId, &Account)],
    matched: &[Pair<'a>],
) -> (BTreeMap<String, usize>, BTreeMap<String, Vec<Pair<'a>>>) {
    let (mut new, mut renamed) = (BTreeMap::new(), BTreeMap::<_, Vec<_>>::new());
    for (_, account) in unmatched
        .iter()
        .filter(|(_, account)| account.account_type().is_some())
    {
        *new.entry(name_key(&account.name)).or_default() += 1;
    }
    for &(id, account, organization) in matched {
        let name = name_key(&account.name);
        if name != name_key(&organization.name) {
            renamed
                .entry(name)
                .or_default()
                .push((id, account, organization));
        }
    }
    (new, renamed)
}

struct Index<'a> {
    by_id: BTreeMap<AccountId, Vec<&'a Organization>>,
    /// Partners whose Salesforce id is no account id, by its text.
    by_text: BTreeMap<&'a str, Vec<&'a Organization>>,
    by_name: BTreeMap<String, Vec<&'a Organization>>,
    partners: BTreeSet<u64>,
}

impl<'a> Index<'a> {
    fn new(target: &'a Target) -> Self {
        let Target {
            partners,
            lookalikes,
        } = target;
        let mut index = Self {
            by_id: BTreeMap::new(),
            by_text: BTreeMap::new(),
            by_name: BTreeMap::new(),
            partners: partners.iter().map(|one| one.id).collect(),
        };
        let mut all: Vec<_> = partners.iter().chain(lookalikes).collect();
        all.sort_by_key(|organization| organization.id);
        for organization in all {
            if let Some(id) = organization.account_id() {
                index.by_id.entry(id).or_default().push(organization);
            } else if let Some(text) = organization
                .salesforce_id()
                .filter(|_| organization.is_partner())
            {
                index.by_text.entry(text).or_default().push(organization);
            }
            index
                .by_name
                .entry(name_key(&organization.name))
                .or_default()
                .push(organization);
        }
        index
    }

    /// The organizations that hold a name, but for the one that may.
    fn holders(&self, name: &str, but: Option<&Organization>) -> Vec<&'a Organization> {
        let all = self
            .by_name
            .get(&name_key(name))
            .into_iter()
            .flatten()
            .copied();
        all.filter(|one| but.is_none_or(|but| but.id != one.id))
            .collect()
    }

    /// The one partner organization with a blank Salesforce id and exactly the account's name.
    fn adoptable(&self, account: &Account) -> Option<&'a Organization> {
        let exact = |one: &&&Organization| {
            self.partners.contains(&one.id)
                && one.salesforce_id().is_none()
                && one.name.trim() == account.name.trim()
        };
        let mut found = self
            .by_name
            .get(&name_key(&account.name))?
            .iter()
            .filter(exact);
        found.next().filter(|_| found.next().is_none()).copied()
    }
}

/// The fields that differ, `None` if all are equal. A mark on an account's organization is taken
/// back.
fn update(id: &AccountId, account: &Account, organization: &Organization) -> Option<Update> {
    let Account { name, fields } = account;
    let name_now = FieldValue::Text(Some(organization.name.clone()));
    let name_wanted = FieldValue::text(Some(name));
    let unmarked = FieldValue::Flag(false);
    let managed = fields
        .iter()
        .filter(|(key, value)| *key != ACCOUNT_TYPE || **value != FieldValue::UNSET);
    let changes: Vec<_> = [("name", &name_now, &name_wanted)]
        .into_iter()
        .chain(managed.map(|(key, wanted)| (key.as_str(), organization.field(key), wanted)))
        .chain([(
            MARK_FOR_DELETION,
            organization.field(MARK_FOR_DELETION),
            &unmarked,
        )])
        .filter(|(_, old, new)| !old.means(new))
        .map(|(field, old, new)| Change {
            field: field.to_owned(),
            old: old.clone(),
            new: new.clone(),
        })
        .collect();
    (!changes.is_empty()).then(|| Update {
        id: organization.id,
        salesforce_id: id.clone(),
        name: name.clone(),
        changes,
    })
}

/// What becomes of a partner organization without account.
fn judge_abandoned(organization: &Organization, rules: &Rules, changes: &mut Changes) {
    let Organization { id, name, .. } = organization;
    let (id, name, salesforce_id) = (
        *id,
        name.clone(),
        organization.salesforce_id().map(str::to_owned),
    );
    let account = organization.account_id();
    if organization.is_marked() {
        let reason =
            "marked by an earlier run or by hand, and no authorised partner account has this id"
                .to_owned();
        changes.already_marked.push(Mark {
            id,
            salesforce_id,
            name,
            reason,
        });
    } else if account
        .as_ref()
        .is_some_and(|account| rules.protected.contains(account))
    {
        let reason = "its Salesforce id is protected by ProtectedAccountIds".to_owned();
        changes.protected.push(Retained {
            id,
            salesforce_id,
            name,
            reason,
            eligible_from: None,
        });
    } else if let Some((reason, eligible_from)) = retention(organization, rules) {
        changes.retained.push(Retained {
            id,
            salesforce_id,
            name,
            reason,
            eligible_from,
        });
    } else {
        let reason = match (&account, &salesforce_id) {
            (Some(_), _) => "Salesforce has no authorised partner account with this id",
            (None, Some(_)) => {
                "its Salesforce id is no account id, and no authorised partner account has its name"
            }
            (None, None) => {
                "its Salesforce id is blank, and no authorised partner account has its name"
            }
        };
        changes.marks.push(Mark {
            id,
            salesforce_id,
            name,
            reason: reason.to_owned(),
        });
    }
}

/// Why an organization is too young to be marked, and the first day on which it is not; `None` if
/// it may be marked today.
fn retention(organization: &Organization, rules: &Rules) -> Option<(String, Option<Date>)> {
    let text = organization.field(EXPIRATION_DATE).as_text()?;
    let Some(expired) = date(text) else {
        return Some((
            "warning: its expiration date cannot be read; correct it to YYYY-MM-DD".to_owned(),
            None,
        ));
    };
    let eligible = expired
        .saturating_add(rules.retention_years.years())
        .saturating_add(1.day());
    (rules.today < eligible).then(|| {
        (
            format!(
                "expired {expired}, retained for {} years",
                rules.retention_years
            ),
            Some(eligible),
        )
    })
}

/// Reads `YYYY-MM-DD`. A date field of Zendesk comes with a time behind it, which does not count.
fn date(text: &str) -> Option<Date> {
    let day = text.split_once('T').map_or(text, |(day, _)| day);
    let digits =
        |part: &str, length| part.len() == length && part.bytes().all(|b| b.is_ascii_digit());
    let mut parts = day.split('-');
    let (year, month, day) = (parts.next()?, parts.next()?, parts.next()?);
    if parts.next().is_some() || !(digits(year, 4) && digits(month, 2) && digits(day, 2)) {
        return None;
    }
    Date::new(year.parse().ok()?, month.parse().ok()?, day.parse().ok()?).ok()
}

fn skipped(id: &AccountId, account: &Account) -> Skipped {
    let reason =
        "its partner track is neither Open nor Select, so it has no account type".to_owned();
    Skipped {
        salesforce_id: id.clone(),
        name: account.name.clone(),
        reason,
    }
}

impl Changes {
    fn sort(&mut self) {
        let Self {
            creates,
            updates,
            marks,
            skipped,
            protected,
            retained,
            conflicts: _,
            already_marked,
        } = self;
        creates.sort_by(|a, b| a.salesforce_id.cmp(&b.salesforce_id));
        updates.sort_by(|a, b| (&a.salesforce_id, a.id).cmp(&(&b.salesforce_id, b.id)));
        for marks in [marks, already_marked] {
            marks.sort_by(|a, b| (&a.salesforce_id, a.id).cmp(&(&b.salesforce_id, b.id)));
        }
        skipped.sort_by(|a, b| a.salesforce_id.cmp(&b.salesforce_id));
        protected.sort_by(|a, b| (&a.salesforce_id, a.id).cmp(&(&b.salesforce_id, b.id)));
        retained.sort_by(|a, b| (&a.salesforce_id, a.id).cmp(&(&b.salesforce_id, b.id)));
    }
}

#[cfg(test)]
#[path = "diff_properties.rs"]
mod properties;
#[cfg(test)]
#[path = "diff_tests.rs"]
mod tests;
