//! What an HSM draws as a key never leaves it in the clear: a long random run of commands in two
//! Regions, and every byte of every answer, and every Debug text, searched for every secret.

use super::*;
use crate::algorithm::{MacAlgorithm, MessageType, SigningAlgorithm};
use crate::env::{Random, Site};
use crate::hsm::{DomainChange, Negotiation, SignedMessage};
use std::collections::BTreeSet;

/// As many bytes in a row of a secret as count as a leak.
const WINDOW: usize = 16;
const STEPS: usize = 400;

const SPECS: [KeySpec; 5] = [
    KeySpec::SymmetricDefault,
    KeySpec::Hmac256,
    KeySpec::EccNistP256,
    KeySpec::EccNistEdwards25519,
    KeySpec::MlDsa44,
];

/// Random bytes, and a note of those that are keys.
struct Watched {
    source: SeededRandom,
    secrets: BTreeSet<[u8; WINDOW]>,
    /// A key pair that is for the caller is no secret of the HSM.
    for_caller: bool,
}

impl Random for Watched {
    fn fill(&mut self, site: Site, bytes: &mut [u8]) {
        self.source.fill(site, bytes);
        let key = matches!(
            site,
            Site::BackingKey | Site::DomainKey | Site::EphemeralKey | Site::SessionKey
        );
        if key && !self.for_caller {
            self.secrets
                .extend(bytes.windows(WINDOW).map(|part| <[u8; WINDOW]>::try_from(part).unwrap()));
        }
    }
}

impl Watched {
    fn below(&mut self, end: usize) -> usize {
        let mut byte = [0; 2];
        self.source.fill(Site::KeyId, &mut byte);
        usize::from(u16::from_be_bytes(byte)) % end
    }

    fn leaks(&self, bytes: &[u8]) -> bool {
        bytes
            .windows(WINDOW)
            .any(|part| self.secrets.contains(<&[u8; WINDOW]>::try_from(part).unwrap()))
    }

    /// Whether a text shows a secret as hexadecimal digits or as a list of numbers.
    fn is_shown_in(&self, text: &str) -> bool {
        let digits: String = text.chars().filter(char::is_ascii_hexdigit).collect();
        let hex = |from: usize| {
            let pairs = digits.as_bytes()[from.min(digits.len())..].chunks_exact(2);
            let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16);
            pairs.map(|pair| byte(pair).unwrap()).collect::<Vec<_>>()
        };
        let numbers = text.split(|letter: char| !letter.is_ascii_digit());
        let numbers: Vec<u8> = numbers.filter_map(|number| number.parse().ok()).collect();
        [hex(0), hex(1), numbers].iter().any(|bytes| self.leaks(bytes))
    }
}

/// Every byte that leaves an HSM with an answer.
fn bytes_of(reply: &Reply) -> Vec<u8> {
    let token = |token: &KeyToken| [token.aad(), token.iv.to_vec(), token.sealed.to_vec()].concat();
    let secret =
        |secret: &Option<SecretBytes>| secret.iter().flat_map(|s| s.as_bytes().to_vec()).collect();
    match reply {
        Reply::BackingKey { token: made, public_key } => {
            [token(made), public_key.iter().flat_map(|key| key.to_vec()).collect()].concat()
        }
        Reply::ImportParameters { public_key, token } => {
            [public_key.to_vec(), token.to_vec()].concat()
        }
        Reply::Ciphertext { blob } => blob.to_vec(),
        Reply::DataKey { blob, plaintext } => [blob.to_vec(), secret(plaintext)].concat(),
        Reply::DataKeyPair { blob, plaintext, public_key } => {
            [blob.to_vec(), secret(plaintext), public_key.to_vec()].concat()
        }
        Reply::Signature { signature } => signature.to_vec(),
        Reply::Mac { mac } => mac.to_vec(),
        Reply::Encapsulated { secret, ciphertext } => [secret.as_bytes(), ciphertext].concat(),
        Reply::Plaintext { plaintext: secret }
        | Reply::SharedSecret { secret }
        | Reply::Random { bytes: secret } => secret.as_bytes().to_vec(),
        Reply::Tokens { tokens } => tokens.iter().flat_map(|made| token(made)).collect(),
        Reply::Domain { token } => token.statement(),
        Reply::Offer(offer) => {
            [offer.public.to_vec(), token(&offer.sealed), offer.signature.clone()].concat()
        }
        Reply::Transferred(keys) => keys
            .iter()
            .flat_map(|one| {
                [one.sender.to_vec(), one.sealed.clone(), one.signature.clone()].concat()
            })
            .collect(),
        Reply::ForRecipient { envelope, reply } => [envelope.to_vec(), bytes_of(reply)].concat(),
        Reply::Session(welcome) => [
            welcome.public.as_slice(),
            &welcome.token.aad(),
            &welcome.token.sealed,
            &welcome.sealed,
            &welcome.signature,
        ]
        .concat(),
        Reply::Genuine | Reply::Joined | Reply::Left => Vec::new(),
    }
}

