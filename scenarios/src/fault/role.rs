//! What a node is, as faults select nodes.

use crate::kind::Word;

/// What a node is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// Hosts that answer API calls.
    ApiHost,
    /// Callers.
    Client,
    /// Hardware security modules.
    Hsm,
    /// What is behind custom key stores: the proxies of external key managers.
    KeyStore,
    /// The durable log of a Region.
    Journal,
    /// What runs due work: rotation, deletion, expiry.
    Worker,
}

pub(super) const ROLE: Word<Role> = Word {
    what: "node role",
    words: &[
        ("api-host", Role::ApiHost),
        ("client", Role::Client),
        ("hsm", Role::Hsm),
        ("journal", Role::Journal),
        ("key-store", Role::KeyStore),
        ("worker", Role::Worker),
    ],
};
