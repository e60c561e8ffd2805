//! What one run leaves the next ones to know: clocks, own marks, what was held; and what happens if
//! that is lost.

use domain::model::Verdict;
use partner_sync_tests::in_process::Pipeline;
use partner_sync_tests::standins::faults::{Act, Fault};
use partner_sync_tests::standins::seed::account_id;
use partner_sync_tests::standins::{Running, World, seed};
use serde_json::{Value, json};
use stage::store::Store;

const STATUS: &str = "Partners_Partner_Status__c";

fn equal() -> World {
    seed::equal(21, 30, 60, 5)
}

async fn start(world: World, mark_after_hours: u32) -> (Running, Pipeline) {
    let standins = Running::start(world).await.unwrap();
    let mut pipeline = Pipeline::on(&standins);
    let hours = mark_after_hours.to_string();
    pipeline.env.insert("MARK_AFTER_HOURS".to_owned(), hours);
    (standins, pipeline)
}

fn lose(standins: &Running, numbers: std::ops::Range<usize>) {
    for number in numbers {
        standins
            .world()
            .set_account(number, STATUS, json!("Terminated"));
    }
}

fn memory(pipeline: &Pipeline) -> Value {
    let bytes = pipeline.store.object("memory.json").expect("a memory");
    serde_json::from_slice(&bytes).unwrap()
}

fn report(pipeline: &Pipeline) -> String {
    let key = format!("runs/{}/report.md", pipeline.run_id());
    String::from_utf8(pipeline.store.object(&key).unwrap()).unwrap()
}

/// Hours go by, with a run at least every six of them, so that clocks go on; there is none at the
/// end.
async fn watched_hours_pass(pipeline: &mut Pipeline, mut hours: i64) {
    while hours > 6 {
        pipeline.hours_pass(6);
        runs(pipeline).await;
        hours -= 6;
    }
    pipeline.hours_pass(hours);
}

async fn runs(pipeline: &mut Pipeline) -> (usize, usize, Verdict) {
    let summary = pipeline.run(json!({})).await.unwrap();
    (
        summary.counts.waiting,
        summary.applied.marked,
        summary.verdict,
    )
}

#[tokio::test]
async fn an_organization_is_marked_once_its_account_has_been_missing_for_a_day() {
    let (standins, mut pipeline) = start(equal(), 24).await;
    runs(&mut pipeline).await;
    lose(&standins, 2..3);
    assert_eq!(runs(&mut pipeline).await, (1, 0, Verdict::NothingToDo));
    let since = memory(&pipeline)["absent"][0]["since"].clone();
    let waiting = &pipeline.document("plan.json")["waiting"][0];
    assert_eq!(since, "2026-11-23T06:00:00Z");
    assert_eq!(waiting["eligible_from"], "2026-11-24T06:00:00Z");
    assert!(report(&pipeline).contains("2026-11-24 06:00 UTC"));

    watched_hours_pass(&mut pipeline, 23).await;
    assert_eq!(runs(&mut pipeline).await, (1, 0, Verdict::NothingToDo));
    pipeline.hours_pass(1);
    assert_eq!(runs(&mut pipeline).await, (0, 1, Verdict::Ok));
    let own = &memory(&pipeline)["marked"][0];
    assert_eq!(own["salesforce_id"], account_id(2).as_str());
    let at = own["at"].as_str().unwrap();
    assert!(at.starts_with("2026-11-24T06:00"), "{own}");
}

#[tokio::test]
async fn the_clock_starts_anew_if_the_account_was_back() {
    let (standins, mut pipeline) = start(equal(), 24).await;
    lose(&standins, 2..3);
    runs(&mut pipeline).await;
    pipeline.hours_pass(12);
    standins.world().set_account(2, STATUS, json!("Authorized"));
    runs(&mut pipeline).await;
    assert_eq!(memory(&pipeline)["absent"], json!([]));
    lose(&standins, 2..3);
    pipeline.hours_pass(1);
    runs(&mut pipeline).await;
    watched_hours_pass(&mut pipeline, 23).await;
    assert_eq!(runs(&mut pipeline).await, (1, 0, Verdict::NothingToDo));
}

