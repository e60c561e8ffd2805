//! Who may take a name. Zendesk allows each name once, and accounts may clash over one.

use std::collections::HashMap;

use compact_str::CompactString;

use super::pairs::{Pair, Partner};
use crate::model::{is_one_name, name_key};

/// Who in this plan wants which name, by its [`name_key`].
///
/// A claim that loses is a conflict; none is picked by chance.
#[derive(Debug, Default)]
pub(super) struct NameClaims<'a> {
    by_name: HashMap<CompactString, Claims<'a>>,
}

/// The claims on one name.
#[derive(Debug, Default)]
struct Claims<'a> {
    /// Accounts without an organization that bear it.
    unmatched: usize,
    /// Those of them that have a type, and so may be created.
    creatable: usize,
    /// Organizations that are to be renamed to it.
    renames: Vec<Pair<'a>>,
}

impl<'a> NameClaims<'a> {
    /// The claims of the accounts without an organization, and of those matched by id whose
    /// organization has another name.
    pub(super) fn new(unmatched: &[Partner<'a>], matched: &[Pair<'a>]) -> Self {
        let mut claims = Self::default();
        for partner in unmatched {
            let of_name = claims.entry(&partner.account.name);
            of_name.unmatched += 1;
            of_name.creatable += usize::from(partner.has_type());
        }
        for pair in matched {
            let wanted = &pair.partner.account.name;
            if !is_one_name(wanted, &pair.organization.name) {
                claims.entry(wanted).renames.push(*pair);
            }
        }
        claims
    }

    /// True if an account of this name may adopt the organization that bears it: no other account
    /// without an organization has the name, and no organization is renamed to it.
    pub(super) fn may_adopt(&self, name: &str) -> bool {
        self.of(name)
            .is_none_or(|claims| claims.unmatched < 2 && claims.renames.is_empty())
    }

    /// True if an organization of this name may be created: nobody else wants one, and no
    /// organization is renamed to it.
    pub(super) fn may_create(&self, name: &str) -> bool {
        self.of(name)
            .is_none_or(|claims| claims.creatable < 2 && claims.renames.is_empty())
    }

    /// True if an organization may be renamed to this name: no other organization is.
    pub(super) fn may_rename(&self, name: &str) -> bool {
        self.renames_to(name).len() < 2
    }

    /// The organizations that are to be renamed to this name, with their accounts.
    pub(super) fn renames_to(&self, name: &str) -> &[Pair<'a>] {
        self.of(name).map_or(&[], |claims| &claims.renames)
    }

    fn of(&self, name: &str) -> Option<&Claims<'a>> {
        self.by_name.get(&name_key(name))
    }

    fn entry(&mut self, name: &str) -> &mut Claims<'a> {
        self.by_name.entry(name_key(name)).or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::super::for_tests::{account, account_id, named, organization, typed};
    use super::*;
    use crate::model::{Account, AccountId, Organization};

    /// Accounts 1, 2, ... without an organization, and pairs of an account and its organization.
    struct World {
        unmatched: Vec<(AccountId, Account)>,
        matched: Vec<(AccountId, Account, Organization)>,
    }

    impl World {
        fn new(unmatched: &[Account], matched: &[(Account, &str)]) -> Self {
            let unmatched = unmatched
                .iter()
                .map(|account| (account.id().unwrap(), account.clone()));
            let matched = matched.iter().map(|(account, holds)| {
                let own = named(organization(9, account, &[]), holds);
                (account.id().unwrap(), account.clone(), own)
            });
            Self {
                unmatched: unmatched.collect(),
                matched: matched.collect(),
            }
        }

        fn claims(&self) -> NameClaims<'_> {
            let unmatched: Vec<_> = self
                .unmatched
                .iter()
                .map(|(id, account)| Partner { id, account })
                .collect();
            let matched: Vec<_> = self
                .matched
                .iter()
                .map(|(id, account, organization)| Pair {
                    partner: Partner { id, account },
                    organization,
                })
                .collect();
            NameClaims::new(&unmatched, &matched)
        }
    }

    #[test]
    fn a_name_nobody_else_wants_may_be_taken_in_every_way() {
        let world = World::new(&[account(1, "Acme")], &[]);
        let claims = world.claims();
        for name in ["Acme", "ACME", "nobody's"] {
            assert!(claims.may_adopt(name), "{name}");
            assert!(claims.may_create(name), "{name}");
            assert!(claims.may_rename(name), "{name}");
        }
    }

    #[test]
    fn of_two_accounts_that_want_one_name_neither_gets_it() {
        let world = World::new(&[account(1, "Acme"), account(2, "acme ")], &[]);
        let claims = world.claims();
        assert!(!claims.may_adopt("Acme"));
        assert!(!claims.may_create("Acme"));
        assert!(claims.may_rename("Acme"), "no organization is renamed");
    }

    #[test]
    fn an_account_without_type_is_never_created_but_may_be_the_one_to_adopt() {
        let world = World::new(&[account(1, "Acme"), typed(2, "Acme", "Services")], &[]);
        let claims = world.claims();
        assert!(claims.may_create("Acme"));
        assert!(!claims.may_adopt("Acme"));
    }

    #[test]
    fn a_rename_to_a_name_comes_before_a_create_and_an_adoption() {
        let world = World::new(&[account(1, "Acme")], &[(account(2, "Acme"), "Old")]);
        let claims = world.claims();
        assert!(!claims.may_adopt("Acme"));
        assert!(!claims.may_create("Acme"));
        assert!(claims.may_rename("Acme"));
        let renamed: Vec<_> = claims.renames_to("acme").iter().collect();
        assert_eq!(renamed.len(), 1);
        assert_eq!(*renamed[0].partner.id, account_id(2));
    }

    #[test]
    fn of_two_renames_to_one_name_neither_is_made() {
        let both = [(account(1, "Acme"), "Old 1"), (account(2, "Acme"), "Old 2")];
        let world = World::new(&[], &both);
        assert!(!world.claims().may_rename("Acme"));
    }

    #[test]
    fn another_spelling_of_the_name_it_has_is_no_rename() {
        let world = World::new(&[], &[(account(1, "Acme"), "ACME ")]);
        let claims = world.claims();
        assert!(claims.renames_to("Acme").is_empty());
        assert!(claims.may_create("Acme"));
    }
}
