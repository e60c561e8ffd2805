//! What a run that fails while it writes says of its records: what is known, and nothing more.

use partner_sync_tests::in_process::Pipeline;
use partner_sync_tests::standins::faults::{Act, Fault};
use partner_sync_tests::standins::{Running, World, seed};
use serde_json::{Value, json};

/// Twenty organizations with another owner.
fn world() -> World {
    let mut world = seed::equal(21, 30, 60, 5);
    for number in 2..22 {
        world.set_account(number, "Account_Owner_Calc__c", json!("Nova Linden"));
    }
    world
}

async fn fails(world: World, after_jobs: u32) -> Vec<Value> {
    let standins = Running::start(world).await.unwrap();
    standins.world().faults = vec![
        Fault::new(
            "global",
            "PUT",
            "/api/v2/organizations/update_many",
            Act::forbidden(),
        )
        .only(after_jobs, 0),
    ];
    let mut pipeline = Pipeline::on(&standins);
    pipeline
        .env
        .insert("JOBS_PER_PAUSE".to_owned(), "1".to_owned());
    assert_eq!(
        pipeline.run(json!({})).await.unwrap_err().name(),
        "Sync.Auth"
    );
    pipeline.document("results.json")["results"]
        .as_array()
        .cloned()
        .expect("the results so far")
}

#[tokio::test]
async fn nothing_is_said_of_records_that_were_to_be_sent_again() {
    let mut world = world();
    let poisoned = world.organization_of(5).unwrap();
    let jobs = &mut world.instance("global").jobs;
    jobs.poison = [poisoned].into();
    jobs.names_poison = true;
    // The job blames a place, and that says nothing of any organization.
    assert_eq!(fails(world, 1).await, Vec::<Value>::new());
}

#[tokio::test]
async fn nothing_is_known_of_what_was_never_sent() {
    assert_eq!(fails(world(), 0).await, Vec::<Value>::new());
}

#[tokio::test]
async fn what_a_judged_job_did_is_known_when_the_marks_are_forbidden() {
    let mut world = world();
    world.abandon(9001, "");
    let results = fails(world, 1).await;
    assert_eq!(results.len(), 20);
    assert!(
        results
            .iter()
            .all(|one| one["action"] == "update" && one["outcome"] == "done")
    );
}
