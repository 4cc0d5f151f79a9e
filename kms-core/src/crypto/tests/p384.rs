//! What every backend must compute on P-384, between HSMs.

use hex_literal::hex;
use proptest::prelude::*;

use crate::crypto::{
    AwsLc, BACKENDS, CryptoBackend, CryptoFailure, P384_POINT, P384_SCALAR, RustCrypto,
};

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

/// RFC 5903, section 8.2.
#[test]
fn p384_vector() {
    let shared = hex!(
        "11187331c279962d93d604243fd592cb9d0a926f422e47187521287e7156c5c4d603135569b9e9d09cf5d4a270f59746"
    );
    for &backend in BACKENDS {
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
    for &backend in BACKENDS {
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
    for &backend in BACKENDS {
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
        let point = AwsLc.p384_public(&one);
        for backend in BACKENDS {
            prop_assert_eq!(backend.p384_public(&one), point);
        }
        if let (Ok(point), Ok(back)) = (point, AwsLc.p384_public(&two)) {
            let shared = AwsLc.p384_agree(&two, &point);
            prop_assert!(shared.is_ok());
            prop_assert_eq!(&shared, &RustCrypto.p384_agree(&two, &point));
            prop_assert_eq!(&shared, &RustCrypto.p384_agree(&one, &back));
        }
    }
}
