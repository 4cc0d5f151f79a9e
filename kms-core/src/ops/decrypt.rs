//! Decrypt: opens what a KMS key sealed, with whichever material sealed it.

use super::passage::Opener;
use super::recipient::{Receiver, Released};
use super::{Info, usage};
use crate::ciphertext::{Blob, EncryptionContext, key_of};
use crate::error::{Error, ErrorCode, Result};
use crate::hsm::Opening;
use crate::kms::{Checks, UsableKey, internal};
use crate::name::{KeyArn, KeyIdentifier, MaterialId};
use crate::policy::{Action, RequestContext};
use crate::step::Next;
use crate::wire::{
    CiphertextBlob, CiphertextForRecipient, DryRunModifier, EncryptionAlgorithm, GrantTokens,
    KeyRef, Plaintext, RecipientInfo,
};

/// What the model says of it.
pub const INFO: Info = Info {
    read_only: true,
    errors: &[
        ErrorCode::NotFound,
        ErrorCode::Disabled,
        ErrorCode::InvalidCiphertext,
        ErrorCode::KeyUnavailable,
        ErrorCode::IncorrectKey,
        ErrorCode::InvalidKeyUsage,
        ErrorCode::DependencyTimeout,
        ErrorCode::InvalidGrantToken,
        ErrorCode::KmsInternal,
        ErrorCode::KmsInvalidState,
        ErrorCode::DryRunOperation,
    ],
};

crate::shape! {
    /// A ciphertext.
    pub struct Request {
        /// The blob; only a dry run that ignores it goes without.
        ciphertext_blob: Option<CiphertextBlob> = "CiphertextBlob",
        /// What it is bound to.
        encryption_context: EncryptionContext = "EncryptionContext",
        /// Grants that may not have reached every host.
        grant_tokens: GrantTokens = "GrantTokens",
        /// The key it was made with; an asymmetric ciphertext does not tell.
        key_id: Option<KeyRef> = "KeyId",
        /// How; `SYMMETRIC_DEFAULT` unless said.
        encryption_algorithm: Option<EncryptionAlgorithm> = "EncryptionAlgorithm",
        /// Who gets the plaintext instead of the caller.
        recipient: Option<RecipientInfo> = "Recipient",
        /// Say only whether it would succeed.
        dry_run: bool = "DryRun",
        /// What the check leaves out.
        dry_run_modifiers: Vec<DryRunModifier> = "DryRunModifiers",
    }
}

crate::shape! {
    /// The plaintext.
    pub struct Response {
        /// The key that made the ciphertext.
        key_id: KeyArn = "KeyId",
        /// What was encrypted.
        plaintext: Option<Plaintext> = "Plaintext",
        /// How.
        encryption_algorithm: EncryptionAlgorithm = "EncryptionAlgorithm",
        /// The plaintext, when a recipient gets it.
        ciphertext_for_recipient: Option<CiphertextForRecipient> = "CiphertextForRecipient",
        /// The material that made a symmetric ciphertext.
        key_material_id: Option<MaterialId> = "KeyMaterialId",
    }
}

impl Request {
    /// Opens a blob that is bound to nothing.
    pub fn new(blob: CiphertextBlob) -> Request {
        Request {
            ciphertext_blob: Some(blob),
            encryption_context: EncryptionContext::default(),
            grant_tokens: GrantTokens::default(),
            key_id: None,
            encryption_algorithm: None,
            recipient: None,
            dry_run: false,
            dry_run_modifiers: Vec::new(),
        }
    }
}

pub(crate) fn decide(mut checks: Checks<'_, '_>, request: &Request) -> Result<Next> {
    let algorithm = request.encryption_algorithm.unwrap_or(EncryptionAlgorithm::SymmetricDefault);
    let blob =
        looked_at(request.ciphertext_blob.as_ref(), request.dry_run, &request.dry_run_modifiers)?;
    usage::check_context_size(&checks, "encryptionContext", &request.encryption_context)?;
    let receiver = Receiver::of(&mut checks, request.recipient.as_ref())?;
    let mut context = checks.context(Action::Decrypt);
    context.attestation = receiver.attested();
    context.encryption_context = Some(request.encryption_context.pairs());
    context.encryption_algorithm = Some(algorithm.as_str());
    let (named, bound_to) = (request.key_id.as_ref(), &request.encryption_context);
    let Some(blob) = blob else {
        permitted(&mut checks, named, algorithm, context, &request.grant_tokens, "Decrypt")?;
        return checks.pass(true).and(Err(internal()));
    };
    let source = Source { blob, named, algorithm, bound_to };
    let Found { key, from, material } =
        source.check(&mut checks, context, &request.grant_tokens, "Decrypt")?;
    let effects = checks.pass_to_judge(request.dry_run);
    let key_material_id = receiver.unless_attested(material);
    from.open_for(receiver, effects, move |released, effects| {
        let Released { plaintext, ciphertext_for_recipient } = released;
        effects.done(Response {
            key_id: key.arn,
            plaintext,
            encryption_algorithm: algorithm,
            ciphertext_for_recipient,
            key_material_id,
        })
    })
}

