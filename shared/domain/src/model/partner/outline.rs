//! What a mapping comes to, in a few words for each part: so that a run can say what has changed
//! since the one before.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::{Field, Mapping, Rule};

/// The parts of a file, each with its names and what they mean. In JSON an object of objects.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Outline(BTreeMap<String, BTreeMap<String, String>>);

/// What has changed in a part of the file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Difference {
    /// Such as `fields`.
    pub part: String,
    /// Names that were not there before.
    pub more: Vec<String>,
    /// Names that are not there any more.
    pub fewer: Vec<String>,
    /// Names that mean something else.
    pub changed: Vec<String>,
}

impl Outline {
    /// What has changed from an earlier outline to this one, in the order of the parts.
    pub fn since(&self, before: &Self) -> Vec<Difference> {
        let parts: BTreeSet<_> = self.0.keys().chain(before.0.keys()).collect();
        let none = BTreeMap::new();
        let differences = parts.into_iter().filter_map(|part| {
            let (now, was) = (self.0.get(part), before.0.get(part));
            difference(part, now.unwrap_or(&none), was.unwrap_or(&none))
        });
        differences.collect()
    }
}

fn difference(
    part: &str,
    now: &BTreeMap<String, String>,
    was: &BTreeMap<String, String>,
) -> Option<Difference> {
    let only_in = |one: &BTreeMap<String, String>, other: &BTreeMap<String, String>| {
        let names = one.keys().filter(|name| !other.contains_key(*name));
        names.cloned().collect::<Vec<_>>()
    };
    let is_other = |(name, meaning): &(&String, &String)| {
        was.get(*name).is_some_and(|before| before != *meaning)
    };
    let changed = now.iter().filter(is_other);
    let difference = Difference {
        part: part.to_owned(),
        more: only_in(now, was),
        fewer: only_in(was, now),
        changed: changed.map(|(name, _)| name.clone()).collect(),
    };
    (now != was).then_some(difference)
}

impl Mapping {
    /// What it comes to. Forgetting a part is a compile error.
    pub fn outline(&self) -> Outline {
        let Self {
            text: _,
            digest: _,
            object,
            id,
            name,
            filter,
            named,
            partner_types,
            fields,
            spellings,
            purge,
            target,
            others,
        } = self;
        let mut outline = Outline::default();
        let mut say = |part: &str, name: &str, meaning: String| {
            let part = outline.0.entry(part.to_owned()).or_default();
            part.insert(name.to_owned(), meaning);
        };
        for (key, meaning) in [("object", object), ("id", id), ("name", name)] {
            say("salesforce", key, meaning.clone());
        }
        for condition in filter.conditions() {
            let values = condition.allowed.values().join(", ");
            say("filter", &condition.column, values);
        }
        for one in named {
            say("named accounts", one.account.as_str(), one.tag.clone());
        }
        for tag in partner_types {
            say("types", tag, String::new());
        }
        for field in fields {
            say("fields", self.shown(field.key.name()), meaning(field));
        }
        for one in spellings {
            if one.key != one.zendesk {
                say("roles", one.key.name(), one.zendesk.name().to_owned());
            }
        }
        if let Some(purge) = purge {
            say("purge", "time", purge.to_string());
        }
        say("instances", &target.name, "target".to_owned());
        for site in others {
            let optional = if site.optional { "optional" } else { "read" };
            say("instances", &site.name, optional.to_owned());
        }
        outline
    }
}

/// What a field is made from, and how.
fn meaning(field: &Field) -> String {
    let source = &field.source;
    match &field.rule {
        Rule::Id18 => format!("18 characters of {source}"),
        Rule::Id15 => format!("15 characters of {source}"),
        Rule::Text | Rule::LookedUp { id: _ } => format!("text of {source}"),
        Rule::Checkbox => format!("checkbox {source}"),
        Rule::Equals(value) => format!("{source} is {value}"),
        Rule::Table(rows) => {
            let rows: Vec<_> = rows
                .iter()
                .map(|row| format!("{}: {}", row.text, row.tag))
                .collect();
            format!("table of {source}, {}", rows.join(", "))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::for_tests::MAPPING;
    use super::super::{Key, Site};
    use super::*;

    fn since(edit: impl FnOnce(&mut Mapping)) -> Vec<Difference> {
        let mut mapping = MAPPING.clone();
        edit(&mut mapping);
        mapping.outline().since(&MAPPING.outline())
    }

    fn only(part: &str, more: &[&str], fewer: &[&str], changed: &[&str]) -> Vec<Difference> {
        let owned = |names: &[&str]| names.iter().map(|one| (*one).to_owned()).collect();
        vec![Difference {
            part: part.to_owned(),
            more: owned(more),
            fewer: owned(fewer),
            changed: owned(changed),
        }]
    }

    #[test]
    fn another_file_of_the_same_meaning_is_no_change() {
        assert_eq!(
            since(|mapping| "sha256:other".clone_into(&mut mapping.digest)),
            []
        );
    }

    #[test]
    fn a_field_more_a_field_fewer_and_a_field_of_another_source_are_named() {
        let region = Field {
            key: Key::of("region").unwrap(),
            source: "Region__c".to_owned(),
            rule: Rule::Text,
        };
        let more = since(|mapping| mapping.fields.push(region));
        assert_eq!(more, only("fields", &["region"], &[], &[]));
        let fewer = since(|mapping| drop(mapping.fields.pop()));
        assert_eq!(fewer, only("fields", &[], &["org_in_escalated_state"], &[]));
        let changed = since(|mapping| "Owner__c".clone_into(&mut mapping.fields[2].source));
        assert_eq!(changed, only("fields", &[], &[], &["account_owner"]));
    }

    #[test]
    fn every_other_part_is_named_too() {
        let tag = "gold_partner".to_owned();
        let types = since(|mapping| mapping.partner_types.push(tag));
        assert_eq!(types, only("types", &["gold_partner"], &[], &[]));
        let site = Site {
            name: "third".to_owned(),
            optional: true,
        };
        let instances = since(|mapping| mapping.others.push(site));
        assert_eq!(instances, only("instances", &["third"], &[], &[]));
        let purge = since(|mapping| mapping.purge = None);
        assert_eq!(purge, only("purge", &[], &["time"], &[]));
        let filter = since(|mapping| drop(mapping.filter.others.pop()));
        assert_eq!(filter, only("filter", &[], &["Partner_Track__c"], &[]));
        let object = since(|mapping| "Partner__c".clone_into(&mut mapping.object));
        assert_eq!(object, only("salesforce", &[], &[], &["object"]));
    }
}
