//! What people do in an hour, in both systems.

use domain::model::PARTNER_TYPES;
use serde_json::{Map, Value, json};

use super::ACCOUNTS;
use crate::standins::World;
use crate::standins::seed::{Dice, account, account_id, company};

/// The most partners there may be; then a new one takes the place of the oldest new one.
const MOST_PARTNERS: usize = 60;

/// An hour of people's work in both systems.
pub(super) fn live(dice: &mut Dice, world: &mut World, hour: usize) {
    for _ in 0..dice.roll(4) {
        let number = usize::try_from(dice.roll(ACCOUNTS as u64 - 2)).unwrap_or_default() + 2;
        match dice.roll(9) {
            0 => world.set_account(number, "Partners_Partner_Status__c", json!("Terminated")),
            1 | 2 => world.set_account(number, "Partners_Partner_Status__c", json!("Authorized")),
            3 => world.set_account(
                number,
                "Account_Owner_Calc__c",
                json!(format!("Owner {hour}")),
            ),
            4 => {
                let name = company(dice, 1000 + hour);
                world.set_account(number, "Name", json!(name));
            }
            5..=7 => {
                let id = account_id(100 + hour);
                let name = company(dice, 2000 + hour);
                let mut record = account(dice, &id, &name);
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
                    .is_some_and(|tag| PARTNER_TYPES.contains(&tag));
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

/// Now and then the Saturday job deletes what is marked.
fn purge(dice: &mut Dice, world: &mut World) {
    if dice.roll(30) == 0 {
        world
            .instance("global")
            .organizations
            .retain(|_, one| one["organization_fields"]["mark_for_deletion"] != true);
    }
}
