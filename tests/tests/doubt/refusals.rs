//! Refusals: one bad value keeps nothing else from being written, least of all an un-mark.

use super::*;

/// A text that no field takes.
const BAD: &str = "Jo Bad";

fn refuses(world: &mut World, field: &str) {
    let target = world.instance("global");
    target
        .refused_values
        .insert(field.to_owned(), BAD.to_owned());
}

fn fields(standins: &Running, id: u64) -> Value {
    standins.world().instance("global").organizations[&id]["organization_fields"].clone()
}

fn name(standins: &Running, id: u64) -> Value {
    standins.world().instance("global").organizations[&id]["name"].clone()
}

/// The results of a run that are not done.
fn bad(pipeline: &Pipeline) -> Vec<Value> {
    let results = pipeline.document("results.json");
    let mut all = results["results"].as_array().cloned().unwrap_or_default();
    all.retain(|one| one["outcome"] != "done");
    all
}

/// The first call that wrote an organization.
fn first_write(standins: &Running) -> Logged {
    let log = standins.world().log.clone();
    let is_write = |call: &Logged| {
        call.host == "global" && call.path.starts_with(CREATE) && call.method != "GET"
    };
    log.into_iter().find(is_write).unwrap()
}

#[tokio::test]
async fn a_refused_name_keeps_no_mark_standing_and_no_other_value_from_being_written() {
    let mut world = updates(20);
    world.set_account(7, "Name", json!("Jo Bad and Sons"));
    world.set_organization(7, "mark_for_deletion", json!(true));
    refuses(&mut world, "name");
    let (standins, mut pipeline) = start(world).await;
    let id = standins.world().organization_of(7).unwrap();
    let old = name(&standins, id);
    let summary = pipeline.run(json!({})).await.unwrap();
    let wanted = Applied {
        failed: 1,
        ..updated(19)
    };
    assert_eq!(summary.applied, wanted);
    assert_eq!(fields(&standins, id)["mark_for_deletion"], json!(false));
    assert_eq!(fields(&standins, id)["account_owner"], json!("Nova Linden"));
    assert_eq!(name(&standins, id), old);
    let [result] = &bad(&pipeline)[..] else {
        panic!("{summary:?}")
    };
    assert_eq!(result["id"], id);
    assert_eq!(result["left_out"], json!(["name"]));
    assert_eq!(result["unmarked"], json!(true));
    assert!(
        result["error"].as_str().unwrap().contains("Name"),
        "{result}"
    );
}

#[tokio::test]
async fn the_field_that_zendesk_names_is_left_out_and_the_report_says_where_to_correct_it() {
    let mut world = updates(20);
    world.set_account(7, "Account_Owner_Calc__c", json!(BAD));
    world.set_account(7, "Name", json!("A new name"));
    refuses(&mut world, "account_owner");
    let (standins, mut pipeline) = start(world).await;
    let summary = pipeline.run(json!({})).await.unwrap();
    assert_eq!((summary.applied.updated, summary.applied.failed), (19, 1));
    let id = standins.world().organization_of(7).unwrap();
    assert_eq!(name(&standins, id), json!("A new name"));
    assert_eq!(bad(&pipeline)[0]["left_out"], json!(["account_owner"]));
    let sent = calls(&standins, "PUT", UPDATE).len();
    assert_eq!(sent, 2, "one job for all, one for what was refused");
    let key = format!("runs/{}/report.md", pipeline.run_id());
    let report = String::from_utf8(pipeline.store.object(&key).unwrap()).unwrap();
    let value = "left out: account_owner: Jo Bad (in Salesforce: Account_Owner_Calc__c)";
    assert!(report.replace('\\', "").contains(value), "{report}");

    let since = bad(&pipeline)[0]["failing_since"].clone();
    pipeline.hours_pass(1);
    pipeline.run(json!({})).await.unwrap();
    let again = &bad(&pipeline)[0];
    assert_eq!(again["runs_failed"], 2);
    assert_eq!(again["failing_since"], since);
    assert!(
        again["left_out"].is_null(),
        "there was nothing else to write"
    );
}

