//! The org: secret, token, API version, fields, accounts, calls left.

use std::collections::BTreeMap;

use domain::model::{Account, Mapping};
use domain::{Error, Result};
use stage::clock::Clock;
use stage::secrets::Secrets;
use stage::settings::GatherAccounts;
use vendors::http::Wire;
use vendors::salesforce::{Client, Credentials, check_columns};

use crate::findings::Findings;

/// Looks at everything a run needs of the org. Ends at the first failure: what comes after it would
/// fail for the same reason.
pub async fn examine<K: Secrets>(findings: &mut Findings, secrets: &K, settings: &GatherAccounts) {
    let Some(mut client) = sign_in(findings, secrets, &settings.secret).await else {
        return;
    };
    let _ = look(findings, &mut client, settings).await;
}

async fn sign_in<K: Secrets>(findings: &mut Findings, secrets: &K, name: &str) -> Option<Client> {
    let credentials = match secrets.secret(name).await {
        Ok(text) => Credentials::read(name, &text),
        Err(error) => Err(error),
    };
    let credentials = findings.took("salesforce: secret", credentials)?;
    let auth = credentials.describe().auth;
    findings.ok("salesforce: secret", &format!("{name}, {auth}"));
    let client = Client::new(credentials, &Wire::by(Clock::system()));
    let mut client = findings.took("salesforce: token", client)?;
    let host = findings.took("salesforce: token", client.sign_in().await)?;
    findings.ok("salesforce: token", &format!("granted, for {host}"));
    Some(client)
}

async fn look(
    findings: &mut Findings,
    client: &mut Client,
    settings: &GatherAccounts,
) -> Option<()> {
    let topic = "salesforce: API version";
    let version = findings.took(topic, version(client).await)?;
    findings.ok(topic, &version);

    let mapping = &settings.mapping;
    let topic = format!("salesforce: fields of {}", mapping.object);
    let fields = client.account_fields(&mapping.object).await;
    let fields = findings.took(&topic, fields)?;
    findings.took(&topic, check_columns(&fields, mapping))?;
    findings.ok(&topic, "each is there, with its type");

    let topic = "salesforce: accounts";
    let accounts = client.partner_accounts(mapping).await;
    let accounts = findings.took(topic, accounts)?.into_inner();
    if accounts.is_empty() {
        findings.warn(
            topic,
            "not one authorised partner account is visible; check the user's sharing rules, and \
             that the org uses the values the query asks for (docs/SETUP.md, \"Salesforce\")",
        );
    } else {
        let number = accounts.len();
        findings.ok(topic, &format!("{number} authorised partner accounts"));
        tell_lookups(findings, &accounts, mapping);
    }
    tell_calls(findings, client);
    Some(())
}

/// A lookup with an id and without a record leads to what the user may not see.
fn tell_lookups(findings: &mut Findings, accounts: &[Account], mapping: &Mapping) {
    let topic = "salesforce: lookups";
    let mut unseen = BTreeMap::<_, usize>::new();
    for field in accounts.iter().flat_map(|one| one.unseen(mapping)) {
        *unseen.entry(field.source.as_str()).or_default() += 1;
    }
    if unseen.is_empty() {
        findings.ok(topic, "the records they lead to may be seen");
    }
    for (source, number) in unseen {
        findings.warn(
            topic,
            &format!(
                "the user may not see the record that {source} leads to in {number} of {} \
                 accounts, so that field of their organizations stays as it is; give the user \
                 read access to these records (docs/SETUP.md, \"Salesforce\")",
                accounts.len()
            ),
        );
    }
}

async fn version(client: &mut Client) -> Result<String> {
    let served = client.api_versions().await?;
    let wanted = client.api_version();
    if served.iter().any(|version| version == wanted) {
        return Ok(wanted.to_owned());
    }
    let newest = served.last().map_or("none", String::as_str);
    Err(Error::Config(format!(
        "the org does not serve {wanted}; set api_version in the secret, {newest} is its newest"
    )))
}

fn tell_calls(findings: &mut Findings, client: &Client) {
    let topic = "salesforce: API calls";
    let Some((used, allowed)) = client.calls_used() else {
        findings.ok(topic, "the org does not say how many are used");
        return;
    };
    let words = format!("{used} of {allowed} in 24 hours are used");
    if used * 10 < allowed * 8 {
        findings.ok(topic, &words);
    } else {
        let why = "a run needs few, but fails once they are used up";
        findings.warn(topic, &format!("{words}; {why}"));
    }
}
