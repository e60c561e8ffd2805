#![doc = env!("CARGO_PKG_DESCRIPTION")]
//!
//! Built without `aws-config`: it would add four more SDK crates for credential sources that a
//! Lambda does not have. Lambda puts credentials, region and, locally, the endpoint into the
//! environment, and that is all that is read.

pub mod https;
mod s3;

use aws_credential_types::Credentials;
use aws_smithy_runtime_api::client::http::SharedHttpClient;

pub use s3::S3Store;

use domain::{Error, Result};

/// What a client of an AWS service is made from.
#[derive(Clone)]
pub struct Aws {
    pub region: String,
    /// An address instead of AWS itself, such as that of the local AWS.
    pub endpoint: Option<String>,
    pub credentials: Credentials,
    pub http: SharedHttpClient,
}

impl Aws {
    /// Reads `AWS_REGION`, `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY`, `AWS_SESSION_TOKEN` and
    /// `AWS_ENDPOINT_URL`.
    ///
    /// # Errors
    /// [`Error::Config`] names the variables that are missing.
    pub fn from_env() -> Result<Self> {
        let read = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
        let variables = [
            read("AWS_REGION").or_else(|| read("AWS_DEFAULT_REGION")),
            read("AWS_ACCESS_KEY_ID"),
            read("AWS_SECRET_ACCESS_KEY"),
        ];
        let [Some(region), Some(key), Some(secret)] = variables else {
            return Err(Error::Config(
                "AWS_REGION, AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY must be set, as Lambda \
                 does"
                    .to_owned(),
            ));
        };
        Ok(Self {
            region,
            endpoint: read("AWS_ENDPOINT_URL"),
            credentials: Credentials::from_keys(key, secret, read("AWS_SESSION_TOKEN")),
            http: https::client(),
        })
    }
}
