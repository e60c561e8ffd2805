//! Credentials of an instance: OAuth client credentials, or an API token until Zendesk ends them on
//! 2027-04-30.

use std::fmt;

use jiff::civil::Date;
use reqwest::{Method, RequestBuilder, Url};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde_json::json;

use crate::http::{Answer, Call, Http, as_json, base_url, oauth_code};
use crate::keys::Keys;
use domain::model::Credential;
use domain::{Error, Result};

/// The day Zendesk ends all API tokens. Source: Zendesk's OAuth migration guide.
const API_TOKENS_END: Date = jiff::civil::date(2027, 4, 30);

/// What a token may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// Read only; for gathering.
    Read,
    /// Read and write; for syncing.
    Write,
}

/// The secrets `partner-sync/zendesk/...`.
pub struct Credentials {
    name: String,
    pub(super) base: Url,
    flow: Flow,
}

enum Flow {
    ClientCredentials {
        client_id: String,
        client_secret: SecretString,
        scope: Option<String>,
    },
    ApiToken {
        email: SecretString,
        token: SecretString,
    },
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("zendesk::Credentials(..)")
    }
}

#[derive(Deserialize)]
struct Token {
    access_token: String,
}

/// How long a token is to last: as long as an execution may. Source: contract, section 6.
const TOKEN_SECONDS: u32 = 3 * 3600;

impl Credentials {
    /// Reads the secret's text.
    ///
    /// # Errors
    /// [`Error::Config`] names what is missing or wrong.
    pub fn read(name: &str, text: &SecretString) -> Result<Self> {
        let keys = Keys::read(name, text)?;
        let [auth, base] = keys.required(["auth", "base_url"])?;
        let flow = match auth {
            "client_credentials" => {
                let [id, secret] = keys.required(["client_id", "client_secret"])?;
                let scope = keys.optional("scope").map(str::to_owned);
                Flow::ClientCredentials {
                    client_id: id.to_owned(),
                    client_secret: SecretString::from(secret),
                    scope,
                }
            }
            "api_token" => {
                tracing::warn!(
                    secret = name,
                    "zendesk ends API tokens on {API_TOKENS_END}; move to client_credentials before"
                );
                let [email, token] = keys.required(["email", "token"])?;
                Flow::ApiToken {
                    email: SecretString::from(email),
                    token: SecretString::from(token),
                }
            }
            _ => return Err(keys.unknown_auth(["client_credentials", "api_token"])),
        };
        Ok(Self {
            name: name.to_owned(),
            base: base_url(&keys.path("base_url"), base)?,
            flow,
        })
    }

    /// What the report says of it.
    pub fn describe(&self) -> Credential {
        let (auth, ends) = match self.flow {
            Flow::ClientCredentials { .. } => ("client_credentials", None),
            Flow::ApiToken { .. } => ("api_token", Some(API_TOKENS_END)),
        };
        Credential {
            secret: self.name.clone(),
            auth: auth.to_owned(),
            ends,
        }
    }

    /// True if the secret lets organizations be written. A client limited to reading serves for
    /// plans alone.
    pub fn may_write(&self) -> bool {
        match &self.flow {
            Flow::ClientCredentials {
                scope: Some(scope), ..
            } => scope
                .split_whitespace()
                .any(|one| one == "write" || one == "organizations:write"),
            Flow::ClientCredentials { scope: None, .. } | Flow::ApiToken { .. } => true,
        }
    }

    /// True if a refused token can be replaced by a new one.
    pub(super) fn mints(&self) -> bool {
        matches!(self.flow, Flow::ClientCredentials { .. })
    }

    /// Adds the credentials to a call.
    pub(super) fn authorize(
        &self,
        request: RequestBuilder,
        token: Option<&SecretString>,
    ) -> RequestBuilder {
        match (&self.flow, token) {
            (Flow::ApiToken { email, token }, _) => request.basic_auth(
                format!("{}/token", email.expose_secret()),
                Some(token.expose_secret()),
            ),
            (Flow::ClientCredentials { .. }, Some(token)) => {
                request.bearer_auth(token.expose_secret())
            }
            (Flow::ClientCredentials { .. }, None) => request,
        }
    }

