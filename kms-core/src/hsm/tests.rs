//! The HSM as others meet it: what it needs to join, what it forgets, and what it refuses. Everything
//! runs on both backends, because a domain may outlive a change of library.

mod cache;
mod recovery;
mod secrecy;
mod session;
mod stale;
mod transfer;

use super::{
    BackingKeyRef, Command, DataKeyPlaintext, DomainToken, Fault, Founded, HsmDevice, HsmIdentity,
    Mandate, Opening, Reply, Sealing, Session, TransferOffer, TransferredKey, Within, found,
};
use crate::ciphertext::EncryptionContext;
use crate::crypto::{AwsLc, CryptoBackend, RustCrypto, SecretBytes};
use crate::env::Timestamp;
use crate::key::KeySpec;
use crate::local::SeededRandom;
use crate::name::{KeyId, RegionName, TokenId};
use crate::token::{DomainEpoch, KeyToken, TokenKind};
use std::sync::Arc;

/// The clock of everybody.
const NOW: Timestamp = Timestamp::from_seconds(1_767_225_600);

const PLAINTEXT: &[u8] = b"correct horse battery staple";

fn backends() -> [Arc<dyn CryptoBackend>; 2] {
    [Arc::new(AwsLc), Arc::new(RustCrypto)]
}

/// HSMs of one domain, and the newest token of it.
struct Cluster {
    devices: Vec<HsmDevice>,
    domain: Founded,
    token: Arc<DomainToken>,
    random: SeededRandom,
    /// What sessions draw from, so that nothing else is drawn differently for them.
    session_random: SeededRandom,
    session: Option<Session>,
}

impl Cluster {
    fn new(backend: &Arc<dyn CryptoBackend>, members: usize, seed: u64) -> Cluster {
        Cluster::of_regions(backend, &[("us-east-1", members)], seed).remove(0)
    }

    /// Clusters of Regions that trust each other.
    fn of_regions(
        backend: &Arc<dyn CryptoBackend>,
        regions: &[(&str, usize)],
        seed: u64,
    ) -> Vec<Cluster> {
        let mut random = SeededRandom::new(seed);
        let mut identity = || HsmIdentity::generate(backend.as_ref(), &mut random);
        let hsms = regions.iter().map(|(name, members)| {
            let region = RegionName::parse(name).unwrap();
            (region, (0..*members).map(|_| identity()).collect())
        });
        let hsms: Vec<(_, Vec<_>)> = hsms.collect();
        let domains = found(&hsms, backend.as_ref(), &mut random).unwrap();
        let clusters = hsms.into_iter().map(|(region, identities)| {
            let domain = domains[&region].clone();
            let device = |identity| HsmDevice::new(identity, backend.clone());
            let devices: Vec<_> = identities.into_iter().map(device).collect();
            let token = domain.token.clone();
            let (random, session_random) = (SeededRandom::new(seed), SeededRandom::new(!seed));
            let session = None;
            let mut cluster = Cluster { devices, domain, token, random, session_random, session };
            for at in 0..cluster.devices.len() {
                cluster.join(at).unwrap();
            }
            cluster
        });
        clusters.collect()
    }

    fn run(
        &mut self,
        at: usize,
        command: &Command,
        tokens: &[Arc<KeyToken>],
    ) -> Result<Reply, Fault> {
        if command.is_order() {
            let host = [self.domain.host()];
            let mandate = Mandate::new(command, &self.token, host, &mut self.random);
            return self.devices[at].manage(command, &mandate, &mut self.random);
        }
        // Of a session under a domain key that it has not heard of, an HSM can say nothing.
        let heard =
            |session: &Session| Some(session.credential().token.epoch) <= self.devices[at].epoch();
        let session = self.session.clone().filter(heard);
        match session.map(|session| self.run_in(&session, at, command, tokens)) {
            Some(Err(Fault::NoSession)) | None => {
                let session = self.session_with(at)?;
                self.session = Some(session.clone());
                self.run_in(&session, at, command, tokens)
            }
            Some(result) => result,
        }
    }

