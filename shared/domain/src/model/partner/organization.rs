//! Zendesk organizations, as far as the pipeline cares.

use compact_str::CompactString;
use serde::{Deserialize, Serialize};

use super::{
    ACCOUNT_TYPE, AccountId, EXPIRATION_DATE, FieldValue, Fields, FoldedIds, IGNORE_DELETION, Key,
    MARK_FOR_DELETION, Mapping, Meaning, SALESFORCE_ID,
};

/// An organization with the fields the comparison needs: the managed ones, the mark, and the
/// expiration date. A run holds a hundred thousand of them, and most of their texts fit into the
/// struct itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Organization {
    /// The Zendesk instance it lives on, such as `global`.
    pub instance: CompactString,
    /// Zendesk's id; above 2^32.
    pub id: u64,
    /// The name as Zendesk has it.
    pub name: CompactString,
    /// Set when we create, never touched afterwards.
    pub external_id: Option<CompactString>,
    /// ISO 8601, to the second; tells whether somebody changed the organization since it was read.
    pub updated_at: CompactString,
    /// Organization fields as Zendesk has them, untrimmed; absent keys are unset.
    pub organization_fields: Fields,
}

impl Organization {
    /// A field's value, unset if Zendesk does not name it.
    pub fn field(&self, key: Key) -> &FieldValue {
        self.organization_fields
            .get(key)
            .unwrap_or(&FieldValue::UNSET)
    }

    /// As [`Organization::field`], by the key's name.
    pub fn named_field(&self, name: &str) -> &FieldValue {
        Key::known(name).map_or(&FieldValue::UNSET, |key| self.field(key))
    }

    /// True if its account type is a partner's.
    pub fn is_partner(&self, mapping: &Mapping) -> bool {
        let tag = self.field(ACCOUNT_TYPE).as_text();
        tag.is_some_and(|tag| mapping.is_partner_type(tag))
    }

    /// The end of its last subscription, as Zendesk has it; `None` if blank.
    pub fn expiration_date(&self) -> Option<&str> {
        self.field(EXPIRATION_DATE).as_text()
    }

    /// True if it is marked for deletion.
    pub fn is_marked(&self) -> bool {
        self.field(MARK_FOR_DELETION).is_true()
    }

    /// True if the purge leaves it alone, marked or not.
    pub fn is_exempt(&self) -> bool {
        self.field(IGNORE_DELETION).is_true()
    }

    /// The Salesforce id as text, `None` if blank.
    pub fn salesforce_id(&self) -> Option<&str> {
        self.field(SALESFORCE_ID).as_text()
    }

    /// The account it belongs to, as far as that can be said without knowing the accounts; `None`
    /// if neither its Salesforce id nor its external id is an account id.
    pub fn account_id(&self) -> Option<AccountId> {
        AccountId::of_organization(self.salesforce_id(), self.external_id.as_deref())
    }

    /// The account it belongs to: as [`Organization::account_id`], but a Salesforce id of 15
    /// characters that was folded is the account's that has it but for the case. If several have,
    /// it cannot be read, and the external id counts.
    pub fn account_id_among(&self, accounts: &FoldedIds) -> Option<AccountId> {
        let meaning = self.salesforce_id().and_then(|text| accounts.meaning(text));
        match meaning {
            None => self.account_id(),
            Some(Meaning::Account(account)) => Some(account.clone()),
            Some(Meaning::Several) => AccountId::of_external_id(self.external_id.as_deref()?),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: &str = "0014M00001sDiGE";
    const OTHER: &str = "001D000000IRFmaIAH";

    fn organization(salesforce_id: &str, external_id: Option<&str>) -> Organization {
        let mut fields = Fields::default();
        fields.set(SALESFORCE_ID, FieldValue::Text(Some(salesforce_id.into())));
        Organization {
            instance: "global".into(),
            id: 1,
            name: "Acme".into(),
            external_id: external_id.map(Into::into),
            updated_at: "".into(),
            organization_fields: fields,
        }
    }

    fn among(accounts: &[&str], organization: &Organization) -> Option<String> {
        let accounts = accounts.iter().map(|id| AccountId::parse(id).unwrap());
        let id = organization.account_id_among(&accounts.collect());
        id.map(|id| id.short().to_owned())
    }

    #[test]
    fn a_folded_id_counts_before_the_external_id() {
        let folded = organization(&ONE.to_lowercase(), Some(OTHER));
        assert_eq!(among(&[ONE, OTHER], &folded).as_deref(), Some(ONE));
    }

    #[test]
    fn a_folded_id_of_several_accounts_is_unreadable_and_the_external_id_counts() {
        let neighbours = [ONE, "0014M00001sDiGe"];
        let folded = organization(&ONE.to_lowercase(), None);
        assert_eq!(among(&neighbours, &folded), None);
        let folded = organization(&ONE.to_lowercase(), Some(OTHER));
        assert_eq!(among(&neighbours, &folded).as_deref(), Some(&OTHER[..15]));
    }

    #[test]
    fn without_an_account_a_folded_id_says_what_it_says() {
        let text = ONE.to_lowercase();
        let folded = organization(&text, None);
        assert_eq!(among(&[OTHER], &folded), Some(text.clone()));
        assert_eq!(folded.account_id().unwrap().short(), text);
    }

    #[test]
    fn any_other_id_is_read_whatever_the_accounts_are() {
        for (text, external_id) in [(ONE, None), ("see notes", Some(OTHER)), ("see notes", None)] {
            let read = organization(text, external_id);
            let account = read.account_id().map(|id| id.short().to_owned());
            assert_eq!(among(&[ONE, OTHER], &read), account, "{text}");
        }
    }
}
