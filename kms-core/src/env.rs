//! What surrounds a request: who calls, when, over what, and where randomness comes from.
//!
//! Nothing here is looked up. A shell fills these values in and hands them to the core, so the same
//! decision can be taken again, elsewhere, with the same outcome.

use crate::name::{AccountId, PrincipalArn};
use crate::policy::Policy;
use std::collections::BTreeMap;
use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

/// A moment on some clock: microseconds since the Unix epoch.
///
/// Every node has its own clock, so two timestamps of different nodes may disagree about the same
/// moment. Microseconds are enough for the wire (fractions of seconds) and for a log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Timestamp(u64);

impl Timestamp {
    /// The first moment of 1970.
    pub const EPOCH: Timestamp = Timestamp(0);

    /// From microseconds since the Unix epoch.
    pub const fn from_micros(micros: u64) -> Timestamp {
        Timestamp(micros)
    }

    /// From whole seconds since the Unix epoch.
    pub const fn from_seconds(seconds: u64) -> Timestamp {
        Timestamp(seconds * 1_000_000)
    }

    /// Microseconds since the Unix epoch.
    pub const fn as_micros(self) -> u64 {
        self.0
    }

    /// This moment later by `span`, at most the last representable one.
    pub fn after(self, span: Duration) -> Timestamp {
        Timestamp(self.0.saturating_add(u64::try_from(span.as_micros()).unwrap_or(u64::MAX)))
    }

    /// How long after `earlier` this moment is; zero when it is not.
    pub fn since(self, earlier: Timestamp) -> Duration {
        Duration::from_micros(self.0.saturating_sub(earlier.0))
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match i64::try_from(self.0).ok().and_then(|m| jiff::Timestamp::from_microsecond(m).ok()) {
            Some(moment) => write!(f, "{moment:.3}"),
            None => write!(f, "{} µs", self.0),
        }
    }
}

/// What a draw of randomness is for. Together with the request and the attempt it names the draw, so
/// that a simulated run gives the same bytes whatever else happens around it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Site {
    /// The id of a new key.
    KeyId,
    /// The id of a new grant.
    GrantId,
    /// The text of a new grant token.
    GrantToken,
    /// The id of a new key token.
    TokenId,
    /// The per-message nonce a data key is derived with.
    MessageNonce,
    /// The initialisation vector of a sealed message.
    MessageIv,
    /// The initialisation vector of a key token or a domain token.
    TokenIv,
    /// A new backing key.
    BackingKey,
    /// A new domain key.
    DomainKey,
    /// A data key or random bytes for a caller.
    CallerBytes,
    /// An ephemeral agreement key.
    EphemeralKey,
    /// What randomizes a signature: the salt of PSS, the hedge of ML-DSA.
    SignatureNonce,
    /// What randomizes an encryption for a public key: the seed of OAEP, the ephemeral scalar of SM2.
    EncryptionSeed,
    /// The key around what an attested recipient gets.
    EnvelopeKey,
    /// The initialisation vector of the same.
    EnvelopeIv,
    /// The secret that is encapsulated.
    Encapsulation,
    /// The id of a new custom key store.
    KeyStoreId,
    /// A new password of a cluster's `kmsuser`.
    KmsuserPassword,
    /// The key of a session between a host and the HSMs of its domain.
    SessionKey,
}

impl Site {
    /// How many there are. Whoever adds one after the last names it here.
    pub const COUNT: usize = Site::SessionKey as usize + 1;
}

/// Where random bytes come from: an argument, never a global.
pub trait Random {
    /// Fills `bytes` for the purpose named. A second draw at the same site gives other bytes.
    fn fill(&mut self, site: Site, bytes: &mut [u8]);
}

/// Draws a fixed number of bytes.
pub fn draw<const N: usize>(random: &mut dyn Random, site: Site) -> [u8; N] {
    let mut bytes = [0; N];
    random.fill(site, &mut bytes);
    bytes
}

