//! Checks the signature of an assertion, as Salesforce does with the app's certificate.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rustls::SignatureScheme;
use rustls::crypto::ring::default_provider;
use rustls::pki_types::SubjectPublicKeyInfoDer;
use rustls::pki_types::pem::PemObject as _;
use serde_json::Value;

/// What stands before the key itself in the DER of a public RSA key of 2048 bits.
const BEFORE_THE_KEY: usize = 24;

/// The claims of an assertion, if it is signed with RS256 by the owner of a public key in PEM form.
pub(super) fn claims(assertion: &str, public_key: &str) -> Option<Value> {
    let (signed, signature) = assertion.rsplit_once('.')?;
    let (header, claims) = signed.split_once('.')?;
    if read(header)?["alg"] != "RS256" {
        return None;
    }
    let der = SubjectPublicKeyInfoDer::from_pem_slice(public_key.as_bytes()).ok()?;
    let key = der.get(BEFORE_THE_KEY..)?;
    let signature = URL_SAFE_NO_PAD.decode(signature).ok()?;
    let known = default_provider().signature_verification_algorithms;
    let (_, ways) = known
        .mapping
        .iter()
        .find(|(scheme, _)| *scheme == SignatureScheme::RSA_PKCS1_SHA256)?;
    let is_good = |way: &&dyn rustls::pki_types::SignatureVerificationAlgorithm| {
        way.verify_signature(key, signed.as_bytes(), &signature)
            .is_ok()
    };
    ways.iter().any(is_good).then(|| read(claims))?
}

fn read(part: &str) -> Option<Value> {
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).ok()?).ok()
}
