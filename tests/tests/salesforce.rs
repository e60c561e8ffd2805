//! Salesforce as it is: what its user may not see, what is slow, and what its words mean.

use std::collections::BTreeMap;

use domain::model::Verdict;
use jiff::SignedDuration;
use partner_sync_tests::clock;
use partner_sync_tests::in_process::{Pipeline, event};
use partner_sync_tests::standins::faults::{Act, Fault};
use partner_sync_tests::standins::seed::account_id;
use partner_sync_tests::standins::{Running, World, differences};
use partner_sync_tests::sync_file;
use serde_json::{Value, json};
use stage::settings::Env;
use vendors::http::Wire;

const TOKEN: &str = "/services/oauth2/token";
const QUERY: &str = "/services/data/v67.0/query";
const ARCHITECT: &str = "solutions_architect";

async fn start(happened: impl FnOnce(&mut World)) -> (Running, Pipeline) {
    let mut world = differences();
    happened(&mut world);
    let standins = Running::start(world).await.unwrap();
    let pipeline = Pipeline::on(&standins);
    (standins, pipeline)
}

fn answer(status: u16, body: &str) -> Act {
    Act::Instead {
        status,
        headers: BTreeMap::new(),
        body: body.to_owned(),
    }
}

/// One request spoilt.
fn once(host: &str, method: &str, path: &str, act: Act) -> Fault {
    Fault::new(host, method, path, act).only(0, 1)
}

/// Queries that were sent, with those of further pages.
fn queries(standins: &Running) -> usize {
    let world = standins.world();
    let all = world.log.iter().filter(|call| call.path.starts_with(QUERY));
    all.count()
}

fn tokens(standins: &Running) -> usize {
    standins.world().calls("salesforce", "POST", TOKEN)
}

#[tokio::test]
async fn a_lookup_that_may_not_be_seen_leaves_its_field_as_it_is_and_is_told_once() {
    // Two that have an organization with somebody in the field, and one that has none yet.
    let hidden = [84, 85, 10].map(|number| account_id(number).to_string());
    let (standins, mut pipeline) = start(|world| {
        for number in [84, 85, 10] {
            let architect = json!({"attributes": {"type": "User"}, "Name": "Robin Alder"});
            world.set_account(number, "Solutions_Architect_Lookup__r", architect);
        }
        for number in [84, 85] {
            world.set_organization(number, ARCHITECT, json!("Sam Birch"));
        }
        world.salesforce.unseen.extend(hidden);
    })
    .await;
    assert_eq!(pipeline.run(json!({})).await.unwrap().verdict, Verdict::Ok);
    let kept = |number| {
        let world = standins.world();
        let id = world.organization_of(number).unwrap();
        world.zendesk["global"].organizations[&id]["organization_fields"][ARCHITECT].clone()
    };
    assert_eq!(kept(84), "Sam Birch");
    assert_eq!(kept(85), "Sam Birch");
    assert_eq!(kept(10), Value::Null);
    let unknowns = pipeline.document("plan.json")["unknowns"].clone();
    let some = [10, 84, 85].map(account_id);
    let said = json!([{
        "kind": "lookups_unseen", "field": ARCHITECT,
        "source": "Solutions_Architect_Lookup__r.Name", "accounts": 3,
        "some": some,
    }]);
    assert_eq!(unknowns, said);
}

#[tokio::test]
async fn an_empty_lookup_still_empties_its_field() {
    let (standins, mut pipeline) = start(|world| {
        world.set_account(84, "Solutions_Architect_Lookup__r", Value::Null);
        world.set_organization(84, ARCHITECT, json!("Sam Birch"));
    })
    .await;
    assert_eq!(pipeline.run(json!({})).await.unwrap().verdict, Verdict::Ok);
    let world = standins.world();
    let id = world.organization_of(84).unwrap();
    let fields = &world.zendesk["global"].organizations[&id]["organization_fields"];
    assert_ne!(fields[ARCHITECT], "Sam Birch");
    assert_eq!(pipeline.document("plan.json")["unknowns"], json!([]));
}