/// One Region at work.
struct Place {
    device: HsmDevice,
    domain: Founded,
    token: Arc<DomainToken>,
    keys: Vec<Arc<KeyToken>>,
    session: Option<Session>,
}

struct World {
    regions: Vec<Place>,
    random: Watched,
    answers: usize,
}

impl World {
    fn new(backend: &Arc<dyn CryptoBackend>, seed: u64) -> World {
        let source = SeededRandom::new(seed);
        let mut random = Watched { source, secrets: BTreeSet::new(), for_caller: false };
        let hsms: Vec<_> = ["us-east-1", "eu-west-1"]
            .map(|name| {
                let identity = HsmIdentity::generate(backend.as_ref(), &mut random);
                (RegionName::parse(name).unwrap(), vec![identity])
            })
            .into();
        let domains = found(&hsms, backend.as_ref(), &mut random).unwrap();
        let regions = hsms.into_iter().map(|(region, mut identities)| {
            let domain = domains[&region].clone();
            let device = HsmDevice::new(identities.remove(0), backend.clone());
            let token = domain.token.clone();
            Place { device, domain, token, keys: Vec::new(), session: None }
        });
        let mut world = World { regions: regions.collect(), random, answers: 0 };
        for at in 0..2 {
            let first = world.regions[at].token.statement();
            assert!(!world.random.leaks(&first), "the founding token");
            world.join(at);
        }
        world
    }

    /// Runs a command, and searches whatever comes out.
    fn run(&mut self, at: usize, command: &Command, tokens: &[Arc<KeyToken>]) -> Option<Reply> {
        if command.needs_a_session() && self.regions[at].session.is_none() {
            self.negotiate(at);
        }
        let (here, now) = (&mut self.regions[at], NOW);
        let signers = here.domain.operators.iter();
        let mandate = Mandate::new(command, &here.token, signers, &mut self.random);
        let answer = match command.is_order() {
            true => here.device.manage(command, &mandate, &mut self.random),
            false => {
                let within =
                    Within { session: here.session.as_ref().map(Session::credential), now };
                here.device.execute(command, tokens, within, &mut self.random)
            }
        };
        let shown = format!(
            "{command:?} {answer:#?} {mandate:?} {tokens:?} {:?} {:?} {:?}",
            here.device, here.domain, here.session
        );
        assert!(!self.random.is_shown_in(&shown), "{command:?}: {shown}");
        let reply = answer.ok()?;
        assert!(!self.random.leaks(&bytes_of(&reply)), "{command:?}");
        self.answers += 1;
        Some(reply)
    }

    /// Begins a session; what goes over the wire and what is printed of it is searched.
    fn negotiate(&mut self, at: usize) {
        let here = &self.regions[at];
        let (domain, host) = (here.token.clone(), here.domain.host().clone());
        let backend = here.device.backend.clone();
        let begun = Negotiation::begin(&domain, &host, backend.as_ref(), &mut self.random).unwrap();
        let command = begun.command();
        let Command::OpenSession { hello } = &command else { panic!("{command:?}") };
        let said = [hello.statement().done(), hello.signature.clone()].concat();
        assert!(!self.random.leaks(&said) && !self.random.is_shown_in(&format!("{begun:?}")));
        let Some(Reply::Session(welcome)) = self.run(at, &command, &[]) else { panic!() };
        let session = begun.accept(&welcome, NOW, backend.as_ref()).unwrap();
        self.regions[at].session = Some(session);
    }

    fn join(&mut self, at: usize) {
        let join = Command::Join { token: self.regions[at].token.clone() };
        assert!(self.run(at, &join, &[]).is_some());
    }

    fn manage(&mut self, at: usize, order: &Command) {
        let Some(Reply::Domain { token }) = self.run(at, order, &[]) else { panic!("{order:?}") };
        self.regions[at].token = token;
        self.regions[at].session = None;
        self.join(at);
        let tokens = self.regions[at].keys.clone();
        let under = self.regions[at].token.active;
        let again = Command::ReencryptTokens {
            tokens: tokens.iter().map(|t| (t.key, t.id)).collect(),
            under,
        };
        let Some(Reply::Tokens { tokens }) = self.run(at, &again, &tokens) else { panic!() };
        self.regions[at].keys = tokens;
    }

    fn step(&mut self) {
        let at = self.random.below(2);
        match self.random.below(13) {
            0 => self.generate(at),
            1 => {
                let from = self.regions[at].token.active;
                self.manage(at, &Command::RotateDomainKey { from });
            }
            2 => {
                let operator = self.regions[at].domain.operators[0].operator();
                let change = Box::new(DomainChange::Appoint(operator));
                self.manage(at, &Command::ChangeDomain { change });
            }
            3 => {
                self.regions[at].device.reset();
                self.join(at);
            }
            4 => self.transfer(at),
            5 => self.regions[at].session = None,
            _ => self.work(at),
        }
    }

