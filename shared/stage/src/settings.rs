//! Environment variables to typed settings. Every variable is named once, here, and set by
//! `infra/template.yaml`.

use domain::model::{AccountId, Alliances};
use domain::plan::{Limit, Limits, Settings};
use domain::{Error, Result};
use report::Reporting;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GatherAccounts {
    pub bucket: String,
    /// Name of the Salesforce secret.
    pub secret: String,
    /// Accounts that are named as partners, whatever their type and track say.
    pub alliances: Alliances,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GatherOrgs {
    pub bucket: String,
    /// Instance and name of its secret, the target first.
    pub instances: Vec<(&'static str, String)>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Compare {
    pub bucket: String,
    /// What its report and messages need to know.
    pub reporting: Reporting,
    pub settings: Settings,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sync {
    pub bucket: String,
    /// What its report and messages need to know.
    pub reporting: Reporting,
    /// Name of the target's secret.
    pub secret: String,
    /// Bulk jobs sent before a pause, and the most that run at once.
    pub jobs_per_pause: usize,
    /// Seconds of that pause.
    pub pause_seconds: u64,
    /// 1 if Lambda itself lets no two invocations run at once; 0 if they must look for each other.
    pub reserved_concurrency: u32,
}

/// A setting that is a whole number. Its default and its range are written once, here; a test
/// compares the template's parameter of the same name with them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NumberSetting {
    /// The variable, such as `MAX_MARKS` for the parameter `MaxMarks`.
    pub variable: &'static str,
    /// Its value if the variable is not set.
    pub default: u32,
    pub min: u32,
    pub max: u32,
}

const fn number(variable: &'static str, default: u32, min: u32, max: u32) -> NumberSetting {
    NumberSetting {
        variable,
        default,
        min,
        max,
    }
}

const RETENTION_YEARS: NumberSetting = number("RETENTION_YEARS", 3, 0, 100);
const MARK_AFTER_HOURS: NumberSetting = number("MARK_AFTER_HOURS", 24, 0, 720);
const QUIET_HOURS: NumberSetting = number("QUIET_HOURS", 12, 0, 168);
const JOBS_PER_PAUSE: NumberSetting = number("JOBS_PER_PAUSE", 20, 1, 30);
const PAUSE_SECONDS: NumberSetting = number("PAUSE_SECONDS", 30, 1, 900);
const SYNC_RESERVED_CONCURRENCY: NumberSetting = number("SYNC_RESERVED_CONCURRENCY", 1, 0, 1);
const REMINDER_HOURS: NumberSetting = number("REMINDER_HOURS", 24, 0, 168);
const MAX_MARKS: NumberSetting = number("MAX_MARKS", 5, 0, 1_000_000);
const MAX_MARKS_PERCENT: NumberSetting = number("MAX_MARKS_PERCENT", 5, 0, 100);
const MAX_UPDATES: NumberSetting = number("MAX_UPDATES", 25, 0, 1_000_000);
const MAX_UPDATES_PERCENT: NumberSetting = number("MAX_UPDATES_PERCENT", 30, 0, 100);
const MAX_CREATES: NumberSetting = number("MAX_CREATES", 10, 0, 1_000_000);
const MAX_CREATES_PERCENT: NumberSetting = number("MAX_CREATES_PERCENT", 10, 0, 100);
const MIN_ACCOUNTS_PERCENT: NumberSetting = number("MIN_ACCOUNTS_PERCENT_OF_LAST_RUN", 80, 0, 100);

/// Every setting that is a number.
pub const NUMBERS: [NumberSetting; 14] = [
    RETENTION_YEARS,
    MARK_AFTER_HOURS,
    QUIET_HOURS,
    JOBS_PER_PAUSE,
    PAUSE_SECONDS,
    SYNC_RESERVED_CONCURRENCY,
    REMINDER_HOURS,
    MAX_MARKS,
    MAX_MARKS_PERCENT,
    MAX_UPDATES,
    MAX_UPDATES_PERCENT,
    MAX_CREATES,
    MAX_CREATES_PERCENT,
    MIN_ACCOUNTS_PERCENT,
];

/// Where the runbook is read if `RUNBOOK_URL` is not set: its file in the repository.
pub const DEFAULT_RUNBOOK: &str = "infra/RUNBOOK.md";

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

    fn number<T: TryFrom<u32> + Default>(&mut self, setting: NumberSetting) -> T {
        let NumberSetting {
            variable,
            default,
            min,
            max,
        } = setting;
        let number = match self.value(variable) {
            None => Some(default),
            Some(text) => text.parse().ok(),
        };
        let allowed = number.filter(|number| (min..=max).contains(number));
        if let Some(number) = allowed.and_then(|number| T::try_from(number).ok()) {
            return number;
        }
        self.wrong.push(format!(
            "{variable} must be a whole number from {min} to {max}"
        ));
        T::default()
    }

    fn limit(&mut self, entries: NumberSetting, percent: NumberSetting) -> Limit {
        Limit {
            number: self.number(entries),
            percent: self.number(percent),
        }
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
        let limits = Limits {
            creates: self.limit(MAX_CREATES, MAX_CREATES_PERCENT),
            updates: self.limit(MAX_UPDATES, MAX_UPDATES_PERCENT),
            marks: self.limit(MAX_MARKS, MAX_MARKS_PERCENT),
            min_accounts_percent: self.number(MIN_ACCOUNTS_PERCENT),
        };
        let settings = Compare {
            bucket: self.text("BUCKET"),
            reporting: reporting(&self.read),
            settings: Settings {
                protected: self.ids("PROTECTED_ACCOUNT_IDS").into_iter().collect(),
                alliances: self.ids("ALLIANCE_ACCOUNT_IDS").into_iter().collect(),
                retention_years: self.number(RETENTION_YEARS),
                mark_after_hours: self.number(MARK_AFTER_HOURS),
                quiet_hours: self.number(QUIET_HOURS),
                limits,
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
            reporting: Reporting {
                reminder_hours: self.number(REMINDER_HOURS),
                ..reporting(&self.read)
            },
            secret: self.text("ZENDESK_GLOBAL_SECRET"),
            jobs_per_pause: self.number(JOBS_PER_PAUSE),
            pause_seconds: self.number(PAUSE_SECONDS),
            reserved_concurrency: self.number(SYNC_RESERVED_CONCURRENCY),
        };
        self.done(settings)
    }
}

/// What reports and messages need to know, whatever is wrong with the settings: a run that fails
/// because of them is reported as well.
pub fn reporting(read: impl Fn(&str) -> Option<String>) -> Reporting {
    let runbook = read("RUNBOOK_URL").filter(|url| !url.is_empty());
    let number = |name: &str| read(name).and_then(|text| text.trim().parse().ok());
    Reporting {
        runbook: runbook.unwrap_or_else(|| DEFAULT_RUNBOOK.to_owned()),
        reminder_hours: number(REMINDER_HOURS.variable).unwrap_or(REMINDER_HOURS.default),
        interval_hours: number("SCHEDULE_INTERVAL_HOURS").unwrap_or(1),
    }
}

/// A variable of this process.
pub fn process_env(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn the_defaults_are_the_contracts() {
        let env = Env::new(|name| (name == "BUCKET").then(|| "b".to_owned()));
        let limit = |number, percent| Limit { number, percent };
        let wanted = Settings {
            protected: BTreeSet::new(),
            alliances: BTreeSet::new(),
            retention_years: 3,
            mark_after_hours: 24,
            quiet_hours: 12,
            limits: Limits {
                creates: limit(10, 10),
                updates: limit(25, 30),
                marks: limit(5, 5),
                min_accounts_percent: 80,
            },
        };
        assert_eq!(env.compare().unwrap().settings, wanted);
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
