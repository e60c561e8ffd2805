//! The whole pipeline in one process against the stand-ins.

use domain::model::{Applied, Verdict};
use partner_sync_tests::in_process::{Pipeline, secrets};
use partner_sync_tests::standins::faults::{Act, Fault};
use partner_sync_tests::standins::{Running, differences, seed};
use partner_sync_tests::sync_file;
use serde_json::{Value, json};

const SALESFORCE_TOKEN: &str = "/services/oauth2/token";

#[tokio::test]
async fn a_second_run_has_nothing_to_do() {
    let standins = Running::start(differences()).await.unwrap();
    let mut pipeline = Pipeline::on(&standins);
    let first = pipeline.run(json!({})).await.unwrap();
    assert_eq!(first.verdict, Verdict::Ok);
    let wanted = Applied {
        created: 3,
        updated: 18,
        marked: 3,
        ..Applied::default()
    };
    assert_eq!(first.applied, wanted);
    standins.world().log.clear();
    let second = pipeline.run(json!({})).await.unwrap();
    assert_eq!(second.verdict, Verdict::NothingToDo);
    assert!(
        standins
            .world()
            .log
            .iter()
            .all(|call| call.method == "GET" || call.path.contains("/oauth"))
    );
}

#[tokio::test]
async fn the_same_inputs_give_the_same_lists_byte_for_byte() {
    let mut lists = Vec::new();
    for _ in 0..2 {
        let standins = Running::start(differences()).await.unwrap();
        let mut pipeline = Pipeline::on(&standins);
        let compared = pipeline.plan(json!({})).await.unwrap();
        lists.push((
            compared.summary,
            pipeline.document("creates.json")["creates"].to_string(),
            pipeline.document("plan.json")["digest"].clone(),
        ));
    }
    assert_eq!(lists[0], lists[1]);
}

#[tokio::test]
async fn every_document_has_the_contracts_shape() {
    let standins = Running::start(differences()).await.unwrap();
    let mut pipeline = Pipeline::on(&standins);
    pipeline.run(json!({})).await.unwrap();
    let documents = [
        ("accounts.json", "accounts"),
        ("organizations.json", "organizations"),
        ("creates.json", "creates"),
        ("updates.json", "updates"),
        ("not_in_sync.json", "not_in_sync"),
        ("results.json", "results"),
    ];
    for (file, array) in documents {
        let document = pipeline.document(file);
        assert_eq!(document["schema_version"], 1, "{file}");
        assert_eq!(document["run_id"], "run-1", "{file}");
        assert!(document["generated_at"].is_string(), "{file}");
        assert_eq!(
            document["count"].as_u64(),
            document[array]
                .as_array()
                .map(|entries| entries.len() as u64),
            "{file}"
        );
    }
    let keys = |entry: &Value| {
        entry
            .as_object()
            .map(|entry| entry.keys().cloned().collect::<Vec<_>>())
            .unwrap_or_default()
    };
    assert_eq!(
        keys(&pipeline.document("creates.json")["creates"][0]),
        ["fields", "name", "salesforce_id"]
    );
    assert_eq!(
        keys(&pipeline.document("updates.json")["updates"][0]),
        ["changes", "id", "name", "salesforce_id"]
    );
    assert_eq!(
        keys(&pipeline.document("updates.json")["updates"][0]["changes"][0]),
        ["field", "new", "old"]
    );
    assert_eq!(
        keys(&pipeline.document("not_in_sync.json")["not_in_sync"][0]),
        [
            "category",
            "id",
            "name",
            "reason",
            "salesforce_id",
            "updated_at"
        ]
    );
    let instances = pipeline.document("organizations.json")["instances"].clone();
    assert_eq!(instances[0]["organizations_scanned"], 5210);
    assert_eq!(instances[1]["organizations_scanned"], 800);
}

