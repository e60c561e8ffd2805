//! How a run ends by itself, and who may be working beside it.

use super::*;

#[tokio::test]
async fn jobs_of_ours_are_judged_before_the_run_fails() {
    let mut world = updates(150);
    world.instance("global").jobs.takes_ms = 40_000;
    let (standins, mut pipeline) = start(world).await;
    standins.world().faults = vec![on_update(Act::forbidden()).only(1, 0)];
    let error = pipeline.run(json!({})).await.unwrap_err();
    assert_eq!(error.name(), "Sync.Auth");
    assert_eq!(with_outcome(&pipeline, "done").len(), 100);
}

/// Every job after the first is refused for a day.
fn throttled_after_the_first_job() -> Fault {
    on_update(Act::Instead {
        status: 429,
        headers: BTreeMap::from([("retry-after".to_owned(), "86400".to_owned())]),
        body: String::new(),
    })
    .only(1, 0)
}

#[tokio::test]
async fn a_run_that_is_throttled_to_death_leaves_its_results_and_a_report() {
    let (standins, mut pipeline) = start(updates(150)).await;
    standins.world().faults = vec![throttled_after_the_first_job()];
    let error = pipeline.run(json!({})).await.unwrap_err();
    assert_eq!(error.name(), "Sync.Throttled");
    assert!(
        pipeline.waits.iter().all(|wait| *wait <= 900),
        "{:?}",
        pipeline.waits
    );
    assert_eq!(with_outcome(&pipeline, "done").len(), 100);
    pipeline.record_failure(&error).await.unwrap();
    assert!(pipeline.store.object("runs/run-1/report.html").is_some());
}

#[tokio::test]
async fn a_run_whose_time_is_over_ends_by_itself_before_step_functions_ends_it() {
    let (standins, mut pipeline) = start(updates(150)).await;
    standins.world().faults = vec![throttled_after_the_first_job()];
    pipeline.retries = true;
    let plan = json!(pipeline.plan(json!({})).await.unwrap().plan);
    // The stages before took half an hour.
    partner_sync_tests::clock::pass(Duration::from_mins(30));
    let summary = loop {
        match pipeline
            .sync_retried(&plan, &standins)
            .await
            .unwrap()
            .unwrap()
        {
            Progress::Done(done) => break done.summary,
            Progress::Wait { .. } | Progress::Continue { .. } => {}
        }
    };
    let ran = partner_sync_tests::clock::now().duration_since(pipeline.today);
    assert!((165..175).contains(&ran.as_mins()), "{ran:?}");
    assert_eq!(summary.verdict, Verdict::Partial);
    let wanted = Applied {
        failed: 50,
        ..updated(100)
    };
    assert_eq!(summary.applied, wanted);
    assert!(
        with_outcome(&pipeline, "failed")[0]
            .1
            .starts_with("not sent")
    );
    assert!(pipeline.store.object("runs/run-1/report.html").is_some());
}

#[tokio::test]
async fn what_may_still_come_when_the_time_is_over_is_unknown() {
    let (standins, mut pipeline) = start(updates(20)).await;
    standins.world().instance("global").jobs.takes_ms = 590_000;
    let plan = json!(pipeline.plan(json!({})).await.unwrap().plan);
    partner_sync_tests::clock::pass(Duration::from_mins(165));
    let summary = pipeline.apply(&plan).await.unwrap();
    assert_eq!(summary.applied.unknown, 20, "their job is running");

    let (standins, mut pipeline) = start(updates(20)).await;
    let away = Act::Instead {
        status: 503,
        headers: BTreeMap::from([("retry-after".to_owned(), "900".to_owned())]),
        body: String::new(),
    };
    standins.world().faults = vec![on_update(away)];
    let plan = json!(pipeline.plan(json!({})).await.unwrap().plan);
    partner_sync_tests::clock::pass(Duration::from_mins(160));
    let summary = pipeline.apply(&plan).await.unwrap();
    assert_eq!(
        summary.applied.unknown, 20,
        "they were sent, and got no answer"
    );
}

