//! The wire, from both sides: every operation's request and response keep every member on the way
//! through JSON, broken ones are refused with the service's own words, and no input of any kind makes
//! a parser panic. `wire_samples.json` has one full request and one full response an operation.

use kms_core::ciphertext::Blob;
use kms_core::local::Local;
use kms_core::name::{KeyIdentifier, PrincipalArn};
use kms_core::ops::{Operation, describe_key, list_keys};
use kms_core::policy::{Policy, PolicyKind};
use kms_core::wire::{
    GrantToken, GrantTokens, KeyRef, Limit, Marker, TARGET_PREFIX, decode_request, decode_response,
    encode_error, encode_request, encode_response,
};
use kms_core::{ErrorCode, Result};
use proptest::prelude::*;
use proptest::sample::Index;
use serde_json::{Value, json};
use std::str::FromStr;

const SAMPLES: &str = include_str!("wire_samples.json");

fn samples() -> Value {
    Value::from_str(SAMPLES).expect("the samples are JSON")
}

fn sample(operation: Operation, which: &str) -> Value {
    samples()[operation.name()][which].clone()
}

fn target(operation: Operation) -> String {
    format!("{TARGET_PREFIX}{operation}")
}

fn decode(operation: Operation, body: &Value) -> Result<kms_core::ops::Request> {
    decode_request(&target(operation), body.to_string().as_bytes())
}

/// What a request is refused with.
fn refusal(operation: Operation, body: &Value) -> (ErrorCode, String) {
    let error = decode(operation, body).expect_err("a broken request");
    (error.code, error.message.unwrap_or_default().into_owned())
}

fn validation(operation: Operation, body: &Value) -> String {
    let (code, message) = refusal(operation, body);
    assert_eq!(code, ErrorCode::Validation);
    message
}

#[test]
fn the_samples_cover_every_operation() {
    let samples = samples();
    let names: Vec<&str> = samples.as_object().unwrap().keys().map(String::as_str).collect();
    let operations: Vec<&str> = Operation::ALL.iter().map(|operation| operation.name()).collect();
    assert_eq!(names, operations);
}

#[test]
fn requests_keep_every_member() {
    for operation in Operation::ALL {
        let sample = sample(*operation, "request");
        let request = decode(*operation, &sample).unwrap_or_else(|e| panic!("{operation}: {e}"));
        assert_eq!(request.operation(), *operation);
        let body = encode_request(&request);
        assert_eq!(serde_json::from_slice::<Value>(&body).unwrap(), sample, "{operation}");
        assert_eq!(decode_request(&target(*operation), &body), Ok(request));
    }
}

#[test]
fn responses_keep_every_member() {
    for operation in Operation::ALL {
        let sample = sample(*operation, "response");
        // Operations without an output answer with nothing at all.
        let sent = if sample.is_null() { String::new() } else { sample.to_string() };
        let response = decode_response(*operation, sent.as_bytes());
        let response = response.unwrap_or_else(|error| panic!("{operation}: {error}"));
        let body = encode_response(&response);
        assert_eq!(decode_response(*operation, &body), Ok(response), "{operation}");
        assert_eq!(body.is_empty(), sent.is_empty(), "{operation}");
        if !body.is_empty() {
            assert_eq!(serde_json::from_slice::<Value>(&body).unwrap(), sample, "{operation}");
        }
    }
}

#[test]
fn a_member_that_is_missing_or_null_is_null_in_the_message() {
    let expected = "1 validation error detected: Value null at 'keyId' failed to satisfy \
                    constraint: Member must not be null";
    for body in [json!({}), json!({ "KeyId": null }), json!({ "keyId": "alias/app" })] {
        assert_eq!(validation(Operation::DescribeKey, &body), expected);
    }
    assert_eq!(
        decode_request("TrentService.ListKeys", b""),
        decode_request("TrentService.ListKeys", b"{}")
    );
}

#[test]
fn several_problems_are_counted_and_joined() {
    let body = json!({ "KeyId": "", "KeySpec": "AES_512", "NumberOfBytes": 1025 });
    assert_eq!(
        validation(Operation::GenerateDataKey, &body),
        "3 validation errors detected: Value '' at 'keyId' failed to satisfy constraint: Member \
         must have length greater than or equal to 1; Value '1025' at 'numberOfBytes' failed to \
         satisfy constraint: Member must have value less than or equal to 1024; Value 'AES_512' at \
         'keySpec' failed to satisfy constraint: Member must satisfy enum value set: [AES_256, \
         AES_128]"
    );
}

