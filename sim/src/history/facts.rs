//! Requests and answers as the history keeps them: what matters to a judge, in words of its own.
//!
//! The reference model is built on these words and not on the core's types, so that a mistake in the
//! core cannot repeat itself in its judge. Blobs and plaintexts appear as digests: a blob's is plain,
//! a plaintext's is keyed with the run's seed.

use kms_core::env::Timestamp;
use kms_core::key::KeyState;
use kms_core::name::{AccountId, AliasName, GrantId, KeyArn, KeyId, MaterialId, RegionName};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

/// A 64-bit digest: enough to tell the bytes of one run apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest(pub u64);

/// How a request named a key.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Target {
    /// By id or ARN.
    Key {
        /// The Region of the ARN, if it was one.
        region: Option<RegionName>,
        /// The id.
        id: KeyId,
    },
    /// By alias, of the caller's account.
    Alias(AliasName),
    /// By something that is no name.
    Nothing,
}

/// Who a grant is for.
pub type Grantee = Arc<str>;

/// A key policy as a judge reads it, as far as a judge reads policies.
#[derive(Clone, Default, PartialEq)]
pub struct PolicyWords {
    /// Whether it allows the account everything and denies nothing, so that its administrators are
    /// never shut out.
    pub trusts: bool,
    /// What it allows whom; nothing when it has a denial, a condition or anything else that a judge
    /// leaves alone.
    pub allows: Option<BTreeMap<Arc<str>, BTreeSet<&'static str>>>,
}

impl fmt::Debug for PolicyWords {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let whom = self.allows.as_ref().map(|allows| allows.keys().collect::<Vec<_>>());
        f.debug_struct("PolicyWords").field("trusts", &self.trusts).field("allows", &whom).finish()
    }
}

/// An attempt as a judge sees it.
#[derive(Clone, Debug, PartialEq)]
pub struct CallFacts {
    /// The caller.
    pub principal: Arc<str>,
    /// Its account.
    pub account: AccountId,
    /// Whether an IAM policy of its account allows it everything.
    pub administrator: bool,
    /// Whether it only asks whether it would succeed.
    pub dry_run: bool,
    /// What it asks for.
    pub wanted: Wanted,
}

