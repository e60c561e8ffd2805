//! Environment variables to typed settings. Every variable is named once, here, and set by
//! `infra/template.yaml`.

use std::ops::RangeInclusive;

use crate::model::{AccountId, Alliances};
use crate::plan::{Limit, Limits, Settings};
use crate::{Error, Result};

/// Settings of gather-accounts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GatherAccounts {
    /// Where documents go.
    pub bucket: String,
    /// Name of the Salesforce secret.
    pub secret: String,
    /// Accounts that are partners by name.
    pub alliances: Alliances,
}

/// Settings of gather-orgs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GatherOrgs {
    /// Where documents go.
    pub bucket: String,
    /// Instance and name of its secret, the target first.
    pub instances: Vec<(&'static str, String)>,
}

/// Settings of compare.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Compare {
    /// Where documents go.
    pub bucket: String,
    /// Where the runbook can be read.
    pub runbook: String,
    /// The operator's rules.
    pub settings: Settings,
}

/// Settings of sync.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sync {
    /// Where documents go.
    pub bucket: String,
    /// Where the runbook can be read.
    pub runbook: String,
    /// Name of the target's secret.
    pub secret: String,
    /// Bulk jobs sent before a pause, and the most that run at once.
    pub jobs_per_pause: usize,
    /// Seconds of that pause.
    pub pause_seconds: u64,
}

/// Reads variables and gathers what is wrong with them, so that one error names all of it.
pub struct Env<F> {
    read: F,
    wrong: Vec<String>,
}

impl<F: Fn(&str) -> Option<String>> Env<F> {
    /// Variables from anywhere; Lambdas pass [`process_env`].
    pub fn new(read: F) -> Self {
        Self {
            read,
            wrong: Vec::new(),
        }
    }

    fn value(&self, name: &str) -> Option<String> {
        (self.read)(name)
            .map(|value| value.trim().to_owned())
            .filter(|value| !value.is_empty())
    }

    fn text(&mut self, name: &str) -> String {
        self.value(name).unwrap_or_else(|| {
            self.wrong.push(format!("{name} is not set"));
            String::new()
        })
    }

    fn number<T: TryFrom<u32> + Default>(
        &mut self,
        name: &str,
        default: u32,
        range: RangeInclusive<u32>,
    ) -> T {
        let text = self.value(name);
        let number = text
            .as_ref()
            .map_or(Some(default), |text| text.parse().ok())
            .filter(|number| range.contains(number));
        let number = number.and_then(|number| T::try_from(number).ok());
        number.unwrap_or_else(|| {
            self.wrong.push(format!(
                "{name} must be a whole number from {} to {}",
                range.start(),
                range.end()
            ));
            T::default()
        })
    }

    fn ids(&mut self, name: &str) -> Vec<AccountId> {
        let text = self.value(name).unwrap_or_default();
        let mut ids = Vec::new();
        for part in text
            .split(',')
            .map(str::trim)
            .filter(|part| !part.is_empty())
        {
            match AccountId::parse(part) {
                Ok(id) => ids.push(id),
                Err(why) => self.wrong.push(format!("{name}: {part:?}: {why}")),
            }
        }
        ids
    }

    fn done<T>(self, settings: T) -> Result<T> {
        if self.wrong.is_empty() {
            return Ok(settings);
        }
        Err(Error::Config(format!(
            "settings are wrong: {}; correct the stack's parameters",
            self.wrong.join("; ")
        )))
    }

    /// Reads the settings of gather-accounts.
    ///
    /// # Errors
    /// [`Error::Config`] names every wrong variable.
    pub fn gather_accounts(mut self) -> Result<GatherAccounts> {
        let settings = GatherAccounts {
            bucket: self.text("BUCKET"),
            secret: self.text("SALESFORCE_SECRET"),
            alliances: Alliances(self.ids("ALLIANCE_ACCOUNT_IDS")),
        };
        self.done(settings)
    }

