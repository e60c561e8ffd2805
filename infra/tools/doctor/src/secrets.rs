//! Where the credentials are read from.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use aws::Aws;
use domain::{Error, Result};
use secrecy::SecretString;
use secrets_manager::SecretsManager;
use stage::secrets::Secrets;

/// AWS Secrets Manager, or files before there is anything on AWS.
pub enum Source {
    /// A secret's name is its name there.
    Aws(SecretsManager),
    /// `<prefix>/zendesk/global` is the file `zendesk-global.json` in the folder.
    Folder(PathBuf),
}

impl Source {
    /// The folder that `SECRETS` names; without it, AWS.
    ///
    /// # Errors
    /// [`Error::Config`] if AWS is wanted and there are no credentials for it.
    pub fn from_env() -> Result<Self> {
        match std::env::var_os("SECRETS").filter(|folder| !folder.is_empty()) {
            Some(folder) => Ok(Self::Folder(PathBuf::from(folder))),
            None => Ok(Self::Aws(SecretsManager::new(&Aws::from_env()?))),
        }
    }
}

impl Secrets for Source {
    async fn secret(&self, name: &str) -> Result<SecretString> {
        match self {
            Self::Aws(secrets) => secrets.secret(name).await,
            Self::Folder(folder) => match std::fs::read_to_string(file(folder, name)) {
                Ok(text) => Ok(SecretString::from(text)),
                Err(error) => Err(cannot_be_read(name, &error)),
            },
        }
    }

    async fn find_secret(&self, name: &str) -> Result<Option<SecretString>> {
        match self {
            Self::Aws(secrets) => secrets.find_secret(name).await,
            Self::Folder(folder) => match std::fs::read_to_string(file(folder, name)) {
                Ok(text) => Ok(Some(SecretString::from(text))),
                Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
                Err(error) => Err(cannot_be_read(name, &error)),
            },
        }
    }
}

/// The file of a secret, whatever prefix it has on AWS.
fn file(folder: &Path, name: &str) -> PathBuf {
    let prefix = std::env::var("SECRET_PREFIX").unwrap_or_default();
    let name = name.strip_prefix(prefix.as_str()).unwrap_or(name);
    let name = name.trim_start_matches('/').replace('/', "-");
    folder.join(format!("{name}.json"))
}

fn cannot_be_read(name: &str, error: &std::io::Error) -> Error {
    Error::Config(format!("secret {name}: the file cannot be read: {error}"))
}
