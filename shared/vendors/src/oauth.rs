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

/// Sends a request for a token. `wrong_host` says what a redirect means. `refused` turns a
/// refusal's status and OAuth code into the error; the code is empty unless the reply has one.
///
/// # Errors
/// [`Error::Config`] for a redirect, [`Error::Throttled`] on 429 and 408, [`Error::Contract`] if
/// the reply holds no token, and what `refused` makes of a refusal, which is never tried again:
/// that would lock the user.
pub async fn token<T: DeserializeOwned>(
    http: &Http,
    what: &str,
    request: RequestBuilder,
    wrong_host: &str,
    refused: impl FnOnce(u16, &str) -> Error,
) -> Result<T> {
    let request = request.header("accept", "application/json");
    let Answer { reply, content } = http.send(what, Call::Token, request, as_json).await?;
    match (content, reply.status) {
        (Some(token), _) => Ok(token),
        (None, 300..=399) => Err(Error::Config(format!("{what}: a redirect; {wrong_host}"))),
        (None, status) => Err(refused(status, &oauth_code(&reply))),
    }
}

/// The code of a token endpoint's refusal, `{"error": "invalid_grant", ...}`; empty unless it looks
/// like one.
fn oauth_code(reply: &Reply) -> String {
    #[derive(Deserialize)]
    struct Refusal {
        error: String,
    }
    let code = reply.refusal::<Refusal>().map(|refusal| refusal.error);
    let is_code = |code: &String| {
        code.len() <= 40 && code.bytes().all(|b| b.is_ascii_lowercase() || b == b'_')
    };
    code.filter(is_code).unwrap_or_default()
}
