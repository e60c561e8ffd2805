//! `results.json`: what became of every record of a plan. Source: contract, section 4.

use std::ops::Not;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Applied, Header, Related, Usage};
use crate::model::partner::MARK_FOR_DELETION;

/// What was to be done to a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Action {
    Create,
    Update,
    Mark,
}

impl Action {
    /// The word for it, as documents spell it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Update => "update",
            Self::Mark => "mark",
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// Zendesk said so for this very record, or its fields prove it.
    Done,
    /// Zendesk refused it, or its fields are not what they must be.
    Failed,
    /// Left out: somebody changed the organization after it was read. The next run judges it
    /// afresh.
    Drifted,
    /// Neither proven nor refused.
    Unknown,
}

impl Outcome {
    /// The word for it, as documents spell it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Failed => "failed",
            Self::Drifted => "drifted",
            Self::Unknown => "unknown",
        }
    }

    /// True for what the next run has to try or to look at again: refused, or not proven.
    pub fn is_failure(self) -> bool {
        matches!(self, Self::Failed | Self::Unknown)
    }
}

/// An entry of `results.json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecordOutcome {
    pub action: Action,
    /// The organization; `None` for one that could not be created.
    pub id: Option<u64>,
    /// The account, or the id the organization carries.
    pub salesforce_id: Option<String>,
    pub outcome: Outcome,
    /// The bulk job it was sent with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub job_id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// `name`, or the keys of organization fields: what was refused, if everything else of the
    /// record was written.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub left_out: Vec<String>,
    /// True for an update that has taken a mark back, whatever became of the rest of it.
    #[serde(default, skip_serializing_if = "Not::not")]
    pub unmarked: bool,
    /// In how many runs in a row it has failed, this one included.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub runs_failed: Option<u32>,
    /// The end of the first of these runs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failing_since: Option<Timestamp>,
}

impl RecordOutcome {
    /// A record of which nothing is known but its outcome.
    pub fn of(action: Action, id: Option<u64>, outcome: Outcome) -> Self {
        Self {
            action,
            id,
            salesforce_id: None,
            outcome,
            job_id: None,
            error: None,
            left_out: Vec::new(),
            unmarked: false,
            runs_failed: None,
            failing_since: None,
        }
    }

    /// True if this value of the record was written: `name`, or the key of an organization field.
    pub fn has_written(&self, field: &str) -> bool {
        if self.action == Action::Update && field == MARK_FOR_DELETION.name() {
            return self.unmarked;
        }
        match self.outcome {
            Outcome::Done => true,
            Outcome::Failed => {
                !self.left_out.is_empty() && !self.left_out.iter().any(|one| one == field)
            }
            Outcome::Drifted | Outcome::Unknown => false,
        }
    }

    /// Its key in `failing` of `history.json`.
    pub fn failing_key(&self) -> String {
        failing_key(self.salesforce_id.as_deref(), self.id)
    }
}

/// A record's key in `failing` of `history.json`: Salesforce id, else organization id.
pub fn failing_key(salesforce_id: Option<&str>, organization_id: Option<u64>) -> String {
    match (salesforce_id, organization_id) {
        (Some(salesforce_id), _) => salesforce_id.to_owned(),
        (None, Some(organization_id)) => organization_id.to_string(),
        (None, None) => String::new(),
    }
}

/// `results.json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Results {
    #[serde(flatten)]
    pub header: Header,
    /// Creates, updates, marks, each in the order of the plan, without what is held. If the run
    /// failed, only those whose outcome is known.
    pub results: Vec<RecordOutcome>,
    /// The users and tickets of the organizations that are to be marked, held or not; only of
    /// those that were asked about in time.
    #[serde(default)]
    pub related: Vec<Related>,
    #[serde(default)]
    pub usage: Usage,
}

impl Applied {
    /// The counts of a list of outcomes.
    pub fn of(results: &[RecordOutcome]) -> Self {
        let mut applied = Self::default();
        for RecordOutcome {
            action, outcome, ..
        } in results
        {
            let counter = match (outcome, action) {
                (Outcome::Done, Action::Create) => &mut applied.created,
                (Outcome::Done, Action::Update) => &mut applied.updated,
                (Outcome::Done, Action::Mark) => &mut applied.marked,
                (Outcome::Failed, _) => &mut applied.failed,
                (Outcome::Unknown, _) => &mut applied.unknown,
                (Outcome::Drifted, _) => &mut applied.drifted,
            };
            *counter += 1;
        }
        applied
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_unknown_is_counted_apart_from_what_failed() {
        let result = |(action, outcome)| RecordOutcome::of(action, Some(1), outcome);
        let results = [
            (Action::Create, Outcome::Done),
            (Action::Create, Outcome::Unknown),
            (Action::Update, Outcome::Failed),
            (Action::Update, Outcome::Unknown),
            (Action::Mark, Outcome::Unknown),
            (Action::Mark, Outcome::Drifted),
        ];
        let wanted = Applied {
            created: 1,
            updated: 0,
            marked: 0,
            failed: 1,
            unknown: 3,
            drifted: 1,
        };
        assert_eq!(Applied::of(&results.map(result)), wanted);
    }

    #[test]
    fn what_was_left_out_is_not_written_and_the_rest_is() {
        let update = |outcome| RecordOutcome::of(Action::Update, Some(1), outcome);
        assert!(update(Outcome::Done).has_written("name"));
        for other in [Outcome::Failed, Outcome::Unknown, Outcome::Drifted] {
            assert!(!update(other).has_written("name"), "{other:?}");
        }
        let refused = RecordOutcome {
            left_out: vec!["name".to_owned()],
            ..update(Outcome::Failed)
        };
        assert!(!refused.has_written("name"));
        assert!(refused.has_written("account_owner"));
    }

    #[test]
    fn a_mark_is_taken_back_only_if_that_is_known_of_the_mark_itself() {
        let update = RecordOutcome::of(Action::Update, Some(1), Outcome::Done);
        assert!(!update.has_written(MARK_FOR_DELETION.name()));
        let unmarked = RecordOutcome {
            unmarked: true,
            outcome: Outcome::Failed,
            ..update
        };
        assert!(unmarked.has_written(MARK_FOR_DELETION.name()));
        let mark = RecordOutcome::of(Action::Mark, Some(1), Outcome::Done);
        assert!(mark.has_written(MARK_FOR_DELETION.name()));
    }
}
