//! The operator's credentials.

use domain::Result;
use secrecy::SecretString;

/// Where secrets come from.
pub trait Secrets {
    /// The text of a secret.
    ///
    /// # Errors
    /// [`domain::Error::Config`] if there is no such secret or it may not be read;
    /// [`domain::Error::Transient`] if the store does not answer.
    fn secret(&self, name: &str) -> impl Future<Output = Result<SecretString>> + Send;

    /// The text of a secret that need not be there.
    ///
    /// # Errors
    /// As for [`Secrets::secret`], but for a secret that is not there.
    fn find_secret(&self, name: &str) -> impl Future<Output = Result<Option<SecretString>>> + Send;
}
