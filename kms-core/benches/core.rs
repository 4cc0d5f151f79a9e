//! What the core adds to the cryptography: a request through decision, HSM and answer, against the
//! bare derivation and sealing of the same backend; the policy decision alone; and whether a request
//! costs the same among a hundred thousand keys as among a thousand.

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use kms_core::ciphertext::{EncryptionContext, KDF_LABEL, aad};
use kms_core::crypto::{AwsLc, CryptoBackend, RustCrypto, SecretKey};
use kms_core::env::{Call, Caller, NetworkPath, RequestId, Timestamp};
use kms_core::hsm::{self, HsmDevice, HsmIdentity, Mandate};
use kms_core::local::SeededRandom;
use kms_core::name::{AccountId, KeyArn, KeyId, MaterialId, PrincipalArn, RegionName};
use kms_core::ops::{Request, Response, create_grant, create_key, decrypt, encrypt};
use kms_core::policy::{
    Action, GrantOperation, KeyManager, Policy, PolicyKind, Question, RequestContext, Resource,
    evaluate,
};
use kms_core::quota::Meter;
use kms_core::state::{Change, DomainRecord, LogEntry};
use kms_core::step::{Append, Ask, Outcome, Reply, Step};
use kms_core::{Kms, Random, Settings};
use std::hint::black_box;
use std::sync::Arc;
use std::time::Duration;

const MESSAGE: [u8; 32] = [7; 32];

/// Random bytes that cost next to nothing, so that the figures are those of the core.
struct Cheap(u64);

impl Random for Cheap {
    fn fill(&mut self, _: kms_core::env::Site, bytes: &mut [u8]) {
        for chunk in bytes.chunks_mut(8) {
            self.0 ^= self.0 << 13;
            self.0 ^= self.0 >> 7;
            self.0 ^= self.0 << 17;
            chunk.copy_from_slice(&self.0.to_le_bytes()[..chunk.len()]);
        }
    }
}

/// One host and one HSM, and nothing else.
struct Host {
    kms: Kms,
    hsm: HsmDevice,
    random: Cheap,
    call: Call,
}

impl Host {
    fn new(backend: &Arc<dyn CryptoBackend>, keys: usize) -> (Host, Vec<KeyArn>) {
        let random = &mut SeededRandom::new(1);
        let identity = HsmIdentity::generate(backend.as_ref(), random);
        let hsms = [(region(), vec![identity.clone()])];
        let domain = hsm::found(&hsms, backend.as_ref(), random).expect("a domain");
        let (domain, join) = (&domain[&region()], domain[&region()].join());
        let mut hsm = HsmDevice::new(identity, backend.clone());
        let mandate = Mandate::new(&join, &domain.token, [domain.host()], random);
        hsm.manage(&join, &mandate, random).expect("a member");
        let token = domain.token.clone();
        let kms = Kms::new(region(), Settings::default());
        let mut host = Host { kms, hsm, random: Cheap(88_172_645_463_325_252), call: call() };
        let tokens_since = token.active;
        let record = DomainRecord { token, rotated: host.call.now, tokens_since };
        host.append(Append { changes: vec![Change::PutDomain(record)], ..Append::default() });
        let keys = (0..keys).map(|_| host.create_key()).collect();
        (host, keys)
    }

    fn create_key(&mut self) -> KeyArn {
        let outcome = self.run(&create_key::Request::default().into());
        self.append(outcome.append.expect("a new key"));
        match outcome.result {
            Ok(Response::CreateKey(made)) => made.key_metadata.arn,
            other => panic!("{other:?}"),
        }
    }

    fn append(&mut self, append: Append) {
        let position = self.kms.state().position() + 1;
        let (id, committed) = (u128::from(position), self.call.now);
        self.kms.apply(&LogEntry { position, id, committed, changes: append.changes });
        append.tokens.iter().for_each(|change| self.kms.apply_token(change));
    }

