//! Why an exchange brought no whole reply, and whether the request was sent at all.

use std::error::Error as StdError;
use std::io;

use rustls::{CertificateError, Error as TlsError};

use domain::Error;

/// No whole reply.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Broken {
    /// Without address, query or content.
    pub(super) why: String,
    /// False if no connection was made: then nothing was done.
    pub(super) was_sent: bool,
}

impl Broken {
    /// The request was sent; what became of it is not known.
    pub(super) fn underway(why: String) -> Self {
        Self {
            why,
            was_sent: true,
        }
    }
}

impl From<reqwest::Error> for Broken {
    fn from(error: reqwest::Error) -> Self {
        let why = if error.is_connect() {
            why_not_connected(&error)
        } else if error.is_timeout() {
            "no whole reply in time"
        } else if error.is_decode() || error.is_body() {
            "the reply broke off"
        } else {
            "the connection was lost"
        };
        Self {
            why: why.to_owned(),
            was_sent: !error.is_connect() && !error.is_builder(),
        }
    }
}

impl From<Error> for Broken {
    /// There is no client to send it with.
    fn from(error: Error) -> Self {
        Self {
            why: error.to_string(),
            was_sent: false,
        }
    }
}

fn why_not_connected(error: &reqwest::Error) -> &'static str {
    match certificate_error(error) {
        None => "cannot connect; check the host in the secret and the network",
        Some(CertificateError::UnknownIssuer) => {
            "the host's certificate is not trusted; behind a proxy that puts its own certificates \
             in the place of others, let SSL_CERT_FILE name a file with the proxy's roots, in PEM"
        }
        Some(_) => {
            "the host's certificate is not valid (for this host, or on this day); check the host \
             in the secret, and what answers in its place"
        }
    }
}

/// What is wrong with the host's certificate, if that is why there is no connection.
fn certificate_error<'a>(error: &'a (dyn StdError + 'static)) -> Option<&'a CertificateError> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(TlsError::InvalidCertificate(why)) = error.downcast_ref() {
            return Some(why);
        }
        // An I/O error's source is that of the error within, not the error within.
        next = match error
            .downcast_ref::<io::Error>()
            .and_then(io::Error::get_ref)
        {
            Some(within) => Some(within),
            None => error.source(),
        };
    }
    None
}
