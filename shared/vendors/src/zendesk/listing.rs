//! Pages of organizations. What names the next page is read first, so that it can be asked for
//! while the rest of this one is read.

use std::borrow::Cow;
use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use domain::model::{
    ACCOUNT_TYPE, AccountId, FieldValue, Fields, FoldedId, Key, Mapping, Organization,
    SALESFORCE_ID, Spelling, Text, known_fields,
};
use domain::{Error, Result, json};

/// One page of the walk over all organizations, without those that are not wanted.
#[derive(Debug)]
pub struct OrganizationsPage {
    /// The ids of all organizations of the page.
    pub ids: Vec<u64>,
    /// The organizations that are wanted.
    pub kept: Vec<Organization>,
    meta: PageMeta,
}

/// A page as Zendesk sends it, borrowed from the reply.
#[derive(Deserialize)]
struct ListedPage<'a> {
    #[serde(borrow)]
    organizations: Vec<ListedOrganization<'a>>,
    meta: PageMeta,
}

#[derive(Debug, Deserialize)]
struct PageMeta {
    has_more: bool,
    #[serde(default)]
    after_cursor: Option<String>,
}

/// A page as it came. What is known of it is at most the cursor of the next page.
pub struct PageBody {
    body: Vec<u8>,
    /// `None` if it was not found.
    meta: Option<PageMeta>,
}

impl PageBody {
    /// A page that names the next one. Any other page is read whole, to know whether it is one.
    ///
    /// # Errors
    /// If it is no JSON, or of another shape.
    pub fn of(body: &[u8]) -> serde_json::Result<Self> {
        match meta_found(body) {
            Some(meta) => Ok(Self {
                body: body.to_vec(),
                meta: Some(meta),
            }),
            None => Self::of_whole(body),
        }
    }

    /// A page that is read whole, to know that it can be.
    ///
    /// # Errors
    /// If it is no JSON, or of another shape.
    pub fn of_whole(body: &[u8]) -> serde_json::Result<Self> {
        json::from_bytes::<ListedPage<'_>>(body)?;
        Ok(Self {
            body: body.to_vec(),
            meta: None,
        })
    }

    /// The cursor of the next page, as far as it is known before this one is read.
    pub fn cursor_ahead(&self, current: Option<&str>) -> Option<String> {
        let next = self.meta.as_ref()?.next(current).ok()?;
        next.map(str::to_owned)
    }

    /// Reads the page of an instance, and keeps the organizations that are wanted.
    ///
    /// # Errors
    /// If it is no JSON, or of another shape; inside, [`Error::Contract`] names an organization
    /// that is wanted, and its field whose value is neither text nor checkbox.
    pub fn read(
        &self,
        instance: &str,
        mapping: &Mapping,
        is_wanted: impl Fn(&ListedOrganization<'_>) -> bool,
    ) -> serde_json::Result<Result<OrganizationsPage>> {
        let ListedPage {
            organizations,
            meta,
        } = json::from_bytes(&self.body)?;
        let ids = organizations.iter().map(|listed| listed.id).collect();
        let there = organizations
            .into_iter()
            .filter(ListedOrganization::is_there);
        let wanted = there.filter(is_wanted);
        let kept: Result<_> = wanted
            .map(|listed| listed.into_organization(instance, mapping))
            .collect();
        Ok(kept.map(|kept| OrganizationsPage { ids, kept, meta }))
    }
}

/// What a page says of the next one, found without reading the page. Zendesk writes it behind the
/// organizations, so the last key of that name is the one. A quote within a text is escaped in
/// JSON, so no text is taken for it; and the page, once read, has the last word.
fn meta_found(body: &[u8]) -> Option<PageMeta> {
    const KEY: &[u8] = br#""meta":"#;
    let place = memchr::memmem::rfind(body, KEY)?;
    let rest = body.get(place + KEY.len()..)?;
    let rest = str::from_utf8(rest).ok()?;
    PageMeta::deserialize(&mut serde_json::Deserializer::from_str(rest)).ok()
}

impl OrganizationsPage {
    /// The cursor of the next page, `None` on the last one; an error text if there is a next page
    /// without a new cursor.
    ///
    /// The last page carries a cursor too, so only `has_more` counts.
    ///
    /// # Errors
    /// Why the walk cannot go on.
    pub fn next(&self, current: Option<&str>) -> Result<Option<&str>, &'static str> {
        self.meta.next(current)
    }
}

impl PageMeta {
    fn next(&self, current: Option<&str>) -> Result<Option<&str>, &'static str> {
        let Self {
            has_more,
            after_cursor,
        } = self;
        match after_cursor.as_deref() {
            _ if !has_more => Ok(None),
            None | Some("") => Err("a page says it is not the last, and has no cursor"),
            Some(next) if Some(next) == current => Err("the cursor does not move"),
            Some(next) => Ok(Some(next)),
        }
    }
}

