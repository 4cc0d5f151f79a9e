//! The proxy of an external key store with the key manager behind it, as a function of requests.
//!
//! Its face is the one of the specification: path, credential and JSON body in, status and JSON body
//! out. A key manager may rotate a key; the proxy then notes the version in the metadata of each
//! ciphertext, and the KMS never hears of it.

use crate::crypto::{CryptoBackend, SecretKey, TAG_LENGTH};
use crate::env::{Random, Site, draw};
use crate::key_store::xks::json::{bytes, put_sealed, sealed};
use crate::key_store::xks::{
    ExternalKey, KEY_SPEC, ManagerHealth, ProxyError, ProxyReply, ProxyRequest, Sealed,
};
use crate::key_store::{Credential, Fault, XksKeyId};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// What is the matter with a proxy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Condition {
    /// Nothing.
    Well,
    /// Nobody listens.
    Unreachable,
    /// Its certificate cannot be trusted.
    BadCertificate,
    /// It answers later than anybody waits.
    TooSlow,
    /// It answers something that is no answer.
    Garbled,
    /// It says that its ciphertext is what it is not.
    WrongIntegrity,
    /// It answers every request with this error.
    Fails(ProxyError),
}

/// A key in the key manager.
#[derive(Clone, Debug)]
pub struct ExternalKeyModel {
    /// What the proxy says of it.
    pub described: ExternalKey,
    /// Its versions, the newest last.
    versions: Vec<SecretKey>,
}

impl ExternalKeyModel {
    /// An AES-256 key for encryption and decryption.
    pub fn new(key: SecretKey) -> ExternalKeyModel {
        let usages = vec!["ENCRYPT".to_owned(), "DECRYPT".to_owned()];
        let described = ExternalKey { spec: KEY_SPEC.to_owned(), usages, enabled: true };
        ExternalKeyModel { described, versions: vec![key] }
    }

    /// Gives the key another version; what the older ones sealed still opens.
    pub fn rotate(&mut self, key: SecretKey) {
        self.versions.push(key);
    }
}

/// A proxy.
#[derive(Clone, Debug)]
pub struct ProxyModel {
    /// The credentials it accepts; two while they are changed.
    pub credentials: Vec<Credential>,
    /// The keys behind it.
    pub keys: BTreeMap<XksKeyId, ExternalKeyModel>,
    /// The key managers behind it.
    pub managers: Vec<ManagerHealth>,
    /// What is the matter with it.
    pub condition: Condition,
}

type Body = Map<String, Value>;
type Answer = Result<Value, ProxyError>;

impl ProxyModel {
    /// A proxy without keys in front of two key managers, which accepts this credential.
    pub fn new(credential: Credential) -> ProxyModel {
        ProxyModel {
            credentials: vec![credential],
            keys: BTreeMap::new(),
            managers: vec![ManagerHealth::Active; 2],
            condition: Condition::Well,
        }
    }

    /// What the KMS hears when it sends a request here.
    ///
    /// # Errors
    /// What the proxy says, or why it says nothing.
    pub fn serve(
        &self,
        credential: &Credential,
        request: &ProxyRequest,
        crypto: &dyn CryptoBackend,
        random: &mut dyn Random,
    ) -> Result<ProxyReply, Fault> {
        match self.condition {
            Condition::Unreachable => return Err(Fault::Unreachable),
            Condition::BadCertificate => return Err(Fault::Tls),
            Condition::TooSlow => return Err(Fault::TimedOut),
            _ => {}
        }
        let (status, body) =
            self.answer(credential, &request.suffix(), &request.body(), crypto, random);
        request.decode_answer(status, &body)
    }

    /// Answers one POST: the path behind the proxy's own, and the body.
    pub fn answer(
        &self,
        credential: &Credential,
        suffix: &str,
        body: &[u8],
        crypto: &dyn CryptoBackend,
        random: &mut dyn Random,
    ) -> (u16, Vec<u8>) {
        let result = match self.condition {
            Condition::Fails(error) => Err(error),
            _ if !self.credentials.contains(credential) => Err(ProxyError::AuthenticationFailed),
            _ => self.route(suffix, body, crypto, random),
        };
        let (status, mut body) = match result {
            Ok(body) => (200, body),
            Err(error) => (error.status(), json!({ "errorName": error.name() })),
        };
        match self.condition {
            Condition::Garbled => (status, b"<html>".to_vec()),
            Condition::WrongIntegrity => {
                body["ciphertextDataIntegrityValue"] = STANDARD.encode([0; 32]).into();
                (status, body.to_string().into_bytes())
            }
            _ => (status, body.to_string().into_bytes()),
        }
    }

