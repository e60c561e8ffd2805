//! What became of accounts: what people do in Salesforce, and what its client makes of it.

use std::collections::BTreeSet;

use domain::model::{AccountId, Fate, Values};
use partner_sync_tests::clock::clock;
use partner_sync_tests::standins::seed::{self, account_id};
use partner_sync_tests::standins::{Running, World};
use partner_sync_tests::sync_file::MAPPING;
use secrecy::SecretString;
use serde_json::json;
use vendors::http::Wire;
use vendors::salesforce::{Client, Credentials};

const QUERY_ALL: &str = "/services/data/v67.0/queryAll";
const STATUS: &str = "Partners_Partner_Status__c";

async fn start(accounts: usize, happened: impl FnOnce(&mut World)) -> Running {
    let mut world = seed::equal(21, accounts, accounts, 1);
    happened(&mut world);
    Running::start(world).await.unwrap()
}

/// What the client says of missing accounts, if others were gathered.
async fn fates(standins: &Running, missing: &[usize], gathered: &[usize]) -> Vec<Fate> {
    let secret = json!({
        "auth": "client_credentials", "login_url": standins.url("salesforce"),
        "client_id": "sf-client", "client_secret": "sf-secret",
    });
    let secret = SecretString::from(secret.to_string());
    let credentials = Credentials::read("salesforce", &secret).unwrap();
    let mut client = Client::new(credentials, &Wire::by(clock())).unwrap();
    let missing: Vec<AccountId> = missing.iter().copied().map(account_id).collect();
    let gathered: BTreeSet<AccountId> = gathered.iter().copied().map(account_id).collect();
    let formers = client
        .former_accounts(&missing, &gathered, &MAPPING)
        .await
        .unwrap();
    formers.into_iter().map(|former| former.fate).collect()
}

fn into(number: usize) -> Fate {
    Fate::Merged {
        into: account_id(number),
    }
}

#[tokio::test]
async fn each_thing_that_can_happen_to_an_account_has_a_fate_of_its_own() {
    let standins = start(20, |world| {
        world.set_account(2, STATUS, json!("Terminated"));
        world.delete_account(3);
        world.merge(4, 9);
        world.set_type(5, "Customer");
        world.hide_account(6);
    })
    .await;
    let fates = fates(&standins, &[2, 3, 4, 5, 6], &[9]).await;
    let Fate::AuthorisedNoMore { values, .. } = &fates[0] else {
        panic!("{fates:?}");
    };
    let status = ("status".to_owned(), Some("Terminated".to_owned()));
    assert!(values.0.contains(&status), "{values:?}");
    let customer = Fate::OtherType {
        values: Values(vec![("type".to_owned(), Some("Customer".to_owned()))]),
    };
    assert_eq!(
        fates[1..],
        [Fate::Deleted, into(9), customer, Fate::NotVisible]
    );
    assert_eq!(standins.world().calls("salesforce", "GET", QUERY_ALL), 1);
}

#[tokio::test]
async fn merges_are_followed_with_one_call_a_round() {
    let standins = start(20, |world| {
        for (loser, survivor) in [(2, 3), (3, 4), (5, 6), (6, 7)] {
            world.merge(loser, survivor);
        }
        world.delete_account(7);
    })
    .await;
    let fates = fates(&standins, &[2, 5], &[4]).await;
    assert_eq!(fates, [into(4), into(7)]);
    // About 2 and 5, about 3 and 6, about 7.
    assert_eq!(standins.world().calls("salesforce", "GET", QUERY_ALL), 3);
}

#[tokio::test]
async fn what_the_recycle_bin_held_cannot_be_told_once_it_is_emptied() {
    let standins = start(20, |world| {
        world.delete_account(2);
        world.merge(3, 9);
        world.empty_recycle_bin();
    })
    .await;
    let fates = fates(&standins, &[2, 3], &[9]).await;
    assert_eq!(fates, [Fate::NotVisible, Fate::NotVisible]);
}

#[tokio::test]
async fn hundreds_of_accounts_are_asked_about_in_addresses_that_salesforce_reads() {
    let numbers: Vec<usize> = (2..=402).collect();
    let standins = start(403, |world| {
        for number in &numbers {
            world.delete_account(*number);
        }
    })
    .await;
    let fates = fates(&standins, &numbers, &[]).await;
    assert_eq!(fates, vec![Fate::Deleted; 401]);
    assert_eq!(standins.world().calls("salesforce", "GET", QUERY_ALL), 3);
}
