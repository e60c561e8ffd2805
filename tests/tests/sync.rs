//! Applying a plan: resume, creates in doubt, the truth about jobs, drift, throttling.

use std::collections::{BTreeMap, BTreeSet};

use domain::model::{Applied, Verdict};
use partner_sync_tests::in_process::{Pipeline, event, event_with};
use partner_sync_tests::standins::faults::{Act, Fault};
use partner_sync_tests::standins::{Running, World, differences, seed};
use serde_json::{Value, json};
use stage::events::Progress;

/// What is applied of the demo's world, where no id is protected.
const ALL_OF_THE_DEMO: Applied = Applied {
    created: 3,
    updated: 18,
    marked: 3,
    failed: 0,
    unknown: 0,
    drifted: 0,
};

const CREATE: &str = "/api/v2/organizations";
const UPDATE: &str = "/api/v2/organizations/update_many";
const JOBS: &str = "/api/v2/job_statuses";

async fn start(world: World) -> (Running, Pipeline) {
    let standins = Running::start(world).await.unwrap();
    let pipeline = Pipeline::on(&standins);
    (standins, pipeline)
}

/// A world in which this many organizations have another owner than their account.
fn other_owners(updates: usize) -> World {
    let mut world = seed::equal(5, updates, updates, 10);
    for record in world.salesforce.accounts.values_mut() {
        record.insert("Account_Owner_Calc__c".to_owned(), json!("Nova Linden"));
    }
    world
}

fn free(pipeline: &mut Pipeline) {
    for name in ["MAX_UPDATES", "MAX_CREATES", "MAX_MARKS"] {
        pipeline.env.insert(name.to_owned(), "1000000".to_owned());
    }
}

fn create_fault(act: Act) -> Fault {
    Fault::new("global", "POST", CREATE, act)
}

fn outcomes(pipeline: &Pipeline) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for result in pipeline.document("results.json")["results"]
        .as_array()
        .unwrap()
    {
        *counts
            .entry(result["outcome"].as_str().unwrap().to_owned())
            .or_default() += 1;
    }
    counts
}

fn names_are_unique(standins: &Running) -> bool {
    let mut world = standins.world();
    let mut seen = BTreeSet::new();
    world
        .instance("global")
        .organizations
        .values()
        .all(|one| seen.insert(one["name"].as_str().unwrap().to_lowercase()))
}

#[tokio::test]
async fn a_create_whose_reply_is_lost_is_looked_up_and_not_doubled() {
    for act in [
        Act::DropReply,
        Act::CutReply,
        Act::CutJson,
        Act::DoneBut { status: 502 },
        Act::DoneBut { status: 504 },
        Act::DropRequest,
        Act::status(500),
    ] {
        let (standins, mut pipeline) = start(differences()).await;
        standins.world().faults = vec![create_fault(act.clone()).only(1, 1)];
        let summary = pipeline.run(json!({})).await.unwrap();
        assert_eq!(summary.verdict, Verdict::Ok, "{act:?}");
        assert_eq!(summary.applied, ALL_OF_THE_DEMO);
        assert!(names_are_unique(&standins), "{act:?}");
        assert!(
            standins
                .world()
                .log
                .iter()
                .any(|call| call.path.ends_with("/search")),
            "{act:?}"
        );
    }
}

#[tokio::test]
async fn a_create_that_stays_in_doubt_is_reported_as_unknown_and_tried_by_the_next_run() {
    let (standins, mut pipeline) = start(differences()).await;
    standins.world().faults = vec![create_fault(Act::status(500))];
    let summary = pipeline.run(json!({})).await.unwrap();
    assert_eq!(summary.verdict, Verdict::Partial);
    let wanted = Applied {
        created: 0,
        unknown: 3,
        ..ALL_OF_THE_DEMO
    };
    assert_eq!(summary.applied, wanted);
    assert_eq!(outcomes(&pipeline)["unknown"], 3);
    standins.world().faults.clear();
    assert_eq!(pipeline.run(json!({})).await.unwrap().applied.created, 3);
}

