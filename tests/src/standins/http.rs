//! The HTTP half of the stand-ins: hyper serves; what a proper server does not do (drop, cut, hang)
//! is here.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::io::Write as _;
use std::sync::Arc;

use flate2::Compression;
use flate2::write::GzEncoder;
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt as _, Full, StreamBody};
use hyper::body::{Bytes, Frame, Incoming};
use hyper::header::{CONTENT_ENCODING, CONTENT_LENGTH};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use tokio::time::{Duration, sleep};

#[derive(Debug, Clone, Default)]
pub struct Request {
    pub method: String,
    /// The path as it came, not decoded.
    pub path: String,
    /// The query, without `?`.
    pub query: String,
    pub headers: BTreeMap<String, String>,
    pub body: Vec<u8>,
}

impl Request {
    /// A parameter of the query, decoded.
    pub fn param(&self, name: &str) -> Option<String> {
        value_of(self.query.as_bytes(), name)
    }

    /// A field of a form body, decoded.
    pub fn form(&self, name: &str) -> Option<String> {
        value_of(&self.body, name)
    }

    /// The body as JSON, null if it is none.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", String::as_str)
    }
}

fn value_of(pairs: &[u8], name: &str) -> Option<String> {
    form_urlencoded::parse(pairs)
        .find(|(key, _)| key == name)
        .map(|(_, value)| value.into_owned())
}

#[derive(Debug, Clone)]
pub struct Response {
    pub status: u16,
    /// Headers besides length and encoding.
    pub headers: Vec<(String, String)>,
    /// The body, not compressed.
    pub body: Vec<u8>,
}

impl Response {
    pub fn json(status: u16, body: &Value) -> Self {
        Self::json_text(status, body.to_string())
    }

    /// A JSON response whose keys keep the order of the text.
    pub fn json_text(status: u16, body: String) -> Self {
        Self {
            status,
            headers: vec![("content-type".to_owned(), "application/json".to_owned())],
            body: body.into_bytes(),
        }
    }

    /// 404 in Zendesk's words.
    pub fn not_found() -> Self {
        Self::json(
            404,
            &serde_json::json!({"error": "RecordNotFound", "description": "Not found"}),
        )
    }

    /// With another header.
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }
}

/// What goes over the wire.
#[derive(Debug, Clone)]
pub enum Answer {
    /// A response as it should be.
    Whole(Response),
    /// A response whose body ends in the middle, then the connection.
    Cut(Response),
    /// Nothing: the connection is dropped.
    Dropped,
    /// Nothing, ever: the caller is about to die.
    Hung,
}

impl Answer {
    /// The status, 0 if nothing is sent.
    pub fn status(&self) -> u16 {
        match self {
            Self::Whole(response) | Self::Cut(response) => response.status,
            Self::Dropped | Self::Hung => 0,
        }
    }
}

/// Why hyper ends a connection: it was told to.
type Broken = std::io::Error;
type Wire = hyper::Response<BoxBody<Bytes, Broken>>;

/// Serves on a free port of loopback and returns it.
pub(super) async fn serve(
    hung: Arc<Notify>,
    answer: impl Fn(&Request) -> Answer + Send + Sync + 'static,
) -> std::io::Result<u16> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
    let port = listener.local_addr()?.port();
    let answer = Arc::new(answer);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let (answer, hung) = (Arc::clone(&answer), Arc::clone(&hung));
            tokio::spawn(async move { converse(stream, &hung, answer.as_ref()).await });
        }
    });
    Ok(port)
}

async fn converse(stream: TcpStream, hung: &Notify, answer: &(impl Fn(&Request) -> Answer + Sync)) {
    // Failing to set it only makes replies slower.
    let _ = stream.set_nodelay(true);
    let service = service_fn(async |request: hyper::Request<Incoming>| {
        let request = read(request).await?;
        let gzip = request.header("accept-encoding").contains("gzip");
        match answer(&request) {
            Answer::Whole(response) => wire(&response, gzip, false),
            Answer::Cut(response) => wire(&response, gzip, true),
            Answer::Dropped => Err(broken("dropped")),
            Answer::Hung => {
                hung.notify_one();
                std::future::pending().await
            }
        }
    });
    // A connection that ends early was ended by the client, or was meant to end.
    let _ = http1::Builder::new()
        .serve_connection(TokioIo::new(stream), service)
        .await;
}

fn broken(why: &'static str) -> Broken {
    Broken::other(why)
}

async fn read(request: hyper::Request<Incoming>) -> Result<Request, Broken> {
    let (head, body) = request.into_parts();
    let body = body
        .collect()
        .await
        .map_err(|_| broken("the body broke off"))?;
    let text =
        |value: &hyper::header::HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    let headers = head
        .headers
        .iter()
        .map(|(name, value)| (name.to_string(), text(value)));
    Ok(Request {
        method: head.method.to_string(),
        path: head.uri.path().to_owned(),
        query: head.uri.query().unwrap_or_default().to_owned(),
        headers: headers.collect(),
        body: body.to_bytes().to_vec(),
    })
}

fn wire(response: &Response, gzip: bool, is_cut: bool) -> Result<Wire, Broken> {
    let mut head = hyper::Response::builder().status(response.status);
    for (name, value) in &response.headers {
        head = head.header(name, value);
    }
    let mut body = response.body.clone();
    if gzip && body.len() > 200 {
        head = head.header(CONTENT_ENCODING, "gzip");
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(&body)?;
        body = encoder.finish()?;
    }
    let head = head.header(CONTENT_LENGTH, body.len());
    let whole = Bytes::from(body);
    let body = if is_cut {
        let half = whole.slice(..whole.len() / 2);
        cut_after(half)
    } else {
        Full::new(whole)
            .map_err(|never: Infallible| match never {})
            .boxed()
    };
    head.body(body).map_err(|_| broken("no response"))
}

/// A body that breaks off after these bytes, once they are on their way.
#[expect(
    clippy::disallowed_methods,
    reason = "the wire's own time, not the run's"
)]
fn cut_after(bytes: Bytes) -> BoxBody<Bytes, Broken> {
    let parts = futures_util::stream::unfold(Some(bytes), |bytes| async {
        if let Some(bytes) = bytes {
            return Some((Ok(Frame::data(bytes)), None));
        }
        sleep(Duration::from_millis(5)).await;
        Some((Err(broken("cut")), None))
    });
    BoxBody::new(StreamBody::new(parts))
}
