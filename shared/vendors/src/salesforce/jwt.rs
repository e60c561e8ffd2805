//! The signed assertion of the JWT bearer flow (RFC 7523). The TLS library, which is needed anyway,
//! can sign it, so there is no library for tokens.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use rustls::SignatureScheme;
use rustls::crypto::ring::sign::any_supported_type;
use rustls::pki_types::PrivateKeyDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::sign::Signer;
use serde::Serialize;

use domain::{Error, Result};

/// How long an assertion is good for: Salesforce takes at most five minutes, and clocks differ.
const VALID_SECONDS: i64 = 180;

pub(super) struct SigningKey(Arc<dyn rustls::sign::SigningKey>);

#[derive(Serialize)]
struct JwtHeader {
    alg: &'static str,
    typ: &'static str,
}

#[derive(Serialize)]
struct JwtClaims<'a> {
    iss: &'a str,
    sub: &'a str,
    aud: &'a str,
    exp: i64,
}

impl SigningKey {
    /// Reads a key in PEM form, PKCS#8 or PKCS#1.
    ///
    /// # Errors
    /// [`Error::Config`] names the key of the secret, `path`, if it is no RSA key.
    pub(super) fn from_pem(path: &str, pem: &str) -> Result<Self> {
        let der = PrivateKeyDer::from_pem_slice(pem.as_bytes()).ok();
        let key = der.and_then(|der| any_supported_type(&der).ok()).map(Self);
        key.filter(|key| key.signer().is_some())
            .ok_or_else(|| Error::Config(format!("{path} is no RSA key in PEM form")))
    }

    /// The assertion that the app `client_id` may act as `username`, good for [`VALID_SECONDS`].
    ///
    /// # Errors
    /// [`Error::Config`] if the key cannot sign.
    pub(super) fn assertion(
        &self,
        client_id: &str,
        username: &str,
        audience: &str,
        now: Timestamp,
    ) -> Result<String> {
        let header = JwtHeader {
            alg: "RS256",
            typ: "JWT",
        };
        let claims = JwtClaims {
            iss: client_id,
            sub: username,
            aud: audience,
            exp: now.as_second() + VALID_SECONDS,
        };
        let text = format!("{}.{}", encoded(&header)?, encoded(&claims)?);
        let signed = self
            .signer()
            .and_then(|signer| signer.sign(text.as_bytes()).ok())
            .ok_or_else(cannot_sign)?;
        Ok(format!("{text}.{}", URL_SAFE_NO_PAD.encode(signed)))
    }

    /// RS256; `None` for a key of another kind.
    fn signer(&self) -> Option<Box<dyn Signer>> {
        self.0.choose_scheme(&[SignatureScheme::RSA_PKCS1_SHA256])
    }
}

fn encoded<T: Serialize>(part: &T) -> Result<String> {
    let json = serde_json::to_vec(part).map_err(|_| cannot_sign())?;
    Ok(URL_SAFE_NO_PAD.encode(json))
}

fn cannot_sign() -> Error {
    Error::Config("salesforce: the secret's private_key cannot sign".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    const RSA: &str = include_str!("../../../../tests/fixtures/jwt-test-key.pem");

    #[test]
    fn takes_an_rsa_key_and_no_other() {
        assert!(SigningKey::from_pem("s: private_key", RSA).is_ok());
        let cut: String = RSA.chars().take(400).collect();
        for bad in [
            "",
            "canary",
            &cut,
            include_str!("../../../../tests/fixtures/jwt-test-ec-key.pem"),
        ] {
            let error = SigningKey::from_pem("s: private_key", bad).err().unwrap();
            assert_eq!(
                error.to_string(),
                "s: private_key is no RSA key in PEM form"
            );
        }
    }

    #[test]
    fn an_assertion_says_who_for_whom_and_for_less_than_five_minutes() {
        let key = SigningKey::from_pem("s", RSA).unwrap();
        let now = Timestamp::from_second(1_795_000_000).unwrap();
        let assertion = key
            .assertion("app", "user", "https://login.example", now)
            .unwrap();
        let parts: Vec<_> = assertion.split('.').collect();
        assert_eq!(parts.len(), 3);
        let read = |part: &str| {
            let json = URL_SAFE_NO_PAD.decode(part).unwrap();
            serde_json::from_slice::<serde_json::Value>(&json).unwrap()
        };
        assert_eq!(read(parts[0])["alg"], "RS256");
        let claims = read(parts[1]);
        assert_eq!(
            (&claims["iss"], &claims["sub"], &claims["aud"]),
            (
                &"app".into(),
                &"user".into(),
                &"https://login.example".into()
            )
        );
        let left = claims["exp"].as_i64().unwrap() - now.as_second();
        assert!((60..300).contains(&left), "{left}");
    }
}
