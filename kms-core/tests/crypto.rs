//! The cryptographic backends, held to each other: one row of checks runs over every backend and
//! every algorithm it says it has.

#[path = "crypto/codec.rs"]
mod codec;
#[path = "crypto/golden.rs"]
mod golden;
#[path = "crypto/suite.rs"]
mod suite;
#[path = "crypto/support.rs"]
mod support;
