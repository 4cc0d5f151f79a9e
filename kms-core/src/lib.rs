//! kms-core: a KMS as a pure step function, and an HSM as a function of its domain and a command.
//!
//! ```text
//! decide(&State, &Call, Request) → Step      Step = Done(Outcome) | Ask(Peer, …, Then) | CatchUp
//! Then::resume(reply, &State)    → Step
//! journal.append(changes, preconditions) → State::apply(entry)
//! ```
//! There is no input or output here, no clock, no thread, no operating system's randomness, and no
//! order that depends on a hash. The simulator, the server and the load generator are shells around
//! this crate.
//!
//! - [`kms`] is the heart: `Kms`, and the order of checks and effects as types.
//! - [`step`] is what a decision comes to; [`state`] and [`journal`] are what changes.
//! - [`ops`] has one file an operation; [`key_state`] is AWS's matrix of states; [`policy`] decides
//!   who may; [`quota`] counts; [`wire`] speaks JSON.
//! - [`key`], [`algorithm`], [`multi_region`], `rotation`, [`task`], [`usage`] are the life of a key;
//!   [`key_store`] is where the keys of some of them lie outside.
//! - [`hsm`], [`token`], [`ciphertext`], [`crypto`] are where key material is, and only there.
//! - [`attestation`] knows who asks from inside an enclave; [`integration`] knows the AWS services that call KMS for their users.
//! - [`env`], [`name`], [`error`] are the words all of it is said in; [`record`] is how
//!   they are stored.
//! - [`local`] is the smallest shell, for tests and benches.

pub mod algorithm;
pub mod attestation;
pub mod audit;
pub mod ciphertext;
pub mod crypto;
pub mod env;
pub mod error;
mod grant_index;
mod grant_token;
pub mod history;
pub mod hsm;
pub mod imported;
pub mod integration;
pub mod journal;
pub mod key;
pub mod key_state;
pub mod key_store;
pub mod kms;
pub mod local;
pub mod multi_region;
pub mod name;
pub mod ops;
pub mod page;
pub mod policy;
pub mod price;
pub mod quota;
pub mod record;
mod rotation;
pub mod state;
pub mod step;
mod table;
pub mod task;
pub mod token;
pub mod usage;
pub mod wire;

pub use env::{Call, Caller, Random, Timestamp};
pub use error::{Error, ErrorCode, Result};
pub use kms::{Kms, Settings};
pub use step::{Outcome, Step};