#[tokio::test]
async fn records_refused_for_different_values_are_sent_once_more_together() {
    let mut world = updates(20);
    for number in [3, 8, 12] {
        world.set_account(number, "Account_Owner_Calc__c", json!(BAD));
        world.set_account(
            number,
            "Technical_Account_Manager_Name__c",
            json!("New One"),
        );
    }
    world.set_account(15, "Name", json!(BAD));
    refuses(&mut world, "account_owner");
    refuses(&mut world, "name");
    let (standins, mut pipeline) = start(world).await;
    let summary = pipeline.run(json!({})).await.unwrap();
    assert_eq!((summary.applied.updated, summary.applied.failed), (16, 4));
    assert_eq!(calls(&standins, "PUT", UPDATE).len(), 2);
    for number in [3, 8, 12] {
        let id = standins.world().organization_of(number).unwrap();
        assert_eq!(
            fields(&standins, id)["technical_account_manager"],
            json!("New One")
        );
    }
    assert!(bad(&pipeline).iter().all(|one| one["left_out"].is_array()));
}

#[tokio::test]
async fn what_is_refused_without_the_bad_value_too_has_failed_with_both_words() {
    let mut world = updates(5);
    world.set_account(3, "Name", json!(BAD));
    let (standins, mut pipeline) = start(world).await;
    let id = standins.world().organization_of(3).unwrap();
    let words = "The organization is put away".to_owned();
    standins
        .world()
        .instance("global")
        .jobs
        .refuse
        .insert(id, words);
    let summary = pipeline.run(json!({})).await.unwrap();
    assert_eq!((summary.applied.updated, summary.applied.failed), (4, 1));
    let result = &bad(&pipeline)[0];
    assert!(result["left_out"].is_null(), "{result}");
    let words = result["error"].as_str().unwrap();
    assert!(words.contains("sent once more without name: "), "{words}");
    let sent = calls(&standins, "PUT", UPDATE).len();
    assert_eq!(sent, 2, "once more, and no more");
}

#[tokio::test]
async fn an_update_that_is_refused_before_it_is_a_job_is_sent_once_more_too() {
    let mut world = updates(1);
    for record in world.salesforce.accounts.values_mut() {
        record.insert("Name".to_owned(), json!("A new name"));
    }
    let refused = json!({
        "error": "RecordInvalid", "description": "Record validation errors",
        "details": {"name": [{"description": "Name: is invalid", "error": "InvalidValue"}]},
    });
    let refused = Act::Instead {
        status: 422,
        headers: BTreeMap::new(),
        body: refused.to_string(),
    };
    let (standins, pipeline, summary) = run(world, vec![on_update(refused).only(0, 1)]).await;
    assert_eq!(summary.applied.failed, 1, "{summary:?}");
    assert_eq!(bad(&pipeline)[0]["left_out"], json!(["name"]));
    assert_eq!(calls(&standins, "PUT", UPDATE).len(), 2);
}

#[tokio::test]
async fn an_account_with_a_bad_value_is_created_without_it() {
    let mut world = three_creates();
    world.set_account(LOST[1], "Account_Owner_Calc__c", json!(BAD));
    refuses(&mut world, "account_owner");
    let (standins, mut pipeline) = start(world).await;
    let summary = pipeline.run(json!({})).await.unwrap();
    let wanted = Applied {
        failed: 1,
        ..created(2)
    };
    assert_eq!(summary.applied, wanted);
    let id = standins.world().organization_of(LOST[1]).unwrap();
    let [result] = &bad(&pipeline)[..] else {
        panic!("{summary:?}")
    };
    assert_eq!(result["id"], id);
    assert_eq!(result["left_out"], json!(["account_owner"]));
    assert_eq!(calls(&standins, "POST", CREATE).len(), 4);
    assert!(fields(&standins, id)["account_owner"].is_null());
}

#[tokio::test]
async fn a_bad_value_and_a_lost_reply_make_one_organization_and_one_failure() {
    for lost in 0..2 {
        let mut world = three_creates();
        world.set_account(LOST[0], "Account_Owner_Calc__c", json!(BAD));
        refuses(&mut world, "account_owner");
        let faults = vec![on_create(Act::DropReply).only(lost, 1)];
        let (standins, pipeline, summary) = run(world, faults).await;
        assert_eq!(summary.applied.created, 2, "{lost}");
        assert!(no_name_is_there_twice(&standins));
        assert_eq!(bad(&pipeline).len(), 1, "{lost}");
    }
}

