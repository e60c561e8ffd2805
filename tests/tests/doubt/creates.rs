//! Creates in doubt.

use super::*;

#[tokio::test]
async fn a_create_that_comes_late_is_found_after_a_minute_and_sent_once() {
    for status in [0, 408, 409, 500, 503, 504] {
        for seconds in [1, 45] {
            let late = on_create(Act::Late { seconds, status }).only(1, 1);
            let (standins, pipeline, summary) = run(three_creates(), vec![late]).await;
            assert_eq!(summary.applied, created(3), "{status} {seconds}");
            assert_eq!(
                calls(&standins, "POST", CREATE).len(),
                3,
                "{status} {seconds}"
            );
            assert_eq!(pipeline.waits.first(), Some(&60), "{status} {seconds}");
            assert!(no_name_is_there_twice(&standins), "{status} {seconds}");
        }
    }
}

#[tokio::test]
async fn a_create_in_doubt_is_sent_three_times_a_minute_apart_and_is_then_unknown() {
    let lost = on_create(Act::status(504)).only(1, 3);
    let (standins, pipeline, summary) = run(three_creates(), vec![lost]).await;
    assert_eq!(summary.verdict, Verdict::Partial);
    let wanted = Applied {
        unknown: 1,
        ..created(2)
    };
    assert_eq!(
        summary.applied, wanted,
        "the run goes on with the next record"
    );
    let sent: Vec<i64> = calls(&standins, "POST", CREATE)
        .iter()
        .map(|call| call.at)
        .collect();
    assert_eq!(sent.len(), 5);
    let apart: Vec<_> = sent[1..4].windows(2).map(|two| two[1] - two[0]).collect();
    assert!(apart.iter().all(|ms| *ms >= 60_000), "{apart:?}");
    assert_eq!(pipeline.waits[..3], [60, 60, 60]);
    let [(_, words)] = &with_outcome(&pipeline, "unknown")[..] else {
        panic!("one is unknown")
    };
    assert!(words.contains("status 504"), "{words}");
}

#[tokio::test]
async fn a_deleted_organization_that_is_still_shown_proves_no_create() {
    let mut world = seed::equal(31, 40, 80, 5);
    let deleted = world.organization_of(10).unwrap();
    world.instance("global").delete_and_show(deleted);
    let lost = on_create(Act::status(504)).only(0, 1);
    let (standins, pipeline, summary) = run(world, vec![lost]).await;
    assert_eq!(summary.applied, created(1));
    assert_eq!(calls(&standins, "POST", CREATE).len(), 2);
    let [(made, _)] = &with_outcome(&pipeline, "done")[..] else {
        panic!("one is done")
    };
    assert_ne!(*made, Some(deleted));
}

#[tokio::test]
async fn a_kill_changes_nothing_about_the_tries() {
    let (standins, mut pipeline) = start(three_creates()).await;
    let plan = json!(pipeline.plan(json!({})).await.unwrap().plan);
    standins.world().log.clear();
    // The first try and the second end with the process, the third without an answer.
    standins.world().faults = vec![
        on_create(Act::HangBefore).only(0, 2),
        on_create(Act::DropRequest).only(0, 1),
    ];
    let mut killed = 0;
    let summary = loop {
        match pipeline.sync_mortal(&plan, &standins).await.unwrap() {
            None => killed += 1,
            Some(Progress::Done(done)) => break done.summary,
            Some(_) => {}
        }
    };
    assert_eq!(killed, 2);
    let wanted = Applied {
        unknown: 1,
        ..created(2)
    };
    assert_eq!(summary.applied, wanted);
    assert_eq!(calls(&standins, "POST", CREATE).len(), 5);
}

#[tokio::test]
async fn a_search_that_lags_makes_no_second_organization() {
    let mut world = three_creates();
    world.instance("global").search_lag_seconds = 90;
    let lost = on_create(Act::DropReply).only(0, 1);
    let (standins, _, summary) = run(world, vec![lost]).await;
    assert_eq!(summary.applied, created(3));
    assert_eq!(
        calls(&standins, "POST", CREATE).len(),
        4,
        "the second try is refused"
    );
    assert!(no_name_is_there_twice(&standins));
}

#[tokio::test]
async fn a_duplicate_whose_holder_cannot_be_found_is_unknown_after_a_second_look() {
    let mut world = three_creates();
    world.instance("global").search_lag_seconds = 3600;
    let lost = on_create(Act::DropReply).only(0, 1);
    let (standins, pipeline, summary) = run(world, vec![lost]).await;
    let wanted = Applied {
        unknown: 1,
        ..created(2)
    };
    assert_eq!(summary.applied, wanted);
    assert_eq!(pipeline.waits[..2], [60, 60]);
    assert!(
        with_outcome(&pipeline, "unknown")[0]
            .1
            .contains("already been taken")
    );
    assert!(no_name_is_there_twice(&standins));
}
