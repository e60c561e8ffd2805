//! A believable world from a seed: 168 accounts, 5,210 and 800 organizations, and something of
//! every kind of change.

use domain::model::{Account, AccountId};
use serde_json::{Map, Value, json};

use super::salesforce::record;
use super::{Salesforce, World, Zendesk};
use crate::sync_file::MAPPING;

/// The alliance account of the default settings.
pub const ALLIANCE: &str = "0014M00001sDiGEQA0";

/// A small generator of believable numbers; the same seed gives the same world on every machine.
#[derive(Debug, Clone)]
pub struct Dice(u64);

impl Dice {
    /// Dice that always fall the same way.
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// A number below `below` (splitmix64).
    pub fn roll(&mut self, below: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % below.max(1)
    }

    pub fn pick<'a>(&mut self, list: &[&'a str]) -> &'a str {
        let place = usize::try_from(self.roll(list.len() as u64)).unwrap_or_default();
        list.get(place).copied().unwrap_or_default()
    }
}

const FIRST: [&str; 12] = [
    "Northwind",
    "Blue Harbor",
    "Kestrel",
    "Iron Valley",
    "Lumen",
    "Quartz",
    "Silverleaf",
    "Red Oak",
    "Polar",
    "Summit",
    "Café Noir",
    "Zürich",
];
const SECOND: [&str; 10] = [
    "Systems",
    "Consulting",
    "Cloud Services",
    "Digital",
    "Software",
    "Labs",
    "Partners",
    "Integrators",
    "Networks",
    "Technologies",
];
const THIRD: [&str; 6] = ["GmbH", "Inc.", "Ltd", "SAS", "AB", "LLC"];
const PEOPLE: [&str; 8] = [
    "Robin Alder",
    "Sam Birch",
    "Kim Cedar",
    "Alex Elm",
    "Jo Hazel",
    "Chris Maple",
    "Pat Rowan",
    "Lee Willow",
];

/// A company's name, unlike every other number's.
pub fn company(dice: &mut Dice, number: usize) -> String {
    format!(
        "{} {} {} {number}",
        dice.pick(&FIRST),
        dice.pick(&SECOND),
        dice.pick(&THIRD)
    )
}

/// The account id of a number.
///
/// # Panics
/// Never: the text has 15 digits and letters.
pub fn account_id(number: usize) -> AccountId {
    AccountId::parse(&format!("0014M{number:010}")).expect("15 letters and digits")
}

/// A Salesforce account with every field of the query.
pub fn account(dice: &mut Dice, id: &AccountId, name: &str) -> Map<String, Value> {
    let architect = match dice.roll(3) {
        0 => Value::Null,
        _ => json!({
            "attributes": {"type": "User", "url": "/services/data/v67.0/sobjects/User/005"},
            "Name": dice.pick(&PEOPLE),
        }),
    };
    let owner = dice.pick(&PEOPLE);
    let manager = match dice.roll(2) {
        0 => Value::Null,
        _ => json!(dice.pick(&PEOPLE)),
    };
    let restricted = match dice.roll(40) {
        0 => json!("Restricted Party"),
        _ => Value::Null,
    };
    let record = json!({
        "Account_ID_18__c": id,
        "Name": name,
        "Account_Owner_Calc__c": owner,
        "Technical_Account_Manager_Name__c": manager,
        "Restricted_Account__c": restricted,
        "Solutions_Architect_Lookup__r": architect,
        "Partner_Track__c": dice.pick(&["Open", "Select"]),
        "Support_Hold__c": dice.roll(30) == 0,
        "Account_Risk_Level__c": dice.pick(&["None", "At Risk", "At Risk - Escalated"]),
        "Type": "Partner",
        "Partners_Partner_Status__c": "Authorized",
    });
    record.as_object().cloned().unwrap_or_default()
}

/// An organization as the API shows it, in sync with its account.
pub fn organization(id: u64, name: &str, external_id: Option<&str>, fields: &Value) -> Value {
    json!({
        "id": id, "url": format!("https://stand-in.example/api/v2/organizations/{id}.json"),
        "name": name, "external_id": external_id,
        "created_at": "2024-03-01T09:00:00Z", "updated_at": "2026-10-01T12:00:00Z",
        "domain_names": [], "details": "", "notes": null,
        "group_id": null, "shared_tickets": false, "shared_comments": false, "tags": ["synced"],
        "organization_fields": fields,
    })
}

