//! Users and tickets of organizations that are to be marked: asked for the report, and never
//! needed.

use domain::model::Verdict;
use partner_sync_tests::in_process::Pipeline;
use partner_sync_tests::standins::faults::{Act, Fault};
use partner_sync_tests::standins::{Running, seed};
use serde_json::{Value, json};

const STATUS: &str = "Partners_Partner_Status__c";
const RELATED: &str = "/related";

/// This many partners are gone, and are to be marked at once.
async fn lost(accounts: usize) -> (Running, Pipeline) {
    let world = seed::equal(12, accounts + 20, accounts + 40, 5);
    let standins = Running::start(world).await.unwrap();
    for number in 2..2 + accounts {
        standins
            .world()
            .set_account(number, STATUS, json!("Terminated"));
    }
    let mut pipeline = Pipeline::on(&standins);
    pipeline
        .env
        .insert("MARK_AFTER_HOURS".to_owned(), "0".to_owned());
    (standins, pipeline)
}

/// The questions Zendesk was asked.
fn asked(standins: &Running) -> usize {
    let world = standins.world();
    let log = world.log.iter();
    log.filter(|call| call.path.ends_with(RELATED)).count()
}

fn related(pipeline: &Pipeline) -> Vec<Value> {
    let results = pipeline.document("results.json");
    results["related"].as_array().unwrap().clone()
}

#[tokio::test]
async fn a_mark_is_asked_about_whether_it_is_held_or_set() {
    for (accounts, verdict) in [(3, Verdict::Ok), (30, Verdict::Held)] {
        let (standins, mut pipeline) = lost(accounts).await;
        assert_eq!(pipeline.run(json!({})).await.unwrap().verdict, verdict);
        assert_eq!(asked(&standins), accounts);
        let related = related(&pipeline);
        assert_eq!(related.len(), accounts);
        let one = &related[0];
        let id = one["id"].as_u64().unwrap();
        assert_eq!(one["users"], id % 37);
        assert_eq!(one["tickets"], id % 211);
    }
}

#[tokio::test]
async fn an_unexplained_mark_is_asked_about_and_held_while_the_others_are_set() {
    let (standins, mut pipeline) = lost(3).await;
    for number in 10..12 {
        let hidden = seed::account_id(number).to_string();
        standins.world().salesforce.unshared.insert(hidden);
    }
    pipeline
        .env
        .insert("MARK_AFTER_HOURS".to_owned(), "1".to_owned());
    assert_eq!(pipeline.run(json!({})).await.unwrap().counts.waiting, 5);
    pipeline.hours_pass(1);
    let summary = pipeline.run(json!({})).await.unwrap();
    assert_eq!(
        (summary.verdict, summary.applied.marked),
        (Verdict::Held, 3)
    );
    assert_eq!((summary.counts.marks, summary.counts.unexplained), (3, 2));
    assert_eq!(asked(&standins), 5);
    // Held entries stand among the others in the list; each result is of its own organization.
    let results = pipeline.document("results.json");
    let all = results["results"].as_array().unwrap();
    let done: Vec<_> = all.iter().filter(|one| one["action"] == "mark").collect();
    let planned = pipeline.document("not_in_sync.json");
    let planned = planned["not_in_sync"].as_array().unwrap();
    let is_set = |id: &Value| {
        let is_of = |one: &&&Value| one["id"] == *id && one["outcome"] == "done";
        done.iter().filter(is_of).count() == 1
    };
    for one in planned {
        assert_eq!(is_set(&one["id"]), one["category"] == "marks", "{one}");
    }
}

#[tokio::test]
async fn at_most_a_hundred_marks_are_asked_about() {
    let (standins, mut pipeline) = lost(130).await;
    let summary = pipeline.run(json!({})).await.unwrap();
    assert_eq!(
        (summary.verdict, summary.counts.marks),
        (Verdict::Held, 130)
    );
    assert_eq!(asked(&standins), 100);
    assert_eq!(related(&pipeline).len(), 100);
}

#[tokio::test]
async fn without_marks_nobody_is_asked() {
    let (standins, mut pipeline) = lost(0).await;
    pipeline.run(json!({})).await.unwrap();
    assert_eq!(asked(&standins), 0);
}

#[tokio::test]
async fn no_answer_is_no_failure_and_three_or_a_pause_end_the_questions() {
    for (act, times) in [
        (Act::status(500), 3),
        (Act::status(429), 1),
        (Act::forbidden(), 3),
        (Act::DropReply, 3),
        (Act::set("/organization_related", json!("many")), 3),
    ] {
        let (standins, mut pipeline) = lost(4).await;
        // The ids here begin with a 1.
        let fault = Fault::new("global", "GET", "/api/v2/organizations/1", act.clone());
        standins.world().faults = vec![fault];
        let summary = pipeline.run(json!({})).await.unwrap();
        assert_eq!((summary.verdict, summary.applied.marked), (Verdict::Ok, 4));
        assert_eq!(asked(&standins), times, "{act:?}");
        assert_eq!(related(&pipeline), [Value::Null; 0]);
        let key = format!("runs/{}/report.md", pipeline.run_id());
        let report = String::from_utf8(pipeline.store.object(&key).unwrap()).unwrap();
        assert_eq!(report.matches("| not known | not known |").count(), 4);
    }
}

#[tokio::test]
async fn one_answer_that_fails_leaves_the_others() {
    let (standins, mut pipeline) = lost(3).await;
    let fault = Fault::new("global", "GET", "/api/v2/organizations/1", Act::status(503));
    standins.world().faults = vec![fault.only(0, 1)];
    pipeline.run(json!({})).await.unwrap();
    assert_eq!(asked(&standins), 3);
    assert_eq!(related(&pipeline).len(), 2);
}
