//! Token flows: client credentials and JWT bearer.

use std::fmt;

use reqwest::{Method, Url};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;

use super::jwt::SigningKey;
use crate::http::{Answer, Call, Http, as_json, base_url, oauth_code};
use crate::keys::Keys;
use domain::model::Credential;
use domain::{Error, Result};

/// The secret `partner-sync/salesforce`.
pub struct Credentials {
    name: String,
    pub(super) login: Url,
    flow: Flow,
    /// Such as `v67.0`; the client's own choice if the secret names none.
    pub api_version: Option<String>,
}

enum Flow {
    ClientCredentials {
        client_id: String,
        client_secret: SecretString,
    },
    JwtBearer {
        audience: String,
        client_id: String,
        username: String,
        key: SigningKey,
    },
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("salesforce::Credentials(..)")
    }
}

#[derive(Deserialize)]
struct Token {
    access_token: String,
    instance_url: String,
}

impl Credentials {
    /// Reads the secret's text.
    ///
    /// # Errors
    /// [`Error::Config`] names what is missing or wrong.
    pub fn read(name: &str, text: &SecretString) -> Result<Self> {
        let keys = Keys::read(name, text)?;
        let [auth, login] = keys.required(["auth", "login_url"])?;
        let flow = match auth {
            "client_credentials" => {
                let [id, secret] = keys.required(["client_id", "client_secret"])?;
                Flow::ClientCredentials {
                    client_id: id.to_owned(),
                    client_secret: SecretString::from(secret),
                }
            }
            "jwt_bearer" => {
                let [audience, id, username, key] =
                    keys.required(["audience", "client_id", "username", "private_key"])?;
                let key = SigningKey::from_pem(&keys.path("private_key"), key)?;
                Flow::JwtBearer {
                    audience: audience.to_owned(),
                    client_id: id.to_owned(),
                    username: username.to_owned(),
                    key,
                }
            }
            _ => return Err(keys.unknown_auth(["client_credentials", "jwt_bearer"])),
        };
        let api_version = keys
            .optional("api_version")
            .map(|version| format!("v{}", version.trim_start_matches('v')));
        if api_version.as_ref().is_some_and(|version| {
            !version
                .bytes()
                .all(|b| b.is_ascii_digit() || b == b'v' || b == b'.')
        }) {
            return Err(Error::Config(format!(
                "{} must look like v67.0",
                keys.path("api_version")
            )));
        }
        Ok(Self {
            name: name.to_owned(),
            login: base_url(&keys.path("login_url"), login)?,
            flow,
            api_version,
        })
    }

    /// What the report says of it. Neither kind has an end that can be known from here.
    pub fn describe(&self) -> Credential {
        let auth = match self.flow {
            Flow::ClientCredentials { .. } => "client_credentials",
            Flow::JwtBearer { .. } => "jwt_bearer",
        };
        Credential {
            secret: self.name.clone(),
            auth: auth.to_owned(),
            ends: None,
        }
    }

    /// `POST /services/oauth2/token`: the instance's address and a bearer token.
    ///
    /// # Errors
    /// [`Error::Auth`] on a refusal: trying again would lock the user. [`Error::Throttled`] on 429
    /// and 408, [`Error::Contract`] if the reply holds no token.
    pub(super) async fn token(&self, http: &Http) -> Result<(Url, SecretString)> {
        let what = "salesforce: token";
        let mut url = self.login.clone();
        url.set_path("/services/oauth2/token");
        let assertion;
        let form: Vec<(&str, &str)> = match &self.flow {
            Flow::ClientCredentials {
                client_id,
                client_secret,
            } => {
                vec![
                    ("grant_type", "client_credentials"),
                    ("client_id", client_id),
                    ("client_secret", client_secret.expose_secret()),
                ]
            }
            Flow::JwtBearer {
                audience,
                client_id,
                username,
                key,
            } => {
                assertion = key.assertion(client_id, username, audience)?;
                vec![
                    ("grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer"),
                    ("assertion", &assertion),
                ]
            }
        };
        let request = http
            .request(Method::POST, url)
            .header("accept", "application/json")
            .form(&form);
        let Answer { reply, said } = http
            .send(what, Call::Token, request, as_json::<Token>)
            .await?;
        match (said, reply.status) {
            (Some(token), _) => Ok((
                base_url("salesforce: instance_url of the token", &token.instance_url)?,
                SecretString::from(token.access_token),
            )),
            (None, 300..=399) => Err(Error::Config(format!(
                "{what}: a redirect; login_url is not the org's own host"
            ))),
            (None, status) => {
                let code = oauth_code(&reply);
                let advice = advice(&code);
                Err(Error::Auth(format!(
                    "{what}: status {status} {code}: {advice}"
                )))
            }
        }
    }
}

/// What to do about a refused token. Source: Salesforce's list of OAuth error codes.
fn advice(code: &str) -> &'static str {
    match code {
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
