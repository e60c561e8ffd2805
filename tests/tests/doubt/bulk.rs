//! Updates and marks in doubt: chunks, jobs, and single records.

use super::*;

#[tokio::test]
async fn one_record_that_chokes_zendesk_keeps_nobody_waiting() {
    let mut world = updates(250);
    // An un-mark, sent before everything else.
    world.set_organization(240, "mark_for_deletion", json!(true));
    let (standins, mut pipeline) = start(world).await;
    let choking = ids(&standins)[7];
    standins.world().instance("global").jobs.choke = [choking].into();
    let summary = pipeline.run(json!({})).await.unwrap();
    let wanted = Applied {
        updated: 249,
        unknown: 1,
        ..Applied::default()
    };
    assert_eq!(summary.applied, wanted);
    assert_eq!(with_outcome(&pipeline, "unknown")[0].0, Some(choking));
    let sent: Vec<u16> = calls(&standins, "PUT", UPDATE)
        .iter()
        .map(|call| call.status)
        .collect();
    assert_eq!(
        sent[..4],
        [200, 504, 200, 200],
        "the rest is sent before it is tried again"
    );
    let mut world = standins.world();
    let unmarked = world.organization_of(240).unwrap();
    let fields = &world.instance("global").organizations[&unmarked]["organization_fields"];
    assert_eq!(fields["mark_for_deletion"], json!(false));
}

#[tokio::test]
async fn a_chunk_is_sent_twice_before_it_is_halved() {
    for act in [
        Act::status(504),
        Act::DropReply,
        Act::CutReply,
        html(),
        Act::DoneBut { status: 409 },
        Act::TimeOut { done: true },
    ] {
        for (times, sends) in [(1, 2), (2, 4)] {
            let faults = vec![on_update(act.clone()).only(0, times)];
            let (standins, _, summary) = run(updates(100), faults).await;
            assert_eq!(summary.applied, updated(100), "{act:?}");
            assert_eq!(calls(&standins, "PUT", UPDATE).len(), sends, "{act:?}");
        }
    }
}

#[tokio::test]
async fn a_chunk_that_is_refused_as_a_whole_is_halved_down_to_the_record_to_blame() {
    let refused = |times| vec![on_update(Act::status(422)).only(0, times)];
    let (standins, _, summary) = run(updates(100), refused(1)).await;
    assert_eq!(summary.applied, updated(100));
    assert_eq!(calls(&standins, "PUT", UPDATE).len(), 3);

    let (standins, _, summary) = run(updates(2), refused(0)).await;
    let wanted = Applied {
        failed: 2,
        ..Applied::default()
    };
    assert_eq!(
        summary.applied, wanted,
        "nothing was done, and that is known"
    );
    assert_eq!(calls(&standins, "PUT", UPDATE).len(), 3);
}

#[tokio::test]
async fn what_an_earlier_try_may_still_do_has_not_failed() {
    let faults = vec![
        on_update(Act::Late {
            seconds: 30,
            status: 504,
        })
        .only(0, 1),
        on_update(Act::status(422)).only(0, 0),
    ];
    let (standins, mut pipeline) = start(updates(1)).await;
    standins.world().faults = faults;
    let summary = pipeline.run(json!({})).await.unwrap();
    assert_eq!(summary.applied.unknown, 1, "{summary:?}");

    let faults = vec![
        on_create(Act::Late {
            seconds: 1,
            status: 504,
        })
        .only(0, 1),
        Fault::new(
            "global",
            "GET",
            "/api/v2/organizations/search",
            Act::set("/organizations", json!([])),
        ),
        on_create(Act::status(400)).only(0, 1),
    ];
    let (_, _, summary) = run(three_creates(), faults).await;
    assert_eq!(
        (summary.applied.unknown, summary.applied.failed),
        (1, 0),
        "{summary:?}"
    );
}

#[tokio::test]
async fn jobs_side_by_side_collide_and_their_records_are_tried_once_more() {
    let mut world = updates(100);
    world.instance("global").jobs.takes_ms = 20_000;
    let (standins, _, summary) = run(world, vec![on_update(Act::DropReply).only(0, 1)]).await;
    assert!(standins.world().instance("global").jobs.seen.collisions > 0);
    assert_eq!(summary.applied, updated(100));
}

