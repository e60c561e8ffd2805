//! The demo's world: in sync, except for some of every difference.

use std::collections::BTreeSet;
use std::ops::Range;

use serde_json::{Value, json};

use super::World;
use super::salesforce::is_deleted;
use super::seed::{Dice, account, account_id, equal};

/// An id of an organization without an account that the demo's parameters protect.
const PROTECTED: usize = 9_005;
/// The account that has been missing for two hours only.
pub const JUST_LOST: usize = 9_007;
/// The account that was merged into one that has an organization.
const MERGED: usize = 9_009;
/// The account that is a customer's: somebody chose the organization's type wrongly.
pub const UNEXPLAINED: usize = 9_010;
/// The account whose organization is marked, and has tickets.
const EXEMPT: usize = 9_011;

/// The world of the demo: a difference of every kind, and what waits: an organization whose account
/// has just gone, one that names no account, a name that another one gives up first, one whose
/// account was merged, one that Salesforce does not explain, and one that the purge leaves alone.
pub fn demo() -> World {
    let mut world = differences();
    world.abandon(JUST_LOST, "");
    world.abandon(9008, "");
    world.set_organization(9008, "salesforce_id", json!("see notes"));
    world.pass_the_name_on(85, 84);
    world.abandon(MERGED, "");
    world.merge(MERGED, 100);
    world.abandon(UNEXPLAINED, "");
    world.set_type(UNEXPLAINED, "Customer");
    world.abandon(EXEMPT, "");
    for field in ["mark_for_deletion", "ignore_deletion"] {
        world.set_organization(EXEMPT, field, json!(true));
    }
    world
}

/// 168 accounts, 5,210 and 800 organizations, and a difference of every kind that one run settles.
pub fn differences() -> World {
    let mut world = equal(2026, 168, 5214, 800);
    for number in [10, 20, 30] {
        world.lose_organization(number);
    }
    for number in 70..82 {
        world.set_account(number, "Account_Owner_Calc__c", json!("Nova Linden"));
    }
    world.set_account(82, "Name", json!("Formerly Otherwise Named Ltd"));
    world.set_account(83, "Solutions_Architect_Lookup__r", Value::Null);
    world.set_organization(40, "mark_for_deletion", json!(true));
    world.set_organization(41, "salesforce_id", json!(account_id(41).short()));
    world.set_organization(50, "account_type", json!("customer"));
    world.set_organization(51, "salesforce_id", json!(""));
    world.take_name(60);
    for (number, expired) in [
        (9001, ""),
        (9002, "2019-05-31"),
        (9003, "2025-06-30"),
        (9004, "June 2025"),
        (PROTECTED, ""),
        (9006, ""),
    ] {
        world.abandon(number, expired);
    }
    if let Some(id) = world.organization_of(9006) {
        world
            .instance("global")
            .edit(id, "mark_for_deletion", json!(true));
    }
    world
}

impl World {
    /// Renames an account, and gives its name to another one.
    pub fn pass_the_name_on(&mut self, from: usize, to: usize) {
        let accounts = &self.salesforce.accounts;
        let name = accounts
            .get(account_id(from).as_str())
            .and_then(|record| record.get("Name"))
            .cloned();
        if let Some(name) = name {
            self.set_account(from, "Name", json!("Newly Otherwise Named Ltd"));
            self.set_account(to, "Name", name);
        }
    }

    /// The organization with a number's account id on the target.
    pub fn organization_of(&self, number: usize) -> Option<u64> {
        let id = account_id(number);
        let of = |one: &Value| {
            one["organization_fields"]["salesforce_id"]
                .as_str()
                .is_some_and(|text| text == id.as_str())
        };
        self.zendesk
            .get("global")?
            .organizations
            .iter()
            .find(|(_, one)| of(one))
            .map(|(id, _)| *id)
    }

    /// Changes a field of an account.
    pub fn set_account(&mut self, number: usize, field: &str, value: Value) {
        if let Some(record) = self
            .salesforce
            .accounts
            .get_mut(account_id(number).as_str())
        {
            record.insert(field.to_owned(), value);
        }
    }

    /// Merges an account into another one, as a person does in Salesforce: the loser is deleted,
    /// and names the survivor for as long as it is in the recycle bin.
    pub fn merge(&mut self, loser: usize, survivor: usize) {
        self.delete_account(loser);
        self.set_account(loser, "MasterRecordId", json!(account_id(survivor)));
    }

    /// Puts an account into the recycle bin.
    pub fn delete_account(&mut self, number: usize) {
        self.set_account(number, "IsDeleted", json!(true));
    }

    /// Forgets what was deleted or merged.
    pub fn empty_recycle_bin(&mut self) {
        let accounts = &mut self.salesforce.accounts;
        accounts.retain(|_, record| !is_deleted(record));
    }

    /// Takes an account from the sight of the app's user.
    pub fn hide_account(&mut self, number: usize) {
        let id = account_id(number).to_string();
        self.salesforce.unshared.insert(id);
    }

    /// Gives an account another type, as a wrong click does.
    pub fn set_type(&mut self, number: usize, kind: &str) {
        self.set_account(number, "Type", json!(kind));
    }

    /// Changes a field of an account's organization.
    pub fn set_organization(&mut self, number: usize, field: &str, value: Value) {
        if let Some(id) = self.organization_of(number) {
            self.instance("global").edit(id, field, value);
        }
    }

    pub fn lose_organization(&mut self, number: usize) {
        if let Some(id) = self.organization_of(number) {
            self.instance("global").organizations.remove(&id);
        }
    }

    /// Deletes the organizations of many accounts.
    pub fn lose_organizations(&mut self, numbers: Range<usize>) {
        let lost: BTreeSet<String> = numbers.map(|one| account_id(one).to_string()).collect();
        let all = &mut self.instance("global").organizations;
        all.retain(|_, one| {
            let account = one["organization_fields"]["salesforce_id"].as_str();
            !account.is_some_and(|id| lost.contains(id))
        });
    }

    /// Gives an account's name to a customer, and deletes the account's own organization.
    pub fn take_name(&mut self, number: usize) {
        self.lose_organization(number);
        let name = self
            .salesforce
            .accounts
            .get(account_id(number).as_str())
            .and_then(|record| record.get("Name"))
            .cloned();
        let customers = self.instance("global").organizations.values_mut();
        let customer = customers
            .filter(|one| one["organization_fields"]["account_type"] == "customer")
            .last();
        if let (Some(customer), Some(name)) = (customer, name) {
            customer["name"] = name;
        }
    }

    /// Makes a customer a partner whose account is terminated.
    pub fn abandon(&mut self, number: usize, expired: &str) {
        let customers = self.instance("global").organizations.values_mut();
        let customer = customers
            .rev()
            .find(|one| one["organization_fields"]["account_type"] == "prospect");
        if let Some(customer) = customer {
            customer["organization_fields"]["account_type"] = json!("open_partner");
            customer["organization_fields"]["salesforce_id"] = json!(account_id(number));
            customer["organization_fields"]["expiration_date"] = json!(expired);
            let id = account_id(number);
            let name = customer["name"].as_str().unwrap_or_default();
            let mut record = account(&mut Dice::new(number as u64), &id, name);
            record.insert("Partners_Partner_Status__c".to_owned(), json!("Terminated"));
            self.salesforce.accounts.insert(id.to_string(), record);
        }
    }
}
