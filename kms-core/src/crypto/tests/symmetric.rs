//! What every backend must compute with symmetric keys: published vectors, and each other's results.

use hex_literal::hex;
use proptest::collection::vec;
use proptest::prelude::*;

use crate::crypto::{
    AwsLc, BACKENDS, CryptoBackend, CryptoFailure, IV_LENGTH, RustCrypto, SecretBytes, SecretKey,
};

/// The key, vector and plaintext of McGrew and Viega's test cases 15 and 16.
const GCM_KEY: SecretKey =
    SecretKey::new(hex!("feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308"));
const GCM_IV: [u8; IV_LENGTH] = hex!("cafebabefacedbaddecaf888");
const GCM_AAD: [u8; 20] = hex!("feedfacedeadbeeffeedfacedeadbeefabaddad2");
const GCM_TEXT: [u8; 64] = hex!(
    "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72"
    "1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b391aafd255"
);
const GCM_SEALED: [u8; 64] = hex!(
    "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa"
    "8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662898015ad"
);

fn sealed(
    backend: &dyn CryptoBackend,
    key: &SecretKey,
    iv: &[u8; IV_LENGTH],
    aad: &[u8],
    plaintext: &[u8],
) -> Vec<u8> {
    let mut out = Vec::new();
    backend.seal(key, iv, aad, plaintext, &mut out);
    out
}

/// Sealing gives ciphertext and tag, and opening those gives the plaintext.
fn check_gcm(
    (key, iv, aad): (&SecretKey, &[u8; IV_LENGTH], &[u8]),
    plaintext: &[u8],
    expected: &[u8],
) {
    for &backend in BACKENDS {
        let out = sealed(backend, key, iv, aad, plaintext);
        assert_eq!(out, expected, "{}", backend.name());
        let opened = backend.open(key, iv, aad, &out).unwrap();
        assert_eq!(opened.as_bytes(), plaintext, "{}", backend.name());
    }
}

#[test]
fn names_differ() {
    let mut names: Vec<_> = BACKENDS.iter().map(|backend| backend.name()).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), BACKENDS.len());
}

/// FIPS 180-2, appendix B, and the empty message.
#[test]
fn sha256_vectors() {
    let million = [b'a'; 1_000_000];
    let vectors: [(&[u8], [u8; 32]); 4] = [
        (b"", hex!("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")),
        (b"abc", hex!("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")),
        (
            b"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
            hex!("248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"),
        ),
        (&million, hex!("cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0")),
    ];
    for &backend in BACKENDS {
        for (message, expected) in vectors {
            let (head, tail) = message.split_at(message.len() / 3);
            assert_eq!(backend.sha256(&[message]), expected, "{}", backend.name());
            assert_eq!(backend.sha256(&[head, &[], tail]), expected, "{}", backend.name());
        }
        assert_eq!(backend.sha256(&[]), vectors[0].1, "{}", backend.name());
    }
}

/// RFC 4231, cases 1 to 4. Their keys are shorter than 32 bytes; HMAC itself pads a key with
/// zeroes up to the block, so that the padded key has the same tags.
#[test]
fn hmac_vectors() {
    let vectors: [(&[u8], &[u8], [u8; 32]); 4] = [
        (
            &[0x0b; 20],
            b"Hi There",
            hex!("b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"),
        ),
        (
            b"Jefe",
            b"what do ya want for nothing?",
            hex!("5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"),
        ),
        (
            &[0xaa; 20],
            &[0xdd; 50],
            hex!("773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe"),
        ),
        (
            &hex!("0102030405060708090a0b0c0d0e0f10111213141516171819"),
            &[0xcd; 50],
            hex!("82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b"),
        ),
    ];
    for &backend in BACKENDS {
        for (short, data, expected) in vectors {
            let mut key = [0; 32];
            key[..short.len()].copy_from_slice(short);
            let key = SecretKey::new(key);
            let (head, tail) = data.split_at(3);
            assert_eq!(backend.hmac_sha256(&key, &[data]), expected, "{}", backend.name());
            let parts = backend.hmac_sha256(&key, &[head, tail]);
            assert_eq!(parts, expected, "{}", backend.name());
        }
    }
}

