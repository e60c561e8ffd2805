//! A believable world for any `sync.toml`: its accounts, its organizations, and something of every
//! kind of change.

use domain::model::{Account, AccountId, EXPIRATION_DATE, Field, Mapping, Rule};
use serde_json::{Map, Value, json};
use vendors::zendesk::{UNMAPPED, types_of};

use super::salesforce::record;
use super::seed::{self, account_id, organization};
use super::{World, Zendesk};

/// Accounts that both systems have, and are equal in.
pub const EQUAL: usize = 40;
/// Accounts without an organization.
pub const NEW: usize = 2;
/// Organizations that differ from their account in one field.
pub const CHANGED: usize = 3;
/// Partner organizations whose account is no partner's any more.
pub const LOST: usize = 2;

/// The world of a company that syncs by this mapping.
pub fn world(mapping: &Mapping) -> World {
    let mut world = World::default();
    world.salesforce.object.clone_from(&mapping.object);
    world.salesforce.formula.clone_from(&mapping.id);
    for site in mapping.sites() {
        let mut zendesk = Zendesk::default();
        zendesk.fields = organization_fields(mapping);
        world.zendesk.insert(site.name.clone(), zendesk);
    }
    let all = EQUAL + NEW + CHANGED + LOST;
    for number in 1..=all {
        let id = account_id(number);
        let mut account = account(mapping, &id, number);
        let mut one = in_sync(mapping, 1_000 + number as u64, &account);
        let is_new = (EQUAL..EQUAL + NEW).contains(&(number - 1));
        let is_changed = (EQUAL + NEW..EQUAL + NEW + CHANGED).contains(&(number - 1));
        if is_changed {
            one["name"] = json!(format!("Before {number}"));
        }
        if number > all - LOST {
            let last = mapping.filter.others.last();
            account.extend(last.map(|one| (one.column.clone(), json!("Terminated"))));
        }
        world.salesforce.accounts.insert(id.to_string(), account);
        let target = world.instance(&mapping.target.name);
        if !is_new {
            target.organizations.insert(1_000 + number as u64, one);
        }
    }
    world
}

/// An account that meets the filter, with a value in every column.
pub fn account(mapping: &Mapping, id: &AccountId, number: usize) -> Map<String, Value> {
    let mut record = Map::new();
    for field in &mapping.fields {
        fill(&mut record, field, number);
    }
    for condition in mapping.filter.conditions() {
        let allowed = condition.allowed.values();
        let value = allowed.get(number % allowed.len().max(1));
        record.insert(condition.column.clone(), json!(value));
    }
    record.insert(mapping.id.clone(), json!(id));
    record.insert(mapping.name.clone(), json!(format!("Company {number}")));
    record
}

fn fill(record: &mut Map<String, Value>, field: &Field, number: usize) {
    let text = format!("{} {number}", field.key);
    let value = match &field.rule {
        Rule::Id18 | Rule::Id15 => return,
        Rule::Text => json!(text),
        Rule::LookedUp { .. } => {
            let (lookup, column) = field.source.split_once('.').unwrap_or_default();
            record.insert(lookup.to_owned(), json!({column: text}));
            return;
        }
        Rule::Checkbox => json!(number.is_multiple_of(2)),
        Rule::Equals(value) => json!(if number.is_multiple_of(3) {
            value
        } else {
            "Other"
        }),
        Rule::Table(rows) => json!(rows.get(number % rows.len()).map(|row| &row.text)),
    };
    record.insert(field.source.clone(), value);
}

/// The organization that an account must have, as Zendesk shows it.
///
/// # Panics
/// If the account is none of this mapping.
pub fn in_sync(mapping: &Mapping, id: u64, account: &Map<String, Value>) -> Value {
    let columns: Vec<_> = mapping.columns().into_iter().map(str::to_owned).collect();
    let shown = record("v67.0", "", &columns, account, true);
    let account = Account::from_record(&shown, mapping).expect("an account");
    let fields = account.fields.iter().filter_map(|(key, value)| {
        let key = mapping.zendesk_key(key)?.name();
        Some((key.to_owned(), json!(value)))
    });
    let fields = Value::Object(fields.collect());
    let external_id = account.id().expect("an id");
    organization(id, &account.name, Some(external_id.as_str()), &fields)
}

/// The organization fields of a mapping, as Zendesk shows them.
pub fn organization_fields(mapping: &Mapping) -> Vec<Value> {
    let definition = |key: &str, kind: &str, tags: &[String]| {
        let options = tags
            .iter()
            .map(|tag| json!({"id": 1, "name": tag, "value": tag}));
        let options: Vec<_> = options.collect();
        json!({
            "id": 1, "key": key, "title": seed::title_of(key), "type": kind, "active": true,
            "system": false, "custom_field_options": options,
        })
    };
    let mut all = Vec::new();
    for field in &mapping.fields {
        let mut tags = match &field.rule {
            Rule::Table(rows) => rows.iter().map(|row| row.tag.clone()).collect(),
            _ => Vec::new(),
        };
        if mapping.type_field() == Some(field) {
            tags.extend(mapping.partner_types.clone());
        }
        let key = mapping.zendesk_key(field.key);
        let kind = types_of(field).first().copied().unwrap_or_default();
        all.extend(key.map(|key| definition(key.name(), kind, &tags)));
    }
    for (key, kinds, _) in UNMAPPED {
        let kind = kinds.first().copied().unwrap_or_default();
        // A text may hold any date.
        let kind = if key == EXPIRATION_DATE { "text" } else { kind };
        let key = mapping.zendesk_key(key);
        all.extend(key.map(|key| definition(key.name(), kind, &[])));
    }
    all
}
