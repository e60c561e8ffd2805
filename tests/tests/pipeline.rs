//! The whole pipeline in one process against the stand-ins.

use partner_sync_tests::pipeline::Pipeline;
use partner_sync_tests::standins::{Running, demo};
use serde_json::json;

#[tokio::test]
async fn the_demo_runs_and_a_second_run_has_nothing_to_do() {
    let standins = Running::start(demo(), None).await.unwrap();
    let mut pipeline = Pipeline::on(&standins);
    let first = pipeline.run(json!({})).await.unwrap();
    eprintln!("{}", serde_json::to_string_pretty(&first).unwrap());
    eprintln!("{}", serde_json::to_string_pretty(&pipeline.document("plan.json")).unwrap());
    eprintln!("{:?}", pipeline.waits);
    let second = pipeline.run(json!({})).await.unwrap();
    eprintln!("{}", serde_json::to_string_pretty(&second).unwrap());
}
