//! Which addresses credentials may be sent to.

use reqwest::Url;

use crate::{Error, Result};

/// Reads the address of a vendor: https, except on loopback, and nothing but scheme, host and port.
///
/// # Errors
/// [`Error::Config`] names the key of the secret, never the value.
pub fn base_url(key: &str, text: &str) -> Result<Url> {
    let wrong = |why: &str| Error::Config(format!("{key}: {why}; write it as https://host"));
    let url = Url::parse(text.trim()).map_err(|_| wrong("it is no URL"))?;
    let Some(host) = url.host_str() else {
        return Err(wrong("it has no host"));
    };
    let address = host.trim_matches(['[', ']']).parse::<std::net::IpAddr>();
    let loopback = host == "localhost" || address.is_ok_and(|address| address.is_loopback());
    if url.scheme() != "https" && !(url.scheme() == "http" && loopback) {
        return Err(wrong(
            "it is not https, and credentials are not sent in the clear",
        ));
    }
    if !url.username().is_empty()
        || url.password().is_some()
        || url.query().is_some()
        || url.fragment().is_some()
    {
        return Err(wrong("it holds more than scheme, host and port"));
    }
    if url.path() != "/" {
        return Err(wrong("it has a path"));
    }
    Ok(url)
}

/// The host of an address, with the port if it is not the usual one.
#[must_use]
pub fn host_of(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    match url.port() {
        Some(port) => format!("{host}:{port}"),
        None => host.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn https_anywhere_and_http_on_loopback_only() {
        for good in [
            "https://acme.zendesk.com",
            "https://acme.zendesk.com/",
            "http://127.0.0.1:8080",
            "http://localhost:1",
            "http://[::1]:9",
        ] {
            assert!(base_url("base_url", good).is_ok(), "{good}");
        }
        let bad = [
            "",
            "acme.zendesk.com",
            "http://acme.zendesk.com",
            "http://127.0.0.1.evil.example",
            "ftp://127.0.0.1",
            "https://u:p@acme.example",
            "https://acme.example?x=1",
            "https://acme.example/api",
            "http://10.0.0.1",
        ];
        for text in bad {
            let error = base_url("base_url", text).unwrap_err();
            assert_eq!(error.name(), "Sync.Config", "{text}");
            assert!(
                text.is_empty() || !error.to_string().contains(text),
                "{error}"
            );
        }
    }
}