#[test]
fn lengths_ranges_and_patterns_have_the_models_words() {
    let long = "a".repeat(2049);
    for (operation, body, message) in [
        (
            Operation::EnableKeyRotation,
            json!({ "KeyId": "k", "RotationPeriodInDays": 89 }),
            "Value '89' at 'rotationPeriodInDays' failed to satisfy constraint: Member must have \
             value greater than or equal to 90",
        ),
        (
            Operation::DeleteAlias,
            json!({ "AliasName": "alias/a b" }),
            "Value 'alias/a b' at 'aliasName' failed to satisfy constraint: Member must satisfy \
             regular expression pattern: ^[a-zA-Z0-9:/_-]+$",
        ),
        (
            Operation::Encrypt,
            json!({ "KeyId": "k", "Plaintext": "" }),
            "Value at 'plaintext' failed to satisfy constraint: Member must have length greater \
             than or equal to 1",
        ),
        (
            Operation::DescribeKey,
            json!({ "KeyId": "k", "GrantTokens": vec!["t"; 11] }),
            "Value '[t, t, t, t, t, t, t, t, t, t, t]' at 'grantTokens' failed to satisfy \
             constraint: Member must have length less than or equal to 10",
        ),
        (
            Operation::CreateKey,
            json!({ "Tags": [{ "TagKey": "a", "TagValue": "b" }, { "TagKey": "", "TagValue": "" }] }),
            "Value '' at 'tags.2.member.tagKey' failed to satisfy constraint: Member must have \
             length greater than or equal to 1",
        ),
        (
            Operation::CreateGrant,
            json!({ "KeyId": "k", "Operations": ["Sign"], "Constraints": { "SourceArn": "arn" } }),
            "Value 'arn' at 'constraints.sourceArn' failed to satisfy constraint: Member must have \
             length greater than or equal to 20",
        ),
        (
            Operation::ListKeys,
            json!({ "ResourceOwners": ["SELF", "ME"] }),
            "Value '[SELF, ME]' at 'resourceOwners' failed to satisfy constraint: Member must \
             satisfy constraint: [Member must satisfy enum value set: [SELF, \
             OTHER_ACCOUNTS_VIA_RAM]]",
        ),
        (
            Operation::EnableKey,
            json!({ "KeyId": long }),
            &format!(
                "Value '{}' at 'keyId' failed to satisfy constraint: Member must have length less \
                 than or equal to 2048",
                "a".repeat(256)
            ),
        ),
    ] {
        let message = format!("1 validation error detected: {message}");
        assert_eq!(validation(operation, &body), message);
    }
}

#[test]
fn lengths_count_characters_and_blobs_count_bytes() {
    let description = |length| json!({ "Description": "ä".repeat(length) });
    assert!(decode(Operation::CreateKey, &description(8192)).is_ok());
    assert!(decode(Operation::CreateKey, &description(8193)).is_err());
    let plaintext = |groups: usize| json!({ "KeyId": "k", "Plaintext": "AAAA".repeat(groups) });
    assert!(decode(Operation::Encrypt, &plaintext(1365)).is_ok(), "4095 bytes");
    assert!(decode(Operation::Encrypt, &plaintext(1366)).is_err(), "4098 bytes");
}

#[test]
fn what_is_not_the_json_of_the_operation_is_a_serialization_error() {
    for body in [
        json!([]),
        json!("text"),
        json!({ "KeyId": 7 }),
        json!({ "KeyId": "k", "GrantTokens": "t" }),
        json!({ "KeyId": "k", "GrantTokens": [1] }),
    ] {
        assert_eq!(refusal(Operation::DescribeKey, &body).0, ErrorCode::Serialization, "{body}");
    }
    for bytes in [&b"{"[..], b"\xff\xfe", b"{}{}", b"nul"] {
        let error = decode_request("TrentService.DescribeKey", bytes).unwrap_err();
        assert_eq!(error, ErrorCode::Serialization.silent());
    }
    for plaintext in [json!("%%%"), json!("AAA"), json!(1), json!({})] {
        let body = json!({ "KeyId": "k", "Plaintext": plaintext });
        assert_eq!(refusal(Operation::Encrypt, &body).0, ErrorCode::Serialization, "{body}");
    }
    let context = json!({ "KeyId": "k", "Plaintext": "AAAA", "EncryptionContext": { "a": 1 } });
    assert_eq!(refusal(Operation::Encrypt, &context).0, ErrorCode::Serialization);
}