    fn run_in(
        &mut self,
        session: &Session,
        at: usize,
        command: &Command,
        tokens: &[Arc<KeyToken>],
    ) -> Result<Reply, Fault> {
        let within = Within { session: Some(session.credential()), now: NOW };
        self.devices[at].execute(command, tokens, within, &mut self.random)
    }

    /// A session that this very HSM has just begun, with a host that knows the domain as it does.
    fn session_with(&mut self, at: usize) -> Result<Session, Fault> {
        let mut token = DomainToken::clone(&self.token);
        token.serial = self.devices[at].serial().unwrap_or(token.serial);
        let (host, random) = (self.domain.host(), &mut self.session_random);
        Session::with(&mut self.devices[at], &token, host, NOW, random)
    }

    fn join(&mut self, at: usize) -> Result<Reply, Fault> {
        self.run(at, &Command::Join { token: self.token.clone() }, &[])
    }

    /// Rotates the domain key on one HSM and lets it, but no other, know.
    fn rotate(&mut self, at: usize) {
        let rotation = Command::RotateDomainKey { from: self.token.active };
        let Ok(Reply::Domain { token }) = self.run(at, &rotation, &[]) else { panic!() };
        self.token = token;
        self.join(at).unwrap();
    }

    fn key(&mut self, id: KeyId) -> Arc<KeyToken> {
        let spec = KeySpec::SymmetricDefault;
        match self.run(0, &Command::GenerateBackingKey { key: id, spec }, &[]) {
            Ok(Reply::BackingKey { token, .. }) => token,
            other => panic!("{other:?}"),
        }
    }

    fn seal(&mut self, at: usize, token: &Arc<KeyToken>) -> Result<Arc<[u8]>, Fault> {
        match self.run(at, &sealing(token), std::slice::from_ref(token))? {
            Reply::Ciphertext { blob } => Ok(blob),
            other => panic!("{other:?}"),
        }
    }

    fn open(&mut self, at: usize, token: &Arc<KeyToken>, blob: &[u8]) -> Result<Vec<u8>, Fault> {
        let context = EncryptionContext::default();
        let from = Opening::Symmetric { with: of(token), blob: blob.into(), context };
        let command = Command::Decrypt { from };
        match self.run(at, &command, std::slice::from_ref(token))? {
            Reply::Plaintext { plaintext } => Ok(plaintext.as_bytes().to_vec()),
            other => panic!("{other:?}"),
        }
    }

    fn reencrypt(&mut self, at: usize, token: &Arc<KeyToken>) -> Result<Arc<KeyToken>, Fault> {
        let command = Command::ReencryptTokens {
            tokens: vec![(token.key, token.id)],
            under: self.token.active,
        };
        match self.run(at, &command, std::slice::from_ref(token))? {
            Reply::Tokens { tokens } => Ok(tokens[0].clone()),
            other => panic!("{other:?}"),
        }
    }

    fn offer(&mut self, key: KeyId) -> TransferOffer {
        match self.run(0, &Command::OfferTransfer { key }, &[]) {
            Ok(Reply::Offer(offer)) => offer,
            other => panic!("{other:?}"),
        }
    }

    fn export(
        &mut self,
        token: &Arc<KeyToken>,
        offer: &TransferOffer,
    ) -> Result<Vec<TransferredKey>, Fault> {
        let offer = Box::new(offer.clone());
        let command = Command::ExportBackingKeys { keys: vec![of(token)], offer };
        match self.run(0, &command, std::slice::from_ref(token))? {
            Reply::Transferred(keys) => Ok(keys),
            other => panic!("{other:?}"),
        }
    }

    fn import(
        &mut self,
        key: KeyId,
        offer: TransferOffer,
        transferred: Vec<TransferredKey>,
    ) -> Result<Arc<KeyToken>, Fault> {
        match self.run(0, &Command::ImportBackingKeys { key, offer, transferred }, &[])? {
            Reply::Tokens { tokens } => Ok(tokens[0].clone()),
            other => panic!("{other:?}"),
        }
    }
}

fn id(byte: u8) -> KeyId {
    KeyId::multi_region([byte; 16])
}