/// The expected keys were computed by the formula of SP 800-108r1, section 4.1, with the HMAC of
/// Python's standard library: the published vectors hash random bytes instead of label and
/// context.
#[test]
fn derived_keys() {
    let key = SecretKey::new(std::array::from_fn(|i| u8::try_from(i).unwrap()));
    let nonce = hex!("f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff");
    let vectors: [(&'static [u8], &[u8], [u8; 32]); 3] = [
        (
            b"keyquake",
            &nonce,
            hex!("96022b731b7ce7bd4b1abcbc26c35490a6d633ec8e75fe6c0773366ef3cd7d3e"),
        ),
        (b"", b"", hex!("be27b734b68c7782d866819ae95ae24560bbd593476e9f8c0bf87db0b30a0316")),
        (
            &[b'l'; 100],
            &[b'c'; 300],
            hex!("32e4d79a04e7014df4d558591843f791cabf93b16726f0502f07d58c823b0934"),
        ),
    ];
    for &backend in BACKENDS {
        for (label, context, expected) in vectors {
            let again = backend.derivation_key(&key, label);
            let derived = backend.derive_key(&key, label, context);
            assert_eq!(again.derive(context), derived, "{}", backend.name());
            assert_eq!(again.derive(context), derived, "{}, again", backend.name());
            assert_eq!(derived.as_bytes(), &expected, "{}", backend.name());
        }
    }
}

/// A label that ends where the context begins must not make the same key.
#[test]
fn label_and_context_are_kept_apart() {
    let key = SecretKey::new([3; 32]);
    for &backend in BACKENDS {
        let whole = backend.derive_key(&key, b"ab", b"c");
        assert_ne!(whole, backend.derive_key(&key, b"a", b"bc"), "{}", backend.name());
        assert_ne!(whole, backend.derive_key(&key, b"abc", b""), "{}", backend.name());
    }
}

/// "The Galois/Counter Mode of Operation", McGrew and Viega, test cases 13 to 16.
#[test]
fn gcm_vectors() {
    let zero = SecretKey::new([0; 32]);
    check_gcm((&zero, &[0; 12], b""), b"", &hex!("530f8afbc74536b9a963b4f1c4cb738b"));
    check_gcm(
        (&zero, &[0; 12], b""),
        &[0; 16],
        &hex!("cea7403d4d606b6e074ec5d3baf39d18d0d1c8a799996bf0265b98b5d48ab919"),
    );
    let tag = hex!("b094dac5d93471bdec1a502270e3cc6c");
    check_gcm((&GCM_KEY, &GCM_IV, b""), &GCM_TEXT, &[&GCM_SEALED[..], &tag].concat());
    let tag = hex!("76fc6ece0f4e1768cddf8853bb2d551b");
    check_gcm((&GCM_KEY, &GCM_IV, &GCM_AAD), &GCM_TEXT[..60], &[&GCM_SEALED[..60], &tag].concat());
}

#[test]
fn sealing_appends() {
    for &backend in BACKENDS {
        let mut out = b"header".to_vec();
        backend.seal(&GCM_KEY, &GCM_IV, &GCM_AAD, b"text", &mut out);
        let alone = sealed(backend, &GCM_KEY, &GCM_IV, &GCM_AAD, b"text");
        assert_eq!(out, [b"header", &alone[..]].concat(), "{}", backend.name());
    }
}

#[test]
fn one_changed_bit_anywhere_is_a_failure() {
    for &backend in BACKENDS {
        let good = sealed(backend, &GCM_KEY, &GCM_IV, &GCM_AAD, &GCM_TEXT[..20]);
        let fails = |key: &SecretKey, iv: &[u8; IV_LENGTH], aad: &[u8], sealed: &[u8]| {
            assert_eq!(
                backend.open(key, iv, aad, sealed),
                Err(CryptoFailure),
                "{}",
                backend.name()
            );
        };
        for bit in 0..good.len() * 8 {
            let mut bad = good.clone();
            bad[bit / 8] ^= 1 << (bit % 8);
            fails(&GCM_KEY, &GCM_IV, &GCM_AAD, &bad);
        }
        let (mut key, mut iv, mut aad) = (GCM_KEY, GCM_IV, GCM_AAD);
        key.as_mut_bytes()[31] ^= 1;
        iv[11] ^= 1;
        aad[0] ^= 1;
        fails(&key, &GCM_IV, &GCM_AAD, &good);
        fails(&GCM_KEY, &iv, &GCM_AAD, &good);
        fails(&GCM_KEY, &GCM_IV, &aad, &good);
        fails(&GCM_KEY, &GCM_IV, &GCM_AAD[..19], &good);
    }
}

#[test]
fn cut_or_padded_input_is_a_failure() {
    for &backend in BACKENDS {
        let mut long = sealed(backend, &GCM_KEY, &GCM_IV, b"", &GCM_TEXT[..20]);
        for length in 0..long.len() {
            let opened = backend.open(&GCM_KEY, &GCM_IV, b"", &long[..length]);
            assert_eq!(opened, Err(CryptoFailure), "{}: {length} bytes", backend.name());
        }
        long.push(0);
        let opened = backend.open(&GCM_KEY, &GCM_IV, b"", &long);
        assert_eq!(opened, Err(CryptoFailure), "{}", backend.name());
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn both_hash_and_derive_alike(
        key: [u8; 32],
        label in vec(any::<u8>(), 0..80),
        context in vec(any::<u8>(), 0..300),
    ) {
        let key = SecretKey::new(key);
        let parts: [&[u8]; 2] = [&label, &context];
        prop_assert_eq!(AwsLc.sha256(&parts), RustCrypto.sha256(&parts));
        prop_assert_eq!(AwsLc.hmac_sha256(&key, &parts), RustCrypto.hmac_sha256(&key, &parts));
        prop_assert_eq!(
            AwsLc.derive_key(&key, &label, &context),
            RustCrypto.derive_key(&key, &label, &context)
        );
    }

    #[test]
    fn either_opens_what_the_other_sealed(
        key: [u8; 32],
        iv: [u8; IV_LENGTH],
        aad in vec(any::<u8>(), 0..200),
        text in vec(any::<u8>(), 0..5000),
    ) {
        let key = SecretKey::new(key);
        let expected = sealed(&RustCrypto, &key, &iv, &aad, &text);
        for &backend in BACKENDS {
            prop_assert_eq!(&sealed(backend, &key, &iv, &aad, &text), &expected);
            let opened = backend.open(&key, &iv, &aad, &expected);
            prop_assert_eq!(opened, Ok(SecretBytes::from(text.clone())));
        }
    }

    #[test]
    fn both_refuse_the_same_noise(key: [u8; 32], noise in vec(any::<u8>(), 0..64)) {
        let key = SecretKey::new(key);
        for &backend in BACKENDS {
            prop_assert_eq!(backend.open(&key, &GCM_IV, b"", &noise), Err(CryptoFailure));
        }
    }
}