#[tokio::test]
async fn a_missing_token_leaves_no_write_in_doubt() {
    let (standins, mut pipeline) = start(updates(1)).await;
    let plan = json!(pipeline.plan(json!({})).await.unwrap().plan);
    let down = Fault::new("global", "POST", "/oauth/tokens", Act::status(503)).only(0, 9);
    standins.world().faults = vec![down];
    let summary = pipeline.apply(&plan).await.unwrap();
    assert_eq!(summary.applied, updated(1));
    assert_eq!(calls(&standins, "PUT", UPDATE).len(), 1);
    assert_eq!(pipeline.waits[..3], [30, 30, 30]);
}

/// Every look at organizations fails, as long as the fault is there.
fn blind(path: &str) -> Fault {
    Fault::new("global", "GET", path, Act::status(500))
}

#[tokio::test]
async fn a_create_that_cannot_be_looked_for_keeps_nobody_waiting() {
    let mut world = three_creates();
    world.set_organization(35, "mark_for_deletion", json!(true));
    let faults = vec![
        on_create(Act::DropReply).only(0, 1),
        blind("/api/v2/organizations/search"),
    ];
    let (standins, _, summary) = run(world, faults).await;
    let wanted = Applied {
        updated: 1,
        unknown: 1,
        ..created(2)
    };
    assert_eq!(summary.applied, wanted);
    assert_eq!(
        calls(&standins, "POST", CREATE).len(),
        3,
        "unseen, it is not sent again"
    );
}

#[tokio::test]
async fn records_that_cannot_be_read_keep_nobody_waiting_and_no_false_word_is_said() {
    let mut world = seed::equal(5, 60, 120, 10);
    for number in 1..60 {
        world.set_account(number + 1, "Account_Owner_Calc__c", json!("Nova Linden"));
    }
    world.abandon(9001, "");
    let (standins, mut pipeline) = start(world).await;
    let ids = [10, 20].map(|number| standins.world().organization_of(number).unwrap());
    standins.world().instance("global").jobs.silent = [ids[0]].into();
    standins.world().instance("global").jobs.choke = [ids[1]].into();
    standins.world().faults = vec![blind("/api/v2/organizations/show_many")];
    let summary = pipeline.run(json!({})).await.unwrap();
    let unknown: BTreeSet<_> = with_outcome(&pipeline, "unknown")
        .into_iter()
        .map(|one| one.0)
        .collect();
    assert_eq!(unknown, ids.map(Some).into());
    let [(_, words)] = &with_outcome(&pipeline, "failed")[..] else {
        panic!("{summary:?}")
    };
    assert!(words.starts_with("not marked"), "{words}");
    assert_eq!(summary.applied.updated, 57);
}

#[tokio::test]
async fn jobs_that_cannot_be_looked_at_are_stuck_in_the_end_and_their_records_read_back() {
    let (standins, mut pipeline) = start(updates(100)).await;
    standins.world().faults = vec![blind("/api/v2/job_statuses")];
    let summary = pipeline.run(json!({})).await.unwrap();
    assert_eq!(summary.applied, updated(100));
}

#[tokio::test]
async fn jobs_of_others_are_waited_for_for_half_an_hour() {
    let mut world = updates(20);
    world.instance("global").jobs.others = 30;
    let (_standins, mut pipeline) = start(world).await;
    let error = pipeline.run(json!({})).await.unwrap_err();
    assert_eq!(error.name(), "Sync.Throttled");
    let waited: u64 = pipeline.waits.iter().sum();
    assert!((1800..1900).contains(&waited), "{waited}");
}

#[tokio::test]
async fn a_mark_in_doubt_on_a_changed_organization_is_unknown_and_a_persons_own_is_drifted() {
    let mut world = seed::equal(31, 40, 80, 5);
    world.abandon(9001, "");
    let id = world.organization_of(9001).unwrap();
    let away = Act::Instead {
        status: 503,
        headers: BTreeMap::from([("retry-after".to_owned(), "30".to_owned())]),
        body: String::new(),
    };
    for is_persons in [false, true] {
        let (standins, mut pipeline) = start(world.clone()).await;
        let plan = json!(pipeline.plan(json!({})).await.unwrap().plan);
        if is_persons {
            standins
                .world()
                .instance("global")
                .edit(id, "mark_for_deletion", json!(true));
        } else {
            standins.world().faults = vec![on_update(away.clone()).only(0, 1)];
            let waits = pipeline.sync_mortal(&plan, &standins).await.unwrap();
            assert!(matches!(
                waits,
                Some(Progress::Wait {
                    wait_seconds: 30,
                    ..
                })
            ));
            standins.world().instance("global").touch(id);
        }
        let summary = pipeline.apply(&plan).await.unwrap();
        let wanted = Applied {
            unknown: usize::from(!is_persons),
            drifted: usize::from(is_persons),
            ..Applied::default()
        };
        assert_eq!(summary.applied, wanted);
    }
}

