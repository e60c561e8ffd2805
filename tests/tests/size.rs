//! A large run's progress stays small and is not rewritten more often than needed.

use domain::model::{Applied, Verdict};
use partner_sync_tests::in_process::Pipeline;
use partner_sync_tests::standins::{Running, seed};
use serde_json::json;

const UPDATES: usize = 10_000;

#[tokio::test]
async fn progress_of_ten_thousand_updates_stays_small() {
    let mut world = seed::equal(9, UPDATES, UPDATES, 10);
    for record in world.salesforce.accounts.values_mut() {
        record.insert("Account_Owner_Calc__c".to_owned(), json!("Nova Linden"));
    }
    // Zendesk keeps its words on every tenth record.
    let refuse = world
        .instance("global")
        .organizations
        .keys()
        .step_by(10)
        .map(|id| (*id, "Owner: is invalid".to_owned()))
        .collect();
    world.instance("global").jobs.refuse = refuse;
    let standins = Running::start(world).await.unwrap();
    let mut pipeline = Pipeline::on(&standins);
    pipeline
        .env
        .insert("MAX_UPDATES".to_owned(), UPDATES.to_string());
    let plan = json!(pipeline.plan(json!({})).await.unwrap().plan);
    let before = pipeline.store.puts();
    let summary = pipeline.apply(&plan).await.unwrap();
    let puts = pipeline.store.puts() - before;
    let jobs = UPDATES / 100;
    let bytes =
        pipeline.store.objects()[&format!("runs/{}/sync-state.json", pipeline.run_id())].len();
    println!(
        "10,000 updates in {jobs} jobs: {puts} S3 writes, sync-state.json {bytes} bytes with 1,000 \
         failed records"
    );
    assert_eq!(summary.verdict, Verdict::Partial);
    let wanted = Applied {
        updated: 9000,
        failed: 1000,
        ..Applied::default()
    };
    assert_eq!(summary.applied, wanted);
    assert!(bytes < 1 << 20, "{bytes} bytes");
    assert!(
        puts <= 2 * jobs + jobs / 2,
        "one write when a job is sent and one when it is judged, and a few for pauses: {puts}"
    );
}
