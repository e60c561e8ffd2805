//! Doubtful answers, each judged right: no double create, no poisoned queue, no false word about a
//! record.

mod bulk;
mod creates;
mod ending;
mod limits;
mod refusals;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use domain::model::{Applied, Summary, Verdict};
use partner_sync_tests::in_process::Pipeline;
use partner_sync_tests::standins::faults::{Act, Fault};
use partner_sync_tests::standins::{Logged, Running, World, seed};
use serde_json::{Value, json};
use stage::events::Progress;

const CREATE: &str = "/api/v2/organizations";
const UPDATE: &str = "/api/v2/organizations/update_many";
const JOBS: &str = "/api/v2/job_statuses/show_many";

/// Accounts without an organization.
const LOST: [usize; 3] = [10, 20, 30];

/// 40 accounts, of which three have no organization.
fn three_creates() -> World {
    let mut world = seed::equal(31, 40, 80, 5);
    for number in LOST {
        world.lose_organization(number);
    }
    world
}

/// This many organizations with another owner than their account.
fn updates(number: usize) -> World {
    let mut world = seed::equal(5, number, number, 10);
    for record in world.salesforce.accounts.values_mut() {
        record.insert("Account_Owner_Calc__c".to_owned(), json!("Nova Linden"));
    }
    world
}

async fn start(world: World) -> (Running, Pipeline) {
    let standins = Running::start(world).await.unwrap();
    let mut pipeline = Pipeline::on(&standins);
    for name in ["MAX_UPDATES", "MAX_CREATES", "MAX_MARKS"] {
        pipeline.env.insert(name.to_owned(), "1000".to_owned());
    }
    (standins, pipeline)
}

/// A run on a world with these faults.
async fn run(world: World, faults: Vec<Fault>) -> (Running, Pipeline, Summary) {
    let (standins, mut pipeline) = start(world).await;
    standins.world().faults = faults;
    let summary = pipeline.run(json!({})).await.unwrap();
    (standins, pipeline, summary)
}

fn on_create(act: Act) -> Fault {
    Fault::new("global", "POST", CREATE, act)
}

fn on_update(act: Act) -> Fault {
    Fault::new("global", "PUT", UPDATE, act)
}

fn html() -> Act {
    Act::Instead {
        status: 200,
        headers: BTreeMap::new(),
        body: "<html>Sign in</html>".to_owned(),
    }
}

/// The calls of the target that fit, in order.
fn calls(standins: &Running, method: &str, path: &str) -> Vec<Logged> {
    let log = standins.world().log.clone();
    let fits = |call: &Logged| call.host == "global" && call.method == method && call.path == path;
    log.into_iter().filter(fits).collect()
}

fn ids(standins: &Running) -> Vec<u64> {
    let mut world = standins.world();
    world
        .instance("global")
        .organizations
        .keys()
        .copied()
        .collect()
}

fn no_name_is_there_twice(standins: &Running) -> bool {
    let mut world = standins.world();
    let mut seen = BTreeSet::new();
    let organizations = world.instance("global").organizations.values();
    organizations
        .into_iter()
        .all(|one| seen.insert(one["name"].to_string()))
}

/// The records with an outcome, each with the words that say why.
fn with_outcome(pipeline: &Pipeline, outcome: &str) -> Vec<(Option<u64>, String)> {
    let results = pipeline.document("results.json");
    let results = results["results"].as_array().cloned().unwrap_or_default();
    let fits = results.iter().filter(|one| one["outcome"] == outcome);
    fits.map(|one| {
        (
            one["id"].as_u64(),
            one["error"].as_str().unwrap_or_default().to_owned(),
        )
    })
    .collect()
}

fn created(number: usize) -> Applied {
    Applied {
        created: number,
        ..Applied::default()
    }
}

fn updated(number: usize) -> Applied {
    Applied {
        updated: number,
        ..Applied::default()
    }
}
