//! Bulk jobs of a stand-in Zendesk: accepted at once, done by the clock whether or not anybody
//! looks, and "completed" whatever became of their records.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::zendesk::{Zendesk, too_many};
use super::{Request, Response};

/// The most jobs of an account that may run. Source: Zendesk, rate limits.
const LIMIT: usize = 30;
/// After this many milliseconds Zendesk gives up a stuck job.
const STUCK_MS: i64 = 3_600_000;

/// The jobs of an instance, and how they are to fail. Jobs are named by their number, counted
/// from 0 in the order of acceptance.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Jobs {
    pub all: BTreeMap<String, Job>,
    /// How long a job takes, in milliseconds.
    pub takes_ms: i64,
    /// Organizations that make every job they are in fail as a whole.
    pub poison: BTreeSet<u64>,
    /// Organizations whose every `update_many` gets no usable answer, and is not done.
    pub choke: BTreeSet<u64>,
    /// Whether a job that fails as a whole names the poisoned record, by its place alone.
    pub names_poison: bool,
    /// Organizations whose record fails, with the words.
    pub refuse: BTreeMap<u64, String>,
    /// Organizations whose record fails once, with the words.
    pub refuse_once: BTreeMap<u64, String>,
    /// Organizations that the results leave out, though they are updated.
    pub silent: BTreeSet<u64>,
    /// Organizations whose result says neither success nor error, though they are updated.
    pub mute: BTreeSet<u64>,
    /// How long a job is not shown after it was accepted, in milliseconds; then it is shown for as
    /// long, then not shown again, and so on.
    pub hidden_ms: i64,
    /// Jobs that are done and then forgotten.
    pub vanish: BTreeSet<usize>,
    /// Jobs that are shown by their id alone.
    pub unlisted: BTreeSet<usize>,
    /// Jobs that do not end before an hour has passed, and then fail.
    pub stuck: BTreeSet<usize>,
    /// Jobs that fail after half of their records were done, with the word for it (`failed`,
    /// `killed`) and one result without id: it blames the first record, whichever is to blame.
    pub half: BTreeMap<usize, String>,
    /// Jobs whose results are an object.
    pub object: BTreeSet<usize>,
    /// The most jobs that ever ran at once.
    pub peak: usize,
    /// Other integrations' jobs that run.
    pub others: usize,
    pub seen: Seen,
}

/// What the jobs met; a test counts it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seen {
    /// Jobs that failed after half of their records.
    pub halves: usize,
    /// Records that failed because another job had them at the same time.
    pub collisions: usize,
    /// Jobs that were done and forgotten.
    pub vanished: usize,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Job {
    number: usize,
    /// What it is to do.
    pub updates: Vec<Value>,
    accepted_ms: i64,
    /// `queued`, `working`, `completed`, `failed`, `killed`.
    pub status: String,
    results: Value,
}

impl Job {
    fn runs(&self) -> bool {
        self.status == "queued" || self.status == "working"
    }

    fn ids(&self) -> impl Iterator<Item = u64> + '_ {
        self.updates.iter().map(id_of)
    }

    fn shown(&self, id: &str) -> Value {
        let total = self.updates.len();
        let (progress, message) = match self.status.as_str() {
            "queued" => (Value::Null, Value::Null),
            "working" => (
                json!(total / 2),
                json!(format!("Updating organization #{}", total / 2)),
            ),
            "completed" => (
                json!(total),
                json!("Completed at 2026-11-01 00:00:00 +0000"),
            ),
            _ => (json!(0), json!("Failed at 2026-11-01 00:00:00 +0000")),
        };
        json!({
            "id": id, "url": format!("https://stand-in.example/api/v2/job_statuses/{id}.json"),
            "job_type": "organization_update", "total": total, "progress": progress,
            "status": self.status, "message": message, "results": self.results})
    }
}

fn id_of(update: &Value) -> u64 {
    update["id"].as_u64().unwrap_or_default()
}

impl Zendesk {
    pub(super) fn update_many(&mut self, body: &Value, now_ms: i64) -> Response {
        let Some(updates) = body["organizations"].as_array().cloned() else {
            return Response::json(
                400,
                &json!({"error": "BadRequest", "description": "organizations is missing"}),
            );
        };
        if updates.len() > 100 {
            return too_many("organizations");
        }
        if updates
            .iter()
            .any(|one| self.jobs.choke.contains(&id_of(one)))
        {
            return Response::json(504, &Value::Null);
        }
        let ours = self.jobs.all.values().filter(|job| job.runs()).count();
        if ours + self.jobs.others >= LIMIT {
            return Response::json(
                429,
                &json!({"error": "TooManyJobs", "description": "Too many jobs are currently queued \
                    or running. Try again later.", "current_job_ids": []}),
            )
            .with(
                "zendesk-ratelimit-inflight-jobs",
                "total=30; remaining=0; resets=60",
            );
        }
        self.jobs.peak = self.jobs.peak.max(ours + 1);
        let number = self.jobs.all.len();
        let id = format!("V3-{number:032x}");
        let job = Job {
            number,
            updates,
            accepted_ms: now_ms,
            status: "queued".to_owned(),
            results: Value::Null,
        };
        let shown = job.shown(&id);
        self.jobs.all.insert(id, job);
        Response::json(200, &json!({"job_status": shown}))
    }

