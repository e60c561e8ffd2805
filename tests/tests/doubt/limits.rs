//! Tokens, scopes, budgets and pages without end.

use super::*;

#[tokio::test]
async fn a_token_that_ends_is_replaced_as_often_as_it_worked() {
    let mut world = updates(300);
    world.instance("global").token_seconds = Some(120);
    world.instance("global").jobs.takes_ms = 550_000;
    let (standins, _, summary) = run(world, vec![]).await;
    assert_eq!(summary.applied, updated(300));
    let minted = calls(&standins, "POST", "/oauth/tokens").len();
    assert!(
        minted >= 5,
        "{minted}: one to read, and one every two minutes"
    );
}

#[tokio::test]
async fn a_token_is_asked_for_three_hours() {
    let (standins, _, _) = run(three_creates(), vec![]).await;
    let now_ms = partner_sync_tests::clock::now().as_millisecond();
    let mut world = standins.world();
    let tokens = world.instance("global").tokens.values();
    let left: Vec<_> = tokens
        .map(|token| (token.ends_ms - now_ms) / 60_000)
        .collect();
    assert!(
        left.iter().all(|minutes| (170..=180).contains(minutes)),
        "{left:?}"
    );
}

#[tokio::test]
async fn granular_scopes_open_what_zendesk_says_they_open() {
    for (scope, ends) in [
        ("read organizations:write", None),
        (
            "organizations:read organizations:write",
            Some(("Sync.Auth", "missing scope: read")),
        ),
        (
            "organizations:write",
            Some(("Sync.Config", "leaves nothing to read with")),
        ),
    ] {
        let (_standins, mut pipeline) = start(three_creates()).await;
        let name = "partner-sync/zendesk/global";
        let mut secret: Value = serde_json::from_str(&pipeline.secrets.0[name]).unwrap();
        secret["scope"] = json!(scope);
        pipeline
            .secrets
            .0
            .insert(name.to_owned(), secret.to_string());
        match (pipeline.run(json!({})).await, ends) {
            (Ok(summary), None) => assert_eq!(summary.applied, created(3)),
            (Err(error), Some((name, words))) => {
                assert_eq!(error.name(), name, "{scope}: {error}");
                assert!(error.to_string().contains(words), "{scope}: {error}");
            }
            (ended, _) => panic!("{scope}: {ended:?}"),
        }
    }
}

#[tokio::test]
async fn an_oauth_errors_code_is_in_the_cause() {
    let (standins, mut pipeline) = start(three_creates()).await;
    // A client that was registered with narrower scopes.
    let allowed = "read organizations:write".to_owned();
    standins.world().instance("global").allowed_scopes = Some(allowed);
    let error = pipeline.run(json!({})).await.unwrap_err();
    assert_eq!(error.name(), "Sync.Auth");
    assert!(
        error.to_string().contains("status 400 invalid_scope"),
        "{error}"
    );

    let name = "partner-sync/zendesk/global";
    let secret = pipeline.secrets.0[name].replace("zd-secret", "wrong");
    pipeline.secrets.0.insert(name.to_owned(), secret);
    let error = pipeline.run(json!({})).await.unwrap_err();
    assert!(
        error.to_string().contains("status 401 invalid_client"),
        "{error}"
    );
}

#[tokio::test]
async fn an_endpoints_own_limit_is_waited_for() {
    let mut world = updates(600);
    let limits = [
        ("update-many-organizations", 2),
        ("list-organizations-cursor", 4),
    ];
    let limits = limits.map(|(name, limit)| (name.to_owned(), limit));
    world.instance("global").endpoint_limits = limits.into();
    let (standins, pipeline, summary) = run(world, vec![]).await;
    assert_eq!(summary.applied, updated(600));
    assert!(!pipeline.waits.is_empty());
    let pages = calls(&standins, "GET", CREATE);
    let good = pages.iter().filter(|call| call.status == 200).count();
    assert_eq!(good, 7, "six full pages, and the empty one behind them");
}

#[tokio::test]
async fn the_accounts_budget_is_kept_and_waited_for() {
    let mut world = updates(600);
    world.instance("global").rate_limit = 18;
    let (standins, pipeline, summary) = run(world, vec![]).await;
    assert_eq!(summary.applied, updated(600));
    assert!(!pipeline.waits.is_empty());
    assert!(!standins.world().log.iter().any(|call| call.status == 429));
}

#[tokio::test]
async fn pages_without_end_are_cut_off() {
    let endless = Act::set("/meta", json!({"has_more": true, "after_cursor": "next"}));
    let (standins, mut pipeline) = start(three_creates()).await;
    standins.world().faults = vec![Fault::new(
        "global",
        "GET",
        "/api/v2/organization_fields",
        endless,
    )];
    let error = pipeline.run(json!({})).await.unwrap_err();
    assert_eq!(error.name(), "Sync.Incomplete", "{error}");

    let (standins, mut pipeline) = start(three_creates()).await;
    standins.world().salesforce.page_size = 3;
    let empty = Act::set("/records", json!([]));
    standins.world().faults = vec![Fault::new(
        "salesforce",
        "GET",
        "/services/data/v67.0/query",
        empty,
    )];
    let error = pipeline.run(json!({})).await.unwrap_err();
    assert_eq!(error.name(), "Sync.Incomplete", "{error}");
    let asked = standins
        .world()
        .log
        .iter()
        .filter(|call| call.path.contains("/query"))
        .count();
    assert_eq!(asked, 6, "{error}");
}
