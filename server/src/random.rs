//! The randomness of production, and the ids of requests that are drawn from it.

use entropy::SecureRandom;
use kms_core::env::{RequestId, Site, draw};
use std::sync::LazyLock;

/// A handle to the generator of whatever thread it is used on.
pub(crate) fn random() -> SecureRandom {
    // To make one asks the operating system, to copy one costs nothing.
    static HANDLE: LazyLock<SecureRandom> = LazyLock::new(SecureRandom::default);
    *HANDLE
}

/// The id of a new request: a random UUID (RFC 9562, version 4).
pub(crate) fn request_id() -> RequestId {
    const VERSION_4: u128 = 4 << 76;
    const VARIANT: u128 = 2 << 62;
    let drawn = u128::from_be_bytes(draw(&mut random(), Site::KeyId));
    RequestId(drawn & !(0xf << 76) & !(3 << 62) | VERSION_4 | VARIANT)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn request_ids_are_random_uuids() {
        let (one, other) = (request_id(), request_id());
        assert_ne!(one, other);
        let text = one.to_string();
        assert_eq!((text.len(), text.as_bytes()[14]), (36, b'4'), "{text}");
        assert!(b"89ab".contains(&text.as_bytes()[19]), "{text}");
    }
}