#[tokio::test]
async fn what_nobody_watched_does_not_count() {
    let (standins, mut pipeline) = start(equal(), 24).await;
    lose(&standins, 2..3);
    runs(&mut pipeline).await;
    pipeline.hours_pass(13);
    runs(&mut pipeline).await;
    assert_eq!(
        memory(&pipeline)["absent"][0]["since"],
        "2026-11-23T19:00:00Z"
    );
}

#[tokio::test]
async fn runs_in_plan_mode_failed_ones_and_cut_reads_neither_start_nor_stop_a_clock() {
    let (standins, mut pipeline) = start(equal(), 24).await;
    runs(&mut pipeline).await;
    lose(&standins, 2..3);
    let cut = |host: &str, path: &str, act| vec![Fault::new(host, "GET", path, act)];
    let failing = [
        cut(
            "salesforce",
            "/services/data",
            Act::set("/totalSize", json!(99)),
        ),
        cut(
            "global",
            "/api/v2/organizations",
            Act::set("/meta/has_more", json!(true)),
        ),
    ];
    let before = memory(&pipeline);
    for faults in failing.clone() {
        standins.world().faults = faults;
        assert_eq!(
            pipeline.run(json!({})).await.unwrap_err().name(),
            "Sync.Incomplete"
        );
    }
    standins.world().faults.clear();
    pipeline.run(json!({"mode": "plan"})).await.unwrap();
    assert_eq!(memory(&pipeline), before, "no clock was started");

    runs(&mut pipeline).await;
    let started = memory(&pipeline);
    assert_eq!(started["absent"].as_array().unwrap().len(), 1);
    standins.world().set_account(2, STATUS, json!("Authorized"));
    for faults in failing {
        standins.world().faults = faults;
        pipeline.run(json!({})).await.unwrap_err();
    }
    standins.world().faults.clear();
    pipeline.run(json!({"mode": "plan"})).await.unwrap();
    assert_eq!(memory(&pipeline), started, "no clock was stopped");
}

#[tokio::test]
async fn marks_that_stand_count_against_the_limit_until_they_are_gone() {
    let (standins, mut pipeline) = start(equal(), 0).await;
    lose(&standins, 2..6);
    assert_eq!(runs(&mut pipeline).await, (0, 4, Verdict::Ok));
    lose(&standins, 6..8);
    pipeline.hours_pass(1);
    assert_eq!(runs(&mut pipeline).await, (0, 0, Verdict::Held));
    let message = &pipeline.notice.as_ref().unwrap().message;
    let numbers = "2 new, 0 waiting and 4 that stand, of 30 partner organizations (20.0 %); the \
                   limit is 5";
    assert!(message.contains(numbers), "{message}");
    assert_eq!(
        memory(&pipeline)["held"]["marks"].as_array().unwrap().len(),
        2
    );

    // A purge that takes nothing, because of tickets, resets nothing.
    pipeline.hours_pass(5 * 24);
    assert_eq!(runs(&mut pipeline).await, (0, 0, Verdict::Held));
    // What is marked goes, and leaves the memory.
    let organizations = |world: &mut World| {
        let all = &mut world.instance("global").organizations;
        all.retain(|_, one| one["organization_fields"]["mark_for_deletion"] != true);
    };
    organizations(&mut standins.world());
    pipeline.hours_pass(1);
    let summary = pipeline.run(json!({})).await.unwrap();
    assert_eq!(summary.verdict, Verdict::Held, "what was held stays held");
    assert_eq!(memory(&pipeline)["marked"], json!([]));
    let approve = json!({"approve": [summary.held[0].digest]});
    let released = pipeline.run(approve).await.unwrap();
    assert_eq!(
        (released.verdict, released.applied.marked),
        (Verdict::Ok, 2)
    );
    assert_eq!(memory(&pipeline)["held"], json!({}));
}