fn of(token: &KeyToken) -> BackingKeyRef {
    BackingKeyRef { key: token.key, material: token.material, token: token.id }
}

fn sealing(token: &KeyToken) -> Command {
    let plaintext = SecretBytes::from(PLAINTEXT.to_vec());
    let to = Sealing::Symmetric { with: of(token), context: EncryptionContext::default() };
    Command::Encrypt { to, plaintext }
}

#[test]
fn a_reset_forgets_everything_until_it_joins_again() {
    for backend in backends() {
        let mut cluster = Cluster::new(&backend, 1, 1);
        let token = cluster.key(id(1));
        let blob = cluster.seal(0, &token).unwrap();
        cluster.devices[0].reset();
        assert_eq!(cluster.devices[0].epoch(), None);
        assert_eq!(
            cluster.run(0, &Command::GenerateRandom { bytes: 8 }, &[]),
            Err(Fault::NotJoined)
        );
        assert_eq!(cluster.open(0, &token, &blob), Err(Fault::NotJoined));
        cluster.join(0).unwrap();
        assert_eq!(cluster.open(0, &token, &blob).unwrap(), PLAINTEXT);
    }
}

#[test]
fn only_a_member_joins_and_any_member_opens() {
    for backend in backends() {
        let mut cluster = Cluster::new(&backend, 3, 1);
        let mut stranger = Cluster::new(&backend, 1, 2);
        let token = cluster.key(id(1));
        let blob = cluster.seal(0, &token).unwrap();
        assert_eq!(cluster.open(2, &token, &blob).unwrap(), PLAINTEXT);
        assert_eq!(stranger.open(0, &token, &blob), Err(Fault::BadToken), "another domain key");
        stranger.token = cluster.token.clone();
        assert_eq!(stranger.join(0), Err(Fault::Refused));
        stranger.devices[0].reset();
        assert_eq!(stranger.join(0), Err(Fault::NoQuorum), "its host commands another domain");
        stranger.domain = cluster.domain.clone();
        assert_eq!(stranger.join(0), Err(Fault::Refused), "nothing is sealed to it");
        assert_eq!(stranger.devices[0].epoch(), None);
    }
}

#[test]
fn a_domain_token_with_another_active_key_is_refused() {
    for backend in backends() {
        let mut cluster = Cluster::new(&backend, 1, 1);
        let mut token = DomainToken::clone(&cluster.token);
        token.active = DomainEpoch(2);
        cluster.token = Arc::new(token);
        cluster.devices[0].reset();
        assert_eq!(cluster.join(0), Err(Fault::Refused));
    }
}

#[test]
fn rotation_keeps_some_domain_keys_and_drops_the_oldest() {
    for backend in backends() {
        let mut cluster = Cluster::new(&backend, 2, 1);
        let old = cluster.key(id(1));
        let blob = cluster.seal(0, &old).unwrap();
        for kept in 2..=4 {
            cluster.rotate(0);
            assert_eq!(
                (cluster.token.active, cluster.token.oldest()),
                (DomainEpoch(kept), DomainEpoch(1))
            );
        }
        assert_eq!(cluster.open(0, &old, &blob).unwrap(), PLAINTEXT);
        let new = cluster.reencrypt(0, &old).unwrap();
        assert_eq!((new.id, new.epoch), (old.id, DomainEpoch(4)));
        cluster.rotate(0);
        assert_eq!(cluster.token.oldest(), DomainEpoch(2));
        assert_eq!(cluster.open(0, &old, &blob), Err(Fault::UnknownDomainKey));
        assert_eq!(cluster.open(0, &new, &blob).unwrap(), PLAINTEXT);
        assert_eq!(
            cluster.open(1, &old, &blob).unwrap(),
            PLAINTEXT,
            "it has not heard of any rotation"
        );
    }
}

