//! The execution's output, and what it is made of. Source: contract, section 4.

use serde::{Deserialize, Serialize};

/// What an execution does with its plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// Applies it.
    #[default]
    Apply,
    /// Writes the documents and nothing else.
    Plan,
}

impl Mode {
    pub fn word(self) -> &'static str {
        match self {
            Self::Apply => "apply",
            Self::Plan => "plan",
        }
    }
}

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Verdict {
    /// All of the plan is done.
    Ok,
    /// Both systems are equal.
    NothingToDo,
    /// Plan mode.
    Planned,
    /// Some records failed, or it is not known whether they were applied.
    Partial,
    /// The guard held a category.
    Held,
    /// Another execution was running.
    Skipped,
    /// It could not go on. An execution that failed has no output, so no summary holds it.
    Failed,
}

impl Verdict {
    /// The word for it, as the execution's output spells verdicts.
    pub fn word(self) -> &'static str {
        match self {
            Self::Ok => "OK",
            Self::NothingToDo => "NOTHING_TO_DO",
            Self::Planned => "PLANNED",
            Self::Partial => "PARTIAL",
            Self::Held => "HELD",
            Self::Skipped => "SKIPPED",
            Self::Failed => "FAILED",
        }
    }

    /// True if `latest.json` moves to the run, and it counts as a good one. What nobody has
    /// explained yet does not make every run a bad one.
    ///
    /// Source: contract, section 2, "The way out".
    pub fn moves_latest(self, held: &[Category]) -> bool {
        match self {
            Self::Ok | Self::NothingToDo | Self::Partial => true,
            Self::Held => held == [Category::Unexplained],
            Self::Planned | Self::Skipped | Self::Failed => false,
        }
    }

    /// True if nobody has to look: `OK`, `NOTHING_TO_DO`.
    pub fn is_good(self) -> bool {
        matches!(self, Self::Ok | Self::NothingToDo)
    }
}

/// What a run saw and planned.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Counts {
    /// Authorised partner accounts in Salesforce.
    pub accounts: usize,
    /// Organizations seen on all instances.
    pub organizations_scanned: usize,
    /// Partner organizations on the target.
    pub partner_organizations: usize,
    pub creates: usize,
    pub updates: usize,
    pub marks: usize,
    /// Updates that take a mark back.
    pub unmarks: usize,
    /// Organizations without an account that are not old enough to be marked.
    pub retained: usize,
    /// Organizations whose account has not been missing for long enough to be marked.
    #[serde(default)]
    pub waiting: usize,
    /// Organizations that name no account; never marked.
    #[serde(default)]
    pub unlinked: usize,
    /// Organizations whose account was merged into another one; never marked.
    #[serde(default)]
    pub merged: usize,
    /// Organizations whose missing account Salesforce does not explain; held until a person
    /// approves.
    #[serde(default)]
    pub unexplained: usize,
    /// Marked organizations that the purge leaves alone.
    #[serde(default)]
    pub exempt: usize,
    /// Accounts without an account type.
    pub skipped: usize,
    /// Clashes a person has to resolve.
    pub conflicts: usize,
}

impl Counts {
    /// The partner organizations that name an account, as version 0.2 counted them: those with a
    /// mark or in a conflict as if they did.
    pub(super) fn linked(&self) -> usize {
        self.partner_organizations.saturating_sub(self.unlinked)
    }

    /// The entries of a plan's three lists.
    pub fn entries(&self) -> usize {
        let Self {
            creates,
            updates,
            marks,
            unexplained,
            ..
        } = self;
        creates + updates + marks + unexplained
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Applied {
    pub created: usize,
    pub updated: usize,
    pub marked: usize,
    /// Records that are known not to be applied: Zendesk refused them, or their fields are not what
    /// they must be.
    pub failed: usize,
    /// Records that may have been applied or not; the next run finds out. Documents of earlier
    /// versions lack it: they counted these as failed.
    #[serde(default)]
    pub unknown: usize,
    /// Marks left out because somebody changed the organization meanwhile.
    pub drifted: usize,
}

/// The kinds of change the guard judges apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Category {
    Creates,
    Updates,
    Marks,
    /// Marks for which Salesforce gives no evidence.
    Unexplained,
}

impl Category {
    pub fn name(self) -> &'static str {
        match self {
            Self::Creates => "creates",
            Self::Updates => "updates",
            Self::Marks => "marks",
            Self::Unexplained => "unexplained",
        }
    }
}

/// A category that waits for an approval.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Held {
    pub category: Category,
    pub count: usize,
    /// The most entries that need no approval.
    pub limit: usize,
    /// The digest that an approval must name.
    pub digest: String,
}

/// Where a person finds the report.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReportLocation {
    pub bucket: String,
    /// Key of `report.html`.
    pub html: String,
    /// Key of `report.md`.
    pub markdown: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Summary {
    pub verdict: Verdict,
    pub run_id: String,
    /// Whether the plan was to be applied.
    pub mode: Mode,
    pub counts: Counts,
    pub applied: Applied,
    /// What waits for an approval.
    pub held: Vec<Held>,
    pub report: ReportLocation,
}
