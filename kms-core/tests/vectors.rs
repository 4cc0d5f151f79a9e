//! Other people's vectors, run over every backend that has the algorithm.
//!
//! Wycheproof holds what breaks implementations: edge cases of the arithmetic, encodings that only
//! resemble the right one, keys that are none. NIST's CAVP and ACVP, the RFCs and GB/T 32918 hold what
//! a validated module must compute; the files in `vectors/data/` say where each is from. Each test
//! prints how many cases of a set ran and how many are about something AWS KMS does not have (another
//! key size, a context, a label), and both numbers are pinned: a case that is skipped is one that
//! somebody decided to skip.

#[path = "vectors/exchange.rs"]
mod exchange;
#[path = "vectors/keys.rs"]
mod keys;
#[path = "vectors/lattices.rs"]
mod lattices;
#[path = "vectors/nist.rs"]
mod nist;
#[path = "vectors/records.rs"]
mod records;
#[path = "vectors/rfc.rs"]
mod rfc;
#[path = "vectors/signatures.rs"]
mod signatures;
#[path = "vectors/sm2.rs"]
mod sm2;
#[path = "vectors/symmetric.rs"]
mod symmetric;
#[path = "vectors/tally.rs"]
mod tally;
