//! Which requests judges have words for.
//!
//! A judge that would guess what an unusual argument comes to is no judge: such a request is of the kind
//! [`Wanted::Other`](super::Wanted::Other), and whatever comes of it is left open. Written down is what
//! judges read or may leave out, and not what the service checks.

use kms_core::algorithm::EncryptionAlgorithm;
use kms_core::key::{KeySpec, Origin};
use kms_core::ops::{Request, create_grant, create_key};
use kms_core::wire::{DataKeyPairSpec, GrantTokens, Limit, Marker, PrincipalText, Tag};
use serde_json::Value;
use std::collections::BTreeSet;

/// The longest page of every list there is.
const LONGEST_PAGE: u32 = 50;

/// Whether judges have words for all that a request says.
pub(super) fn is_ordinary(request: &Request) -> bool {
    match request {
        Request::CreateKey(r) => is_key(r),
        Request::CreateGrant(r) => is_grant(r) && are_real(&r.grant_tokens),
        Request::GetKeyPolicy(r) => {
            r.policy_name.as_ref().is_none_or(|name| name.as_str() == "default")
        }
        Request::PutKeyPolicy(r) => {
            let usual = r.policy_name.as_ref().is_none_or(|name| name.as_str() == "default");
            usual && is_policy(r.policy.as_str())
        }
        Request::ListAliases(r) => is_whole(r.limit, r.marker.as_ref()),
        Request::ListKeys(r) => is_whole(r.limit, r.marker.as_ref()),
        Request::ListKeyRotations(r) => is_whole(r.limit, r.marker.as_ref()),
        Request::ListGrants(r) => {
            let all = r.grant_id.is_none()
                && r.grantee_principal.is_none()
                && r.grantee_service_principal.is_none();
            all && is_whole(r.limit, r.marker.as_ref())
        }
        other => is_ordinary_use(other),
    }
}

/// Of a key.
fn is_ordinary_use(request: &Request) -> bool {
    match request {
        Request::DescribeKey(r) => are_real(&r.grant_tokens),
        Request::Encrypt(r) => is_symmetric(r.encryption_algorithm) && are_real(&r.grant_tokens),
        Request::Decrypt(r) => {
            is_symmetric(r.encryption_algorithm)
                && r.recipient.is_none()
                && are_real(&r.grant_tokens)
        }
        Request::ReEncrypt(r) => {
            let algorithms = [r.source_encryption_algorithm, r.destination_encryption_algorithm];
            algorithms.into_iter().all(is_symmetric) && are_real(&r.grant_tokens)
        }
        Request::GenerateDataKey(r) => {
            let sizes = (r.number_of_bytes.is_some(), r.key_spec.is_some());
            sizes.0 != sizes.1 && r.recipient.is_none() && are_real(&r.grant_tokens)
        }
        Request::GenerateDataKeyWithoutPlaintext(r) => {
            r.number_of_bytes.is_some() != r.key_spec.is_some() && are_real(&r.grant_tokens)
        }
        Request::GenerateDataKeyPair(r) => {
            let known = r.key_pair_spec != DataKeyPairSpec::Sm2;
            known && r.recipient.is_none() && are_real(&r.grant_tokens)
        }
        Request::GenerateDataKeyPairWithoutPlaintext(r) => {
            r.key_pair_spec != DataKeyPairSpec::Sm2 && are_real(&r.grant_tokens)
        }
        Request::TagResource(r) => are_own(&r.tags.0),
        Request::GenerateRandom(r) => r.custom_key_store_id.is_none() && r.recipient.is_none(),
        Request::GetPublicKey(r) => are_real(&r.grant_tokens),
        Request::Sign(r) => are_real(&r.grant_tokens),
        Request::Verify(r) => are_real(&r.grant_tokens),
        Request::GenerateMac(r) => are_real(&r.grant_tokens),
        Request::VerifyMac(r) => are_real(&r.grant_tokens),
        Request::DeriveSharedSecret(r) => r.recipient.is_none() && are_real(&r.grant_tokens),
        _ => true,
    }
}

fn is_symmetric(algorithm: Option<EncryptionAlgorithm>) -> bool {
    algorithm.is_none_or(|algorithm| algorithm == EncryptionAlgorithm::SymmetricDefault)
}

/// Whether each may be a token that somebody was given.
fn are_real(tokens: &GrantTokens) -> bool {
    tokens.0.iter().all(|token| token.claims().is_some())
}

fn is_whole(limit: Option<Limit>, marker: Option<&Marker>) -> bool {
    marker.is_none() && limit.is_none_or(|limit| (1..=LONGEST_PAGE).contains(&limit.0))
}

fn is_key(request: &create_key::Request) -> bool {
    let specs = (request.key_spec, request.customer_master_key_spec);
    let pair = spec(request) != KeySpec::SymmetricDefault;
    let policy = request.policy.as_ref().is_none_or(|policy| is_policy(policy.as_str()));
    !(specs.0.is_some() && specs.1.is_some())
        && policy
        && are_own(&request.tags)
        && (is_plain_key(request) || request.policy.is_none())
        && request.origin != Some(Origin::AwsCloudHsm)
        && (request.custom_key_store_id.is_none() || request.xks_key_id.is_some())
        && !(pair && (request.origin.is_some() || request.key_usage.is_none()))
}

/// Whether it is to be a symmetric key whose material the service makes.
pub(super) fn is_plain_key(request: &create_key::Request) -> bool {
    spec(request) == KeySpec::SymmetricDefault
        && request.xks_key_id.is_none()
        && request.origin.is_none_or(|origin| origin == Origin::AwsKms)
}

/// Whether each of these tags has a name of its own, and none that AWS keeps for itself.
fn are_own(tags: &[Tag]) -> bool {
    let names: BTreeSet<&str> = tags.iter().map(|tag| tag.key.as_str()).collect();
    names.len() == tags.len() && names.iter().all(|name| !name.starts_with("aws:"))
}

/// What a key is to be.
fn spec(request: &create_key::Request) -> KeySpec {
    let named = request.key_spec.or(request.customer_master_key_spec);
    named.unwrap_or(KeySpec::SymmetricDefault)
}

fn is_grant(request: &create_grant::Request) -> bool {
    let one = request.grantee_principal.is_some() != request.grantee_service_principal.is_some();
    let principals = [&request.grantee_principal, &request.retiring_principal];
    let named = principals.into_iter().flatten().all(is_principal);
    one && named && !request.operations.0.is_empty()
}

fn is_principal(text: &PrincipalText) -> bool {
    let mut parts = text.as_str().splitn(6, ':');
    let head: Vec<&str> = parts.by_ref().take(5).collect();
    matches!(head[..], ["arn", "aws", "iam" | "sts", "", account] if account.len() == 12)
        && parts.next().is_some_and(|name| name.contains('/') || name == "root")
}

/// Whether it is a document of statements, each with its four members.
fn is_policy(text: &str) -> bool {
    let Ok(document) = serde_json::from_str::<Value>(text) else { return false };
    let statements = match &document["Statement"] {
        Value::Array(all) => &all[..],
        one => std::slice::from_ref(one),
    };
    let members = ["Effect", "Principal", "Action", "Resource"];
    let is_whole = |one: &Value| members.iter().all(|member| one.get(member).is_some());
    !statements.is_empty() && statements.iter().all(is_whole)
}