#[tokio::test]
async fn a_name_taken_meanwhile_is_a_conflict_with_zendesks_words() {
    let (standins, mut pipeline) = start(differences()).await;
    let compared = pipeline.plan(json!({})).await.unwrap();
    let name = pipeline.document("creates.json")["creates"][0]["name"].clone();
    let organization =
        seed::organization(99_999_999_999_999, name.as_str().unwrap(), None, &json!({}));
    standins
        .world()
        .instance("global")
        .organizations
        .insert(99_999_999_999_999, organization);
    let summary = pipeline.apply(&json!(compared.plan)).await.unwrap();
    assert_eq!(summary.verdict, Verdict::Partial);
    let wanted = Applied {
        created: 2,
        failed: 1,
        ..ALL_OF_THE_DEMO
    };
    assert_eq!(summary.applied, wanted);
    let results = pipeline.document("results.json");
    let error = results["results"][0]["error"].as_str().unwrap();
    assert!(
        error.contains("has already been taken") && error.contains("organization 99999999999999"),
        "{error}"
    );
}

#[tokio::test]
async fn only_an_organizations_own_success_counts() {
    let (standins, mut pipeline) = start(other_owners(100)).await;
    free(&mut pipeline);
    {
        let mut world = standins.world();
        let ids: Vec<u64> = world
            .instance("global")
            .organizations
            .keys()
            .copied()
            .collect();
        let jobs = &mut world.instance("global").jobs;
        jobs.refuse = ids[..99]
            .iter()
            .map(|id| (*id, "Name:  X has already been taken".to_owned()))
            .collect();
    }
    let summary = pipeline.run(json!({})).await.unwrap();
    assert_eq!(summary.verdict, Verdict::Partial);
    let wanted = Applied {
        updated: 1,
        failed: 99,
        ..Applied::default()
    };
    assert_eq!(summary.applied, wanted);
    let results = pipeline.document("results.json");
    let failed = results["results"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|result| result["outcome"] == "failed");
    assert!(failed.clone().all(|result| result["error"]
        == "OrganizationUpdateFailed: Name:  X has already been taken"
        && result["runs_failed"] == 1));

    assert_eq!(pipeline.run(json!({})).await.unwrap().applied.failed, 99);
    assert_eq!(
        pipeline.document("results.json")["results"][0]["runs_failed"],
        2,
        "the next run has them again, and counts"
    );
    pipeline.run(json!({})).await.unwrap();
    let report = String::from_utf8(pipeline.store.object("runs/run-3/report.md").unwrap()).unwrap();
    assert!(
        report.contains("| 3 (look at it) |"),
        "after three runs the report says so, and what failed most often comes first"
    );
}

#[tokio::test]
async fn a_poisoned_record_is_halved_out_and_99_of_100_go_through() {
    for names_poison in [false, true] {
        let (standins, mut pipeline) = start(other_owners(100)).await;
        free(&mut pipeline);
        let poison = *standins
            .world()
            .instance("global")
            .organizations
            .keys()
            .nth(37)
            .unwrap();
        standins
            .world()
            .instance("global")
            .jobs
            .poison
            .insert(poison);
        standins.world().instance("global").jobs.names_poison = names_poison;
        let summary = pipeline.run(json!({})).await.unwrap();
        assert_eq!(summary.verdict, Verdict::Partial, "{names_poison}");
        let wanted = Applied {
            updated: 99,
            failed: 1,
            ..Applied::default()
        };
        assert_eq!(summary.applied, wanted);
        let results = pipeline.document("results.json");
        let failed: Vec<_> = results["results"]
            .as_array()
            .unwrap()
            .iter()
            .filter(|result| result["outcome"] == "failed")
            .collect();
        assert_eq!(failed.len(), 1);
        assert_eq!(failed[0]["id"], poison);
        assert!(
            !names_poison
                || failed[0]["error"]
                    .as_str()
                    .unwrap()
                    .contains("Owner: is poison")
        );
    }
}

