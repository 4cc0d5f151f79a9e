//! The default backend: AWS-LC, the library whose FIPS build runs inside AWS itself.
//!
//! Only the safe interface of `aws-lc-rs` is used, and only those calls of it that take every random
//! byte as an argument: the library's own generator cannot be injected.

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::agreement::{ECDH_P384, PrivateKey, UnparsedPublicKey, agree};
use aws_lc_rs::kdf::{KbkdfCtrHmacAlgorithmId, get_kbkdf_ctr_hmac_algorithm, kbkdf_ctr_hmac};
use aws_lc_rs::{digest, hmac};

use super::{
    CryptoBackend, CryptoFailure, IV_LENGTH, P384_POINT, P384_SCALAR, SecretBytes, SecretKey,
    TAG_LENGTH,
};

/// The first byte of an uncompressed point (SEC 1, section 2.3.3).
const UNCOMPRESSED: u8 = 0x04;

/// The backend on AWS-LC.
#[derive(Clone, Copy, Debug, Default)]
pub struct AwsLc;

impl CryptoBackend for AwsLc {
    fn name(&self) -> &'static str {
        "aws-lc-rs"
    }

    fn sha256(&self, parts: &[&[u8]]) -> [u8; 32] {
        let mut context = digest::Context::new(&digest::SHA256);
        for part in parts {
            context.update(part);
        }
        thirty_two(context.finish().as_ref())
    }

    fn hmac_sha256(&self, key: &SecretKey, parts: &[&[u8]]) -> [u8; 32] {
        let key = hmac::Key::new(hmac::HMAC_SHA256, key.as_bytes());
        let mut context = hmac::Context::with_key(&key);
        for part in parts {
            context.update(part);
        }
        thirty_two(context.sign().as_ref())
    }

    /// The library's KBKDF writes straight into the key and spares the copies of the HMAC context
    /// that its streaming HMAC makes: a third less time, although the fixed info needs a buffer.
    fn derive_key(&self, key: &SecretKey, label: &[u8], context: &[u8]) -> SecretKey {
        let algorithm = get_kbkdf_ctr_hmac_algorithm(KbkdfCtrHmacAlgorithmId::Sha256)
            .expect("AWS-LC always has SHA-256");
        let mut derived = SecretKey::new([0; SecretKey::LENGTH]);
        let info = fixed_info(label, context);
        kbkdf_ctr_hmac(algorithm, key.as_bytes(), &info, derived.as_mut_bytes())
            .expect("neither the key nor the output is empty");
        derived
    }

    fn seal(
        &self,
        key: &SecretKey,
        iv: &[u8; IV_LENGTH],
        aad: &[u8],
        plaintext: &[u8],
        out: &mut Vec<u8>,
    ) {
        let start = out.len();
        out.reserve(plaintext.len() + TAG_LENGTH);
        out.extend_from_slice(plaintext);
        let tag = aes_256_gcm(key)
            .seal_in_place_separate_tag(nonce(iv), Aad::from(aad), &mut out[start..])
            .expect("a plaintext is far below GCM's limit of 64 GiB");
        out.extend_from_slice(tag.as_ref());
    }

    fn open(
        &self,
        key: &SecretKey,
        iv: &[u8; IV_LENGTH],
        aad: &[u8],
        sealed: &[u8],
    ) -> Result<SecretBytes, CryptoFailure> {
        let (ciphertext, tag) = sealed.split_last_chunk::<TAG_LENGTH>().ok_or(CryptoFailure)?;
        let mut text = SecretBytes::from(ciphertext.to_vec());
        aes_256_gcm(key)
            .open_in_place_separate_tag(nonce(iv), Aad::from(aad), tag, text.as_mut_bytes())
            .map_err(|_| CryptoFailure)?;
        Ok(text)
    }

    fn p384_public(&self, private: &[u8; P384_SCALAR]) -> Result<[u8; P384_POINT], CryptoFailure> {
        let public = private_key(private)?.compute_public_key().map_err(|_| CryptoFailure)?;
        public.as_ref().try_into().map_err(|_| CryptoFailure)
    }

    /// The first byte is looked at here, because the library reads hybrid points too.
    fn p384_agree(
        &self,
        private: &[u8; P384_SCALAR],
        peer: &[u8; P384_POINT],
    ) -> Result<SecretBytes, CryptoFailure> {
        if peer[0] != UNCOMPRESSED {
            return Err(CryptoFailure);
        }
        let peer = UnparsedPublicKey::new(&ECDH_P384, peer);
        agree(&private_key(private)?, peer, CryptoFailure, |shared| {
            Ok(SecretBytes::from(shared.to_vec()))
        })
    }
}

