//! Bulk updates and the jobs behind them.

use reqwest::Method;
use serde::Deserialize;
use serde_json::{Value, json};

use super::client::Client;
use super::refused::{in_short, list_not_read};
use crate::http::{Call, CallError};
use domain::Result;

/// A bulk job as Zendesk reports it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Job {
    pub id: String,
    /// `None` while it is queued or working.
    pub ended: Option<JobEnd>,
}

/// The end of a job. "Completed" does not mean that any record was updated: only the results tell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JobEnd {
    /// True if Zendesk says `completed`; `failed`, `killed` and any unknown word are no success.
    pub completed: bool,
    pub message: String,
    /// What it says of the records it names.
    pub results: Vec<RecordResult>,
}

/// What a job says of one record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordResult {
    /// The organization, if the result names it.
    pub id: Option<u64>,
    /// Its place in what was sent, if the result names that.
    pub position: Option<usize>,
    pub said: Said,
}

/// What a result says of its record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Said {
    /// `success: true`.
    Done,
    /// Why it failed, in Zendesk's words.
    Failed(String),
    /// Neither.
    Nothing,
}

#[derive(Deserialize)]
struct JobReply {
    job_status: JobStatus,
}

#[derive(Deserialize)]
struct JobsReply {
    job_statuses: Vec<JobStatus>,
}

#[derive(Deserialize)]
struct JobStatus {
    id: String,
    status: String,
    #[serde(default)]
    message: Option<String>,
    #[serde(default)]
    results: Value,
}

impl From<JobStatus> for Job {
    fn from(
        JobStatus {
            id,
            status,
            message,
            results,
        }: JobStatus,
    ) -> Self {
        let ended = (status != "queued" && status != "working").then(|| JobEnd {
            completed: status == "completed",
            message: in_short(&[message.unwrap_or_else(|| status.clone())]),
            results: results
                .as_array()
                .into_iter()
                .flatten()
                .filter_map(record)
                .collect(),
        });
        Self { id, ended }
    }
}

/// A result of a job; `None` if it names no record.
fn record(result: &Value) -> Option<RecordResult> {
    let id = number(result, "id");
    let position = number(result, "index").and_then(|index| usize::try_from(index).ok());
    if id.is_none() && position.is_none() {
        return None;
    }
    let words = why_failed(result);
    let said = match result.get("success").and_then(Value::as_bool) {
        Some(true) => Said::Done,
        None if words.is_empty() => Said::Nothing,
        Some(false) | None => Said::Failed(in_short(&words)),
    };
    Some(RecordResult { id, position, said })
}

/// A number, which Zendesk sends as a number or as text.
fn number(result: &Value, key: &str) -> Option<u64> {
    match result.get(key)? {
        Value::String(text) => text.parse().ok(),
        other => other.as_u64(),
    }
}

/// Zendesk's words, under every key that it is known to use.
fn why_failed(result: &Value) -> Vec<String> {
    let mut words = Vec::new();
    for key in ["error", "errors", "details"] {
        match result.get(key) {
            None | Some(Value::Null) => {}
            Some(Value::String(text)) if text.is_empty() => {}
            Some(Value::String(text)) => words.push(text.clone()),
            Some(other) => words.push(other.to_string()),
        }
    }
    words
}

impl Client {
    /// `PUT /api/v2/organizations/update_many`: at most 100 organizations, each with its own
    /// changes. Setting the same values twice does no harm, but two jobs side by side hinder each
    /// other, so the caller counts the tries.
    ///
    /// # Errors
    /// [`CallError`]; [`CallError::TooManyJobs`] if 30 are running in the account.
    pub async fn update_many(&mut self, organizations: &[Value]) -> Result<Job, CallError> {
        let url = self.url("/api/v2/organizations/update_many");
        let request = self
            .request(Method::PUT, url)
            .json(&json!({"organizations": organizations}));
        let JobReply { job_status } = self
            .send("update organizations", Call::Once, request)
            .await?;
        Ok(job_status.into())
    }

    /// `GET /api/v2/job_statuses/show_many`: at most 100 jobs; those Zendesk has forgotten are left
    /// out.
    ///
    /// # Errors
    /// [`CallError`], [`domain::Error::Contract`] for a reply of another shape.
    pub async fn job_statuses(&mut self, ids: &[&str]) -> Result<Vec<Job>, CallError> {
        let mut url = self.url("/api/v2/job_statuses/show_many");
        url.query_pairs_mut().append_pair("ids", &ids.join(","));
        let request = self.request(Method::GET, url);
        let JobsReply { job_statuses } = self
            .send("show job statuses", Call::Repeatable, request)
            .await
            .map_err(list_not_read)?;
        Ok(job_statuses.into_iter().map(Job::from).collect())
    }

    /// `GET /api/v2/job_statuses/{id}`: one job, `None` if Zendesk does not know it.
    ///
    /// # Errors
    /// As for [`Client::job_statuses`].
    pub async fn job_status(&mut self, id: &str) -> Result<Option<Job>, CallError> {
        let mut url = self.url("/api/v2/job_statuses");
        if let Ok(mut path) = url.path_segments_mut() {
            path.push(id);
        }
        let request = self.request(Method::GET, url);
        match self
            .send("show a job status", Call::Repeatable, request)
            .await
        {
            Ok(JobReply { job_status }) => Ok(Some(job_status.into())),
            Err(CallError::Refused { status: 404, .. }) => Ok(None),
            Err(other) => Err(other),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn job(wire: Value) -> Job {
        serde_json::from_value::<JobStatus>(wire).unwrap().into()
    }

    #[test]
    fn a_completed_job_is_no_proof_for_its_records() {
        let ended = job(json!({"id": "V3-1", "status": "completed", "results": [
            {"action": "update", "id": 1, "status": "Updated", "success": true},
            {"index": 1, "error": "OrganizationUpdateFailed", "id": 2, "details": "Name: X has \
                already been taken"},
            {"id": 3, "status": "Updated"}, {"index": 4, "error": "without id"},
            {"id": 5, "success": false}
        ]}))
        .ended
        .unwrap();
        let result = |id, position, said| RecordResult { id, position, said };
        let failed = |words: &str| Said::Failed(words.to_owned());
        let taken = "OrganizationUpdateFailed: Name: X has already been taken";
        assert_eq!(
            ended.results,
            [
                result(Some(1), None, Said::Done),
                result(Some(2), Some(1), failed(taken)),
                result(Some(3), None, Said::Nothing),
                result(None, Some(4), failed("without id")),
                result(Some(5), None, failed("no reason given")),
            ]
        );
    }

    #[test]
    fn queued_and_working_jobs_run_and_every_unknown_word_is_an_end_without_success() {
        for status in ["queued", "working"] {
            assert_eq!(
                job(json!({"id": "1", "status": status, "results": null})).ended,
                None
            );
        }
        for status in ["failed", "killed", "novel"] {
            let ended = job(json!({"id": "1", "status": status, "results": {"success": true}}))
                .ended
                .unwrap();
            assert!(!ended.completed && ended.results.is_empty());
        }
    }
}