    fn generate(&mut self, at: usize) {
        let spec = SPECS[self.random.below(SPECS.len())];
        let key = id(u8::try_from(self.random.below(256)).unwrap());
        let made = self.run(at, &Command::GenerateBackingKey { key, spec }, &[]);
        let Some(Reply::BackingKey { token, .. }) = made else { panic!("{spec}") };
        self.regions[at].keys.push(token);
    }

    fn transfer(&mut self, at: usize) {
        let Some(token) = self.any_key(at) else { return };
        let (key, with) = (token.key, of(&token));
        let offer = self.run(1 - at, &Command::OfferTransfer { key }, &[]);
        let Some(Reply::Offer(offer)) = offer else { panic!() };
        let export =
            Command::ExportBackingKeys { keys: vec![with], offer: Box::new(offer.clone()) };
        let Some(Reply::Transferred(transferred)) = self.run(at, &export, &[token]) else {
            panic!()
        };
        let import = Command::ImportBackingKeys { key, offer, transferred };
        let Some(Reply::Tokens { tokens }) = self.run(1 - at, &import, &[]) else { panic!() };
        self.regions[1 - at].keys.extend(tokens);
    }

    fn any_key(&mut self, at: usize) -> Option<Arc<KeyToken>> {
        let keys = self.regions[at].keys.len();
        (keys > 0).then(|| self.regions[at].keys[self.random.below(keys)].clone())
    }

    fn work(&mut self, at: usize) {
        let Some(token) = self.any_key(at) else { return };
        let TokenKind::BackingKey(spec) = token.kind else { return };
        let (with, bytes) = (of(&token), SecretBytes::from(PLAINTEXT.to_vec()));
        let message = SignedMessage { bytes: bytes.clone(), kind: MessageType::Raw };
        let command = match spec {
            KeySpec::SymmetricDefault => return self.seal(at, &token),
            KeySpec::Hmac256 => {
                let algorithm = MacAlgorithm::HmacSha256;
                Command::GenerateMac { with, algorithm, message: bytes }
            }
            KeySpec::EccNistP256 => {
                Command::Sign { with, algorithm: SigningAlgorithm::EcdsaSha256, message }
            }
            KeySpec::MlDsa44 => {
                Command::Sign { with, algorithm: SigningAlgorithm::MlDsaShake256, message }
            }
            _ => Command::Sign { with, algorithm: SigningAlgorithm::Ed25519Sha512, message },
        };
        assert!(self.run(at, &command, &[token]).is_some(), "{spec}");
    }

    fn seal(&mut self, at: usize, token: &Arc<KeyToken>) {
        let (with, context) = (of(token), EncryptionContext::default());
        let plaintext = DataKeyPlaintext::Returned;
        let tokens = std::slice::from_ref(token);
        self.run(
            at,
            &Command::GenerateDataKey { with, bytes: 32, context: context.clone(), plaintext },
            tokens,
        );
        self.random.for_caller = true;
        let spec = KeySpec::EccNistP256;
        self.run(
            at,
            &Command::GenerateDataKeyPair { with, spec, context: context.clone(), plaintext },
            tokens,
        );
        self.random.for_caller = false;
        let Some(Reply::Ciphertext { blob }) = self.run(at, &sealing(token), tokens) else {
            panic!()
        };
        let from = Opening::Symmetric { with, blob, context };
        assert!(self.run(at, &Command::Decrypt { from }, tokens).is_some());
    }
}

#[test]
fn no_answer_and_no_text_shows_a_key() {
    let backend: Arc<dyn CryptoBackend> = Arc::new(RustCrypto);
    let mut world = World::new(&backend, 5);
    (0..STEPS).for_each(|_| world.step());
    assert!(world.answers > STEPS, "{} answers", world.answers);
    assert!(world.random.secrets.len() > 1000, "{} parts of secrets", world.random.secrets.len());
}

/// The search finds what it is for, wherever it stands.
#[test]
fn a_leak_would_be_found() {
    let source = SeededRandom::new(1);
    let mut random = Watched { source, secrets: BTreeSet::new(), for_caller: false };
    let key: [u8; 32] = crate::env::draw(&mut random, Site::DomainKey);
    assert!(random.leaks(&[&[1, 2, 3], &key[7..], &[4]].concat()));
    assert!(!random.leaks(&key[..15]), "fewer bytes than count");
    for shown in [format!("x{key:?}y"), format!("{key:02x?}"), format!("{key:02X?}")] {
        assert!(random.is_shown_in(&shown), "{shown}");
    }
    let digits: String = key.iter().map(|byte| format!("{byte:02x}")).collect();
    assert!(random.is_shown_in(&format!("key = {digits}.")));
    assert!(!random.is_shown_in("SecretKey(32 bytes)"));
}
