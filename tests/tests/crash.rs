//! Sync is killed at every remote call and every S3 write of a run, before it and after it, and
//! ends right all the same.

use std::collections::BTreeMap;

use partner_sync_tests::pipeline::Pipeline;
use partner_sync_tests::standins::faults::{Act, Fault};
use partner_sync_tests::standins::seed::account_id;
use partner_sync_tests::standins::{Running, World, seed};
use serde_json::{Value, json};
use shared::lambda::{Progress, Synced};
use shared::model::{Applied, Counts, Verdict};
use shared::store::{HISTORY, Store};

/// Creates, two chunks of updates, an un-mark, and marks.
fn world() -> World {
    let mut world = seed::equal(11, 130, 260, 5);
    for number in [10, 20, 30] {
        world.lose_organization(number);
    }
    for number in 2..130 {
        world.set_account(number, "Account_Owner_Calc__c", json!("Nova Linden"));
    }
    world.set_organization(40, "mark_for_deletion", json!(true));
    world.abandon(9001, "");
    world.abandon(9002, "");
    world.instance("global").jobs.slowness = 1;
    // One record that fails, and had failed before.
    if let Some(id) = world.organization_of(FAILING) {
        world
            .instance("global")
            .jobs
            .refuse
            .insert(id, "Owner: is invalid".to_owned());
    }
    world
}

/// The number of the account whose organization is refused.
const FAILING: usize = 60;

async fn planned() -> (Running, Pipeline, Value) {
    let standins = Running::start(world(), None).await.unwrap();
    let mut pipeline = Pipeline::on(&standins);
    for name in ["MAX_UPDATES", "MAX_CREATES", "MAX_MARKS"] {
        pipeline.env.insert(name.to_owned(), "1000".to_owned());
    }
    pipeline
        .env
        .insert("JOBS_PER_PAUSE".to_owned(), "1".to_owned());
    let earlier = json!({
        "schema_version": 1, "run_id": "earlier", "generated_at": "2026-11-23T05:00:00Z",
        "count": 1,
        "failing": {(account_id(FAILING).as_str()): 1},
        "runs": [{
            "run_id": "earlier", "ended_at": "2026-11-23T05:00:00Z", "seconds": 9, "ending": "OK",
            "counts": Counts::default(), "applied": Applied::default(),
        }],
    });
    pipeline.store.put_json(HISTORY, &earlier, 1).await.unwrap();
    let plan = json!(pipeline.plan(json!({})).await.unwrap().plan);
    standins.world().log.clear();
    (standins, pipeline, plan)
}

/// Names and fields of all organizations, without what differs from run to run.
fn target(standins: &Running) -> BTreeMap<String, Value> {
    let mut world = standins.world();
    let organizations = world.instance("global").organizations.values();
    organizations
        .map(|one| {
            (
                format!("{} {}", one["name"], one["external_id"]),
                one["organization_fields"].clone(),
            )
        })
        .collect()
}

/// Invokes until the stage is done, as the state machine does after a kill; returns the number of
/// kills too.
async fn to_the_end(standins: &Running, pipeline: &mut Pipeline, plan: &Value) -> (Synced, usize) {
    let mut kills = 0;
    for _ in 0..100 {
        match pipeline.sync_mortal(plan, standins).await {
            Ok(Some(Progress::Done(done))) => return (done, kills),
            Ok(Some(Progress::Wait { .. } | Progress::Continue { .. })) => {}
            Ok(None) => kills += 1,
            Err(error) => panic!("{error}"),
        }
    }
    panic!("sync does not come to an end");
}

fn check(
    what: &str,
    standins: &Running,
    pipeline: &Pipeline,
    (synced, kills): (Synced, usize),
    wanted: &BTreeMap<String, Value>,
) {
    assert_eq!(kills, 1, "{what}");
    assert_eq!(&target(standins), wanted, "{what}");
    assert_eq!(
        standins.world().instance("global").organizations.len(),
        260,
        "{what}: three lost, three created"
    );
    let (verdict, applied) = (synced.summary.verdict, synced.summary.applied);
    assert_eq!(
        (verdict, applied.created, applied.updated, applied.marked),
        (Verdict::Partial, 3, 124, 2),
        "{what}: {applied:?}"
    );
    let results = pipeline.document("results.json");
    let bad: Vec<_> = results["results"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|one| one["outcome"] != "done")
        .collect();
    assert_eq!(
        (
            bad.len(),
            bad[0]["outcome"].as_str(),
            bad[0]["runs_failed"].as_u64()
        ),
        (1, Some("failed"), Some(2)),
        "{what}: counted once"
    );
    let history: Value = serde_json::from_slice(&pipeline.store.object(HISTORY).unwrap()).unwrap();
    let runs: Vec<_> = history["runs"]
        .as_array()
        .unwrap()
        .iter()
        .map(|run| run["run_id"].as_str().unwrap())
        .collect();
    assert_eq!(runs, ["earlier", "run-1"], "{what}: noted once");
    assert_eq!(
        synced.notice.map(|notice| notice.subject),
        Some("partner-sync: PARTIAL (was OK)".to_owned()),
        "{what}"
    );
}

#[tokio::test]
async fn ends_right_wherever_it_is_killed() {
    let (standins, mut pipeline, plan) = planned().await;
    let puts_before = pipeline.store.puts();
    let (synced, kills) = to_the_end(&standins, &mut pipeline, &plan).await;
    assert_eq!((synced.summary.verdict, kills), (Verdict::Partial, 0));
    let (wanted, calls, puts) = (
        target(&standins),
        standins.world().log.len(),
        pipeline.store.puts() - puts_before,
    );

    let mut points = 0;
    for call in 0..calls {
        for act in [Act::HangBefore, Act::HangAfter] {
            let what = format!("{act:?} of call {call}");
            let (standins, mut pipeline, plan) = planned().await;
            standins.world().faults =
                vec![Fault::new("global", "", "/", act).only(u32::try_from(call).unwrap(), 1)];
            let ended = to_the_end(&standins, &mut pipeline, &plan).await;
            check(&what, &standins, &pipeline, ended, &wanted);
            points += 1;
        }
    }
    for put in 0..puts {
        for after in [false, true] {
            let what = format!("write {put}, {}", if after { "after" } else { "before" });
            let (standins, mut pipeline, plan) = planned().await;
            pipeline.store.die_at(put, after);
            let ended = to_the_end(&standins, &mut pipeline, &plan).await;
            check(&what, &standins, &pipeline, ended, &wanted);
            points += 1;
        }
    }
    println!(
        "crash points: {points} ({calls} remote calls, {puts} S3 writes, each before and after), \
         all passed"
    );
    assert_eq!(points, 2 * (calls + puts));
}