    fn route(
        &self,
        suffix: &str,
        body: &[u8],
        crypto: &dyn CryptoBackend,
        random: &mut dyn Random,
    ) -> Answer {
        let Ok(Value::Object(body)) = serde_json::from_slice(body) else {
            return Err(ProxyError::Validation);
        };
        let asked_for = body.get("requestMetadata").and_then(|of| of.get("kmsOperation"));
        if asked_for.and_then(Value::as_str).is_none_or(str::is_empty) {
            return Err(ProxyError::Validation);
        }
        let path: Vec<&str> = suffix.split('/').collect();
        match path[..] {
            ["", "health"] => Ok(self.health()),
            ["", "keys", key, "metadata"] => self.key(key).map(metadata),
            ["", "keys", key, "encrypt"] => {
                encrypt(self.usable(key, "ENCRYPT")?, &body, crypto, random)
            }
            ["", "keys", key, "decrypt"] => decrypt(self.usable(key, "DECRYPT")?, &body, crypto),
            _ => Err(ProxyError::InvalidUriPath),
        }
    }

    fn health(&self) -> Value {
        let managers = self.managers.iter().enumerate().map(|(number, state)| {
            let state = match state {
                ManagerHealth::Active => "ACTIVE",
                ManagerHealth::Degraded => "DEGRADED",
                ManagerHealth::Unavailable => "UNAVAILABLE",
            };
            json!({ "id": number.to_string(), "model": "model", "healthStatus": state })
        });
        json!({
            "xksProxyFleetSize": 1,
            "xksProxyVendor": "keyquake",
            "xksProxyModel": "model",
            "ekmVendor": "keyquake",
            "ekmFleetDetails": managers.collect::<Value>(),
        })
    }

    fn key(&self, id: &str) -> Result<&ExternalKeyModel, ProxyError> {
        self.keys.get(id).ok_or(ProxyError::KeyNotFound)
    }

    fn usable(&self, id: &str, usage: &str) -> Result<&ExternalKeyModel, ProxyError> {
        let key = self.key(id)?;
        match (key.described.enabled, key.described.usages.iter().any(|own| own == usage)) {
            (false, _) => Err(ProxyError::InvalidState),
            (true, false) => Err(ProxyError::InvalidKeyUsage),
            (true, true) => Ok(key),
        }
    }
}

fn metadata(key: &ExternalKeyModel) -> Value {
    let ExternalKey { spec, usages, enabled } = &key.described;
    let status = if *enabled { "ENABLED" } else { "DISABLED" };
    json!({ "keySpec": spec, "keyUsage": usages, "keyStatus": status })
}

/// What AES-GCM authenticates here: the additional data and the metadata, each with its length, as
/// the specification recommends.
fn gcm_aad(body: &Body, metadata: &[u8]) -> Result<Vec<u8>, ProxyError> {
    let name = "additionalAuthenticatedData";
    let own = match body.contains_key(name) {
        true => bytes(body, name).ok_or(ProxyError::Validation)?,
        false => Default::default(),
    };
    let length = u16::try_from(own.len()).map_err(|_| ProxyError::Validation)?;
    let mut aad = length.to_be_bytes().to_vec();
    aad.extend_from_slice(&own);
    aad.push(u8::try_from(metadata.len()).map_err(|_| ProxyError::Validation)?);
    aad.extend_from_slice(metadata);
    Ok(aad)
}

fn encrypt(
    key: &ExternalKeyModel,
    body: &Body,
    crypto: &dyn CryptoBackend,
    random: &mut dyn Random,
) -> Answer {
    let plaintext = bytes(body, "plaintext").filter(|plaintext| !plaintext.is_empty());
    let plaintext = plaintext.ok_or(ProxyError::Validation)?;
    let version = key.versions.len();
    let newest = key.versions.last().ok_or(ProxyError::InvalidState)?;
    let metadata = format!("key_version={version}").into_bytes();
    let aad = gcm_aad(body, &metadata)?;
    let iv = draw(random, Site::MessageIv);
    let mut ciphertext = Vec::with_capacity(plaintext.len() + TAG_LENGTH);
    crypto.seal(newest, &iv, &aad, &plaintext, &mut ciphertext);
    let tag = ciphertext.split_off(plaintext.len());
    let sealed = Sealed {
        ciphertext: ciphertext.into(),
        iv: iv.as_slice().into(),
        tag: tag.into(),
        metadata: metadata.into(),
    };
    let mut answer = json!({});
    put_sealed(&mut answer, &sealed);
    let own = bytes(body, "additionalAuthenticatedData").unwrap_or_default();
    answer["ciphertextDataIntegrityValue"] = STANDARD.encode(sealed.integrity(&own)).into();
    Ok(answer)
}

