//! Credentials of an instance: OAuth client credentials, or an API token until Zendesk ends them on
//! 2027-04-30.

use jiff::civil::Date;
use reqwest::{Method, RequestBuilder, Url};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde_json::json;

use crate::http::Http;
use crate::keys::Keys;
use crate::oauth::{self, ClientCredentials, Refusal, SignIn};
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
#[derive(Debug)]
pub struct Credentials(SignIn<Flow>);

enum Flow {
    ClientCredentials {
        client: ClientCredentials,
        scope: Option<String>,
    },
    ApiToken {
        email: SecretString,
        token: SecretString,
    },
}

#[derive(Deserialize)]
struct TokenReply {
    access_token: String,
}

/// How long a token is to last: as long as an execution may. Source: contract, section 6.
const TOKEN_SECONDS: u32 = 3 * 3600;

impl Flow {
    fn read(auth: &str, keys: &Keys<'_>) -> Result<Self> {
        match auth {
            "client_credentials" => Ok(Self::ClientCredentials {
                client: ClientCredentials::read(keys)?,
                scope: keys.optional("scope").map(str::to_owned),
            }),
            "api_token" => {
                tracing::warn!(
                    secret = keys.name,
                    "zendesk ends API tokens on {API_TOKENS_END}; move to client_credentials before"
                );
                let [email, token] = keys.required(["email", "token"])?;
                Ok(Self::ApiToken {
                    email: SecretString::from(email),
                    token: SecretString::from(token),
                })
            }
            _ => Err(keys.unknown_auth(["client_credentials", "api_token"])),
        }
    }
}

impl Credentials {
    /// Reads the secret's text.
    ///
    /// # Errors
    /// [`Error::Config`] names what is missing or wrong.
    pub fn read(name: &str, text: &SecretString) -> Result<Self> {
        SignIn::read(name, text, "base_url", Flow::read).map(Self)
    }

    /// What the report says of it.
    pub fn describe(&self) -> Credential {
        self.0.describe(match self.0.flow {
            Flow::ClientCredentials { .. } => None,
            Flow::ApiToken { .. } => Some(API_TOKENS_END),
        })
    }

    /// The instance's address.
    pub(super) fn base_url(&self) -> &Url {
        &self.0.base
    }

    /// True if the secret lets organizations be written. With one that only reads, there can be
    /// plans, but no apply.
    pub fn may_write(&self) -> bool {
        match &self.0.flow {
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
        matches!(self.0.flow, Flow::ClientCredentials { .. })
    }

    /// Adds the credentials to a call.
    pub(super) fn authorize(
        &self,
        request: RequestBuilder,
        token: Option<&SecretString>,
    ) -> RequestBuilder {
        match (&self.0.flow, token) {
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
    /// [`Error::Auth`] on a refusal, [`Error::Config`] if it says that there is no such instance,
    /// otherwise as for [`oauth::token`].
    pub(super) async fn token(
        &self,
        instance: &str,
        http: &Http,
        needed: Scope,
    ) -> Result<Option<SecretString>> {
        let Flow::ClientCredentials { client, scope } = &self.0.flow else {
            return Ok(None);
        };
        let what = format!("zendesk {instance}: token");
        let mut url = self.base_url().clone();
        url.set_path("/oauth/tokens");
        let body = json!({
            "grant_type": "client_credentials", "client_id": client.id,
            "client_secret": client.secret.expose_secret(),
            "scope": self.narrowed(scope.as_deref(), needed)?, "expires_in": TOKEN_SECONDS,
        });
        let request = http.request(Method::POST, url).json(&body);
        let wrong_host = "base_url is not the instance's own host";
        let refused = |status, Refusal { code, .. }: &Refusal| match status {
            404 => Error::Config(format!("{what}: status 404; base_url names no instance")),
            _ => Error::Auth(format!(
                "{what}: status {status} {code}; check client_id, client_secret and scope of the \
                 secret, and that the client's user may still sign in"
            )),
        };
        let TokenReply { access_token } =
            oauth::token(http, &what, request, wrong_host, refused).await?;
        Ok(Some(SecretString::from(access_token)))
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
                self.0.name()
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