/// The identity of one request, the same over all attempts of one client call's answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RequestId(pub u128);

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        crate::name::write_uuid(f, &self.0.to_be_bytes())
    }
}

/// Who calls: a principal and what its own account says of it.
#[derive(Clone, Debug)]
pub struct Caller {
    /// The principal, already authenticated by the shell.
    pub principal: PrincipalArn,
    /// The identity policies attached to the principal in its account, of IAM.
    pub identity_policies: Vec<Arc<Policy>>,
    /// Tags of the principal, for `aws:PrincipalTag/…`.
    pub tags: BTreeMap<String, String>,
    /// The organization the account belongs to, for `aws:PrincipalOrgID`.
    pub organization: Option<String>,
    /// Policies that only restrict: boundary, session, SCP, RCP and endpoint policies.
    pub restricting_policies: Vec<Arc<Policy>>,
}

impl Caller {
    /// A principal without policies of its own.
    pub fn new(principal: PrincipalArn) -> Caller {
        Caller {
            principal,
            identity_policies: Vec::new(),
            tags: BTreeMap::new(),
            organization: None,
            restricting_policies: Vec::new(),
        }
    }

    /// The same caller with one more identity policy.
    #[must_use]
    pub fn with_policy(mut self, policy: Arc<Policy>) -> Caller {
        self.identity_policies.push(policy);
        self
    }

    /// The account that pays for the request and whose quota it uses.
    pub fn account(&self) -> AccountId {
        self.principal.account()
    }
}

/// An AWS service that makes the request, for itself or for its user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallingService {
    /// The `kms:ViaService` value, such as `s3.us-east-1.amazonaws.com`.
    pub via: String,
    /// The resource the service acts for, `aws:SourceArn`.
    pub source_arn: Option<String>,
    /// The account of that resource, `aws:SourceAccount`.
    pub source_account: Option<AccountId>,
    /// The organization of that account, `aws:SourceOrgID`.
    pub source_organization: Option<String>,
}

/// The network path of the request, for condition keys.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NetworkPath {
    /// `aws:SourceIp`.
    pub source_ip: Option<IpAddr>,
    /// `aws:SourceVpce`.
    pub vpc_endpoint: Option<String>,
    /// `aws:SourceVpc`.
    pub vpc: Option<String>,
}

/// Everything a decision may know beside the state and the request.
#[derive(Clone, Debug)]
pub struct Call {
    /// Names the request in the audit and in random draws.
    pub request_id: RequestId,
    /// Who calls.
    pub caller: Arc<Caller>,
    /// The AWS service in between, if any.
    pub service: Option<CallingService>,
    /// The network path.
    pub network: NetworkPath,
    /// The host's clock; it may be skewed.
    pub now: Timestamp,
    /// The host's monotonic clock, which quota intervals are counted in.
    pub monotonic: Duration,
    /// Which decision of the same request this is. Only the first one charges the quota.
    pub decision: u8,
    /// Whether the host has caught up with the journal since the request came in.
    pub caught_up: bool,
}

impl Call {
    /// A call of which nothing is known but who makes it, and when.
    pub fn by(caller: Arc<Caller>, now: Timestamp) -> Call {
        Call {
            request_id: RequestId(0),
            caller,
            service: None,
            network: NetworkPath::default(),
            now,
            monotonic: Duration::ZERO,
            decision: 0,
            caught_up: true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_saturates_instead_of_wrapping() {
        let late = Timestamp::from_micros(u64::MAX);
        assert_eq!(late.after(Duration::from_secs(1)), late);
        assert_eq!(Timestamp::EPOCH.since(late), Duration::ZERO);
    }

    #[test]
    fn time_reads_as_a_date() {
        assert_eq!(Timestamp::from_seconds(1_767_225_600).to_string(), "2026-01-01T00:00:00.000Z");
    }
}