/// An organization as Zendesk sends it, borrowed from the reply; unknown keys are skipped unread.
#[derive(Deserialize)]
pub struct ListedOrganization<'a> {
    pub id: u64,
    #[serde(borrow)]
    pub name: Cow<'a, str>,
    #[serde(default, borrow)]
    external_id: Option<Text<'a>>,
    #[serde(default, borrow)]
    updated_at: Option<Text<'a>>,
    /// Whatever it is, it is there only if the organization is not.
    #[serde(default)]
    deleted_at: Option<IgnoredAny>,
    #[serde(default, borrow, deserialize_with = "known_fields")]
    organization_fields: Fields<SentValue<'a>>,
}

/// The value of an organization field as Zendesk sends it.
enum SentValue<'a> {
    Null,
    Flag(bool),
    Text(Cow<'a, str>),
    /// A number, a list or an object.
    Other,
}

impl ListedOrganization<'_> {
    /// The text of a field with a role, however Zendesk calls it.
    fn raw(&self, role: Key, mapping: &Mapping) -> Option<&str> {
        let key = mapping.zendesk_key(role)?;
        match self.organization_fields.get(key)? {
            SentValue::Text(text) => Some(text),
            SentValue::Null | SentValue::Flag(_) | SentValue::Other => None,
        }
    }

    fn raw_external_id(&self) -> Option<&str> {
        self.external_id.as_ref().map(|Text(text)| text.as_ref())
    }

    /// False if it was deleted, and is shown all the same.
    pub(super) fn is_there(&self) -> bool {
        self.deleted_at.is_none()
    }

    /// True if its account type is a partner's.
    pub fn is_partner(&self, mapping: &Mapping) -> bool {
        self.raw(ACCOUNT_TYPE, mapping)
            .is_some_and(|tag| mapping.is_partner_type(tag))
    }

    /// The account it belongs to.
    pub fn account_id(&self, mapping: &Mapping) -> Option<AccountId> {
        AccountId::of_organization(self.raw(SALESFORCE_ID, mapping), self.raw_external_id())
    }

    /// Its Salesforce id, if that may have been folded to one case.
    pub fn folded_id(&self, mapping: &Mapping) -> Option<FoldedId> {
        FoldedId::read(self.raw(SALESFORCE_ID, mapping)?)
    }

    /// The account that its external id names, whatever account it belongs to.
    pub fn external_account_id(&self) -> Option<AccountId> {
        AccountId::of_external_id(self.raw_external_id()?)
    }

    /// The organization as the pipeline means it, with the managed fields, the mark and the
    /// expiration date.
    ///
    /// # Errors
    /// [`Error::Contract`] names the organization and the field whose value is neither text nor
    /// checkbox.
    pub fn into_organization(self, instance: &str, mapping: &Mapping) -> Result<Organization> {
        let Self {
            id,
            name,
            external_id,
            updated_at,
            deleted_at: _,
            organization_fields,
        } = self;
        let mut fields = Fields::default();
        for Spelling { key, zendesk } in &mapping.spellings {
            let value = match organization_fields.get(*zendesk) {
                None | Some(SentValue::Null) => continue,
                Some(SentValue::Flag(flag)) => FieldValue::Flag(*flag),
                Some(SentValue::Text(text)) => FieldValue::Text(Some(text.as_ref().into())),
                Some(SentValue::Other) => {
                    return Err(Error::Contract(format!(
                        "zendesk {instance}: organization {id}: field {zendesk} is neither text \
                         nor checkbox; correct the field's type"
                    )));
                }
            };
            fields.set(*key, value);
        }
        Ok(Organization {
            instance: instance.into(),
            id,
            name: name.as_ref().into(),
            external_id: external_id.map(|Text(text)| text.as_ref().into()),
            updated_at: updated_at.map_or("".into(), |Text(text)| text.as_ref().into()),
            organization_fields: fields,
        })
    }
}

impl<'de> Deserialize<'de> for SentValue<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(AnyValue)
    }
}

struct AnyValue;

