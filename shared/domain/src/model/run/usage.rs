//! What a run used: calls to the vendors, time, and the operator's credentials. The stages measure
//! it themselves.

use jiff::Timestamp;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};

/// What a stage used, over all of its invocations that saved their progress; what a killed one used
/// is not in it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Usage {
    pub invocations: u64,
    pub milliseconds: u64,
    pub pages: u64,
    /// Requests to a vendor, repeated ones included.
    pub calls: u64,
    /// Those of them that were repeated.
    pub retries: u64,
    /// Replies that asked for a pause (429, or 503 with `Retry-After`).
    pub throttled: u64,
    pub waits: u64,
    pub wait_seconds: u64,
    pub credentials: Vec<Credential>,
}

/// A credential and when it ends.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Credential {
    /// The name of the secret.
    pub secret: String,
    /// The secret's `auth`: how the credential signs in.
    pub auth: String,
    /// The day it ends; `None` if that cannot be known from here, or it has no end.
    pub ends: Option<Date>,
}

impl Credential {
    /// Days from a day to the end, negative after it.
    pub fn days_left(&self, today: Date) -> Option<i32> {
        today.until(self.ends?).ok().map(|span| span.get_days())
    }
}

impl Usage {
    /// The time of one invocation.
    pub fn invocation(began: Timestamp, ended: Timestamp) -> Self {
        let took = ended.duration_since(began).as_millis();
        Self {
            invocations: 1,
            milliseconds: u64::try_from(took).unwrap_or_default(),
            ..Self::default()
        }
    }

    /// Adds what another invocation used. A credential is noted once.
    pub fn add(&mut self, other: &Self) {
        let Self {
            invocations,
            milliseconds,
            pages,
            calls,
            retries,
            throttled,
            waits,
            wait_seconds,
            credentials,
        } = other;
        self.invocations += invocations;
        self.milliseconds += milliseconds;
        self.pages += pages;
        self.calls += calls;
        self.retries += retries;
        self.throttled += throttled;
        self.waits += waits;
        self.wait_seconds += wait_seconds;
        for credential in credentials {
            if !self.credentials.contains(credential) {
                self.credentials.push(credential.clone());
            }
        }
    }

    /// The length of the invocations in seconds, to a tenth.
    pub fn seconds(&self) -> String {
        format!(
            "{}.{}",
            self.milliseconds / 1000,
            self.milliseconds % 1000 / 100
        )
    }

    /// Notes a Wait state.
    pub fn waited(&mut self, seconds: u64) {
        self.waits += 1;
        self.wait_seconds += seconds;
    }
}

/// What the stages of a run used.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct RunUsage {
    pub gather_accounts: Usage,
    pub gather_orgs: Usage,
    pub compare: Usage,
    pub sync: Usage,
}

impl RunUsage {
    pub fn total(&self) -> Usage {
        let Self {
            gather_accounts,
            gather_orgs,
            compare,
            sync,
        } = self;
        let mut total = Usage::default();
        for stage in [gather_accounts, gather_orgs, compare, sync] {
            total.add(stage);
        }
        total
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_counted_to_the_day_of_the_end() {
        let credential = Credential {
            secret: "s".to_owned(),
            auth: "api_token".to_owned(),
            ends: Some("2027-04-30".parse().unwrap()),
        };
        assert_eq!(
            credential.days_left("2027-04-01".parse().unwrap()),
            Some(29)
        );
        assert_eq!(
            credential.days_left("2027-05-01".parse().unwrap()),
            Some(-1)
        );
        assert_eq!(
            Credential {
                ends: None,
                ..credential
            }
            .days_left("2027-04-01".parse().unwrap()),
            None
        );
    }

    #[test]
    fn a_credential_used_twice_is_noted_once() {
        let credential = Credential {
            secret: "s".to_owned(),
            auth: "client_credentials".to_owned(),
            ends: None,
        };
        let mut one = Usage {
            invocations: 1,
            calls: 2,
            credentials: vec![credential],
            ..Usage::default()
        };
        one.waited(30);
        let mut both = one.clone();
        both.add(&one);
        assert_eq!(both.credentials.len(), 1);
        let twice = Usage {
            invocations: 2,
            calls: 4,
            waits: 2,
            wait_seconds: 60,
            ..one
        };
        assert_eq!(both, twice);
    }
}
