//! What the state machine passes to the stages and gets back. Everything is small: lists are in S3,
//! references travel.

use jiff::Timestamp;
use serde::de::{DeserializeOwned, Deserializer, Error as _};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use domain::model::{Claim, Mode, Reference, RunId, RunUsage, Summary, Usage};
use domain::{Error, Result};
use report::Notice;

/// The most digests that one input may approve: one of each category.
const MOST_DIGESTS: usize = 4;

/// The execution's input, read and checked.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ExecutionInput {
    /// What to do with the plan.
    pub mode: Mode,
    /// Digests of held categories that a person has approved.
    pub approve: Vec<String>,
    /// Who approved them and why, as they say.
    pub claim: Claim,
}

/// The execution's input as it comes. Every key is optional.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawInput {
    #[serde(default)]
    mode: Mode,
    #[serde(default)]
    approve: Vec<String>,
    #[serde(default, deserialize_with = "claimed")]
    approved_by: Option<String>,
    #[serde(default, deserialize_with = "claimed")]
    note: Option<String>,
}

impl ExecutionInput {
    /// Reads the input.
    ///
    /// # Errors
    /// [`Error::Input`] says what is allowed.
    pub fn read(input: &Map<String, Value>) -> Result<Self> {
        let refused = || Error::Input(what_is_allowed());
        let RawInput {
            mode,
            approve,
            approved_by,
            note,
        } = RawInput::deserialize(&Value::Object(input.clone())).map_err(|_| refused())?;
        if approve.len() > MOST_DIGESTS || !approve.iter().all(|text| is_digest(text)) {
            return Err(refused());
        }
        Ok(Self {
            mode,
            approve,
            claim: Claim { approved_by, note },
        })
    }
}

fn what_is_allowed() -> String {
    format!(
        "the execution's input may hold \"mode\": \"apply\" or \"plan\", \"approve\": a list of \
         at most {MOST_DIGESTS} \"sha256:\" digests, and \"approved_by\" and \"note\": a line of 1 \
         to {} characters each, nothing else",
        Claim::MOST_CHARACTERS
    )
}

/// A line of text that a person wrote, trimmed.
fn claimed<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    let text = String::deserialize(deserializer)?;
    let is_too_long = text.chars().count() > Claim::MOST_CHARACTERS;
    if is_too_long || text.trim().is_empty() || text.contains(char::is_control) {
        return Err(D::Error::custom("no line of text"));
    }
    Ok(Some(text.trim().to_owned()))
}

/// True for `sha256:` and 64 hexadecimal digits.
fn is_digest(text: &str) -> bool {
    let hex = text.strip_prefix("sha256:").unwrap_or_default();
    hex.len() == 64 && hex.bytes().all(|b| b.is_ascii_hexdigit())
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GatherAccountsEvent {
    pub run_id: RunId,
    /// When the execution started; `None` if the stage is invoked by hand.
    #[serde(default)]
    pub started_at: Option<Timestamp>,
    /// The execution's input, as it came.
    #[serde(default)]
    pub input: Map<String, Value>,
    /// The ARN of an execution that had ended without releasing the lease, and was replaced; empty
    /// if there was none.
    #[serde(default)]
    pub lease_taken_from: String,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GatherOrgsEvent {
    pub run_id: RunId,
    /// When the execution started. Without it the stage refuses to begin.
    #[serde(default)]
    pub started_at: Option<Timestamp>,
    /// `accounts.json`.
    pub accounts: Reference,
}

/// Input of compare. `"task"` says which of its two tasks is meant; the state machine writes it.
#[derive(Debug, Clone, Deserialize)]
#[serde(tag = "task", rename_all = "lowercase")]
pub enum CompareEvent {
    /// `"compare"`: make the plan.
    Compare(Box<CompareTask>),
    /// `"record"`: a run ends before its plan was applied, and leaves a report; or people could not
    /// be told of its end.
    Record(Box<RecordTask>),
}

/// What compare needs to make the plan.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CompareTask {
    pub run_id: RunId,
    /// The execution's input, as it came.
    #[serde(default)]
    pub input: Map<String, Value>,
    /// When the execution started; its UTC day decides what is old enough to be marked.
    pub started_at: Timestamp,
    /// The state machine's ARN, for the command that releases a held run.
    #[serde(default)]
    pub state_machine: Option<String>,
    /// `accounts.json`.
    pub accounts: Reference,
    /// `organizations.json`.
    pub organizations: Reference,
    /// What the earlier stages used.
    #[serde(default)]
    pub usage: RunUsage,
}

/// What compare needs to record a run that failed, was skipped, or could not be told.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RecordTask {
    pub run_id: RunId,
    pub started_at: Timestamp,
    #[serde(default)]
    pub state_machine: Option<String>,
    /// What was to be done with the plan.
    #[serde(default)]
    pub mode: Mode,
    /// The execution's input, as it came.
    #[serde(default)]
    pub input: Map<String, Value>,
    pub ended: EarlyEnd,
}

