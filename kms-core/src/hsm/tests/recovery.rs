//! The loss of every HSM that serves: the one in the safe still has the domain, and founds the fleet
//! again by quorum.

use super::*;
use crate::hsm::{DomainChange, OperatorKey, OperatorRole};

impl Cluster {
    /// A command that these people sign.
    fn signed_by(
        &mut self,
        at: usize,
        order: &Command,
        roles: &[OperatorRole],
    ) -> Result<Reply, Fault> {
        let mut left: Vec<&OperatorKey> = self.domain.operators.iter().collect();
        let signers: Vec<&OperatorKey> = roles
            .iter()
            .map(|role| left.remove(left.iter().position(|key| key.role() == *role).unwrap()))
            .collect();
        let mandate = Mandate::new(order, &self.token, signers, &mut self.random);
        self.devices[at].manage(order, &mandate, &mut self.random)
    }

    /// A change of the charter that an HSM exports.
    fn change(&mut self, at: usize, change: DomainChange) {
        let order = Command::ChangeDomain { change: Box::new(change) };
        match self.signed_by(at, &order, &[OperatorRole::KmsOperator; 2]) {
            Ok(Reply::Domain { token }) => self.token = token,
            other => panic!("{other:?}"),
        }
    }

    fn recover(&mut self, at: usize) -> Result<Reply, Fault> {
        let join = Command::Join { token: self.token.clone() };
        self.signed_by(at, &join, &[OperatorRole::KmsOperator, OperatorRole::SecurityOfficer])
    }

    fn new_hsm(&mut self, backend: &Arc<dyn CryptoBackend>) -> usize {
        let random = &mut SeededRandom::new(900 + self.token.serial);
        let identity = HsmIdentity::generate(backend.as_ref(), random);
        self.devices.push(HsmDevice::new(identity, backend.clone()));
        self.devices.len() - 1
    }
}

/// Two HSMs that serve and one in a safe, whose number is 2.
fn guarded(backend: &Arc<dyn CryptoBackend>) -> Cluster {
    let mut cluster = Cluster::new(backend, 2, 1);
    let safe = cluster.new_hsm(backend);
    let member = cluster.devices[safe].identity().member().offline();
    cluster.change(0, DomainChange::Admit(member));
    (0..2).for_each(|at| drop(cluster.join(at).unwrap()));
    cluster
}

#[test]
fn a_region_that_lost_every_hsm_comes_back_with_every_key() {
    for backend in backends() {
        let mut cluster = guarded(&backend);
        let mut kept = Vec::new();
        for number in 1..=6 {
            let token = cluster.key(id(number));
            kept.push((token.clone(), cluster.seal(0, &token).unwrap()));
            cluster.rotate(0);
            for (token, _) in &mut kept {
                *token = cluster.reencrypt(0, token).unwrap();
            }
        }
        let lost: Vec<_> = cluster.devices.drain(..2).collect();
        assert_eq!(cluster.recover(0), Ok(Reply::Joined));
        for _ in 0..2 {
            let new = cluster.new_hsm(&backend);
            let member = cluster.devices[new].identity().member();
            cluster.change(0, DomainChange::Admit(member));
            cluster.recover(0).unwrap();
        }
        for device in &lost {
            cluster.change(0, DomainChange::Expel(device.identity().public));
            cluster.recover(0).unwrap();
        }
        cluster.devices[0].reset();
        for at in 1..=2 {
            assert_eq!(cluster.join(at), Ok(Reply::Joined), "a host joins what serves");
            for (token, blob) in &kept {
                assert_eq!(cluster.open(at, token, blob).unwrap(), PLAINTEXT);
            }
        }
        cluster.devices.extend(lost);
        cluster.devices[3].reset();
        assert_eq!(cluster.join(3), Err(Fault::Refused), "a destroyed HSM that turns up again");
    }
}

#[test]
fn an_hsm_in_a_safe_takes_an_officer_and_an_operator() {
    use OperatorRole::{KmsOperator, SecurityOfficer, ServiceHost};
    for backend in backends() {
        let mut cluster = guarded(&backend);
        let join = Command::Join { token: cluster.token.clone() };
        for few in [
            &[ServiceHost][..],
            &[KmsOperator],
            &[SecurityOfficer],
            &[KmsOperator, KmsOperator],
            &[ServiceHost, KmsOperator],
            &[ServiceHost, SecurityOfficer],
        ] {
            assert_eq!(cluster.signed_by(2, &join, few), Err(Fault::NoQuorum), "{few:?}");
        }
        assert_eq!(cluster.recover(2), Ok(Reply::Joined));
    }
}

#[test]
fn an_hsm_in_a_safe_touches_no_key() {
    for backend in backends() {
        let mut cluster = guarded(&backend);
        let token = cluster.key(id(1));
        let blob = cluster.seal(0, &token).unwrap();
        cluster.recover(2).unwrap();
        assert_eq!(cluster.open(2, &token, &blob), Err(Fault::Refused));
        assert_eq!(cluster.seal(2, &token), Err(Fault::Refused));
        assert_eq!(cluster.reencrypt(2, &token), Err(Fault::Refused));
        let random = Command::GenerateRandom { bytes: 8 };
        assert_eq!(cluster.run(2, &random, &[]), Err(Fault::Refused));
    }
}