impl<'de> Visitor<'de> for AnyValue {
    type Value = SentValue<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the value of an organization field")
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(SentValue::Null)
    }

    fn visit_bool<E>(self, flag: bool) -> Result<Self::Value, E> {
        Ok(SentValue::Flag(flag))
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(SentValue::Text(Cow::Borrowed(text)))
    }

    fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
        Ok(SentValue::Text(Cow::Owned(text.to_owned())))
    }

    fn visit_u64<E>(self, _: u64) -> Result<Self::Value, E> {
        Ok(SentValue::Other)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Self::Value, E> {
        Ok(SentValue::Other)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Self::Value, E> {
        Ok(SentValue::Other)
    }

    fn visit_seq<S: SeqAccess<'de>>(self, mut seq: S) -> Result<Self::Value, S::Error> {
        while seq.next_element::<IgnoredAny>()?.is_some() {}
        Ok(SentValue::Other)
    }

    fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Self::Value, M::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(SentValue::Other)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::for_tests::mapping;

    fn page(meta: &Value, organizations: &Value) -> OrganizationsPage {
        let page = json!({"organizations": organizations, "meta": meta, "links": {"next": "x"}});
        let page = PageBody::of(page.to_string().as_bytes()).unwrap();
        page.read("global", &mapping(), |_| true).unwrap().unwrap()
    }

    #[test]
    fn only_has_more_ends_the_walk() {
        let some = json!([{"id": 1, "name": "a"}]);
        assert_eq!(
            page(&json!({"has_more": false, "after_cursor": "c"}), &some).next(None),
            Ok(None)
        );
        assert_eq!(
            page(&json!({"has_more": true, "after_cursor": "c"}), &some).next(Some("b")),
            Ok(Some("c"))
        );
        assert!(
            page(&json!({"has_more": true, "after_cursor": "c"}), &some)
                .next(Some("c"))
                .is_err()
        );
        assert!(
            page(&json!({"has_more": true, "after_cursor": null}), &some)
                .next(None)
                .is_err()
        );
        assert!(page(&json!({"has_more": true}), &some).next(None).is_err());
        let empty = json!([]);
        assert_eq!(
            page(&json!({"has_more": true, "after_cursor": "c"}), &empty).next(None),
            Ok(Some("c")),
            "an empty page that moves the cursor is gone through"
        );
        assert!(
            serde_json::from_str::<ListedPage<'_>>(r#"{"organizations": []}"#).is_err(),
            "a page that does not say whether it is the last"
        );
    }

    #[test]
    fn the_next_page_is_known_before_the_page_is_read() {
        let end = r#""meta":{"has_more":true,"after_cursor":"c"},"links":{"next":"x"}}"#;
        let ahead = |body: &str| PageBody::of(body.as_bytes()).unwrap().cursor_ahead(None);
        assert_eq!(
            ahead(&format!(r#"{{"organizations":[],{end}"#)).as_deref(),
            Some("c")
        );
        let quoted = r#"[{"id":1,"name":"\"meta\":{\"has_more\":true,\"after_cursor\":\"d\"}"}]"#;
        let page = format!(r#"{{"organizations":{quoted},{end}"#);
        assert_eq!(ahead(&page).as_deref(), Some("c"));
        let first = format!(r#"{{{},"organizations":{quoted}}}"#, &end[..end.len() - 1]);
        assert_eq!(ahead(&first).as_deref(), Some("c"), "wherever it stands");
        let last = r#"{"organizations":[],"meta":{"has_more":false,"after_cursor":"c"}}"#;
        assert_eq!(ahead(last), None);
    }

    #[test]
    fn a_page_that_names_no_next_one_is_read_at_once_and_is_as_broken_as_it_is() {
        for broken in [
            "<html>",
            r#"{"organizations":[{"id":1,"#,
            r#"{"organizations":[]}"#,
        ] {
            assert!(PageBody::of(broken.as_bytes()).is_err(), "{broken}");
        }
        let end = r#""meta":{"has_more":true,"after_cursor":"c"}}"#;
        let middle = format!(r#"{{"organizations":[{{"id":"one"}}],{end}"#);
        let page = PageBody::of(middle.as_bytes()).unwrap();
        assert!(page.read("global", &mapping(), |_| true).is_err());
        assert!(PageBody::of_whole(middle.as_bytes()).is_err());
    }

    #[test]
    fn a_deleted_organization_is_counted_and_not_kept_even_if_it_is_broken() {
        let deleted = json!({
            "id": 1, "name": "a", "deleted_at": "2026-11-01T00:00:00Z",
            "organization_fields": {"account_owner": 3},
        });
        let there = json!({"id": 2, "name": "b", "deleted_at": null});
        let found = page(&json!({"has_more": false}), &json!([deleted, there]));
        assert_eq!(found.ids, [1, 2]);
        let kept: Vec<_> = found.kept.iter().map(|one| one.id).collect();
        assert_eq!(kept, [2]);
    }

    fn listed(fields: &str) -> Result<Organization> {
        let json = format!(r#"{{"id": 7, "name": "a", "organization_fields": {fields}}}"#);
        // What a file names is read.
        let mapping = mapping();
        let listed: ListedOrganization<'_> = serde_json::from_str(&json).unwrap();
        listed.into_organization("global", &mapping)
    }

    #[test]
    fn a_field_of_an_unknown_type_names_the_organization() {
        for odd in ["3", "-3", "3.5", "[1]", r#"{"a": 1}"#] {
            let error = listed(&format!(r#"{{"account_owner": {odd}}}"#));
            let error = error.unwrap_err().to_string();
            assert!(
                error.contains("organization 7") && error.contains("account_owner"),
                "{error}"
            );
        }
    }

    #[test]
    fn a_field_that_nobody_manages_may_be_anything() {
        let found = listed(r#"{"seats": 3, "tags": ["a", {"b": null}], "account_owner": null}"#);
        assert_eq!(found.unwrap().organization_fields, Fields::default());
        assert_eq!(
            listed("null").unwrap().organization_fields,
            Fields::default()
        );
    }

    #[test]
    fn escaped_text_is_read_as_what_it_means() {
        let found = listed(r#"{"account_owner": "Ad\u00e1 \"A\" Quill"}"#).unwrap();
        let owner = found.named_field("account_owner").as_text();
        assert_eq!(owner, Some("Ad\u{e1} \"A\" Quill"));
    }
}