/// Why a run ended before its plan was applied, or what went wrong after its end.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum EarlyEnd {
    /// It could not go on.
    Failed {
        /// The error's name: one of [`Error::NAMES`], or AWS's own.
        error: String,
        /// What happened, and what to do; as Step Functions has it, or in the stage's own words.
        cause: String,
    },
    /// Another execution was running.
    Skipped { holder: String },
    /// It has ended and was recorded, and the message about it could not be sent.
    Untold { subject: String, message: String },
}

impl EarlyEnd {
    /// The same, with the cause in the failed stage's own words. What Lambda says of a failed
    /// function is JSON around them. It is not JSON if the function timed out, and any cause may
    /// be cut off or missing.
    pub fn in_its_own_words(self) -> Self {
        #[derive(Deserialize)]
        struct Diagnostic {
            #[serde(rename = "errorMessage")]
            message: String,
        }
        match self {
            Self::Failed { error, cause } => {
                let words = serde_json::from_str(&cause).map(|Diagnostic { message }| message);
                let cause = match words.unwrap_or(cause) {
                    none if none.trim().is_empty() => NO_CAUSE.to_owned(),
                    words => words,
                };
                Self::Failed { error, cause }
            }
            other @ (Self::Skipped { .. } | Self::Untold { .. }) => other,
        }
    }
}

