//! Credentials of the org, and its two token flows: client credentials and JWT bearer.

use reqwest::{Method, Url};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;

use super::jwt::SigningKey;
use crate::http::{Http, base_url};
use crate::keys::Keys;
use crate::oauth::{self, ClientCredentials, Refusal, SignIn};
use domain::model::Credential;
use domain::{Error, Result};

/// The secret `partner-sync/salesforce`.
#[derive(Debug)]
pub struct Credentials(SignIn<Login>);

/// What the secret holds beside the org's address.
struct Login {
    flow: Flow,
    /// Such as `v67.0`; the client's own choice if the secret names none.
    api_version: Option<String>,
}

enum Flow {
    ClientCredentials(ClientCredentials),
    JwtBearer {
        audience: String,
        client_id: String,
        username: String,
        key: SigningKey,
    },
}

/// What a token gives access to.
#[derive(Debug)]
pub(super) struct Access {
    pub(super) instance: Url,
    pub(super) token: SecretString,
}

#[derive(Deserialize)]
struct TokenReply {
    access_token: String,
    instance_url: String,
}

impl Login {
    fn read(auth: &str, keys: &Keys<'_>) -> Result<Self> {
        Ok(Self {
            flow: Flow::read(auth, keys)?,
            api_version: api_version(keys)?,
        })
    }
}

impl Flow {
    fn read(auth: &str, keys: &Keys<'_>) -> Result<Self> {
        match auth {
            "client_credentials" => Ok(Self::ClientCredentials(ClientCredentials::read(keys)?)),
            "jwt_bearer" => {
                let [audience, id, username, key] =
                    keys.required(["audience", "client_id", "username", "private_key"])?;
                let key = SigningKey::from_pem(&keys.path("private_key"), key)?;
                Ok(Self::JwtBearer {
                    audience: audience.to_owned(),
                    client_id: id.to_owned(),
                    username: username.to_owned(),
                    key,
                })
            }
            _ => Err(keys.unknown_auth(["client_credentials", "jwt_bearer"])),
        }
    }
}

fn api_version(keys: &Keys<'_>) -> Result<Option<String>> {
    let Some(version) = keys.optional("api_version") else {
        return Ok(None);
    };
    let version = format!("v{}", version.trim_start_matches('v'));
    let fits = |b: u8| b.is_ascii_digit() || b == b'v' || b == b'.';
    if !version.bytes().all(fits) {
        let path = keys.path("api_version");
        return Err(Error::Config(format!("{path} must look like v67.0")));
    }
    Ok(Some(version))
}

impl Credentials {
    /// Reads the secret's text.
    ///
    /// # Errors
    /// [`Error::Config`] names what is missing or wrong.
    pub fn read(name: &str, text: &SecretString) -> Result<Self> {
        SignIn::read(name, text, "login_url", Login::read).map(Self)
    }

    /// What the report says of it. For neither flow can it be seen from here when it ends.
    pub fn describe(&self) -> Credential {
        self.0.describe(None)
    }

    /// Where tokens come from.
    pub(super) fn login_url(&self) -> &Url {
        &self.0.base
    }

    pub(super) fn api_version(&self) -> Option<&str> {
        self.0.flow.api_version.as_deref()
    }

    /// `POST /services/oauth2/token`: the instance's address and a bearer token.
    ///
    /// # Errors
    /// [`Error::Auth`] on a refusal, otherwise as for [`oauth::token`].
    pub(super) async fn token(&self, http: &Http) -> Result<Access> {
        let what = "salesforce: token";
        let mut url = self.login_url().clone();
        url.set_path("/services/oauth2/token");
        let assertion;
        let form: Vec<(&str, &str)> = match &self.0.flow.flow {
            Flow::ClientCredentials(ClientCredentials { id, secret }) => vec![
                ("grant_type", "client_credentials"),
                ("client_id", id),
                ("client_secret", secret.expose_secret()),
            ],
            Flow::JwtBearer {
                audience,
                client_id,
                username,
                key,
            } => {
                assertion = key.assertion(client_id, username, audience, http.now())?;
                vec![
                    ("grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer"),
                    ("assertion", &assertion),
                ]
            }
        };
        let request = http.request(Method::POST, url).form(&form);
        let wrong_host = "login_url is not the org's own host";
        let refused = |status, refusal: &Refusal| {
            let (code, advice) = (&refusal.code, advice(refusal));
            Error::Auth(format!("{what}: status {status} {code}: {advice}"))
        };
        let TokenReply {
            access_token,
            instance_url,
        } = oauth::token(http, what, request, wrong_host, refused).await?;
        Ok(Access {
            instance: base_url("salesforce: instance_url of the token", &instance_url)?,
            token: SecretString::from(access_token),
        })
    }
}

/// What to do about a refused token. Source: Salesforce's list of OAuth error codes.
fn advice(refusal: &Refusal) -> &'static str {
    match refusal.code.as_str() {
        "invalid_grant" if refusal.says("not supported on this domain") => {
            "login_url must be the org's My Domain, as Setup, My Domain shows it; this flow does \
             not work at login.salesforce.com or test.salesforce.com"
        }
        "invalid_grant" => {
            "the user or the flow was refused; check the app's run-as user, its approval, audience \
             and IP range"
        }
        "invalid_client_id" => "wrong client_id, or the wrong host for it",
        "invalid_client" => "wrong client_secret",
        "invalid_app_access" => "the app's policy wants the user approved by an admin",
        "app_not_found" => {
            "the app is not installed in this org, or login_url and audience must be the org's My \
             Domain"
        }
        "unsupported_grant_type" => "the flow is not enabled on the app",
        _ => "check the secret; it is not tried again, so that the user is not locked",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_nothing_of_the_secret() {
        let text = SecretString::from(
            r#"{"auth": "client_credentials", "login_url": "https://a.example",
                "client_id": "canary", "client_secret": "canary"}"#,
        );
        let credentials = Credentials::read("s", &text).unwrap();
        assert!(!format!("{credentials:?}").contains("canary"));
    }

    #[test]
    fn names_what_is_wrong_with_the_secret() {
        let error = |text: &str| {
            Credentials::read("s", &SecretString::from(text))
                .unwrap_err()
                .to_string()
        };
        assert!(
            error(r#"{"auth": "password", "login_url": "https://a.example"}"#)
                .contains("auth must be")
        );
        assert!(
            error(r#"{"auth": "jwt_bearer", "login_url": "https://a.example"}"#)
                .contains("audience, client_id, username, private_key")
        );
        assert!(
            error(
                r#"{"auth": "client_credentials", "login_url": "http://a.example",
                    "client_id": "x", "client_secret": "y"}"#
            )
            .contains("not https")
        );
        let key = r#"{"auth": "jwt_bearer", "login_url": "https://a.example", "audience": "a",
            "client_id": "x", "username": "u", "private_key": "canary"}"#;
        assert!(error(key).contains("private_key is no RSA key") && !error(key).contains("canary"));
    }
}
