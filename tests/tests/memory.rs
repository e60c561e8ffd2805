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

    pipeline.hours_pass(23);
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
    pipeline.hours_pass(23);
    assert_eq!(runs(&mut pipeline).await, (1, 0, Verdict::NothingToDo));
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
async fn marks_set_since_the_purge_count_against_the_limit_and_the_purge_clears_them() {
    let (standins, mut pipeline) = start(equal(), 0).await;
    lose(&standins, 2..6);
    assert_eq!(runs(&mut pipeline).await, (0, 4, Verdict::Ok));
    lose(&standins, 6..8);
    pipeline.hours_pass(1);
    assert_eq!(runs(&mut pipeline).await, (0, 0, Verdict::Held));
    let message = &pipeline.notice.as_ref().unwrap().message;
    let numbers = "2 new and 4 set since the last purge, of 30 partner organizations (20.0 %); \
                   the limit is 5";
    assert!(message.contains(numbers), "{message}");
    assert_eq!(
        memory(&pipeline)["held"]["marks"].as_array().unwrap().len(),
        2
    );

    // Saturday: what is marked goes, and leaves the memory.
    let organizations = |world: &mut World| {
        let all = &mut world.instance("global").organizations;
        all.retain(|_, one| one["organization_fields"]["mark_for_deletion"] != true);
    };
    organizations(&mut standins.world());
    pipeline.hours_pass(5 * 24);
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
    pipeline.hours_pass(24);
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
    let looks = Fault::new("global", "GET", "/api/v2/job_statuses", Act::status(403));
    standins.world().faults = vec![looks];
    let error = pipeline.run(json!({})).await.unwrap_err();
    pipeline.record_failure(&error).await.unwrap();
    standins.world().faults.clear();
    assert_eq!(memory(&pipeline)["marked"].as_array().unwrap().len(), 4);
    lose(&standins, 6..8);
    assert_eq!(runs(&mut pipeline).await, (0, 0, Verdict::Held));
}

#[tokio::test]
async fn the_reason_of_a_mark_is_what_salesforce_says_of_the_account() {
    let (standins, mut pipeline) = start(equal(), 24).await;
    lose(&standins, 2..5);
    {
        let mut world = standins.world();
        world.set_account(3, "IsDeleted", json!(true));
        world.set_account(4, "Type", json!("Customer"));
        world.set_account(4, STATUS, json!("Authorized"));
        world.set_account(5, STATUS, json!("Terminated"));
        world.salesforce.unshared.insert(account_id(5).to_string());
    }
    runs(&mut pipeline).await;
    pipeline.hours_pass(24);
    assert_eq!(runs(&mut pipeline).await, (0, 4, Verdict::Ok));
    let marks = pipeline.document("not_in_sync.json");
    let reasons: Vec<_> = (0..4)
        .map(|place| marks["not_in_sync"][place]["reason"].as_str().unwrap())
        .collect();
    assert_eq!(
        reasons,
        [
            "Partner status is Terminated; last changed 2026-11-20",
            "deleted in Salesforce",
            "Type is Customer; last changed 2026-11-20",
            "not visible to the integration's user: this is more often a lost permission than a \
             lost partner",
        ]
    );
    let former = &pipeline.document("accounts.json")["former"];
    assert_eq!(former[0]["state"], "authorised_no_more");
    assert_eq!(former[1]["state"], "deleted");
    assert_eq!(former[3]["state"], "not_visible");
}

#[tokio::test]
async fn a_lost_permission_holds_every_mark_of_the_run() {
    let (standins, mut pipeline) = start(equal(), 24).await;
    lose(&standins, 2..3);
    for number in 3..5 {
        standins
            .world()
            .salesforce
            .unshared
            .insert(account_id(number).to_string());
    }
    runs(&mut pipeline).await;
    pipeline.hours_pass(24);
    assert_eq!(runs(&mut pipeline).await, (0, 0, Verdict::Held));
    let message = &pipeline.notice.as_ref().unwrap().message;
    assert!(
        message.contains("2 of 3 accounts that are gone are not visible"),
        "{message}"
    );
}

#[tokio::test]
async fn if_salesforce_does_not_explain_the_run_goes_on_and_says_so() {
    let (standins, mut pipeline) = start(equal(), 24).await;
    lose(&standins, 2..3);
    runs(&mut pipeline).await;
    let path = "/services/data/v67.0/queryAll";
    standins.world().faults = vec![Fault::new("salesforce", "GET", path, Act::status(403))];
    pipeline.hours_pass(24);
    assert_eq!(runs(&mut pipeline).await, (0, 1, Verdict::Ok));
    let report = report(&pipeline);
    assert!(
        report.contains("did not say what became of the accounts"),
        "{report}"
    );
}

#[tokio::test]
async fn an_account_that_came_back_while_the_accounts_were_read_is_not_marked() {
    let (standins, mut pipeline) = start(equal(), 24).await;
    lose(&standins, 2..3);
    runs(&mut pipeline).await;
    // It is missing in the query, and authorised when it is asked about.
    standins.world().set_account(2, STATUS, json!("AUTHORIZED"));
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
    let looks = Fault::new("global", "GET", "/api/v2/job_statuses", Act::status(403));
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
