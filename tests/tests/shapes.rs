//! The stand-in Zendesk's replies, and our requests, have the shapes that Zendesk's published
//! document gives them. They are in `fixtures/shapes.json`, in our own words: `a|b` is either, a
//! key with `?` may be missing, and no other key may be there.

use std::collections::BTreeSet;

use partner_sync_tests::clock::clock;
use partner_sync_tests::in_process::{Pipeline, secrets};
use partner_sync_tests::standins::{Exchange, Running, differences};
use partner_sync_tests::sync_file::MAPPING;
use secrecy::SecretString;
use serde_json::{Value, json};
use vendors::http::Wire;
use vendors::zendesk::{Client, Credentials, Scope};

fn shapes() -> Value {
    serde_json::from_str(include_str!("../fixtures/shapes.json")).unwrap()
}

/// What of a value does not have a shape.
fn misfits(named: &Value, shape: &Value, value: &Value, place: &str) -> Vec<String> {
    let wrong = || vec![format!("{place} is {value}, not {shape}")];
    match (shape, value) {
        (Value::String(words), _) if named.get(words).is_some() => {
            misfits(named, &named[words], value, place)
        }
        (Value::String(words), _) => {
            let fits = words.split('|').any(|word| is_a(word, value));
            if fits { Vec::new() } else { wrong() }
        }
        (Value::Array(each), Value::Array(values)) => {
            let each = &each[0];
            let all = values.iter().enumerate();
            all.flat_map(|(number, value)| {
                misfits(named, each, value, &format!("{place}[{number}]"))
            })
            .collect()
        }
        (Value::Object(keys), Value::Object(values)) => {
            let mut all = Vec::new();
            for (key, shape) in keys {
                let name = key.trim_end_matches('?');
                match values.get(name) {
                    Some(value) => {
                        all.extend(misfits(named, shape, value, &format!("{place}.{name}")));
                    }
                    None if name == key => all.push(format!("{place}.{name} is missing")),
                    None => {}
                }
            }
            let is_known =
                |key: &String| keys.contains_key(key) || keys.contains_key(&format!("{key}?"));
            let others = values.keys().filter(|key| !is_known(key));
            all.extend(others.map(|key| format!("{place}.{key} is not known")));
            all
        }
        _ => wrong(),
    }
}

fn is_a(word: &str, value: &Value) -> bool {
    match word {
        "any" => true,
        "nothing" | "null" => value.is_null(),
        "string" => value.is_string(),
        "integer" => value.is_u64() || value.is_i64(),
        "boolean" => value.is_boolean(),
        // Values of custom fields: no object and no list.
        "values" => value.as_object().is_some_and(|values| {
            values
                .values()
                .all(|value| !value.is_object() && !value.is_array())
        }),
        _ => false,
    }
}

/// The name of an endpoint: ids in the path are not part of it.
fn endpoint(exchange: &Exchange) -> String {
    let is_id = |part: &str| part.parse::<u64>().is_ok();
    let parts = exchange.path.split('/');
    let parts: Vec<_> = parts
        .map(|part| if is_id(part) { "{id}" } else { part })
        .collect();
    format!("{} {}", exchange.method, parts.join("/"))
}

#[tokio::test]
async fn replies_of_the_stand_in_and_our_requests_have_zendesks_shapes() {
    let standins = Running::start(differences()).await.unwrap();
    standins.world().exchanges = Some(Vec::new());
    {
        let mut world = standins.world();
        let target = world.instance("global");
        "agent".clone_into(&mut target.role);
        target.edits_organizations = Some(true);
    }
    let mut pipeline = Pipeline::on(&standins);
    pipeline.run(json!({})).await.unwrap();
    let secret = secrets(&standins)["partner-sync/zendesk/global"].clone();
    let credentials = Credentials::read("s", &SecretString::from(secret)).unwrap();
    let wire = Wire::by(clock());
    let mut client =
        Client::new("global", MAPPING.clone(), credentials, Scope::Write, &wire).unwrap();
    client.search("name", "Nobody").await.unwrap();
    client.rights().await.unwrap();
    client.give_back().await;

    let shapes = shapes();
    let exchanges = standins.world().exchanges.take().unwrap();
    let mut met = BTreeSet::new();
    for exchange in exchanges {
        let endpoint = endpoint(&exchange);
        let shape = shapes.get(&endpoint).unwrap_or(&Value::Null);
        assert!(shape.is_object(), "no shape for {endpoint}");
        let pairs = [("request", &exchange.request), ("reply", &exchange.reply)];
        for (half, value) in pairs {
            if let Some(shape) = shape.get(half) {
                let wrong = misfits(&shapes["named"], shape, value, half);
                assert_eq!(wrong, Vec::<String>::new(), "{endpoint}");
            }
        }
        met.insert(endpoint);
    }
    let known = shapes.as_object().unwrap().keys();
    let unmet: Vec<_> = known
        .filter(|name| *name != "named" && !met.contains(*name))
        .collect();
    assert_eq!(
        unmet,
        Vec::<&String>::new(),
        "each shape is held to something"
    );
}

#[test]
fn what_is_missing_unknown_or_of_another_type_is_found() {
    let shape = json!({"a": "string", "b?": ["integer|null"]});
    let found = |value: Value| misfits(&json!({}), &shape, &value, "x");
    assert_eq!(
        found(json!({"a": "", "b": [1, null]})),
        Vec::<String>::new()
    );
    assert_eq!(found(json!({"b": []})), ["x.a is missing"]);
    assert_eq!(found(json!({"a": "", "c": 1})), ["x.c is not known"]);
    let wrong = r#"x.b[0] is "1", not "integer|null""#;
    assert_eq!(found(json!({"a": "", "b": ["1"]})), [wrong]);
}