#[tokio::test]
async fn the_walk_over_the_organizations_ends_with_the_runs_time() {
    let (standins, mut pipeline) = start(updates(600)).await;
    let throttled = Act::Instead {
        status: 429,
        headers: BTreeMap::from([("retry-after".to_owned(), "900".to_owned())]),
        body: String::new(),
    };
    pipeline.retries = true;
    standins.world().faults = vec![Fault::new("global", "GET", CREATE, throttled).only(2, 0)];
    let error = pipeline.run(json!({})).await.unwrap_err();
    let ran = partner_sync_tests::clock::now().duration_since(pipeline.today);
    assert!(ran.as_mins() < 180, "{ran:?}");
    assert!(
        matches!(error.name(), "Sync.Throttled" | "Sync.Incomplete"),
        "{error}"
    );
}

/// The ARN of the execution of the current run.
fn execution(pipeline: &Pipeline) -> String {
    let run_id = pipeline.run_id();
    format!("arn:aws:states:eu-central-1:0:execution:partner-sync:{run_id}")
}

#[tokio::test]
async fn a_create_in_doubt_of_a_replaced_execution_is_waited_for() {
    let (standins, mut pipeline) = start(three_creates()).await;
    // Lambda itself lets only one invocation run.
    let setting = ("SYNC_RESERVED_CONCURRENCY".to_owned(), "1".to_owned());
    pipeline.env.extend([setting]);
    let late = Act::Late {
        seconds: 45,
        status: 504,
    };
    standins.world().faults = vec![on_create(late).only(0, 1)];
    let plan = json!(pipeline.plan(json!({})).await.unwrap().plan);
    let waits = pipeline.sync_once_unwaited(&plan).await;
    assert_eq!(waits, Some(60), "and then somebody stops it");
    pipeline.lease_taken_from = execution(&pipeline);
    pipeline.today = partner_sync_tests::clock::now();
    let plan = json!(pipeline.plan(json!({})).await.unwrap().plan);
    let summary = pipeline.apply(&plan).await.unwrap();
    assert_eq!(summary.applied, created(3));
    assert!(no_name_is_there_twice(&standins));
}

#[tokio::test]
async fn a_create_that_a_replaced_execution_had_not_saved_is_waited_for_and_an_unmark_is_not() {
    for reserved in ["0", "1"] {
        let (standins, mut pipeline) = start(three_creates()).await;
        let setting = ("SYNC_RESERVED_CONCURRENCY".to_owned(), reserved.to_owned());
        pipeline.env.extend([setting]);
        let late = Act::Late {
            seconds: 45,
            status: 504,
        };
        standins.world().faults = vec![on_create(late).only(0, 1)];
        let plan = json!(pipeline.plan(json!({})).await.unwrap().plan);
        // Stopped behind its first create: the progress does not tell of it.
        pipeline.store.die_at(1, false);
        let ended = pipeline.sync_mortal(&plan, &standins).await.unwrap();
        assert!(ended.is_none(), "{reserved}");
        pipeline.store.live();
        assert_eq!(calls(&standins, "POST", CREATE).len(), 1, "{reserved}");
        standins
            .world()
            .set_organization(35, "mark_for_deletion", json!(true));
        pipeline.lease_taken_from = execution(&pipeline);
        pipeline.today = partner_sync_tests::clock::now();
        let plan = json!(pipeline.plan(json!({})).await.unwrap().plan);
        standins.world().log.clear();
        let summary = pipeline.apply(&plan).await.unwrap();
        assert_eq!(summary.applied.created, 3, "{reserved}: {summary:?}");
        assert!(no_name_is_there_twice(&standins), "{reserved}");
        let unmark = calls(&standins, "PUT", UPDATE)[0].at;
        let create = calls(&standins, "POST", CREATE)[0].at;
        assert!(create - unmark >= 50_000, "{reserved}: {}", create - unmark);
    }
}

#[tokio::test]
async fn creates_in_doubt_take_half_of_a_runs_time_and_the_run_ends_within_it() {
    let mut world = seed::equal(31, 60, 120, 5);
    for number in 2..50 {
        world.lose_organization(number);
    }
    world.set_organization(55, "mark_for_deletion", json!(true));
    let (standins, pipeline, summary) = run(world, vec![on_create(Act::status(500))]).await;
    assert_eq!(summary.verdict, Verdict::Partial);
    assert_eq!(
        summary.applied.updated, 1,
        "the un-mark behind them is done"
    );
    assert_eq!(summary.applied.unknown + summary.applied.failed, 48);
    let waited: u64 = pipeline.waits.iter().sum();
    assert!(waited < 2 * 3600, "{waited} s");
    let tries = calls(&standins, "POST", CREATE).len();
    assert!(tries <= 3 * summary.applied.unknown, "{tries}");
}