#[tokio::test]
async fn a_large_run_with_every_kind_of_failure_is_partial_and_lists_exactly_what_failed() {
    let (standins, mut pipeline) = start(other_owners(4500)).await;
    free(&mut pipeline);
    let (poison, refuse) = {
        let mut world = standins.world();
        let ids: Vec<u64> = world
            .instance("global")
            .organizations
            .keys()
            .copied()
            .collect();
        let poison: BTreeSet<u64> = [ids[50], ids[1250], ids[3333]].into();
        let refuse: BTreeMap<u64, String> = (0..40)
            .map(|n| (ids[400 + n * 10], "Owner: is invalid".to_owned()))
            .collect();
        let jobs = &mut world.instance("global").jobs;
        jobs.poison = poison.clone();
        jobs.refuse = refuse.clone();
        jobs.vanish = [15].into();
        jobs.stuck = [10].into();
        (poison, refuse)
    };
    let summary = pipeline.run(json!({})).await.unwrap();
    assert_eq!(summary.verdict, Verdict::Partial);
    assert_eq!(summary.counts.updates, 4500);
    let results = pipeline.document("results.json");
    let of = |outcome: &str| -> BTreeSet<u64> {
        results["results"]
            .as_array()
            .unwrap()
            .iter()
            .filter(|one| one["outcome"] == outcome)
            .map(|one| one["id"].as_u64().unwrap())
            .collect()
    };
    assert_eq!(
        of("failed"),
        poison.iter().chain(refuse.keys()).copied().collect()
    );
    assert_eq!(of("unknown").len(), 100, "the stuck job's records");
    assert_eq!(of("done").len(), 4500 - 43 - 100);
    let done = of("done");
    let mut world = standins.world();
    let target = world.instance("global");
    assert!(done.iter().all(
        |id| target.organizations[id]["organization_fields"]["account_owner"] == "Nova Linden"
    ));
    assert!(
        target.jobs.peak <= 20,
        "{} jobs ran at once",
        target.jobs.peak
    );
    drop(world);
    let state =
        pipeline.store.objects()[&format!("runs/{}/sync-state.json", pipeline.run_id())].len();
    assert!(state < 200_000, "{state} bytes");
}

#[tokio::test]
async fn records_without_a_result_are_read_back() {
    let (standins, mut pipeline) = start(other_owners(100)).await;
    free(&mut pipeline);
    let ids: Vec<u64> = standins
        .world()
        .instance("global")
        .organizations
        .keys()
        .copied()
        .collect();
    standins.world().instance("global").jobs.silent = ids[..10].iter().copied().collect();
    let summary = pipeline.run(json!({})).await.unwrap();
    assert_eq!(summary.verdict, Verdict::Ok);
    let wanted = Applied {
        updated: 100,
        ..Applied::default()
    };
    assert_eq!(summary.applied, wanted);
    assert_eq!(
        standins
            .world()
            .calls("global", "GET", "/api/v2/organizations/show_many"),
        1
    );
}

#[tokio::test]
async fn what_was_deleted_meanwhile_is_not_marked_although_it_is_shown() {
    let (standins, mut pipeline) = start(differences()).await;
    let compared = pipeline.plan(json!({})).await.unwrap();
    let marks = pipeline.document("not_in_sync.json");
    let marks = marks["not_in_sync"].as_array().unwrap();
    for id in marks.iter().filter_map(|one| one["id"].as_u64()) {
        standins.world().instance("global").delete_and_show(id);
    }
    let summary = pipeline.apply(&json!(compared.plan)).await.unwrap();
    let wanted = Applied {
        marked: 0,
        drifted: 3,
        ..ALL_OF_THE_DEMO
    };
    assert_eq!(summary.applied, wanted);
}

#[tokio::test]
async fn what_somebody_changed_meanwhile_is_not_marked() {
    let (standins, mut pipeline) = start(differences()).await;
    let compared = pipeline.plan(json!({})).await.unwrap();
    let marks: Vec<u64> = pipeline.document("not_in_sync.json")["not_in_sync"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["id"].as_u64().unwrap())
        .collect();
    standins
        .world()
        .instance("global")
        .edit(marks[0], "account_type", json!("customer"));
    standins
        .world()
        .instance("global")
        .organizations
        .remove(&marks[1]);
    // Something else of the third changes.
    standins.world().instance("global").touch(marks[2]);
    let summary = pipeline.apply(&json!(compared.plan)).await.unwrap();
    assert_eq!(summary.verdict, Verdict::Ok);
    let wanted = Applied {
        marked: 0,
        drifted: 3,
        ..ALL_OF_THE_DEMO
    };
    assert_eq!(summary.applied, wanted);
    let left = standins.world().instance("global").organizations[&marks[0]].clone();
    assert_ne!(
        left["organization_fields"]["mark_for_deletion"],
        json!(true)
    );
    let drifted = pipeline.document("results.json");
    assert_eq!(
        drifted["results"]
            .as_array()
            .unwrap()
            .iter()
            .filter(|one| one["action"] == "mark" && one["outcome"] == "drifted")
            .count(),
        3
    );
}