fn decrypt(key: &ExternalKeyModel, body: &Body, crypto: &dyn CryptoBackend) -> Answer {
    let sealed = sealed(body).ok_or(ProxyError::Validation)?;
    let version = std::str::from_utf8(&sealed.metadata).ok();
    let version = version.and_then(|text| text.strip_prefix("key_version=")?.parse::<usize>().ok());
    let version = version.and_then(|number| key.versions.get(number.checked_sub(1)?));
    let version = version.ok_or(ProxyError::InvalidCiphertext)?;
    let iv = sealed.iv.as_ref().try_into().map_err(|_| ProxyError::InvalidCiphertext)?;
    let aad = gcm_aad(body, &sealed.metadata)?;
    let message = [sealed.ciphertext.as_ref(), &sealed.tag].concat();
    let opened = crypto.open(version, &iv, &aad, &message);
    let opened = opened.map_err(|_| ProxyError::InvalidCiphertext)?;
    Ok(json!({ "plaintext": STANDARD.encode(opened.as_bytes()) }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::{RustCrypto, SecretBytes};
    use crate::local::SeededRandom;

    fn credential(secret: &str) -> Credential {
        let secret = SecretBytes::from(secret.as_bytes().to_vec());
        Credential { access_key_id: "ABCDEFGHIJKLMNOPQRST".into(), secret }
    }

    fn proxy() -> ProxyModel {
        let mut proxy = ProxyModel::new(credential("right"));
        proxy.keys.insert("one".into(), ExternalKeyModel::new(SecretKey::new([1; 32])));
        proxy
    }

    fn post(proxy: &ProxyModel, suffix: &str, body: &Value) -> (u16, Value) {
        let (mut random, body) = (SeededRandom::new(1), body.to_string().into_bytes());
        let (status, body) =
            proxy.answer(&credential("right"), suffix, &body, &RustCrypto, &mut random);
        (status, serde_json::from_slice(&body).unwrap())
    }

    fn asked(mut body: Value) -> Value {
        body["requestMetadata"] = json!({ "kmsOperation": "Anything" });
        body
    }

    /// What the public test client of the specification expects.
    #[test]
    fn bad_requests_get_the_documented_errors() {
        let proxy = proxy();
        for (suffix, body, status, error) in [
            ("/health", json!({}), 400, "ValidationException"),
            ("/health", json!({ "requestMetadata": {} }), 400, "ValidationException"),
            ("/health/more", asked(json!({})), 404, "InvalidUriPathException"),
            ("/keys/none/metadata", asked(json!({})), 404, "KeyNotFoundException"),
            ("/keys/one/encrypt", asked(json!({})), 400, "ValidationException"),
            ("/keys/one/decrypt", asked(json!({})), 400, "ValidationException"),
        ] {
            let (found, answer) = post(&proxy, suffix, &body);
            assert_eq!((found, &answer["errorName"]), (status, &json!(error)), "{suffix}");
        }
        let wrong = credential("wrong");
        let body = asked(json!({})).to_string();
        let (status, _) = proxy.answer(
            &wrong,
            "/health",
            body.as_bytes(),
            &RustCrypto,
            &mut SeededRandom::new(1),
        );
        assert_eq!(status, 401);
    }

    #[test]
    fn what_an_older_version_sealed_opens_and_nothing_else_does() {
        let mut proxy = proxy();
        let aad = STANDARD.encode(vec![7; 8192]);
        let plaintext = STANDARD.encode(vec![8; 4300]);
        let body = asked(json!({ "plaintext": plaintext, "additionalAuthenticatedData": aad }));
        let (status, sealed) = post(&proxy, "/keys/one/encrypt", &body);
        assert_eq!(status, 200);
        proxy.keys.get_mut("one").unwrap().rotate(SecretKey::new([2; 32]));
        let mut right = asked(sealed);
        right["additionalAuthenticatedData"] = aad.into();
        let (status, opened) = post(&proxy, "/keys/one/decrypt", &right);
        assert_eq!((status, &opened["plaintext"]), (200, &json!(plaintext)));
        for (member, value) in [
            ("additionalAuthenticatedData", "AAAA"),
            ("ciphertextMetadata", "a2V5X3ZlcnNpb249Mg=="),
            ("authenticationTag", "AAAAAAAAAAAAAAAAAAAAAA=="),
        ] {
            let mut wrong = right.clone();
            wrong[member] = value.into();
            let (status, answer) = post(&proxy, "/keys/one/decrypt", &wrong);
            let expected = (400, &json!("InvalidCiphertextException"));
            assert_eq!((status, &answer["errorName"]), expected, "{member}");
        }
    }

    #[test]
    fn a_key_serves_only_while_it_is_enabled_and_for_its_usages() {
        let mut proxy = proxy();
        let body = asked(json!({ "plaintext": "AAAA" }));
        proxy.keys.get_mut("one").unwrap().described.enabled = false;
        let (status, answer) = post(&proxy, "/keys/one/encrypt", &body);
        assert_eq!((status, &answer["errorName"]), (400, &json!("InvalidStateException")));
        let key = proxy.keys.get_mut("one").unwrap();
        (key.described.enabled, key.described.usages) = (true, vec!["DECRYPT".to_owned()]);
        let (status, answer) = post(&proxy, "/keys/one/encrypt", &body);
        assert_eq!((status, &answer["errorName"]), (400, &json!("InvalidKeyUsageException")));
    }
}