#[tokio::test]
async fn a_partner_that_became_a_customer_is_unmarked_and_leaves_the_memory() {
    let (standins, mut pipeline) = start(equal(), 0).await;
    lose(&standins, 2..4);
    runs(&mut pipeline).await;
    let id = standins.world().organization_of(2).unwrap();
    standins
        .world()
        .instance("global")
        .edit(id, "account_type", json!("customer"));
    let summary = pipeline.run(json!({})).await.unwrap();
    assert_eq!((summary.counts.unmarks, summary.applied.updated), (1, 1));
    let world = standins.world().clone();
    let fields = &world.zendesk["global"].organizations[&id]["organization_fields"];
    assert_eq!(fields["mark_for_deletion"], false);
    assert_eq!(fields["account_type"], "customer");
    let marked = memory(&pipeline)["marked"].as_array().unwrap().clone();
    assert_eq!(marked.len(), 1);
    assert_ne!(marked[0]["id"], id);
}

/// What can happen to the two documents at the root.
async fn breaks(pipeline: &Pipeline, key: &str, how: &str) {
    let whole = pipeline.store.object(key).unwrap();
    let broken = match how {
        "cut" => whole[..whole.len() / 2].to_vec(),
        "empty" => Vec::new(),
        "another shape" => b"{\"absent\": 7}".to_vec(),
        "another version" => {
            let mut document: Value = serde_json::from_slice(&whole).unwrap();
            document["schema_version"] = json!(2);
            serde_json::to_vec(&document).unwrap()
        }
        _ => return pipeline.store.remove(key),
    };
    pipeline
        .store
        .put(key, broken, "application/json")
        .await
        .unwrap();
}

#[tokio::test]
async fn however_the_memory_breaks_nothing_is_marked_and_people_are_told_why() {
    for (key, how) in [
        ("memory.json", "cut"),
        ("memory.json", "empty"),
        ("memory.json", "another shape"),
        ("memory.json", "another version"),
        ("memory.json", "gone"),
        ("latest.json", "cut"),
        ("latest.json", "empty"),
        ("latest.json", "another shape"),
        ("latest.json", "another version"),
    ] {
        let (standins, mut pipeline) = start(equal(), 0).await;
        runs(&mut pipeline).await;
        lose(&standins, 2..4);
        breaks(&pipeline, key, how).await;
        let summary = pipeline.run(json!({})).await.unwrap();
        let what = format!("{key}: {how}");
        assert_eq!(
            (summary.verdict, summary.applied.marked),
            (Verdict::Held, 0),
            "{what}"
        );
        assert!(
            report(&pipeline).contains("memory of the runs before is lost"),
            "{what}"
        );
        let message = &pipeline.notice.as_ref().expect(&what).message;
        assert!(message.contains("The memory is lost"), "{message}");

        let again = pipeline.run(json!({})).await.unwrap();
        assert_eq!(
            again.verdict,
            Verdict::Held,
            "{what}: what was held stays held"
        );
        let approve = json!({"approve": [again.held[0].digest]});
        let released = pipeline.run(approve).await.unwrap();
        assert_eq!(
            (released.verdict, released.applied.marked),
            (Verdict::Ok, 2),
            "{what}"
        );
    }
}

#[tokio::test]
async fn a_lost_memory_starts_every_clock_anew_and_holds_what_waited() {
    let (standins, mut pipeline) = start(equal(), 24).await;
    runs(&mut pipeline).await;
    lose(&standins, 2..4);
    runs(&mut pipeline).await;
    pipeline.hours_pass(24);
    breaks(&pipeline, "memory.json", "cut").await;
    assert_eq!(runs(&mut pipeline).await, (2, 0, Verdict::NothingToDo));
    assert!(
        pipeline.notice.is_some(),
        "people are told though the state is good"
    );
    runs(&mut pipeline).await;
    assert_eq!(pipeline.notice, None, "and told once");
    watched_hours_pass(&mut pipeline, 24).await;
    assert_eq!(runs(&mut pipeline).await, (0, 0, Verdict::Held));
}

