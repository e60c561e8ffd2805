//! The AWS SDK's way to HTTP: hyper, over the process's one TLS configuration.
//!
//! The SDK's own client reads the machine's roots for itself, and does so at the start of the
//! process.

use std::sync::OnceLock;
use std::time::Duration;

use aws_smithy_runtime_api::client::http::{
    HttpConnector, HttpConnectorFuture, SharedHttpClient, SharedHttpConnector, http_client_fn,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::{ConnectorError, SdkError};
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::retry::{ReconnectMode, RetryConfig};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector as Tcp;
use hyper_util::rt::{TokioExecutor, TokioTimer};

use domain::{Error, Result};

/// How long a TCP connection may take.
const CONNECT: Duration = Duration::from_secs(3);
/// How long a reply's beginning may take, the TLS handshake and the request's body included.
const ANSWER: Duration = Duration::from_secs(30);

/// A client whose connections are made, and whose TLS is set up, at the first call.
pub fn client() -> SharedHttpClient {
    let made = OnceLock::new();
    http_client_fn(move |_, _| {
        let connector = made.get_or_init(|| SharedHttpConnector::new(Https::new()));
        connector.clone()
    })
}

/// The SDK's own retries, three tries. It does not try to close the connection of a failed try: it
/// can do that only with its own client, and logs an error with every other.
pub fn retries() -> RetryConfig {
    RetryConfig::standard().with_reconnect_mode(ReconnectMode::ReuseAllConnections)
}

/// Why TLS cannot be set up, if that is what kept a call from being sent.
pub fn not_set_up<E, R>(error: &SdkError<E, R>) -> Option<Error> {
    match error {
        SdkError::DispatchFailure(_) => tls::config().err(),
        _ => None,
    }
}

#[derive(Debug)]
struct Https(Result<Client<HttpsConnector<Tcp>, SdkBody>>);

impl Https {
    fn new() -> Self {
        let mut tcp = Tcp::new();
        tcp.enforce_http(false);
        tcp.set_nodelay(true);
        tcp.set_connect_timeout(Some(CONNECT));
        Self(tls::config().map(|config| {
            let connector = HttpsConnectorBuilder::new()
                .with_tls_config(config.clone())
                .https_or_http()
                .enable_http1()
                .wrap_connector(tcp);
            Client::builder(TokioExecutor::new())
                .pool_timer(TokioTimer::new())
                // A connection that is idle while Lambda freezes the process is dead afterwards.
                .pool_max_idle_per_host(1)
                .build(connector)
        }))
    }
}

impl HttpConnector for Https {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let client = self.0.clone();
        HttpConnectorFuture::new(async move {
            let client = client.map_err(|error| ConnectorError::user(error.into()))?;
            let request = request.try_into_http1x();
            let request = request.map_err(|error| ConnectorError::user(error.into()))?;
            let answer = tokio::time::timeout(ANSWER, client.request(request)).await;
            let response = answer
                .map_err(|error| ConnectorError::timeout(error.into()))?
                // Each of our calls may be made twice, so the SDK may retry all of them.
                .map_err(|error| ConnectorError::io(error.into()))?;
            HttpResponse::try_from(response.map(SdkBody::from_body_1_x))
                .map_err(|error| ConnectorError::other(error.into(), None))
        })
    }
}
