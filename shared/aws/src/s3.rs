//! Documents in S3.

use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_s3::primitives::ByteStream;

use super::{Aws, https};
use domain::{Error, Result};
use stage::store::Store;

impl Aws {
    pub fn s3(&self, bucket: &str) -> S3Store {
        let mut config = aws_sdk_s3::Config::builder()
            .behavior_version(aws_sdk_s3::config::BehaviorVersion::latest())
            .region(aws_sdk_s3::config::Region::new(self.region.clone()))
            .credentials_provider(self.credentials.clone())
            .http_client(self.http.clone())
            .retry_config(https::retries())
            .force_path_style(self.endpoint.is_some());
        config.set_endpoint_url(self.endpoint.clone());
        S3Store {
            client: aws_sdk_s3::Client::from_conf(config.build()),
            bucket: bucket.to_owned(),
        }
    }
}

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
        if let Some(error) = https::not_set_up(error) {
            return error;
        }
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
        let broke_off =
            |_| Error::Transient(format!("s3: {key} in bucket {}: it broke off", self.bucket));
        // Read into one buffer: if it were collected first and then copied, memory would hold it
        // twice.
        let length = got.content_length().unwrap_or_default();
        let mut bytes = Vec::with_capacity(usize::try_from(length).unwrap_or_default());
        let mut body = got.body;
        while let Some(chunk) = body.try_next().await.map_err(broke_off)? {
            bytes.extend_from_slice(&chunk);
        }
        Ok(Some(bytes))
    }
}