    /// `POST /oauth/tokens`: a bearer token with no more scope than needed; `None` if the instance
    /// uses an API token.
    ///
    /// # Errors
    /// [`Error::Auth`] on a refusal, which is never tried again; [`Error::Throttled`] on 429 and
    /// 408, [`Error::Contract`] if the reply holds no token.
    pub(super) async fn token(
        &self,
        instance: &str,
        http: &Http,
        scope: Scope,
    ) -> Result<Option<SecretString>> {
        let Flow::ClientCredentials {
            client_id,
            client_secret,
            scope: configured,
        } = &self.flow
        else {
            return Ok(None);
        };
        let what = format!("zendesk {instance}: token");
        let mut url = self.base.clone();
        url.set_path("/oauth/tokens");
        let body = json!({
            "grant_type": "client_credentials", "client_id": client_id,
            "client_secret": client_secret.expose_secret(),
            "scope": self.narrowed(configured.as_deref(), scope)?, "expires_in": TOKEN_SECONDS,
        });
        let request = http
            .request(Method::POST, url)
            .header("accept", "application/json")
            .json(&body);
        let Answer { reply, said } = http
            .send(&what, Call::Token, request, as_json::<Token>)
            .await?;
        if let Some(Token { access_token }) = said {
            return Ok(Some(SecretString::from(access_token)));
        }
        match reply.status {
            300..=399 => Err(Error::Config(format!(
                "{what}: a redirect; base_url is not the instance's own host"
            ))),
            404 => Err(Error::Config(format!(
                "{what}: status 404; base_url names no instance"
            ))),
            status => Err(Error::Auth(format!(
                "{what}: status {status} {}; check client_id, client_secret and scope of the \
                 secret, and that the client's user may still sign in",
                oauth_code(&reply)
            ))),
        }
    }

    /// The scope to ask for: what the secret allows, without writing if only reading is needed.
    fn narrowed(&self, configured: Option<&str>, scope: Scope) -> Result<String> {
        let is_wanted = |one: &&str| match scope {
            Scope::Write => true,
            Scope::Read => *one != "write" && !one.ends_with(":write"),
        };
        let all = configured.unwrap_or("read write").split_whitespace();
        let scope = all.filter(is_wanted).collect::<Vec<_>>().join(" ");
        if scope.is_empty() {
            return Err(Error::Config(format!(
                "secret {}: its scope leaves nothing to read with; make it \"read \
                 organizations:write\", or leave it out",
                self.name
            )));
        }
        Ok(scope)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_token_for_reading_asks_for_no_write_scope() {
        let text = r#"{"auth": "client_credentials", "base_url": "https://a.example",
            "client_id": "x", "client_secret": "y"}"#;
        let credentials = Credentials::read("s", &SecretString::from(text)).unwrap();
        let narrowed = |configured, scope| credentials.narrowed(configured, scope).unwrap();
        assert_eq!(narrowed(None, Scope::Read), "read");
        assert_eq!(narrowed(None, Scope::Write), "read write");
        let granular = Some("organizations:read organizations:write");
        assert_eq!(narrowed(granular, Scope::Read), "organizations:read");
        let mixed = "read organizations:write";
        assert_eq!(narrowed(Some(mixed), Scope::Write), mixed);
        for nothing in ["write", "organizations:write", " "] {
            let error = credentials
                .narrowed(Some(nothing), Scope::Read)
                .unwrap_err();
            assert_eq!(error.name(), "Sync.Config", "{nothing}");
        }
    }

    #[test]
    fn debug_shows_nothing_of_the_secret() {
        let text = SecretString::from(
            r#"{"auth": "api_token", "base_url": "https://a.example",
                "email": "canary", "token": "canary"}"#,
        );
        let credentials = Credentials::read("s", &text).unwrap();
        assert!(!format!("{credentials:?}").contains("canary"));
        assert!(!credentials.mints());
    }
}
