//! Stage 1: the authorised partner accounts of Salesforce, mapped, in `accounts.json`.

mod former;

use std::collections::BTreeSet;
use std::time::Duration;

use domain::model::{Account, Accounts, Complete, Formers, Usage, run_key};
use domain::{Error, Result};
use lambda_runtime::LambdaEvent;
use serde_json::Value;
use stage::deadline::refuse_after_an_hour;
use stage::events::{ExecutionInput, GatherAccountsEvent, GatheredAccounts, parse};
use stage::metrics::{Metric, record, record_usage};
use stage::recall::find_memory;
use stage::secrets::Secrets;
use stage::settings::GatherAccounts;
use stage::store::Store;
use vendors::http::Wire;
use vendors::salesforce::{Client, Credentials};

/// How long reading the accounts may take, of the 300 s of an invocation: 57 s for a token (tries
/// for 32 s, a pause of 5 s, a last try of 20 s), 150 s for a whole try of the query, and 13 s for
/// its further pages. A query that fails early, or a read that is begun anew, has what is left.
/// Then 60 s are for the question about former accounts, and 20 s for the secret, the memory and
/// the document.
const LONGEST_READ: Duration = Duration::from_secs(220);

/// Reads the accounts and writes `accounts.json`.
///
/// # Errors
/// [`Error::Input`] before anything is read, [`Error::Incomplete`] an hour after the execution's
/// start, [`Error::Transient`] if the accounts are not read in time; otherwise as for
/// [`Client::partner_accounts`]. Nothing is written then.
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
    refuse_after_an_hour(event.started_at, began)?;
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

/// The authorised accounts, and what became of the missing ones.
async fn read<S: Store>(
    client: &mut Client,
    config: &GatherAccounts,
    store: &S,
    run_id: &str,
) -> Result<(Complete<Vec<Account>>, Formers), Error> {
    let accounts = client.partner_accounts(&config.mapping);
    let accounts = tokio::time::timeout(LONGEST_READ, accounts).await;
    let accounts = accounts.map_err(|_| out_of_time())??;
    let gathered = accounts.get().iter().map(Account::id);
    let gathered = gathered.collect::<Result<BTreeSet<_>>>()?;
    let memory = find_memory(store, run_id).await?;
    let missing = memory.map(|memory| former::missing(&memory, &gathered));
    let missing = missing.unwrap_or_default();
    let formers = former::ask(client, run_id, &missing, &gathered, &config.mapping).await;
    Ok((accounts, formers))
}

fn out_of_time() -> Error {
    Error::Transient(format!(
        "salesforce: the accounts were not read within {} s; look at the org's load and at its \
         long-running queries",
        LONGEST_READ.as_secs()
    ))
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

#[cfg(test)]
mod tests {
    use vendors::http::retry::{LONGEST_SLEEP_SECONDS, LONGEST_TRYING};
    use vendors::salesforce::{QUERY_TIMEOUT, TOKEN_TIMEOUT};

    use super::*;

    #[test]
    fn a_slow_token_and_a_slow_query_fit_into_an_invocation() {
        let pause = Duration::from_secs(LONGEST_SLEEP_SECONDS);
        let token = LONGEST_TRYING + pause + TOKEN_TIMEOUT;
        let pages = Duration::from_secs(13);
        assert!(token + QUERY_TIMEOUT + pages <= LONGEST_READ);
        let aws = Duration::from_secs(20);
        let whole = LONGEST_READ + former::LONGEST_ANSWER + aws;
        assert!(whole <= Duration::from_mins(5));
    }

    #[test]
    fn salesforce_ends_a_query_before_its_time_is_up_and_one_that_was_cut_is_not_sent_again() {
        assert!(QUERY_TIMEOUT > Duration::from_mins(2));
        assert!(QUERY_TIMEOUT >= LONGEST_TRYING);
    }
}
