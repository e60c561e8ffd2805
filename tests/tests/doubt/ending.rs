//! How a run ends by itself, and who may be working beside it.

use super::*;

#[tokio::test]
async fn jobs_of_ours_are_judged_before_the_run_fails() {
    let mut world = updates(150);
    world.instance("global").jobs.takes_ms = 40_000;
    let (standins, mut pipeline) = start(world).await;
    standins.world().faults = vec![on_update(Act::status(403)).only(1, 0)];
    let error = pipeline.run(json!({})).await.unwrap_err();
    assert_eq!(error.name(), "Sync.Auth");
    assert_eq!(with_outcome(&pipeline, "done").len(), 100);
}

/// Every second job is refused for a day.
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
    shared::deadline::pass(Duration::from_mins(30));
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
    let ran = shared::deadline::now().duration_since(pipeline.today);
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
    let replaced = format!(
        "arn:aws:states:eu-central-1:0:execution:partner-sync:{}",
        pipeline.run_id()
    );
    let today = pipeline.today;
    pipeline.today = shared::deadline::now();
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
    assert!(pipeline.today > today);
}

/// Every fifth call of the target gets no answer in time; half of them was done all the same.
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
            0 => Act::DropReply,
            1 => late.clone(),
            _ => Act::DropRequest,
        };
        Fault::new("global", "", "/", act).only(4, 1)
    });
    standins.world().faults = time_outs.collect();
    let summary = pipeline.run(json!({})).await.unwrap();
    assert!(
        matches!(summary.verdict, Verdict::Ok | Verdict::Partial),
        "{summary:?}"
    );
    let waited: u64 = pipeline.waits.iter().sum();
    assert!(waited < 3600, "{waited} s of waits");
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
