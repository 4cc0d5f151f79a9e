//! A KMS behind HTTP as a target: JSON 1.1, Signature Version 4, keep-alive connections.
//!
//! | module | what it holds |
//! |---|---|
//! | `endpoint` | the address, and how it is called |
//! | `credentials`, `signers`, `sign` | who signs, and the signatures |
//! | `connection` | one request under way at a time |
//! | `trust` | TLS |
//! | `answer` | replies as answers |
//! | `client` | one request after another |
//! | `founding`, `ledger` | the keys that a scenario begins with, and how a load parts with all of its keys |
//! | `drive`, `desk`, `alarm` | the loop of one thread |

mod alarm;
mod answer;
mod client;
mod connection;
mod credentials;
mod desk;
mod drive;
mod endpoint;
mod founding;
mod ledger;
mod sign;
mod signers;
mod trust;

pub use connection::{Broken, Connection, Letterhead, Reply};
pub use credentials::{Credential, Credentials};
pub(crate) use drive::{connect, drive};
pub use endpoint::Endpoint;
pub use founding::found;
pub use ledger::{Cleaned, Ledger};
pub use sign::{Date, Signed, Signer};
pub use signers::Signers;
pub use trust::Roots;
