//! The four handlers in one process, in the order of the state machine, over a store in memory.

use std::collections::BTreeMap;
use std::time::Duration;

use compare::{Answer, handler as compare};
use domain::model::{RunUsage, Summary};
use domain::{Error, Result};
use gather_accounts::handler as gather_accounts;
use gather_orgs::handler as gather_orgs;
use jiff::{Timestamp, ToSpan};
use lambda_runtime::{Context, LambdaEvent};
use report::Notice;
use secrecy::SecretString;
use serde_json::{Map, Value, json};
use stage::events::{Compared, GatheredAccounts, GatheredOrgs, Progress, Synced};
use stage::secrets::Secrets;
use stage::settings::Env;
use sync::{Session, handler as sync};
use vendors::http::Wire;

use crate::clock::{self, clock};
use crate::memory_store::MemoryStore;
use crate::standins::Running;
use crate::sync_file;

const STATE_MACHINE: &str = "arn:aws:states:eu-central-1:000000000000:stateMachine:partner-sync";

#[derive(Debug, Clone, Default)]
pub struct MemorySecrets(pub BTreeMap<String, String>);

impl Secrets for MemorySecrets {
    async fn secret(&self, name: &str) -> Result<SecretString> {
        let text = self
            .0
            .get(name)
            .ok_or_else(|| Error::Config(format!("secret {name}: ResourceNotFoundException")))?;
        Ok(SecretString::from(text.clone()))
    }

    async fn find_secret(&self, name: &str) -> Result<Option<SecretString>> {
        let text = self.0.get(name).cloned();
        Ok(text.map(SecretString::from))
    }
}

/// The pipeline in one process.
#[derive(Debug)]
pub struct Pipeline {
    pub store: MemoryStore,
    pub secrets: MemorySecrets,
    pub env: BTreeMap<String, String>,
    /// Seconds of every Wait state of the current run.
    pub waits: Vec<u64>,
    /// Whether stages are tried again as the state machine tries them.
    pub retries: bool,
    /// The execution whose lease was taken over; empty if there was none.
    pub lease_taken_from: String,
    pub today: Timestamp,
    /// What people are told of the last run that was applied.
    pub notice: Option<Notice>,
    /// What compare was last given.
    gathered: Value,
    session: Session,
    runs: usize,
}

impl Pipeline {
    /// A pipeline on these stand-ins, with their credentials.
    pub fn on(standins: &Running) -> Self {
        Self {
            store: MemoryStore::default(),
            secrets: MemorySecrets(secrets(standins)),
            env: BTreeMap::new(),
            waits: Vec::new(),
            retries: false,
            lease_taken_from: String::new(),
            today: "2026-11-23T06:00:00Z"
                .parse()
                .unwrap_or(Timestamp::UNIX_EPOCH),
            notice: None,
            gathered: Value::Null,
            session: session(),
            runs: 0,
        }
    }

    /// One run, as the state machine would do it; waits are noted, not waited.
    ///
    /// # Errors
    /// The stage's error.
    pub async fn run(&mut self, input: Value) -> Result<Summary> {
        let Compared { plan, summary } = self.plan(input.clone()).await?;
        if input["mode"] == "plan" {
            return Ok(summary);
        }
        self.waits.clear();
        self.apply(&json!(plan)).await
    }

    pub fn run_id(&self) -> String {
        format!("run-{}", self.runs)
    }

    /// A document of the current run.
    pub fn document(&self, file: &str) -> Value {
        let bytes = self.store.object(&format!("runs/{}/{file}", self.run_id()));
        bytes
            .and_then(|bytes| serde_json::from_slice(&bytes).ok())
            .unwrap_or_default()
    }

    /// The first three stages of a new run.
    ///
    /// # Errors
    /// The stage's error.
    pub async fn plan(&mut self, input: Value) -> Result<Compared> {
        self.runs += 1;
        clock::travel_to(self.today);
        let run_id = self.run_id();
        let input = input.as_object().cloned().unwrap_or_default();
        let gathered = self.gather_accounts(&run_id, &input).await?;
        let accounts = json!(gathered.accounts);
        let organizations = self.gather_orgs(&run_id, &accounts).await?;
        let usage = RunUsage {
            gather_accounts: gathered.usage,
            gather_orgs: organizations.usage,
            ..RunUsage::default()
        };
        self.gathered = json!({
            "task": "compare",
            "run_id": run_id,
            "input": input,
            "started_at": self.today,
            "state_machine": STATE_MACHINE,
            "accounts": accounts,
            "organizations": organizations.organizations,
            "usage": usage,
        });
        match self.answer(self.gathered.clone()).await? {
            Answer::Compared(compared) => Ok(*compared),
            Answer::Recorded(_) => Err(Error::Contract("compare recorded an end".to_owned())),
        }
    }

