//! Which addresses credentials may be sent to.

use reqwest::Url;

use domain::{Error, Result};

/// Reads the address of a vendor: https, and nothing but scheme, host and port. Plain http is
/// allowed on loopback, for tests, but not in a Lambda on AWS: what listens there is no vendor.
///
/// # Errors
/// [`Error::Config`] names the key of the secret, never the value.
pub fn base_url(key: &str, text: &str) -> Result<Url> {
    checked(key, text, is_on_aws(|name| std::env::var(name).ok()))
}

/// True in a Lambda on AWS. In the local twin of tests and demo, AWS is on loopback as well.
fn is_on_aws(variable: impl Fn(&str) -> Option<String>) -> bool {
    let endpoint = variable("AWS_ENDPOINT_URL").and_then(|text| Url::parse(&text).ok());
    variable("AWS_LAMBDA_RUNTIME_API").is_some() && !endpoint.is_some_and(|url| is_loopback(&url))
}

/// True if an address leads to this machine.
pub fn is_loopback(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    let address = host.trim_matches(['[', ']']).parse::<std::net::IpAddr>();
    host == "localhost" || address.is_ok_and(|address| address.is_loopback())
}

fn checked(key: &str, text: &str, is_on_aws: bool) -> Result<Url> {
    let wrong = |why: &str| Error::Config(format!("{key}: {why}; write it as https://host"));
    let url = Url::parse(text.trim()).map_err(|_| wrong("it is no URL"))?;
    if url.host_str().is_none() {
        return Err(wrong("it has no host"));
    }
    let may_be_http = is_loopback(&url) && !is_on_aws;
    if url.scheme() != "https" && !(url.scheme() == "http" && may_be_http) {
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
            let on_aws = checked("base_url", good, true);
            assert_eq!(on_aws.is_ok(), good.starts_with("https:"), "{good}");
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

    #[test]
    fn a_lambda_is_on_aws_unless_its_aws_is_on_loopback() {
        const RUNTIME: (&str, &str) = ("AWS_LAMBDA_RUNTIME_API", "127.0.0.1:9001");
        let with = |variables: &'static [(&str, &str)]| {
            is_on_aws(|name| {
                let one = variables.iter().find(|(key, _)| *key == name);
                one.map(|(_, value)| (*value).to_owned())
            })
        };
        assert!(!with(&[]));
        assert!(with(&[RUNTIME]));
        assert!(with(&[
            RUNTIME,
            ("AWS_ENDPOINT_URL", "https://proxy.example"),
        ]));
        assert!(!with(&[
            RUNTIME,
            ("AWS_ENDPOINT_URL", "http://127.0.0.1:4566"),
        ]));
    }
}
