//! What a walk over the instances has found so far.

use std::collections::HashSet;
use std::sync::Arc;

use compact_str::CompactString;
use domain::model::{
    Account, AccountId, Complete, FoldedId, Header, Instance, Mapping, Memory, Organization,
    Organizations, Reading, SeenIds, Usage, name_key,
};
use domain::{Error, Result};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use stage::deadline::Pauses;
use vendors::zendesk::{ListedOrganization, OrganizationsPage};

/// What makes an organization of another type worth keeping: the id or the name of a gathered
/// account, or a mark of this pipeline.
#[derive(Debug, Default)]
pub struct Wanted {
    /// Who is a partner.
    pub mapping: Arc<Mapping>,
    ids: HashSet<AccountId>,
    folded_ids: HashSet<FoldedId>,
    names: HashSet<CompactString>,
    /// Organizations of the target that the memory lists as marked by us.
    own_marks: HashSet<u64>,
}

impl Wanted {
    /// The ids and names of these accounts, and the marks of the memory.
    ///
    /// # Errors
    /// [`domain::Error::Contract`] if an account has no usable id.
    pub fn of(
        accounts: &Complete<Vec<Account>>,
        memory: Option<&Memory>,
        mapping: &Arc<Mapping>,
    ) -> Result<Self> {
        let mut wanted = Self {
            mapping: Arc::clone(mapping),
            ..Self::default()
        };
        let own_marks = memory.into_iter().flat_map(|memory| &memory.marked);
        wanted.own_marks.extend(own_marks.map(|mark| mark.id));
        for account in accounts.get() {
            let id = account.id()?;
            wanted.folded_ids.insert(FoldedId::of(&id));
            wanted.ids.insert(id);
            wanted.names.insert(name_key(&account.name));
        }
        Ok(wanted)
    }

    /// True if an organization that an instance lists is to be kept: a partner's, or a lookalike.
    pub fn keeps(&self, instance: &str, listed: &ListedOrganization<'_>) -> bool {
        let mapping = &self.mapping;
        let ids = || [listed.account_id(mapping), listed.external_account_id()];
        let folded = || listed.folded_id(mapping);
        listed.is_partner(mapping)
            || ids().iter().flatten().any(|id| self.ids.contains(id))
            || folded().is_some_and(|id| self.folded_ids.contains(&id))
            || self.names.contains(&name_key(&listed.name))
            || (instance == mapping.target.name && self.own_marks.contains(&listed.id))
    }
}

/// The most empty pages in a row that a walk accepts, if each moves the cursor. Source: contract,
/// section 2, gather-orgs, item 6.
const MOST_EMPTY_PAGES: u32 = 5;

/// Progress of the stage: a walk for each instance.
#[derive(Debug, Serialize, Deserialize)]
pub struct Scan {
    #[serde(flatten)]
    header: Header,
    walks: Vec<Walk>,
    /// What the earlier invocations used.
    #[serde(default)]
    pub usage: Usage,
}

/// The walk over one instance. It grows with each organization that is kept, and by one id with
/// each that is dropped.
#[derive(Debug, Serialize, Deserialize)]
pub struct Walk {
    instance: Instance,
    /// True for the instance that is written to.
    is_of_target: bool,
    /// True once the organization fields were checked; only the target's are.
    pub fields_fit: bool,
    organizations: Vec<Organization>,
    lookalikes: Vec<Organization>,
    cursor: Option<String>,
    /// Empty pages since the last one with an organization.
    empty_pages: u32,
    reading: Reading<SeenIds>,
    began: Timestamp,
    /// Pauses Zendesk asked for since the last page.
    pub throttled: Pauses,
    /// Seconds of all pauses.
    pub waited_seconds: u64,
}

impl Scan {
    /// A scan that has read nothing.
    pub fn new(run_id: &str, now: Timestamp) -> Self {
        Self {
            header: Header::new(run_id, now, 0),
            walks: Vec::new(),
            usage: Usage::default(),
        }
    }