#[test]
fn a_token_that_was_tampered_with_opens_nothing() {
    for backend in backends() {
        let mut cluster = Cluster::new(&backend, 1, 1);
        let (token, other) = (cluster.key(id(1)), cluster.key(id(2)));
        cluster.rotate(0);
        let tamper = |change: fn(&mut KeyToken)| {
            let mut token = KeyToken::clone(&token);
            change(&mut token);
            Arc::new(token)
        };
        let tampered = [
            tamper(|token| token.sealed[0] ^= 1),
            tamper(|token| token.sealed.truncate(5)),
            tamper(|token| token.iv[0] ^= 1),
            tamper(|token| token.epoch = DomainEpoch(2)),
            tamper(|token| token.key = id(3)),
            tamper(|token| token.material.0[0] ^= 1),
            tamper(|token| token.kind = TokenKind::BackingKey(KeySpec::Hmac256)),
            tamper(|token| token.kind = TokenKind::TransferKey),
            tamper(|token| token.id = TokenId([0; 16])),
        ];
        for bad in &tampered {
            assert_eq!(cluster.seal(0, bad), Err(Fault::BadToken), "{bad:?}");
            assert_eq!(cluster.reencrypt(0, bad), Err(Fault::BadToken), "{bad:?}");
        }
        assert_eq!(cluster.run(0, &sealing(&token), &[]), Err(Fault::BadToken), "no token at all");
        assert_eq!(
            cluster.run(0, &sealing(&token), &[other]),
            Err(Fault::BadToken),
            "not this one"
        );
    }
}

#[test]
fn a_message_opens_only_with_its_key_and_context() {
    for backend in backends() {
        let mut cluster = Cluster::new(&backend, 1, 1);
        let (token, other) = (cluster.key(id(1)), cluster.key(id(2)));
        let blob = cluster.seal(0, &token).unwrap();
        assert_eq!(cluster.open(0, &other, &blob), Err(Fault::BadCiphertext));
        for at in 0..blob.len() {
            let mut damaged = blob.to_vec();
            damaged[at] ^= 1;
            assert_eq!(cluster.open(0, &token, &damaged), Err(Fault::BadCiphertext), "byte {at}");
        }
        let pairs = [("a".to_owned(), "b".to_owned())].into();
        let context = EncryptionContext::new(pairs);
        let bound =
            Command::Decrypt { from: Opening::Symmetric { with: of(&token), blob, context } };
        assert_eq!(cluster.run(0, &bound, &[token]), Err(Fault::BadCiphertext));
    }
}

#[test]
fn both_backends_speak_the_same_bytes() {
    let [mut one, mut other] = backends().map(|backend| Cluster::new(&backend, 2, 7));
    let (token, same) = (one.key(id(1)), other.key(id(1)));
    assert!(token == same, "the same draws make the same token");
    assert_eq!(one.seal(0, &token), other.seal(0, &same));
}

#[test]
fn nothing_that_is_printed_shows_a_secret() {
    let backend = &backends()[0];
    let mut cluster = Cluster::new(backend, 1, 1);
    let token = cluster.key(id(1));
    let data_key = Command::GenerateDataKey {
        with: of(&token),
        bytes: 32,
        context: EncryptionContext::default(),
        plaintext: DataKeyPlaintext::Returned,
    };
    let blob = cluster.seal(0, &token).unwrap();
    let context = EncryptionContext::default();
    let opening = Command::Decrypt { from: Opening::Symmetric { with: of(&token), blob, context } };
    let tokens = std::slice::from_ref(&token);
    assert_eq!(format!("{:?}", sealing(&token)), "Encrypt");
    assert_eq!(format!("{:?}", cluster.run(0, &opening, tokens)), "Ok(Plaintext)");
    assert_eq!(format!("{:?}", cluster.run(0, &data_key, tokens)), "Ok(DataKey)");
    assert_eq!(
        format!("{token:?}"),
        format!("KeyToken({} of mrk-{}, epoch 1)", token.id, "01".repeat(16))
    );
    let device = &cluster.devices[0];
    let identity = format!("HsmIdentity({:02x?})", &device.identity().public[1..5]);
    assert_eq!(format!("{device:?}"), format!("HsmDevice({identity}, epoch Some(DomainEpoch(1)))"));
    let shown = "DomainToken(us-east-1 1, epoch 1, 1 HSMs, 4 operators)";
    assert_eq!(format!("{:?}", cluster.token), shown);
}
