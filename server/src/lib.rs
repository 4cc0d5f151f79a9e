//! The wire protocol around the core: an HTTP exchange as data, answered by a KMS.
//!
//! AWS KMS speaks JSON 1.1 over POST `/`, names the operation in `X-Amz-Target` and answers every
//! modelled error with a body that names it. What is here is that protocol and nothing about sockets,
//! so it is tested without one, and whoever listens stays thin.

mod exchange;

pub use exchange::{Answer, CONTENT_TYPE, Exchange, answer};
