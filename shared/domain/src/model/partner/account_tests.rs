use serde_json::json;

use super::super::Named;
use super::super::for_tests::MAPPING;
use super::*;

const ALLIANCE: &str = "0014M00001sDiGEQA0";
const PARTNER: &str = "001D000000IRFmaIAH";

fn map(record: &Value) -> Result<Account> {
    Account::from_record(record.as_object().unwrap(), &mapping())
}

fn mapping() -> Mapping {
    let named = Named {
        account: AccountId::parse(ALLIANCE).unwrap(),
        tag: "alliance_partner".to_owned(),
    };
    Mapping {
        named: vec![named],
        ..MAPPING.clone()
    }
}

fn record() -> Value {
    json!({
        "attributes": {"type": "Account",
        "url": "/services/data/v67.0/sobjects/Account/001D000000IRFmaIAH"},
        "Account_ID_18__c": PARTNER, "Name": "  Acme GmbH ", "Account_Owner_Calc__c": " Ada \
            Lovelace",
        "Technical_Account_Manager_Name__c": "Grace Hopper", "Restricted_Account__c": "Restricted \
            Party",
        "Solutions_Architect_Lookup__r": {"attributes": {"type": "User"}, "Name": "Alan Turing"},
        "Solutions_Architect_Lookup__c": "0054M0000000001QAA",
        "Partner_Track__c": "Open", "Support_Hold__c": true, "Account_Risk_Level__c": "At Risk - \
            Escalated",
        "Type": "Partner", "Partners_Partner_Status__c": "Authorized"
    })
}

fn with(key: &str, value: Value) -> Value {
    let mut record = record();
    record[key] = value;
    record
}

fn field(record: &Value, key: &str) -> FieldValue {
    map(record).unwrap().fields.named(key).cloned().unwrap()
}

fn text(text: &str) -> FieldValue {
    FieldValue::Text(Some(text.into()))
}

#[test]
fn maps_every_row_of_the_table() {
    let account = map(&record()).unwrap();
    assert_eq!(
        serde_json::to_value(&account).unwrap(),
        json!({
            "name": "Acme GmbH", "salesforce_id": PARTNER,
            "sfdc_short_id": "001D000000IRFma", "account_owner": "Ada Lovelace",
            "technical_account_manager": "Grace Hopper", "solutions_architect": "Alan Turing",
            "restricted_account": true,
            "support_hold": true, "org_in_escalated_state": true, "account_type": "open_partner"
        })
    );
    assert_eq!(
        serde_json::from_value::<Account>(serde_json::to_value(&account).unwrap()).unwrap(),
        account
    );
}

#[test]
fn a_null_lookup_and_blank_picklists_are_unset() {
    let mut empty = with("Solutions_Architect_Lookup__r", Value::Null);
    empty["Solutions_Architect_Lookup__c"] = Value::Null;
    assert_eq!(field(&empty, "solutions_architect"), FieldValue::UNSET);
    assert_eq!(
        field(
            &with("Solutions_Architect_Lookup__r", json!({"Name": null})),
            "solutions_architect"
        ),
        FieldValue::UNSET
    );
    assert_eq!(
        field(&with("Account_Owner_Calc__c", json!("  ")), "account_owner"),
        FieldValue::UNSET
    );
    for (key, source) in [
        ("restricted_account", "Restricted_Account__c"),
        ("org_in_escalated_state", "Account_Risk_Level__c"),
        ("support_hold", "Support_Hold__c"),
    ] {
        assert_eq!(
            field(&with(source, Value::Null), key),
            FieldValue::Flag(false),
            "{source}"
        );
    }
    assert_eq!(
        field(
            &with("Restricted_Account__c", json!("Not Restricted")),
            "restricted_account"
        ),
        FieldValue::Flag(false)
    );
    assert_eq!(
        field(
            &with("Account_Risk_Level__c", json!("At Risk")),
            "org_in_escalated_state"
        ),
        FieldValue::Flag(false)
    );
    assert_eq!(
        field(&with("Support_Hold__c", json!(false)), "support_hold"),
        FieldValue::Flag(false)
    );
}