/// The cause of a failure that has none.
const NO_CAUSE: &str = "No cause was given; see the execution history.";

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SyncEvent {
    pub run_id: RunId,
    /// When the execution started. Without it the stage refuses to begin.
    #[serde(default)]
    pub started_at: Option<Timestamp>,
    /// How often the execution was redriven. A redrive goes on in the middle, past the lease.
    #[serde(default)]
    pub redriven: u32,
    /// The ARN of an execution that had ended without releasing the lease, and was replaced; empty
    /// if there was none. Its last invocation may still be running.
    #[serde(default)]
    pub lease_taken_from: String,
    /// `plan.json`.
    pub plan: Reference,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct GatheredAccounts {
    /// `accounts.json`.
    pub accounts: Reference,
    pub usage: Usage,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Compared {
    /// `plan.json`.
    pub plan: Reference,
    /// The execution's output if nothing is applied.
    pub summary: Summary,
}

/// Output of a stage that may take several invocations.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "status", rename_all = "lowercase")]
pub enum Progress<T> {
    /// Call again after a pause.
    Wait {
        wait_seconds: u64,
        /// How far the stage is.
        #[serde(flatten)]
        so_far: SoFar,
    },
    /// Call again at once: the invocation's time was used up.
    Continue {
        /// How far the stage is.
        #[serde(flatten)]
        so_far: SoFar,
    },
    /// The stage has ended.
    Done(T),
}

/// How far a stage is; for people who follow a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct SoFar {
    pub handled: usize,
    /// Records in all, if known.
    pub total: Option<usize>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct GatheredOrgs {
    /// `organizations.json`.
    pub organizations: Reference,
    pub usage: Usage,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Synced {
    pub summary: Summary,
    /// What people are told, if the pipeline's state has changed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub notice: Option<Notice>,
}

/// Output of compare for a run it recorded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Default)]
pub struct Recorded {
    /// Why the run failed, in the stage's own words; the execution ends with it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cause: Option<String>,
    /// What people are told, if the pipeline's state has changed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub notice: Option<Notice>,
}

/// The run id in a stage's input, for the log; empty if there is none.
pub fn run_id_of(payload: &Value) -> String {
    let text = payload
        .get("run_id")
        .and_then(Value::as_str)
        .unwrap_or_default();
    RunId::try_from(text.to_owned())
        .map(String::from)
        .unwrap_or_default()
}

/// Reads a stage's input.
///
/// # Errors
/// [`Error::Input`] names the key that is wrong. The input is made by the state machine, so it
/// holds no secret.
pub fn parse<T: DeserializeOwned>(payload: Value) -> Result<T> {
    serde_json::from_value(payload).map_err(|error| {
        // Other messages of the parser repeat values.
        let why = error.to_string();
        let why = if why.starts_with("missing field") {
            why
        } else {
            "a key or value is not known".to_owned()
        };
        Error::Input(format!(
            "the stage's input is wrong: {why}; see docs/CONTRACT.md, \"Stages\""
        ))
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(input: &Value) -> Result<ExecutionInput> {
        ExecutionInput::read(input.as_object().unwrap())
    }

    #[test]
    fn an_unknown_key_or_value_is_refused() {
        let digest = format!("sha256:{}", "0".repeat(64));
        let longest = "ü".repeat(Claim::MOST_CHARACTERS);
        for good in [
            json!({}),
            json!({"mode": "plan"}),
            json!({"mode": "apply", "approve": [digest]}),
            json!({"approve": []}),
            json!({"approve": vec![&digest; MOST_DIGESTS], "approved_by": "A", "note": longest}),
        ] {
            assert!(read(&good).is_ok(), "{good}");
        }
        for bad in [
            json!({"mode": "Plan"}),
            json!({"mode": null}),
            json!({"dry_run": true}),
            json!({"approve": "sha256:"}),
            json!({"approve": ["x"]}),
            json!({"approve": vec![&digest; MOST_DIGESTS + 1]}),
            json!({"approved_by": null}),
            json!({"approved_by": ["A"]}),
            json!({"note": ""}),
            json!({"note": " \u{a0}"}),
            json!({"note": "two\nlines"}),
            json!({"note": format!("{longest}x")}),
            json!({"version": "0", "source": "aws.scheduler"}),
        ] {
            let refused = read(&bad).unwrap_err();
            assert_eq!(refused.name(), "Sync.Input", "{bad}");
            for allowed in ["at most 4", "\"approved_by\" and \"note\"", "1 to 200"] {
                assert!(refused.to_string().contains(allowed), "{refused}");
            }
        }
    }

    #[test]
    fn who_approved_and_why_are_taken_as_claimed_and_trimmed() {
        let given = json!({"approved_by": " Ann Example ", "note": "they\u{2019}ve left "});
        let read = read(&given).unwrap();
        assert_eq!(read.claim.approved_by.as_deref(), Some("Ann Example"));
        assert_eq!(read.claim.note.as_deref(), Some("they\u{2019}ve left"));
        assert_eq!(read.mode, Mode::Apply);
        assert!(ExecutionInput::default().claim.is_empty());
    }

    #[test]
    fn compares_two_tasks_are_told_apart_by_their_name_alone() {
        let ended = json!({"skipped": {"holder": "arn"}});
        let record = json!({
            "task": "record", "run_id": "r", "started_at": "2026-11-23T06:00:00Z", "ended": ended,
        });
        assert!(matches!(parse(record.clone()), Ok(CompareEvent::Record(_))));
        for (key, value) in [
            ("task", json!("compare")),
            ("task", json!("Record")),
            ("task", Value::Null),
            ("more", json!(1)),
        ] {
            let mut wrong = record.clone();
            wrong[key] = value;
            let error = parse::<CompareEvent>(wrong).unwrap_err();
            assert_eq!(error.name(), "Sync.Input", "{key}");
        }
    }

    #[test]
    fn a_failure_is_told_in_the_stages_own_words_however_its_cause_comes() {
        let words = |cause: &str| {
            let error = "Sync.Auth".to_owned();
            let cause = cause.to_owned();
            match (EarlyEnd::Failed { error, cause }).in_its_own_words() {
                EarlyEnd::Failed { error: _, cause } => cause,
                other => unreachable!("{other:?}"),
            }
        };
        let of_lambda = r#"{"errorMessage": "salesforce: refused", "errorType": "Sync.Auth"}"#;
        assert_eq!(words(of_lambda), "salesforce: refused");
        let as_they_are = [
            "A plain cause",
            r#"{"errorMessage": "cut o"#,
            r#"{"errorMessage": {"nested": "x"}}"#,
            r#"Lambda did not return an error type. Returned payload: {"errorMessage":"Task"}"#,
        ];
        for cause in as_they_are {
            assert_eq!(words(cause), cause);
        }
        for nothing in ["", " ", r#"{"errorMessage": ""}"#] {
            assert_eq!(words(nothing), NO_CAUSE);
        }
    }

    #[test]
    fn a_run_id_cannot_leave_its_prefix() {
        for bad in ["../x", "a/b", "", ".", &"x".repeat(81)] {
            assert!(
                parse::<GatherAccountsEvent>(json!({"run_id": bad})).is_err(),
                "{bad}"
            );
        }
        assert!(parse::<GatherAccountsEvent>(json!({"run_id": "2026-11-23T00-00.1_x"})).is_ok());
    }
}