#[tokio::test]
async fn a_hidden_lookup_is_named() {
    let (_standins, mut pipeline) = start(|world| {
        world.salesforce.hidden = vec!["Solutions_Architect_Lookup__c".to_owned()];
    })
    .await;
    let error = pipeline.run(json!({})).await.unwrap_err();
    assert_eq!(error.name(), "Sync.Contract");
    let named = "the field Solutions_Architect_Lookup__r is missing, or hidden";
    assert!(error.to_string().contains(named), "{error}");
}

#[tokio::test]
async fn a_query_of_a_hundred_seconds_passes() {
    let (standins, mut pipeline) = start(|world| world.salesforce.slow_seconds = 100).await;
    assert_eq!(pipeline.run(json!({})).await.unwrap().verdict, Verdict::Ok);
    assert_eq!(queries(&standins), 1);
}

#[tokio::test]
async fn a_query_that_takes_too_long_is_sent_once_an_invocation_and_never_passes_three_hours() {
    let (standins, mut pipeline) = start(|world| world.salesforce.slow_seconds = 400).await;
    let error = pipeline.run(json!({})).await.unwrap_err();
    assert_eq!(error.name(), "Sync.Transient");
    assert_eq!(queries(&standins), 1);

    standins.world().log.clear();
    pipeline.retries = true;
    let error = pipeline.run(json!({})).await.unwrap_err();
    assert_eq!(error.name(), "Sync.Transient");
    assert_eq!(
        queries(&standins),
        4,
        "the state machine tries the stage three times more"
    );
    let took = clock::now().duration_since(pipeline.today);
    assert!(took < SignedDuration::from_mins(30), "{took}");
}

#[tokio::test]
async fn an_hour_after_the_start_the_first_stage_begins_no_more() {
    let (standins, pipeline) = start(|_| {}).await;
    let settings = Env::new(|name| match name {
        "BUCKET" => Some("memory".to_owned()),
        "SECRET_PREFIX" => Some("partner-sync".to_owned()),
        "SYNC_CONFIG" => Some(sync_file::PATH.to_owned()),
        _ => None,
    });
    let settings = settings.gather_accounts();
    let begun = async |minutes| {
        let started_at = clock::now() - SignedDuration::from_mins(minutes);
        let task = event(json!({"run_id": "run-1", "started_at": started_at}));
        let (store, secrets) = (&pipeline.store, &pipeline.secrets);
        let wire = Wire::by(clock::clock());
        gather_accounts::handler(&settings, store, secrets, &wire, task).await
    };
    assert_eq!(begun(61).await.unwrap_err().name(), "Sync.Incomplete");
    assert_eq!(queries(&standins) + tokens(&standins), 0);
    assert!(begun(59).await.is_ok());
}

#[tokio::test]
async fn a_refusal_of_a_token_that_passes_by_itself_is_a_fault_that_the_client_does_not_repeat() {
    let edge = "<html>Access denied</html>";
    for (status, body) in [
        (
            400,
            r#"{"error": "unknown_error", "error_description": "canary"}"#,
        ),
        (
            400,
            r#"{"error": "invalid_grant", "error_description": "please Retry your request"}"#,
        ),
        (403, edge),
        (403, ""),
    ] {
        for (host, path) in [("salesforce", TOKEN), ("global", "/oauth/tokens")] {
            let (standins, mut pipeline) = start(|world| {
                world.faults = vec![once(host, "POST", path, answer(status, body))];
            })
            .await;
            let error = pipeline.run(json!({})).await.unwrap_err();
            assert_eq!(error.name(), "Sync.Transient", "{host} {body}: {error}");
            assert!(!error.to_string().contains("canary"), "{error}");
            assert_eq!(
                standins.world().calls(host, "POST", path),
                1,
                "{host} {body}"
            );
            pipeline.retries = true;
            assert!(pipeline.run(json!({})).await.is_ok(), "{host} {body}");
        }
    }
}