#[tokio::test]
async fn marks_that_may_be_ours_count_after_the_memory_was_lost() {
    let (standins, mut pipeline) = start(equal(), 0).await;
    lose(&standins, 2..6);
    runs(&mut pipeline).await;
    breaks(&pipeline, "memory.json", "gone").await;
    runs(&mut pipeline).await;
    lose(&standins, 6..8);
    assert_eq!(runs(&mut pipeline).await, (0, 0, Verdict::Held));
}

#[tokio::test]
async fn a_run_that_failed_while_it_marked_remembers_its_marks() {
    let (standins, mut pipeline) = start(equal(), 0).await;
    runs(&mut pipeline).await;
    lose(&standins, 2..6);
    let looks = Fault::new("global", "GET", "/api/v2/job_statuses", Act::forbidden());
    standins.world().faults = vec![looks];
    let error = pipeline.run(json!({})).await.unwrap_err();
    pipeline.record_failure(&error).await.unwrap();
    standins.world().faults.clear();
    assert_eq!(memory(&pipeline)["marked"].as_array().unwrap().len(), 4);
    lose(&standins, 6..8);
    assert_eq!(runs(&mut pipeline).await, (0, 0, Verdict::Held));
}

#[tokio::test]
async fn a_mark_needs_evidence_and_what_salesforce_does_not_explain_is_held_apart() {
    let (standins, mut pipeline) = start(equal(), 24).await;
    lose(&standins, 2..3);
    {
        let mut world = standins.world();
        world.delete_account(3);
        world.set_type(4, "Customer");
        world.hide_account(5);
        world.merge(6, 7);
    }
    runs(&mut pipeline).await;
    watched_hours_pass(&mut pipeline, 24).await;
    let summary = pipeline.run(json!({})).await.unwrap();
    assert_eq!(
        (summary.verdict, summary.applied.marked),
        (Verdict::Held, 2)
    );
    let counts = summary.counts;
    assert_eq!((counts.marks, counts.unexplained, counts.merged), (2, 2, 1));
    let marks = pipeline.document("not_in_sync.json");
    let of = |place: usize| {
        let mark = &marks["not_in_sync"][place];
        (mark["category"].clone(), mark["reason"]["kind"].clone())
    };
    let wanted = [
        ("marks", "authorised_no_more"),
        ("marks", "deleted"),
        ("unexplained", "other_type"),
        ("unexplained", "not_visible"),
    ];
    for (place, (category, kind)) in wanted.into_iter().enumerate() {
        assert_eq!(of(place), (json!(category), json!(kind)));
    }
    let merged = &pipeline.document("plan.json")["merged"][0]["reason"];
    assert_eq!(merged["into"], account_id(7).as_str());
    let of_survivor = standins.world().organization_of(7);
    assert_eq!(merged["organization"], json!(of_survivor));
    let former = &pipeline.document("accounts.json")["former"];
    let states: Vec<_> = (0..5).map(|place| former[place]["state"].clone()).collect();
    let wanted = [
        "authorised_no_more",
        "deleted",
        "other_type",
        "not_visible",
        "merged",
    ];
    assert_eq!(json!(states), json!(wanted));

    // Only that category is held, so the run counts as a good one.
    let latest: Value =
        serde_json::from_slice(&pipeline.store.object("latest.json").unwrap()).unwrap();
    assert_eq!(latest["run_id"], pipeline.run_id());
}

