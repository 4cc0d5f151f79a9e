//! The ceremony by which Regions begin: operators get their keys, each Region its replication signing
//! key, and a first HSM of each founds its domain. The first domain of a Region is made by hand (AWS
//! KMS Cryptographic Details, Domains).

use super::domain::{
    Charter, DomainToken, HsmIdentity, OperatorKey, OperatorRole, Rules, SigningKey,
};
use super::{Command, Fault};
use crate::crypto::{CryptoBackend, CryptoFailure};
use crate::env::Random;
use crate::name::RegionName;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Whom a new domain listens to: one key that its service hosts share, and people enough for every
/// quorum of the default rules.
const OPERATORS: [OperatorRole; 4] = [
    OperatorRole::ServiceHost,
    OperatorRole::KmsOperator,
    OperatorRole::KmsOperator,
    OperatorRole::SecurityOfficer,
];

/// A new domain.
#[derive(Clone, Debug)]
pub struct Founded {
    /// Its first token.
    pub token: Arc<DomainToken>,
    /// Who commands it.
    pub operators: Vec<OperatorKey>,
}

impl Founded {
    /// The key of the service hosts, which keeps HSMs joined and the domain key fresh.
    ///
    /// # Panics
    /// Never: a ceremony makes one.
    pub fn host(&self) -> &OperatorKey {
        let host = self.operators.iter().find(|key| key.role() == OperatorRole::ServiceHost);
        host.expect("a ceremony makes a service host's key")
    }

    /// The order by which its members join it.
    pub fn join(&self) -> Command {
        Command::Join { token: self.token.clone() }
    }

    /// The people.
    pub fn people(&self) -> impl Iterator<Item = &OperatorKey> {
        self.operators.iter().filter(|key| key.role() != OperatorRole::ServiceHost)
    }
}

/// The domains of some Regions.
pub type Domains = BTreeMap<RegionName, Founded>;

/// Founds the domains of Regions that trust each other, on the first HSM of each.
///
/// # Errors
/// `Refused` when a Region has no HSM, or the backend lacks P-384.
pub fn found(
    regions: &[(RegionName, Vec<HsmIdentity>)],
    backend: &dyn CryptoBackend,
    random: &mut dyn Random,
) -> Result<Domains, Fault> {
    let mut replication = BTreeMap::new();
    for (region, _) in regions {
        let key = SigningKey::generate(backend, random).map_err(refused)?;
        replication.insert(*region, key);
    }
    let trusted: BTreeMap<_, _> =
        replication.iter().map(|(region, key)| (*region, key.public().clone())).collect();
    let mut domains = Domains::new();
    for (region, hsms) in regions {
        let operators = OPERATORS.map(|role| OperatorKey::generate(role, backend, random));
        let operators = operators.into_iter().collect::<Result<Vec<_>, _>>().map_err(refused)?;
        let charter = Charter {
            region: *region,
            members: hsms.iter().map(|hsm| (hsm.public, hsm.member())).collect(),
            operators: operators.iter().map(OperatorKey::operator).collect(),
            rules: Rules::default(),
            regions: trusted.clone(),
        };
        let founder = hsms.first().ok_or(Fault::Refused)?;
        let token = DomainToken::found(founder, charter, &replication[region], backend, random)?;
        domains.insert(*region, Founded { token: Arc::new(token), operators });
    }
    Ok(domains)
}

fn refused(_: CryptoFailure) -> Fault {
    Fault::Refused
}
