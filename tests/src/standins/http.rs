//! A small HTTP/1.1 server that can also break off, cut, and drop: what a proper server library
//! does not let a handler do.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::Write as _;
use std::sync::Arc;

use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;

/// A request, read whole.
#[derive(Debug, Clone, Default)]
pub struct Request {
    /// The method.
    pub method: String,
    /// The path, decoded no further than it came.
    pub path: String,
    /// The query, without `?`.
    pub query: String,
    /// Headers by lower-case name.
    pub headers: BTreeMap<String, String>,
    /// The body.
    pub body: Vec<u8>,
}

impl Request {
    /// A parameter of the query, decoded.
    #[must_use]
    pub fn param(&self, name: &str) -> Option<String> {
        pairs(&self.query)
            .find(|(key, _)| key == name)
            .map(|(_, value)| value)
    }

    /// A field of a form body, decoded.
    #[must_use]
    pub fn form(&self, name: &str) -> Option<String> {
        pairs(&String::from_utf8_lossy(&self.body))
            .find(|(key, _)| key == name)
            .map(|(_, value)| value)
    }

    /// The body as JSON, null if it is none.
    #[must_use]
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }

    /// A header.
    #[must_use]
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", String::as_str)
    }
}

fn pairs(text: &str) -> impl Iterator<Item = (String, String)> {
    let text = text.to_owned();
    let pairs: Vec<_> = form_urlencoded::parse(text.as_bytes())
        .into_owned()
        .collect();
    pairs.into_iter()
}

/// A whole response.
#[derive(Debug, Clone)]
pub struct Response {
    /// The status.
    pub status: u16,
    /// Headers besides length and encoding.
    pub headers: Vec<(String, String)>,
    /// The body, not compressed.
    pub body: Vec<u8>,
}

impl Response {
    /// A JSON response.
    #[must_use]
    pub fn json(status: u16, body: &Value) -> Self {
        Self {
            status,
            headers: vec![("content-type".to_owned(), "application/json".to_owned())],
            body: body.to_string().into_bytes(),
        }
    }

    /// 404 in Zendesk's words.
    #[must_use]
    pub fn not_found() -> Self {
        Self::json(
            404,
            &serde_json::json!({"error": "RecordNotFound", "description": "Not found"}),
        )
    }

    /// With another header.
    #[must_use]
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
    #[must_use]
    pub fn status(&self) -> u16 {
        match self {
            Self::Whole(response) | Self::Cut(response) => response.status,
            Self::Dropped | Self::Hung => 0,
        }
    }
}

/// Serves on loopback and returns the port.
pub(super) async fn serve(
    port: u16,
    hung: Arc<Notify>,
    answer: impl Fn(&Request) -> Answer + Send + Sync + 'static,
) -> std::io::Result<u16> {
    let listener = TcpListener::bind(("127.0.0.1", port)).await?;
    let port = listener.local_addr()?.port();
    let answer = Arc::new(answer);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let answer = Arc::clone(&answer);
            let hung = Arc::clone(&hung);
            tokio::spawn(async move {
                // A connection that ends early is the client's affair.
                let _ = converse(stream, &hung, answer.as_ref()).await;
            });
        }
    });
    Ok(port)
}

async fn converse(
    mut stream: TcpStream,
    hung: &Notify,
    answer: &(impl Fn(&Request) -> Answer + Sync),
) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    let mut buffer = Vec::new();
    while let Some(request) = read(&mut stream, &mut buffer).await? {
        let gzip = request.header("accept-encoding").contains("gzip");
        match answer(&request) {
            Answer::Whole(response) => stream.write_all(&encode(&response, gzip)).await?,
            Answer::Cut(response) => {
                let bytes = encode(&response, gzip);
                let half = bytes.len() - (bytes.len() - head_length(&bytes)) / 2;
                stream
                    .write_all(bytes.get(..half).unwrap_or_default())
                    .await?;
                return stream.shutdown().await;
            }
            Answer::Dropped => return Ok(()),
            Answer::Hung => {
                hung.notify_one();
                return std::future::pending().await;
            }
        }
    }
    Ok(())
}

async fn read(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> std::io::Result<Option<Request>> {
    let invalid = |why: &'static str| std::io::Error::new(std::io::ErrorKind::InvalidData, why);
    loop {
        let mut headers = [httparse::EMPTY_HEADER; 64];
        let mut parsed = httparse::Request::new(&mut headers);
        if let httparse::Status::Complete(length) =
            parsed.parse(buffer).map_err(|_| invalid("no HTTP"))?
        {
            let headers: BTreeMap<_, _> = parsed
                .headers
                .iter()
                .map(|one| {
                    (
                        one.name.to_lowercase(),
                        String::from_utf8_lossy(one.value).into_owned(),
                    )
                })
                .collect();
            let (path, query) = parsed
                .path
                .unwrap_or("/")
                .split_once('?')
                .unwrap_or((parsed.path.unwrap_or("/"), ""));
            let mut request = Request {
                method: parsed.method.unwrap_or("").to_owned(),
                path: path.to_owned(),
                query: query.to_owned(),
                headers,
                body: Vec::new(),
            };
            let body = request.header("content-length").parse().unwrap_or(0);
            while buffer.len() < length + body {
                if stream.read_buf(buffer).await? == 0 {
                    return Err(invalid("the body broke off"));
                }
            }
            request.body = buffer.drain(..length + body).skip(length).collect();
            return Ok(Some(request));
        }
        if stream.read_buf(buffer).await? == 0 {
            return Ok(None);
        }
    }
}

fn encode(response: &Response, gzip: bool) -> Vec<u8> {
    let Response {
        status,
        headers,
        body,
    } = response;
    let mut head = format!("HTTP/1.1 {status} -\r\n");
    for (name, value) in headers {
        // Writing to a string cannot fail.
        let _ = write!(head, "{name}: {value}\r\n");
    }
    let body = if gzip && body.len() > 200 {
        head.push_str("content-encoding: gzip\r\n");
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder
            .write_all(body)
            .and_then(|()| encoder.finish())
            .unwrap_or_default()
    } else {
        body.clone()
    };
    let _ = write!(head, "content-length: {}\r\n\r\n", body.len());
    [head.into_bytes(), body].concat()
}

fn head_length(bytes: &[u8]) -> usize {
    bytes
        .windows(4)
        .position(|four| four == b"\r\n\r\n")
        .map_or(0, |at| at + 4)
}
