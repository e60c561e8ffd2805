//! Broken reads never lead to a write.

use std::collections::BTreeMap;

use partner_sync_tests::pipeline::Pipeline;
use partner_sync_tests::standins::faults::{Act, Fault};
use partner_sync_tests::standins::{Running, demo};
use proptest::prelude::*;
use serde_json::{Value, json};

const LIST: &str = "/api/v2/organizations";
const QUERY: &str = "/services/data/v67.0/query";

fn writes(standins: &Running) -> usize {
    standins
        .world()
        .log
        .iter()
        .filter(|call| call.method != "GET" && call.path.starts_with("/api/"))
        .count()
}

fn html() -> Act {
    Act::Instead {
        status: 200,
        headers: BTreeMap::from([("content-type".to_owned(), "text/html".to_owned())]),
        body: "<html>Sign in</html>".to_owned(),
    }
}

fn redirect() -> Act {
    Act::Instead {
        status: 302,
        headers: BTreeMap::from([("location".to_owned(), "https://login.example/".to_owned())]),
        body: String::new(),
    }
}

fn throttled() -> Act {
    Act::Instead {
        status: 429,
        headers: BTreeMap::from([("retry-after".to_owned(), "1".to_owned())]),
        body: String::new(),
    }
}

#[tokio::test]
async fn every_broken_read_of_zendesk_ends_by_its_name_without_a_write() {
    let page = json!([{"id": 19_856_122_753_300_u64, "name": "x"}]);
    let table: [(&str, Act, u32, u32, &str); 12] = [
        (
            "an empty page in the middle",
            Act::set("/organizations", json!([])),
            10,
            1,
            "Sync.Incomplete",
        ),
        (
            "the same organization twice",
            Act::set("/organizations", page),
            10,
            1,
            "Sync.Incomplete",
        ),
        (
            "has_more without a cursor",
            Act::set("/meta/after_cursor", Value::Null),
            10,
            1,
            "Sync.Incomplete",
        ),
        (
            "a cursor that does not move",
            Act::set("/meta/after_cursor", json!("o+1==")),
            10,
            2,
            "Sync.Incomplete",
        ),
        (
            "no word on whether it is the last page",
            Act::set("/meta", json!({})),
            10,
            1,
            "Sync.Contract",
        ),
        (
            "a redirect to a login page",
            redirect(),
            10,
            0,
            "Sync.Contract",
        ),
        ("HTML with status 200", html(), 10, 1, "Sync.Contract"),
        (
            "JSON that ends too early",
            Act::CutJson,
            10,
            1,
            "Sync.Contract",
        ),
        ("a cut gzip stream", Act::CutReply, 10, 0, "Sync.Transient"),
        (
            "a dropped connection",
            Act::DropReply,
            10,
            0,
            "Sync.Transient",
        ),
        (
            "a page that is not found",
            Act::status(404),
            10,
            1,
            "Sync.Rejected",
        ),
        (
            "a server error that stays",
            Act::status(500),
            52,
            0,
            "Sync.Transient",
        ),
    ];
    for (what, act, skip, times, name) in table {
        let standins = Running::start(demo(), None).await.unwrap();
        standins.world().faults = vec![Fault::new("global", "GET", LIST, act).only(skip, times)];
        let error = Pipeline::on(&standins).run(json!({})).await.unwrap_err();
        assert_eq!(error.name(), name, "{what}: {error}");
        assert_eq!(writes(&standins), 0, "{what}");
    }
}

#[tokio::test]
async fn every_broken_read_of_salesforce_ends_by_its_name_without_a_write() {
    let table: [(&str, Act, u32, u32, &str); 9] = [
        (
            "fewer records than announced",
            Act::set("/records", json!([])),
            1,
            1,
            "Sync.Incomplete",
        ),
        (
            "more announced than read",
            Act::set("/totalSize", json!(169)),
            3,
            1,
            "Sync.Incomplete",
        ),
        (
            "done: false without a next page",
            Act::set("/nextRecordsUrl", Value::Null),
            1,
            1,
            "Sync.Incomplete",
        ),
        (
            "a next page that does not move",
            Act::set("/nextRecordsUrl", json!("/services/data/v67.0/query/0r8-1")),
            0,
            0,
            "Sync.Incomplete",
        ),
        (
            "a redirect to a login page",
            redirect(),
            1,
            1,
            "Sync.Contract",
        ),
        ("HTML with status 200", html(), 1, 1, "Sync.Contract"),
        (
            "JSON that ends too early",
            Act::CutJson,
            1,
            1,
            "Sync.Contract",
        ),
        ("a cut gzip stream", Act::CutReply, 0, 0, "Sync.Transient"),
        (
            "a place lost twice",
            Act::Instead {
                status: 400,
                headers: BTreeMap::new(),
                body: r#"[{"errorCode":"INVALID_QUERY_LOCATOR","message":"x"}]"#.to_owned(),
            },
            1,
            0,
            "Sync.Incomplete",
        ),
    ];
    for (what, act, skip, times, name) in table {
        let standins = Running::start(demo(), None).await.unwrap();
        standins.world().salesforce.page_size = 50;
        standins.world().faults =
            vec![Fault::new("salesforce", "GET", QUERY, act).only(skip, times)];
        let error = Pipeline::on(&standins).run(json!({})).await.unwrap_err();
        assert_eq!(error.name(), name, "{what}: {error}");
        assert_eq!(writes(&standins), 0, "{what}");
    }
}

