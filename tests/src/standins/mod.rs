//! A stand-in Salesforce and two stand-in Zendesk instances, stateful, on loopback.
//!
//! They behave as the vendors' documentation and recorded traffic say, can be told to fail in given
//! ways, and log every request.

pub mod company;
pub mod demo;
pub mod faults;
mod http;
mod jobs;
mod jwt;
mod salesforce;
pub mod seed;
mod sign_in;
mod soql;
mod zendesk;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::clock::{now, pass};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::sync::Notify;
use vendors::salesforce::{QUERY_TIMEOUT, TOKEN_TIMEOUT};

pub use demo::{demo, differences};
use faults::{Act, Fault};
pub use http::{Answer, Request, Response};
pub use salesforce::Salesforce;
pub use sign_in::TokenRules;
pub use zendesk::Zendesk;

/// How long a client waits for a reply. In one process with the pipeline, that time passes.
fn time_out(host: &str, request: &Request) -> Duration {
    Duration::from_secs(match (host, request.method.as_str()) {
        ("salesforce", "GET") => QUERY_TIMEOUT.as_secs(),
        ("salesforce", _) => TOKEN_TIMEOUT.as_secs(),
        (_, "GET") => 30,
        (_, "POST") if request.path == "/oauth/tokens" => 30,
        _ => 75,
    })
}

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct World {
    pub salesforce: Salesforce,
    /// By the names of the instances.
    pub zendesk: BTreeMap<String, Zendesk>,
    #[serde(default)]
    pub faults: Vec<Fault>,
    #[serde(default)]
    pub log: Vec<Logged>,
    /// Headers of every reply, by lower-case name, beside the vendors' own or in the place of
    /// theirs.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    #[serde(default)]
    answered: u64,
    /// What Zendesk was asked and answered with a 2xx, if a test wants to look at it.
    #[serde(skip)]
    pub exchanges: Option<Vec<Exchange>>,
}

/// A request and its reply, each null if it is no JSON.
#[derive(Debug, Clone)]
pub struct Exchange {
    pub method: String,
    pub path: String,
    pub request: Value,
    pub reply: Value,
}

/// One request in the log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Logged {
    /// `salesforce`, `global`, `us-government`.
    pub host: String,
    pub method: String,
    /// The path, without query.
    pub path: String,
    pub query: String,
    /// The status answered; 0 if the connection was dropped.
    pub status: u16,
    /// When, in milliseconds since 1970.
    #[serde(default)]
    pub at: i64,
    /// The external id of the organization it was to create; empty for any other request.
    #[serde(default)]
    pub creates: String,
}

impl World {
    /// Answers a request to one of the hosts, with the faults that fit it.
    pub fn answer(&mut self, host: &str, request: &Request) -> Answer {
        self.advance();
        let at = now().as_millisecond();
        let fault = faults::take(&mut self.faults, host, request);
        let fault = fault.or_else(|| self.slow_query(host, request));
        match fault.as_ref().map(|fault| &fault.act) {
            Some(Act::TimeOut { .. }) => pass(time_out(host, request)),
            Some(Act::Slow { seconds }) => pass(Duration::from_secs(u64::from(*seconds))),
            _ => {}
        }
        if let Some(Act::Late { seconds, .. }) = fault.as_ref().map(|fault| &fault.act)
            && let Some(zendesk) = self.zendesk.get_mut(host)
        {
            zendesk.later(request, *seconds);
        }
        let answer = match fault {
            Some(fault) if !fault.act.does_the_work() => fault.act.instead(),
            fault => {
                let mut response = match host {
                    "salesforce" => self.salesforce.answer(request),
                    instance => self
                        .zendesk
                        .get_mut(instance)
                        .map_or_else(Response::not_found, |zendesk| zendesk.answer(request)),
                };
                if host != "salesforce" && response.status < 300 {
                    self.exchanges.iter_mut().for_each(|all| {
                        all.push(Exchange {
                            method: request.method.clone(),
                            path: request.path.clone(),
                            request: request.json(),
                            reply: serde_json::from_slice(&response.body).unwrap_or_default(),
                        });
                    });
                }
                self.answered += 1;
                let id = if host == "salesforce" {
                    "x-sfdc-request-id"
                } else {
                    "x-zendesk-request-id"
                };
                response
                    .headers
                    .push((id.to_owned(), format!("{host}-{}", self.answered)));
                response
                    .headers
                    .retain(|(name, _)| !self.headers.contains_key(name));
                response.headers.extend(self.headers.clone());
                fault.map_or(Answer::Whole(response.clone()), |fault| {
                    fault.act.spoil(response)
                })
            }
        };
        let creates = match (request.method.as_str(), request.path.as_str()) {
            ("POST", "/api/v2/organizations") => request.json()["organization"]["external_id"]
                .as_str()
                .unwrap_or_default()
                .to_owned(),
            _ => String::new(),
        };
        self.log.push(Logged {
            host: host.to_owned(),
            method: request.method.clone(),
            path: request.path.clone(),
            query: request.query.clone(),
            status: answer.status(),
            at,
            creates,
        });
        answer
    }

