//! What people do in an hour, in both systems.

use serde_json::{Map, Value, json};

use super::ACCOUNTS;
use crate::standins::World;
use crate::standins::seed::{Dice, account, account_id, company};
use crate::sync_file::MAPPING;

/// The most partners there may be; then a new one takes the place of the oldest new one.
const MOST_PARTNERS: usize = 60;

/// An hour of people's work in both systems.
pub(super) fn live(dice: &mut Dice, world: &mut World, hour: usize) {
    for _ in 0..dice.roll(4) {
        let number = usize::try_from(dice.roll(ACCOUNTS as u64 - 2)).unwrap_or_default() + 2;
        match dice.roll(9) {
            0 => world.set_account(number, "Partners_Partner_Status__c", json!("Terminated")),
            1 | 2 => {
                world.set_account(number, "Partners_Partner_Status__c", json!("Authorized"));
                new_people(dice, world, number, hour);
            }
            3 => new_people(dice, world, number, hour),
            4 => {
                let name = match dice.roll(2) {
                    0 => accented(world, number + 1),
                    _ => None,
                };
                let name = name.unwrap_or_else(|| company(dice, 1000 + hour));
                world.set_account(number, "Name", json!(name));
            }
            5..=7 => {
                let id = account_id(100 + hour);
                let name = company(dice, 2000 + hour);
                let mut record = account(dice, &id, &name);
                let owner = json!(format!("Owner {hour}"));
                record.insert("Account_Owner_Calc__c".to_owned(), owner);
                // New accounts come as partners and as others.
                if dice.roll(3) == 0 {
                    record.insert("Partners_Partner_Status__c".to_owned(), json!("Pending"));
                }
                let first_new = account_id(100).to_string();
                let accounts = &mut world.salesforce.accounts;
                let status = "Partners_Partner_Status__c";
                let is_partner =
                    |one: &Map<String, Value>| one.get(status) == Some(&json!("Authorized"));
                if accounts.values().filter(|one| is_partner(one)).count() >= MOST_PARTNERS {
                    let mut new = accounts.range_mut(first_new..);
                    let oldest = new.find(|(_, one)| is_partner(one));
                    oldest.map(|(_, one)| one.insert(status.to_owned(), json!("Terminated")));
                }
                accounts.insert(id.to_string(), record);
            }
            _ => {
                let zendesk = world.instance("global");
                let place = usize::try_from(dice.roll(zendesk.organizations.len() as u64))
                    .unwrap_or_default();
                let Some((id, one)) = zendesk
                    .organizations
                    .iter()
                    .nth(place)
                    .map(|(id, one)| (*id, one.clone()))
                else {
                    continue;
                };
                let partner = one["organization_fields"]["account_type"]
                    .as_str()
                    .is_some_and(|tag| MAPPING.is_partner_type(tag));
                if partner {
                    zendesk.edit(id, "account_owner", json!(format!("Edited {hour}")));
                } else {
                    zendesk.edit(id, "support_hold", json!(true));
                }
            }
        }
    }
    purge(dice, world);
}

/// Other people look after an account.
fn new_people(dice: &mut Dice, world: &mut World, number: usize, hour: usize) {
    let owner = json!(format!("Owner {hour}"));
    world.set_account(number, "Account_Owner_Calc__c", owner);
    if dice.roll(2) == 0 {
        let manager = json!(format!("Manager {hour}"));
        world.set_account(number, "Technical_Account_Manager_Name__c", manager);
    }
}

/// The name of another account with an accent more. Whether that is another name depends on who
/// compares.
fn accented(world: &World, number: usize) -> Option<String> {
    let other = world.salesforce.accounts.get(account_id(number).as_str())?;
    let name = other.get("Name")?.as_str()?;
    let at = name.find(['a', 'e', 'o', 'u'])? + 1;
    let (before, behind) = name.split_at(at);
    Some(format!("{before}\u{301}{behind}"))
}

/// Now and then the Saturday job takes what is marked.
fn purge(dice: &mut Dice, world: &mut World) {
    if dice.roll(30) == 0 {
        world.instance("global").purge();
    }
}