#[tokio::test]
async fn a_holder_that_zendesk_shows_is_named_however_it_spells_the_name() {
    for spelled in ["Cafe Zurich", "\u{ff23}af\u{e9} Z\u{fc}rich"] {
        let mut world = three_creates();
        world.instance("global").folds_names = true;
        world.set_account(LOST[0], "Name", json!("Caf\u{e9} Z\u{fc}rich"));
        let holder = 77_000_000_001_u64;
        let organization = seed::organization(holder, spelled, None, &json!({}));
        let organizations = &mut world.instance("global").organizations;
        organizations.insert(holder, organization);
        let (standins, mut pipeline) = start(world).await;
        let summary = pipeline.run(json!({})).await.unwrap();
        if calls(&standins, "POST", CREATE).len() == 2 {
            // One name by our own comparison: a conflict, which is never sent.
            assert_eq!(summary.counts.conflicts, 1, "{spelled}");
            continue;
        }
        assert_eq!(
            summary.applied.unknown,
            0,
            "{spelled}: {:?}",
            bad(&pipeline)
        );
        let words = with_outcome(&pipeline, "failed").remove(0).1;
        assert!(words.contains(&holder.to_string()), "{words}");
    }
}

#[tokio::test]
async fn another_name_that_a_search_shows_is_not_the_reason_of_a_lost_create() {
    let mut world = three_creates();
    world.instance("global").folds_names = true;
    let account = &world.salesforce.accounts[seed::account_id(LOST[0]).as_str()];
    let name = account["Name"].as_str().unwrap().to_owned();
    let other = seed::organization(77, &format!("{name}\u{301}"), None, &json!({}));
    let (standins, mut pipeline) = start(world).await;
    let shown = Fault::new(
        "global",
        "GET",
        "/api/v2/organizations/search",
        Act::set("/organizations", json!([other])),
    );
    standins.world().faults = vec![on_create(Act::DropRequest).only(0, 1), shown.only(0, 2)];
    let summary = pipeline.run(json!({})).await.unwrap();
    assert_eq!(summary.applied, created(3), "{:?}", bad(&pipeline));
}

#[tokio::test]
async fn an_unmark_is_the_first_write_and_no_create_keeps_it_waiting() {
    let mut world = three_creates();
    world.set_organization(35, "mark_for_deletion", json!(true));
    world.set_account(35, "Account_Owner_Calc__c", json!("Nova Linden"));
    let faults = vec![on_create(Act::status(500))];
    let (standins, pipeline, summary) = run(world, faults).await;
    let wanted = Applied {
        unknown: 3,
        ..updated(1)
    };
    assert_eq!(summary.applied, wanted);
    let first = first_write(&standins);
    assert_eq!(
        (first.method.as_str(), first.path.as_str()),
        ("PUT", UPDATE)
    );
    let jobs = calls(&standins, "PUT", UPDATE);
    let posts = calls(&standins, "POST", CREATE);
    assert_eq!(jobs.len(), 2, "the mark alone, and everything else");
    assert!(jobs[0].at < posts[0].at && posts[0].at < jobs[1].at);
    let results = pipeline.document("results.json");
    let results = results["results"].as_array().unwrap();
    let of_update: Vec<_> = results
        .iter()
        .filter(|one| one["action"] == "update")
        .collect();
    assert_eq!(of_update.len(), 1, "one result an organization and action");
    assert_eq!(of_update[0]["unmarked"], json!(true));
}

#[tokio::test]
async fn an_unmark_that_was_refused_is_tried_once_more_whatever_the_words() {
    let mut world = updates(5);
    world.set_organization(3, "mark_for_deletion", json!(true));
    let id = world.organization_of(3).unwrap();
    let words = "A word nobody knows".to_owned();
    world.instance("global").jobs.refuse_once = [(id, words)].into();
    let (standins, _, summary) = run(world, Vec::new()).await;
    assert_eq!(summary.applied, updated(5));
    assert_eq!(fields(&standins, id)["mark_for_deletion"], json!(false));
}

#[tokio::test]
async fn nothing_else_is_sent_before_the_job_of_an_unmark_has_ended() {
    let mut world = updates(5);
    world.set_organization(3, "mark_for_deletion", json!(true));
    world.lose_organization(4);
    world.instance("global").jobs.takes_ms = 20_000;
    let (standins, mut pipeline) = start(world).await;
    let summary = pipeline.run(json!({})).await.unwrap();
    assert_eq!((summary.applied.created, summary.applied.updated), (1, 4));
    let jobs = calls(&standins, "PUT", UPDATE);
    let posts = calls(&standins, "POST", CREATE);
    assert!(posts[0].at - jobs[0].at >= 20_000);
}
