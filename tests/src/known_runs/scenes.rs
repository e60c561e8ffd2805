//! The worlds behind the known reports.

use serde_json::{Value, json};

use crate::standins::demo::UNEXPLAINED;
use crate::standins::seed::{Dice, account, account_id, company, equal};
use crate::standins::{World, demo};

pub(crate) fn quiet() -> World {
    equal(2026, 168, 5210, 800)
}

/// The demo's world, in which Salesforce explains every missing account.
fn explained() -> World {
    let mut world = demo();
    world.set_type(UNEXPLAINED, "Partner");
    world
}

/// That world, and an account without a type.
pub(crate) fn many_kinds() -> World {
    let mut world = explained();
    world.lose_organization(90);
    world.set_account(90, "Partner_Track__c", Value::Null);
    world
}

pub(crate) fn everybody_leaves() -> World {
    let mut world = demo();
    for number in 100..140 {
        world.set_account(number, "Partners_Partner_Status__c", json!("Terminated"));
    }
    world
}

/// That world, in which twelve more partners are gone.
pub(crate) fn fourteen_leave() -> World {
    let mut world = explained();
    for number in 100..112 {
        world.set_account(number, "Partners_Partner_Status__c", json!("Terminated"));
    }
    world
}

/// Only the alliance account has an organization, as if the target were another instance.
pub(crate) fn nobody_there() -> World {
    let mut world = equal(2026, 169, 5210, 800);
    world.lose_organizations(2..170);
    world
}

pub(crate) fn five_thousand() -> World {
    let mut world = equal(5000, 5000, 15_000, 10);
    for number in 2..4302 {
        world.set_account(number, "Account_Owner_Calc__c", json!("Nova Linden"));
        if number % 3 == 0 {
            world.set_account(number, "Support_Hold__c", json!(true));
        }
    }
    world.lose_organizations(4302..4702);
    for number in 4702..5000 {
        world.set_account(number, "Partners_Partner_Status__c", json!("Terminated"));
    }
    world
}

/// Names that are markup, Markdown, formulas, very long, blank to the eye, or turn their row
/// around.
pub const HOSTILE: [&str; 9] = [
    "<script>alert(1)</script>",
    "\"><img src=x onerror=alert(1)>",
    "Acme | [free](https://elsewhere.example) `code` **bold** # head",
    "=HYPERLINK(\"https://elsewhere.example\")",
    "gpj.\u{202e}exe.emca",
    "jo@partner.example & Sons",
    "</table></style><style>*{display:none}",
    "Nul\u{0}l\r\nand\u{1b}[31mred",
    "&lt;b&gt; 'q' ]]> {{7*7}} ${x}",
];

pub(crate) fn hostile() -> World {
    let mut world = quiet();
    for (place, name) in HOSTILE.iter().enumerate() {
        world.set_account(70 + place, "Account_Owner_Calc__c", json!(name));
        world.set_account(80 + place, "Name", json!(name));
    }
    world.set_account(95, "Name", json!("Ω".repeat(3000)));
    for (place, name) in HOSTILE.iter().take(4).enumerate() {
        let number = 9100 + place;
        world.abandon(number, "");
        if let Some(id) = world.organization_of(number)
            && let Some(one) = world.instance("global").organizations.get_mut(&id)
        {
            one["name"] = json!(format!("{name} {number}"));
        }
    }
    let mut dice = Dice::new(9);
    let id = account_id(9200);
    let record = account(&mut dice, &id, HOSTILE[1]);
    world.salesforce.accounts.insert(id.to_string(), record);
    world
}

pub(crate) fn clashes() -> World {
    let mut world = quiet();
    // A name a customer has, one id on two organizations, and two accounts of one name.
    world.take_name(60);
    if let (Some(id), Some(other)) = (world.organization_of(61), world.organization_of(62)) {
        let twin = world.instance("global").organizations.get(&id).cloned();
        if let (Some(twin), Some(one)) =
            (twin, world.instance("global").organizations.get_mut(&other))
        {
            one["organization_fields"]["salesforce_id"] =
                twin["organization_fields"]["salesforce_id"].clone();
            one["organization_fields"]["mark_for_deletion"] = json!(true);
        }
    }
    let mut dice = Dice::new(10);
    let name = company(&mut dice, 9300);
    for number in [9301, 9302] {
        let id = account_id(number);
        let record = account(&mut dice, &id, &name);
        world.salesforce.accounts.insert(id.to_string(), record);
    }
    world
}
