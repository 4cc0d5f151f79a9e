//! Backing keys on their way between Regions: only what the sender signed, for the receiver that asked,
//! becomes a key token.

use super::*;

type Tamper = fn(&mut TransferredKey);

/// A sender, a receiver of two HSMs and a third Region, which trust each other.
fn regions(backend: &Arc<dyn CryptoBackend>) -> [Cluster; 3] {
    let regions = [("us-east-1", 1), ("eu-west-1", 2), ("ap-south-1", 1)];
    let clusters = Cluster::of_regions(backend, &regions, 1);
    clusters.try_into().ok().unwrap()
}

#[test]
fn a_key_moves_between_two_domains_under_its_own_id() {
    for backend in backends() {
        let [mut from, mut to, _] = regions(&backend);
        let token = from.key(id(1));
        let blob = from.seal(0, &token).unwrap();
        let offer = to.offer(id(1));
        let moved = from.export(&token, &offer).unwrap();
        let imported = to.import(id(1), offer, moved).unwrap();
        assert_eq!((imported.key, imported.material), (token.key, token.material));
        assert_eq!(to.open(1, &imported, &blob).unwrap(), PLAINTEXT);
        assert_eq!(from.open(0, &imported, &blob), Err(Fault::BadToken), "under the other domain");
    }
}

#[test]
fn an_offer_that_its_region_did_not_sign_gets_nothing() {
    for backend in backends() {
        let [mut from, mut to, _] = regions(&backend);
        let token = from.key(id(1));
        let offer = to.offer(id(1));
        let (ours, other) = (from.offer(id(1)), to.offer(id(2)));
        let third = RegionName::parse("ap-south-1").unwrap();
        let unknown = RegionName::parse("sa-east-1").unwrap();
        let mut damaged = offer.clone();
        damaged.signature[9] ^= 1;
        let mut off_curve = offer.clone();
        off_curve.public[1] ^= 1;
        let mut stale = KeyToken::clone(&offer.sealed);
        stale.epoch = DomainEpoch(2);
        let bad = [
            ("a damaged signature", damaged),
            ("no signature", TransferOffer { signature: Vec::new(), ..offer.clone() }),
            ("another Region's name", TransferOffer { region: third, ..offer.clone() }),
            ("a Region nobody trusts", TransferOffer { region: unknown, ..offer.clone() }),
            ("this very Region", ours),
            ("another point", TransferOffer { public: other.public.clone(), ..offer.clone() }),
            ("a point that is none", off_curve),
            ("another domain key", TransferOffer { sealed: Arc::new(stale), ..offer.clone() }),
            ("an offer for another key", other),
        ];
        for (what, bad) in bad {
            assert_eq!(from.export(&token, &bad).err(), Some(Fault::Refused), "{what}");
        }
        assert!(from.export(&token, &offer).is_ok());
    }
}

#[test]
fn a_stranger_is_neither_sender_nor_receiver() {
    for backend in backends() {
        let [mut from, mut to, _] = regions(&backend);
        let mut stranger = Cluster::of_regions(&backend, &[("eu-west-1", 1)], 2).remove(0);
        let token = from.key(id(1));
        assert!(from.export(&token, &stranger.offer(id(1))).is_err(), "the name, not the key");
        let offer = to.offer(id(1));
        let own = stranger.key(id(1));
        assert!(stranger.export(&own, &offer).is_err(), "it trusts no other Region");
        let moved = from.export(&token, &offer).unwrap();
        let opened = stranger.import(id(1), offer, moved);
        assert_eq!(opened, Err(Fault::BadToken), "the offer is under another domain key");
    }
}

#[test]
fn a_transfer_that_was_tampered_with_is_refused() {
    for backend in backends() {
        let [mut from, mut to, mut third] = regions(&backend);
        let token = from.key(id(1));
        let (offer, other) = (to.offer(id(1)), to.offer(id(1)));
        let moved = from.export(&token, &offer).unwrap();
        let refused = Err(Fault::Refused);
        assert_eq!(to.import(id(2), offer.clone(), moved.clone()), refused, "another key");
        assert_eq!(to.import(id(1), other.clone(), moved.clone()), refused, "another offer");
        let theirs = third.offer(id(1));
        assert_eq!(third.import(id(1), theirs, moved.clone()), refused, "a replay elsewhere");
        assert_eq!(third.import(id(1), offer.clone(), moved.clone()), refused, "offer and all");
        let swapped = TransferOffer { public: other.public, ..offer.clone() };
        assert_eq!(to.import(id(1), swapped, moved.clone()), refused, "another public point");
        let elsewhere = RegionName::parse("ap-south-1").unwrap();
        let renamed = TransferOffer { region: elsewhere, ..offer.clone() };
        assert_eq!(to.import(id(1), renamed, moved.clone()), refused, "an offer of another Region");
        let tampers: [(&str, Tamper); 8] = [
            ("a damaged key", |one| one.sealed[0] ^= 1),
            ("a damaged signature", |one| one.signature[9] ^= 1),
            ("another material", |one| one.material.0[0] ^= 1),
            ("another kind of key", |one| one.spec = KeySpec::Hmac256),
            ("another sender", |one| one.from = RegionName::parse("ap-south-1").unwrap()),
            ("an unknown sender", |one| one.from = RegionName::parse("sa-east-1").unwrap()),
            ("the receiver itself", |one| one.from = RegionName::parse("eu-west-1").unwrap()),
            ("another domain key", |one| one.epoch = DomainEpoch(2)),
        ];
        for (what, tamper) in tampers {
            let mut tampered = moved.clone();
            tamper(&mut tampered[0]);
            assert_eq!(to.import(id(1), offer.clone(), tampered), refused, "{what}");
        }
        assert!(to.import(id(1), offer, moved).is_ok());
    }
}

/// An offer is as old as the domain key its private half is under: what answers it later than the
/// domain remembers is refused.
#[test]
fn an_answer_to_an_offer_of_a_dropped_domain_key_is_refused() {
    for backend in backends() {
        let [mut from, mut to, _] = regions(&backend);
        let token = from.key(id(1));
        let offer = to.offer(id(1));
        let moved = from.export(&token, &offer).unwrap();
        (0..4).for_each(|_| to.rotate(0));
        assert_eq!(to.import(id(1), offer, moved), Err(Fault::UnknownDomainKey));
    }
}
