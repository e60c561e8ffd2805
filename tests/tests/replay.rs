//! A past run's plan, computed again from its stored inputs.

use std::collections::BTreeMap;

use domain::model::{Accounts, Mapping, Organizations};
use domain::plan::{Comparison, Inputs, Replayed, replay};
use partner_sync_tests::in_process::Pipeline;
use partner_sync_tests::standins::{Running, differences};
use partner_sync_tests::sync_file::MAPPING;
use serde_json::{Value, json};

async fn stored(input: Value) -> BTreeMap<String, Vec<u8>> {
    let standins = Running::start(differences()).await.unwrap();
    let mut pipeline = Pipeline::on(&standins);
    pipeline.env.insert("MAX_MARKS".to_owned(), "1".to_owned());
    pipeline
        .env
        .insert("MAX_MARKS_PERCENT".to_owned(), "0".to_owned());
    pipeline.run(json!({})).await.unwrap();
    // The second run has a last good run before it or a held one, and approvals of its own.
    pipeline.run(input).await.unwrap();
    documents(&pipeline)
}

/// The documents of the last run by their names.
fn documents(pipeline: &Pipeline) -> BTreeMap<String, Vec<u8>> {
    let folder = format!("runs/{}/", pipeline.run_id());
    let objects = pipeline.store.objects().into_iter();
    objects
        .filter_map(|(key, bytes)| Some((key.strip_prefix(&folder)?.to_owned(), bytes)))
        .collect()
}

/// The product's own file: every plan here was made with it, those of a version before 0.6 in
/// effect.
fn mapping() -> Mapping {
    MAPPING.as_ref().clone()
}

fn changed(documents: &BTreeMap<String, Vec<u8>>) -> Vec<&'static str> {
    let replayed = replay(|file| documents.get(file).cloned(), |_| Ok(mapping())).unwrap();
    assert_eq!(replayed.len(), 4);
    replayed
        .into_iter()
        .filter(|Replayed { same, .. }| !same)
        .map(|Replayed { file, .. }| file)
        .collect()
}

#[tokio::test]
async fn a_replay_gives_every_byte_again() {
    let approve = format!("sha256:{}", "0".repeat(64));
    for input in [
        json!({}),
        json!({"mode": "plan"}),
        json!({"approve": [approve]}),
    ] {
        assert_eq!(changed(&stored(input).await), Vec::<&str>::new());
    }
}

#[tokio::test]
async fn a_plan_this_code_would_not_make_differs() {
    let documents = stored(json!({})).await;
    for (file, from, to) in [
        ("plan.json", "\"retained\":2", "\"retained\":3"),
        ("not_in_sync.json", "\"name\":\"", "\"name\":\"x"),
    ] {
        let text = String::from_utf8(documents[file].clone()).unwrap();
        assert!(text.contains(from), "{file} no longer holds {from}");
        let mut other = documents.clone();
        other.insert(file.to_owned(), text.replace(from, to).into_bytes());
        assert!(changed(&other).contains(&file));
    }
}

#[tokio::test]
async fn an_input_that_was_changed_or_is_gone_is_no_input() {
    let documents = stored(json!({})).await;
    for file in ["accounts.json", "organizations.json"] {
        let mut other = documents.clone();
        other.get_mut(file).unwrap().push(b'\n');
        let error = replay(|file| other.get(file).cloned(), |_| Ok(mapping())).unwrap_err();
        assert!(
            error
                .to_string()
                .contains("not the document the plan was made from"),
            "{error}"
        );
        other.remove(file);
        assert!(
            replay(|file| other.get(file).cloned(), |_| Ok(mapping()))
                .unwrap_err()
                .to_string()
                .contains("is gone")
        );
    }
}

/// The documents of runs of an earlier version: each file is a compressed object of a run's
/// documents by their names.
fn runs_of(version: &str) -> Vec<(String, BTreeMap<String, Vec<u8>>)> {
    let folder = format!("{}/fixtures/plans-{version}", env!("CARGO_MANIFEST_DIR"));
    let mut runs = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let reader = std::io::BufReader::new(std::fs::File::open(&path).unwrap());
        let reader = flate2::read::GzDecoder::new(reader);
        let texts: BTreeMap<String, String> = serde_json::from_reader(reader).unwrap();
        let texts = texts.into_iter();
        let documents = texts.map(|(file, text)| (file, text.into_bytes()));
        runs.push((path.display().to_string(), documents.collect()));
    }
    runs
}

#[test]
fn plans_made_by_earlier_versions_are_made_again_byte_for_byte() {
    for version in ["0.3.0", "0.5.0"] {
        let runs = runs_of(version);
        assert_eq!(runs.len(), 3);
        for (name, documents) in runs {
            assert_eq!(changed(&documents), Vec::<&str>::new(), "{name}");
        }
    }
}

/// What this code plans from the inputs of a stored run, whatever version stored it.
fn planned_anew(documents: &BTreeMap<String, Vec<u8>>) -> Comparison {
    let accounts: Accounts = serde_json::from_slice(&documents["accounts.json"]).unwrap();
    let organizations: Organizations =
        serde_json::from_slice(&documents["organizations.json"]).unwrap();
    let plan: Value = serde_json::from_slice(&documents["plan.json"]).unwrap();
    let run_id = plan["run_id"].as_str().unwrap();
    let inputs: Inputs = serde_json::from_value(plan["inputs"].clone()).unwrap();
    let formers = accounts.formers.clone();
    let accounts = accounts.into_complete(run_id).unwrap();
    let organizations = organizations.into_complete(run_id, "global").unwrap();
    Comparison::of(&accounts, &formers, organizations, &inputs, &MAPPING, None).unwrap()
}

/// An update: since version 0.2.0 an opportunity's id is no account's, so these runs, which have
/// none, plan the same; marks have evidence, and clocks that ran go on.
#[test]
fn the_stored_runs_of_version_0_2_0_are_read_and_lead_to_the_same_entries() {
    let runs = runs_of("0.2.0");
    assert_eq!(runs.len(), 6);
    for (name, documents) in runs {
        let entries = planned_anew(&documents).changes.entries;
        let stored = |file: &str, list: &str| {
            let document: Value = serde_json::from_slice(&documents[file]).unwrap();
            document[list].clone()
        };
        assert_eq!(
            json!(entries.creates),
            stored("creates.json", "creates"),
            "{name}"
        );
        assert_eq!(
            json!(entries.updates),
            stored("updates.json", "updates"),
            "{name}"
        );
        let not_in_sync = stored("not_in_sync.json", "not_in_sync");
        let was = not_in_sync.as_array().unwrap().iter();
        let was: Vec<_> = was.map(|mark| mark["id"].as_u64().unwrap()).collect();
        let is: Vec<_> = entries.marks.iter().map(|mark| mark.id).collect();
        assert_eq!(is, was, "{name}");
    }
}
