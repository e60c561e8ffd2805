#![doc = env!("CARGO_PKG_DESCRIPTION")]
//!
//! It is made at the first call over TLS, so a start pays nothing for it. The roots are Mozilla's,
//! compiled in: reading those of Lambda's image would take milliseconds of a small function's
//! processor, at every start. Behind a proxy that replaces certificates by its own, `SSL_CERT_FILE`
//! names the proxy's roots.

use std::sync::{Arc, OnceLock};

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::{ClientConfig, RootCertStore};

use domain::{Error, Result};

/// The configuration. It names no application protocol, so servers speak HTTP/1.1. Cloning it
/// copies no root.
///
/// # Errors
/// [`Error::Config`] if `SSL_CERT_FILE` names a file without certificates that can be read.
pub fn config() -> Result<&'static ClientConfig> {
    static CONFIG: OnceLock<Result<ClientConfig>> = OnceLock::new();
    CONFIG.get_or_init(made).as_ref().map_err(Clone::clone)
}

fn made() -> Result<ClientConfig> {
    let mut roots: RootCertStore = webpki_roots::TLS_SERVER_ROOTS.iter().cloned().collect();
    if let Some(file) = std::env::var_os("SSL_CERT_FILE").filter(|file| !file.is_empty()) {
        add(&mut roots, file.as_ref())?;
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| Error::Config(format!("no TLS: {error}")))?;
    Ok(builder.with_root_certificates(roots).with_no_client_auth())
}

fn add(roots: &mut RootCertStore, file: &std::path::Path) -> Result<()> {
    let unusable = |why: String| {
        Error::Config(format!(
            "SSL_CERT_FILE names {}: {why}; name a file of certificates in PEM, or unset it",
            file.display()
        ))
    };
    let certificates = CertificateDer::pem_file_iter(file)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(|error| unusable(error.to_string()))?;
    let (added, _) = roots.add_parsable_certificates(certificates);
    if added == 0 {
        return Err(unusable("it holds no usable certificate".to_owned()));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_without_certificates_is_an_error_that_names_it() {
        for file in ["/nowhere/roots.pem", "Cargo.toml"] {
            let error = add(&mut RootCertStore::empty(), file.as_ref()).unwrap_err();
            assert_eq!(error.name(), "Sync.Config");
            assert!(error.to_string().contains(file), "{error}");
        }
    }
}