    fn run(&mut self, request: &Request) -> Outcome {
        let mut meter = Meter::off();
        let mut step = self.kms.decide(&self.call, request, &mut meter, &mut self.random);
        loop {
            step = match step {
                Step::Done(outcome) => return *outcome,
                Step::Ask(Ask::Hsm { command, tokens }, then) => {
                    let reply = self.hsm.execute(&command, &tokens, &mut self.random);
                    let reply = Reply::Hsm(reply.expect("an answer"));
                    then.resume(reply, &self.kms, &self.call, &mut self.random)
                }
                other => panic!("no such step here: {other:?}"),
            }
        }
    }
}

fn region() -> RegionName {
    RegionName::parse("us-east-1").expect("a Region")
}

fn call() -> Call {
    Call {
        request_id: RequestId(1),
        caller: Arc::new(caller(r#""*""#)),
        service: None,
        network: NetworkPath::default(),
        now: Timestamp::from_seconds(1_767_225_600),
        monotonic: Duration::ZERO,
        decision: 0,
        caught_up: true,
    }
}

/// A role that IAM allows everything on `resource`.
fn caller(resource: &str) -> Caller {
    let policy = format!(
        r#"{{"Statement": {{"Effect": "Allow", "Action": "kms:*", "Resource": {resource}}}}}"#
    );
    let policy = Policy::parse(&policy, PolicyKind::Identity).expect("a policy");
    let role = PrincipalArn::parse("arn:aws:iam::111122223333:role/app").expect("an ARN");
    Caller::new(role).with_policy(Arc::new(policy))
}

fn backends() -> [Arc<dyn CryptoBackend>; 2] {
    [Arc::new(AwsLc), Arc::new(RustCrypto)]
}

fn overhead(criterion: &mut Criterion) {
    for backend in backends() {
        let mut group = criterion.benchmark_group(format!("32 bytes, {}", backend.name()));
        group.throughput(Throughput::Elements(1));
        let (mut host, keys) = Host::new(&backend, 1);
        let request: Request = encrypt::Request::new(keys[0], MESSAGE).into();
        let Ok(Response::Encrypt(sealed)) = host.run(&request).result else {
            panic!("Encrypt failed")
        };
        group.bench_function("derive and seal", |b| b.iter(|| raw_seal(backend.as_ref())));
        group.bench_function("Encrypt", |b| b.iter(|| host.run(&request)));
        let message = raw_seal(backend.as_ref());
        group.bench_function("derive and open", |b| {
            b.iter(|| raw_open(backend.as_ref(), &message));
        });
        let request: Request = decrypt::Request::new(sealed.ciphertext_blob).into();
        group.bench_function("Decrypt", |b| b.iter(|| host.run(&request)));
        group.finish();
    }
}

fn parts(backend: &dyn CryptoBackend) -> (SecretKey, Vec<u8>) {
    let key = backend.derive_key(&SecretKey::new([1; 32]), KDF_LABEL, black_box(&[2; 16]));
    let (id, material) = (KeyId::single_region([3; 16]), MaterialId([4; 32]));
    (key, aad(id, material, &EncryptionContext::default()))
}

fn raw_seal(backend: &dyn CryptoBackend) -> Vec<u8> {
    let (key, aad) = parts(backend);
    let mut out = Vec::with_capacity(48);
    backend.seal(&key, &[5; 12], &aad, black_box(&MESSAGE), &mut out);
    out
}

fn raw_open(backend: &dyn CryptoBackend, sealed: &[u8]) -> kms_core::crypto::SecretBytes {
    let (key, aad) = parts(backend);
    backend.open(&key, &[5; 12], &aad, black_box(sealed)).expect("what was sealed")
}

fn policy(criterion: &mut Criterion) {
    let account = AccountId::new(111_122_223_333);
    let arn = KeyArn { region: region(), account, id: KeyId::single_region([3; 16]) };
    let key_policy = Policy::default_for(account);
    let mut group = criterion.benchmark_group("policy decision");
    for (name, resource) in [
        ("any resource", r#""*""#.to_owned()),
        ("one key", format!("\"{arn}\"")),
        ("keys by pattern", r#""arn:aws:kms:*:111122223333:key/*""#.to_owned()),
    ] {
        let call = Call { caller: Arc::new(caller(&resource)), ..call() };
        group.bench_function(name, |b| {
            b.iter(|| {
                let policy = &key_policy;
                let resource = Resource::Key { arn, policy, manager: KeyManager::Customer };
                let question = Question { caller: &call.caller, action: Action::Encrypt, resource };
                let context = RequestContext::new(&call, Action::Encrypt);
                evaluate(black_box(&question), &context, &mut std::iter::empty()).is_allowed()
            });
        });
    }
    group.finish();
}

/// Encrypt with a key that is drawn anew each time.
struct Encrypts {
    host: Host,
    keys: Vec<KeyArn>,
    draw: Cheap,
}

impl Encrypts {
    fn among(keys: usize) -> Encrypts {
        let backend: Arc<dyn CryptoBackend> = Arc::new(AwsLc);
        let (host, keys) = Host::new(&backend, keys);
        Encrypts { host, keys, draw: Cheap(1_442_695_040_888_963_407) }
    }

    fn next(&mut self) {
        let mut bytes = [0; 8];
        self.draw.fill(kms_core::env::Site::KeyId, &mut bytes);
        let at = u64::from_le_bytes(bytes) % self.keys.len() as u64;
        let key = self.keys[usize::try_from(at).expect("an index")];
        black_box(self.host.run(&encrypt::Request::new(key, MESSAGE).into()));
    }
}

/// CreateGrant on a key that has grants already, each for another principal.
struct Grants {
    host: Host,
    request: Request,
}

impl Grants {
    fn beside(grants: usize) -> Grants {
        let backend: Arc<dyn CryptoBackend> = Arc::new(AwsLc);
        let (mut host, keys) = Host::new(&backend, 1);
        host.kms.settings_mut().limits.grants_per_key = u64::MAX;
        for number in 0..grants {
            let outcome = host.run(&Grants::to(keys[0], number));
            host.append(outcome.append.expect("a new grant"));
        }
        Grants { request: Grants::to(keys[0], grants), host }
    }

    fn to(key: KeyArn, number: usize) -> Request {
        let grantee = format!("arn:aws:iam::111122223333:role/worker-{number}");
        let operations = GrantOperation::of(Action::Encrypt);
        create_grant::Request::new(key, &grantee, operations).into()
    }

    fn next(&mut self) {
        black_box(self.host.run(&self.request));
    }
}

/// How long each of so many calls takes on average.
#[expect(clippy::disallowed_types, clippy::disallowed_methods, reason = "a bench has a clock")]
fn round(calls: u32, mut call: impl FnMut()) -> Duration {
    let began = std::time::Instant::now();
    (0..calls).for_each(|_| call());
    began.elapsed() / calls
}

/// Rounds of both, in turn, so that a busy machine slows down both; the best round of each counts.
#[expect(clippy::print_stdout, reason = "a bench says what it measured")]
fn ratio(what: &str, mut few: impl FnMut(), mut many: impl FnMut()) {
    const ROUNDS: usize = 60;
    const CALLS: u32 = 2_000;
    let (mut least, mut most) = (Duration::MAX, Duration::MAX);
    for _ in 0..ROUNDS {
        least = least.min(round(CALLS, &mut few));
        most = most.min(round(CALLS, &mut many));
    }
    let ratio = most.as_secs_f64() / least.as_secs_f64();
    println!("{what}: {least:?} and {most:?}, ratio {ratio:.2}");
}

fn sizes(_: &mut Criterion) {
    let (mut few, mut many) = (Encrypts::among(1_000), Encrypts::among(100_000));
    ratio("Encrypt with a random key of 1,000 and of 100,000", || few.next(), || many.next());
    let (mut few, mut many) = (Grants::beside(100), Grants::beside(50_000));
    ratio("CreateGrant beside 100 and 50,000 grants", || few.next(), || many.next());
}

criterion_group!(benches, sizes, overhead, policy);
criterion_main!(benches);