/// What SP 800-108r1, section 4.1, hashes behind the counter: label, a zero byte, context, bits.
fn fixed_info(label: &[u8], context: &[u8]) -> Vec<u8> {
    const BITS: [u8; 4] = 256_u32.to_be_bytes();
    let mut info = Vec::with_capacity(label.len() + 1 + context.len() + BITS.len());
    info.extend_from_slice(label);
    info.push(0);
    info.extend_from_slice(context);
    info.extend_from_slice(&BITS);
    info
}

fn aes_256_gcm(key: &SecretKey) -> LessSafeKey {
    let key = UnboundKey::new(&AES_256_GCM, key.as_bytes()).expect("the key has 256 bits");
    LessSafeKey::new(key)
}

fn nonce(iv: &[u8; IV_LENGTH]) -> Nonce {
    Nonce::assume_unique_for_key(*iv)
}

fn private_key(scalar: &[u8; P384_SCALAR]) -> Result<PrivateKey, CryptoFailure> {
    PrivateKey::from_private_key(&ECDH_P384, scalar).map_err(|_| CryptoFailure)
}

fn thirty_two(digest: &[u8]) -> [u8; 32] {
    digest.try_into().expect("SHA-256 has 32 bytes")
}

/// What both backends must compute on P-384; the symmetric half of it stands in `rust_crypto`.
#[cfg(test)]
mod tests {
    use hex_literal::hex;
    use proptest::prelude::*;

    use super::*;
    use crate::crypto::RustCrypto;

    const BACKENDS: [&dyn CryptoBackend; 2] = [&AwsLc, &RustCrypto];

    /// The group order of P-384 (SP 800-186, section 3.2.1.4).
    const ORDER: [u8; P384_SCALAR] = hex!(
        "ffffffffffffffffffffffffffffffffffffffffffffffffc7634d81f4372ddf581a0db248b0a77aecec196accc52973"
    );
    /// The initiator's private key and public point (RFC 5903, section 8.2).
    const INITIATOR: [u8; P384_SCALAR] = hex!(
        "099f3c7034d4a2c699884d73a375a67f7624ef7c6b3c0f160647b67414dce655e35b538041e649ee3faef896783ab194"
    );
    const INITIATOR_POINT: [u8; P384_POINT] = hex!(
        "04"
        "667842d7d180ac2cde6f74f37551f55755c7645c20ef73e31634fe72b4c55ee6de3ac808acb4bdb4c88732aee95f41aa"
        "9482ed1fc0eeb9cafc4984625ccfc23f65032149e0e144ada024181535a0f38eeb9fcff3c2c947dae69b4c634573a81c"
    );
    /// The responder's, from the same section.
    const RESPONDER: [u8; P384_SCALAR] = hex!(
        "41cb0779b4bdb85d47846725fbec3c9430fab46cc8dc5060855cc9bda0aa2942e0308312916b8ed2960e4bd55a7448fc"
    );
    const RESPONDER_POINT: [u8; P384_POINT] = hex!(
        "04"
        "e558dbef53eecde3d3fccfc1aea08a89a987475d12fd950d83cfa41732bc509d0d1ac43a0336def96fda41d0774a3571"
        "dcfbec7aacf3196472169e838430367f66eebe3c6e70c416dd5f0c68759dd1fff83fa40142209dff5eaad96db9e6386c"
    );