/// The ciphertext that a request is about; nothing, when it is a dry run that ignores it.
pub(super) fn looked_at<'r>(
    blob: Option<&'r CiphertextBlob>,
    dry_run: bool,
    modifiers: &[DryRunModifier],
) -> Result<Option<&'r CiphertextBlob>> {
    match (modifiers.is_empty(), dry_run) {
        (true, _) => blob.map(Some).ok_or_else(|| ErrorCode::Validation.says(NO_BLOB)),
        (false, true) => Ok(None),
        (false, false) => {
            Err(ErrorCode::Validation.says("DryRunModifiers can only be specified with DryRun."))
        }
    }
}

const NO_BLOB: &str = "1 validation error detected: Value null at 'ciphertextBlob' failed to satisfy \
                       constraint: Member must not be null";

/// Whether the caller may open what a key sealed, whatever that is.
pub(super) fn permitted(
    checks: &mut Checks<'_, '_>,
    named: Option<&KeyRef>,
    algorithm: EncryptionAlgorithm,
    context: RequestContext<'_>,
    tokens: &GrantTokens,
    operation: &'static str,
) -> Result<UsableKey> {
    let named = named.ok_or_else(|| {
        ErrorCode::Validation.says("A key is required when the ciphertext is ignored.")
    })?;
    let key = checks.key(named, context, tokens)?;
    usage::check_encryption(&key, algorithm, operation)?;
    Ok(key)
}

/// A ciphertext to open, for Decrypt and for the first half of ReEncrypt.
pub(super) struct Source<'r> {
    pub(super) blob: &'r CiphertextBlob,
    pub(super) named: Option<&'r KeyRef>,
    pub(super) algorithm: EncryptionAlgorithm,
    pub(super) bound_to: &'r EncryptionContext,
}

/// What a ciphertext is opened with.
pub(super) struct Found {
    pub(super) key: UsableKey,
    pub(super) from: Opener,
    /// The material, which only a symmetric ciphertext of the KMS itself names.
    pub(super) material: Option<MaterialId>,
}

