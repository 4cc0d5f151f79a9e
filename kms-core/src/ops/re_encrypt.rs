//! ReEncrypt: a ciphertext of one key becomes a ciphertext of another, inside the HSM.
//!
//! Two permissions are asked for, one on either key, and the plaintext never leaves, unless one
//! of the keys is in an AWS CloudHSM cluster.

use super::decrypt::{self, Found, Source};
use super::passage::{self, Sealer};
use super::{Info, usage};
use crate::ciphertext::{EncryptionContext, key_of};
use crate::error::{ErrorCode, Result};
use crate::kms::{Checks, UsableKey, internal};
use crate::name::{KeyArn, KeyId, MaterialId};
use crate::policy::{Action, RequestContext};
use crate::step::Next;
use crate::wire::{CiphertextBlob, DryRunModifier, EncryptionAlgorithm, GrantTokens, KeyRef};

/// What the model says of it.
pub const INFO: Info = Info {
    read_only: true,
    errors: &[
        ErrorCode::NotFound,
        ErrorCode::Disabled,
        ErrorCode::InvalidCiphertext,
        ErrorCode::KeyUnavailable,
        ErrorCode::IncorrectKey,
        ErrorCode::DependencyTimeout,
        ErrorCode::InvalidKeyUsage,
        ErrorCode::InvalidGrantToken,
        ErrorCode::KmsInternal,
        ErrorCode::KmsInvalidState,
        ErrorCode::DryRunOperation,
    ],
};

crate::shape! {
    /// A ciphertext and the key it shall be under.
    pub struct Request {
        /// The blob; only a dry run that ignores it goes without.
        ciphertext_blob: Option<CiphertextBlob> = "CiphertextBlob",
        /// What the blob is bound to.
        source_encryption_context: EncryptionContext = "SourceEncryptionContext",
        /// The key the blob must have been made with, if the caller cares.
        source_key_id: Option<KeyRef> = "SourceKeyId",
        /// The key to seal with, by id, ARN or alias.
        destination_key_id: KeyRef = "DestinationKeyId",
        /// What the new blob is bound to.
        destination_encryption_context: EncryptionContext = "DestinationEncryptionContext",
        /// How the blob was made; `SYMMETRIC_DEFAULT` unless said.
        source_encryption_algorithm: Option<EncryptionAlgorithm> = "SourceEncryptionAlgorithm",
        /// How to seal; `SYMMETRIC_DEFAULT` unless said.
        destination_encryption_algorithm: Option<EncryptionAlgorithm> =
            "DestinationEncryptionAlgorithm",
        /// Grants that may not have reached every host.
        grant_tokens: GrantTokens = "GrantTokens",
        /// Say only whether it would succeed.
        dry_run: bool = "DryRun",
        /// What the check leaves out.
        dry_run_modifiers: Vec<DryRunModifier> = "DryRunModifiers",
    }
}

crate::shape! {
    /// The new ciphertext.
    pub struct Response {
        /// The new blob.
        ciphertext_blob: CiphertextBlob = "CiphertextBlob",
        /// The key that made the old blob.
        source_key_id: KeyArn = "SourceKeyId",
        /// The key that made the new one.
        key_id: KeyArn = "KeyId",
        /// How the old blob was made.
        source_encryption_algorithm: EncryptionAlgorithm = "SourceEncryptionAlgorithm",
        /// How the new one was made.
        destination_encryption_algorithm: EncryptionAlgorithm = "DestinationEncryptionAlgorithm",
        /// The material that made the old blob, if that is symmetric.
        source_key_material_id: Option<MaterialId> = "SourceKeyMaterialId",
        /// The material that made the new one, if that is symmetric.
        destination_key_material_id: Option<MaterialId> = "DestinationKeyMaterialId",
    }
}

impl Request {
    /// Brings a blob that is bound to nothing under a key, bound to nothing.
    pub fn new(blob: CiphertextBlob, destination: impl Into<KeyRef>) -> Request {
        Request {
            ciphertext_blob: Some(blob),
            source_encryption_context: EncryptionContext::default(),
            source_key_id: None,
            destination_key_id: destination.into(),
            destination_encryption_context: EncryptionContext::default(),
            source_encryption_algorithm: None,
            destination_encryption_algorithm: None,
            grant_tokens: GrantTokens::default(),
            dry_run: false,
            dry_run_modifiers: Vec::new(),
        }
    }

