#![doc = env!("CARGO_PKG_DESCRIPTION")]

use aws_sdk_secretsmanager::error::{ProvideErrorMetadata as _, SdkError};
use aws_sdk_secretsmanager::operation::get_secret_value::GetSecretValueError;
use secrecy::SecretString;

use aws::{Aws, https};
use domain::{Error, Result};
use stage::secrets::Secrets;

#[derive(Debug, Clone)]
pub struct SecretsManager {
    client: aws_sdk_secretsmanager::Client,
}

impl SecretsManager {
    pub fn new(aws: &Aws) -> Self {
        let mut config = aws_sdk_secretsmanager::Config::builder()
            .behavior_version(aws_sdk_secretsmanager::config::BehaviorVersion::latest())
            .region(aws_sdk_secretsmanager::config::Region::new(
                aws.region.clone(),
            ))
            .credentials_provider(aws.credentials.clone())
            .http_client(aws.http.clone())
            .retry_config(https::retries());
        config.set_endpoint_url(aws.endpoint.clone());
        Self {
            client: aws_sdk_secretsmanager::Client::from_conf(config.build()),
        }
    }
}

/// Why a secret cannot be had: it is not there.
const MISSING: &str = "ResourceNotFoundException";

impl Secrets for SecretsManager {
    async fn secret(&self, name: &str) -> Result<SecretString> {
        self.find_secret(name).await?.ok_or_else(|| {
            Error::Config(format!(
                "secret {name}: {MISSING}; create it in the region of this function, as \
                 docs/REFERENCE.md shows: aws secretsmanager create-secret --name {name} \
                 --secret-string file://secret.json"
            ))
        })
    }

    async fn find_secret(&self, name: &str) -> Result<Option<SecretString>> {
        let got = self.client.get_secret_value().secret_id(name).send().await;
        let got = match got {
            Ok(got) => got,
            Err(error) if error.code() == Some(MISSING) => return Ok(None),
            Err(error) => return Err(refused(name, &error)),
        };
        let text = got.secret_string.ok_or_else(|| {
            Error::Config(format!(
                "secret {name}: it has no text; write it as docs/REFERENCE.md shows"
            ))
        })?;
        Ok(Some(SecretString::from(text)))
    }
}

fn refused(name: &str, error: &SdkError<GetSecretValueError>) -> Error {
    match error.code() {
        Some(
            code @ ("AccessDeniedException" | "DecryptionFailure" | "InvalidRequestException"),
        ) => Error::Config(format!(
            "secret {name}: {code}; create it as docs/REFERENCE.md shows, in the region of this \
             function, and let the function read it"
        )),
        Some(code) => Error::Transient(format!("secret {name}: {code}")),
        None => https::not_set_up(error).unwrap_or_else(|| {
            Error::Transient(format!("secret {name}: no answer from Secrets Manager"))
        }),
    }
}