#[tokio::test]
async fn a_mark_says_when_its_organization_was_changed_so_no_other_list_is_read() {
    let (_standins, mut pipeline) = start(differences()).await;
    let compared = pipeline.plan(json!({})).await.unwrap();
    let gathered = format!("runs/{}/organizations.json", pipeline.run_id());
    pipeline.store.remove(&gathered);
    let summary = pipeline.apply(&json!(compared.plan)).await.unwrap();
    assert_eq!(summary.applied, ALL_OF_THE_DEMO);
}

#[tokio::test]
async fn an_execution_that_is_old_or_of_the_future_or_names_no_start_writes_nothing() {
    let (standins, mut pipeline) = start(differences()).await;
    let compared = pipeline.plan(json!({})).await.unwrap();
    for (started_at, why) in [
        (json!("2026-11-23T01:59:59Z"), "more than 4 h ago"),
        (json!("2026-11-23T06:10:00Z"), "in the future"),
        (Value::Null, "names no start"),
    ] {
        let started = |mut payload: Value| {
            payload["started_at"] = started_at.clone();
            event(payload)
        };
        let ended = pipeline.sync_once(&json!(compared.plan), started).await;
        let refused = ended.unwrap_err();
        assert_eq!(refused.name(), "Sync.Input");
        assert!(refused.to_string().contains(why), "{refused}");
    }
    assert_eq!(standins.world().calls("global", "POST", CREATE), 0);
}

#[tokio::test]
async fn stops_in_time_and_goes_on_exactly_there() {
    let (standins, mut pipeline) = start(differences()).await;
    let compared = pipeline.plan(json!({})).await.unwrap();
    let mut invocations = 0;
    let summary = loop {
        invocations += 1;
        match pipeline
            .sync_once(&json!(compared.plan), |payload| event_with(payload, 20))
            .await
            .unwrap()
        {
            Progress::Done(done) => break done.summary,
            Progress::Continue { .. } | Progress::Wait { .. } => {}
        }
    };
    assert_eq!(summary.verdict, Verdict::Ok);
    assert_eq!(summary.applied, ALL_OF_THE_DEMO);
    assert!(invocations >= 5, "one step an invocation: {invocations}");
    assert_eq!(standins.world().calls("global", "POST", CREATE), 3);
    assert_eq!(standins.world().calls("global", "PUT", UPDATE), 3);
    assert_eq!(
        standins
            .world()
            .calls("global", "GET", "/api/v2/organizations/search"),
        0,
        "nothing was in doubt"
    );
}

#[tokio::test]
async fn saved_progress_of_another_plan_is_refused() {
    let (_standins, mut pipeline) = start(differences()).await;
    let compared = pipeline.plan(json!({})).await.unwrap();
    let key = format!("runs/{}/sync-state.json", pipeline.run_id());
    pipeline.apply(&json!(compared.plan)).await.unwrap();
    let mut state = pipeline.document("sync-state.json");
    state["plan_digest"] = json!("sha256:other");
    stage::store::Store::put(
        &pipeline.store,
        &key,
        state.to_string().into_bytes(),
        "application/json",
    )
    .await
    .unwrap();
    let error = pipeline.apply(&json!(compared.plan)).await.unwrap_err();
    assert_eq!(error.name(), "Sync.Contract");
}

#[tokio::test]
async fn a_list_changed_after_the_plan_is_refused() {
    let (standins, mut pipeline) = start(differences()).await;
    let compared = pipeline.plan(json!({})).await.unwrap();
    let mut list = pipeline.document("not_in_sync.json");
    list["not_in_sync"][0]["id"] = json!(1);
    let key = format!("runs/{}/not_in_sync.json", pipeline.run_id());
    stage::store::Store::put(
        &pipeline.store,
        &key,
        list.to_string().into_bytes(),
        "application/json",
    )
    .await
    .unwrap();
    assert_eq!(
        pipeline
            .apply(&json!(compared.plan))
            .await
            .unwrap_err()
            .name(),
        "Sync.Contract"
    );
    assert_eq!(standins.world().calls("global", "PUT", UPDATE), 0);
}

