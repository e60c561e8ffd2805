//! Ways to fail, which a test sets in the stand-ins beforehand.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Answer, Request, Response};

/// A fault: on which requests, how often, and what happens.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Fault {
    /// The host, or empty for all.
    #[serde(default)]
    pub host: String,
    /// The method, or empty for all.
    #[serde(default)]
    pub method: String,
    pub path: String,
    /// How many requests that fit go well before it.
    #[serde(default)]
    pub skip: u32,
    /// How many requests it spoils; 0 for all from then on.
    #[serde(default)]
    pub times: u32,
    pub act: Act,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Act {
    /// Another answer, and nothing is done.
    Instead {
        status: u16,
        #[serde(default)]
        headers: BTreeMap<String, String>,
        #[serde(default)]
        body: String,
    },
    /// The connection drops before anything is done.
    DropRequest,
    /// Everything is done, then the connection drops.
    DropReply,
    /// The caller gets no answer, however long it waits; everything is done, or nothing.
    TimeOut { done: bool },
    /// Everything is done, and answered after this many seconds, which are fewer than the caller
    /// waits. In one process with the pipeline, that time passes.
    Slow { seconds: u32 },
    /// Nothing is done, and the caller dies waiting.
    HangBefore,
    /// Everything is done, and the caller dies before it knows.
    HangAfter,
    /// Everything is done, then the reply breaks off in its body.
    CutReply,
    /// Everything is done, and the JSON ends too early, well framed.
    CutJson,
    /// Everything is done, and another status is sent.
    DoneBut { status: u16 },
    /// A late commit: nothing is there yet, another status is sent or the connection drops, and the
    /// work is done some seconds later, whatever was done meanwhile. Zendesk only.
    Late {
        seconds: u32,
        /// That status; the connection drops if it is 0.
        status: u16,
    },
    /// The reply's JSON is changed: pointers to values, null to remove.
    Patch { set: BTreeMap<String, Value> },
}

impl Fault {
    /// A fault of all requests that fit.
    pub fn new(host: &str, method: &str, path: &str, act: Act) -> Self {
        Self {
            host: host.to_owned(),
            method: method.to_owned(),
            path: path.to_owned(),
            skip: 0,
            times: 0,
            act,
        }
    }

    /// Only for `times` requests, after `skip` that go well.
    pub fn only(mut self, skip: u32, times: u32) -> Self {
        self.skip = skip;
        self.times = times;
        self
    }
}

impl Act {
    /// An answer without headers instead.
    pub fn status(status: u16) -> Self {
        Self::Instead {
            status,
            headers: BTreeMap::new(),
            body: String::new(),
        }
    }

    /// Zendesk's own refusal for lack of rights. Without JSON it would be the edge's.
    pub fn forbidden() -> Self {
        Self::Instead {
            status: 403,
            headers: BTreeMap::new(),
            body: r#"{"error": "Forbidden", "description": "You do not have access"}"#.to_owned(),
        }
    }

    /// A change of one value.
    pub fn set(pointer: &str, value: Value) -> Self {
        Self::Patch {
            set: BTreeMap::from([(pointer.to_owned(), value)]),
        }
    }

    pub(super) fn does_the_work(&self) -> bool {
        !matches!(
            self,
            Self::Instead { .. }
                | Self::DropRequest
                | Self::TimeOut { done: false }
                | Self::HangBefore
                | Self::Late { .. }
        )
    }

    pub(super) fn instead(self) -> Answer {
        let bare = |status| {
            Answer::Whole(Response {
                status,
                headers: Vec::new(),
                body: Vec::new(),
            })
        };
        match self {
            Self::Instead {
                status,
                headers,
                body,
            } => Answer::Whole(Response {
                status,
                headers: headers.into_iter().collect(),
                body: body.into_bytes(),
            }),
            Self::Late { seconds: _, status } if status > 0 => bare(status),
            Self::HangBefore => Answer::Hung,
            _ => Answer::Dropped,
        }
    }

    pub(super) fn spoil(self, mut response: Response) -> Answer {
        match self {
            Self::DropReply
            | Self::TimeOut { .. }
            | Self::DropRequest
            | Self::Instead { .. }
            | Self::Late { .. } => Answer::Dropped,
            Self::HangBefore | Self::HangAfter => Answer::Hung,
            Self::Slow { .. } => Answer::Whole(response),
            Self::CutReply => Answer::Cut(response),
            Self::CutJson => {
                response.body.truncate(response.body.len() / 2);
                Answer::Whole(response)
            }
            Self::DoneBut { status } => Answer::Whole(Response {
                status,
                headers: Vec::new(),
                body: Vec::new(),
            }),
            Self::Patch { set } => {
                let mut body: Value = serde_json::from_slice(&response.body).unwrap_or_default();
                for (pointer, value) in set {
                    if let Some(place) = body.pointer_mut(&pointer) {
                        *place = value;
                    }
                }
                response.body = body.to_string().into_bytes();
                Answer::Whole(response)
            }
        }
    }
}

/// Takes the fault that fits a request, and counts it.
pub(super) fn take(faults: &mut Vec<Fault>, host: &str, request: &Request) -> Option<Fault> {
    let fits = |fault: &Fault| {
        (fault.host.is_empty() || fault.host == host)
            && (fault.method.is_empty() || fault.method == request.method)
            && request.path.starts_with(&fault.path)
    };
    let place = faults.iter().position(fits)?;
    let fault = faults.get_mut(place)?;
    if fault.skip > 0 {
        fault.skip -= 1;
        return None;
    }
    let taken = fault.clone();
    match fault.times {
        0 => {}
        1 => drop(faults.remove(place)),
        _ => fault.times -= 1,
    }
    Some(taken)
}