#[test]
fn an_absent_field_ends_the_run_by_its_name() {
    for column in MAPPING.columns() {
        let first = column.split('.').next().unwrap();
        let mut record = record();
        record.as_object_mut().unwrap().remove(first);
        let error = map(&record).unwrap_err();
        assert_eq!(error.name(), "Sync.Contract", "{column}");
        assert!(error.to_string().contains(first), "{column}: {error}");
    }
}

#[test]
fn a_lookup_without_its_field_is_absent_and_a_null_one_is_empty() {
    let without_name = with("Solutions_Architect_Lookup__r", json!({}));
    let error = map(&without_name).unwrap_err().to_string();
    assert!(
        error.contains("Solutions_Architect_Lookup__r.Name is absent"),
        "{error}"
    );
    assert!(map(&with("Solutions_Architect_Lookup__r", Value::Null)).is_ok());
}

#[test]
fn a_lookup_whose_record_may_not_be_seen_is_not_empty_and_its_field_is_not_known() {
    let unseen = map(&with("Solutions_Architect_Lookup__r", Value::Null)).unwrap();
    assert_eq!(unseen.fields.named("solutions_architect"), None);
    let keys = |account: &Account| {
        let unseen = account.unseen(&MAPPING);
        unseen.map(|field| field.key.name()).collect::<Vec<_>>()
    };
    assert_eq!(keys(&unseen), ["solutions_architect"]);
    assert!(keys(&map(&record()).unwrap()).is_empty());
    let stored = serde_json::to_string(&unseen).unwrap();
    assert!(!stored.contains("solutions_architect"), "{stored}");
    assert_eq!(serde_json::from_str::<Account>(&stored).unwrap(), unseen);
}

#[test]
fn the_account_type_follows_id_then_track() {
    let of = |id: &str, track: Value| {
        let mut record = with("Partner_Track__c", track);
        record["Account_ID_18__c"] = json!(id);
        field(&record, "account_type")
    };
    assert_eq!(of(ALLIANCE, json!("Open")), text("alliance_partner"));
    assert_eq!(of(ALLIANCE, Value::Null), text("alliance_partner"));
    assert_eq!(of(PARTNER, json!("Open")), text("open_partner"));
    assert_eq!(of(PARTNER, json!("Select")), text("select_partner"));
    for other in [Value::Null, json!(""), json!("Services")] {
        assert_eq!(of(PARTNER, other), FieldValue::UNSET);
    }
}

#[test]
fn values_are_compared_without_regard_to_case_as_the_query_compares_them() {
    let tags = |track: &str| field(&with("Partner_Track__c", json!(track)), "account_type");
    assert_eq!(tags("select"), text("select_partner"));
    assert_eq!(tags("OPEN"), text("open_partner"));
    for (source, key, words) in [
        (
            "Restricted_Account__c",
            "restricted_account",
            "Restricted party",
        ),
        (
            "Account_Risk_Level__c",
            "org_in_escalated_state",
            "at risk - escalated",
        ),
    ] {
        let ticked = field(&with(source, json!(words)), key);
        assert_eq!(ticked, FieldValue::Flag(true), "{words}");
    }
}

#[test]
fn an_id_that_is_not_whole_ends_the_run() {
    for id in [
        json!("001D000000IRFmaIAX"),
        json!("001D000000IRFma"),
        json!(""),
        Value::Null,
        json!("not an id"),
    ] {
        let error = map(&with("Account_ID_18__c", id.clone())).unwrap_err();
        assert_eq!(error.name(), "Sync.Contract", "{id}");
    }
    let wrong = map(&with("Account_ID_18__c", json!("001D000000IRFmaIAX")))
        .unwrap_err()
        .to_string();
    assert!(
        wrong.contains("001D000000IRFmaIAX") && wrong.contains("must be IAH"),
        "{wrong}"
    );
}

#[test]
fn a_wrong_type_names_record_and_field() {
    for (source, value) in [
        ("Name", json!(7)),
        ("Name", json!(" ")),
        ("Support_Hold__c", json!("true")),
        ("Solutions_Architect_Lookup__r", json!("x")),
    ] {
        let error = map(&with(source, value)).unwrap_err();
        assert_eq!(error.name(), "Sync.Contract");
        assert!(
            error.to_string().contains(PARTNER) && error.to_string().contains(source),
            "{error}"
        );
    }
}