#[tokio::test]
async fn signs_in_with_a_jwt_and_with_an_api_token() {
    let standins = Running::start(differences()).await.unwrap();
    let mut pipeline = Pipeline::on(&standins);
    standins.world().salesforce.public_key =
        include_str!("../fixtures/jwt-test-key.pub.pem").to_owned();
    standins.world().instance("global").basic =
        "sync@partner.example/token:zd-api-token".to_owned();
    let salesforce = json!({
        "auth": "jwt_bearer", "login_url": standins.url("salesforce"),
        "audience": "https://login.salesforce.com",
        "client_id": "sf-client", "username": "sync@partner.example",
        "private_key": include_str!("../fixtures/jwt-test-key.pem"),
    });
    let zendesk = json!({
        "auth": "api_token", "base_url": standins.url("global"), "email": "sync@partner.example",
        "token": "zd-api-token",
    });
    pipeline
        .secrets
        .0
        .insert("partner-sync/salesforce".to_owned(), salesforce.to_string());
    pipeline.secrets.0.insert(
        "partner-sync/zendesk/global".to_owned(),
        zendesk.to_string(),
    );
    assert_eq!(pipeline.run(json!({})).await.unwrap().verdict, Verdict::Ok);
    assert_eq!(standins.world().calls("global", "POST", "/oauth/tokens"), 0);
}

#[tokio::test]
async fn salesforce_decides_the_page_size() {
    let standins = Running::start(differences()).await.unwrap();
    standins.world().salesforce.page_size = 50;
    let mut pipeline = Pipeline::on(&standins);
    assert_eq!(pipeline.run(json!({})).await.unwrap().counts.accounts, 168);
    let pages = standins
        .world()
        .log
        .iter()
        .filter(|call| call.path.starts_with("/services/data/"))
        .count();
    assert_eq!(pages, 4);
}

#[tokio::test]
async fn a_session_lost_between_pages_costs_one_token_and_a_new_start() {
    let standins = Running::start(differences()).await.unwrap();
    standins.world().salesforce.page_size = 100;
    let lost = Act::Instead {
        status: 401,
        headers: std::collections::BTreeMap::new(),
        body: r#"[{"message":"Session expired or invalid","errorCode":"INVALID_SESSION_ID"}]"#
            .to_owned(),
    };
    standins.world().faults = vec![
        Fault::new(
            "salesforce",
            "GET",
            "/services/data/v67.0/query/",
            lost.clone(),
        )
        .only(0, 1),
    ];
    let mut pipeline = Pipeline::on(&standins);
    assert_eq!(pipeline.run(json!({})).await.unwrap().counts.accounts, 168);
    assert_eq!(
        standins
            .world()
            .calls("salesforce", "POST", SALESFORCE_TOKEN),
        2
    );

    standins.world().faults = vec![Fault::new("salesforce", "GET", "/services/data", lost)];
    standins.world().log.clear();
    assert_eq!(
        pipeline.run(json!({})).await.unwrap_err().name(),
        "Sync.Auth"
    );
    assert_eq!(
        standins
            .world()
            .calls("salesforce", "POST", SALESFORCE_TOKEN),
        2,
        "one new token, once"
    );
}

#[tokio::test]
async fn a_refusal_of_a_token_endpoint_is_never_tried_again() {
    for (host, path) in [
        ("salesforce", SALESFORCE_TOKEN),
        ("global", "/oauth/tokens"),
    ] {
        for status in [400, 401, 403] {
            let standins = Running::start(seed::equal(1, 3, 30, 5)).await.unwrap();
            let refusal = Act::Instead {
                status,
                headers: std::collections::BTreeMap::new(),
                body: r#"{"error": "invalid_grant"}"#.to_owned(),
            };
            standins.world().faults = vec![Fault::new(host, "POST", path, refusal)];
            let error = Pipeline::on(&standins).run(json!({})).await.unwrap_err();
            assert_eq!(error.name(), "Sync.Auth", "{host} {status}");
            assert_eq!(
                standins.world().calls(host, "POST", path),
                1,
                "{host} {status}"
            );
        }
    }
}

#[tokio::test]
async fn a_throttled_token_endpoint_is_waited_for_and_no_refusal() {
    for status in [429, 408] {
        let standins = Running::start(differences()).await.unwrap();
        standins.world().faults =
            vec![Fault::new("global", "POST", "/oauth/tokens", Act::status(status)).only(0, 1)];
        let mut pipeline = Pipeline::on(&standins);
        let summary = pipeline.run(json!({})).await.unwrap();
        assert_eq!(summary.verdict, Verdict::Ok, "{status}");

        standins.world().faults = vec![Fault::new(
            "salesforce",
            "POST",
            SALESFORCE_TOKEN,
            Act::status(status),
        )];
        let error = pipeline.run(json!({})).await.unwrap_err();
        assert_eq!(error.name(), "Sync.Throttled", "{status}: {error}");
    }
}

