//! Environment variables and `sync.toml` to typed settings. Every variable is named once, here, and
//! set by `infra/template.yaml`.

use std::path::PathBuf;
use std::sync::Arc;

use domain::model::{AccountId, Mapping, Site, file_digest};
use domain::plan::{Limit, Limits, Settings};
use domain::{Error, Result};
use report::Reporting;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GatherAccounts {
    pub bucket: String,
    /// Name of the Salesforce secret.
    pub secret: String,
    /// Who is a partner.
    pub mapping: Arc<Mapping>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GatherOrgs {
    pub bucket: String,
    /// Every instance, the target first.
    pub instances: Vec<Instance>,
    /// Who is a partner.
    pub mapping: Arc<Mapping>,
}

/// An instance and its secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Instance {
    pub site: Site,
    /// Name of its secret.
    pub secret: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Compare {
    pub bucket: String,
    /// What its report and messages need to know.
    pub reporting: Reporting,
    pub settings: Settings,
    /// Who is a partner.
    pub mapping: Arc<Mapping>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sync {
    pub bucket: String,
    /// What its report and messages need to know.
    pub reporting: Reporting,
    /// Name of the target's secret.
    pub secret: String,
    /// The instance that it may write to.
    pub target: String,
    /// The digest of the `sync.toml` beside the program. What is in it comes with the plan.
    pub config: String,
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

/// The instance that is written to if `TARGET_INSTANCE` is not set.
const TARGET: &str = "global";

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

    /// The name of a secret below the stack's prefix.
    fn secret(&mut self, name: &str) -> String {
        format!("{}/{name}", self.text("SECRET_PREFIX"))
    }

    fn zendesk_secret(&mut self, site: &Site) -> String {
        self.secret(&format!("zendesk/{}", site.name))
    }

    /// What is synced. The stack names the instance that is written to as well, because the rights
    /// of sync depend on it.
    fn mapping(&mut self) -> Arc<Mapping> {
        let mapping = match mapping(&self.read) {
            Ok(mapping) => mapping,
            Err(error) => {
                self.wrong.push(error.to_string());
                return Arc::default();
            }
        };
        let target = &mapping.target.name;
        let named = self.value("TARGET_INSTANCE");
        if let Some(named) = named.filter(|named| named != target) {
            self.wrong.push(format!(
                "TARGET_INSTANCE is {named:?}, and sync.toml writes to {target:?}: they must be \
                 the same"
            ));
        }
        Arc::new(mapping)
    }

    /// The digest of the file, which is not read here.
    fn digest(&mut self) -> String {
        match file(&self.read) {
            Ok(text) => file_digest(&text),
            Err(error) => {
                self.wrong.push(error.to_string());
                String::new()
            }
        }
    }

    fn done<T>(self, settings: T) -> Result<T> {
        if self.wrong.is_empty() {
            return Ok(settings);
        }
        Err(Error::Config(format!(
            "settings are wrong: {}; correct the stack's parameters or its sync.toml",
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
            secret: self.secret("salesforce"),
            mapping: self.mapping(),
        };
        self.done(settings)
    }

    /// Reads the settings of gather-orgs.
    ///
    /// # Errors
    /// [`Error::Config`] names every wrong variable.
    pub fn gather_orgs(mut self) -> Result<GatherOrgs> {
        let mapping = self.mapping();
        let instances = mapping.sites().map(|site| Instance {
            secret: self.zendesk_secret(site),
            site: site.clone(),
        });
        let instances = instances.collect();
        let settings = GatherOrgs {
            bucket: self.text("BUCKET"),
            instances,
            mapping,
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
        let mapping = self.mapping();
        let settings = Compare {
            bucket: self.text("BUCKET"),
            reporting: reporting(&self.read, Arc::clone(&mapping)),
            settings: Settings {
                protected: self.ids("PROTECTED_ACCOUNT_IDS").into_iter().collect(),
                named: mapping.named_accounts(),
                retention_years: self.number(RETENTION_YEARS),
                mark_after_hours: self.number(MARK_AFTER_HOURS),
                quiet_hours: self.number(QUIET_HOURS),
                limits,
            },
            mapping,
        };
        self.done(settings)
    }

    /// Reads the settings of sync.
    ///
    /// # Errors
    /// [`Error::Config`] names every wrong variable.
    pub fn sync(mut self) -> Result<Sync> {
        let target = self
            .value("TARGET_INSTANCE")
            .unwrap_or_else(|| TARGET.to_owned());
        let settings = Sync {
            bucket: self.text("BUCKET"),
            reporting: Reporting {
                reminder_hours: self.number(REMINDER_HOURS),
                ..reporting(&self.read, Arc::default())
            },
            secret: self.secret(&format!("zendesk/{target}")),
            target,
            config: self.digest(),
            jobs_per_pause: self.number(JOBS_PER_PAUSE),
            pause_seconds: self.number(PAUSE_SECONDS),
            reserved_concurrency: self.number(SYNC_RESERVED_CONCURRENCY),
        };
        self.done(settings)
    }
}

/// What reports and messages need to know, whatever is wrong with the settings: a run that fails
/// because of them is reported as well.
pub fn reporting(read: impl Fn(&str) -> Option<String>, mapping: Arc<Mapping>) -> Reporting {
    let runbook = read("RUNBOOK_URL").filter(|url| !url.is_empty());
    let number = |name: &str| read(name).and_then(|text| text.trim().parse().ok());
    Reporting {
        mapping,
        runbook: runbook.unwrap_or_else(|| DEFAULT_RUNBOOK.to_owned()),
        reminder_hours: number(REMINDER_HOURS.variable).unwrap_or(REMINDER_HOURS.default),
        interval_hours: number("SCHEDULE_INTERVAL_HOURS").unwrap_or(1),
    }
}

/// What is synced: `sync.toml` beside the program, or the file that `SYNC_CONFIG` names.
///
/// # Errors
/// [`Error::Config`] names every mistake of the file.
pub fn mapping(read: impl Fn(&str) -> Option<String>) -> Result<Mapping> {
    config::read(&file(read)?)
}

/// The text of the file.
fn file(read: impl Fn(&str) -> Option<String>) -> Result<String> {
    let named = read("SYNC_CONFIG").filter(|path| !path.is_empty());
    let path = named.map_or_else(beside_the_program, PathBuf::from);
    std::fs::read_to_string(&path).map_err(|why| {
        let path = path.display();
        Error::Config(format!(
            "{path}: {why}; deploy the program with its sync.toml beside it, or name the file in \
             SYNC_CONFIG"
        ))
    })
}

fn beside_the_program() -> PathBuf {
    let program = std::env::current_exe().unwrap_or_default();
    program.with_file_name("sync.toml")
}

/// A variable of this process.
pub fn process_env(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    const OWN_FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../infra/sync.toml");

    #[test]
    fn the_defaults_are_the_contracts() {
        let env = Env::new(|name| match name {
            "BUCKET" => Some("b".to_owned()),
            "SYNC_CONFIG" => Some(OWN_FILE.to_owned()),
            _ => None,
        });
        let limit = |number, percent| Limit { number, percent };
        let wanted = Settings {
            protected: BTreeSet::new(),
            named: ["0014M00001sDiGEQA0"]
                .map(|id| AccountId::parse(id).unwrap())
                .into(),
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

    #[test]
    fn secrets_are_found_by_the_prefix_and_the_names_of_the_instances() {
        let env = |target: &'static str| {
            Env::new(move |name| match name {
                "BUCKET" => Some("b".to_owned()),
                "SECRET_PREFIX" => Some("sandbox".to_owned()),
                "SYNC_CONFIG" => Some(OWN_FILE.to_owned()),
                "TARGET_INSTANCE" => Some(target.to_owned()),
                _ => None,
            })
        };
        let accounts = env("global").gather_accounts().unwrap();
        assert_eq!(accounts.secret, "sandbox/salesforce");
        let instances = env("global").gather_orgs().unwrap().instances.into_iter();
        let secrets: Vec<_> = instances.map(|one| one.secret).collect();
        let wanted = ["sandbox/zendesk/global", "sandbox/zendesk/us-government"];
        assert_eq!(secrets, wanted);
        let secret = env("global").sync().unwrap().secret;
        assert_eq!(secret, "sandbox/zendesk/global");
        let error = env("us-government").compare().unwrap_err().to_string();
        assert!(error.contains("TARGET_INSTANCE"), "{error}");
    }

    #[test]
    fn a_file_that_is_not_there_is_a_mistake_of_the_settings() {
        let env = Env::new(|name| (name == "SYNC_CONFIG").then(|| "/nowhere/sync.toml".to_owned()));
        let error = env.gather_orgs().unwrap_err();
        assert_eq!(error.name(), "Sync.Config");
        for part in ["/nowhere/sync.toml", "BUCKET", "SECRET_PREFIX"] {
            assert!(error.to_string().contains(part), "{error}");
        }
    }
}
