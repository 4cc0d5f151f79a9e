//! The hardware security module: a pure function of its domain state and a command.
//!
//! An HSM keeps nothing but the domain it joined, and that only in volatile memory. Backing keys come
//! in with each command, as key tokens, and leave only as key tokens; so any HSM of the domain can
//! serve any request, and one that lost its memory serves again once it has rejoined (AWS KMS
//! Cryptographic Details: domains, durability protection).

mod answer;
mod ceremony;
mod command;
mod device;
mod domain;
mod fleet;
mod import_token;
mod manage;
mod model;
mod reply;
mod root;
mod session;
#[cfg(test)]
mod tests;
mod with;

pub use ceremony::{Domains, Founded, found};
pub use command::{Command, DataKeyPlaintext, TransferOffer, TransferredKey};
pub use device::{CACHED_KEYS, HsmDevice, SESSION_VALIDITY};
pub use domain::{
    Charter, Custody, DomainChange, DomainToken, HsmIdentity, Mandate, Member, MemberKey, Operator,
    OperatorKey, OperatorRole, OrderKind, OrderSignature, Rule, Rules, SigningKey, Standing,
    Threshold, VerifyingKey,
};
pub use fleet::{Ending, Fleet, FleetParameters, HsmIndex, Purpose, Route};
pub use import_token::{ImportTerms, ImportToken};
pub use model::{Class, Figure, Figures, HsmModel};
pub use reply::{Fault, Reply};
pub use root::RootKey;
pub use session::{Credential, Hello, Negotiation, Session, SessionToken, Welcome, Within};
pub use with::{BackingKeyRef, Opening, PublicKey, Sealing, SignedMessage};
