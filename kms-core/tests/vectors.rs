//! Other people's vectors, run over every backend that has the algorithm.
//!
//! Wycheproof holds what breaks implementations: edge cases of the arithmetic, encodings that only
//! resemble the right one, keys that are none. The RFC's own examples show that a nonce is the one it
//! should be. Each test prints how many cases of a set ran and how many are about something AWS KMS
//! does not have (another key size, a context, a label), and both numbers are pinned: a case that is
//! skipped is one that somebody decided to skip.

#[path = "vectors/exchange.rs"]
mod exchange;
#[path = "vectors/rfc.rs"]
mod rfc;
#[path = "vectors/signatures.rs"]
mod signatures;
#[path = "vectors/symmetric.rs"]
mod symmetric;
#[path = "vectors/tally.rs"]
mod tally;
