//! The token endpoint of the stand-in Salesforce, and how long a token is good for.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::salesforce::{Salesforce, error};
use super::{Request, Response, jwt};
use crate::clock::now;

/// What a test can set about tokens beforehand.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct TokenRules {
    /// Requests for a token that are still throttled.
    #[serde(default)]
    pub throttled: u32,
    /// Calls after which the token in use expires unasked, once; 0: never.
    #[serde(default)]
    pub expires_after: u64,
}

impl Salesforce {
    /// The token of a call, if it is still good.
    pub(super) fn session(&mut self, request: &Request) -> Result<String, Response> {
        let token = request
            .header("authorization")
            .strip_prefix("Bearer ")
            .unwrap_or_default();
        if !self.tokens.iter().any(|good| good == token) {
            let words = "Session expired or invalid";
            return Err(error(401, "INVALID_SESSION_ID", words));
        }
        let left = &mut self.token_rules.expires_after;
        let was_the_last = *left == 1;
        *left = left.saturating_sub(1);
        if was_the_last {
            self.tokens.retain(|good| good != token);
        }
        Ok(token.to_owned())
    }

    pub(super) fn token(&mut self, request: &Request) -> Response {
        if self.token_rules.throttled > 0 {
            self.token_rules.throttled -= 1;
            return Response::json(429, &json!({})).with("retry-after", "1");
        }
        if let Some((code, why)) = self.refusal(request) {
            let refusal = json!({"error": code, "error_description": why});
            return Response::json(400, &refusal);
        }
        self.minted += 1;
        let token = format!("00DSTANDIN!{}.token", self.minted);
        self.tokens.push(token.clone());
        Response::json(
            200,
            &json!({
                "access_token": token, "instance_url": self.instance_url,
                "id": "https://login.example/id/00D/005",
                "token_type": "Bearer", "issued_at": "1790000000000", "signature": "c3RhbmQtaW4="}),
        )
    }

    /// Why a request for a token is refused: code and description.
    fn refusal(&self, request: &Request) -> Option<(&'static str, &'static str)> {
        let kind = request.header("content-type").split(';').next();
        if kind.map(str::trim) != Some("application/x-www-form-urlencoded") {
            // Nothing else is read, so there is no grant type in it.
            return Some(("unsupported_grant_type", "grant type not supported"));
        }
        let form = |name: &str| request.form(name).unwrap_or_default();
        match form("grant_type").as_str() {
            "client_credentials" => {
                let sent = (form("client_id"), form("client_secret"));
                let (id, secret) = basic(request).unwrap_or(sent);
                match () {
                    () if id != self.client_id => {
                        Some(("invalid_client_id", "client identifier invalid"))
                    }
                    () if secret != self.client_secret => {
                        Some(("invalid_client", "invalid client credentials"))
                    }
                    () => None,
                }
            }
            "urn:ietf:params:oauth:grant-type:jwt-bearer" => {
                let is_known = self.knows(&form("assertion"));
                (!is_known).then_some(("invalid_grant", "invalid assertion"))
            }
            _ => Some(("unsupported_grant_type", "grant type not supported")),
        }
    }

    fn knows(&self, assertion: &str) -> bool {
        jwt::claims(assertion, &self.public_key).is_some_and(|claims| {
            let left = claims["exp"].as_i64().unwrap_or_default() - now().as_second();
            claims["aud"] == "https://login.salesforce.com"
                && claims["iss"] == *self.client_id
                && (1..=300).contains(&left)
        })
    }
}

/// The client's id and secret in an `Authorization: Basic`, if there is one.
fn basic(request: &Request) -> Option<(String, String)> {
    let coded = request.header("authorization").strip_prefix("Basic ")?;
    let text = String::from_utf8(STANDARD.decode(coded).ok()?).ok()?;
    let (id, secret) = text.split_once(':')?;
    Some((id.to_owned(), secret.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const FORM: &str = "application/x-www-form-urlencoded";
    const WHOLE: &str = "grant_type=client_credentials&client_id=sf-client&client_secret=sf-secret";

    /// The answer to a request for a token: the status, and the code of a refusal.
    fn asked(headers: &[(&str, &str)], body: &str) -> (u16, String) {
        let headers = headers.iter().map(|(name, value)| {
            let (name, value) = (*name, *value);
            (name.to_owned(), value.to_owned())
        });
        let request = Request {
            method: "POST".to_owned(),
            path: "/services/oauth2/token".to_owned(),
            headers: headers.collect(),
            body: body.as_bytes().to_vec(),
            ..Request::default()
        };
        let response = Salesforce::default().answer(&request);
        let body: serde_json::Value = serde_json::from_slice(&response.body).unwrap();
        let code = body["error"].as_str().unwrap_or_default();
        (response.status, code.to_owned())
    }

    #[test]
    fn a_token_is_given_for_a_form_and_for_nothing_else() {
        let given = (200, String::new());
        let charset = "application/x-www-form-urlencoded; charset=utf-8";
        assert_eq!(asked(&[("content-type", FORM)], WHOLE), given);
        assert_eq!(asked(&[("content-type", charset)], WHOLE), given);
        let refused = (400, "unsupported_grant_type".to_owned());
        assert_eq!(
            asked(&[("content-type", "application/json")], WHOLE),
            refused
        );
        assert_eq!(asked(&[], WHOLE), refused);
    }

    #[test]
    fn client_credentials_may_come_as_basic() {
        let of = |pair: &str| {
            let basic = format!("Basic {}", STANDARD.encode(pair));
            let headers = [("content-type", FORM), ("authorization", &basic)];
            asked(&headers, "grant_type=client_credentials")
        };
        assert_eq!(of("sf-client:sf-secret"), (200, String::new()));
        assert_eq!(of("sf-client:wrong"), (400, "invalid_client".to_owned()));
        assert_eq!(of("wrong:sf-secret"), (400, "invalid_client_id".to_owned()));
    }
}
