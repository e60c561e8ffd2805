//! The tables of the program that the Python below `infra` needs, as JSON: `tables`.

use domain::model::PARTNER_TYPES;
use domain::model::mapping::{FIELDS, FILTERS, Field, NAME, Rule};
use report::{ALARMS, DASHBOARDS, Heading, MEMORY_MB, Metric, PRICES};
use serde_json::{Value, json};
use vendors::zendesk::{OPTIONAL, UNMAPPED, types_of};

fn main() {
    println!("{}", tables());
}

fn tables() -> Value {
    let metrics = Metric::ALL.iter().map(|metric| metric.name());
    let headings = Heading::ALL.iter().map(|heading| heading.text());
    json!({
        "errors": domain::Error::NAMES,
        "metrics": metrics.collect::<Vec<_>>(),
        "runbook_headings": headings.collect::<Vec<_>>(),
        "fields": FIELDS.iter().map(field).collect::<Vec<_>>(),
        "unmapped_fields": UNMAPPED.map(unmapped),
        "optional_fields": OPTIONAL.map(unmapped),
        "partner_types": PARTNER_TYPES,
        "account_name": NAME,
        "account_filters": FILTERS,
        "cost": cost(),
        "job_poll_seconds": sync::POLL_INTERVAL.as_secs_f64(),
    })
}

/// A field beside the mapping.
fn unmapped((key, types): (&str, &[&str])) -> Value {
    json!({"key": key, "types": types})
}

/// A row of the mapping, with the types that Zendesk's field may have.
fn field(field: &Field) -> Value {
    let (rule, value) = match field.rule {
        Rule::Id => ("Id", None),
        Rule::ShortId => ("ShortId", None),
        Rule::Text => ("Text", None),
        Rule::LookedUp(_) => ("LookedUp", None),
        Rule::Checkbox => ("Checkbox", None),
        Rule::TickedIf(value) => ("TickedIf", Some(value)),
        Rule::AccountType => ("AccountType", None),
    };
    json!({
        "key": field.key,
        "source": field.source,
        "rule": rule,
        "value": value,
        "types": types_of(field.rule),
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
