//! Progress in segments: what is saved with a write does not grow, and nothing is lost by a kill.

use domain::model::{Applied, Summary, Verdict};
use partner_sync_tests::in_process::Pipeline;
use partner_sync_tests::standins::{Running, seed};
use serde_json::{Value, json};
use stage::events::Progress;
use stage::store::Store as _;

/// This many accounts have no organization; ten have one.
async fn to_be_created(creates: usize) -> (Running, Pipeline, Value) {
    let accounts = creates + 10;
    let mut world = seed::equal(14, accounts, accounts + 20, 5);
    for number in 11..=accounts {
        world.lose_organization(number);
    }
    let standins = Running::start(world).await.unwrap();
    let mut pipeline = Pipeline::on(&standins);
    pipeline
        .env
        .insert("MAX_CREATES".to_owned(), "10000".to_owned());
    let plan = json!(pipeline.plan(json!({})).await.unwrap().plan);
    (standins, pipeline, plan)
}

/// Invokes until the stage is done; returns the number of kills too.
async fn to_the_end(standins: &Running, pipeline: &mut Pipeline, plan: &Value) -> (Summary, usize) {
    let mut kills = 0;
    for _ in 0..20 {
        match pipeline.sync_mortal(plan, standins).await.unwrap() {
            Some(Progress::Done(done)) => return (done.summary, kills),
            Some(Progress::Wait { .. } | Progress::Continue { .. }) => {}
            None => kills += 1,
        }
    }
    panic!("sync does not come to an end");
}

#[tokio::test]
async fn a_kill_around_the_end_of_a_segment_loses_no_create_and_makes_none_twice() {
    const CREATES: usize = 112;
    let created = Applied {
        created: CREATES,
        ..Applied::default()
    };
    // The first write is the beginning; a segment ends with every fiftieth create.
    for write in (49..54).chain(100..104) {
        for after in [false, true] {
            let what = format!("write {write}, {}", if after { "after" } else { "before" });
            let (standins, mut pipeline, plan) = to_be_created(CREATES).await;
            pipeline.store.die_at(write, after);
            let (summary, kills) = to_the_end(&standins, &mut pipeline, &plan).await;
            assert_eq!((kills, summary.verdict), (1, Verdict::Ok), "{what}");
            assert_eq!(summary.applied, created, "{what}");
            let organizations = standins.world().instance("global").organizations.len();
            assert_eq!(organizations, CREATES + 10 + 20, "{what}");
        }
    }
}

#[tokio::test]
async fn what_is_saved_with_a_create_does_not_grow_with_the_creates_before_it() {
    let mut bytes = Vec::new();
    for creates in [200, 1000] {
        let (standins, mut pipeline, plan) = to_be_created(creates).await;
        let before = pipeline.store.bytes_put("sync-state");
        let (summary, _) = to_the_end(&standins, &mut pipeline, &plan).await;
        assert_eq!(summary.applied.created, creates);
        bytes.push(pipeline.store.bytes_put("sync-state") - before);
    }
    println!(
        "progress: {} bytes for 200 creates, {} for 1,000",
        bytes[0], bytes[1]
    );
    assert!(bytes[1] <= 6 * bytes[0], "{bytes:?}");
}

#[tokio::test]
async fn progress_with_a_segment_that_is_gone_another_runs_or_a_shorter_one_is_refused() {
    let (_standins, mut pipeline, plan) = to_be_created(60).await;
    pipeline.apply(&plan).await.unwrap();
    let key = format!("runs/{}/sync-state-1.json", pipeline.run_id());
    let mut segment = pipeline.document("sync-state-1.json");
    segment["run_id"] = json!("another");
    pipeline.store.put_json(&key, &segment, 0).await.unwrap();
    let error = pipeline.apply(&plan).await.unwrap_err();
    assert_eq!(error.name(), "Sync.Contract");
    segment["run_id"] = json!(pipeline.run_id());
    segment["creates"].as_array_mut().unwrap().pop();
    segment["count"] = json!(segment["count"].as_u64().unwrap() - 1);
    pipeline.store.put_json(&key, &segment, 0).await.unwrap();
    let error = pipeline.apply(&plan).await.unwrap_err();
    assert!(
        error.to_string().contains("not those that it counts"),
        "{error}"
    );
    pipeline.store.remove(&key);
    let error = pipeline.apply(&plan).await.unwrap_err();
    assert_eq!(error.name(), "Sync.Contract");
    assert!(error.to_string().contains("sync-state-1.json"), "{error}");
}
