//! What signing in has in common at both vendors: the secret, its client credentials, and the call
//! to a token endpoint.

use std::fmt;

use reqwest::{RequestBuilder, Url};
use secrecy::SecretString;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::http::{Answer, Call, Http, Reply, as_json, base_url};
use crate::keys::Keys;
use domain::model::Credential;
use domain::{Error, Result};

/// A vendor's secret: where the vendor is, and how to sign in there. `F` is what one vendor alone
/// keeps in it.
pub struct SignIn<F> {
    /// The secret's name.
    name: String,
    /// Its key `auth`.
    auth: String,
    pub base: Url,
    pub flow: F,
}

/// Shows nothing of the secret.
impl<F> fmt::Debug for SignIn<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SignIn(..)")
    }
}

impl<F> SignIn<F> {
    /// Reads a secret's text. The vendor's address is under `base_key`; `flow` reads the rest, by
    /// what `auth` says.
    ///
    /// # Errors
    /// [`Error::Config`] names what is missing or wrong.
    pub fn read(
        name: &str,
        text: &SecretString,
        base_key: &str,
        flow: impl FnOnce(&str, &Keys<'_>) -> Result<F>,
    ) -> Result<Self> {
        let keys = Keys::read(name, text)?;
        let [auth, base] = keys.required(["auth", base_key])?;
        let flow = flow(auth, &keys)?;
        Ok(Self {
            name: name.to_owned(),
            auth: auth.to_owned(),
            base: base_url(&keys.path(base_key), base)?,
            flow,
        })
    }

    pub fn name(&self) -> &str {
        &self.name
    }

    /// What the report says of it. `ends` is the day it stops working, if that is known.
    pub fn describe(&self, ends: Option<jiff::civil::Date>) -> Credential {
        Credential {
            secret: self.name.clone(),
            auth: self.auth.clone(),
            ends,
        }
    }
}

/// The keys of a secret whose `auth` is `client_credentials`.
pub struct ClientCredentials {
    pub id: String,
    pub secret: SecretString,
}

impl ClientCredentials {
    /// Reads them from the secret.
    ///
    /// # Errors
    /// [`Error::Config`] names each that is missing.
    pub fn read(keys: &Keys<'_>) -> Result<Self> {
        let [id, secret] = keys.required(["client_id", "client_secret"])?;
        Ok(Self {
            id: id.to_owned(),
            secret: SecretString::from(secret),
        })
    }
}

/// A token endpoint's refusal, `{"error": "invalid_grant", "error_description": ...}`.
#[derive(Deserialize, Default)]
pub struct Refusal {
    /// The OAuth code; empty unless it looks like one.
    #[serde(rename = "error", default)]
    pub code: String,
    /// Never shown: it may hold anything.
    #[serde(rename = "error_description", default)]
    words: String,
}

/// Sends a request for a token. `wrong_host` says what a redirect means. `refused` turns a
/// refusal's status and content into the error.
///
/// # Errors
/// [`Error::Config`] for a redirect, [`Error::Throttled`] on 429 and 408, [`Error::Transient`] for
/// a refusal that passes by itself, [`Error::Contract`] if the reply holds no token, and what
/// `refused` makes of any other refusal. No refusal is tried again: that would lock the user.
pub async fn token<T: DeserializeOwned>(
    http: &Http,
    what: &str,
    request: RequestBuilder,
    wrong_host: &str,
    refused: impl FnOnce(u16, &Refusal) -> Error,
) -> Result<T> {
    let request = request.header("accept", "application/json");
    let Answer { reply, content } = http.send(what, Call::Token, request, as_json).await?;
    match (content, reply.status) {
        (Some(token), _) => Ok(token),
        (None, 300..=399) => Err(Error::Config(format!("{what}: a redirect; {wrong_host}"))),
        (None, 403) if !reply.is_json() => Err(Error::Transient(format!(
            "{what}: status 403 and no JSON: it comes from what stands in front of the vendor"
        ))),
        (None, status) => {
            let refusal = Refusal::read(&reply);
            if refusal.passes_by_itself(status) {
                let code = refusal.code;
                let why = format!("{what}: status {status} {code}: a fault that passes by itself");
                return Err(Error::Transient(why));
            }
            Err(refused(status, &refusal))
        }
    }
}

impl Refusal {
    fn read(reply: &Reply) -> Self {
        let mut refusal: Self = reply.refusal().unwrap_or_default();
        let is_code = |b: u8| b.is_ascii_lowercase() || b == b'_';
        if refusal.code.len() > 40 || !refusal.code.bytes().all(is_code) {
            refusal.code.clear();
        }
        refusal
    }

    /// True if the refusal's description says this, in whatever case.
    pub fn says(&self, words: &str) -> bool {
        self.words.to_ascii_lowercase().contains(words)
    }

    /// True for a fault of Salesforce's own that comes as a refusal.
    fn passes_by_itself(&self, status: u16) -> bool {
        status == 400 && (self.code == "unknown_error" || self.says("retry your request"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(code: &str, words: &str) -> Refusal {
        Refusal {
            code: code.to_owned(),
            words: words.to_owned(),
        }
    }

    #[test]
    fn a_refusal_passes_by_itself_if_it_says_so() {
        assert!(refusal("unknown_error", "").passes_by_itself(400));
        let words = "We can't process it. Retry your request in a moment.";
        assert!(refusal("invalid_grant", words).passes_by_itself(400));
        assert!(!refusal("invalid_grant", "authentication failure").passes_by_itself(400));
        assert!(!refusal("unknown_error", "").passes_by_itself(401));
    }
}
