//! The kinds of keys that are computed with alike.

use crate::key::KeySpec;

/// The specs that one file each is about.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Family {
    Secret,
    Rsa,
    Curve,
    Edwards,
    MlDsa,
    MlKem,
    Sm2,
}

impl Family {
    /// The family of a spec.
    pub(super) fn of(spec: KeySpec) -> Family {
        match spec {
            KeySpec::SymmetricDefault
            | KeySpec::Hmac224
            | KeySpec::Hmac256
            | KeySpec::Hmac384
            | KeySpec::Hmac512 => Family::Secret,
            KeySpec::Rsa2048 | KeySpec::Rsa3072 | KeySpec::Rsa4096 => Family::Rsa,
            KeySpec::EccNistP256
            | KeySpec::EccNistP384
            | KeySpec::EccNistP521
            | KeySpec::EccSecgP256k1 => Family::Curve,
            KeySpec::EccNistEdwards25519 => Family::Edwards,
            KeySpec::MlDsa44 | KeySpec::MlDsa65 | KeySpec::MlDsa87 => Family::MlDsa,
            KeySpec::MlKem512 | KeySpec::MlKem768 | KeySpec::MlKem1024 => Family::MlKem,
            KeySpec::Sm2 => Family::Sm2,
        }
    }
}