/// What is asked for.
#[derive(Clone, Debug, PartialEq)]
#[allow(
    missing_docs,
    reason = "each is the operation of that name; the members are its parameters"
)]
pub enum Wanted {
    CreateKey {
        multi_region: bool,
        /// The policy, if one is named.
        policy: Option<(Digest, Arc<PolicyWords>)>,
    },
    /// CreateKey of a key pair or an HMAC key.
    CreatePair {
        multi_region: bool,
    },
    /// CreateKey in an external key store.
    CreateExternalKey,
    /// CreateKey without material, for that to be imported.
    CreateKeyToImport {
        multi_region: bool,
    },
    DescribeKey {
        key: Target,
    },
    ListKeys,
    EnableKey {
        key: Target,
    },
    DisableKey {
        key: Target,
    },
    ScheduleKeyDeletion {
        key: Target,
        days: u32,
    },
    CancelKeyDeletion {
        key: Target,
    },
    CreateAlias {
        alias: Arc<str>,
        key: Target,
    },
    UpdateAlias {
        alias: Arc<str>,
        key: Target,
    },
    DeleteAlias {
        alias: Arc<str>,
    },
    ListAliases {
        key: Option<Target>,
    },
    Encrypt {
        key: Target,
        plaintext: Digest,
        context: Digest,
    },
    Decrypt {
        blob: Digest,
        key: Option<Target>,
        context: Digest,
    },
    ReEncrypt {
        blob: Digest,
        source: Option<Target>,
        source_context: Digest,
        key: Target,
        context: Digest,
    },
    GenerateDataKey {
        key: Target,
        bytes: u32,
        context: Digest,
        plaintext: bool,
    },
    GenerateDataKeyPair {
        key: Target,
        context: Digest,
        plaintext: bool,
    },
    GenerateRandom {
        bytes: u32,
    },
    GetParametersForImport {
        key: Target,
        /// Whether symmetric material can be wrapped so.
        fits: bool,
    },
    ImportKeyMaterial {
        key: Target,
        token: Digest,
        wrapped: Digest,
        /// Whether it is to stay until it is deleted.
        stays: bool,
        expires: Option<Timestamp>,
        /// Whether the material is said to be new to the key.
        new: Option<bool>,
        material: Option<MaterialId>,
    },
    DeleteImportedKeyMaterial {
        key: Target,
        material: Option<MaterialId>,
    },
    /// Sign or GenerateMac.
    Prove {
        key: Target,
        mac: bool,
        message: Digest,
    },
    /// Verify or VerifyMac.
    Check {
        key: Target,
        mac: bool,
        message: Digest,
        proof: Digest,
    },
    GetPublicKey {
        key: Target,
    },
    Encapsulate {
        key: Target,
    },
    Decapsulate {
        key: Target,
        blob: Digest,
    },
    DeriveSharedSecret {
        key: Target,
        peer: Digest,
    },
    EnableKeyRotation {
        key: Target,
        days: u32,
    },
    DisableKeyRotation {
        key: Target,
    },
    GetKeyRotationStatus {
        key: Target,
    },
    RotateKeyOnDemand {
        key: Target,
    },
    ListKeyRotations {
        key: Target,
        materials: bool,
    },
    CreateGrant {
        key: Target,
        grantee: Grantee,
        operations: BTreeSet<&'static str>,
        name: Option<Arc<str>>,
        constrained: bool,
    },
    ListGrants {
        key: Target,
    },
    RetireGrant {
        grant: Option<GrantId>,
        by_token: bool,
    },
    RevokeGrant {
        key: Target,
        grant: Option<GrantId>,
    },
    GetKeyPolicy {
        key: Target,
    },
    PutKeyPolicy {
        key: Target,
        policy: Digest,
        words: Arc<PolicyWords>,
    },
    ReplicateKey {
        key: Target,
        region: Option<RegionName>,
    },
    UpdatePrimaryRegion {
        key: Target,
        region: Option<RegionName>,
    },
    /// An operation on a key whose other members make no difference.
    Plain {
        operation: &'static str,
        key: Target,
    },
    /// What judges have no words for, so that they leave open what comes of it.
    Other {
        operation: &'static str,
    },
}

/// What came back.
#[derive(Clone, Debug, PartialEq)]
#[allow(missing_docs, reason = "each belongs to the wish of the same name")]
pub enum Got {
    Created {
        key: KeyArn,
    },
    Described {
        key: KeyArn,
        state: KeyState,
        material: Option<MaterialId>,
        deletion: Option<Timestamp>,
    },
    Scheduled {
        key: KeyArn,
        state: KeyState,
        deletion: Option<Timestamp>,
    },
    /// A blob; `plaintext` is there when the caller got that, too.
    Sealed {
        key: KeyArn,
        blob: Digest,
        /// Of what was drawn for the blob: the nonce of its key, and its initialisation vector.
        draw: Option<Digest>,
        plaintext: Option<Digest>,
    },
    Opened {
        key: KeyArn,
        plaintext: Digest,
        material: Option<MaterialId>,
    },
    Resealed {
        source: KeyArn,
        key: KeyArn,
        blob: Digest,
        draw: Option<Digest>,
    },
    ImportParameters {
        key: KeyArn,
        token: Digest,
        until: Timestamp,
    },
    /// Which material was imported or deleted; none, if there was none to delete.
    OfMaterial {
        key: KeyArn,
        material: Option<MaterialId>,
    },
    /// A signature or a tag.
    Proved {
        key: KeyArn,
        proof: Digest,
    },
    /// The signature or tag is genuine.
    Genuine {
        key: KeyArn,
    },
    PublicKey {
        key: KeyArn,
        public: Digest,
    },
    Encapsulated {
        key: KeyArn,
        secret: Digest,
        blob: Digest,
    },
    SharedSecret {
        key: KeyArn,
        secret: Digest,
    },
    Granted {
        grant: GrantId,
    },
    Rotation {
        enabled: bool,
        days: Option<u32>,
    },
    Policy {
        policy: Digest,
    },
    /// How many items a list showed; whether it ended there.
    Listed {
        items: u32,
        complete: bool,
    },
    Replicated {
        replica: KeyArn,
    },
    /// Random bytes, as long as asked.
    Random {
        bytes: u32,
    },
    Done,
}

