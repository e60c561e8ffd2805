//! The walk over all organizations: cut anywhere, it goes on exactly there.

use domain::model::{Seen as _, SeenIds};
use partner_sync_tests::in_process::Pipeline;
use partner_sync_tests::memory_store::MemoryStore;
use partner_sync_tests::standins::faults::{Act, Fault};
use partner_sync_tests::standins::seed::Dice;
use partner_sync_tests::standins::{Running, seed};
use serde_json::{Value, json};
use stage::store::Store as _;

const LIST: &str = "/api/v2/organizations";

fn without_times(mut document: Value) -> Value {
    document["generated_at"] = Value::Null;
    document["run_id"] = Value::Null;
    for instance in document["instances"].as_array_mut().unwrap() {
        instance["seconds"] = Value::Null;
    }
    document
}

#[tokio::test]
async fn a_walk_in_pieces_reads_every_page_once_and_finds_the_same() {
    let standins = Running::start(seed::equal(4, 60, 750, 120)).await.unwrap();
    let mut pipeline = Pipeline::on(&standins);
    pipeline.plan(json!({})).await.unwrap();
    let whole = without_times(pipeline.document("organizations.json"));
    standins.world().log.clear();

    let (pieces, invocations) = pipeline.gather_orgs_piecemeal().await.unwrap();
    assert_eq!(without_times(pieces), whole);
    let calls = |host: &str, path: &str| standins.world().calls(host, "GET", path);
    assert_eq!(calls("global", LIST), 8);
    assert_eq!(calls("us-government", LIST), 2);
    assert_eq!(
        calls("global", "/api/v2/organization_fields"),
        1,
        "the fields are checked once"
    );
    assert!(invocations >= 8, "{invocations}");
}

#[tokio::test]
async fn an_account_whose_organization_has_its_id_only_as_external_id_is_not_given_a_second_one() {
    let standins = Running::start(seed::equal(4, 60, 750, 120)).await.unwrap();
    let mut pipeline = Pipeline::on(&standins);
    let customer = {
        let mut world = standins.world();
        let organizations = &mut world.instance("global").organizations;
        let partner = organizations
            .values_mut()
            .find(|one| one["external_id"].is_string())
            .unwrap();
        partner["name"] = json!("Renamed by hand");
        partner["organization_fields"]["salesforce_id"] = Value::Null;
        partner["organization_fields"]["account_type"] = json!("customer");
        partner["id"].clone()
    };
    let compared = pipeline.plan(json!({})).await.unwrap();
    let lookalikes = &pipeline.document("organizations.json")["lookalikes"];
    assert_eq!(lookalikes[0]["id"], customer);
    assert_eq!(compared.summary.counts.creates, 0);
    assert_eq!(compared.summary.counts.updates, 1);
}

#[tokio::test]
async fn what_was_deleted_is_counted_and_is_otherwise_not_there() {
    let mut world = seed::equal(4, 60, 750, 120);
    world.abandon(9001, "");
    world.take_name(20);
    let gone = [10, 20, 9001].map(|number| world.organization_of(number));
    let holder = world.salesforce.accounts[&seed::account_id(20).to_string()]["Name"].clone();
    let target = world.instance("global");
    let holder = target
        .organizations
        .values()
        .find(|one| one["name"] == holder);
    let holder = holder.and_then(|one| one["id"].as_u64());
    for id in gone.into_iter().chain([holder]).flatten() {
        target.delete_and_show(id);
    }
    let shown = target.organizations.len();
    let standins = Running::start(world).await.unwrap();
    let mut pipeline = Pipeline::on(&standins);
    let counts = pipeline.plan(json!({})).await.unwrap().summary.counts;
    let found = (
        counts.creates,
        counts.waiting,
        counts.marks,
        counts.conflicts,
    );
    assert_eq!(found, (2, 0, 0, 0), "two accounts have none any more");
    let read = pipeline.document("organizations.json");
    assert_eq!(read["instances"][0]["organizations_scanned"], shown);
    assert_eq!(read["lookalikes"], json!([]));
}

#[tokio::test]
async fn a_walk_that_fails_goes_on_where_it_was_when_it_is_tried_again() {
    let standins = Running::start(seed::equal(4, 60, 750, 120)).await.unwrap();
    let mut pipeline = Pipeline::on(&standins);
    standins.world().faults = vec![Fault::new("global", "GET", LIST, Act::status(500)).only(5, 3)];
    let store = pipeline.store.clone();
    assert_eq!(
        pipeline.plan(json!({})).await.unwrap_err().name(),
        "Sync.Transient"
    );
    let key = "runs/run-1/gather-orgs-state.json.gz";
    let state: Value = store.find_compressed(key).await.unwrap().unwrap();
    let walk = &state["walks"][0];
    assert_eq!(walk["instance"]["pages"], 5);
    assert_eq!(walk["reading"]["seen"].as_array().unwrap().len(), 500);
}

#[tokio::test]
async fn an_id_takes_four_bytes_of_saved_progress_at_most() {
    const IDS: usize = 100_000;
    let mut dice = Dice::new(15);
    let mut seen = SeenIds::default();
    let mut id = 13_000_000_000_000;
    for _ in 0..IDS {
        // Far apart, as if a thousandth of all organizations there are were ours.
        id += 1 + dice.roll(10_000_000);
        seen.insert(id);
    }
    let store = MemoryStore::default();
    store.put_compressed("state", &seen).await.unwrap();
    let bytes = store.bytes_put("state");
    assert!(bytes <= 4 * IDS, "{bytes} bytes for {IDS} ids");
    let read: SeenIds = store.find_compressed("state").await.unwrap().unwrap();
    assert_eq!(read.count(), IDS);
}