#[tokio::test]
async fn a_job_that_ends_half_way_is_sent_on_and_nobody_is_blamed() {
    for word in ["failed", "killed", "novel"] {
        let mut world = updates(100);
        // The half job blames the place 0, and so do its halves.
        let half = [0, 1, 2].map(|job| (job, word.to_owned()));
        world.instance("global").jobs.half = half.into();
        let (standins, pipeline, summary) = run(world, vec![]).await;
        assert_eq!(summary.applied, updated(100), "{word}");
        assert_eq!(with_outcome(&pipeline, "failed"), []);
        assert_eq!(standins.world().instance("global").jobs.seen.halves, 3);
    }
}

#[tokio::test]
async fn a_single_record_whose_job_failed_is_read_back_before_it_is_called_failed() {
    for has_it_anyway in [true, false] {
        let (standins, mut pipeline) = start(updates(1)).await;
        let poisoned = ids(&standins)[0];
        standins.world().instance("global").jobs.poison = [poisoned].into();
        let plan = json!(pipeline.plan(json!({})).await.unwrap().plan);
        if has_it_anyway {
            let mut world = standins.world();
            world
                .instance("global")
                .edit(poisoned, "account_owner", json!("Nova Linden"));
        }
        let applied = pipeline.apply(&plan).await.unwrap().applied;
        assert_eq!(
            (applied.updated, applied.failed),
            if has_it_anyway { (1, 0) } else { (0, 1) }
        );
    }
}

#[tokio::test]
async fn silent_and_mute_records_of_a_completed_job_are_read_back() {
    let (standins, mut pipeline) = start(updates(100)).await;
    let ids = ids(&standins);
    {
        let mut world = standins.world();
        let jobs = &mut world.instance("global").jobs;
        jobs.mute = ids[..5].iter().copied().collect();
        jobs.silent = ids[5..9].iter().copied().collect();
    }
    let summary = pipeline.run(json!({})).await.unwrap();
    assert_eq!(summary.applied, updated(100));
    let (_, _, summary) = {
        let mut world = updates(20);
        world.instance("global").jobs.object = [0].into();
        run(world, vec![]).await
    };
    assert_eq!(
        summary.applied,
        updated(20),
        "results in object form name nobody"
    );
}

#[tokio::test]
async fn transient_words_are_tried_once_more_and_others_are_not() {
    let (standins, mut pipeline) = start(updates(100)).await;
    let ids = ids(&standins);
    {
        let mut world = standins.world();
        let jobs = &mut world.instance("global").jobs;
        let once = ids[..3]
            .iter()
            .map(|id| (*id, "DatabaseConflict".to_owned()));
        jobs.refuse_once = once.collect();
        jobs.refuse = [
            (ids[4], "Lock wait timeout exceeded".to_owned()),
            (ids[5], "Owner: is invalid".to_owned()),
        ]
        .into();
    }
    let summary = pipeline.run(json!({})).await.unwrap();
    let wanted = Applied {
        failed: 2,
        ..updated(98)
    };
    assert_eq!(summary.applied, wanted);
    let mut world = standins.world();
    let jobs = &world.instance("global").jobs.all;
    let sizes: Vec<_> = jobs.values().map(|job| job.updates.len()).collect();
    assert_eq!(sizes, [100, 4], "those with transient words, and no others");
}

#[tokio::test]
async fn too_many_jobs_lead_to_a_look_at_ours_and_not_to_another_send() {
    let mut world = updates(300);
    world.instance("global").jobs.others = 29;
    world.instance("global").jobs.takes_ms = 70_000;
    let (standins, pipeline, summary) = run(world, vec![]).await;
    assert_eq!(summary.applied, updated(300));
    let log = standins.world().log.clone();
    let writes_and_looks = log
        .iter()
        .filter(|call| call.path == UPDATE || call.path == JOBS);
    let statuses: Vec<_> = writes_and_looks
        .map(|call| (call.method.as_str(), call.status))
        .collect();
    for two in statuses.windows(2) {
        assert!(two[0] != ("PUT", 429) || two[1].0 == "GET", "{statuses:?}");
    }
    assert!(statuses.contains(&("PUT", 429)), "{statuses:?}");
    assert_eq!(
        pipeline.waits.first(),
        Some(&60),
        "what zendesk-ratelimit-inflight-jobs says"
    );
}

