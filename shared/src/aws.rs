//! S3 and Secrets Manager (feature `aws`).
//!
//! Built without `aws-config`: it would add four more SDK crates for credential sources that a
//! Lambda does not have. Lambda puts credentials, region and, locally, the endpoint into the
//! environment, and that is all that is read.

use aws_credential_types::Credentials;
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_s3::primitives::ByteStream;
use aws_smithy_http_client::tls::Provider;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use secrecy::SecretString;

use crate::secrets::Secrets;
use crate::store::Store;
use crate::{Error, Result};

/// What both clients are made from.
#[derive(Clone)]
pub struct Aws {
    region: String,
    endpoint: Option<String>,
    credentials: Credentials,
    http: SharedHttpClient,
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
            http: aws_smithy_http_client::Builder::new()
                .tls_provider(Provider::Rustls(CryptoMode::Ring))
                .build_https(),
        })
    }

    /// Documents in a bucket.
    #[must_use]
    pub fn s3(&self, bucket: &str) -> S3Store {
        let mut config = aws_sdk_s3::Config::builder()
            .behavior_version(aws_sdk_s3::config::BehaviorVersion::latest())
            .region(aws_sdk_s3::config::Region::new(self.region.clone()))
            .credentials_provider(self.credentials.clone())
            .http_client(self.http.clone())
            .force_path_style(self.endpoint.is_some());
        config.set_endpoint_url(self.endpoint.clone());
        S3Store {
            client: aws_sdk_s3::Client::from_conf(config.build()),
            bucket: bucket.to_owned(),
        }
    }

    /// The operator's secrets.
    #[must_use]
    pub fn secrets_manager(&self) -> SecretsManager {
        let mut config = aws_sdk_secretsmanager::Config::builder()
            .behavior_version(aws_sdk_secretsmanager::config::BehaviorVersion::latest())
            .region(aws_sdk_secretsmanager::config::Region::new(
                self.region.clone(),
            ))
            .credentials_provider(self.credentials.clone())
            .http_client(self.http.clone());
        config.set_endpoint_url(self.endpoint.clone());
        SecretsManager {
            client: aws_sdk_secretsmanager::Client::from_conf(config.build()),
        }
    }
}

/// Documents in an S3 bucket.
#[derive(Debug, Clone)]
pub struct S3Store {
    client: aws_sdk_s3::Client,
    bucket: String,
}

impl S3Store {
    fn error<E, R>(&self, key: &str, error: &SdkError<E, R>) -> Error
    where
        SdkError<E, R>: ProvideErrorMetadata,
    {
        let code = error.code().unwrap_or("no answer");
        match code {
            "AccessDenied" | "NoSuchBucket" => Error::Config(format!(
                "s3: {key} in bucket {}: {code}; check the function's role and BUCKET",
                self.bucket
            )),
            _ => Error::Transient(format!("s3: {key} in bucket {}: {code}", self.bucket)),
        }
    }
}

impl Store for S3Store {
    fn bucket(&self) -> &str {
        &self.bucket
    }

    async fn put(&self, key: &str, bytes: Vec<u8>, content_type: &'static str) -> Result<()> {
        let put = self
            .client
            .put_object()
            .bucket(&self.bucket)
            .key(key)
            .content_type(content_type)
            .body(ByteStream::from(bytes));
        put.send()
            .await
            .map(drop)
            .map_err(|error| self.error(key, &error))
    }

    async fn get(&self, key: &str) -> Result<Option<Vec<u8>>> {
        let got = match self
            .client
            .get_object()
            .bucket(&self.bucket)
            .key(key)
            .send()
            .await
        {
            Ok(got) => got,
            Err(error) if error.code() == Some("NoSuchKey") => return Ok(None),
            Err(error) => return Err(self.error(key, &error)),
        };
        let body = got.body.collect().await.map_err(|_| {
            Error::Transient(format!("s3: {key} in bucket {}: it broke off", self.bucket))
        })?;
        Ok(Some(body.to_vec()))
    }
}

/// Secrets in AWS Secrets Manager.
#[derive(Debug, Clone)]
pub struct SecretsManager {
    client: aws_sdk_secretsmanager::Client,
}

impl Secrets for SecretsManager {
    async fn secret(&self, name: &str) -> Result<SecretString> {
        let got = self
            .client
            .get_secret_value()
            .secret_id(name)
            .send()
            .await
            .map_err(|error| match error.code() {
                Some(
                    code @ ("ResourceNotFoundException"
                    | "AccessDeniedException"
                    | "DecryptionFailure"
                    | "InvalidRequestException"),
                ) => Error::Config(format!(
                    "secret {name}: {code}; create it as docs/REFERENCE.md shows, in \
                                       the region of this function"
                )),
                Some(code) => Error::Transient(format!("secret {name}: {code}")),
                None => Error::Transient(format!("secret {name}: no answer from Secrets Manager")),
            })?;
        let text = got.secret_string.ok_or_else(|| {
            Error::Config(format!(
                "secret {name}: it has no text; write it as docs/REFERENCE.md shows"
            ))
        })?;
        Ok(SecretString::from(text))
    }
}