    async fn answer(&self, task: Value) -> Result<Answer> {
        let config = self.env().compare();
        let once =
            async || Box::pin(compare(&config, &self.store, &clock(), event(task.clone()))).await;
        self.retried(once).await
    }

    /// A stage with the retries of the state machine, if they are wanted.
    async fn retried<T>(&self, once: impl AsyncFn() -> Result<T>) -> Result<T> {
        let mut tries = Tries::default();
        loop {
            match once().await {
                Err(error) if self.retries && tries.one_more(&error) => {}
                ended => return ended,
            }
        }
    }

    /// Ends the current run as the state machine does when a stage has failed.
    ///
    /// # Errors
    /// The stage's error.
    pub async fn record_failure(&mut self, error: &Error) -> Result<()> {
        let (run_id, started_at) = (self.run_id(), self.today);
        self.record_failure_of(&run_id, started_at, error).await
    }

    /// Ends an earlier run that way.
    ///
    /// # Errors
    /// The stage's error.
    pub async fn record_failure_of(
        &mut self,
        run_id: &str,
        started_at: Timestamp,
        error: &Error,
    ) -> Result<()> {
        let failed = json!({"error": error.name(), "cause": error.to_string()});
        let task = json!({
            "task": "record", "run_id": run_id, "started_at": started_at,
            "ended": {"failed": failed},
        });
        if let Answer::Recorded(recorded) = self.answer(task).await? {
            self.notice = recorded.notice;
        }
        Ok(())
    }

    /// What the state machine does if the message about the current run cannot be sent.
    ///
    /// # Errors
    /// The stage's error.
    pub async fn record_untold(&mut self) -> Result<()> {
        let Some(Notice {
            subject, message, ..
        }) = self.notice.take()
        else {
            return Ok(());
        };
        let task = json!({
            "task": "record", "run_id": self.run_id(), "started_at": self.today,
            "ended": {"untold": {"subject": subject, "message": message}},
        });
        self.answer(task).await.map(drop)
    }

    /// The second and the third stage of the current run once more, with what they were given.
    pub async fn redriven(&self) -> [Result<()>; 2] {
        let run_id = self.run_id();
        let gathered = self
            .gather_orgs_once(&run_id, &self.gathered["accounts"])
            .await;
        let compared = self.answer(self.gathered.clone()).await;
        [gathered.map(drop), compared.map(drop)]
    }

    /// compare once more for the current run, as if its answer had been lost.
    ///
    /// # Errors
    /// The stage's error.
    pub async fn compared_again(&self) -> Result<()> {
        self.answer(self.gathered.clone()).await.map(drop)
    }

    async fn gather_accounts(
        &self,
        run_id: &str,
        input: &Map<String, Value>,
    ) -> Result<GatheredAccounts> {
        let config = self.env().gather_accounts();
        let started_at = self.today;
        let event = || event(json!({"run_id": run_id, "started_at": started_at, "input": input}));
        let once = async || {
            Box::pin(gather_accounts(
                &config,
                &self.store,
                &self.secrets,
                &Wire::by(clock()),
                event(),
            ))
            .await
        };
        self.retried(once).await
    }

    /// The second stage with invocations that have so little time left that each reads one page;
    /// returns the document and the number of invocations. The first stage is run before it.
    ///
    /// # Errors
    /// The stage's error.
    pub async fn gather_orgs_piecemeal(&mut self) -> Result<(Value, usize)> {
        self.runs += 1;
        let run_id = self.run_id();
        let gathered = self.gather_accounts(&run_id, &Map::new()).await?;
        let accounts = json!(gathered.accounts);
        let config = self.env().gather_orgs();
        for invocations in 1.. {
            let event = event_with(
                json!({
                    "run_id": run_id, "started_at": self.today, "accounts": accounts,
                }),
                20,
            );
            let wire = Wire::by(clock());
            let gathered = gather_orgs(&config, &self.store, &self.secrets, &wire, event);
            if let Progress::Done(_) = Box::pin(gathered).await? {
                return Ok((self.document("organizations.json"), invocations));
            }
        }
        Ok((Value::Null, 0))
    }

