//! What a backend around another one leaves to that one, as one list of methods.

/// Writes methods of [`CryptoBackend`](crate::crypto::CryptoBackend) that another backend carries out:
/// `forward_to_backend!(self, self.library; name, sha256);` in the `impl` of the backend around it.
#[macro_export]
macro_rules! forward_to_backend {
    ($self:ident, $to:expr; $($method:ident),* $(,)?) => {
        $($crate::forward_to_backend!(@$method $self, $to);)*
    };
    (@name $self:ident, $to:expr) => {
        fn name(&$self) -> &'static str {
            $to.name()
        }
    };
    (@sha256 $self:ident, $to:expr) => {
        fn sha256(&$self, parts: &[&[u8]]) -> [u8; 32] {
            $to.sha256(parts)
        }
    };
    (@hmac_sha256 $self:ident, $to:expr) => {
        fn hmac_sha256(&$self, key: &$crate::crypto::SecretKey, parts: &[&[u8]]) -> [u8; 32] {
            $to.hmac_sha256(key, parts)
        }
    };
    (@derive_key $self:ident, $to:expr) => {
        fn derive_key(
            &$self,
            key: &$crate::crypto::SecretKey,
            label: &[u8],
            context: &[u8],
        ) -> $crate::crypto::SecretKey {
            $to.derive_key(key, label, context)
        }
    };
    (@derivation_key $self:ident, $to:expr) => {
        fn derivation_key(
            &$self,
            key: &$crate::crypto::SecretKey,
            label: &'static [u8],
        ) -> Box<dyn $crate::crypto::DerivationKey> {
            $to.derivation_key(key, label)
        }
    };
    (@seal $self:ident, $to:expr) => {
        fn seal(
            &$self,
            key: &$crate::crypto::SecretKey,
            iv: &[u8; $crate::crypto::IV_LENGTH],
            aad: &[u8],
            plaintext: &[u8],
            out: &mut Vec<u8>,
        ) {
            $to.seal(key, iv, aad, plaintext, out);
        }
    };
    (@open $self:ident, $to:expr) => {
        fn open(
            &$self,
            key: &$crate::crypto::SecretKey,
            iv: &[u8; $crate::crypto::IV_LENGTH],
            aad: &[u8],
            sealed: &[u8],
        ) -> Result<$crate::crypto::SecretBytes, $crate::crypto::CryptoFailure> {
            $to.open(key, iv, aad, sealed)
        }
    };
    (@p384_public $self:ident, $to:expr) => {
        fn p384_public(
            &$self,
            private: &[u8; $crate::crypto::P384_SCALAR],
        ) -> Result<[u8; $crate::crypto::P384_POINT], $crate::crypto::CryptoFailure> {
            $to.p384_public(private)
        }
    };
    (@p384_agree $self:ident, $to:expr) => {
        fn p384_agree(
            &$self,
            private: &[u8; $crate::crypto::P384_SCALAR],
            peer: &[u8; $crate::crypto::P384_POINT],
        ) -> Result<$crate::crypto::SecretBytes, $crate::crypto::CryptoFailure> {
            $to.p384_agree(private, peer)
        }
    };
    (@supports $self:ident, $to:expr) => {
        fn supports(
            &$self,
            spec: $crate::key::KeySpec,
            algorithm: $crate::crypto::Algorithm,
        ) -> bool {
            $to.supports(spec, algorithm)
        }
    };
    (@generate $self:ident, $to:expr) => {
        fn generate(
            &$self,
            spec: $crate::key::KeySpec,
            random: &mut dyn $crate::env::Random,
        ) -> Result<$crate::crypto::SecretBytes, $crate::crypto::CryptoFailure> {
            $to.generate(spec, random)
        }
    };
    (@verify $self:ident, $to:expr) => {
        fn verify(
            &$self,
            spec: $crate::key::KeySpec,
            public_key: &[u8],
            algorithm: $crate::algorithm::SigningAlgorithm,
            message: $crate::crypto::Message<'_>,
            signature: &[u8],
        ) -> Result<(), $crate::crypto::CryptoFailure> {
            $to.verify(spec, public_key, algorithm, message, signature)
        }
    };
    (@encrypt_for $self:ident, $to:expr) => {
        fn encrypt_for(
            &$self,
            spec: $crate::key::KeySpec,
            public_key: &[u8],
            algorithm: $crate::algorithm::EncryptionAlgorithm,
            plaintext: &[u8],
            random: &mut dyn $crate::env::Random,
        ) -> Result<Vec<u8>, $crate::crypto::CryptoFailure> {
            $to.encrypt_for(spec, public_key, algorithm, plaintext, random)
        }
    };
    (@encapsulate $self:ident, $to:expr) => {
        fn encapsulate(
            &$self,
            spec: $crate::key::KeySpec,
            public_key: &[u8],
            random: &mut dyn $crate::env::Random,
        ) -> Result<(Vec<u8>, $crate::crypto::SecretBytes), $crate::crypto::CryptoFailure> {
            $to.encapsulate(spec, public_key, random)
        }
    };
    (@hmac $self:ident, $to:expr) => {
        fn hmac(
            &$self,
            algorithm: $crate::algorithm::MacAlgorithm,
            key: &$crate::crypto::SecretBytes,
            message: &[u8],
        ) -> Vec<u8> {
            $to.hmac(algorithm, key, message)
        }
    };
    (@unwrap_key $self:ident, $to:expr) => {
        fn unwrap_key(
            &$self,
            key: &$crate::crypto::SecretBytes,
            wrapped: &[u8],
        ) -> Result<$crate::crypto::SecretBytes, $crate::crypto::CryptoFailure> {
            $to.unwrap_key(key, wrapped)
        }
    };
}