    /// A stored scan to go on with. `document` names it in errors.
    ///
    /// # Errors
    /// [`domain::Error::Contract`] if it is another run's.
    pub fn resumed(self, document: &str, run_id: &str) -> Result<Self> {
        self.header.check(document, run_id, self.header.count)?;
        Ok(self)
    }

    pub fn run_id(&self) -> &str {
        &self.header.run_id
    }

    /// Organizations seen so far, on all instances.
    pub fn scanned(&self) -> usize {
        let instances = self.walks.iter().map(|walk| &walk.instance);
        instances.map(|one| one.organizations_scanned).sum()
    }

    /// True if the instance was read to its end, or given up.
    pub fn has_ended(&self, instance: &str) -> bool {
        let mut walks = self.walks.iter().map(|walk| &walk.instance);
        walks.any(|one| one.name == instance && (one.complete || one.error.is_some()))
    }

    /// The walks so far.
    pub fn walks(&mut self) -> &mut [Walk] {
        &mut self.walks
    }

    /// The walks over these instances, including those that have ended. A missing one is begun.
    pub fn begin(&mut self, instances: &[String], target: &str, now: Timestamp) -> &mut [Walk] {
        for name in instances {
            if !self.walks.iter().any(|walk| walk.instance.name == *name) {
                self.walks.push(Walk::new(name, name == target, now));
            }
        }
        self.walks()
    }

    /// The document, sorted by instance, then id.
    pub fn into_document(self, now: Timestamp) -> Organizations {
        let mut organizations = Vec::new();
        let mut lookalikes = Vec::new();
        let mut instances = Vec::new();
        for walk in self.walks {
            organizations.extend(walk.organizations);
            lookalikes.extend(walk.lookalikes);
            instances.push(walk.instance);
        }
        for list in [&mut organizations, &mut lookalikes] {
            list.sort_by(|a, b| (&a.instance, a.id).cmp(&(&b.instance, b.id)));
        }
        Organizations {
            header: Header::new(&self.header.run_id, now, organizations.len()),
            organizations,
            lookalikes,
            instances,
        }
    }
}

impl Walk {
    fn new(name: &str, is_of_target: bool, began: Timestamp) -> Self {
        Self {
            instance: Instance {
                name: name.to_owned(),
                host: String::new(),
                organizations_scanned: 0,
                partner_organizations: 0,
                pages: 0,
                seconds: 0.0,
                complete: false,
                error: None,
            },
            is_of_target,
            fields_fit: false,
            organizations: Vec::new(),
            lookalikes: Vec::new(),
            cursor: None,
            empty_pages: 0,
            reading: Reading::new(format!("zendesk {name}")),
            began,
            throttled: Pauses::default(),
            waited_seconds: 0,
        }
    }

    pub fn name(&self) -> &str {
        &self.instance.name
    }

    /// True for the instance that is written to.
    pub fn is_of_target(&self) -> bool {
        self.is_of_target
    }

    pub fn cursor(&self) -> Option<&str> {
        self.cursor.as_deref()
    }

    /// Ends the walk early, and notes why.
    pub fn give_up(&mut self, error: &Error) {
        self.instance.error = Some(error.to_string());
    }