    fn source_algorithm(&self) -> EncryptionAlgorithm {
        self.source_encryption_algorithm.unwrap_or(EncryptionAlgorithm::SymmetricDefault)
    }

    fn destination_algorithm(&self) -> EncryptionAlgorithm {
        self.destination_encryption_algorithm.unwrap_or(EncryptionAlgorithm::SymmetricDefault)
    }
}

pub(crate) fn decide(mut checks: Checks<'_, '_>, request: &Request) -> Result<Next> {
    let (from, to) = (&request.source_encryption_context, &request.destination_encryption_context);
    usage::check_context_size(&checks, "sourceEncryptionContext", from)?;
    usage::check_context_size(&checks, "destinationEncryptionContext", to)?;
    let mut context = checks.context(Action::ReEncryptFrom);
    context.re_encrypt_on_same_key = Some(on_same_key(&mut checks, request));
    let blob = decrypt::looked_at(
        request.ciphertext_blob.as_ref(),
        request.dry_run,
        &request.dry_run_modifiers,
    )?;
    let Some(blob) = blob else {
        let (named, tokens) = (request.source_key_id.as_ref(), &request.grant_tokens);
        let algorithm = request.source_algorithm();
        let source = of_source(request, context);
        decrypt::permitted(&mut checks, named, algorithm, source, tokens, "ReEncrypt")?;
        check_destination(&mut checks, request, context)?;
        return checks.pass(true).and(Err(internal()));
    };
    let source = check_source(&mut checks, request, blob, context)?;
    let (destination, to) = check_destination(&mut checks, request, context)?;
    let effects = checks.pass_to_judge(request.dry_run);
    let destination_key_material_id = to.shown_material();
    let algorithms = (request.source_algorithm(), request.destination_algorithm());
    let Found { key: source, from, material } = source;
    passage::take(effects, from, to, move |blob, effects| {
        effects.done(Response {
            ciphertext_blob: CiphertextBlob(blob),
            source_key_id: source.arn,
            key_id: destination.arn,
            source_encryption_algorithm: algorithms.0,
            destination_encryption_algorithm: algorithms.1,
            source_key_material_id: material,
            destination_key_material_id,
        })
    })
}

fn check_source<'a>(
    checks: &mut Checks<'_, '_>,
    request: &'a Request,
    blob: &'a CiphertextBlob,
    context: RequestContext<'a>,
) -> Result<Found> {
    let source = Source {
        blob,
        named: request.source_key_id.as_ref(),
        algorithm: request.source_algorithm(),
        bound_to: &request.source_encryption_context,
    };
    let context = of_source(request, context);
    source.check(checks, context, &request.grant_tokens, "ReEncrypt")
}

/// What is known of the first half.
fn of_source<'a>(request: &'a Request, mut context: RequestContext<'a>) -> RequestContext<'a> {
    context.encryption_context = Some(request.source_encryption_context.pairs());
    context.encryption_algorithm = Some(request.source_algorithm().as_str());
    context
}

fn check_destination<'a>(
    checks: &mut Checks<'_, '_>,
    request: &'a Request,
    context: RequestContext<'a>,
) -> Result<(UsableKey, Sealer)> {
    let algorithm = request.destination_algorithm();
    let mut context = context.for_action(Action::ReEncryptTo);
    context.encryption_context = Some(request.destination_encryption_context.pairs());
    context.encryption_algorithm = Some(algorithm.as_str());
    let key = checks.key(&request.destination_key_id, context, &request.grant_tokens)?;
    usage::check_encryption(&key, algorithm, "ReEncrypt")?;
    let to = Sealer::of(&key, algorithm, &request.destination_encryption_context, "ReEncrypt")?;
    Ok((key, to))
}

/// Whether both halves name one key, for `kms:ReEncryptOnSameKey`. Either permission may depend on
/// it, so it is found out before either key is checked; what names no key is refused there.
fn on_same_key(checks: &mut Checks<'_, '_>, request: &Request) -> bool {
    let source = match &request.source_key_id {
        Some(named) => key_named(checks, named),
        None => request.ciphertext_blob.as_ref().and_then(|blob| key_of(&blob.0)),
    };
    source.is_some() && source == key_named(checks, &request.destination_key_id)
}

