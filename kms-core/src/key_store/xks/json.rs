//! The proxy API as HTTP carries it: paths, JSON bodies, Base64.
//!
//! The KMS encodes requests and decodes answers; a proxy does the opposite, and [`super::super::model`]
//! has one. Nothing here knows HTTP itself. A request is a POST to endpoint ‖ path ‖ suffix, signed
//! with Signature Version 4 for the service `kms-xks-proxy`, and that is the shell's.

use super::{
    ALGORITHM, ExternalKey, ManagerHealth, ProxyError, ProxyReply, ProxyRequest, RequestMetadata,
    Sealed,
};
use crate::key_store::Fault;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};
use std::sync::Arc;

/// The algorithm of the integrity value that the KMS always asks for.
const INTEGRITY: &str = "SHA_256";

impl ProxyRequest {
    /// What follows the path of the proxy.
    pub fn suffix(&self) -> String {
        match self {
            ProxyRequest::GetHealthStatus { .. } => "/health".to_owned(),
            ProxyRequest::GetKeyMetadata { key, .. } => format!("/keys/{key}/metadata"),
            ProxyRequest::Encrypt { key, .. } => format!("/keys/{key}/encrypt"),
            ProxyRequest::Decrypt { key, .. } => format!("/keys/{key}/decrypt"),
        }
    }

    /// The body.
    pub fn body(&self) -> Vec<u8> {
        let mut body = json!({ "requestMetadata": metadata(self.metadata()) });
        match self {
            ProxyRequest::GetHealthStatus { .. } | ProxyRequest::GetKeyMetadata { .. } => {}
            ProxyRequest::Encrypt { plaintext, aad, .. } => {
                put(&mut body, "plaintext", plaintext);
                put(&mut body, "additionalAuthenticatedData", aad);
                body["encryptionAlgorithm"] = ALGORITHM.into();
                body["ciphertextDataIntegrityValueAlgorithm"] = INTEGRITY.into();
            }
            ProxyRequest::Decrypt { sealed, aad, .. } => {
                put_sealed(&mut body, sealed);
                put(&mut body, "additionalAuthenticatedData", aad);
                body["encryptionAlgorithm"] = ALGORITHM.into();
            }
        }
        body.to_string().into_bytes()
    }

    /// Who asks.
    pub fn metadata(&self) -> &RequestMetadata {
        match self {
            ProxyRequest::GetHealthStatus { metadata }
            | ProxyRequest::GetKeyMetadata { metadata, .. }
            | ProxyRequest::Encrypt { metadata, .. }
            | ProxyRequest::Decrypt { metadata, .. } => metadata,
        }
    }

    /// What an answer says.
    ///
    /// # Errors
    /// The error in it, or `InvalidResponse` when it is no answer to this request.
    pub fn decode_answer(&self, status: u16, body: &[u8]) -> Result<ProxyReply, Fault> {
        let Ok(Value::Object(object)) = serde_json::from_slice(body) else {
            return Err(Fault::InvalidResponse);
        };
        if status != 200 {
            let error = object.get("errorName").and_then(Value::as_str).and_then(ProxyError::parse);
            let error = error.filter(|error| error.status() == status);
            return Err(error.map_or(Fault::InvalidResponse, Fault::Proxy));
        }
        let reply = match self {
            ProxyRequest::GetHealthStatus { .. } => health(&object).map(ProxyReply::Health),
            ProxyRequest::GetKeyMetadata { .. } => key(&object).map(ProxyReply::KeyMetadata),
            ProxyRequest::Encrypt { plaintext, aad, .. } => encrypted(&object, plaintext, aad),
            ProxyRequest::Decrypt { sealed, .. } => bytes(&object, "plaintext")
                .filter(|plaintext| plaintext.len() == sealed.ciphertext.len())
                .map(|plaintext| ProxyReply::Decrypted { plaintext }),
        };
        reply.ok_or(Fault::InvalidResponse)
    }
}

/// The object `requestMetadata`; what does not apply is left out.
fn metadata(of: &RequestMetadata) -> Value {
    let mut object = Map::new();
    let principal = of.principal.as_ref().map(ToString::to_string);
    for (name, value) in [
        ("awsPrincipalArn", principal),
        ("awsSourceVpc", of.source_vpc.clone()),
        ("awsSourceVpce", of.source_vpce.clone()),
        ("kmsKeyArn", of.key.map(|key| key.to_string())),
        ("kmsOperation", Some(of.operation.to_owned())),
        ("kmsRequestId", Some(of.request.to_string())),
        ("kmsViaService", of.via_service.clone()),
    ] {
        object.extend(value.map(|value| (name.to_owned(), value.into())));
    }
    Value::Object(object)
}

