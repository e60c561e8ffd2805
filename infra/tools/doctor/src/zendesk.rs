//! The instances: secret, tokens, rights, organizations, jobs, fields, calls left.

use std::sync::Arc;

use domain::model::{IGNORE_DELETION, Key, Mapping};
use domain::{Error, Result};
use secrecy::SecretString;
use stage::clock::Clock;
use stage::secrets::Secrets;
use stage::settings::{GatherOrgs, Instance};
use vendors::http::Wire;
use vendors::zendesk::{Client, Credentials, Rights, Scope, check_fields, is_there};

use crate::findings::Findings;

/// With fewer calls left than these in a minute, a run soon has to wait.
const FEW_CALLS: u64 = 50;

/// Looks at every instance. Each ends at its first failure: what comes after it would mostly fail
/// for the same reason.
pub async fn examine_all<K: Secrets>(findings: &mut Findings, secrets: &K, settings: &GatherOrgs) {
    for instance in &settings.instances {
        let mut patient = Patient {
            instance,
            mapping: &settings.mapping,
            findings,
        };
        let _ = patient.examine(secrets).await;
    }
}

struct Patient<'a> {
    instance: &'a Instance,
    mapping: &'a Arc<Mapping>,
    findings: &'a mut Findings,
}

impl Patient<'_> {
    async fn examine<K: Secrets>(&mut self, secrets: &K) -> Option<()> {
        let text = self.secret(secrets).await?;
        let credentials = self.credentials(&text)?;
        self.tell_secret(&credentials);
        let may_write = credentials.may_write();
        let mut client = self.sign_in(credentials, Scope::Read, "token").await?;
        self.ok(
            "token",
            &format!("granted for reading, at {}", client.host()),
        );
        if self.is_target() && may_write {
            let credentials = self.credentials(&text)?;
            self.sign_in(credentials, Scope::Write, "write token")
                .await?;
            self.ok("write token", "granted");
        } else if self.is_target() {
            let why = "the secret's scope only reads: plans can be made; make it \"read \
                       organizations:write\" before the first apply";
            self.findings.warn(&self.topic("write token"), why);
        }
        let count = self.organizations(&mut client).await?;
        self.ok("organizations", &count);
        if self.is_target() {
            self.look(&mut client).await?;
        }
        self.tell_calls(&client);
        Some(())
    }

    /// The secret; `None` if there is none, which an optional instance is told as well.
    async fn secret<K: Secrets>(&mut self, secrets: &K) -> Option<SecretString> {
        let name = &self.instance.secret;
        let found = secrets.find_secret(name).await;
        match self.took("secret", found)? {
            None if self.instance.site.optional => {
                let words = format!("is not read: it is optional, and there is no secret {name}");
                self.ok("secret", &words);
                None
            }
            Some(text) => Some(text),
            None => {
                let text = secrets.secret(name).await;
                self.took("secret", text)
            }
        }
    }

    fn credentials(&mut self, text: &SecretString) -> Option<Credentials> {
        self.took("secret", Credentials::read(&self.instance.secret, text))
    }

    async fn sign_in(
        &mut self,
        credentials: Credentials,
        scope: Scope,
        topic: &str,
    ) -> Option<Client> {
        let client = Client::new(
            &self.instance.site.name,
            Arc::clone(self.mapping),
            credentials,
            scope,
            &Wire::by(Clock::system()),
        );
        let mut client = self.took(topic, client)?;
        let signed_in = client.sign_in().await;
        self.took(topic, signed_in)?;
        Some(client)
    }

    fn tell_secret(&mut self, credentials: &Credentials) {
        let described = credentials.describe();
        let words = format!("{}, {}", self.instance.secret, described.auth);
        match described.ends {
            Some(end) => {
                let why =
                    format!("{words}; Zendesk ends API tokens on {end}, move to OAuth before");
                self.findings.warn(&self.topic("secret"), &why);
            }
            None => self.ok("secret", &words),
        }
    }

    /// What the user may do on the target.
    fn tell_rights(&mut self, rights: &Rights) -> Option<()> {
        match rights {
            Rights::Admin => self.ok("rights", "an administrator"),
            Rights::Custom {
                edits_organizations: true,
            } => self.ok("rights", "a role that edits organizations"),
            Rights::Unseen => self.findings.warn(
                &self.topic("rights"),
                "a role that this user may not look at; it must be allowed to create and edit \
                 organizations",
            ),
            Rights::Custom {
                edits_organizations: false,
            } => {
                return self.refused("the user's role may not edit organizations; allow it there");
            }
            Rights::Agent => {
                return self.refused(
                    "an agent without a custom role may edit notes only; make the user an \
                     administrator, or give it a role that may edit organizations",
                );
            }
            Rights::Nobody => {
                return self.refused("the credentials belong to no agent; use those of an agent");
            }
        }
        Some(())
    }

    /// Whether organizations can be listed, and how many there are.
    async fn organizations(&mut self, client: &mut Client) -> Option<String> {
        let page = client.whole_organizations(None).await;
        self.took("organizations", page)?;
        // A run never counts them, so this may be forbidden.
        Some(match client.organization_count().await {
            Ok(count) => format!("{count}, so {} pages a run", count.div_ceil(100)),
            Err(_) => "can be listed".to_owned(),
        })
    }

    /// What a run needs of the target only.
    async fn look(&mut self, client: &mut Client) -> Option<()> {
        let rights = client.rights().await;
        let rights = self.took("rights", rights)?;
        self.tell_rights(&rights)?;
        let jobs = client.list_job_statuses().await;
        self.took("bulk jobs", jobs)?;
        self.ok("bulk jobs", "can be looked at");
        let found = client.search("external_id", "partner-sync-doctor").await;
        self.took("search", found)?;
        self.ok("search", "is allowed");
        let fields = client.organization_fields().await;
        let fields = self.took("organization fields", fields)?;
        if self
            .took("organization fields", check_fields(&fields, self.mapping))
            .is_some()
        {
            self.ok("organization fields", "keys, types and options fit");
            let key = self.mapping.zendesk_key(IGNORE_DELETION).map(Key::name);
            self.tell_exemption(key, key.is_some_and(|key| is_there(&fields, key)));
        }
        Some(())
    }

    /// Whether the field is there by which the purge leaves an organization alone.
    fn tell_exemption(&mut self, key: Option<&str>, is_there: bool) {
        let key = key.unwrap_or(IGNORE_DELETION.name());
        if is_there {
            self.ok(key, "is there: it exempts from the purge");
        } else {
            let why = "is not there: no marked organization is known to be exempt from the purge";
            self.findings.warn(&self.topic(key), why);
        }
    }

    fn tell_calls(&mut self, client: &Client) {
        match client.calls_left() {
            Some(left) if left < FEW_CALLS => {
                let words = format!("{left} of this minute are left; a run will have to wait");
                self.findings.warn(&self.topic("calls"), &words);
            }
            Some(left) => self.ok("calls", &format!("{left} of this minute are left")),
            None => self.ok("calls", "the instance does not say how many are left"),
        }
    }

    fn is_target(&self) -> bool {
        self.name() == self.mapping.target.name
    }

    fn name(&self) -> &str {
        &self.instance.site.name
    }

    fn topic(&self, about: &str) -> String {
        format!("zendesk {}: {about}", self.name())
    }

    fn ok(&mut self, about: &str, words: &str) {
        self.findings.ok(&self.topic(about), words);
    }

    fn took<T, E: Into<Error>>(&mut self, about: &str, result: Result<T, E>) -> Option<T> {
        self.findings.took(&self.topic(about), result)
    }

    fn refused(&mut self, why: &str) -> Option<()> {
        let error = Error::Auth(format!("zendesk {}: {why}", self.name()));
        self.took("rights", Err::<(), _>(error))
    }
}