    #[test]
    fn fixed_info_is_laid_out_as_sp_800_108_says() {
        assert_eq!(fixed_info(b"label", b"ctx"), b"label\0ctx\x00\x00\x01\x00");
        assert_eq!(fixed_info(b"", b""), b"\0\x00\x00\x01\x00");
    }

    /// RFC 5903, section 8.2.
    #[test]
    fn p384_vector() {
        let shared = hex!(
            "11187331c279962d93d604243fd592cb9d0a926f422e47187521287e7156c5c4d603135569b9e9d09cf5d4a270f59746"
        );
        for backend in BACKENDS {
            assert_eq!(backend.p384_public(&INITIATOR), Ok(INITIATOR_POINT), "{}", backend.name());
            assert_eq!(backend.p384_public(&RESPONDER), Ok(RESPONDER_POINT), "{}", backend.name());
            for (private, peer) in [(INITIATOR, RESPONDER_POINT), (RESPONDER, INITIATOR_POINT)] {
                let agreed = backend.p384_agree(&private, &peer).unwrap();
                assert_eq!(agreed.as_bytes(), shared, "{}", backend.name());
            }
        }
    }

    #[test]
    fn scalars_from_one_to_order_minus_one() {
        let mut above = ORDER;
        above[47] += 1;
        let mut last = ORDER;
        last[47] -= 1;
        let mut first = [0; P384_SCALAR];
        first[47] = 1;
        for backend in BACKENDS {
            for bad in [[0; P384_SCALAR], ORDER, above, [0xff; P384_SCALAR]] {
                assert_eq!(backend.p384_public(&bad), Err(CryptoFailure), "{}", backend.name());
                let agreed = backend.p384_agree(&bad, &RESPONDER_POINT);
                assert_eq!(agreed, Err(CryptoFailure), "{}", backend.name());
            }
            // The points of 1 and of n - 1 are G and -G, which share their x-coordinate.
            let (g, minus_g) = (backend.p384_public(&first), backend.p384_public(&last));
            assert_eq!(g.unwrap()[..49], minus_g.unwrap()[..49], "{}", backend.name());
        }
    }

    /// Off the curve, at infinity, beyond the field, or of another encoding than the uncompressed.
    #[test]
    fn points_that_are_none() {
        let mut off_curve = RESPONDER_POINT;
        off_curve[96] ^= 1;
        let mut beyond_field = [0xff; P384_POINT];
        beyond_field[0] = 4;
        let mut origin = [0; P384_POINT];
        origin[0] = 4;
        let other_encodings = (0..=255_u8).filter(|first| *first != 4).map(|first| {
            let mut point = RESPONDER_POINT;
            point[0] = first;
            point
        });
        let bad: Vec<_> =
            [off_curve, beyond_field, origin].into_iter().chain(other_encodings).collect();
        for backend in BACKENDS {
            for point in &bad {
                let agreed = backend.p384_agree(&INITIATOR, point);
                assert_eq!(agreed, Err(CryptoFailure), "{}: {:02x}", backend.name(), point[0]);
            }
        }
    }

    proptest! {
        // A P-384 multiplication costs about a millisecond, so fewer cases do.
        #![proptest_config(ProptestConfig {
            cases: 16,
            failure_persistence: None,
            ..ProptestConfig::default()
        })]

        #[test]
        fn both_agree_alike(one in any::<[[u8; 24]; 2]>(), two in any::<[[u8; 24]; 2]>()) {
            let scalar = |halves: [[u8; 24]; 2]| -> [u8; P384_SCALAR] {
                halves.concat().try_into().unwrap()
            };
            let (one, two) = (scalar(one), scalar(two));
            let points = BACKENDS.map(|backend| backend.p384_public(&one));
            prop_assert_eq!(points[0], points[1]);
            if let (Ok(point), Ok(back)) = (points[0], AwsLc.p384_public(&two)) {
                let shared = AwsLc.p384_agree(&two, &point);
                prop_assert!(shared.is_ok());
                prop_assert_eq!(&shared, &RustCrypto.p384_agree(&two, &point));
                prop_assert_eq!(&shared, &RustCrypto.p384_agree(&one, &back));
            }
        }
    }
}
