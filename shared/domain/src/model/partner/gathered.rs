//! `accounts.json` and `organizations.json`: what a run has gathered, and that nothing is missing.
//!
//! Source: contract, section 4.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Account, Complete, Former, Organization};
use crate::model::run::Header;
use crate::{Error, Result};

/// `accounts.json`: every authorised partner account.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Accounts {
    #[serde(flatten)]
    pub header: Header,
    /// The host they were read from, with the port if it is not the usual one; for links. Empty in
    /// a document of an earlier version.
    #[serde(default)]
    pub host: String,
    /// Sorted by id.
    pub accounts: Vec<Account>,
    /// What became of accounts that are gone.
    #[serde(flatten)]
    pub formers: Formers,
}

/// What Salesforce says became of the missing accounts. Only an explanation: a run goes on without
/// it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Formers {
    /// Sorted by id.
    #[serde(default)]
    pub former: Vec<Former>,
    /// Why that is not known, if the question failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub former_error: Option<String>,
}

impl Accounts {
    /// A document of a complete read, sorted.
    ///
    /// # Errors
    /// [`Error::Contract`] if an account has no usable id.
    pub fn new(
        run_id: &str,
        now: Timestamp,
        host: String,
        accounts: Complete<Vec<Account>>,
        formers: Formers,
    ) -> Result<Self> {
        let mut keyed = accounts
            .into_inner()
            .into_iter()
            .map(|account| Ok((account.id()?, account)))
            .collect::<Result<Vec<_>>>()?;
        keyed.sort_by(|(a, _), (b, _)| a.cmp(b));
        let accounts: Vec<_> = keyed.into_iter().map(|(_, account)| account).collect();
        Ok(Self {
            header: Header::new(run_id, now, accounts.len()),
            host,
            accounts,
            formers,
        })
    }

    /// The accounts as a complete read, since only a complete read is ever stored as this document.
    ///
    /// # Errors
    /// [`Error::Contract`] if the document is another run's, or does not hold together;
    /// [`Error::Incomplete`] if an id comes twice.
    pub fn into_complete(self, run_id: &str) -> Result<Complete<Vec<Account>>> {
        self.header
            .check("accounts.json", run_id, self.accounts.len())?;
        let ids = self.accounts.iter().map(Account::id);
        if let Some(id) = twice(ids.collect::<Result<_>>()?) {
            return Err(Error::Incomplete(format!(
                "accounts.json: account {id} came twice; start a new run"
            )));
        }
        Ok(Complete::proven(self.accounts))
    }
}

/// What was read of one Zendesk instance.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Instance {
    /// `global` or `us-government`.
    pub name: String,
    /// The host it was read from, with the port if it is not the usual one. sync writes to no
    /// other. Empty in a document of an earlier version.
    #[serde(default)]
    pub host: String,
    /// All organizations the walk saw.
    pub organizations_scanned: usize,
    /// Those with a partner's account type.
    pub partner_organizations: usize,
    pub pages: usize,
    /// Seconds the walk took.
    pub seconds: f64,
    /// True if it was read to its last page.
    pub complete: bool,
    /// Why it was not read to its end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// `organizations.json`: the partner organizations of all instances, and their lookalikes.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Organizations {
    /// The header; its count is that of `organizations`.
    #[serde(flatten)]
    pub header: Header,
    /// Partner organizations, sorted by instance, then id.
    pub organizations: Vec<Organization>,
    /// Others with an account's id or name, or a mark of ours.
    pub lookalikes: Vec<Organization>,
    pub instances: Vec<Instance>,
}

impl Organizations {
    /// Organizations seen, on all instances.
    pub fn scanned(&self) -> usize {
        self.instances
            .iter()
            .map(|instance| instance.organizations_scanned)
            .sum()
    }

    /// The document as a complete read of `target`. Another instance may have been read in part:
    /// nothing is decided by it.
    ///
    /// # Errors
    /// [`Error::Contract`] if the document is another run's or does not hold together,
    /// [`Error::Incomplete`] if `target` was not read, or not to its end.
    pub fn into_complete(self, run_id: &str, target: &str) -> Result<Complete<Self>> {
        self.header
            .check("organizations.json", run_id, self.organizations.len())?;
        let incomplete = |what: String| {
            Err(Error::Incomplete(format!(
                "organizations.json: {what}; start a new run"
            )))
        };
        let of_target = self.instances.iter().find(|one| one.name == target);
        if !of_target.is_some_and(|instance| instance.complete) {
            return incomplete(format!("instance {target} was not read to its end"));
        }
        let all = self.organizations.iter().chain(&self.lookalikes);
        let ids = all.map(|organization| (organization.instance.as_str(), organization.id));
        if let Some((_, id)) = twice(ids.collect()) {
            return incomplete(format!("organization {id} came twice"));
        }
        Ok(Complete::proven(self))
    }
}

/// An id that comes twice. The documents are sorted, so sorting them costs next to nothing.
fn twice<Id: Ord + Clone>(mut ids: Vec<Id>) -> Option<Id> {
    ids.sort_unstable();
    let mut neighbours = ids.iter().zip(ids.iter().skip(1));
    let found = neighbours.find(|(one, next)| one == next);
    found.map(|(id, _)| id.clone())
}

#[cfg(test)]
mod tests {
    use super::super::Fields;
    use super::*;

    const TARGET: &str = "global";

    fn instance(name: &str, complete: bool) -> Instance {
        Instance {
            name: name.to_owned(),
            host: String::new(),
            organizations_scanned: 0,
            partner_organizations: 0,
            pages: 1,
            seconds: 0.0,
            complete,
            error: None,
        }
    }

    fn organization(instance: &str, id: u64) -> Organization {
        Organization {
            instance: instance.into(),
            id,
            name: "Acme".into(),
            external_id: None,
            updated_at: "".into(),
            organization_fields: Fields::default(),
        }
    }

    fn read(partners: Vec<Organization>, lookalikes: Vec<Organization>) -> Organizations {
        Organizations {
            header: Header::new("r", Timestamp::UNIX_EPOCH, partners.len()),
            organizations: partners,
            lookalikes,
            instances: vec![instance(TARGET, true), instance("us-government", false)],
        }
    }

    #[test]
    fn an_organization_that_comes_twice_is_no_complete_read() {
        let one = || organization(TARGET, 1);
        let fault = |document: Organizations| {
            let complete = document.into_complete("r", TARGET);
            complete.err().map(|error| error.name())
        };
        let elsewhere = organization("us-government", 1);
        let two = vec![organization(TARGET, 2), elsewhere];
        assert_eq!(fault(read(vec![one()], two)), None);
        let incomplete = Some("Sync.Incomplete");
        assert_eq!(fault(read(vec![one(), one()], Vec::new())), incomplete);
        assert_eq!(fault(read(vec![one()], vec![one()])), incomplete);
    }

    #[test]
    fn only_the_target_must_have_been_read_to_its_end() {
        let fault = |instances| {
            let document = Organizations {
                instances,
                ..read(vec![organization(TARGET, 1)], Vec::new())
            };
            let complete = document.into_complete("r", TARGET);
            complete.err().map(|error| error.name())
        };
        let (whole, cut) = (instance(TARGET, true), instance(TARGET, false));
        let other = |complete| instance("us-government", complete);
        assert_eq!(fault(vec![other(false), whole]), None);
        let incomplete = Some("Sync.Incomplete");
        assert_eq!(fault(vec![other(true), cut]), incomplete);
        assert_eq!(fault(vec![other(true)]), incomplete);
    }
}
