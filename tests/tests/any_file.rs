//! For any valid `sync.toml` and any world, applying a plan makes both systems equal: the next plan
//! is empty.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::fmt::Write as _;

use domain::model::{
    Account, AccountId, Claim, Complete, Fate, FieldValue, Fields, Former, Formers, Header,
    Instance, Key, MARK_FOR_DELETION, Mapping, Organization, Organizations, Reading, Reference,
    Rule, Values, Week,
};
use domain::plan::{Change, Comparison, Entries, Inputs, Limit, Limits, NAME, Settings};
use jiff::Timestamp;
use proptest::prelude::*;
use serde_json::{Map, Value, json};

/// What a file is made from.
#[derive(Debug, Clone)]
#[allow(clippy::struct_excessive_bools)] // Each is thrown by itself.
struct Draft {
    /// Whether Zendesk calls the fields with a role otherwise.
    renames: bool,
    has_expiration: bool,
    has_exemption: bool,
    has_short_id: bool,
    has_kind: bool,
    has_purge: bool,
    types: usize,
    /// By their rules, one of five.
    fields: Vec<usize>,
    others: usize,
}

fn draft() -> impl Strategy<Value = Draft> {
    let switches = prop::array::uniform6(any::<bool>());
    let fields = prop::collection::vec(0..5_usize, 0..20);
    (switches, 1..4_usize, fields, 0..4_usize).prop_map(|(switches, types, fields, others)| {
        let [
            renames,
            has_expiration,
            has_exemption,
            has_short_id,
            has_kind,
            has_purge,
        ] = switches;
        Draft {
            renames,
            has_expiration,
            has_exemption,
            has_short_id,
            has_kind,
            has_purge,
            types,
            fields,
            others,
        }
    })
}

impl Draft {
    fn mapping(&self) -> Result<Mapping, TestCaseError> {
        config::read(&self.file()).map_err(|why| TestCaseError::fail(why.to_string()))
    }

    fn zendesk(&self, role: &str) -> String {
        let prefix = if self.renames { "own_" } else { "" };
        format!("{prefix}{role}")
    }

    /// Texts of the column that gives the types, each with its tag.
    fn types(&self) -> Vec<(String, String)> {
        let row = |number| (format!("Level {number}"), format!("level_{number}"));
        (0..self.types).map(row).collect()
    }

    fn file(&self) -> String {
        let quoted = |texts: Vec<String>| {
            let texts: Vec<_> = texts.iter().map(|text| format!("\"{text}\"")).collect();
            texts.join(", ")
        };
        let types = self.types();
        let texts = quoted(types.iter().map(|(text, _)| text.clone()).collect());
        let tags = quoted(types.iter().map(|(_, tag)| tag.clone()).collect());
        let rows: Vec<_> = types
            .iter()
            .map(|(text, tag)| format!("\"{text}\" = \"{tag}\""))
            .collect();
        let mut file =
            "[salesforce]\nobject = \"Thing__c\"\nid = \"Id18__c\"\nname = \"Name\"\n".to_owned();
        if self.has_kind {
            file += "[[filter]]\nname = \"type\"\nsays = \"Type\"\n";
            file += "column = \"Type\"\nvalue = \"Partner\"\n";
        }
        let _ = write!(
            file,
            "[[filter]]\nname = \"level\"\nsays = \"Level\"\ncolumn = \"Level__c\"\n\
             values = [{texts}]\n[partners]\ntypes = [{tags}]\n[fields]\n\
             {} = {{ rule = \"id_18\" }}\n\
             {} = {{ rule = \"table\", column = \"Level__c\", values = {{ {} }} }}\n",
            self.zendesk("salesforce_id"),
            self.zendesk("account_type"),
            rows.join(", ")
        );
        if self.has_short_id {
            file += "short = { rule = \"id_15\" }\n";
        }
        for (number, rule) in self.fields.iter().enumerate() {
            let rest = match rule {
                0 => format!("\"text\", column = \"C{number}__c\""),
                1 => format!("\"text\", column = \"L{number}__r.Name\""),
                2 => format!("\"checkbox\", column = \"C{number}__c\""),
                3 => format!("\"equals\", column = \"C{number}__c\", value = \"v1\""),
                _ => format!(
                    "\"table\", column = \"C{number}__c\", values = {{ v0 = \"t0\", v1 = \"t1\" }}"
                ),
            };
            let _ = writeln!(file, "f{number} = {{ rule = {rest} }}");
        }
        file += "[roles]\n";
        let mut roles = vec!["salesforce_id", "account_type", "mark_for_deletion"];
        roles.extend(self.has_expiration.then_some("expiration_date"));
        roles.extend(self.has_exemption.then_some("ignore_deletion"));
        for role in roles {
            let _ = writeln!(file, "{role} = \"{}\"", self.zendesk(role));
        }
        if self.has_purge {
            file += "[purge]\nday = \"Sunday\"\ntime = \"23:59\"\n";
        }
        file += "[[instances]]\nname = \"main\"\ntarget = true\n";
        for number in 0..self.others {
            let _ = writeln!(
                file,
                "[[instances]]\nname = \"other-{number}\"\noptional = true"
            );
        }
        file
    }
}