/// Puts bytes in, as Base64; none are left out.
fn put(object: &mut Value, name: &str, bytes: &[u8]) {
    if !bytes.is_empty() {
        object[name] = STANDARD.encode(bytes).into();
    }
}

/// Puts the parts of a ciphertext in.
pub(crate) fn put_sealed(object: &mut Value, sealed: &Sealed) {
    put(object, "ciphertext", &sealed.ciphertext);
    put(object, "initializationVector", &sealed.iv);
    put(object, "authenticationTag", &sealed.tag);
    put(object, "ciphertextMetadata", &sealed.metadata);
}

/// The bytes of a member.
pub(crate) fn bytes(object: &Map<String, Value>, name: &str) -> Option<Arc<[u8]>> {
    STANDARD.decode(object.get(name)?.as_str()?).ok().map(Arc::from)
}

/// The parts of a ciphertext.
pub(crate) fn sealed(object: &Map<String, Value>) -> Option<Sealed> {
    Some(Sealed {
        ciphertext: bytes(object, "ciphertext")?,
        iv: bytes(object, "initializationVector")?,
        tag: bytes(object, "authenticationTag")?,
        metadata: match object.contains_key("ciphertextMetadata") {
            true => bytes(object, "ciphertextMetadata")?,
            false => Arc::default(),
        },
    })
}

fn encrypted(object: &Map<String, Value>, plaintext: &[u8], aad: &[u8]) -> Option<ProxyReply> {
    let sealed = sealed(object).filter(|sealed| sealed.fits(plaintext.len()))?;
    let integrity = bytes(object, "ciphertextDataIntegrityValue")?;
    let holds = sealed.integrity(aad).as_slice() == integrity.as_ref();
    holds.then_some(ProxyReply::Encrypted { sealed, integrity })
}

fn health(object: &Map<String, Value>) -> Option<Vec<ManagerHealth>> {
    let positive = |name: &str| object.get(name).and_then(Value::as_u64).is_some_and(|n| n > 0);
    let named = |name: &str| object.get(name).is_some_and(Value::is_string);
    let managers = object.get("ekmFleetDetails")?.as_array()?;
    let complete = positive("xksProxyFleetSize")
        && ["xksProxyVendor", "xksProxyModel", "ekmVendor"].into_iter().all(named)
        && (1..=10).contains(&managers.len());
    let states = managers.iter().map(|manager| match manager.get("healthStatus")?.as_str()? {
        "ACTIVE" => Some(ManagerHealth::Active),
        "DEGRADED" => Some(ManagerHealth::Degraded),
        "UNAVAILABLE" => Some(ManagerHealth::Unavailable),
        _ => None,
    });
    states.collect::<Option<Vec<_>>>().filter(|_| complete)
}

