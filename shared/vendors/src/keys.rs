//! The keys of a secret. Source of the shapes: docs/REFERENCE.md, "Secrets".

use domain::{Error, Result};
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Map, Value};

/// The keys of a secret, a flat JSON object. Errors name secret and keys, never a value.
pub struct Keys<'a> {
    pub name: &'a str,
    keys: Map<String, Value>,
}

impl<'a> Keys<'a> {
    /// Reads the object.
    ///
    /// # Errors
    /// [`Error::Config`] if the text is no JSON object.
    pub fn read(name: &'a str, text: &SecretString) -> Result<Self> {
        let keys = serde_json::from_str(text.expose_secret()).map_err(|_| {
            Error::Config(format!(
                "secret {name}: it is no JSON object; write it as docs/REFERENCE.md shows"
            ))
        })?;
        Ok(Self { name, keys })
    }

    /// The text under a key, if it is there and not blank.
    pub fn optional(&self, key: &str) -> Option<&str> {
        self.keys
            .get(key)
            .and_then(Value::as_str)
            .map(str::trim)
            .filter(|text| !text.is_empty())
    }

    /// The texts under all of the keys.
    ///
    /// # Errors
    /// [`Error::Config`] names every key that is missing, blank, or no text.
    pub fn required<const N: usize>(&self, keys: [&str; N]) -> Result<[&str; N]> {
        let missing: Vec<_> = keys
            .iter()
            .filter(|key| self.optional(key).is_none())
            .copied()
            .collect();
        if missing.is_empty() {
            Ok(keys.map(|key| self.optional(key).unwrap_or_default()))
        } else {
            Err(Error::Config(format!(
                "secret {}: {} missing, or no text; write it as docs/REFERENCE.md shows",
                self.name,
                missing.join(", ")
            )))
        }
    }

    /// An error for an `auth` that is not one of the known ones.
    pub fn unknown_auth(&self, known: [&str; 2]) -> Error {
        Error::Config(format!(
            "secret {}: auth must be {} or {}",
            self.name, known[0], known[1]
        ))
    }

    /// A key with the secret's name before it, for errors.
    pub fn path(&self, key: &str) -> String {
        format!("secret {}: {key}", self.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_malformed_secret_names_keys_and_never_values() {
        let text =
            SecretString::from(r#"{"auth": "jwt_bearer", "client_id": "canary", "username": " "}"#);
        let keys = Keys::read("partner-sync/salesforce", &text).unwrap();
        let error = keys
            .required(["client_id", "username", "private_key"])
            .unwrap_err();
        assert_eq!(
            error.to_string(),
            "secret partner-sync/salesforce: username, private_key missing, or no text; write it \
             as docs/REFERENCE.md shows"
        );
        for text in ["canary", "[1]", "", "{\"a\": "] {
            let error = Keys::read("s", &SecretString::from(text)).err().unwrap();
            assert_eq!(error.name(), "Sync.Config");
            assert!(!error.to_string().contains("canary"));
        }
    }
}