#[test]
fn a_number_that_is_no_time_is_told_what_would_be_right() {
    let imported = |valid_to: Value| {
        let mut body = sample(Operation::ImportKeyMaterial, "request");
        body["ValidTo"] = valid_to;
        body
    };
    for no_time in [json!(-5), json!(-0.5), json!(1e12), json!(1_767_225_600_000_u64)] {
        let expected = format!(
            "1 validation error detected: Value '{no_time}' at 'validTo' failed to satisfy \
             constraint: Member must be the number of seconds since 1970-01-01T00:00:00Z, neither \
             negative nor in milliseconds"
        );
        assert_eq!(validation(Operation::ImportKeyMaterial, &imported(no_time)), expected);
    }
    for time in [json!(0), json!(0.5), json!(999_999_999_999_u64)] {
        assert!(decode(Operation::ImportKeyMaterial, &imported(time.clone())).is_ok(), "{time}");
    }
    for other in [json!("2026-01-01T00:00:00Z"), json!(true), json!([1])] {
        let refused = refusal(Operation::ImportKeyMaterial, &imported(other.clone()));
        assert_eq!(refused.0, ErrorCode::Serialization, "{other}");
    }
}

#[test]
fn an_unknown_target_is_an_unknown_operation() {
    for target in ["", "Encrypt", "TrentService", "TrentService.", "TrentService.encrypt"] {
        let error = decode_request(target, b"{}").unwrap_err();
        assert_eq!(error, ErrorCode::UnknownOperation.silent(), "{target}");
    }
}

#[test]
fn errors_carry_a_type_and_at_most_a_message() {
    let said = encode_error(&ErrorCode::NotFound.says("Key 'x' does not exist"));
    let expected = r#"{"__type":"NotFoundException","message":"Key 'x' does not exist"}"#;
    assert_eq!(String::from_utf8(said).unwrap(), expected);
    let silent = encode_error(&ErrorCode::UnsupportedOperation.silent());
    assert_eq!(String::from_utf8(silent).unwrap(), r#"{"__type":"UnsupportedOperationException"}"#);
}

/// A number, a text, a list: anything JSON has.
fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        Just(json!(0.5)),
        ".{0,20}".prop_map(Value::from),
        Just(Value::from("arn:aws:kms:us-east-1:111122223333:key/")),
    ];
    leaf.prop_recursive(3, 16, 4, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            proptest::collection::btree_map("[A-Za-z]{0,12}", inner, 0..4)
                .prop_map(|map| map.into_iter().collect()),
        ]
    })
}

/// Puts something else in the place of one member.
fn mutated(mut body: Value, at: &Index, other: Value) -> Value {
    if let Some(members) = body.as_object_mut()
        && !members.is_empty()
    {
        let name = at.get(&members.keys().cloned().collect::<Vec<_>>()).clone();
        members.insert(name, other);
    }
    body
}

/// Swaps, drops or doubles a byte.
fn damaged(mut bytes: Vec<u8>, at: &Index, byte: u8) -> Vec<u8> {
    let place = at.index(bytes.len().max(1));
    match (byte % 3, bytes.get(place).copied()) {
        (0, Some(_)) => bytes[place] = byte,
        (1, Some(_)) => drop(bytes.remove(place)),
        (_, there) => bytes.insert(place, there.unwrap_or(byte)),
    }
    bytes
}