    pub(super) fn job_statuses(&mut self, request: &Request) -> Response {
        let ids = request.param("ids").unwrap_or_default();
        let ids: Vec<_> = ids.split(',').collect();
        if ids.len() > 100 {
            return too_many("ids");
        }
        let listed = ids.into_iter().filter_map(|id| {
            let job = self.known(id)?;
            (!self.jobs.unlisted.contains(&job.number)).then(|| job.shown(id))
        });
        let shown: Vec<_> = listed.collect();
        Response::json(
            200,
            &json!({
                "job_statuses": shown, "count": shown.len(), "next_page": null,
                "previous_page": null,
            }),
        )
    }

    pub(super) fn job_status(&mut self, id: &str) -> Response {
        self.known(id).map_or_else(Response::not_found, |job| {
            Response::json(200, &json!({"job_status": job.shown(id)}))
        })
    }

    /// A job that is not forgotten.
    fn known(&self, id: &str) -> Option<&Job> {
        let is_forgotten = |job: &Job| !job.runs() && self.jobs.vanish.contains(&job.number);
        let is_hidden = |job: &Job| {
            let turns = (self.now_ms() - job.accepted_ms).checked_div(self.jobs.hidden_ms);
            turns.is_some_and(|turns| turns % 2 == 0)
        };
        let job = self.jobs.all.get(id);
        job.filter(|job| !is_forgotten(job) && !is_hidden(job))
    }

    /// The job that is to end next, and when.
    pub(super) fn next_end(&self) -> Option<(i64, String)> {
        let running = self.jobs.all.iter().filter(|(_, job)| job.runs());
        let ends = running.map(|(id, job)| {
            let is_stuck = self.jobs.stuck.contains(&job.number);
            let takes = if is_stuck {
                STUCK_MS
            } else {
                self.jobs.takes_ms
            };
            (job.accepted_ms + takes, id.clone())
        });
        ends.min()
    }

    /// Jobs are at work as long as they have not ended.
    pub(super) fn work(&mut self, now_ms: i64) {
        for job in self.jobs.all.values_mut().filter(|job| job.runs()) {
            if now_ms > job.accepted_ms {
                "working".clone_into(&mut job.status);
            }
        }
    }

    /// A job does its work and ends.
    pub(super) fn end(&mut self, id: &str) {
        let Some(job) = self.jobs.all.get(id) else {
            return;
        };
        let (number, mut updates) = (job.number, job.updates.clone());
        let beside = self.beside(id);
        let is_spoiled = updates
            .iter()
            .any(|one| self.jobs.poison.contains(&id_of(one)));
        let is_object = self.jobs.object.contains(&number);
        let (status, results) = if self.jobs.stuck.contains(&number) {
            ("failed".to_owned(), Value::Null)
        } else if let Some(word) = self.jobs.half.get(&number).cloned() {
            updates.truncate(updates.len() / 2);
            let _ = self.apply(&updates, &beside);
            self.jobs.seen.halves += 1;
            (
                word,
                json!([{"index": 0, "error": "the job was interrupted"}]),
            )
        } else if is_spoiled {
            ("failed".to_owned(), self.named_poison(&updates))
        } else {
            ("completed".to_owned(), self.apply(&updates, &beside))
        };
        self.jobs.seen.vanished += usize::from(self.jobs.vanish.contains(&number));
        if let Some(job) = self.jobs.all.get_mut(id) {
            job.status = status;
            job.results = if is_object {
                json!({"success": true})
            } else {
                results
            };
        }
    }

    /// Organizations that other running jobs have as well.
    fn beside(&self, id: &str) -> BTreeSet<u64> {
        let others = self
            .jobs
            .all
            .iter()
            .filter(|(other, job)| *other != id && job.runs());
        others.flat_map(|(_, job)| job.ids()).collect()
    }

    fn named_poison(&self, updates: &[Value]) -> Value {
        let poisoned = |update: &Value| self.jobs.poison.contains(&id_of(update));
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

    /// Updates one after the other; of those another job has too, every second one collides.
    fn apply(&mut self, updates: &[Value], beside: &BTreeSet<u64>) -> Value {
        let mut results = Vec::new();
        for (index, update) in updates.iter().enumerate() {
            let id = id_of(update);
            if let Some((error, details)) = self.why_not(id, update, beside) {
                let id = &update["id"];
                results.push(json!({"index": index, "error": error, "id": id, "details": details}));
                continue;
            }
            self.set(id, update);
            if self.jobs.mute.contains(&id) {
                results.push(json!({"action": "update", "id": id, "status": "Updated"}));
            } else if !self.jobs.silent.contains(&id) {
                results.push(
                    json!({"action": "update", "id": id, "status": "Updated", "success": true}),
                );
            }
        }
        Value::Array(results)
    }

    fn why_not(
        &mut self,
        id: u64,
        update: &Value,
        beside: &BTreeSet<u64>,
    ) -> Option<(&'static str, String)> {
        if beside.contains(&id) && id.is_multiple_of(2) {
            self.jobs.seen.collisions += 1;
            return Some(("DatabaseConflict", "Database collision".to_owned()));
        }
        if update["id"].as_u64().is_none() {
            return Some(("BadRequest", "id is missing".to_owned()));
        }
        let once = self.jobs.refuse_once.remove(&id);
        let told = once.or_else(|| self.jobs.refuse.get(&id).cloned());
        let told = told.map(|words| ("OrganizationUpdateFailed", words));
        told.or_else(|| self.refusal(id, update))
    }
}