    /// Takes a page that was served by `host`, reduced to the partners and lookalikes in it.
    /// True if it was the last one.
    ///
    /// # Errors
    /// [`domain::Error::Incomplete`] if an organization came twice, or the walk cannot go on, or
    /// goes through too many empty pages.
    pub fn take(
        &mut self,
        host: &str,
        page: OrganizationsPage,
        mapping: &Mapping,
        now: Timestamp,
    ) -> Result<bool> {
        let next = page
            .next(self.cursor.as_deref())
            .map(|next| next.map(str::to_owned));
        let OrganizationsPage { ids, kept, .. } = page;
        self.empty_pages = if ids.is_empty() {
            self.empty_pages + 1
        } else {
            0
        };
        for id in ids {
            self.reading.saw(&id)?;
        }
        let kept = kept.into_iter();
        let (partners, lookalikes): (Vec<_>, Vec<_>) =
            kept.partition(|organization| organization.is_partner(mapping));
        self.instance.partner_organizations += partners.len();
        self.organizations.extend(partners);
        self.lookalikes.extend(lookalikes);
        self.throttled.went_forward();
        host.clone_into(&mut self.instance.host);
        self.instance.pages += 1;
        self.instance.organizations_scanned = self.reading.count();
        self.instance.seconds = now.duration_since(self.began).as_secs_f64();
        self.cursor = next.map_err(|why| self.reading.incomplete(why))?;
        if self.cursor.is_none() {
            self.instance.complete = true;
            return Ok(true);
        }
        if self.empty_pages > MOST_EMPTY_PAGES {
            let why = format!("{} empty pages in a row", self.empty_pages);
            return Err(self.reading.incomplete(&why));
        }
        Ok(false)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use serde_json::{Value, json};

    use super::*;

    const ACCOUNT: &str = "0014M00001sDiGEQA0";

    /// What is wanted if there is one account.
    fn wanted() -> Wanted {
        let record = json!({
            "Account_ID_18__c": ACCOUNT, "Name": "Acme GmbH", "Account_Owner_Calc__c": null,
            "Technical_Account_Manager_Name__c": null, "Restricted_Account__c": null,
            "Solutions_Architect_Lookup__r": null, "Solutions_Architect_Lookup__c": null,
            "Partner_Track__c": "Open", "Support_Hold__c": false, "Account_Risk_Level__c": null,
            "Type": "Partner", "Partners_Partner_Status__c": "Authorized",
        });
        let mapping = Arc::new(config::read(config::PRODUCTS_OWN).unwrap());
        let account = Account::from_record(record.as_object().unwrap(), &mapping).unwrap();
        let mut reading = Reading::<HashSet<AccountId>>::new("test");
        reading.saw(&account.id().unwrap()).unwrap();
        let accounts = reading.finish(Some(1), vec![account]).unwrap();
        Wanted::of(&accounts, None, &mapping).unwrap()
    }

    /// True if a customer with these values is kept.
    fn keeps(salesforce_id: &str, external_id: &Value) -> bool {
        let listed = json!({
            "id": 1, "name": "Somebody else", "external_id": external_id,
            "organization_fields": {"account_type": "customer", "salesforce_id": salesforce_id},
        });
        let listed = listed.to_string();
        let wanted = wanted();
        let listed: ListedOrganization<'_> = serde_json::from_str(&listed).unwrap();
        wanted.keeps("global", &listed)
    }

    #[test]
    fn an_accounts_id_is_kept_in_either_length_and_as_external_id() {
        for text in [ACCOUNT, &ACCOUNT[..15]] {
            assert!(keeps(text, &Value::Null), "{text}");
            assert!(keeps("", &json!(text)), "{text}");
        }
        assert!(!keeps("001D000000IRFmaIAH", &Value::Null));
    }

    #[test]
    fn an_accounts_id_of_fifteen_characters_that_was_folded_is_kept() {
        for folded in [ACCOUNT[..15].to_lowercase(), ACCOUNT[..15].to_uppercase()] {
            assert!(keeps(&folded, &Value::Null), "{folded}");
        }
        assert!(!keeps("001d000000irfma", &Value::Null));
        assert!(!keeps("0014m00001sDiGE", &Value::Null), "of both cases");
    }

    #[test]
    fn an_accounts_name_is_kept_in_every_spelling_and_no_other_name() {
        let keeps = |name: &str| {
            let listed = json!({"id": 1, "name": name, "organization_fields": {}}).to_string();
            let listed: ListedOrganization<'_> = serde_json::from_str(&listed).unwrap();
            wanted().keeps("global", &listed)
        };
        let spellings = [
            "Acme GmbH",
            " ACME gmbh",
            "Acme\u{a0}GmbH",
            "Acme  GmbH",
            "\u{200e}Acme GmbH",
        ];
        for name in spellings {
            assert!(keeps(name), "{name:?}");
        }
        for name in ["Acme", "AcmeGmbH", "\u{c1}cme GmbH"] {
            assert!(!keeps(name), "{name:?}");
        }
    }
}
