//! The random bytes of production, and nothing else.
//!
//! AWS KMS draws from a CTR_DRBG seeded with 384 bits and reseeded for prediction resistance (AWS KMS
//! Cryptographic Details). Here it is ChaCha20, one generator a thread, seeded and reseeded by the
//! operating system, because a system call for each nonce costs more than the encryption it is for.
//!
//! It is a crate of its own so that nobody can take one kind of randomness for the other: the
//! simulator does not depend on it and cannot name [`SecureRandom`], while a server asks for
//! [`SecureRandom`] by type and cannot be given a seeded stream.
//!
//! ```
//! # use entropy::SecureRandom;
//! # fn serve(_: SecureRandom) {}
//! serve(SecureRandom::default());
//! let _ = kms_core::local::SeededRandom::new(1);
//! ```
//!
//! What draws from a seed is not taken in its place:
//! ```compile_fail,E0308
//! # use entropy::SecureRandom;
//! # fn serve(_: SecureRandom) {}
//! serve(kms_core::local::SeededRandom::new(1));
//! ```
//!
//! Nor can anybody make one that the operating system was not asked for:
//! ```compile_fail,E0451
//! # use entropy::SecureRandom;
//! let _ = SecureRandom { interval: 1 << 20 };
//! ```

use std::cell::RefCell;
use std::fmt;

use chacha20::cipher::{KeyIvInit, StreamCipher};
use chacha20::{ChaCha20, Nonce};
use kms_core::Random;
use kms_core::env::Site;
use zeroize::{Zeroize, Zeroizing};

const KEY: usize = 32;
/// How much is generated at once. What a draw leaves over serves the next ones.
const BUFFER: usize = 1024;

/// The operating system gave no random bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoEntropy;

impl fmt::Display for NoEntropy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the operating system gave no random bytes")
    }
}

impl std::error::Error for NoEntropy {}

type Source = fn(&mut [u8]) -> Result<(), NoEntropy>;

fn operating_system(bytes: &mut [u8]) -> Result<(), NoEntropy> {
    getrandom::fill(bytes).map_err(|_| NoEntropy)
}

/// The random bytes of this thread, wherever it is used: a handle costs nothing and holds nothing.
#[derive(Clone, Copy, Debug)]
pub struct SecureRandom {
    interval: u64,
}

impl SecureRandom {
    /// The interval that [`SecureRandom::default`] has, in bytes: 1 MiB.
    pub const DEFAULT_INTERVAL: u64 = 1 << 20;

    /// Random bytes that are mixed with fresh ones of the operating system before the first draw after
    /// every `interval` bytes of a thread. With 0 each draw has its own: prediction resistance at the
    /// price of a system call.
    ///
    /// # Errors
    /// When the operating system has none to give, which is asked here so that a server that cannot
    /// work does not start.
    pub fn new(interval: u64) -> Result<SecureRandom, NoEntropy> {
        operating_system(&mut [0; KEY])?;
        Ok(SecureRandom { interval })
    }
}

impl Random for SecureRandom {
    /// # Panics
    /// When the operating system stops giving random bytes: no answer may be made without.
    fn fill(&mut self, _: Site, bytes: &mut [u8]) {
        thread_local! {
            static GENERATOR: RefCell<Generator> = RefCell::new(Generator::new(operating_system));
        }
        GENERATOR
            .with_borrow_mut(|generator| generator.fill(self.interval, bytes))
            .expect("the operating system has random bytes for as long as it runs");
    }
}

/// ChaCha20 that forgets: each buffer begins with the key of the next one, and what was handed out is
/// wiped, so that memory seen later tells nothing of earlier draws.
struct Generator {
    source: Source,
    key: Zeroizing<[u8; KEY]>,
    buffer: Zeroizing<[u8; BUFFER]>,
    /// Where in the buffer the bytes begin that nobody has had.
    used: usize,
    /// How many bytes were handed out since the last seed; nothing before the first.
    since_seed: Option<u64>,
}

impl Generator {
    fn new(source: Source) -> Generator {
        Generator {
            source,
            key: Zeroizing::new([0; KEY]),
            buffer: Zeroizing::new([0; BUFFER]),
            used: BUFFER,
            since_seed: None,
        }
    }

    fn fill(&mut self, interval: u64, bytes: &mut [u8]) -> Result<(), NoEntropy> {
        if self.since_seed.is_none_or(|handed_out| handed_out >= interval) {
            self.reseed()?;
        }
        let mut rest = &mut bytes[..];
        while !rest.is_empty() {
            if self.used == BUFFER {
                self.refill();
            }
            let count = rest.len().min(BUFFER - self.used);
            let (now, later) = rest.split_at_mut(count);
            let taken = &mut self.buffer[self.used..self.used + count];
            now.copy_from_slice(taken);
            taken.zeroize();
            self.used += count;
            rest = later;
        }
        self.since_seed = self.since_seed.map(|before| before.saturating_add(bytes.len() as u64));
        Ok(())
    }

