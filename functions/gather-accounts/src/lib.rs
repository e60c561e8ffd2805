//! Stage 1: the authorised partner accounts of Salesforce, mapped, in `accounts.json`.

use std::time::Instant;

use lambda_runtime::LambdaEvent;
use serde_json::Value;
use shared::config::GatherAccounts;
use shared::http::Meter;
use shared::lambda::{ExecutionInput, GatherAccountsEvent, GatheredAccounts, parse};
use shared::model::{Accounts, Usage};
use shared::salesforce::{Client, Credentials};
use shared::secrets::Secrets;
use shared::store::{Store, key};
use shared::telemetry::{Metric, log_failed, record, record_usage};
use shared::{Error, Result};

/// Reads the accounts and writes `accounts.json`.
///
/// # Errors
/// [`Error::Input`] before anything is read; otherwise as for [`Client::partner_accounts`]. Nothing is written then.
pub async fn handler<S: Store, K: Secrets>(
    config: &Result<GatherAccounts, Error>,
    store: &S,
    secrets: &K,
    event: LambdaEvent<Value>,
) -> Result<GatheredAccounts, Error> {
    let began = Instant::now();
    let GatherAccounts { bucket: _, secret, alliances } = config.as_ref().map_err(Clone::clone)?;
    let GatherAccountsEvent { run_id, input, lease_taken_over } = parse(event.payload)?;
    ExecutionInput::read(&input)?;
    if lease_taken_over {
        tracing::warn!(run_id = %run_id, "the lease was taken over from a run that had ended without releasing it");
        record(Metric::LeaseTakenOver, 1);
    }

    let credentials = Credentials::read(secret, &secrets.secret(secret).await?)?;
    let (meter, described) = (Meter::default(), credentials.describe());
    let mut client = Client::new(credentials, &meter)?;
    let read = client.partner_accounts(alliances).await;
    let tally = meter.take();
    let (usage, request_ids) = (tally.usage(began, client.pages, vec![described]), tally.request_ids());
    record_usage(&usage);
    let document = read.and_then(|accounts| Accounts::new(&run_id, accounts));
    let document = document.inspect_err(|error| log_failed("gather-accounts", &run_id, error, &request_ids))?;

    let count = document.accounts.len();
    let accounts = store.put_json(&key(&run_id, "accounts.json"), &document, count).await?;
    record(Metric::Accounts, count);
    let Usage { pages, calls, throttled, milliseconds, .. } = usage;
    tracing::info!(run_id = %run_id, accounts = count, pages, calls, throttled, milliseconds, request_ids, "accounts gathered");
    Ok(GatheredAccounts { accounts, usage })
}