#[tokio::test]
async fn what_is_unexplained_is_marked_once_a_person_approves_it_and_stays_so() {
    let (standins, mut pipeline) = start(equal(), 24).await;
    standins.world().hide_account(2);
    runs(&mut pipeline).await;
    watched_hours_pass(&mut pipeline, 24).await;
    let held = pipeline.run(json!({})).await.unwrap().held;
    let approve = json!({"approve": [held[0].digest], "approved_by": "Robin", "note": "left"});
    let released = pipeline.run(approve).await.unwrap();
    assert_eq!(
        (released.verdict, released.applied.marked),
        (Verdict::Ok, 1)
    );
    assert!(report(&pipeline).contains("Robin"));
    assert_eq!(memory(&pipeline)["marked"][0]["approved"], true);
    assert_eq!(runs(&mut pipeline).await, (0, 0, Verdict::NothingToDo));
    let id = standins.world().organization_of(2).unwrap();
    let world = standins.world().clone();
    let fields = &world.zendesk["global"].organizations[&id]["organization_fields"];
    assert_eq!(fields["mark_for_deletion"], true);
}

#[tokio::test]
async fn our_mark_is_taken_back_when_its_account_is_not_visible_any_more() {
    let (standins, mut pipeline) = start(equal(), 24).await;
    lose(&standins, 2..3);
    runs(&mut pipeline).await;
    watched_hours_pass(&mut pipeline, 24).await;
    assert_eq!(runs(&mut pipeline).await, (0, 1, Verdict::Ok));
    standins.world().hide_account(2);
    let summary = pipeline.run(json!({})).await.unwrap();
    assert_eq!((summary.counts.unmarks, summary.applied.updated), (1, 1));
    assert_eq!(memory(&pipeline)["marked"], json!([]));
    let taken_back = &pipeline.document("plan.json")["taken_back"][0];
    assert_eq!(taken_back["reason"]["kind"], "not_visible");
}

#[tokio::test]
async fn if_salesforce_does_not_answer_nothing_changes_and_the_report_says_so() {
    let (standins, mut pipeline) = start(equal(), 24).await;
    lose(&standins, 2..4);
    runs(&mut pipeline).await;
    watched_hours_pass(&mut pipeline, 24).await;
    let path = "/services/data/v67.0/queryAll";
    let silent = Fault::new("salesforce", "GET", path, Act::status(403));
    standins.world().faults = vec![silent.clone()];
    assert_eq!(runs(&mut pipeline).await, (2, 0, Verdict::NothingToDo));
    let report = report(&pipeline);
    assert!(
        report.contains("did not say what became of the accounts"),
        "{report}"
    );
    standins.world().faults.clear();
    assert_eq!(runs(&mut pipeline).await, (0, 2, Verdict::Ok));
    standins.world().faults = vec![silent];
    assert_eq!(runs(&mut pipeline).await, (0, 0, Verdict::NothingToDo));
    let marked = memory(&pipeline)["marked"].clone();
    assert_eq!(marked.as_array().unwrap().len(), 2, "they stand");
}

#[tokio::test]
async fn compare_called_twice_decides_from_the_same_past() {
    let (standins, mut pipeline) = start(equal(), 0).await;
    runs(&mut pipeline).await;
    lose(&standins, 2..9);
    pipeline.plan(json!({})).await.unwrap();
    let plan = |pipeline: &Pipeline| {
        let mut plan = pipeline.document("plan.json");
        for changes in ["/generated_at", "/usage", "/lists"] {
            *plan.pointer_mut(changes).unwrap() = Value::Null;
        }
        plan
    };
    let first = plan(&pipeline);
    assert_eq!(first["guard"]["categories"][2]["held_before"], 0);
    pipeline.compared_again().await.unwrap();
    assert_eq!(plan(&pipeline), first);
}

#[tokio::test]
async fn an_account_that_came_back_while_the_accounts_were_read_is_not_marked() {
    let (standins, mut pipeline) = start(equal(), 24).await;
    lose(&standins, 2..3);
    runs(&mut pipeline).await;
    // It is missing in the query, and authorised when it is asked about.
    let back = Act::set(&format!("/records/0/{STATUS}"), json!("AUTHORIZED"));
    let path = "/services/data/v67.0/queryAll";
    standins.world().faults = vec![Fault::new("salesforce", "GET", path, back)];
    pipeline.hours_pass(24);
    assert_eq!(runs(&mut pipeline).await, (1, 0, Verdict::NothingToDo));
}

