//! The KMS for real: an engine around the core, its wire protocol, and the server that listens.
//!
//! - [`Engine`] decides, asks and appends; [`Worker`] carries out what falls due.
//! - [`answer`] is one exchange of the wire protocol as data, so it is tested without a socket.
//! - [`verify`] verifies AWS Signature Version 4 and names the Region; [`Identities`] are who may call.
//! - [`Store`] is what is kept on disk: one SQLite database, sealed under a root key.
//! - [`Server`] is the only thing that listens: HTTP/1.1, every Region on one URL.

mod clock;
mod engine;
mod exchange;
mod http;
mod identity;
mod random;
mod signature;
mod store;

pub use engine::{Asker, Configuration, Engine, Worker};
pub use exchange::{Answer, CONTENT_TYPE, Exchange, LARGEST_BODY, answer};
pub use http::Server;
pub use identity::{Identities, IdentityError};
pub use signature::{Authenticated, Refusal, verify};
pub use store::{DATABASE, ROOT_KEY, RootKeySource, Store, StoreError};
