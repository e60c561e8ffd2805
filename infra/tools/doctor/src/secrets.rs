//! Where the credentials are read from.

use std::path::PathBuf;

use aws::Aws;
use domain::{Error, Result};
use secrecy::SecretString;
use secrets_manager::SecretsManager;
use stage::secrets::Secrets;

/// AWS Secrets Manager, or files before there is anything on AWS.
pub enum Source {
    /// A secret's name is its name there.
    Aws(SecretsManager),
    /// A secret's name is that of a file in the folder.
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
            Self::Folder(folder) => match std::fs::read_to_string(folder.join(name)) {
                Ok(text) => Ok(SecretString::from(text)),
                Err(error) => Err(Error::Config(format!(
                    "secret {name}: the file cannot be read: {error}"
                ))),
            },
        }
    }
}
