//! An instance that is not the target never stops the sync, and never counts as read if it was not.

use std::collections::BTreeMap;

use domain::model::Verdict;
use partner_sync_tests::in_process::Pipeline;
use partner_sync_tests::standins::faults::{Act, Fault};
use partner_sync_tests::standins::{Running, seed};
use serde_json::{Value, json};

const OTHER: &str = "us-government";
const LIST: &str = "/api/v2/organizations";

async fn start() -> (Running, Pipeline) {
    let world = seed::equal(4, 60, 750, 350);
    let standins = Running::start(world).await.unwrap();
    let pipeline = Pipeline::on(&standins);
    (standins, pipeline)
}

fn instance(pipeline: &Pipeline, name: &str) -> Value {
    let document = pipeline.document("organizations.json");
    let all = document["instances"].as_array().unwrap().clone();
    all.into_iter().find(|one| one["name"] == name).unwrap()
}

fn report(pipeline: &Pipeline) -> String {
    let key = format!("runs/{}/report.md", pipeline.run_id());
    String::from_utf8(pipeline.store.object(&key).unwrap()).unwrap()
}

fn asks_for_a_pause(seconds: u32) -> Act {
    Act::Instead {
        status: 429,
        headers: BTreeMap::from([("retry-after".to_owned(), seconds.to_string())]),
        body: String::new(),
    }
}

#[tokio::test]
async fn whatever_happens_to_another_instance_the_target_is_synced_and_the_report_says_so() {
    for (path, act) in [
        ("/oauth", Act::status(401)),
        ("/oauth", Act::status(500)),
        (LIST, Act::forbidden()),
        (LIST, Act::DropRequest),
        (LIST, Act::CutJson),
        (LIST, Act::set("/meta", Value::Null)),
        (LIST, asks_for_a_pause(900)),
        (LIST, asks_for_a_pause(60)),
    ] {
        let what = format!("{path}: {act:?}");
        let (standins, mut pipeline) = start().await;
        let went_well = u32::from(path == LIST);
        {
            let mut world = standins.world();
            world.set_account(2, "Account_Owner_Calc__c", json!("Nova Linden"));
            world.faults = vec![Fault::new(OTHER, "", path, act).only(went_well, 0)];
        }
        let summary = pipeline.run(json!({})).await.expect(&what);
        assert_eq!(
            (summary.verdict, summary.applied.updated),
            (Verdict::Ok, 1),
            "{what}"
        );
        let cut = instance(&pipeline, OTHER);
        assert_eq!(cut["complete"], false, "{what}");
        assert!(
            cut["error"].as_str().is_some_and(|why| why.contains(OTHER)),
            "{cut}"
        );
        assert_eq!(instance(&pipeline, "global")["complete"], true);
        let warning = format!("Zendesk {OTHER} was not read to its end");
        assert!(report(&pipeline).contains(&warning), "{what}");
    }
}

#[tokio::test]
async fn another_instance_is_waited_for_ten_minutes_at_most_in_all() {
    for (pauses, is_read) in [(2, true), (3, false)] {
        let (standins, mut pipeline) = start().await;
        let fault = Fault::new(OTHER, "GET", LIST, asks_for_a_pause(240)).only(1, pauses);
        standins.world().faults = vec![fault];
        pipeline.run(json!({})).await.unwrap();
        assert_eq!(instance(&pipeline, OTHER)["complete"], is_read);
    }
}

#[tokio::test]
async fn a_short_pause_of_another_instance_is_waited_for() {
    let (standins, mut pipeline) = start().await;
    let fault = Fault::new(OTHER, "GET", LIST, asks_for_a_pause(60)).only(1, 1);
    standins.world().faults = vec![fault];
    pipeline.run(json!({})).await.unwrap();
    assert_eq!(instance(&pipeline, OTHER)["complete"], true);
}

#[tokio::test]
async fn a_fault_of_the_target_ends_the_run_though_the_other_one_is_read() {
    let (standins, mut pipeline) = start().await;
    standins.world().faults = vec![Fault::new("global", "GET", LIST, Act::forbidden())];
    let error = pipeline.run(json!({})).await.unwrap_err();
    assert_eq!(error.name(), "Sync.Auth");
}

#[tokio::test]
async fn a_missing_or_malformed_secret_of_any_instance_ends_the_run() {
    for text in [None, Some("{}")] {
        let (_standins, mut pipeline) = start().await;
        let name = format!("partner-sync/zendesk/{OTHER}");
        pipeline.secrets.0.remove(&name);
        let malformed = text.map(|text| (name, text.to_owned()));
        pipeline.secrets.0.extend(malformed);
        let error = pipeline.run(json!({})).await.unwrap_err();
        assert_eq!(error.name(), "Sync.Config", "{text:?}");
    }
}

#[tokio::test]
async fn the_instances_are_walked_at_the_same_time() {
    let (standins, mut pipeline) = start().await;
    pipeline.plan(json!({})).await.unwrap();
    let log = standins.world().log.clone();
    let pages = |host: &str| -> Vec<usize> {
        let is_page = |call: &&(usize, _)| {
            let (_, call): &(usize, &partner_sync_tests::standins::Logged) = call;
            call.host == host && call.path == LIST
        };
        let numbered: Vec<_> = log.iter().enumerate().collect();
        numbered
            .iter()
            .filter(is_page)
            .map(|(place, _)| *place)
            .collect()
    };
    let (global, other) = (pages("global"), pages(OTHER));
    assert_eq!((global.len(), other.len()), (8, 4));
    assert!(
        other[0] < global[7] && global[0] < other[3],
        "{global:?} {other:?}"
    );
}