    async fn gather_orgs(&mut self, run_id: &str, accounts: &Value) -> Result<GatheredOrgs> {
        loop {
            match self.gather_orgs_once(run_id, accounts).await? {
                Progress::Done(done) => return Ok(done),
                Progress::Wait { wait_seconds, .. } => self.wait(wait_seconds),
                Progress::Continue { .. } => {}
            }
        }
    }

    async fn gather_orgs_once(
        &self,
        run_id: &str,
        accounts: &Value,
    ) -> Result<Progress<GatheredOrgs>> {
        let config = self.env().gather_orgs();
        let event =
            || event(json!({"run_id": run_id, "started_at": self.today, "accounts": accounts}));
        let wire = Wire::by(clock());
        let (store, secrets) = (&self.store, &self.secrets);
        let once = async || {
            let event = event();
            let in_time = InTime::of(&event);
            let gathered = Box::pin(gather_orgs(&config, store, secrets, &wire, event)).await;
            in_time.must_not_be_over();
            gathered
        };
        self.retried(once).await
    }

    /// One invocation of sync that may be killed, by the stand-ins or the store; the next one is a
    /// new process. `None` if it was killed.
    ///
    /// # Errors
    /// The stage's error.
    pub async fn sync_mortal(
        &mut self,
        plan: &Value,
        standins: &Running,
    ) -> Result<Option<Progress<Synced>>> {
        let store = self.store.clone();
        let ended = tokio::select! {
            ended = self.sync_once(plan, event) => Some(ended),
            () = standins.hung() => None,
            () = store.died() => None,
        };
        if ended.is_none() {
            self.session = session();
        }
        ended.transpose()
    }