/// The organization fields of the mapping, and two others.
pub fn organization_fields() -> Vec<Value> {
    let field = |id: u64, key: &str, kind: &str| {
        json!({
            "id": id, "key": key, "title": title_of(key), "type": kind, "active": true,
            "system": false,
        })
    };
    let text = [
        "salesforce_id",
        "sfdc_short_id",
        "account_owner",
        "technical_account_manager",
        "solutions_architect",
        "expiration_date",
    ];
    let boxes = [
        "restricted_account",
        "support_hold",
        "org_in_escalated_state",
        "mark_for_deletion",
        "ignore_deletion",
    ];
    let mut fields: Vec<_> = (1..)
        .zip(text)
        .map(|(id, key)| field(id, key, "text"))
        .collect();
    fields.extend(
        (11..)
            .zip(boxes)
            .map(|(id, key)| field(id, key, "checkbox")),
    );
    let mut kind = field(21, "account_type", "dropdown");
    let types = MAPPING.partner_types.iter().map(String::as_str);
    let options = types
        .chain(["customer", "prospect"])
        .zip(1..)
        .map(|(tag, id)| json!({"id": id, "name": tag, "value": tag}));
    kind["custom_field_options"] = Value::Array(options.collect());
    fields.push(kind);
    fields
}

/// What a run makes of an account, if it may see what its lookups lead to.
pub fn mapped(account: &Map<String, Value>) -> Option<Account> {
    let columns: Vec<_> = MAPPING.columns().into_iter().map(str::to_owned).collect();
    let shown = record("v67.0", "", &columns, account, true);
    Account::from_record(&shown, &MAPPING).ok()
}

/// What people see of a key: `account_owner` is "Account Owner".
pub(super) fn title_of(key: &str) -> String {
    let word = |word: &str| {
        let (first, rest) = word.split_at(1);
        first.to_uppercase() + rest
    };
    key.split('_').map(word).collect::<Vec<_>>().join(" ")
}

/// The organization an account must have.
pub fn in_sync(id: u64, record: &Map<String, Value>) -> Option<Value> {
    let account = mapped(record)?;
    let mut fields = json!(account.fields);
    fields["mark_for_deletion"] = json!(false);
    fields["expiration_date"] = Value::Null;
    Some(organization(
        id,
        &account.name,
        Some(account.id().ok()?.as_str()),
        &fields,
    ))
}

/// A world of equal accounts and organizations, with others around them.
pub fn equal(seed: u64, accounts: usize, global: usize, us_government: usize) -> World {
    let mut dice = Dice::new(seed);
    let mut world = World {
        salesforce: Salesforce::default(),
        ..World::default()
    };
    let mut target = Zendesk::default();
    let mut other = Zendesk::default();
    (other.client_id, other.client_secret) =
        ("zd-gov-client".to_owned(), "zd-gov-secret".to_owned());
    let every = (global / accounts.max(1)).max(1);
    let mut next_account = 0;
    for number in 0..global {
        let id = 19_856_122_753_300 + number as u64 * 7;
        let organization = if number % every == 0 && next_account < accounts {
            next_account += 1;
            let salesforce_id = if next_account == 1 {
                AccountId::parse(ALLIANCE).unwrap_or_else(|_| account_id(0))
            } else {
                account_id(next_account)
            };
            let name = company(&mut dice, next_account);
            let record = account(&mut dice, &salesforce_id, &name);
            let organization = in_sync(id, &record);
            world
                .salesforce
                .accounts
                .insert(salesforce_id.to_string(), record);
            organization.unwrap_or_default()
        } else {
            customer(&mut dice, id, number + 10_000)
        };
        target.organizations.insert(id, organization);
    }
    for number in 0..us_government {
        let id = 20_000_000_000_000 + number as u64 * 3;
        let mut organization = customer(&mut dice, id, number + 50_000);
        if number % 100 == 0 {
            organization["organization_fields"]["account_type"] = json!("select_partner");
        }
        other.organizations.insert(id, organization);
    }
    world.zendesk.insert("global".to_owned(), target);
    world.zendesk.insert("us-government".to_owned(), other);
    world
}

fn customer(dice: &mut Dice, id: u64, number: usize) -> Value {
    let fields = json!({
        "account_type": dice.pick(&["customer", "prospect"]),
        "salesforce_id": format!("0016C{number:010}"),
        "mark_for_deletion": null, "support_hold": null});
    let name = company(dice, number);
    organization(id, &name, None, &fields)
}