#[tokio::test]
async fn a_value_that_is_written_in_vain_is_counted_and_people_are_told_after_three_runs() {
    let (standins, mut pipeline) = start(equal(), 24).await;
    standins
        .world()
        .set_account(2, "Account_Owner_Calc__c", json!("Nova Linden"));
    let id = standins.world().organization_of(2).unwrap();
    let somebody_takes_it_back = || {
        let mut world = standins.world();
        world
            .instance("global")
            .edit(id, "account_owner", json!("Sam Birch"));
    };
    runs(&mut pipeline).await;
    for runs_in_vain in 1..=4 {
        somebody_takes_it_back();
        runs(&mut pipeline).await;
        let result = &pipeline.document("results.json")["results"][0];
        assert_eq!(result["outcome"], "done");
        assert_eq!(result["runs_failed"], runs_in_vain);
        let report = report(&pipeline);
        assert!(report.contains("Written in vain"), "{report}");
        assert!(report.contains("| Nova Linden | Sam Birch |"), "{report}");
        let told = pipeline.notice.as_ref().map(|notice| &notice.message);
        let is_told = told.is_some_and(|message| message.contains(&format!("organization {id}")));
        assert_eq!(is_told, runs_in_vain == 3, "{told:?}");
    }
    runs(&mut pipeline).await;
    assert_eq!(memory(&pipeline)["written"], json!([]), "it converged");
}

#[tokio::test]
async fn an_old_execution_is_refused_by_every_stage_behind_the_first() {
    let (_standins, mut pipeline) = start(equal(), 24).await;
    let compared = pipeline.plan(json!({})).await.unwrap();
    partner_sync_tests::clock::travel_to("2026-11-23T10:00:01Z".parse().unwrap());
    let error = pipeline.apply(&json!(compared.plan)).await.unwrap_err();
    assert_eq!(error.name(), "Sync.Input");
    assert!(error.to_string().contains("redriven"), "{error}");
    for refused in pipeline.redriven().await {
        assert_eq!(refused.unwrap_err().name(), "Sync.Input");
    }
}

#[tokio::test]
async fn a_run_that_was_stopped_while_it_marked_leaves_its_marks_to_be_counted() {
    let (standins, mut pipeline) = start(equal(), 0).await;
    runs(&mut pipeline).await;
    lose(&standins, 2..6);
    let compared = pipeline.plan(json!({})).await.unwrap();
    let looks = Fault::new("global", "GET", "/api/v2/job_statuses", Act::forbidden());
    standins.world().faults = vec![looks];
    // Nobody records how it ended.
    pipeline.apply(&json!(compared.plan)).await.unwrap_err();
    standins.world().faults.clear();
    assert_eq!(memory(&pipeline)["marked"].as_array().unwrap().len(), 4);
    lose(&standins, 6..8);
    assert_eq!(runs(&mut pipeline).await, (0, 0, Verdict::Held));
}

#[tokio::test]
async fn a_run_that_ends_after_a_later_one_does_not_take_its_memory_away() {
    let (standins, mut pipeline) = start(equal(), 24).await;
    runs(&mut pipeline).await;
    lose(&standins, 2..3);
    pipeline.plan(json!({})).await.unwrap();
    let (stopped, started_at) = (pipeline.run_id(), pipeline.today);
    pipeline.hours_pass(1);
    runs(&mut pipeline).await;
    let later = memory(&pipeline);
    let error = domain::Error::Incomplete("its lease was taken over".to_owned());
    pipeline
        .record_failure_of(&stopped, started_at, &error)
        .await
        .unwrap();
    let now = memory(&pipeline);
    assert_eq!(now["absent"], later["absent"]);
    assert_eq!(now["run_id"], later["run_id"]);
}