impl Source<'_> {
    /// What opens the ciphertext, once the key is found usable.
    pub(super) fn check(
        &self,
        checks: &mut Checks<'_, '_>,
        context: RequestContext<'_>,
        tokens: &GrantTokens,
        operation: &'static str,
    ) -> Result<Found> {
        match self.algorithm {
            EncryptionAlgorithm::SymmetricDefault => {
                self.check_symmetric(checks, context, tokens, operation)
            }
            _ => self.check_asymmetric(checks, context, tokens, operation),
        }
    }

    /// A blob that names no key that exists here could be anything, so it is not told apart from a
    /// damaged one.
    fn check_symmetric(
        &self,
        checks: &mut Checks<'_, '_>,
        context: RequestContext<'_>,
        tokens: &GrantTokens,
        operation: &'static str,
    ) -> Result<Found> {
        let made_with = key_of(&self.blob.0);
        let key = match (self.named, made_with) {
            // Beside a ciphertext of it, and of no other key, a bare id may be that of another
            // account's key: whoever has neither hears nothing of the key, nor whose it is.
            (Some(KeyRef::Valid(KeyIdentifier::Id(id))), Some(made_with)) if *id == made_with => {
                checks.key_by_id(*id, context, tokens)?
            }
            (Some(named), _) => checks.key(named, context, tokens)?,
            (None, Some(id)) if checks.state().key(id).is_some() => {
                checks.key_by_id(id, context, tokens)?
            }
            (None, _) => return Err(invalid_ciphertext()),
        };
        // What no such ciphertext can be of is told first: another ciphertext would not do either.
        usage::check_encryption(&key, self.algorithm, operation)?;
        if made_with.is_some_and(|id| id != key.id()) {
            return Err(ErrorCode::IncorrectKey.says(INCORRECT_KEY));
        }
        made_with.ok_or_else(invalid_ciphertext)?;
        if let Some(from) = Opener::in_store(&key, &self.blob.0, self.bound_to, operation)? {
            return Ok(Found { key, from, material: None });
        }
        let blob = Blob::parse(&self.blob.0).ok_or_else(invalid_ciphertext)?;
        let with = key.of_material(blob.material).ok_or_else(invalid_ciphertext)?;
        let from =
            Opening::Symmetric { with, blob: self.blob.0.clone(), context: self.bound_to.clone() };
        let from = Opener::Hsm(from);
        Ok(Found { key, from, material: Some(blob.material) })
    }

    /// An asymmetric ciphertext says nothing about itself, so the request has to name its key.
    fn check_asymmetric(
        &self,
        checks: &mut Checks<'_, '_>,
        context: RequestContext<'_>,
        tokens: &GrantTokens,
        operation: &'static str,
    ) -> Result<Found> {
        let named = self.named.ok_or_else(|| {
            ErrorCode::Validation
                .says(format!("A key is required to decrypt by {}.", self.algorithm))
        })?;
        let key = checks.key(named, context, tokens)?;
        usage::check_encryption(&key, self.algorithm, operation)?;
        usage::check_context(&key, self.bound_to)?;
        let from = Opener::Hsm(Opening::Private {
            with: key.current()?,
            ciphertext: self.blob.0.clone(),
            algorithm: self.algorithm,
        });
        Ok(Found { key, from, material: None })
    }
}

/// The text still says CMK, as the service's does.
const INCORRECT_KEY: &str =
    "The key ID in the request does not identify a CMK that can perform this operation.";

