//! A past run's plan, computed again from its stored inputs.

use std::collections::BTreeMap;

use domain::plan::{Replayed, replay};
use partner_sync_tests::in_process::Pipeline;
use partner_sync_tests::standins::{Running, differences};
use serde_json::json;

async fn stored(input: serde_json::Value) -> BTreeMap<String, Vec<u8>> {
    let standins = Running::start(differences()).await.unwrap();
    let mut pipeline = Pipeline::on(&standins);
    pipeline.env.insert("MAX_MARKS".to_owned(), "1".to_owned());
    pipeline
        .env
        .insert("MAX_MARKS_PERCENT".to_owned(), "0".to_owned());
    pipeline.run(json!({})).await.unwrap();
    // The second run has a last good run before it or a held one, and approvals of its own.
    pipeline.run(input).await.unwrap();
    let folder = format!("runs/{}/", pipeline.run_id());
    let objects = pipeline.store.objects().into_iter();
    objects
        .filter_map(|(key, bytes)| Some((key.strip_prefix(&folder)?.to_owned(), bytes)))
        .collect()
}

fn changed(documents: &BTreeMap<String, Vec<u8>>) -> Vec<&'static str> {
    let replayed = replay(|file| documents.get(file).cloned()).unwrap();
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
        ("not_in_sync.json", "\"reason\":\"", "\"reason\":\"x"),
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
        let error = replay(|file| other.get(file).cloned()).unwrap_err();
        assert!(
            error
                .to_string()
                .contains("not the document the plan was made from"),
            "{error}"
        );
        other.remove(file);
        assert!(
            replay(|file| other.get(file).cloned())
                .unwrap_err()
                .to_string()
                .contains("is gone")
        );
    }
}

/// Runs of version 0.2.0, whose code kept a record's fields in a map and sorted in other ways: each
/// a compressed object of its documents by their names.
#[test]
fn plans_made_by_version_0_2_0_are_made_again_byte_for_byte() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/plans-0.2.0");
    let mut runs = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let file = std::fs::File::open(entry.unwrap().path()).unwrap();
        let reader = std::io::BufReader::new(flate2::read::GzDecoder::new(file));
        let texts: BTreeMap<String, String> = serde_json::from_reader(reader).unwrap();
        let texts = texts.into_iter();
        let documents = texts.map(|(file, text)| (file, text.into_bytes()));
        assert_eq!(changed(&documents.collect()), Vec::<&str>::new());
        runs += 1;
    }
    assert_eq!(runs, 6);
}
