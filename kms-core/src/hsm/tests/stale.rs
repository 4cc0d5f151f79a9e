//! HSMs that have not heard of a rotation of the domain key: they do nothing to the domain, and what they
//! make is not believed.

use super::*;

#[test]
fn a_stale_hsm_leaves_the_domain_alone() {
    for backend in backends() {
        let mut cluster = Cluster::new(&backend, 2, 1);
        let old = cluster.key(id(1));
        let first = cluster.token.clone();
        cluster.rotate(0);
        let new = cluster.key(id(2));
        let rotation = Command::RotateDomainKey { from: cluster.token.active };
        assert_eq!(cluster.run(1, &rotation, &[]), Err(Fault::UnknownDomainKey));
        assert_eq!(cluster.reencrypt(1, &old), Err(Fault::UnknownDomainKey));
        assert_eq!(cluster.seal(1, &new), Err(Fault::UnknownDomainKey));
        let outdated = Command::RotateDomainKey { from: first.active };
        assert_eq!(cluster.run(0, &outdated, &[]), Err(Fault::Refused));
        cluster.run(0, &Command::Join { token: first }, &[]).unwrap();
        assert_eq!(
            cluster.devices[0].epoch(),
            Some(DomainEpoch(2)),
            "an older token changes nothing"
        );
        cluster.join(1).unwrap();
        assert_eq!(cluster.reencrypt(1, &old).unwrap().epoch, DomainEpoch(2));
    }
}

/// What such an HSM wraps looks whole. Whoever has heard of the rotation does not believe it, and would,
/// had it come from an HSM that has heard of it too.
#[test]
fn what_a_stale_hsm_wraps_is_not_believed() {
    for backend in backends() {
        let mut cluster = Cluster::new(&backend, 2, 1);
        let spec = KeySpec::SymmetricDefault;
        let before = cluster.token.active;
        cluster.rotate(0);
        let active = cluster.token.active;
        let wrapping = [
            Command::GenerateBackingKey { key: id(1), spec },
            Command::OfferTransfer { key: id(1) },
        ];
        for command in &wrapping {
            let made = cluster.run(1, command, &[]).unwrap();
            assert!(command.is_answered_by(&made, before), "{command:?}: whole, but old");
            assert!(!command.is_answered_by(&made, active), "{command:?}");
            let random = &mut SeededRandom::new(3);
            let within = Within { session: None, now: NOW };
            let told = cluster.devices[1].serve(command, &[], within, active, random);
            assert_eq!(
                told,
                Err(Fault::UnknownDomainKey),
                "{command:?}: it hears that it is stale"
            );
        }
        cluster.join(1).unwrap();
        for command in &wrapping {
            let made = cluster.run(1, command, &[]).unwrap();
            assert!(command.is_answered_by(&made, active), "{command:?}");
        }
    }
}

/// Tokens that were wrapped again have to be under the domain key they were to be wrapped under, whatever
/// the HSM holds for the active one.
#[test]
fn tokens_that_a_stale_hsm_wrapped_again_are_not_believed() {
    for backend in backends() {
        let mut cluster = Cluster::new(&backend, 2, 1);
        let old = cluster.key(id(1));
        let again = |under| Command::ReencryptTokens { tokens: vec![(old.key, old.id)], under };
        let before = cluster.token.active;
        cluster.rotate(0);
        let active = cluster.token.active;
        let tokens = std::slice::from_ref(&old);
        let stale = cluster.run(1, &again(before), tokens).unwrap();
        assert!(again(before).is_answered_by(&stale, before));
        assert!(!again(active).is_answered_by(&stale, before));
        let fresh = cluster.run(0, &again(active), tokens).unwrap();
        assert!(again(active).is_answered_by(&fresh, active));
    }
}
