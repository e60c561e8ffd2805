//! Broken reads never lead to a write.

use std::collections::BTreeMap;

use partner_sync_tests::in_process::Pipeline;
use partner_sync_tests::standins::faults::{Act, Fault};
use partner_sync_tests::standins::seed::{self, Dice};
use partner_sync_tests::standins::{Running, differences};
use proptest::prelude::*;
use serde_json::{Value, json};

const LIST: &str = "/api/v2/organizations";
const QUERY: &str = "/services/data/v67.0/query";

fn writes(standins: &Running) -> usize {
    standins
        .world()
        .log
        .iter()
        .filter(|call| call.method != "GET" && call.path.starts_with("/api/v2/organizations"))
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

/// A read that breaks, and the error the run ends with.
struct BrokenRead {
    what: &'static str,
    /// What happens to the pages...
    act: Act,
    /// ...after this many that go well...
    skip: u32,
    /// ...this many times; 0 for all from then on.
    times: u32,
    ends: &'static str,
}

fn broken(what: &'static str, act: Act) -> BrokenRead {
    BrokenRead {
        what,
        act,
        skip: 0,
        times: 0,
        ends: "Sync.Transient",
    }
}

impl BrokenRead {
    fn after(mut self, skip: u32) -> Self {
        self.skip = skip;
        self
    }

    fn times(mut self, times: u32) -> Self {
        self.times = times;
        self
    }

    fn ends(mut self, name: &'static str) -> Self {
        self.ends = name;
        self
    }

    /// Runs the pipeline on the demo's world with the break: it ends by its name, without a write.
    async fn assert_ends_without_a_write(self, host: &str, path: &str) {
        let what = self.what;
        let standins = Running::start(differences()).await.unwrap();
        standins.world().salesforce.page_size = 50;
        let fault = Fault::new(host, "GET", path, self.act).only(self.skip, self.times);
        standins.world().faults = vec![fault];
        let error = Pipeline::on(&standins).run(json!({})).await.unwrap_err();
        assert_eq!(error.name(), self.ends, "{what}: {error}");
        assert_eq!(writes(&standins), 0, "{what}");
    }
}

#[tokio::test]
async fn every_broken_read_of_zendesk_ends_by_its_name_without_a_write() {
    let page = json!([{"id": 19_856_122_753_300_u64, "name": "x"}]);
    let empty = Act::set("/organizations", json!([]));
    let twice = Act::set("/organizations", page);
    let no_cursor = Act::set("/meta/after_cursor", Value::Null);
    let same_cursor = Act::set("/meta/after_cursor", json!("o+1=="));
    let no_meta = Act::set("/meta", json!({}));
    for (at, ends, read) in [
        (
            10,
            "Sync.Incomplete",
            broken("six empty pages in a row", empty).times(6),
        ),
        (
            10,
            "Sync.Incomplete",
            broken("the same organization twice", twice).times(1),
        ),
        (
            10,
            "Sync.Incomplete",
            broken("has_more without a cursor", no_cursor).times(1),
        ),
        (
            10,
            "Sync.Incomplete",
            broken("a cursor that does not move", same_cursor).times(2),
        ),
        (
            10,
            "Sync.Contract",
            broken("no word on the last page", no_meta).times(1),
        ),
        (
            10,
            "Sync.Contract",
            broken("a redirect to a login page", redirect()),
        ),
        (10, "Sync.Transient", broken("HTML with status 200", html())),
        (
            10,
            "Sync.Transient",
            broken("JSON that ends too early", Act::CutJson),
        ),
        (
            10,
            "Sync.Transient",
            broken("a cut gzip stream", Act::CutReply),
        ),
        (
            10,
            "Sync.Transient",
            broken("a dropped connection", Act::DropReply),
        ),
        (
            10,
            "Sync.Rejected",
            broken("a page that is not found", Act::status(404)).times(1),
        ),
        (
            52,
            "Sync.Transient",
            broken("a server error that stays", Act::status(500)),
        ),
    ] {
        let read = read.after(at).ends(ends);
        read.assert_ends_without_a_write("global", LIST).await;
    }
}

#[tokio::test]
async fn every_broken_read_of_salesforce_ends_by_its_name_without_a_write() {
    let fewer = Act::set("/records", json!([]));
    let more = Act::set("/totalSize", json!(169));
    let no_next = Act::set("/nextRecordsUrl", Value::Null);
    let same_next = Act::set("/nextRecordsUrl", json!("/services/data/v67.0/query/0r8-1"));
    let lost_place = Act::Instead {
        status: 400,
        headers: BTreeMap::new(),
        body: r#"[{"errorCode":"INVALID_QUERY_LOCATOR","message":"x"}]"#.to_owned(),
    };
    for (at, ends, read) in [
        (
            1,
            "Sync.Incomplete",
            broken("fewer records than announced", fewer).times(1),
        ),
        (
            3,
            "Sync.Incomplete",
            broken("more announced than read", more).times(1),
        ),
        (
            1,
            "Sync.Incomplete",
            broken("done: false without a next page", no_next).times(1),
        ),
        (
            0,
            "Sync.Incomplete",
            broken("a next page that does not move", same_next),
        ),
        (
            1,
            "Sync.Contract",
            broken("a redirect to a login page", redirect()).times(1),
        ),
        (1, "Sync.Transient", broken("HTML with status 200", html())),
        (
            1,
            "Sync.Transient",
            broken("JSON that ends too early", Act::CutJson),
        ),
        (
            0,
            "Sync.Transient",
            broken("a cut gzip stream", Act::CutReply),
        ),
        (
            1,
            "Sync.Incomplete",
            broken("a place lost twice", lost_place),
        ),
    ] {
        let read = read.after(at).ends(ends);
        read.assert_ends_without_a_write("salesforce", QUERY).await;
    }
}

#[tokio::test]
async fn a_throttled_last_page_that_never_comes_ends_throttled_without_a_plan() {
    let standins = Running::start(differences()).await.unwrap();
    standins.world().faults =
        vec![Fault::new("global", "GET", "/api/v2/organizations", throttled()).only(52, 0)];
    let mut pipeline = Pipeline::on(&standins);
    assert_eq!(
        pipeline.run(json!({})).await.unwrap_err().name(),
        "Sync.Throttled"
    );
    assert_eq!(pipeline.waits.len(), 10);
    assert_eq!(writes(&standins), 0);
    assert!(
        !pipeline
            .store
            .objects()
            .keys()
            .any(|key| key.ends_with("organizations.json") || key.ends_with("plan.json"))
    );
}

/// The third page's organizations are lost, and nothing in the replies shows it.
async fn assert_a_lost_page_does_no_harm(lose: &Fault, creates: &str) {
    let world = seed::equal(3, 150, 600, 20);
    let standins = Running::start(world).await.unwrap();
    standins.world().faults = vec![lose.clone()];
    let before = standins.world().instance("global").organizations.clone();
    let mut pipeline = Pipeline::on(&standins);
    pipeline
        .env
        .insert("MAX_CREATES".to_owned(), creates.to_owned());
    let summary = pipeline.run(json!({})).await.unwrap();
    assert_eq!(summary.counts.creates, 25);
    assert_eq!(summary.counts.marks, 0);
    let after = standins.world().instance("global").organizations.clone();
    assert_eq!(after, before, "at most {creates} creates");
}

#[tokio::test]
async fn a_page_silently_left_out_or_emptied_creates_no_second_organization_and_marks_nobody() {
    // The second page's cursor leads past the third.
    let past_a_page = Act::set(
        "/meta/after_cursor",
        json!(format!("o+{}==", 19_856_122_753_300_u64 + 299 * 7)),
    );
    let emptied = Act::set("/organizations", json!([]));
    let left_out = Fault::new("global", "GET", LIST, past_a_page).only(1, 1);
    let emptied = Fault::new("global", "GET", LIST, emptied).only(2, 1);
    for creates in ["10", "1000"] {
        assert_a_lost_page_does_no_harm(&left_out, creates).await;
        assert_a_lost_page_does_no_harm(&emptied, creates).await;
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

/// A harm that shows in the replies of either service.
fn harm() -> impl Strategy<Value = Harm> {
    prop_oneof![
        Just(Harm::NotFound),
        Just(Harm::Doubled),
        Just(Harm::Cut),
        Just(Harm::CutJson),
        Just(Harm::NoCursor)
    ]
}

/// Salesforce announces how many records there are, so there an emptied page shows as well.
fn harm_of_salesforce() -> impl Strategy<Value = Harm> {
    prop_oneof![5 => harm(), 1 => Just(Harm::Emptied)]
}

fn fault(host: &str, path: &str, page: u32, harm: Harm) -> Fault {
    let salesforce = host == "salesforce";
    let act = match harm {
        Harm::NotFound => Act::status(404),
        Harm::Doubled if salesforce => {
            let record = seed::account(&mut Dice::new(1), &seed::account_id(9_999), "Twice");
            Act::set("/records", json!([record, record]))
        }
        Harm::Doubled => Act::set("/meta/after_cursor", json!("o+19856122753300==")),
        Harm::Emptied => Act::set("/records", json!([])),
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
    let stays =
        matches!(harm, Harm::Cut | Harm::CutJson) || (salesforce && matches!(harm, Harm::NotFound));
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
        salesforce in prop::collection::btree_map(0_u32..4, harm_of_salesforce(), 0..3),
    ) {
        // The last page is spared: its cursor and address mean nothing, so harming those would be
        // no harm.
        prop_assume!(!zendesk.is_empty() || !salesforce.is_empty());
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let mut world = seed::equal(3, 150, 600, 20);
            for number in [10, 20, 30] {
                world.lose_organization(number);
            }
            world.abandon(9001, "");
            world.salesforce.page_size = 30;
            let standins = Running::start(world).await.unwrap();
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