proptest! {
    #[test]
    fn no_body_makes_a_decoder_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        for operation in Operation::ALL {
            let known = [ErrorCode::Serialization, ErrorCode::Validation];
            if let Err(error) = decode_request(&target(*operation), &bytes) {
                prop_assert!(known.contains(&error.code), "{}", error);
            }
            if let Err(error) = decode_response(*operation, &bytes) {
                prop_assert_eq!(error.code, ErrorCode::Serialization);
            }
        }
    }

    #[test]
    fn a_member_of_another_type_is_refused_or_read_back_the_same(
        at in any::<Index>(),
        other in any_json(),
    ) {
        for operation in Operation::ALL {
            let body = mutated(sample(*operation, "request"), &at, other.clone());
            if let Ok(request) = decode(*operation, &body) {
                let again = decode_request(&target(*operation), &encode_request(&request));
                prop_assert_eq!(again, Ok(request));
            }
            let body = mutated(sample(*operation, "response"), &at, other.clone()).to_string();
            if let Ok(response) = decode_response(*operation, body.as_bytes()) {
                let again = decode_response(*operation, &encode_response(&response));
                prop_assert_eq!(again, Ok(response));
            }
        }
    }

    #[test]
    fn a_damaged_byte_is_refused_or_read_back_the_same(at in any::<Index>(), byte in any::<u8>()) {
        for operation in Operation::ALL {
            let body = damaged(sample(*operation, "request").to_string().into_bytes(), &at, byte);
            if let Ok(request) = decode_request(&target(*operation), &body) {
                let again = decode_request(&target(*operation), &encode_request(&request));
                prop_assert_eq!(again, Ok(request));
            }
        }
    }

    #[test]
    fn names_read_back_as_they_are_written(text in "(arn:aws:(kms|iam|sts):[a-z0-9-]{0,12}:[0-9]{10,13}:)?[a-zA-Z0-9:/_-]{0,40}") {
        if let Ok(identifier) = KeyIdentifier::parse(&text) {
            prop_assert_eq!(KeyIdentifier::parse(&identifier.to_string()), Ok(identifier));
        }
        if let Some(principal) = PrincipalArn::parse(&text) {
            prop_assert_eq!(principal.as_str(), text);
        }
    }

    #[test]
    fn any_text_is_no_name_or_one(text in ".{0,80}") {
        let known = [ErrorCode::InvalidArn, ErrorCode::NotFound];
        let parsed = KeyIdentifier::parse(&text);
        prop_assert!(parsed.is_ok() || known.contains(&parsed.unwrap_err().code));
        prop_assert!(PrincipalArn::parse(&text).is_none_or(|principal| principal.as_str() == text));
    }

    #[test]
    fn a_blob_is_what_it_says_or_nothing(bytes in proptest::collection::vec(any::<u8>(), 0..300), version in 0..3_u8) {
        let mut bytes = bytes;
        for header in bytes.iter_mut().take(2) {
            *header = version;
        }
        if let Some(blob) = Blob::parse(&bytes) {
            prop_assert!(bytes.ends_with(blob.sealed) && blob.sealed.len() > 16);
        }
    }

    #[test]
    fn any_text_is_a_policy_or_malformed(text in ".{0,120}", at in any::<Index>(), byte in any::<u8>()) {
        let policy = br#"{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": ["kms:*", "kms:En?rypt"], "Resource": "arn:aws:kms:*:*:key/${aws:PrincipalTag/key}", "Condition": {"StringLike": {"kms:ViaService": "s3.*"}}}]}"#;
        let damaged = String::from_utf8_lossy(&damaged(policy.to_vec(), &at, byte)).into_owned();
        for text in [text, damaged] {
            match Policy::parse(&text, PolicyKind::Key) {
                Ok(policy) => prop_assert_eq!(policy.text(), text),
                Err(malformed) => prop_assert!(!malformed.to_string().is_empty()),
            }
        }
    }

    #[test]
    fn made_up_tokens_and_markers_are_refused(text in "[A-Za-z0-9_%-]{1,120}") {
        let mut local = Local::single_region();
        let key = local.create_key();
        let grant_tokens = GrantTokens(vec![GrantToken::from(text.as_str())]);
        let describe = describe_key::Request { key_id: KeyRef::from(key), grant_tokens };
        prop_assert_eq!(local.call(describe).unwrap_err().code, ErrorCode::InvalidGrantToken);
        let marker = Some(Marker::from(text.as_str()));
        let list = list_keys::Request { marker, limit: Some(Limit(1)), ..Default::default() };
        prop_assert_eq!(local.call(list).unwrap_err().code, ErrorCode::InvalidMarker);
    }
}
