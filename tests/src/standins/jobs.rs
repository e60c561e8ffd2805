//! Bulk jobs of a stand-in Zendesk: accepted at once, done later, and "completed" whatever became
//! of their records.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::zendesk::{Zendesk, too_many};
use super::{Request, Response};

/// Running jobs an account may have. Source: Zendesk, rate limits.
const LIMIT: usize = 30;

/// The jobs of an instance, and how they are told to fail.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Jobs {
    /// All jobs by id.
    pub all: BTreeMap<String, Job>,
    /// Looks at a job before it has ended.
    pub slowness: u32,
    /// Organizations that make every job they are in fail as a whole.
    #[serde(default)]
    pub poison: BTreeSet<u64>,
    /// Whether a job that fails as a whole names the poisoned record, by its place alone.
    #[serde(default)]
    pub names_poison: bool,
    /// Organizations whose record fails, with the words.
    #[serde(default)]
    pub refuse: BTreeMap<u64, String>,
    /// Organizations of which the results say nothing, though they are updated.
    #[serde(default)]
    pub silent: BTreeSet<u64>,
    /// Jobs, counted from 0 in the order of acceptance, that are done and then forgotten.
    #[serde(default)]
    pub vanish: BTreeSet<usize>,
    /// Jobs that never end.
    #[serde(default)]
    pub stuck: BTreeSet<usize>,
    /// The most jobs that ever ran at once.
    #[serde(default)]
    pub peak: usize,
    /// Other integrations' jobs that run.
    #[serde(default)]
    pub others: usize,
}

/// One job.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Job {
    number: usize,
    /// What it is to do.
    pub updates: Vec<Value>,
    looks: u32,
    /// `queued`, `working`, `completed`, `failed`.
    pub status: String,
    results: Value,
}

impl Job {
    fn runs(&self) -> bool {
        self.status == "queued" || self.status == "working"
    }

    fn shown(&self, id: &str) -> Value {
        let total = self.updates.len();
        let (progress, message) = match self.status.as_str() {
            "queued" => (Value::Null, Value::Null),
            "working" => (
                json!(total / 2),
                json!(format!("Updating organization #{}", total / 2)),
            ),
            "failed" => (json!(0), json!("Failed at 2026-11-01 00:00:00 +0000")),
            _ => (
                json!(total),
                json!("Completed at 2026-11-01 00:00:00 +0000"),
            ),
        };
        json!({
            "id": id, "url": format!("https://stand-in.example/api/v2/job_statuses/{id}.json"),
            "total": total, "progress": progress,
            "status": self.status, "message": message, "results": self.results})
    }
}

impl Zendesk {
    pub(super) fn update_many(&mut self, body: &Value) -> Response {
        let Some(updates) = body["organizations"].as_array().cloned() else {
            return Response::json(
                400,
                &json!({"error": "BadRequest", "description": "organizations is missing"}),
            );
        };
        if updates.len() > 100 {
            return too_many("organizations");
        }
        let running = self.jobs.all.values().filter(|job| job.runs()).count() + self.jobs.others;
        if running >= LIMIT {
            return Response::json(
                429,
                &json!({"error": "TooManyJobs", "description": "Too many jobs are currently queued \
                    or running. Try again later.", "current_job_ids": []}),
            );
        }
        self.jobs.peak = self.jobs.peak.max(running + 1 - self.jobs.others);
        let number = self.jobs.all.len();
        let id = format!("V3-{number:032x}");
        let job = Job {
            number,
            updates,
            looks: 0,
            status: "queued".to_owned(),
            results: Value::Null,
        };
        let shown = job.shown(&id);
        self.jobs.all.insert(id, job);
        Response::json(200, &json!({"job_status": shown}))
    }

    pub(super) fn job_statuses(&mut self, request: &Request) -> Response {
        let ids: Vec<String> = request
            .param("ids")
            .unwrap_or_default()
            .split(',')
            .map(str::to_owned)
            .collect();
        if ids.len() > 100 {
            return too_many("ids");
        }
        let mut shown = Vec::new();
        for id in ids {
            self.work_on(&id);
            if let Some(job) = self
                .jobs
                .all
                .get(&id)
                .filter(|job| job.runs() || !self.jobs.vanish.contains(&job.number))
            {
                shown.push(job.shown(&id));
            }
        }
        Response::json(
            200,
            &json!({
                "job_statuses": shown, "count": shown.len(), "next_page": null,
                "previous_page": null,
            }),
        )
    }

    /// An hour passes: every job ends, also those nobody looks at any more; a stuck one has failed.
    pub fn finish_jobs(&mut self) {
        let running: Vec<String> = self
            .jobs
            .all
            .iter()
            .filter(|(_, job)| job.runs())
            .map(|(id, _)| id.clone())
            .collect();
        let stuck = std::mem::take(&mut self.jobs.stuck);
        for id in running {
            match self.jobs.all.get_mut(&id) {
                Some(job) if stuck.contains(&job.number) => "failed".clone_into(&mut job.status),
                _ => (0..=self.jobs.slowness).for_each(|_| self.work_on(&id)),
            }
        }
    }

    /// A look lets a job go on; the last one does its work.
    fn work_on(&mut self, id: &str) {
        let slowness = self.jobs.slowness;
        let Some(job) = self.jobs.all.get_mut(id).filter(|job| job.runs()) else {
            return;
        };
        job.looks += 1;
        "working".clone_into(&mut job.status);
        if job.looks <= slowness || self.jobs.stuck.contains(&job.number) {
            return;
        }
        let updates = job.updates.clone();
        let of = |update: &Value| update["id"].as_u64().unwrap_or_default();
        let spoiled = updates
            .iter()
            .any(|update| self.jobs.poison.contains(&of(update)));
        let (status, results) = if spoiled {
            ("failed", self.named_poison(&updates))
        } else {
            ("completed", self.apply(&updates))
        };
        if let Some(job) = self.jobs.all.get_mut(id) {
            status.clone_into(&mut job.status);
            job.results = results;
        }
    }

    fn named_poison(&self, updates: &[Value]) -> Value {
        let poisoned = |update: &Value| {
            self.jobs
                .poison
                .contains(&update["id"].as_u64().unwrap_or_default())
        };
        match updates
            .iter()
            .position(poisoned)
            .filter(|_| self.jobs.names_poison)
        {
            Some(index) => {
                json!([{"index": index, "error": "OrganizationUpdateFailed", "details": "Owner: is \
                    poison"}])
            }
            None => Value::Null,
        }
    }

    fn apply(&mut self, updates: &[Value]) -> Value {
        let mut results = Vec::new();
        for (index, update) in updates.iter().enumerate() {
            let id = update["id"].as_u64().unwrap_or_default();
            let told = self
                .jobs
                .refuse
                .get(&id)
                .map(|words| ("OrganizationUpdateFailed", words.clone()));
            if let Some((error, details)) = told.or_else(|| self.refusal(id, update)) {
                results.push(json!({"index": index, "error": error, "id": id, "details": details}));
                continue;
            }
            self.set(id, update);
            if !self.jobs.silent.contains(&id) {
                results.push(
                    json!({"action": "update", "id": id, "status": "Updated", "success": true}),
                );
            }
        }
        Value::Array(results)
    }
}
