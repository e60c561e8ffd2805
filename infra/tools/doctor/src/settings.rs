//! The settings of all four Lambdas, by the code that reads them there.

use stage::settings::{Env, GatherAccounts, GatherOrgs, process_env};

use crate::findings::Findings;

/// What the checks of the vendors need.
pub struct Settings {
    /// `None` if they are wrong.
    pub gather_accounts: Option<GatherAccounts>,
    /// `None` if they are wrong.
    pub gather_orgs: Option<GatherOrgs>,
}

/// Reads the settings, and tells what is wrong with them.
pub fn read(findings: &mut Findings) -> Settings {
    let env = || Env::new(process_env);
    let compare = findings.took("settings: compare", env().compare());
    let sync = findings.took("settings: sync", env().sync());
    let gather_accounts = findings.took("settings: gather-accounts", env().gather_accounts());
    let gather_orgs = findings.took("settings: gather-orgs", env().gather_orgs());
    let all = (&compare, &sync, &gather_accounts, &gather_orgs);
    if let (Some(_), Some(_), Some(_), Some(_)) = all {
        findings.ok("settings", "all allowed");
    }
    Settings {
        gather_accounts,
        gather_orgs,
    }
}
