//! What a walk over the instances has found so far.

use std::collections::HashSet;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use shared::Result;
use shared::deadline::Pauses;
use shared::model::{
    Account, AccountId, Complete, Header, Instance, Organization, Organizations, Reading, Usage,
    name_key,
};
use shared::zendesk::{ListedOrganization, OrganizationsPage};

/// The ids and names of the gathered accounts: an organization of another type with one of them is
/// a lookalike.
#[derive(Debug, Default)]
pub struct Wanted {
    ids: HashSet<AccountId>,
    names: HashSet<String>,
}

impl Wanted {
    /// The ids and names of these accounts.
    ///
    /// # Errors
    /// [`shared::Error::Contract`] if an account has no usable id.
    pub fn of(accounts: &Complete<Vec<Account>>) -> Result<Self> {
        let mut wanted = Self::default();
        for account in accounts.get() {
            wanted.ids.insert(account.id()?);
            wanted.names.insert(name_key(&account.name));
        }
        Ok(wanted)
    }

    fn resembles(&self, listed: &ListedOrganization) -> bool {
        let id = listed.account_id();
        id.is_some_and(|id| self.ids.contains(&id)) || self.names.contains(&name_key(&listed.name))
    }
}

/// Progress of the stage. It grows with the organizations kept, and by one id for each one dropped.
#[derive(Debug, Serialize, Deserialize)]
pub struct Scan {
    #[serde(flatten)]
    header: Header,
    /// True once the target's organization fields were checked.
    pub fields_fit: bool,
    organizations: Vec<Organization>,
    lookalikes: Vec<Organization>,
    instances: Vec<Instance>,
    /// The instance that is being read.
    open: Option<OpenWalk>,
    /// Pauses Zendesk asked for since the last page.
    pub throttled: Pauses,
    /// What the invocations before used.
    #[serde(default)]
    pub usage: Usage,
}

/// Empty pages in a row that a walk goes through, if each moves the cursor. Source: contract,
/// section 2, gather-orgs.
const MOST_EMPTY_PAGES: u32 = 5;

/// A walk that has not come to its end.
#[derive(Debug, Serialize, Deserialize)]
struct OpenWalk {
    instance: Instance,
    cursor: Option<String>,
    /// Empty pages since the last one with an organization.
    #[serde(default)]
    empty_pages: u32,
    seen: Vec<u64>,
    began: Timestamp,
}

impl Scan {
    /// A scan that has read nothing.
    #[must_use]
    pub fn new(run_id: &str) -> Self {
        Self {
            header: Header::new(run_id, 0),
            fields_fit: false,
            organizations: Vec::new(),
            lookalikes: Vec::new(),
            instances: Vec::new(),
            open: None,
            throttled: Pauses::default(),
            usage: Usage::default(),
        }
    }

    /// A stored scan to go on with. `document` names it in errors.
    ///
    /// # Errors
    /// [`shared::Error::Contract`] if it is another run's.
    pub fn resumed(self, document: &str, run_id: &str) -> Result<Self> {
        self.header.check(document, run_id, self.header.count)?;
        Ok(self)
    }

    /// The execution's name.
    #[must_use]
    pub fn run_id(&self) -> &str {
        &self.header.run_id
    }

    /// True if the instance was read to its end.
    #[must_use]
    pub fn has_read(&self, instance: &str) -> bool {
        self.instances.iter().any(|one| one.name == instance)
    }

    /// Organizations seen so far, on all instances.
    #[must_use]
    pub fn scanned(&self) -> usize {
        self.instances
            .iter()
            .chain(self.open.as_ref().map(|open| &open.instance))
            .map(|one| one.organizations_scanned)
            .sum()
    }

    /// Where the walk over an instance goes on.
    #[must_use]
    pub fn cursor(&self, instance: &str) -> Option<&str> {
        self.open
            .as_ref()
            .filter(|open| open.instance.name == instance)?
            .cursor
            .as_deref()
    }

    /// Takes a page of an instance that is served by `host`: keeps partners and lookalikes, drops
    /// the others. True if it was the instance's last one.
    ///
    /// # Errors
    /// [`shared::Error::Incomplete`] if an organization came twice, or the walk cannot go on, or
    /// goes through too many empty pages.
    pub fn take(
        &mut self,
        name: &str,
        host: &str,
        page: OrganizationsPage,
        wanted: &Wanted,
    ) -> Result<bool> {
        let mut walk = self
            .open
            .take()
            .filter(|walk| walk.instance.name == name)
            .unwrap_or_else(|| OpenWalk::new(name, host));
        let mut reading = Reading::new(format!("zendesk {name}"), walk.seen);
        let next = page
            .next(walk.cursor.as_deref())
            .map(|next| next.map(str::to_owned));
        walk.empty_pages = if page.organizations.is_empty() {
            walk.empty_pages + 1
        } else {
            0
        };
        for listed in page.organizations {
            reading.saw(listed.id)?;
            if listed.is_partner() {
                walk.instance.partner_organizations += 1;
                self.organizations.push(listed.into_organization(name)?);
            } else if wanted.resembles(&listed) {
                self.lookalikes.push(listed.into_organization(name)?);
            }
        }
        self.throttled.went_forward();
        walk.instance.pages += 1;
        walk.instance.organizations_scanned = reading.count();
        walk.instance.seconds = Timestamp::now().duration_since(walk.began).as_secs_f64();
        walk.cursor = next.map_err(|why| reading.incomplete(why))?;
        if walk.cursor.is_some() && walk.empty_pages > MOST_EMPTY_PAGES {
            let why = format!("{} empty pages in a row", walk.empty_pages);
            return Err(reading.incomplete(&why));
        }
        if walk.cursor.is_some() {
            walk.seen = reading.ids().copied().collect();
            self.open = Some(walk);
            return Ok(false);
        }
        reading.finish(None, ())?;
        self.instances.push(Instance {
            complete: true,
            ..walk.instance
        });
        Ok(true)
    }

    /// The document, sorted by instance, then id.
    #[must_use]
    pub fn into_document(self) -> Organizations {
        let Self {
            header,
            fields_fit: _,
            mut organizations,
            mut lookalikes,
            instances,
            open: _,
            throttled: _,
            usage: _,
        } = self;
        for list in [&mut organizations, &mut lookalikes] {
            list.sort_by(|a, b| (&a.instance, a.id).cmp(&(&b.instance, b.id)));
        }
        Organizations {
            header: Header::new(&header.run_id, organizations.len()),
            organizations,
            lookalikes,
            instances,
        }
    }
}

impl OpenWalk {
    fn new(name: &str, host: &str) -> Self {
        Self {
            instance: Instance {
                name: name.to_owned(),
                host: host.to_owned(),
                organizations_scanned: 0,
                partner_organizations: 0,
                pages: 0,
                seconds: 0.0,
                complete: false,
            },
            cursor: None,
            empty_pages: 0,
            seen: Vec::new(),
            began: Timestamp::now(),
        }
    }
}
