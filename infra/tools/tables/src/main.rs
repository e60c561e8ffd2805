//! The tables of the program that the Python below `infra` needs, as JSON: `tables [SYNC_TOML]`.

use std::process::ExitCode;

use domain::model::{Condition, Field, Key, Mapping, Named, Rule};
use report::{ALARMS, DASHBOARDS, Heading, MEMORY_MB, Metric, PRICES};
use serde_json::{Value, json};
use vendors::zendesk::{UNMAPPED, types_of};

fn main() -> ExitCode {
    let path = std::env::args_os().nth(1);
    let text = path.map_or_else(
        || Ok(config::PRODUCTS_OWN.to_owned()),
        std::fs::read_to_string,
    );
    let mapping = text
        .map_err(|why| why.to_string())
        .and_then(|text| config::read(&text).map_err(|why| why.to_string()));
    match mapping {
        Ok(mapping) => {
            println!("{}", tables(&mapping));
            ExitCode::SUCCESS
        }
        Err(why) => {
            eprintln!("{why}");
            ExitCode::FAILURE
        }
    }
}

fn tables(mapping: &Mapping) -> Value {
    let metrics = Metric::ALL.iter().map(|metric| metric.name());
    let headings = Heading::ALL.iter().map(|heading| heading.text());
    json!({
        "errors": domain::Error::NAMES,
        "metrics": metrics.collect::<Vec<_>>(),
        "runbook_headings": headings.collect::<Vec<_>>(),
        "fields": mapping.fields.iter().map(|one| field(one, mapping)).collect::<Vec<_>>(),
        "unmapped_fields": unmapped(mapping, true),
        "optional_fields": unmapped(mapping, false),
        "partner_types": mapping.partner_types,
        "object": mapping.object,
        "account_id": mapping.id,
        "account_name": mapping.name,
        "account_columns": mapping.columns(),
        "filter": mapping.filter.conditions().map(condition).collect::<Vec<_>>(),
        "named": mapping.named.iter().map(named).collect::<Vec<_>>(),
        "target": mapping.target.name,
        "instances": mapping.sites().map(|site| &site.name).collect::<Vec<_>>(),
        "cost": cost(),
        "job_poll_seconds": sync::POLL_INTERVAL.as_secs_f64(),
    })
}

/// The fields that no account decides about: those that must be there, or those that may.
fn unmapped(mapping: &Mapping, must_be_there: bool) -> Vec<Value> {
    let all = UNMAPPED
        .into_iter()
        .filter(|(_, _, must)| *must == must_be_there);
    let told = all.filter_map(|(key, types, _)| {
        let key = mapping.zendesk_key(key)?.name();
        Some(json!({"key": key, "types": types}))
    });
    told.collect()
}

fn condition(condition: &Condition) -> Value {
    json!({
        "name": condition.name,
        "column": condition.column,
        "values": condition.allowed.values(),
    })
}

fn named(named: &Named) -> Value {
    json!({"id": named.account, "type": named.tag})
}

/// A row of the mapping, with the types that Zendesk's field may have.
fn field(field: &Field, mapping: &Mapping) -> Value {
    let (rule, value) = match &field.rule {
        Rule::Id18 => ("id_18", Value::Null),
        Rule::Id15 => ("id_15", Value::Null),
        Rule::Text => ("text", Value::Null),
        Rule::LookedUp { .. } => ("lookup", Value::Null),
        Rule::Checkbox => ("checkbox", Value::Null),
        Rule::Equals(value) => ("equals", json!(value)),
        Rule::Table(choices) => {
            let rows = choices.iter().map(|one| (one.text.clone(), json!(one.tag)));
            ("table", Value::Object(rows.collect()))
        }
    };
    json!({
        "key": mapping.zendesk_key(field.key).map(Key::name),
        "source": field.source,
        "rule": rule,
        "value": value,
        "types": types_of(field),
    })
}

/// Prices of a month in thousand-millionths of a dollar, and what the template must have.
fn cost() -> Value {
    json!({
        "nano_usd": {
            "metric": PRICES.metric,
            "alarm": PRICES.alarm,
            "dashboard": PRICES.dashboard,
            "secret": PRICES.secret,
        },
        "memory_mb": MEMORY_MB,
        "alarms": ALARMS,
        "dashboards": DASHBOARDS,
    })
}