#[tokio::test]
async fn an_invocation_waits_for_one_that_may_still_be_running() {
    for (reserved, is_waited_for) in [("0", true), ("1", false)] {
        let (standins, mut pipeline) = start(updates(20)).await;
        let setting = ("SYNC_RESERVED_CONCURRENCY".to_owned(), reserved.to_owned());
        pipeline.env.extend([setting]);
        let plan = json!(pipeline.plan(json!({})).await.unwrap().plan);
        standins.world().faults = vec![on_update(Act::HangBefore).only(0, 1)];
        assert!(
            pipeline
                .sync_mortal(&plan, &standins)
                .await
                .unwrap()
                .is_none(),
            "it is killed"
        );
        standins.world().log.clear();
        let next = pipeline
            .sync_mortal(&plan, &standins)
            .await
            .unwrap()
            .unwrap();
        let waits = matches!(
            next,
            Progress::Wait {
                wait_seconds: 280..=300,
                ..
            }
        );
        assert_eq!(waits, is_waited_for, "{next:?}");
        assert_eq!(standins.world().log.is_empty(), is_waited_for);
        assert_eq!(pipeline.apply(&plan).await.unwrap().applied, updated(20));
    }
}

#[tokio::test]
async fn the_last_invocation_of_a_replaced_execution_is_waited_for() {
    let (standins, mut pipeline) = start(updates(20)).await;
    let plan = json!(pipeline.plan(json!({})).await.unwrap().plan);
    standins.world().faults = vec![on_update(Act::HangBefore).only(0, 1)];
    assert!(
        pipeline
            .sync_mortal(&plan, &standins)
            .await
            .unwrap()
            .is_none()
    );
    let replaced = execution(&pipeline);
    pipeline.today = partner_sync_tests::clock::now();
    let plan = json!(pipeline.plan(json!({})).await.unwrap().plan);
    pipeline.lease_taken_from = replaced;
    standins.world().log.clear();
    let next = pipeline.sync_mortal(&plan, &standins).await.unwrap();
    assert!(
        matches!(
            next,
            Some(Progress::Wait {
                wait_seconds: 200..=300,
                ..
            })
        ),
        "{next:?}"
    );
    assert!(standins.world().log.is_empty());
    assert_eq!(pipeline.apply(&plan).await.unwrap().applied, updated(20));
}

/// Every fifth call of the target times out; a third of those was done, and a third of the writes
/// comes late.
#[tokio::test]
async fn a_run_ends_in_its_time_while_every_fifth_call_times_out_for_an_hour() {
    let mut world = seed::equal(41, 300, 700, 5);
    for number in LOST {
        world.lose_organization(number);
    }
    for number in 40..280 {
        world.set_account(number, "Account_Owner_Calc__c", json!("Nova Linden"));
    }
    for number in 290..299 {
        world.set_organization(number, "mark_for_deletion", json!(true));
    }
    world.abandon(9001, "");
    world.abandon(9002, "");
    let before = world.instance("global").organizations.len();
    let (standins, mut pipeline) = start(world).await;
    let late = Act::Late {
        seconds: 20,
        status: 504,
    };
    let time_outs = (0..400).map(|number| {
        let act = match number % 3 {
            0 => Act::TimeOut { done: true },
            1 => late.clone(),
            _ => Act::TimeOut { done: false },
        };
        Fault::new("global", "", "/", act).only(4, 1)
    });
    standins.world().faults = time_outs.collect();
    let summary = pipeline.run(json!({})).await.unwrap();
    assert!(
        matches!(summary.verdict, Verdict::Ok | Verdict::Partial),
        "{summary:?}"
    );
    let ran = partner_sync_tests::clock::now().duration_since(pipeline.today);
    assert!(ran.as_mins() < 60, "{ran:?}");
    assert!(no_name_is_there_twice(&standins));
    let mut world = standins.world();
    for number in 290..299 {
        let id = world.organization_of(number).unwrap();
        let fields = &world.instance("global").organizations[&id]["organization_fields"];
        assert_eq!(fields["mark_for_deletion"], json!(false), "{number}");
    }
    let after = world.instance("global").organizations.len();
    assert_eq!(after, before + summary.applied.created);
}