    /// The next key is what the old one and the operating system give together, so that a weak one of
    /// the two does not weaken the other.
    fn reseed(&mut self) -> Result<(), NoEntropy> {
        let mut fresh = Zeroizing::new([0; KEY]);
        (self.source)(fresh.as_mut())?;
        self.refill();
        for (own, fresh) in self.key.iter_mut().zip(fresh.iter()) {
            *own ^= fresh;
        }
        self.refill();
        self.since_seed = Some(0);
        Ok(())
    }

    fn refill(&mut self) {
        self.buffer.zeroize();
        let mut cipher = ChaCha20::new((&*self.key).into(), &Nonce::default());
        cipher.apply_keystream(self.buffer.as_mut());
        let (next, _) = self.buffer.split_at_mut(KEY);
        self.key.copy_from_slice(next);
        next.zeroize();
        self.used = KEY;
    }
}

impl Default for SecureRandom {
    /// # Panics
    /// When the operating system has no random bytes to give.
    fn default() -> Self {
        SecureRandom::new(Self::DEFAULT_INTERVAL).expect("the operating system has random bytes")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;
    use std::sync::atomic::{AtomicU8, Ordering};

    /// A source that counts how often it was asked, and gives the count.
    fn counted(asked: &'static AtomicU8, bytes: &mut [u8]) -> Result<(), NoEntropy> {
        bytes.fill(asked.fetch_add(1, Ordering::Relaxed) + 1);
        Ok(())
    }

    fn none(_: &mut [u8]) -> Result<(), NoEntropy> {
        Err(NoEntropy)
    }

    #[test]
    fn no_block_comes_twice() {
        let mut random = SecureRandom::default();
        let mut seen = BTreeSet::new();
        for _ in 0..10_000 {
            let mut block = [0; 16];
            random.fill(Site::MessageNonce, &mut block);
            assert!(seen.insert(block));
        }
    }

    #[test]
    fn threads_have_streams_of_their_own() {
        let draw = || {
            let mut bytes = [0; 32];
            SecureRandom::default().fill(Site::DomainKey, &mut bytes);
            bytes
        };
        let other = std::thread::spawn(draw).join().expect("a thread");
        assert_ne!(draw(), other);
    }

    #[test]
    fn a_draw_of_any_length_is_filled_to_its_end() {
        for length in [0, 1, 31, 32, 991, 992, 993, 5000] {
            let mut bytes = vec![0; length];
            SecureRandom::default().fill(Site::CallerBytes, &mut bytes);
            // Sixteen zeroes in a row are not to be expected in the lifetime of anybody.
            assert!(bytes.windows(16).all(|window| window != [0; 16]), "{length} bytes");
        }
    }

    #[test]
    fn the_interval_says_when_the_system_is_asked_again() {
        static ASKED: AtomicU8 = AtomicU8::new(0);
        let mut generator = Generator::new(|bytes| counted(&ASKED, bytes));
        let mut asked_after = |interval: u64, bytes: usize| {
            generator.fill(interval, &mut vec![0; bytes]).expect("the source gives");
            ASKED.load(Ordering::Relaxed)
        };
        assert_eq!(asked_after(100, 60), 1, "the first draw");
        assert_eq!(asked_after(100, 40), 1, "within the interval");
        assert_eq!(asked_after(100, 1), 2, "100 bytes later");
        assert_eq!(asked_after(0, 1), 3, "each draw");
        assert_eq!(asked_after(0, 1), 4, "each draw");
    }

    #[test]
    fn a_seed_changes_what_comes_next() {
        static ASKED: AtomicU8 = AtomicU8::new(0);
        let (mut first, mut second) = ([0; 32], [0; 32]);
        Generator::new(|bytes| counted(&ASKED, bytes)).fill(100, &mut first).expect("bytes");
        Generator::new(|bytes| counted(&ASKED, bytes)).fill(100, &mut second).expect("bytes");
        assert_ne!(first, second);
    }

    #[test]
    fn what_was_handed_out_is_gone() {
        let mut generator = Generator::new(operating_system);
        let mut bytes = [0; 100];
        generator.fill(1000, &mut bytes).expect("bytes");
        assert!(generator.buffer[..KEY + 100].iter().all(|byte| *byte == 0));
        assert!(generator.buffer[KEY + 100..].iter().any(|byte| *byte != 0));
    }

    #[test]
    fn without_entropy_there_are_no_bytes() {
        let mut bytes = [7; 16];
        assert_eq!(Generator::new(none).fill(100, &mut bytes), Err(NoEntropy));
        assert_eq!(bytes, [7; 16]);
    }
}