#[tokio::test]
async fn a_job_that_is_not_shown_counts_as_lost_after_three_minutes_by_the_clock() {
    for unlisted in [false, true] {
        let (standins, mut pipeline) = start(updates(100)).await;
        {
            let mut world = standins.world();
            let jobs = &mut world.instance("global").jobs;
            let set = if unlisted {
                &mut jobs.unlisted
            } else {
                &mut jobs.vanish
            };
            *set = [0].into();
        }
        let summary = pipeline.run(json!({})).await.unwrap();
        assert_eq!(summary.applied, updated(100), "{unlisted}");
        let looks = calls(&standins, "GET", JOBS);
        let looked = looks.last().unwrap().at - looks[0].at;
        assert!((180_000..220_000).contains(&looked), "{looked} ms");
        let by_id = format!("/api/v2/job_statuses/V3-{:032x}", 0);
        assert_eq!(calls(&standins, "GET", &by_id).len(), 1, "{unlisted}");
        // What the single job says is believed; without it the organizations are read back.
        let read_back = calls(&standins, "GET", "/api/v2/organizations/show_many").len();
        assert_eq!(read_back, usize::from(!unlisted));
    }
}

#[tokio::test]
async fn a_job_that_is_slow_to_appear_and_goes_again_is_waited_for() {
    let mut world = updates(100);
    world.instance("global").jobs.hidden_ms = 100_000;
    world.instance("global").jobs.takes_ms = 250_000;
    let (standins, _, summary) = run(world, vec![]).await;
    assert_eq!(summary.applied, updated(100));
    let others = [
        "/api/v2/organizations/show_many",
        "/api/v2/job_statuses/V3-",
    ];
    let log = standins.world().log.clone();
    let asked = log
        .iter()
        .filter(|call| others.iter().any(|path| call.path.starts_with(path)));
    assert_eq!(asked.count(), 0, "its own results are enough");
}

#[tokio::test]
async fn a_job_that_never_ends_is_stuck_after_ten_minutes_and_its_records_are_unknown() {
    let mut world = updates(150);
    world.instance("global").jobs.stuck = [0].into();
    let (standins, pipeline, summary) = run(world, vec![]).await;
    let wanted = Applied {
        unknown: 100,
        ..updated(50)
    };
    assert_eq!(summary.applied, wanted);
    assert_eq!(summary.verdict, Verdict::Partial);
    let looks = calls(&standins, "GET", JOBS);
    let looked = looks.last().unwrap().at - looks[0].at;
    assert!((595_000..640_000).contains(&looked), "{looked} ms");
    let report = pipeline.store.object("runs/run-1/report.md").unwrap();
    let report = String::from_utf8(report).unwrap();
    assert!(report.contains("100 unknown"), "{report}");
}

#[tokio::test]
async fn a_mark_whose_job_is_stuck_may_come_late_and_stays_ours() {
    let mut world = seed::equal(31, 40, 80, 5);
    world.abandon(9001, "");
    let id = world.organization_of(9001).unwrap();
    world.instance("global").jobs.stuck = [0].into();
    let (standins, mut pipeline, summary) = run(world, vec![]).await;
    assert_eq!(summary.applied.unknown, 1);
    let ours = |pipeline: &Pipeline| {
        let memory = pipeline.store.object("memory.json").unwrap();
        let memory: Value = serde_json::from_slice(&memory).unwrap();
        memory["marked"][0]["id"].as_u64()
    };
    assert_eq!(ours(&pipeline), Some(id), "it may come");

    // It comes between the next run's plan and its marks.
    standins.world().faults.clear();
    pipeline.hours_pass(1);
    let plan = json!(pipeline.plan(json!({})).await.unwrap().plan);
    standins
        .world()
        .instance("global")
        .edit(id, "mark_for_deletion", json!(true));
    let summary = pipeline.apply(&plan).await.unwrap();
    assert_eq!((summary.applied.marked, summary.applied.drifted), (1, 0));
    assert_eq!(
        ours(&pipeline),
        Some(id),
        "it came, and is known to be ours"
    );
}

#[tokio::test]
async fn an_organization_without_a_time_of_its_last_change_is_drifted() {
    let mut world = seed::equal(31, 40, 80, 5);
    world.abandon(9001, "");
    let id = world.organization_of(9001).unwrap();
    let organization = world.instance("global").organizations.get_mut(&id).unwrap();
    organization["updated_at"] = Value::Null;
    let (_, _, summary) = run(world, vec![]).await;
    assert_eq!((summary.applied.marked, summary.applied.drifted), (0, 1));
}
