//! Stage 1: the authorised partner accounts of Salesforce, mapped, in `accounts.json`.

use std::collections::BTreeSet;
use std::time::Duration;

use domain::model::{Account, AccountId, Accounts, Complete, Formers, Usage, run_key};
use domain::{Error, Result};
use lambda_runtime::LambdaEvent;
use serde_json::Value;
use stage::events::{ExecutionInput, GatherAccountsEvent, GatheredAccounts, parse};
use stage::metrics::{Metric, record, record_usage};
use stage::recall::find_memory;
use stage::secrets::Secrets;
use stage::settings::GatherAccounts;
use stage::store::Store;
use vendors::http::Wire;
use vendors::salesforce::{Client, Credentials};

/// Reads the accounts and writes `accounts.json`.
///
/// # Errors
/// [`Error::Input`] before anything is read; otherwise as for [`Client::partner_accounts`]. Nothing
/// is written then.
pub async fn handler<S: Store, K: Secrets>(
    config: &Result<GatherAccounts, Error>,
    store: &S,
    secrets: &K,
    wire: &Wire,
    event: LambdaEvent<Value>,
) -> Result<GatheredAccounts, Error> {
    let began = wire.now();
    let config = config.as_ref().map_err(Clone::clone)?;
    let event: GatherAccountsEvent = parse(event.payload)?;
    ExecutionInput::read(&event.input)?;
    note_taken_lease(&event);

    let secret = secrets.secret(&config.secret).await?;
    let credentials = Credentials::read(&config.secret, &secret)?;
    let described = credentials.describe();
    let mut client = Client::new(credentials, wire)?;
    let read = read(&mut client, config, store, &event.run_id).await;
    let usage = Usage {
        pages: client.pages,
        ..wire.meter.take().usage(began, wire.now(), vec![described])
    };
    record_usage(&usage, wire.now());

    let run_id = &event.run_id;
    let (accounts, formers) = read?;
    let document = Accounts::new(run_id, wire.now(), client.host(), accounts, formers)?;
    let count = document.accounts.len();
    let key = run_key(run_id, "accounts.json");
    let accounts = store.put_json(&key, &document, count).await?;
    record(Metric::Accounts, count);
    tracing::info!(
        run_id = %run_id,
        accounts = count,
        pages = usage.pages,
        calls = usage.calls,
        throttled = usage.throttled,
        milliseconds = usage.milliseconds,
        request_ids = wire.meter.take_ids(),
        "accounts gathered"
    );
    Ok(GatheredAccounts { accounts, usage })
}

/// How long the question about former accounts may take in all: it must not use up the
/// invocation's time.
const LONGEST_QUESTION: Duration = Duration::from_mins(1);

/// The authorised accounts, and what became of those that the memory lists as missing.
async fn read<S: Store>(
    client: &mut Client,
    config: &GatherAccounts,
    store: &S,
    run_id: &str,
) -> Result<(Complete<Vec<Account>>, Formers), Error> {
    let accounts = client.partner_accounts(&config.alliances).await?;
    let missing = missing(store, run_id, &accounts).await?;
    let asked = tokio::time::timeout(LONGEST_QUESTION, client.former_accounts(&missing)).await;
    let why = match asked {
        Ok(Ok(former)) => {
            let former_error = None;
            return Ok((
                accounts,
                Formers {
                    former,
                    former_error,
                },
            ));
        }
        Ok(Err(error)) => error.to_string(),
        Err(_) => format!("no answer within {} s", LONGEST_QUESTION.as_secs()),
    };
    // An explanation only: the run goes on without it.
    tracing::warn!(run_id, "what became of former accounts is not known: {why}");
    let formers = Formers {
        former: Vec::new(),
        former_error: Some(why),
    };
    Ok((accounts, formers))
}

/// The accounts that were missing in the last run, and are not back.
async fn missing<S: Store>(
    store: &S,
    run_id: &str,
    accounts: &Complete<Vec<Account>>,
) -> Result<Vec<AccountId>> {
    let Some(memory) = find_memory(store, run_id).await? else {
        return Ok(Vec::new());
    };
    let mut missing: BTreeSet<AccountId> = memory
        .absent
        .into_iter()
        .map(|one| one.salesforce_id)
        .collect();
    for account in accounts.get() {
        missing.remove(&account.id()?);
    }
    Ok(missing.into_iter().collect())
}

fn note_taken_lease(event: &GatherAccountsEvent) {
    let taken_from = &event.lease_taken_from;
    if taken_from.is_empty() {
        return;
    }
    tracing::warn!(
        run_id = %event.run_id,
        lease_taken_from = taken_from,
        "the lease was taken over from a run that had ended without releasing it"
    );
    record(Metric::LeaseTakenOver, 1);
}