/// Turns requests and answers into facts, with the key that plaintext digests need.
#[derive(Clone, Copy, Debug)]
pub struct Facts {
    key: u64,
}

impl Facts {
    /// The facts of a run.
    pub fn new(seed: crate::random::Seed) -> Facts {
        Facts { key: seed.0 }
    }

    /// A digest of bytes that may be known.
    pub fn public(self, bytes: &[u8]) -> Digest {
        Digest(fold(bytes))
    }

    /// A digest of bytes that must stay secret.
    pub fn secret(self, bytes: &[u8]) -> Digest {
        use sha2::{Digest as _, Sha256};
        let mut hash = Sha256::new();
        hash.update((self.key ^ 0x5ec2_e7b1_a9d4_03f6).to_be_bytes());
        hash.update(bytes);
        let full: [u8; 32] = hash.finalize().into();
        let head = full.first_chunk().copied().unwrap_or_default();
        Digest(u64::from_be_bytes(head))
    }
}

/// Tells the blobs, contexts and policies of one run apart. Nobody inside a simulation chooses them to
/// collide, so two multiplications for 16 bytes do, where SHA-256 would be a tenth of a client's work.
fn fold(bytes: &[u8]) -> u64 {
    const ODD: [u64; 2] = [0x9e37_79b9_7f4a_7c15, 0xd6e8_feb8_6659_fd93];
    let multiply = |a: u64, b: u64| {
        let product = u128::from(a) * u128::from(b);
        #[expect(clippy::cast_possible_truncation, reason = "both halves are wanted")]
        let halves = ((product >> 64) as u64, product as u64);
        halves.0 ^ halves.1
    };
    let mut state = [ODD[0] ^ bytes.len() as u64, ODD[1]];
    for chunk in bytes.chunks(16) {
        let mut block = [0; 16];
        block[..chunk.len()].copy_from_slice(chunk);
        let block = u128::from_le_bytes(block);
        #[expect(clippy::cast_possible_truncation, reason = "both halves are wanted")]
        let (high, low) = ((block >> 64) as u64, block as u64);
        state = [
            multiply(state[0] ^ low, ODD[1]).rotate_left(29) ^ state[1],
            multiply(state[1] ^ high, ODD[0]).rotate_left(17) ^ state[0],
        ];
    }
    multiply(state[0] ^ ODD[1], state[1] ^ ODD[0])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Seed;
    use std::collections::BTreeSet;

    #[test]
    fn every_bit_and_the_length_count() {
        let facts = Facts::new(Seed(1));
        let mut seen = BTreeSet::from([facts.public(&[]), facts.public(&[0; 40])]);
        for at in 0..40 {
            for bit in 0..8 {
                let mut bytes = [0; 40];
                bytes[at] = 1 << bit;
                assert!(seen.insert(facts.public(&bytes)), "byte {at}, bit {bit}");
            }
            assert!(seen.insert(facts.public(&vec![0; at + 41])));
        }
        let numbers = (0_u64..100_000).map(|number| facts.public(&number.to_be_bytes()));
        assert_eq!(numbers.collect::<BTreeSet<_>>().len(), 100_000);
    }

    #[test]
    fn a_secret_has_another_digest_in_another_run() {
        let digest = |seed| Facts::new(Seed(seed)).secret(b"plaintext");
        assert_eq!(digest(1), digest(1));
        assert_ne!(digest(1), digest(2));
        assert_ne!(digest(1), Facts::new(Seed(1)).public(b"plaintext"));
    }
}