    /// Reads the settings of gather-orgs.
    ///
    /// # Errors
    /// [`Error::Config`] names every wrong variable.
    pub fn gather_orgs(mut self) -> Result<GatherOrgs> {
        let mut instances = vec![("global", self.text("ZENDESK_GLOBAL_SECRET"))];
        instances.extend(
            self.value("ZENDESK_US_GOVERNMENT_SECRET")
                .map(|secret| ("us-government", secret)),
        );
        let settings = GatherOrgs {
            bucket: self.text("BUCKET"),
            instances,
        };
        self.done(settings)
    }

    /// Reads the settings of compare.
    ///
    /// # Errors
    /// [`Error::Config`] names every wrong variable.
    pub fn compare(mut self) -> Result<Compare> {
        let mut limit = |number, default, percent, default_percent| Limit {
            number: self.number(number, default, 0..=1_000_000),
            percent: self.number(percent, default_percent, 0..=100),
        };
        let creates = limit("MAX_CREATES", 10, "MAX_CREATES_PERCENT", 10);
        let updates = limit("MAX_UPDATES", 25, "MAX_UPDATES_PERCENT", 30);
        let marks = limit("MAX_MARKS", 5, "MAX_MARKS_PERCENT", 5);
        let min_accounts_percent = self.number("MIN_ACCOUNTS_PERCENT_OF_LAST_RUN", 80, 0..=100);
        let settings = Compare {
            bucket: self.text("BUCKET"),
            runbook: runbook(&self.read),
            settings: Settings {
                protected: self.ids("PROTECTED_ACCOUNT_IDS").into_iter().collect(),
                retention_years: self.number("RETENTION_YEARS", 3, 0..=100),
                limits: Limits {
                    creates,
                    updates,
                    marks,
                    min_accounts_percent,
                },
            },
        };
        self.done(settings)
    }

    /// Reads the settings of sync.
    ///
    /// # Errors
    /// [`Error::Config`] names every wrong variable.
    pub fn sync(mut self) -> Result<Sync> {
        let settings = Sync {
            bucket: self.text("BUCKET"),
            runbook: runbook(&self.read),
            secret: self.text("ZENDESK_GLOBAL_SECRET"),
            jobs_per_pause: self.number("JOBS_PER_PAUSE", 20, 1..=30),
            pause_seconds: self.number("PAUSE_SECONDS", 30, 1..=900),
        };
        self.done(settings)
    }
}

/// Where the runbook can be read, whatever else is wrong with the settings.
pub fn runbook(read: impl Fn(&str) -> Option<String>) -> String {
    read("RUNBOOK_URL")
        .filter(|url| !url.is_empty())
        .unwrap_or_else(|| "infra/RUNBOOK.md".to_owned())
}

/// A variable of this process.
#[must_use]
pub fn process_env(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_are_the_contracts() {
        let env = Env::new(|name| (name == "BUCKET").then(|| "b".to_owned()));
        let limit = |number, percent| Limit { number, percent };
        let Compare {
            settings:
                Settings {
                    retention_years,
                    limits,
                    protected,
                },
            bucket: _,
            runbook: _,
        } = env.compare().unwrap();
        assert_eq!((retention_years, protected.len()), (3, 0));
        assert_eq!(
            limits,
            Limits {
                creates: limit(10, 10),
                updates: limit(25, 30),
                marks: limit(5, 5),
                min_accounts_percent: 80
            }
        );
    }

    #[test]
    fn one_error_names_every_wrong_setting() {
        let env = Env::new(|name| match name {
            "RETENTION_YEARS" => Some("three".to_owned()),
            "MAX_MARKS_PERCENT" => Some("101".to_owned()),
            "PROTECTED_ACCOUNT_IDS" => Some("0014M00001sDiGEQA0, 0014M00001sDiGEQAX".to_owned()),
            _ => None,
        });
        let error = env.compare().unwrap_err();
        assert_eq!(error.name(), "Sync.Config");
        for name in [
            "RETENTION_YEARS",
            "MAX_MARKS_PERCENT",
            "PROTECTED_ACCOUNT_IDS",
            "BUCKET",
        ] {
            assert!(error.to_string().contains(name), "{error}");
        }
    }
}