    /// One invocation of sync with the retries of the state machine, each of which may be killed.
    /// Returns that it was killed, so that a test can count the kills.
    ///
    /// # Errors
    /// The stage's error, after the last retry.
    pub async fn sync_retried(
        &mut self,
        plan: &Value,
        standins: &Running,
    ) -> Result<Result<Progress<Synced>, Killed>> {
        let mut tries = Tries::default();
        loop {
            match self.sync_mortal(plan, standins).await {
                Ok(Some(progress)) => return Ok(Ok(progress)),
                Ok(None) => return Ok(Err(Killed)),
                Err(error) if self.retries && tries.one_more(&error) => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// One invocation of sync, without the Wait state that it asks for; returns the seconds of
    /// that.
    pub async fn sync_once_unwaited(&mut self, plan: &Value) -> Option<u64> {
        let before = clock::now();
        let ended = self.sync_once(plan, event).await;
        clock::travel_to(before);
        match ended {
            Ok(Progress::Wait { wait_seconds, .. }) => Some(wait_seconds),
            _ => None,
        }
    }

    /// The last stage of the current run, until it is done.
    ///
    /// # Errors
    /// The stage's error.
    pub async fn apply(&mut self, plan: &Value) -> Result<Summary> {
        loop {
            match self.sync_once(plan, event).await? {
                Progress::Done(done) => {
                    self.notice = done.notice;
                    return Ok(done.summary);
                }
                Progress::Wait { .. } | Progress::Continue { .. } => {}
            }
        }
    }

    /// A Wait state: it is noted, and the clock moves.
    fn wait(&mut self, seconds: u64) {
        self.waits.push(seconds);
        clock::pass(Duration::from_secs(seconds));
    }

    /// Lets this many hours pass.
    pub fn hours_pass(&mut self, hours: i64) {
        let later = self.today.saturating_add(hours.hours());
        self.today = later.unwrap_or(self.today);
    }

    /// One invocation of sync, and the Wait state it asks for.
    ///
    /// # Errors
    /// The stage's error.
    pub async fn sync_once(
        &mut self,
        plan: &Value,
        event: impl Fn(Value) -> LambdaEvent<Value>,
    ) -> Result<Progress<Synced>> {
        let config = self.env().sync();
        let payload = json!({
            "run_id": self.run_id(), "started_at": self.today, "plan": plan,
            "lease_taken_from": self.lease_taken_from,
        });
        let event = event(payload);
        let in_time = InTime::of(&event);
        let synced = sync(&config, &self.store, &self.secrets, &self.session, event);
        let synced = Box::pin(synced).await;
        in_time.must_not_be_over();
        let synced = synced?;
        if let Progress::Wait { wait_seconds, .. } = synced {
            self.wait(wait_seconds);
        }
        Ok(synced)
    }

    /// From now on with this text as `sync.toml`, and the stack's parameter to go with it.
    pub fn configure(&mut self, text: &str) {
        let path = sync_file::written(text).display().to_string();
        self.env.insert("SYNC_CONFIG".to_owned(), path);
        let target = config::read(text).map(|mapping| mapping.target.name);
        let target = target.unwrap_or_default();
        self.env.insert("TARGET_INSTANCE".to_owned(), target);
    }

    fn env(&self) -> Env<impl Fn(&str) -> Option<String>> {
        let env = self.env.clone();
        Env::new(move |name| {
            let fixed = match name {
                "BUCKET" => Some("memory"),
                "SECRET_PREFIX" => Some("partner-sync"),
                "SYNC_CONFIG" => Some(sync_file::PATH),
                // Nothing here keeps two invocations from running at once. What is abandoned is
                // marked at once and on any day, unless a test is about waiting.
                "SYNC_RESERVED_CONCURRENCY" | "MARK_AFTER_HOURS" | "QUIET_HOURS" => Some("0"),
                _ => None,
            };
            env.get(name).cloned().or_else(|| fixed.map(str::to_owned))
        })
    }
}

fn session() -> Session {
    Session::new(Wire::by(clock()))
}

/// Lambda kills an invocation when its time is over. One that had all of its time must leave
/// before, whatever Zendesk does.
struct InTime {
    ends_ms: u64,
    had_all: bool,
}

impl InTime {
    fn of(event: &LambdaEvent<Value>) -> Self {
        let ends_ms = event.context.deadline;
        let had_all = ends_ms.saturating_sub(now_ms()) >= 290_000;
        Self { ends_ms, had_all }
    }

    fn must_not_be_over(&self) {
        let late_ms = now_ms().saturating_sub(self.ends_ms);
        assert!(!self.had_all || late_ms == 0, "{late_ms} ms too late");
    }
}

fn now_ms() -> u64 {
    u64::try_from(clock::now().as_millisecond()).unwrap_or_default()
}

#[derive(Debug, Clone, Copy)]
pub struct Killed;

/// The retries of the state machine, since it entered a stage.
#[derive(Debug, Default)]
struct Tries {
    transient: u32,
    throttled: u32,
}

impl Tries {
    /// True if the stage is tried once more after this error; its pause then passes.
    fn one_more(&mut self, error: &Error) -> bool {
        let (tries, most, first_seconds, longest_seconds) = match error {
            Error::Transient(_) => (&mut self.transient, 3, 10, 120),
            Error::Throttled { .. } => (&mut self.throttled, 5, 60, 300),
            _ => return false,
        };
        let seconds = longest_seconds.min(first_seconds << *tries);
        *tries += 1;
        clock::pass(Duration::from_secs(seconds));
        *tries <= most
    }
}

/// The secrets that fit the stand-ins.
pub fn secrets(standins: &Running) -> BTreeMap<String, String> {
    let world = standins.world();
    let salesforce = json!({"auth": "client_credentials", "login_url": standins.url("salesforce"),
        "client_id": world.salesforce.client_id, "client_secret": world.salesforce.client_secret});
    let zendesk = world.zendesk.iter().map(|(name, one)| {
        let secret = json!({
            "auth": "client_credentials", "base_url": standins.url(name),
            "client_id": one.client_id, "client_secret": one.client_secret,
        });
        (format!("partner-sync/zendesk/{name}"), secret.to_string())
    });
    zendesk
        .chain([("partner-sync/salesforce".to_owned(), salesforce.to_string())])
        .collect()
}

/// An invocation with five minutes left.
pub fn event(payload: Value) -> LambdaEvent<Value> {
    event_with(payload, 300)
}

/// An invocation with this many seconds left.
pub fn event_with(payload: Value, seconds: i64) -> LambdaEvent<Value> {
    let mut context = Context::default();
    context.deadline =
        u64::try_from(clock::now().as_millisecond() + seconds * 1000).unwrap_or_default();
    LambdaEvent::new(payload, context)
}