#[tokio::test]
async fn a_throttled_last_page_that_never_comes_ends_throttled_without_a_plan() {
    let standins = Running::start(demo(), None).await.unwrap();
    standins.world().faults =
        vec![Fault::new("global", "GET", "/api/v2/organizations", throttled()).only(52, 0)];
    let mut pipeline = Pipeline::on(&standins);
    assert_eq!(
        pipeline.run(json!({})).await.unwrap_err().name(),
        "Sync.Throttled"
    );
    assert_eq!((pipeline.waits.len(), writes(&standins)), (10, 0));
    assert!(
        !pipeline
            .store
            .objects()
            .keys()
            .any(|key| key.ends_with("organizations.json") || key.ends_with("plan.json"))
    );
}

#[tokio::test]
async fn a_page_silently_left_out_creates_no_second_organization_and_marks_nobody() {
    // The second page's cursor leads past the third: nothing in the replies shows it.
    let past_a_page = Act::set(
        "/meta/after_cursor",
        json!(format!("o+{}==", 19_856_122_753_300_u64 + 299 * 7)),
    );
    for creates in ["10", "1000"] {
        let standins = Running::start(
            partner_sync_tests::standins::seed::equal(3, 150, 600, 20),
            None,
        )
        .await
        .unwrap();
        standins.world().faults =
            vec![Fault::new("global", "GET", LIST, past_a_page.clone()).only(1, 1)];
        let before = standins.world().instance("global").organizations.clone();
        let mut pipeline = Pipeline::on(&standins);
        pipeline
            .env
            .insert("MAX_CREATES".to_owned(), creates.to_owned());
        let summary = pipeline.run(json!({})).await.unwrap();
        assert_eq!((summary.counts.creates, summary.counts.marks), (25, 0));
        assert_eq!(
            standins.world().instance("global").organizations,
            before,
            "at most {creates} creates"
        );
    }
}

/// What happens to one page.
#[derive(Debug, Clone, Copy)]
enum Harm {
    NotFound,
    Doubled,
    Emptied,
    Cut,
    CutJson,
    NoCursor,
}

fn harm() -> impl Strategy<Value = Harm> {
    prop_oneof![
        Just(Harm::NotFound),
        Just(Harm::Doubled),
        Just(Harm::Emptied),
        Just(Harm::Cut),
        Just(Harm::CutJson),
        Just(Harm::NoCursor)
    ]
}

fn fault(host: &str, path: &str, page: u32, harm: Harm) -> Fault {
    let salesforce = host == "salesforce";
    let act = match harm {
        Harm::NotFound => Act::status(404),
        Harm::Doubled if salesforce => {
            let record = json!({
                "Account_ID_18__c": partner_sync_tests::standins::seed::ALLIANCE, "Name": "Twice",
            });
            Act::set("/records", json!([record, record]))
        }
        Harm::Doubled => Act::set("/meta/after_cursor", json!("o+19856122753300==")),
        Harm::Emptied => Act::set(
            if salesforce {
                "/records"
            } else {
                "/organizations"
            },
            json!([]),
        ),
        Harm::Cut => Act::CutReply,
        Harm::CutJson => Act::CutJson,
        Harm::NoCursor => Act::set(
            if salesforce {
                "/nextRecordsUrl"
            } else {
                "/meta/after_cursor"
            },
            Value::Null,
        ),
    };
    // A cut page is asked for again, and a Salesforce page that is not found costs one new query:
    // these must stay broken.
    let stays = matches!(harm, Harm::Cut) || (salesforce && matches!(harm, Harm::NotFound));
    Fault::new(host, "GET", path, act).only(page, u32::from(!stays))
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 60,
        max_shrink_iters: 20,
        ..ProptestConfig::default()
    })]

    #[test]
    fn for_any_harmed_pages_no_mark_and_no_create_is_written(
        zendesk in prop::collection::btree_map(0_u32..5, harm(), 0..3),
        salesforce in prop::collection::btree_map(0_u32..4, harm(), 0..3),
    ) {
        // The last page is spared: its cursor and address mean nothing, so harming those would be
        // no harm.
        prop_assume!(!zendesk.is_empty() || !salesforce.is_empty());
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let mut world = partner_sync_tests::standins::seed::equal(3, 150, 600, 20);
            for number in [10, 20, 30] {
                world.lose_organization(number);
            }
            world.abandon(9001, "");
            world.salesforce.page_size = 30;
            let standins = Running::start(world, None).await.unwrap();
            for (page, harm) in &zendesk {
                standins.world().faults.push(fault("global", LIST, *page, *harm));
            }
            for (page, harm) in &salesforce {
                standins.world().faults.push(fault("salesforce", QUERY, *page, *harm));
            }
            let ended = Pipeline::on(&standins).run(json!({})).await;
            let writes = writes(&standins);
            prop_assert_eq!(writes, 0);
            prop_assert!(ended.is_err(), "{:?}", ended);
            Ok(())
        })?;
    }
}