fn key_named(checks: &mut Checks<'_, '_>, named: &KeyRef) -> Option<KeyId> {
    checks.resolve(&named.parse().ok()?).ok().map(|arn| arn.id)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::env::Caller;
    use crate::key::{DAY, KeySpec, KeyUsage};
    use crate::local::Local;
    use crate::ops::{
        Response as Any, decrypt, disable_key, enable_key_rotation, encrypt, schedule_key_deletion,
    };
    use crate::policy::{Policy, PolicyKind};
    use std::collections::BTreeMap;
    use std::sync::Arc;

    fn sealed(local: &mut Local, key: KeyArn) -> CiphertextBlob {
        match local.call(encrypt::Request::new(key, *b"secret")).unwrap() {
            Any::Encrypt(response) => response.ciphertext_blob,
            other => panic!("{other:?}"),
        }
    }

    fn opened(local: &mut Local, request: decrypt::Request) -> Result<decrypt::Response> {
        match local.call(request)? {
            Any::Decrypt(response) => Ok(response),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_dry_run_that_ignores_the_ciphertext_checks_both_keys() {
        let mut local = Local::single_region();
        let (source, destination) = (local.create_key(), local.create_key());
        let without = Request {
            ciphertext_blob: None,
            source_key_id: Some(source.into()),
            dry_run: true,
            dry_run_modifiers: vec![DryRunModifier::IgnoreCiphertext],
            ..Request::new(CiphertextBlob([].into()), destination)
        };
        let code = |local: &mut Local, request| re_encrypt(local, request).unwrap_err().code;
        assert_eq!(code(&mut local, without.clone()), ErrorCode::DryRunOperation);
        let unnamed = Request { source_key_id: None, ..without.clone() };
        assert_eq!(code(&mut local, unnamed), ErrorCode::Validation);
        for key in [source, destination] {
            local.call(disable_key::Request { key_id: key.into() }).unwrap();
            assert_eq!(code(&mut local, without.clone()), ErrorCode::Disabled);
            local.call(crate::ops::enable_key::Request { key_id: key.into() }).unwrap();
        }
    }

    fn re_encrypt(local: &mut Local, request: Request) -> Result<Response> {
        match local.call(request)? {
            Any::ReEncrypt(response) => Ok(response),
            other => panic!("{other:?}"),
        }
    }

    /// Somebody in the owner's account with this identity policy alone.
    fn caller(local: &Local, condition: &str, actions: &str) -> Arc<Caller> {
        let text = format!(
            r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Action":{actions},
                "Resource":"*"{condition}}}]}}"#
        );
        let policy = Policy::parse(&text, PolicyKind::Identity).unwrap();
        let principal = local.owner().principal.clone();
        Arc::new(Caller::new(principal).with_policy(Arc::new(policy)))
    }

    #[test]
    fn the_plaintext_moves_under_the_other_key() {
        let mut local = Local::single_region();
        let (from, to) = (local.create_key(), local.create_key());
        let blob = sealed(&mut local, from);
        let moved = re_encrypt(&mut local, Request::new(blob, to)).unwrap();
        assert_eq!((moved.source_key_id, moved.key_id), (from, to));
        let result = opened(&mut local, decrypt::Request::new(moved.ciphertext_blob)).unwrap();
        assert_eq!(result.plaintext.unwrap().0.as_bytes(), b"secret");
        assert_eq!(
            (result.key_id, result.key_material_id),
            (to, moved.destination_key_material_id)
        );
    }

    #[test]
    fn an_old_ciphertext_moves_to_the_newest_material_of_its_key() {
        let mut local = Local::single_region();
        let key = local.create_key();
        let blob = sealed(&mut local, key);
        local.call(enable_key_rotation::Request::new(key)).unwrap();
        local.advance(366 * DAY);
        let moved = re_encrypt(&mut local, Request::new(blob, key)).unwrap();
        let record = local.key(key);
        assert_eq!(moved.source_key_material_id, Some(record.materials[0].id));
        assert_eq!(moved.destination_key_material_id, Some(record.materials[1].id));
    }

    #[test]
    fn both_contexts_count() {
        let mut local = Local::single_region();
        let (from, to) = (local.create_key(), local.create_key());
        let context = EncryptionContext::new(BTreeMap::from([("a".into(), "b".into())]));
        let blob = sealed(&mut local, from);
        let wrong = Request {
            source_encryption_context: context.clone(),
            ..Request::new(blob.clone(), to)
        };
        let error = re_encrypt(&mut local, wrong).unwrap_err();
        assert_eq!(error, ErrorCode::InvalidCiphertext.silent());
        let bound =
            Request { destination_encryption_context: context.clone(), ..Request::new(blob, to) };
        let blob = re_encrypt(&mut local, bound).unwrap().ciphertext_blob;
        let unbound = decrypt::Request::new(blob);
        let right = decrypt::Request { encryption_context: context, ..unbound.clone() };
        assert_eq!(opened(&mut local, unbound).unwrap_err(), ErrorCode::InvalidCiphertext.silent());
        opened(&mut local, right).unwrap();
    }

    #[test]
    fn a_named_source_must_have_made_the_ciphertext() {
        let mut local = Local::single_region();
        let (from, to) = (local.create_key(), local.create_key());
        let blob = sealed(&mut local, from);
        let named = |key: KeyArn| Request {
            source_key_id: Some(key.into()),
            ..Request::new(blob.clone(), to)
        };
        re_encrypt(&mut local, named(from)).unwrap();
        let error = re_encrypt(&mut local, named(to)).unwrap_err();
        assert_eq!(error.code, ErrorCode::IncorrectKey);
    }

    #[test]
    fn either_key_must_be_usable() {
        let mut local = Local::single_region();
        let (good, disabled, dying) = (local.create_key(), local.create_key(), local.create_key());
        let blobs = [good, disabled, dying].map(|key| sealed(&mut local, key));
        local.call(disable_key::Request { key_id: disabled.into() }).unwrap();
        let request =
            schedule_key_deletion::Request { key_id: dying.into(), pending_window_in_days: None };
        local.call(request).unwrap();
        let [from_good, from_disabled, from_dying] = blobs;
        for (blob, to, code) in [
            (from_good.clone(), disabled, ErrorCode::Disabled),
            (from_good, dying, ErrorCode::KmsInvalidState),
            (from_disabled, good, ErrorCode::Disabled),
            (from_dying, good, ErrorCode::KmsInvalidState),
        ] {
            let error = re_encrypt(&mut local, Request::new(blob, to)).unwrap_err();
            assert_eq!(error.code, code);
        }
    }

    #[test]
    fn one_permission_of_the_two_is_not_enough() {
        let mut local = Local::single_region();
        let (from, to) = (local.create_key(), local.create_key());
        let blob = sealed(&mut local, from);
        for (actions, code) in [
            (r#"["kms:ReEncryptFrom"]"#, Some(ErrorCode::AccessDenied)),
            (r#"["kms:ReEncryptTo"]"#, Some(ErrorCode::AccessDenied)),
            (r#"["kms:ReEncrypt*"]"#, None),
        ] {
            let caller = caller(&local, "", actions);
            let result = local.call_as(&caller, Request::new(blob.clone(), to));
            assert_eq!(result.err().map(|error| error.code), code, "{actions}");
        }
    }

    #[test]
    fn a_policy_can_insist_on_one_key() {
        let mut local = Local::single_region();
        let (from, to) = (local.create_key(), local.create_key());
        let blob = sealed(&mut local, from);
        let same = r#","Condition":{"Bool":{"kms:ReEncryptOnSameKey":"true"}}"#;
        let caller = caller(&local, same, r#""kms:ReEncrypt*""#);
        let named =
            Request { source_key_id: Some(from.into()), ..Request::new(blob.clone(), from) };
        for request in [Request::new(blob.clone(), from), named] {
            local.call_as(&caller, request).unwrap();
        }
        let error = local.call_as(&caller, Request::new(blob, to)).unwrap_err();
        assert_eq!(error.code, ErrorCode::AccessDenied);
    }

    #[test]
    fn a_dry_run_never_succeeds_and_says_what_would_fail() {
        let mut local = Local::single_region();
        let key = local.create_key();
        let pair = local.create_key_of(KeySpec::Rsa2048, KeyUsage::EncryptDecrypt);
        let oaep = Some(EncryptionAlgorithm::RsaesOaepSha256);
        for (length, code) in [(190, ErrorCode::DryRunOperation), (191, ErrorCode::Validation)] {
            let made = local.call(encrypt::Request::new(key, vec![7; length])).unwrap();
            let Any::Encrypt(made) = made else { panic!("{made:?}") };
            let request = Request {
                destination_encryption_algorithm: oaep,
                dry_run: true,
                ..Request::new(made.ciphertext_blob, pair)
            };
            assert_eq!(re_encrypt(&mut local, request).unwrap_err().code, code, "{length}");
        }
    }
}
