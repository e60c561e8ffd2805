//! The mapping of the file that comes with the product, for tests.

use std::sync::LazyLock;

use jiff::civil::{Weekday, time};

use super::{
    ACCOUNT_TYPE, Allowed, Choice, Condition, EXPIRATION_DATE, Field, Filter, IGNORE_DELETION, Key,
    MARK_FOR_DELETION, Mapping, PurgeTime, Rule, SALESFORCE_ID, Site, Spelling,
};

pub(crate) const PURGE: PurgeTime = PurgeTime {
    day: Weekday::Saturday,
    time: time(0, 45, 0, 0),
};

pub(crate) static MAPPING: LazyLock<Mapping> = LazyLock::new(|| {
    let fields = fields();
    let unmapped = [MARK_FOR_DELETION, EXPIRATION_DATE, IGNORE_DELETION];
    let keys = fields.iter().map(|field| field.key).chain(unmapped);
    let spelling = |key| Spelling { key, zendesk: key };
    Mapping {
        text: String::new(),
        digest: "sha256:of-tests".to_owned(),
        object: "Account".to_owned(),
        id: "Account_ID_18__c".to_owned(),
        name: "Name".to_owned(),
        filter: filter(),
        named: Vec::new(),
        partner_types: ["alliance_partner", "open_partner", "select_partner"]
            .map(str::to_owned)
            .into(),
        spellings: keys.map(spelling).collect(),
        fields,
        purge: Some(PURGE),
        target: site("global"),
        others: vec![site("us-government")],
    }
});

pub(crate) fn filter() -> Filter {
    let any = |values: &[&str]| Allowed::Any(values.iter().map(|one| (*one).to_owned()).collect());
    let condition = |name: &str, says: &str, column: &str, allowed| Condition {
        name: name.to_owned(),
        says: says.to_owned(),
        column: column.to_owned(),
        allowed,
    };
    let partner = Allowed::One("Partner".to_owned());
    Filter {
        kind: Some(condition("type", "Type", "Type", partner)),
        others: vec![
            condition(
                "status",
                "Partner status",
                "Partners_Partner_Status__c",
                any(&["Authorized"]),
            ),
            condition(
                "track",
                "Partner track",
                "Partner_Track__c",
                any(&["Open", "Select"]),
            ),
        ],
    }
}

fn fields() -> Vec<Field> {
    let row = |name: &str, source: &str, rule| Field {
        key: Key::of(name).unwrap(),
        source: source.to_owned(),
        rule,
    };
    let lookup = Rule::LookedUp {
        id: "Solutions_Architect_Lookup__c".to_owned(),
    };
    let equals = |text: &str| Rule::Equals(text.to_owned());
    let choice = |text: &str, tag: &str| Choice {
        text: text.to_owned(),
        tag: tag.to_owned(),
    };
    let types = Rule::Table(vec![
        choice("Open", "open_partner"),
        choice("Select", "select_partner"),
    ]);
    vec![
        row(SALESFORCE_ID.name(), "Account_ID_18__c", Rule::Id18),
        row("sfdc_short_id", "Account_ID_18__c", Rule::Id15),
        row("account_owner", "Account_Owner_Calc__c", Rule::Text),
        row(
            "technical_account_manager",
            "Technical_Account_Manager_Name__c",
            Rule::Text,
        ),
        row(
            "restricted_account",
            "Restricted_Account__c",
            equals("Restricted Party"),
        ),
        row(
            "solutions_architect",
            "Solutions_Architect_Lookup__r.Name",
            lookup,
        ),
        row(ACCOUNT_TYPE.name(), "Partner_Track__c", types),
        row("support_hold", "Support_Hold__c", Rule::Checkbox),
        row(
            "org_in_escalated_state",
            "Account_Risk_Level__c",
            equals("At Risk - Escalated"),
        ),
    ]
}

fn site(name: &str) -> Site {
    Site {
        name: name.to_owned(),
        optional: false,
    }
}