#[tokio::test]
async fn every_shape_of_throttling_becomes_a_pause_and_then_goes_on() {
    let instead = |status, after: Option<&str>, body: &str| Act::Instead {
        status,
        headers: after
            .map(|after| ("retry-after".to_owned(), after.to_owned()))
            .into_iter()
            .collect(),
        body: body.to_owned(),
    };
    let shapes = [
        (
            instead(429, Some("60"), r#"{"error":"TooManyRequests"}"#),
            Some(60),
        ),
        (
            instead(
                429,
                Some("7"),
                r#"{"errors":[{"code":"TooManyRequests","title":"Too many requests"}]}"#,
            ),
            Some(7),
        ),
        (
            instead(
                429,
                None,
                r#"{"title":"Automated response","status":"429",
                    "detail":"Rate limited by edge protection"}"#,
            ),
            Some(10),
        ),
        (
            instead(429, Some("0"), "You have exceeded the rate limit"),
            None,
        ),
        (instead(429, Some("600"), ""), Some(600)),
        (instead(503, Some("30"), "<html>"), Some(30)),
        (instead(503, None, ""), None),
        (
            instead(
                429,
                None,
                r#"{"error":"TooManyJobs","description":"Too many jobs"}"#,
            ),
            Some(10),
        ),
        (
            instead(
                400,
                None,
                r#"{"error":"TooManyJobs","description":"Too many jobs"}"#,
            ),
            Some(30),
        ),
    ];
    for (path, method) in [
        (CREATE, "POST"),
        (UPDATE, "PUT"),
        (JOBS, "GET"),
        ("/api/v2/organizations/show_many", "GET"),
    ] {
        for (act, wait) in &shapes {
            let (standins, mut pipeline) = start(differences()).await;
            standins.world().faults =
                vec![Fault::new("global", method, path, act.clone()).only(0, 1)];
            let summary = pipeline.run(json!({})).await.unwrap();
            assert_eq!(summary.verdict, Verdict::Ok, "{path} {act:?}");
            assert_eq!(summary.applied, ALL_OF_THE_DEMO);
            // After a doubtful create the look comes a minute later, whatever Zendesk asks for.
            let is_doubt = method == "POST" && format!("{act:?}").contains("status: 503");
            // Too many jobs is what is said of a write.
            let is_full = method != "GET" && format!("{act:?}").contains("TooManyJobs");
            let wait = match (is_doubt, is_full) {
                (true, _) => Some(60),
                (_, true) => Some(30),
                _ => *wait,
            };
            assert_eq!(pipeline.waits.first(), wait.as_ref(), "{path} {act:?}");
        }
    }
}

#[tokio::test]
async fn too_many_jobs_of_others_are_waited_for() {
    let (standins, mut pipeline) = start(differences()).await;
    standins.world().instance("global").jobs.others = 30;
    let compared = pipeline.plan(json!({})).await.unwrap();
    assert!(matches!(
        pipeline
            .sync_once(&json!(compared.plan), event)
            .await
            .unwrap(),
        Progress::Wait { .. }
    ));
    standins.world().instance("global").jobs.others = 0;
    assert_eq!(
        pipeline.apply(&json!(compared.plan)).await.unwrap().verdict,
        Verdict::Ok
    );
    assert_eq!(standins.world().calls("global", "POST", CREATE), 3);
}

#[tokio::test]
async fn the_scan_slows_down_before_the_rate_limit_is_hit() {
    let (standins, mut pipeline) = start(differences()).await;
    standins.world().instance("global").rate_limit = 30;
    let _ = tokio::time::timeout(std::time::Duration::from_secs(3), pipeline.plan(json!({}))).await;
    assert!(
        !pipeline.waits.is_empty() && pipeline.waits.iter().all(|wait| (1..=60).contains(wait)),
        "{:?}",
        pipeline.waits
    );
    assert!(!standins.world().log.iter().any(|call| call.status == 429));
}