    /// Lets the time of a slow query pass. A caller that waits no longer is gone when it ends.
    fn slow_query(&self, host: &str, request: &Request) -> Option<Fault> {
        let takes = Duration::from_secs(self.salesforce.slow_seconds);
        if host != "salesforce" || !Salesforce::is_query(request) {
            return None;
        }
        pass(takes.min(QUERY_TIMEOUT));
        (takes > QUERY_TIMEOUT).then(|| Fault::new(host, "GET", &request.path, Act::DropRequest))
    }

    /// Moves every instance's time to the present.
    fn advance(&mut self) {
        for zendesk in self.zendesk.values_mut() {
            zendesk.advance(now().as_millisecond());
        }
    }

    /// The control requests of tests in other processes.
    fn control(&mut self, request: &Request) -> Response {
        self.advance();
        match (request.method.as_str(), request.path.as_str()) {
            ("GET", "/state") => shown(&*self),
            ("PUT", "/state") => replaced(self, request),
            ("PUT", "/world") => {
                self.become_another(&request.json());
                Response::json(200, &json!({}))
            }
            ("GET", "/log") => shown(&self.log),
            ("DELETE", "/log") => {
                self.log.clear();
                Response::json(200, &json!({}))
            }
            ("PUT", "/faults") => replaced(&mut self.faults, request),
            _ => Response::not_found(),
        }
    }

    /// A new world, at the old addresses.
    fn become_another(&mut self, wanted: &Value) {
        let number = |key: &str| {
            let number = wanted[key].as_u64();
            number
                .and_then(|number| usize::try_from(number).ok())
                .unwrap_or_default()
        };
        let instance_url = std::mem::take(&mut self.salesforce.instance_url);
        *self = match wanted["kind"].as_str() {
            Some("demo") => demo(),
            Some("differences") => differences(),
            _ => seed::equal(
                number("seed") as u64,
                number("accounts"),
                number("global"),
                number("us_government"),
            ),
        };
        self.salesforce.instance_url = instance_url;
        if let Some(limit) = wanted["rate_limit"].as_u64() {
            for zendesk in self.zendesk.values_mut() {
                zendesk.rate_limit = limit;
            }
        }
    }

    /// Requests of the log that fit, counted.
    pub fn calls(&self, host: &str, method: &str, path: &str) -> usize {
        self.log
            .iter()
            .filter(|one| one.host == host && one.method == method && one.path == path)
            .count()
    }

    /// One instance.
    ///
    /// # Panics
    /// If there is no such instance.
    pub fn instance(&mut self, name: &str) -> &mut Zendesk {
        self.zendesk
            .get_mut(name)
            .expect("an instance of the world")
    }
}

/// Something as JSON, without a tree of it in between: a world has thousands of records.
fn shown(what: &impl Serialize) -> Response {
    serde_json::to_string(what).map_or_else(
        |error| Response::json(500, &json!({"error": error.to_string()})),
        |text| Response::json_text(200, text),
    )
}

/// Puts what a request brings in something's place.
fn replaced<T: DeserializeOwned>(what: &mut T, request: &Request) -> Response {
    match serde_json::from_slice(&request.body) {
        Ok(new) => {
            *what = new;
            Response::json(200, &json!({}))
        }
        Err(error) => Response::json(400, &json!({"error": error.to_string()})),
    }
}

/// Servers in this process. They end with it.
#[derive(Debug, Clone)]
pub struct Running {
    world: Arc<Mutex<World>>,
    hung: Arc<Notify>,
    /// Host to address, `http://127.0.0.1:port`, `control` included.
    pub urls: BTreeMap<String, String>,
}

impl Running {
    /// Starts a server for each host and one for control, each on a free port of its own.
    ///
    /// # Errors
    /// If a port cannot be had.
    pub async fn start(world: World) -> std::io::Result<Self> {
        let hosts: Vec<String> = ["control".to_owned(), "salesforce".to_owned()]
            .into_iter()
            .chain(world.zendesk.keys().cloned())
            .collect();
        let world = Arc::new(Mutex::new(world));
        let hung = Arc::new(Notify::new());
        let mut urls = BTreeMap::new();
        for host in hosts {
            let world = Arc::clone(&world);
            let name = host.clone();
            let answer = move |request: &Request| {
                let mut world = world.lock().unwrap_or_else(PoisonError::into_inner);
                if name == "control" {
                    Answer::Whole(world.control(request))
                } else {
                    world.answer(&name, request)
                }
            };
            let port = http::serve(Arc::clone(&hung), answer).await?;
            urls.insert(host, format!("http://127.0.0.1:{port}"));
        }
        let running = Self { world, hung, urls };
        running
            .url("salesforce")
            .clone_into(&mut running.world().salesforce.instance_url);
        Ok(running)
    }

    /// What the stand-ins know now.
    pub fn world(&self) -> MutexGuard<'_, World> {
        let mut world = self.world.lock().unwrap_or_else(PoisonError::into_inner);
        world.advance();
        world
    }

    /// Waits until a request was left without an answer: the moment its caller dies.
    pub async fn hung(&self) {
        self.hung.notified().await;
    }

    /// The address of a host.
    pub fn url(&self, host: &str) -> &str {
        self.urls.get(host).map_or("", String::as_str)
    }
}
