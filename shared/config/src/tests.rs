use domain::model::{ACCOUNT_TYPE, Key, MARK_FOR_DELETION, Rule, SALESFORCE_ID};

use super::*;

const ANOTHER: &str = include_str!("../../../docs/examples/another-company.sync.toml");
const SMALLEST: &str = include_str!("../../../docs/examples/smallest.sync.toml");

/// Every broken file by its name, with what is said of it.
#[test]
fn every_mistake_of_a_file_is_named_with_its_line_and_what_to_do() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/broken");
    let mut said = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let text = std::fs::read_to_string(&path).unwrap();
        let error = read(&text).unwrap_err();
        assert_eq!(error.name(), "Sync.Config");
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        said.push(format!("## {name}\n{error}\n"));
    }
    said.sort();
    assert!(said.len() >= 10);
    insta::assert_snapshot!(said.join("\n"));
}

#[test]
fn the_products_own_file_is_short_and_is_the_partner_sync() {
    assert!(PRODUCTS_OWN.lines().count() <= 100);
    let mapping = read(PRODUCTS_OWN).unwrap();
    assert_eq!(mapping.fields.len(), 9);
    assert_eq!(mapping.target.name, "global");
    let names: Vec<_> = mapping.sites().map(|site| site.name.as_str()).collect();
    assert_eq!(names, ["global", "us-government"]);
    assert_eq!(mapping.shown("mark_for_deletion"), "mark_for_deletion");
    let columns = mapping.columns().join(" ");
    let wanted = "Account_ID_18__c Name Account_Owner_Calc__c Technical_Account_Manager_Name__c \
                  Restricted_Account__c Solutions_Architect_Lookup__r.Name Partner_Track__c \
                  Support_Hold__c Account_Risk_Level__c Type Partners_Partner_Status__c \
                  Solutions_Architect_Lookup__c";
    assert_eq!(columns, wanted);
}

#[test]
fn a_field_with_a_role_has_the_roles_name_in_documents_and_zendesks_own_in_zendesk() {
    let mapping = read(ANOTHER).unwrap();
    for (role, zendesk) in [
        (SALESFORCE_ID, "crm_id"),
        (ACCOUNT_TYPE, "partner_kind"),
        (MARK_FOR_DELETION, "to_be_removed"),
    ] {
        assert_eq!(mapping.shown(role.name()), zendesk);
        assert_eq!(mapping.zendesk_key(role), Key::known(zendesk));
    }
    assert_eq!(mapping.shown("expiration_date"), "expiration_date");
    assert_eq!(
        mapping.zendesk_key(Key::of("expiration_date").unwrap()),
        None
    );
    let owner = mapping
        .fields
        .iter()
        .find(|one| one.key.name() == "account_manager");
    let id = "OwnerId".to_owned();
    assert_eq!(owner.unwrap().rule, Rule::LookedUp { id });
}

#[test]
fn what_may_be_left_out_may_be_left_out() {
    let mapping = read(SMALLEST).unwrap();
    assert_eq!(mapping.purge, None);
    assert!(mapping.named.is_empty() && mapping.others.is_empty());
}

#[test]
fn a_file_of_another_text_has_another_digest() {
    let digest = |text: &str| read(text).unwrap().digest;
    assert_eq!(digest(SMALLEST), digest(SMALLEST));
    assert_ne!(digest(SMALLEST), digest(ANOTHER));
}

#[test]
fn no_text_makes_the_reader_panic() {
    let all = [PRODUCTS_OWN, ANOTHER, SMALLEST];
    for text in all {
        for end in 0..text.len() {
            if let Some(cut) = text.get(..end) {
                let _ = read(cut);
            }
        }
        for line in 0..text.lines().count() {
            let lines = text.lines().enumerate();
            let others = lines.filter(|(place, _)| *place != line);
            let others: Vec<_> = others.map(|(_, line)| line).collect();
            let _ = read(&others.join("\n"));
        }
    }
    assert!(read(&"#".repeat(MOST_BYTES + 1)).is_err());
}
