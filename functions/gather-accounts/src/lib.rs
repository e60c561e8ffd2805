//! Stage 1: the authorised partner accounts of Salesforce, mapped, in `accounts.json`.

use lambda_runtime::LambdaEvent;
use serde_json::Value;
use shared::config::GatherAccounts;
use shared::lambda::{ExecutionInput, GatherAccountsEvent, GatheredAccounts, parse};
use shared::model::Accounts;
use shared::salesforce::{Client, Credentials};
use shared::secrets::Secrets;
use shared::store::{Store, key};
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
    let GatherAccounts { bucket: _, secret, alliances } = config.as_ref().map_err(Clone::clone)?;
    let GatherAccountsEvent { run_id, input } = parse(event.payload)?;
    ExecutionInput::read(&input)?;

    let credentials = Credentials::read(secret, &secrets.secret(secret).await?)?;
    let accounts = Client::new(credentials)?.partner_accounts(alliances).await?;

    let document = Accounts::new(&run_id, accounts)?;
    let count = document.accounts.len();
    let accounts = store.put_json(&key(&run_id, "accounts.json"), &document, count).await?;
    tracing::info!(run_id = %run_id, accounts = count, "accounts gathered");
    Ok(GatheredAccounts { accounts })
}
