//! Stage 1: the authorised partner accounts of Salesforce, mapped, in `accounts.json`.

use std::time::Instant;

use lambda_runtime::LambdaEvent;
use serde_json::Value;
use shared::config::GatherAccounts;
use shared::http::Meter;
use shared::lambda::{ExecutionInput, GatherAccountsEvent, GatheredAccounts, parse, run_id_of};
use shared::model::{Accounts, Usage};
use shared::salesforce::{Client, Credentials};
use shared::secrets::Secrets;
use shared::store::{Store, key};
use shared::telemetry::{Metric, log_failed, record, record_usage};
use shared::{Error, Result};

/// Reads the accounts and writes `accounts.json`.
///
/// # Errors
/// [`Error::Input`] before anything is read; otherwise as for [`Client::partner_accounts`]. Nothing
/// is written then.
pub async fn handler<S: Store, K: Secrets>(
    config: &Result<GatherAccounts, Error>,
    store: &S,
    secrets: &K,
    event: LambdaEvent<Value>,
) -> Result<GatheredAccounts, Error> {
    let (run_id, meter) = (run_id_of(&event.payload), Meter::default());
    let gathered = gather(config, store, secrets, &meter, event).await;
    gathered.inspect_err(|error| log_failed("gather-accounts", &run_id, error, &meter.take_ids()))
}

async fn gather<S: Store, K: Secrets>(
    config: &Result<GatherAccounts, Error>,
    store: &S,
    secrets: &K,
    meter: &Meter,
    event: LambdaEvent<Value>,
) -> Result<GatheredAccounts, Error> {
    let began = Instant::now();
    let GatherAccounts {
        bucket: _,
        secret,
        alliances,
    } = config.as_ref().map_err(Clone::clone)?;
    let GatherAccountsEvent {
        run_id,
        input,
        lease_taken_from,
    } = parse(event.payload)?;
    ExecutionInput::read(&input)?;
    if !lease_taken_from.is_empty() {
        tracing::warn!(run_id = %run_id, lease_taken_from, "the lease was taken over from a run \
                                                            that had ended without releasing it");
        record(Metric::LeaseTakenOver, 1);
    }

    let credentials = Credentials::read(secret, &secrets.secret(secret).await?)?;
    let described = credentials.describe();
    let mut client = Client::new(credentials, meter)?;
    let read = client.partner_accounts(alliances).await;
    let usage = Usage {
        pages: client.pages,
        ..meter.take().usage(began, vec![described])
    };
    record_usage(&usage);

    let document = Accounts::new(&run_id, read?)?;
    let count = document.accounts.len();
    let accounts = store
        .put_json(&key(&run_id, "accounts.json"), &document, count)
        .await?;
    record(Metric::Accounts, count);
    let Usage {
        pages,
        calls,
        throttled,
        milliseconds,
        ..
    } = usage;
    let request_ids = meter.take_ids();
    tracing::info!(
        run_id = %run_id,
        accounts = count,
        pages,
        calls,
        throttled,
        milliseconds,
        request_ids,
        "accounts gathered"
    );
    Ok(GatheredAccounts { accounts, usage })
}
