//! Documents by key: S3 in the Lambdas, memory in tests.

use std::io::BufReader;

use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use serde::Serialize;
use serde::de::DeserializeOwned;

use domain::model::{Reference, json_bytes, sha256};
use domain::{Error, Result, json};

pub trait Store: Sync {
    fn bucket(&self) -> &str;

    /// Writes an object.
    ///
    /// # Errors
    /// [`Error::Transient`] if the store does not answer, [`Error::Config`] if it may not be
    /// written.
    fn put(
        &self,
        key: &str,
        bytes: Vec<u8>,
        content_type: &'static str,
    ) -> impl Future<Output = Result<()>> + Send;

    /// Reads an object, `None` if there is none.
    ///
    /// # Errors
    /// As for [`Store::put`].
    fn get(&self, key: &str) -> impl Future<Output = Result<Option<Vec<u8>>>> + Send;

    /// Writes a document as JSON and returns where it is. `count` is the number of entries in its
    /// array.
    ///
    /// # Errors
    /// As for [`Store::put`].
    fn put_json<T: Serialize + Sync>(
        &self,
        key: &str,
        document: &T,
        count: usize,
    ) -> impl Future<Output = Result<Reference>> + Send {
        async move {
            let bytes = json_bytes(key, document)?;
            let reference = Reference {
                bucket: self.bucket().to_owned(),
                key: key.to_owned(),
                sha256: sha256(&bytes),
                count,
            };
            self.put(key, bytes, "application/json").await?;
            Ok(reference)
        }
    }

    /// Writes a document as compressed JSON: progress with many ids in it.
    ///
    /// # Errors
    /// As for [`Store::put`].
    fn put_compressed<T: Serialize + Sync>(
        &self,
        key: &str,
        document: &T,
    ) -> impl Future<Output = Result<()>> + Send {
        async move {
            let mut writer = GzEncoder::new(Vec::new(), Compression::fast());
            let written = serde_json::to_writer(&mut writer, document);
            let bytes = written.map_err(Into::into).and_then(|()| writer.finish());
            let bytes =
                bytes.map_err(|error| Error::Contract(format!("{key}: no JSON form: {error}")))?;
            self.put(key, bytes, "application/gzip").await
        }
    }

    /// Reads a document written by [`Store::put_compressed`], which may not exist.
    ///
    /// # Errors
    /// [`Error::Contract`] if it has another shape.
    fn find_compressed<T: DeserializeOwned>(
        &self,
        key: &str,
    ) -> impl Future<Output = Result<Option<T>>> + Send {
        async move {
            let Some(bytes) = self.get(key).await? else {
                return Ok(None);
            };
            let reader = BufReader::new(GzDecoder::new(bytes.as_slice()));
            serde_json::from_reader(reader)
                .map(Some)
                .map_err(|error| other_shape(key, &error))
        }
    }

    /// Reads the document a reference names.
    ///
    /// # Errors
    /// [`Error::Contract`] if it is gone, was changed, or has another shape.
    fn get_json<T: DeserializeOwned>(
        &self,
        reference: &Reference,
    ) -> impl Future<Output = Result<T>> + Send {
        async move {
            let Reference {
                bucket,
                key,
                sha256: wanted,
                count: _,
            } = reference;
            if bucket != self.bucket() {
                return Err(Error::Contract(format!(
                    "{key}: the reference names bucket {bucket}, this function works in {}",
                    self.bucket()
                )));
            }
            let bytes = self.get(key).await?.ok_or_else(|| {
                Error::Contract(format!("{key}: the document is gone; start a new run"))
            })?;
            if sha256(&bytes) != *wanted {
                return Err(Error::Contract(format!(
                    "{key}: the document was changed after it was written; start a new run"
                )));
            }
            parse(key, &bytes)
        }
    }

    /// Reads a document that may not exist.
    ///
    /// # Errors
    /// [`Error::Contract`] if it has another shape.
    fn find_json<T: DeserializeOwned>(
        &self,
        key: &str,
    ) -> impl Future<Output = Result<Option<T>>> + Send {
        async move {
            self.get(key)
                .await?
                .map(|bytes| parse(key, &bytes))
                .transpose()
        }
    }
}

fn parse<T: DeserializeOwned>(key: &str, bytes: &[u8]) -> Result<T> {
    json::from_bytes(bytes).map_err(|error| other_shape(key, &error))
}

fn other_shape(key: &str, error: &serde_json::Error) -> Error {
    let line = error.line();
    let column = error.column();
    Error::Contract(format!(
        "{key}: it is not of the shape this code writes (line {line}, column {column}); start a \
         new run"
    ))
}
