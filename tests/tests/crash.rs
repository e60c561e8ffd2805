//! Sync is killed at every remote call and every S3 write of a run, before it and after it, and its
//! store fails at every write. It ends right all the same.

use std::collections::BTreeMap;

use domain::model::{Applied, Counts, HISTORY, MEMORY, Verdict};
use partner_sync_tests::in_process::{Killed, Pipeline};
use partner_sync_tests::standins::faults::{Act, Fault};
use partner_sync_tests::standins::seed::account_id;
use partner_sync_tests::standins::{Running, World, seed};
use serde_json::{Value, json};
use stage::events::{Progress, Synced};
use stage::store::Store;

/// Creates, two chunks of updates, an un-mark, and marks. Jobs are in flight for seconds; one fails
/// half way, so that its rest is sent again, and one record collides once.
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
    world.instance("global").jobs.takes_ms = 1500;
    world.instance("global").jobs.half = [(1, "failed".to_owned())].into();
    if let Some(id) = world.organization_of(COLLIDING) {
        let jobs = &mut world.instance("global").jobs;
        jobs.refuse_once.insert(id, "DatabaseConflict".to_owned());
    }
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
/// The number of the account whose organization is refused once.
const COLLIDING: usize = 100;

async fn planned() -> (Running, Pipeline, Value) {
    let standins = Running::start(world()).await.unwrap();
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
    let memory = json!({
        "schema_version": 1, "run_id": "earlier", "generated_at": "2026-11-23T05:00:00Z",
        "count": 0, "absent": [], "marked": [], "held": {},
    });
    pipeline.store.put_json(MEMORY, &memory, 0).await.unwrap();
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

/// Invokes until the stage is done, as the state machine does after a kill and after an error;
/// returns the number of kills too.
async fn to_the_end(standins: &Running, pipeline: &mut Pipeline, plan: &Value) -> (Synced, usize) {
    pipeline.retries = true;
    let mut kills = 0;
    for _ in 0..100 {
        match pipeline.sync_retried(plan, standins).await {
            Ok(Ok(Progress::Done(done))) => return (done, kills),
            Ok(Ok(Progress::Wait { .. } | Progress::Continue { .. })) => {}
            Ok(Err(Killed)) => kills += 1,
            Err(error) => panic!("{error}"),
        }
    }
    panic!("sync does not come to an end");
}

/// A run that was killed once, or whose store failed once.
struct Harmed<'a> {
    what: &'a str,
    standins: &'a Running,
    pipeline: &'a Pipeline,
    synced: Synced,
    kills: usize,
}

impl Harmed<'_> {
    /// Everything is as it is after a run without harm.
    fn assert_ended_right(&self, kills: usize, wanted: &BTreeMap<String, Value>) {
        let what = self.what;
        assert_eq!(self.kills, kills, "{what}");
        assert_eq!(&target(self.standins), wanted, "{what}");
        let organizations = self.standins.world().instance("global").organizations.len();
        assert_eq!(organizations, 260, "{what}: three lost, three created");
        assert_eq!(self.synced.summary.verdict, Verdict::Partial, "{what}");
        let mut applied = self.synced.summary.applied;
        // After a kill an earlier try may still come: then it is not certain that the record
        // failed.
        applied.failed += std::mem::take(&mut applied.unknown);
        let wanted = Applied {
            created: 3,
            updated: 124,
            marked: 2,
            failed: 1,
            unknown: 0,
            drifted: 0,
        };
        assert_eq!(applied, wanted, "{what}");
        self.assert_counted_once();
        self.assert_noted_once();
        let notice = self.synced.notice.as_ref();
        let subject = notice.map(|notice| notice.subject.as_str());
        assert_eq!(
            subject,
            Some("partner-sync: PARTIAL (was OK), 2 marks set"),
            "{what}"
        );
    }

    fn assert_counted_once(&self) {
        let results = self.pipeline.document("results.json");
        let all = results["results"].as_array().unwrap();
        let bad: Vec<_> = all.iter().filter(|one| one["outcome"] != "done").collect();
        assert_eq!(bad.len(), 1, "{}", self.what);
        assert!(
            bad[0]["outcome"] == "failed" || bad[0]["outcome"] == "unknown",
            "{}",
            self.what
        );
        assert_eq!(bad[0]["runs_failed"], 2, "{}: counted once", self.what);
    }

    fn assert_noted_once(&self) {
        let bytes = self.pipeline.store.object(HISTORY).unwrap();
        let history: Value = serde_json::from_slice(&bytes).unwrap();
        let runs = history["runs"].as_array().unwrap();
        let ids: Vec<_> = runs.iter().map(|run| &run["run_id"]).collect();
        assert_eq!(ids, ["earlier", "run-1"], "{}: noted once", self.what);
    }
}

#[tokio::test]
async fn ends_right_wherever_it_is_killed() {
    let (standins, mut pipeline, plan) = planned().await;
    let puts_before = pipeline.store.puts();
    let (synced, kills) = to_the_end(&standins, &mut pipeline, &plan).await;
    assert_eq!(synced.summary.verdict, Verdict::Partial);
    assert_eq!(kills, 0);
    let wanted = target(&standins);
    let calls = standins.world().log.len();
    let puts = pipeline.store.puts() - puts_before;

    let mut points = 0;
    for call in 0..calls {
        for act in [Act::HangBefore, Act::HangAfter] {
            let what = format!("{act:?} of call {call}");
            let skip = u32::try_from(call).unwrap();
            let (standins, mut pipeline, plan) = planned().await;
            standins.world().faults = vec![Fault::new("global", "", "/", act).only(skip, 1)];
            let ended = harmed(&what, &standins, &mut pipeline, &plan).await;
            ended.assert_ended_right(1, &wanted);
            points += 1;
        }
    }
    for put in 0..puts {
        for after in [false, true] {
            let what = format!("write {put}, {}", if after { "after" } else { "before" });
            let (standins, mut pipeline, plan) = planned().await;
            pipeline.store.die_at(put, after);
            let ended = harmed(&what, &standins, &mut pipeline, &plan).await;
            ended.assert_ended_right(1, &wanted);
            points += 1;

            let what = format!("write {put} fails, done: {after}");
            let (standins, mut pipeline, plan) = planned().await;
            pipeline.store.fail_at(put, after);
            let ended = harmed(&what, &standins, &mut pipeline, &plan).await;
            ended.assert_ended_right(0, &wanted);
            points += 1;
        }
    }
    println!(
        "crash points: {points} ({calls} remote calls and {puts} S3 writes, killed before and \
         after; {puts} S3 writes that fail, done and not done), all passed"
    );
    assert_eq!(points, 2 * (calls + 2 * puts));
}

async fn harmed<'a>(
    what: &'a str,
    standins: &'a Running,
    pipeline: &'a mut Pipeline,
    plan: &Value,
) -> Harmed<'a> {
    let (synced, kills) = to_the_end(standins, pipeline, plan).await;
    Harmed {
        what,
        standins,
        pipeline,
        synced,
        kills,
    }
}