#[tokio::test]
async fn a_403_that_is_no_json_comes_from_the_edge_and_passes() {
    let (standins, mut pipeline) = start(|world| {
        let edge = answer(403, "<html>Access denied</html>");
        world.faults = vec![once("salesforce", "GET", QUERY, edge)];
    })
    .await;
    pipeline.retries = true;
    assert_eq!(pipeline.run(json!({})).await.unwrap().verdict, Verdict::Ok);
    let no_api = r#"[{"errorCode": "API_DISABLED_FOR_ORG", "message": "x"}]"#;
    standins.world().faults = vec![once("salesforce", "GET", QUERY, answer(403, no_api))];
    let error = pipeline.run(json!({})).await.unwrap_err();
    assert_eq!(error.name(), "Sync.Auth");
}

#[tokio::test]
async fn the_wrong_domain_is_called_so_and_any_other_refusal_is_not() {
    let of = async |words: &str| {
        let refusal = json!({"error": "invalid_grant", "error_description": words});
        let (_standins, mut pipeline) = start(|world| {
            world.faults = vec![once(
                "salesforce",
                "POST",
                TOKEN,
                answer(400, &refusal.to_string()),
            )];
        })
        .await;
        let error = pipeline.run(json!({})).await.unwrap_err();
        assert_eq!(error.name(), "Sync.Auth");
        error.to_string()
    };
    let said = of("request not supported on this domain: canary").await;
    assert!(
        said.contains("login_url") && said.contains("My Domain"),
        "{said}"
    );
    assert!(
        said.contains("invalid_grant") && !said.contains("canary"),
        "{said}"
    );
    assert!(!of("authentication failure").await.contains("My Domain"));
}

#[tokio::test]
async fn a_place_that_is_lost_under_any_code_costs_one_token_and_a_new_start() {
    for code in [
        "INVALID_QUERY_LOCATOR",
        "MALFORMED_QUERY",
        "NOT_FOUND",
        "INVALID_AUTH_HEADER",
        "INVALID_SESSION_ID",
    ] {
        let (standins, mut pipeline) = start(|world| {
            world.salesforce.page_size = 100;
            world.salesforce.lost_places = vec![code.to_owned()];
        })
        .await;
        let ended = pipeline.run(json!({})).await;
        assert_eq!(ended.unwrap().counts.accounts, 168, "{code}");
        assert_eq!((queries(&standins), tokens(&standins)), (4, 2), "{code}");
    }
}

#[tokio::test]
async fn a_query_that_is_malformed_from_the_first_is_not_asked_again() {
    let (standins, mut pipeline) = start(|world| {
        let malformed = r#"[{"errorCode": "MALFORMED_QUERY", "message": "unexpected token"}]"#;
        world.faults = vec![Fault::new(
            "salesforce",
            "GET",
            QUERY,
            answer(400, malformed),
        )];
    })
    .await;
    let error = pipeline.run(json!({})).await.unwrap_err();
    assert_eq!(error.name(), "Sync.Rejected");
    assert_eq!(queries(&standins), 1);
}

#[tokio::test]
async fn a_token_that_expires_between_pages_costs_another_one_and_a_new_start() {
    let (standins, mut pipeline) = start(|world| {
        world.salesforce.page_size = 50;
        world.salesforce.token_rules.expires_after = 2;
    })
    .await;
    let ended = pipeline.run(json!({})).await;
    assert_eq!(ended.unwrap().counts.accounts, 168);
    assert_eq!((queries(&standins), tokens(&standins)), (3 + 4, 2));
}

#[tokio::test]
async fn a_locator_does_not_outlive_its_session() {
    // A client that went on with the old place would be refused, and the run would fail.
    let (standins, mut pipeline) = start(|world| {
        world.salesforce.page_size = 100;
        world.salesforce.token_rules.expires_after = 1;
    })
    .await;
    assert!(pipeline.run(json!({})).await.is_ok());
    assert_eq!(queries(&standins), 4);
}

#[tokio::test]
async fn a_throttled_token_endpoint_is_asked_again_as_it_says() {
    let (standins, mut pipeline) = start(|world| world.salesforce.token_rules.throttled = 2).await;
    assert_eq!(pipeline.run(json!({})).await.unwrap().verdict, Verdict::Ok);
    assert_eq!(tokens(&standins), 3);
}