fn invalid_ciphertext() -> Error {
    ErrorCode::InvalidCiphertext.silent()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hsm::Fault;
    use crate::key::{KeySpec, KeyUsage};
    use crate::local::{Local, Trouble};
    use crate::ops::{Response as Any, encrypt, re_encrypt};
    use std::collections::BTreeMap;

    fn sealed(local: &mut Local, key: KeyArn) -> CiphertextBlob {
        match local.call(encrypt::Request::new(key, *b"secret")).unwrap() {
            Any::Encrypt(response) => response.ciphertext_blob,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn what_was_sealed_opens_and_names_its_material() {
        let mut local = Local::single_region();
        let key = local.create_key();
        let blob = sealed(&mut local, key);
        let Any::Decrypt(opened) = local.call(Request::new(blob)).unwrap() else { panic!() };
        assert_eq!(opened.plaintext.unwrap().0.as_bytes(), b"secret");
        assert_eq!(opened.key_id, key);
    }

    /// A key that signs, or whose algorithm is another, was only said to be the wrong one.
    #[test]
    fn a_key_that_decrypts_nothing_of_the_kind_is_used_wrongly() {
        let mut local = Local::single_region();
        let [made_with, other] = [local.create_key(), local.create_key()];
        let blob = sealed(&mut local, made_with);
        for (key, expected) in [
            (other, ErrorCode::IncorrectKey),
            (
                local.create_key_of(KeySpec::EccNistP256, KeyUsage::SignVerify),
                ErrorCode::InvalidKeyUsage,
            ),
            (
                local.create_key_of(KeySpec::Hmac256, KeyUsage::GenerateVerifyMac),
                ErrorCode::InvalidKeyUsage,
            ),
            (
                local.create_key_of(KeySpec::Rsa2048, KeyUsage::EncryptDecrypt),
                ErrorCode::InvalidKeyUsage,
            ),
        ] {
            let request = Request { key_id: Some(key.into()), ..Request::new(blob.clone()) };
            assert_eq!(local.call(request).unwrap_err().code, expected, "{key}");
            let again = re_encrypt::Request {
                source_key_id: Some(key.into()),
                ..re_encrypt::Request::new(blob.clone(), other)
            };
            assert_eq!(local.call(again).unwrap_err().code, expected, "{key}");
        }
    }

    #[test]
    fn a_dry_run_that_ignores_the_ciphertext_checks_the_permission_alone() {
        let mut local = Local::single_region();
        let key = local.create_key();
        let without = Request {
            ciphertext_blob: None,
            key_id: Some(key.into()),
            dry_run: true,
            dry_run_modifiers: vec![DryRunModifier::IgnoreCiphertext],
            ..Request::new(CiphertextBlob([].into()))
        };
        let mut code = |request: Request| local.call(request).unwrap_err().code;
        assert_eq!(code(without.clone()), ErrorCode::DryRunOperation);
        let damaged = CiphertextBlob([1, 2, 3].into());
        let ignored = Request { ciphertext_blob: Some(damaged), ..without.clone() };
        assert_eq!(code(ignored.clone()), ErrorCode::DryRunOperation);
        let looked_at = Request { dry_run_modifiers: Vec::new(), ..ignored };
        assert_eq!(code(looked_at), ErrorCode::InvalidCiphertext);
        for bad in [
            Request { key_id: None, ..without.clone() },
            Request { dry_run: false, ..without.clone() },
            Request { dry_run_modifiers: Vec::new(), ..without.clone() },
        ] {
            assert_eq!(code(bad), ErrorCode::Validation);
        }
        local.call(crate::ops::disable_key::Request { key_id: key.into() }).unwrap();
        assert_eq!(local.call(without).unwrap_err().code, ErrorCode::Disabled);
    }

    #[test]
    fn a_dry_run_opens_the_ciphertext_and_gives_nothing_out() {
        let mut local = Local::single_region();
        let key = local.create_key();
        let blob = sealed(&mut local, key);
        let dry = |blob| Request { dry_run: true, ..Request::new(blob) };
        let mut bytes = blob.0.to_vec();
        *bytes.last_mut().unwrap() ^= 1;
        let damaged = dry(CiphertextBlob(bytes.into()));
        let context = EncryptionContext::new(BTreeMap::from([("a".into(), "b".into())]));
        let bound = Request { encryption_context: context, ..dry(blob.clone()) };
        for request in [damaged, bound] {
            assert_eq!(local.call(request).unwrap_err(), invalid_ciphertext());
        }
        let (owner, request) = (local.owner(), crate::ops::Request::from(dry(blob.clone())));
        let outcome = local.outcome(key.region, &owner, &request);
        assert_eq!(outcome.result.unwrap_err().code, ErrorCode::DryRunOperation);
        assert!(outcome.append.is_none() && outcome.audit.billed.is_some());
        assert_eq!(outcome.audit.error, Some(ErrorCode::DryRunOperation));
    }

    #[test]
    fn a_dry_run_fails_while_no_hsm_can_open_it_unless_it_ignores_the_ciphertext() {
        let mut local = Local::single_region();
        let key = local.create_key();
        let blob = sealed(&mut local, key);
        local.set_trouble(Some(Trouble::Hsm(Fault::NotJoined)));
        let opening = Request { dry_run: true, ..Request::new(blob) };
        let ignoring = Request {
            key_id: Some(key.into()),
            dry_run_modifiers: vec![DryRunModifier::IgnoreCiphertext],
            ..opening.clone()
        };
        for (request, code) in
            [(opening, ErrorCode::KeyUnavailable), (ignoring, ErrorCode::DryRunOperation)]
        {
            assert_eq!(local.call(request).unwrap_err().code, code);
        }
    }

    #[test]
    fn another_context_another_byte_and_another_key_are_told_apart_only_by_the_key() {
        let mut local = Local::single_region();
        let (key, other) = (local.create_key(), local.create_key());
        let blob = sealed(&mut local, key);
        let context = EncryptionContext::new(BTreeMap::from([("a".into(), "b".into())]));
        let bound = Request { encryption_context: context, ..Request::new(blob.clone()) };
        assert_eq!(local.call(bound).unwrap_err(), invalid_ciphertext());
        let mut bytes = blob.0.to_vec();
        *bytes.last_mut().unwrap() ^= 1;
        let damaged = Request::new(CiphertextBlob(bytes.into()));
        assert_eq!(local.call(damaged).unwrap_err(), invalid_ciphertext());
        let named =
            |key: KeyArn| Request { key_id: Some(key.into()), ..Request::new(blob.clone()) };
        assert_eq!(local.call(named(other)).unwrap_err().code, ErrorCode::IncorrectKey);
    }
}