#[tokio::test]
async fn nothing_is_written_to_another_host_than_the_one_that_was_read() {
    let standins = Running::start(differences()).await.unwrap();
    let mut pipeline = Pipeline::on(&standins);
    let compared = pipeline.plan(json!({})).await.unwrap();
    let secret = pipeline.secrets.0.get_mut("partner-sync/zendesk/global");
    let secret = secret.unwrap();
    *secret = secret.replace(standins.url("global"), standins.url("us-government"));
    standins.world().log.clear();
    let error = pipeline.apply(&json!(compared.plan)).await.unwrap_err();
    assert_eq!(error.name(), "Sync.Config", "{error}");
    assert!(
        standins.world().log.is_empty(),
        "{:?}",
        standins.world().log
    );
}

#[tokio::test]
async fn a_refused_zendesk_token_is_replaced_once() {
    let standins = Running::start(differences()).await.unwrap();
    standins.world().faults =
        vec![Fault::new("global", "GET", "/api/v2/organizations", Act::status(401)).only(9, 1)];
    let mut pipeline = Pipeline::on(&standins);
    assert_eq!(pipeline.run(json!({})).await.unwrap().verdict, Verdict::Ok);
    assert_eq!(standins.world().calls("global", "POST", "/oauth/tokens"), 3);
    standins.world().faults = vec![Fault::new(
        "global",
        "GET",
        "/api/v2/organizations",
        Act::status(401),
    )];
    assert_eq!(
        pipeline.run(json!({})).await.unwrap_err().name(),
        "Sync.Auth"
    );
}

#[tokio::test]
async fn credentials_do_not_follow_a_redirect_or_a_page_of_another_host() {
    let standins = Running::start(differences()).await.unwrap();
    standins.world().salesforce.page_size = 100;
    let elsewhere = Act::set(
        "/nextRecordsUrl",
        json!("https://elsewhere.example/services/data/v67.0/query/x"),
    );
    standins.world().faults = vec![Fault::new(
        "salesforce",
        "GET",
        "/services/data/v67.0/query",
        elsewhere,
    )];
    let error = Pipeline::on(&standins).run(json!({})).await.unwrap_err();
    assert_eq!(error.name(), "Sync.Contract");
    assert!(error.to_string().contains("leaves the instance"), "{error}");

    let headers = [(
        "location".to_owned(),
        standins.url("us-government").to_owned(),
    )]
    .into();
    let redirect = Act::Instead {
        status: 302,
        headers,
        body: String::new(),
    };
    standins.world().faults = vec![Fault::new(
        "global",
        "GET",
        "/api/v2/organizations",
        redirect,
    )];
    standins.world().log.clear();
    let mut pipeline = Pipeline::on(&standins);
    pipeline.configure(&sync_file::of_one_instance());
    let error = pipeline.run(json!({})).await.unwrap_err();
    assert!(error.to_string().contains("redirect"), "{error}");
    assert!(
        !standins
            .world()
            .log
            .iter()
            .any(|call| call.host == "us-government")
    );
}

#[tokio::test]
async fn an_instance_that_the_file_does_not_name_is_not_read() {
    let standins = Running::start(differences()).await.unwrap();
    let mut pipeline = Pipeline::on(&standins);
    pipeline.configure(&sync_file::of_one_instance());
    let summary = pipeline.run(json!({})).await.unwrap();
    assert_eq!(summary.counts.organizations_scanned, 5210);
    assert!(
        !standins
            .world()
            .log
            .iter()
            .any(|call| call.host == "us-government")
    );
    assert_eq!(secrets(&standins).len(), 3);
}

#[tokio::test]
async fn a_reply_of_more_than_32_mib_is_no_answer() {
    let standins = Running::start(differences()).await.unwrap();
    let endless = Act::Instead {
        status: 200,
        headers: [].into(),
        body: format!("[{}]", " ".repeat(32 << 20)),
    };
    let path = "/api/v2/organization_fields";
    standins.world().faults = vec![Fault::new("global", "GET", path, endless)];
    let error = Pipeline::on(&standins).run(json!({})).await.unwrap_err();
    assert_eq!(error.name(), "Sync.Contract");
    assert!(error.to_string().contains("larger than 32 MiB"), "{error}");
}
