//! Orders: commands about a domain, and the signatures that give them force.
//!
//! A signature covers the command, the Region and the serial of the domain state it is for, so it is
//! worth nothing elsewhere and nothing twice.

use super::canon::Canon;
use super::charter::Charter;
use super::identity::Standing;
use super::quorum::{Operator, OperatorRole, OrderKind};
use super::signing::{SigningKey, VerifyingKey};
use super::token::DomainToken;
use crate::crypto::{CryptoBackend, CryptoFailure};
use crate::env::Random;
use crate::hsm::{Command, Fault};
use crate::name::RegionName;

/// The most signatures an order may carry.
const MOST_SIGNATURES: usize = 32;

/// One operator's consent to an order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OrderSignature {
    /// Whose.
    pub operator: VerifyingKey,
    /// Over the order.
    pub signature: Vec<u8>,
}

/// Consent to a command: which state of the domain it was given for, and by whom. It travels beside
/// the command, as key tokens do.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Mandate {
    /// The serial of the domain state.
    pub serial: u64,
    /// The signatures.
    pub signatures: Vec<OrderSignature>,
}

impl Mandate {
    /// The consent of some operators to a command, for the domain of a token. One that takes no
    /// quorum gets none.
    pub fn new<'a>(
        command: &Command,
        domain: &DomainToken,
        operators: impl IntoIterator<Item = &'a OperatorKey>,
        random: &mut dyn Random,
    ) -> Mandate {
        let serial = domain.position_for(command).serial;
        let signatures = operators.into_iter();
        let signatures = signatures.filter_map(|key| key.sign(command, domain, random)).collect();
        Mandate { serial, signatures }
    }
}

/// What an operator signs with.
#[derive(Clone, Debug)]
pub struct OperatorKey {
    role: OperatorRole,
    key: SigningKey,
}

impl OperatorKey {
    /// A new one.
    ///
    /// # Errors
    /// When the backend has no P-384.
    pub fn generate(
        role: OperatorRole,
        backend: &dyn CryptoBackend,
        random: &mut dyn Random,
    ) -> Result<OperatorKey, CryptoFailure> {
        Ok(OperatorKey { role, key: SigningKey::generate(backend, random)? })
    }

    /// The operator key that is this signing key.
    pub(super) fn of(role: OperatorRole, key: SigningKey) -> OperatorKey {
        OperatorKey { role, key }
    }

    /// The signing key, to be sealed, or to begin a session with.
    pub(in crate::hsm) fn signing(&self) -> &SigningKey {
        &self.key
    }

    /// What its holder is.
    pub fn role(&self) -> OperatorRole {
        self.role
    }

    /// What its signatures are checked with.
    pub fn public(&self) -> &VerifyingKey {
        self.key.public()
    }

    /// How a domain knows it.
    pub fn operator(&self) -> Operator {
        Operator { public: self.key.public().clone(), role: self.role }
    }

    /// Consent to a command, for the domain state of this token. Nothing for a command that takes no
    /// quorum.
    fn sign(
        &self,
        command: &Command,
        domain: &DomainToken,
        random: &mut dyn Random,
    ) -> Option<OrderSignature> {
        let at = domain.position_for(command);
        let (_, bytes) = statement(command, at)?;
        let signature = self.key.sign(&bytes, random).ok()?;
        Some(OrderSignature { operator: self.key.public().clone(), signature })
    }
}

/// Which domain state an order is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::hsm) struct OrderAt {
    pub(in crate::hsm) region: RegionName,
    pub(in crate::hsm) serial: u64,
}

/// What is signed for a command, and which rule it is under; nothing for a command without a quorum.
fn statement(command: &Command, at: OrderAt) -> Option<(OrderKind, Vec<u8>)> {
    let canon = Canon::new("keyquake domain order v1")
        .bytes(at.region.as_str().as_bytes())
        .number(at.serial);
    let (kind, canon) = match command {
        Command::Join { token } => (OrderKind::Join, canon.bytes(&token.statement())),
        Command::Leave => (OrderKind::Leave, canon),
        Command::RotateDomainKey { from } => {
            (OrderKind::RotateDomainKey, canon.number(u64::from(from.0)))
        }
        Command::ChangeDomain { change } => (change.kind(), change.write(canon)),
        _ => return None,
    };
    Some((kind, canon.number(kind as u64).done()))
}

/// Whether an order has the quorum that a charter asks for, of an HSM of that standing.
///
/// # Errors
/// `NoQuorum` otherwise, whatever is missing.
pub(in crate::hsm) fn check_quorum(
    command: &Command,
    at: OrderAt,
    (charter, standing): (&Charter, Standing),
    signatures: &[OrderSignature],
    backend: &dyn CryptoBackend,
) -> Result<(), Fault> {
    let (kind, bytes) = statement(command, at).ok_or(Fault::Refused)?;
    let kind = match (kind, standing) {
        (OrderKind::Join, Standing::Offline) => OrderKind::Recover,
        _ => kind,
    };
    let rule = charter.rules.of(kind).ok_or(Fault::NoQuorum)?;
    let genuine = |given: &OrderSignature| {
        let operator = charter.operator(&given.operator)?;
        operator.public.verify(backend, &bytes, &given.signature).ok().map(|()| operator)
    };
    let signers = signatures.iter().take(MOST_SIGNATURES).filter_map(genuine);
    rule.allows(signers).then_some(()).ok_or(Fault::NoQuorum)
}
