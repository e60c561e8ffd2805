//! A message to people that could not be sent is told by the next run.

use partner_sync_tests::in_process::Pipeline;
use partner_sync_tests::standins::{Running, seed};
use serde_json::{Value, json};

const STATUS: &str = "Partners_Partner_Status__c";

async fn start() -> (Running, Pipeline) {
    let standins = Running::start(seed::equal(21, 30, 60, 5)).await.unwrap();
    let mut pipeline = Pipeline::on(&standins);
    pipeline
        .env
        .insert("MARK_AFTER_HOURS".to_owned(), "0".to_owned());
    (standins, pipeline)
}

/// One run, and the message that it has for people.
async fn told(pipeline: &mut Pipeline) -> Option<(String, String)> {
    pipeline.run(json!({})).await.unwrap();
    let notice = pipeline.notice.clone()?;
    Some((notice.subject, notice.message))
}

fn history(pipeline: &Pipeline) -> Value {
    let bytes = pipeline.store.object("history.json").expect("a history");
    serde_json::from_slice(&bytes).unwrap()
}

#[tokio::test]
async fn the_next_run_tells_what_could_not_be_sent_once() {
    let (standins, mut pipeline) = start().await;
    assert_eq!(told(&mut pipeline).await, None);
    standins.world().set_account(2, STATUS, json!("Terminated"));
    let (subject, message) = told(&mut pipeline).await.unwrap();
    assert!(subject.ends_with("OK, 1 mark set"), "{subject}");
    pipeline.record_untold().await.unwrap();
    let noted = &history(&pipeline)["runs"][1];
    let mail = format!("{subject}\n\n{message}");
    assert_eq!(noted["told"], false);
    assert_eq!(noted["untold"], json!([mail]));

    let again = format!("Sent again, because it could not be sent. {message}");
    let expected = ("partner-sync: again: OK, 1 mark set".to_owned(), again);
    assert_eq!(told(&mut pipeline).await, Some(expected.clone()));
    // That could not be sent either: it is no message more.
    pipeline.record_untold().await.unwrap();
    assert_eq!(told(&mut pipeline).await, Some(expected));
    assert_eq!(
        told(&mut pipeline).await,
        None,
        "once it was sent, it is over"
    );
}

#[tokio::test]
async fn a_failed_run_tells_its_failure_and_what_could_not_be_sent_before() {
    let (standins, mut pipeline) = start().await;
    told(&mut pipeline).await;
    standins.world().set_account(2, STATUS, json!("Terminated"));
    told(&mut pipeline).await;
    pipeline.record_untold().await.unwrap();
    pipeline.hours_pass(1);
    pipeline.plan(json!({})).await.unwrap();
    let error = domain::Error::Incomplete("something".to_owned());
    pipeline.record_failure(&error).await.unwrap();
    let notice = pipeline.notice.clone().unwrap();
    assert!(
        notice.subject.contains("FAILED Sync.Incomplete"),
        "{notice:?}"
    );
    let before = "Could not be sent before: OK, 1 mark set.";
    assert!(notice.message.contains(before), "{}", notice.message);
}

#[tokio::test]
async fn the_messages_of_one_incident_have_one_thread() {
    let (standins, mut pipeline) = start().await;
    let thread = |pipeline: &Pipeline| {
        let forms = pipeline.notice.as_ref().map(|notice| notice.forms.clone());
        let forms: Value = serde_json::from_str(&forms.unwrap()).unwrap();
        let custom: Value = serde_json::from_str(forms["default"].as_str().unwrap()).unwrap();
        custom["metadata"]["threadId"].as_str().unwrap().to_owned()
    };
    told(&mut pipeline).await;
    for number in 2..12 {
        standins
            .world()
            .set_account(number, STATUS, json!("Terminated"));
    }
    told(&mut pipeline).await.unwrap();
    let began = pipeline.run_id();
    assert!(
        thread(&pipeline).ends_with(&began),
        "the first bad run begins it"
    );
    assert_eq!(told(&mut pipeline).await, None, "still held");
    for number in 2..12 {
        standins
            .world()
            .set_account(number, STATUS, json!("Authorized"));
    }
    told(&mut pipeline).await.unwrap();
    assert!(
        thread(&pipeline).ends_with(&began),
        "good again belongs to it"
    );
    standins.world().set_account(2, STATUS, json!("Terminated"));
    told(&mut pipeline).await.unwrap();
    assert!(
        thread(&pipeline).ends_with(&pipeline.run_id()),
        "and is its end"
    );
}