/// What an account and its organization are made from: a die for each value.
type Dice = Vec<u8>;

/// Whether there is an account, whether there is an organization, and their dice.
fn pair() -> impl Strategy<Value = (bool, bool, Dice, Dice)> {
    let dice = || prop::collection::vec(any::<u8>(), 24);
    (any::<bool>(), any::<bool>(), dice(), dice())
}

fn id(number: usize) -> AccountId {
    AccountId::parse(&format!("001A{number:011}")).unwrap()
}

/// An account that meets the filter. Its other values are as the dice fall.
fn account(mapping: &Mapping, number: usize, dice: &[u8]) -> Account {
    let mut record = Map::new();
    let mut rolls = dice.iter().cycle();
    for field in &mapping.fields {
        let roll = usize::from(*rolls.next().unwrap());
        let text = json!(["v0", "v1", " v2 ", ""][roll % 4]);
        let (column, value) = match &field.rule {
            Rule::Id18 | Rule::Id15 => continue,
            Rule::Checkbox => (field.source.clone(), json!(roll.is_multiple_of(2))),
            Rule::LookedUp { id } => {
                let (lookup, name) = field.source.split_once('.').unwrap();
                // Empty, not to be seen, or there.
                let there = json!({name: text});
                let (by_id, followed) = match roll % 3 {
                    0 => (Value::Null, Value::Null),
                    1 => (json!("0054M0000000001"), Value::Null),
                    _ => (json!("0054M0000000001"), there),
                };
                record.insert(id.clone(), by_id);
                (lookup.to_owned(), followed)
            }
            Rule::Text | Rule::Equals(_) | Rule::Table(_) => (field.source.clone(), text),
        };
        record.insert(column, value);
    }
    for condition in mapping.filter.conditions() {
        let allowed = condition.allowed.values();
        record.insert(
            condition.column.clone(),
            json!(allowed[number % allowed.len()]),
        );
    }
    record.insert(mapping.id.clone(), json!(id(number)));
    record.insert(mapping.name.clone(), json!(format!("Name {number}")));
    Account::from_record(&record, mapping).unwrap()
}

/// A partner's organization of an account, with other values where the dice say so.
fn organization(mapping: &Mapping, number: usize, dice: &[u8]) -> Organization {
    let of = account(mapping, number, dice);
    let mut fields = of.fields.clone();
    fields.set(MARK_FOR_DELETION, FieldValue::Flag(dice[0] == 0));
    let name = if dice[1].is_multiple_of(2) {
        of.name
    } else {
        format!("Former name {number}")
    };
    Organization {
        instance: mapping.target.name.as_str().into(),
        id: 1_000 + number as u64,
        name: name.into(),
        external_id: None,
        updated_at: "2026-01-01T00:00:00Z".into(),
        organization_fields: fields,
    }
}

fn plan(
    mapping: &Mapping,
    accounts: &[Account],
    organizations: &[Organization],
    missing: &[AccountId],
) -> Entries {
    let mut reading = Reading::<HashSet<AccountId>>::new("test");
    for account in accounts {
        reading.saw(&account.id().unwrap()).unwrap();
    }
    let count = accounts.len();
    let accounts: Complete<Vec<Account>> = reading.finish(Some(count), accounts.to_vec()).unwrap();
    let (partners, lookalikes): (Vec<_>, Vec<_>) = organizations
        .iter()
        .cloned()
        .partition(|one| one.is_partner(mapping));
    let instance = Instance {
        name: mapping.target.name.clone(),
        host: String::new(),
        organizations_scanned: organizations.len(),
        partner_organizations: partners.len(),
        pages: 1,
        seconds: 0.0,
        complete: true,
        error: None,
    };
    let organizations = Organizations {
        header: Header::new("r", now(), partners.len()),
        organizations: partners,
        lookalikes,
        instances: vec![instance],
    };
    let organizations = organizations
        .into_complete("r", &mapping.target.name)
        .unwrap();
    let former = |id: &AccountId| Former {
        salesforce_id: id.clone(),
        fate: Fate::AuthorisedNoMore {
            values: Values::default(),
            last_changed: None,
        },
    };
    let formers = Formers {
        former: missing.iter().map(former).collect(),
        former_error: None,
    };
    let inputs = inputs();
    let digest = Some(mapping.digest.as_str());
    let comparison = Comparison::of(&accounts, &formers, organizations, &inputs, mapping, digest);
    comparison.unwrap().changes.entries
}

fn now() -> Timestamp {
    "2026-11-23T06:00:00Z".parse().unwrap()
}

