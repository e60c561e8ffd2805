//! The events of `tests/events`, for `cargo lambda invoke`: the stages take them, and they have the
//! keys that the state machine sends.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use domain::Result;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use stage::events::{CompareEvent, GatherAccountsEvent, GatherOrgsEvent, SyncEvent, parse};

/// An event's name, the state that sends such an event, and the type that the stage reads it as.
type Event = (&'static str, &'static str, fn(Value) -> Result<()>);

const EVENTS: [Event; 7] = [
    (
        "gather-accounts",
        "Gather the partner accounts",
        read::<GatherAccountsEvent>,
    ),
    (
        "gather-orgs",
        "Gather the organizations",
        read::<GatherOrgsEvent>,
    ),
    (
        "compare",
        "Compare accounts with organizations",
        read::<CompareEvent>,
    ),
    ("compare-failed", "Record the failure", read::<CompareEvent>),
    (
        "compare-skipped",
        "Record the skipped run",
        read::<CompareEvent>,
    ),
    (
        "compare-untold",
        "Note what was not told",
        read::<CompareEvent>,
    ),
    ("sync", "Apply the plan", read::<SyncEvent>),
];

fn read<T: DeserializeOwned>(event: Value) -> Result<()> {
    parse::<T>(event).map(drop)
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn json_of(path: &Path) -> Value {
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

fn event(name: &str) -> Value {
    json_of(&root().join(format!("tests/events/{name}.json")))
}

/// What a state sends to its function.
fn payload(state: &str) -> Value {
    let machine = json_of(&root().join("infra/statemachine.asl.json"));
    let payload = &machine["States"][state]["Arguments"]["Payload"];
    assert!(payload.is_object(), "{state} sends nothing");
    payload.clone()
}

/// The keys that are written out, with those of the objects in them. A text is an expression of
/// the state machine: what is in its value is not known here.
fn keys(sent: &Value, value: &Value) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for (key, value) in value.as_object().into_iter().flatten() {
        found.insert(key.clone());
        if sent[key].is_object() {
            let inner = keys(&sent[key], value);
            found.extend(inner.iter().map(|one| format!("{key}.{one}")));
        }
    }
    found
}

#[test]
fn each_stage_takes_its_events_and_no_key_more() {
    for (name, _, read) in EVENTS {
        let mut event = event(name);
        read(event.clone()).unwrap_or_else(|error| panic!("{name}: {error}"));
        event["more"] = json!(1);
        assert!(read(event).is_err(), "{name}: any key is taken");
    }
}

#[test]
fn the_events_have_the_keys_that_the_state_machine_sends() {
    for (name, state, _) in EVENTS {
        let sent = payload(state);
        let mut missing = keys(&sent, &sent);
        let there = keys(&sent, &event(name));
        if name == "gather-accounts" {
            // It goes without, and so its event never becomes too old.
            assert!(missing.remove("started_at"));
        }
        assert_eq!(there, missing, "{name} and {state}");
    }
}

#[test]
fn every_event_of_the_folder_is_looked_at() {
    let folder = std::fs::read_dir(root().join("tests/events")).unwrap();
    let files = folder.map(|one| one.unwrap().file_name().into_string().unwrap());
    let known = EVENTS.map(|(name, ..)| format!("{name}.json"));
    assert_eq!(files.collect::<BTreeSet<_>>(), BTreeSet::from(known));
}
