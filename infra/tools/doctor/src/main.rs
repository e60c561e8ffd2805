//! `make doctor`: looks for what would end the first run, and writes nothing.
//!
//! Settings come from the environment, as a Lambda has them; secrets from AWS Secrets Manager, or
//! from the folder that `SECRETS` names. A check is the code that a run uses itself, or a read of
//! its own.
//! Ends with 0 if nothing fails, else with 1.

mod findings;
mod salesforce;
mod secrets;
mod settings;
mod zendesk;

use std::process::ExitCode;

use findings::Findings;
use secrets::Source;
use settings::Settings;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let mut findings = Findings::default();
    examine(&mut findings).await;
    findings.end()
}

async fn examine(findings: &mut Findings) {
    let Settings {
        gather_accounts,
        gather_orgs,
    } = settings::read(findings);
    let Some(secrets) = findings.took("aws", Source::from_env()) else {
        return;
    };
    if let Some(settings) = gather_accounts {
        salesforce::examine(findings, &secrets, &settings).await;
    }
    if let Some(settings) = gather_orgs {
        zendesk::examine_all(findings, &secrets, &settings).await;
    }
}