fn key(object: &Map<String, Value>) -> Option<ExternalKey> {
    let usages = object.get("keyUsage")?.as_array()?.iter();
    let usages = usages.map(|usage| usage.as_str().map(str::to_owned));
    Some(ExternalKey {
        spec: object.get("keySpec")?.as_str()?.to_owned(),
        usages: usages.collect::<Option<_>>()?,
        enabled: match object.get("keyStatus")?.as_str()? {
            "ENABLED" => true,
            "DISABLED" => false,
            _ => return None,
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::env::RequestId;
    use crate::name::{KeyArn, KeyIdentifier, PrincipalArn};

    fn arn() -> KeyArn {
        let text = "arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab";
        match KeyIdentifier::parse(text) {
            Ok(KeyIdentifier::Arn(arn)) => arn,
            other => panic!("{other:?}"),
        }
    }

    fn asked_by() -> RequestMetadata {
        RequestMetadata {
            principal: PrincipalArn::parse("arn:aws:iam::111122223333:user/Alice"),
            source_vpc: Some("vpc-1234567890abcdef0".into()),
            source_vpce: None,
            key: Some(arn()),
            operation: "GenerateDataKey",
            request: RequestId(7),
            via_service: Some("ebs.us-east-1.amazonaws.com".into()),
        }
    }

    fn encrypt() -> ProxyRequest {
        ProxyRequest::Encrypt {
            key: "external-1".into(),
            plaintext: b"inner".as_slice().into(),
            aad: b"aad".as_slice().into(),
            metadata: asked_by(),
        }
    }

    #[test]
    fn a_request_has_exactly_the_specified_members() {
        let body: Value = serde_json::from_slice(&encrypt().body()).unwrap();
        let expected = json!({
            "requestMetadata": {
                "awsPrincipalArn": "arn:aws:iam::111122223333:user/Alice",
                "awsSourceVpc": "vpc-1234567890abcdef0",
                "kmsKeyArn": arn().to_string(),
                "kmsOperation": "GenerateDataKey",
                "kmsRequestId": "00000000-0000-0000-0000-000000000007",
                "kmsViaService": "ebs.us-east-1.amazonaws.com",
            },
            "plaintext": "aW5uZXI=",
            "additionalAuthenticatedData": "YWFk",
            "encryptionAlgorithm": "AES_GCM",
            "ciphertextDataIntegrityValueAlgorithm": "SHA_256",
        });
        assert_eq!(body, expected);
        assert_eq!(encrypt().suffix(), "/keys/external-1/encrypt");
    }

    fn answer() -> Value {
        let sealed = Sealed {
            ciphertext: b"outer".as_slice().into(),
            iv: [1; 12].as_slice().into(),
            tag: [2; 16].as_slice().into(),
            metadata: b"v=1".as_slice().into(),
        };
        let mut body = json!({});
        put_sealed(&mut body, &sealed);
        put(&mut body, "ciphertextDataIntegrityValue", &sealed.integrity(b"aad"));
        body
    }

    fn decoded(status: u16, body: &Value) -> Result<ProxyReply, Fault> {
        encrypt().decode_answer(status, body.to_string().as_bytes())
    }

    #[test]
    fn an_answer_is_taken_only_if_every_part_of_it_is_right() {
        assert!(matches!(decoded(200, &answer()), Ok(ProxyReply::Encrypted { .. })));
        for (member, value) in [
            ("ciphertext", "b3V0"),
            ("ciphertext", "not Base64!"),
            ("initializationVector", "AAAA"),
            ("authenticationTag", "AAAA"),
            ("ciphertextMetadata", "dj0y"),
            ("ciphertextDataIntegrityValue", "AAAA"),
        ] {
            let mut wrong = answer();
            wrong[member] = value.into();
            assert_eq!(decoded(200, &wrong), Err(Fault::InvalidResponse), "{member} {value}");
        }
        let mut partial = answer();
        partial.as_object_mut().unwrap().remove("ciphertextDataIntegrityValue");
        assert_eq!(decoded(200, &partial), Err(Fault::InvalidResponse));
        for body in ["", "[]", "<html>"] {
            let result = encrypt().decode_answer(200, body.as_bytes());
            assert_eq!(result, Err(Fault::InvalidResponse), "{body}");
        }
    }

    #[test]
    fn an_error_must_come_with_its_own_status() {
        for error in ProxyError::ALL {
            let body = json!({ "errorName": error.name(), "errorMessage": "why" });
            assert_eq!(decoded(error.status(), &body), Err(Fault::Proxy(*error)));
            assert_eq!(decoded(418, &body), Err(Fault::InvalidResponse));
        }
        let unknown = json!({ "errorName": "TeapotException" });
        assert_eq!(decoded(400, &unknown), Err(Fault::InvalidResponse));
    }

    #[test]
    fn health_is_told_completely_or_not_at_all() {
        let ask = ProxyRequest::GetHealthStatus { metadata: asked_by() };
        let full = json!({
            "xksProxyFleetSize": 2, "xksProxyVendor": "a", "xksProxyModel": "b", "ekmVendor": "c",
            "ekmFleetDetails": [
                { "id": "1", "model": "m", "healthStatus": "DEGRADED" },
                { "id": "2", "model": "m", "healthStatus": "UNAVAILABLE" },
            ],
        });
        let decoded = |body: &Value| ask.decode_answer(200, body.to_string().as_bytes());
        let states = vec![ManagerHealth::Degraded, ManagerHealth::Unavailable];
        assert_eq!(decoded(&full), Ok(ProxyReply::Health(states)));
        for (member, value) in [
            ("xksProxyFleetSize", json!(0)),
            ("xksProxyVendor", Value::Null),
            ("ekmFleetDetails", json!([])),
            ("ekmFleetDetails", json!([{ "healthStatus": "FINE" }])),
        ] {
            let mut wrong = full.clone();
            wrong[member] = value;
            assert_eq!(decoded(&wrong), Err(Fault::InvalidResponse), "{member}");
        }
    }
}
