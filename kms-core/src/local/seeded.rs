//! Random bytes for tests and benches.

use crate::env::{Random, Site};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// Random bytes from a seed: HMAC-SHA-256 of a counter. The same seed gives the same bytes for ever,
/// so it must never protect anything real.
pub struct SeededRandom {
    seed: [u8; 32],
    drawn: u64,
}

impl SeededRandom {
    /// A stream of its own for each seed.
    pub fn new(seed: u64) -> SeededRandom {
        let mut bytes = [0; 32];
        bytes[..8].copy_from_slice(&seed.to_be_bytes());
        SeededRandom { seed: bytes, drawn: 0 }
    }
}

impl Random for SeededRandom {
    fn fill(&mut self, _: Site, bytes: &mut [u8]) {
        for chunk in bytes.chunks_mut(32) {
            let mut mac = <Hmac<Sha256> as KeyInit>::new_from_slice(&self.seed)
                .expect("HMAC takes any key length");
            mac.update(&self.drawn.to_be_bytes());
            self.drawn += 1;
            chunk.copy_from_slice(&mac.finalize().into_bytes()[..chunk.len()]);
        }
    }
}