fn inputs() -> Inputs {
    let all = Limit {
        number: 1_000_000,
        percent: 100,
    };
    let nothing = Reference {
        bucket: String::new(),
        key: String::new(),
        sha256: String::new(),
        count: 0,
    };
    Inputs {
        accounts: nothing.clone(),
        organizations: nothing,
        started_at: now(),
        settings: Settings {
            protected: BTreeSet::new(),
            named: BTreeSet::new(),
            retention_years: 3,
            mark_after_hours: 0,
            quiet_hours: 0,
            limits: Limits {
                creates: all,
                updates: all,
                marks: all,
                min_accounts_percent: 0,
            },
        },
        approve: Vec::new(),
        claim: Claim::default(),
        last_good: None,
        week: Week::default(),
        memory: None,
        memory_lost: None,
        state_machine: None,
        salesforce_host: String::new(),
    }
}

/// What Zendesk holds after a plan.
fn apply(mapping: &Mapping, entries: &Entries, before: &[Organization]) -> Vec<Organization> {
    let mut after: BTreeMap<u64, Organization> =
        before.iter().map(|one| (one.id, one.clone())).collect();
    for update in &entries.updates {
        let one = after.get_mut(&update.id).unwrap();
        for Change { field, old: _, new } in &update.changes {
            if field == NAME {
                one.name = new.as_text().unwrap().into();
            } else {
                one.organization_fields
                    .set(Key::known(field).unwrap(), new.clone());
            }
        }
    }
    for mark in &entries.marks {
        let one = after.get_mut(&mark.id).unwrap();
        one.organization_fields
            .set(MARK_FOR_DELETION, FieldValue::Flag(true));
    }
    for (number, create) in (100_000..).zip(&entries.creates) {
        let one = Organization {
            instance: mapping.target.name.as_str().into(),
            id: number,
            name: create.name.as_str().into(),
            external_id: Some(create.salesforce_id.as_str().into()),
            updated_at: "2026-11-23T06:00:00Z".into(),
            organization_fields: create.fields.clone(),
        };
        after.insert(number, one);
    }
    after.into_values().collect()
}

proptest! {
    #[test]
    fn applying_a_plan_makes_both_systems_equal_and_the_next_plan_is_empty(
        draft in draft(),
        pairs in prop::collection::vec(pair(), 0..12),
    ) {
        let mapping = draft.mapping()?;
        let mut accounts = Vec::new();
        let mut organizations = Vec::new();
        let mut missing = Vec::new();
        for (number, (has_account, has_organization, dice, other)) in pairs.iter().enumerate() {
            if *has_account {
                accounts.push(account(&mapping, number, dice));
            }
            if *has_organization {
                organizations.push(organization(&mapping, number, other));
            }
            if *has_organization && !has_account {
                missing.push(id(number));
            }
        }
        let entries = plan(&mapping, &accounts, &organizations, &missing);
        let after = apply(&mapping, &entries, &organizations);
        for account in &accounts {
            let id = account.id().unwrap();
            let own = after.iter().filter(|one| one.account_id().as_ref() == Some(&id));
            let own: Vec<_> = own.collect();
            prop_assert_eq!(own.len(), 1);
            prop_assert_eq!(own[0].name.as_str(), account.name.as_str());
            prop_assert!(!own[0].is_marked());
            for (key, value) in account.fields.iter() {
                prop_assert!(own[0].field(key).means(value), "{} of {}", key, id);
            }
        }
        for one in &after {
            let is_missing = one.account_id().is_some_and(|id| missing.contains(&id));
            prop_assert_eq!(one.is_marked(), is_missing);
        }
        let again = plan(&mapping, &accounts, &after, &missing);
        prop_assert_eq!(again, Entries::default());
    }

    #[test]
    fn a_page_of_zendesk_is_read_by_its_own_keys_and_no_others(
        draft in draft(),
        dice in prop::collection::vec(any::<u8>(), 24),
    ) {
        let mapping = draft.mapping()?;
        let wanted = organization(&mapping, 1, &dice);
        let sent = wanted.organization_fields.iter().filter_map(|(key, value)| {
            let key = mapping.zendesk_key(key)?.name();
            Some((key.to_owned(), json!(value)))
        });
        let mut sent: Map<String, Value> = sent.collect();
        sent.insert("sales_notes".to_owned(), json!({"a": [1, 2]}));
        let page = json!({
            "organizations": [{
                "id": wanted.id, "name": wanted.name, "external_id": null,
                "updated_at": wanted.updated_at, "organization_fields": sent,
            }],
            "meta": {"has_more": false},
        });
        let page = vendors::zendesk::PageBody::of(page.to_string().as_bytes()).unwrap();
        let read = page.read("main", &mapping, |listed| listed.is_partner(&mapping)).unwrap();
        let kept = read.unwrap().kept;
        prop_assert_eq!(kept.len(), 1);
        let filled = |fields: &Fields| {
            let all = fields.iter().filter(|(_, value)| **value != FieldValue::UNSET);
            all.map(|(key, value)| (key.name(), value.clone())).collect::<Vec<_>>()
        };
        prop_assert_eq!(filled(&kept[0].organization_fields), filled(&wanted.organization_fields));
    }
}
