//! What the core adds to the cryptography: a request through decision, HSM and answer, against the
//! bare cryptography of the same backend; the policy decision alone; and whether a request costs the
//! same among a hundred thousand keys as among a thousand.
//!
//! ```text
//! cargo bench -p kms-core --bench core
//! ```

mod host;
mod ratio;
mod requests;

use criterion::{Criterion, criterion_group, criterion_main};
use host::{Cheap, Host, call, caller, region};
use kms_core::Random;
use kms_core::crypto::{AwsLc, CryptoBackend};
use kms_core::env::{Call, Site};
use kms_core::name::{AccountId, KeyArn, KeyId};
use kms_core::ops::{Request, create_grant, encrypt};
use kms_core::policy::{
    Action, GrantOperation, KeyManager, Policy, Question, RequestContext, Resource, evaluate,
};
use kms_core::wire;
use ratio::ratio;
use requests::{MESSAGE, requests};
use std::hint::black_box;
use std::sync::Arc;

/// How many keys are drawn: more than a ratio takes.
const DRAWN: usize = 200_000;

fn policy(criterion: &mut Criterion) {
    let account = AccountId::new(111_122_223_333);
    let arn = KeyArn { region: region(), account, id: KeyId::single_region([3; 16]) };
    let key_policy = Policy::default_for(account, region().partition());
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

/// Encrypt with keys that were drawn beforehand, one after the other: to wait for the memory that names
/// the next key would be the caller's part.
struct Encrypts {
    host: Host,
    drawn: std::vec::IntoIter<KeyArn>,
}

impl Encrypts {
    fn among(keys: usize) -> Encrypts {
        let backend: Arc<dyn CryptoBackend> = Arc::new(AwsLc);
        let (host, keys) = Host::among(&backend, keys);
        let mut draw = Cheap(1_442_695_040_888_963_407);
        let mut one = || {
            let mut bytes = [0; 8];
            draw.fill(Site::KeyId, &mut bytes);
            let at = u64::from_le_bytes(bytes) % keys.len() as u64;
            keys[usize::try_from(at).expect("an index")]
        };
        let drawn: Vec<_> = (0..DRAWN).map(|_| one()).collect();
        Encrypts { host, drawn: drawn.into_iter() }
    }

    fn next(&mut self) {
        let key = self.drawn.next().expect("as many as are measured");
        black_box(self.host.run(&encrypt::Request::new(key, MESSAGE).into()));
    }
}

/// The same from the bytes of a request to those of its answer.
struct EncryptsOnTheWire {
    host: Host,
    requests: std::vec::IntoIter<Vec<u8>>,
}

impl EncryptsOnTheWire {
    fn among(keys: usize) -> EncryptsOnTheWire {
        let Encrypts { host, drawn } = Encrypts::among(keys);
        let request = |key| wire::encode_request(&encrypt::Request::new(key, MESSAGE).into());
        let requests: Vec<_> = drawn.map(request).collect();
        EncryptsOnTheWire { host, requests: requests.into_iter() }
    }

    fn next(&mut self) {
        let bytes = self.requests.next().expect("as many as are measured");
        let request = wire::decode_request("TrentService.Encrypt", &bytes).expect("a request");
        let outcome = self.host.run(&request);
        black_box(wire::encode_response(outcome.result.as_ref().expect("an answer")));
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
        let (mut host, keys) = Host::among(&backend, 1);
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

fn sizes(_: &mut Criterion) {
    let (mut few, mut many) = (Encrypts::among(1_000), Encrypts::among(100_000));
    ratio("Encrypt with a random key of 1,000 and of 100,000", || few.next(), || many.next());
    let (mut few, mut many) = (EncryptsOnTheWire::among(1_000), EncryptsOnTheWire::among(100_000));
    ratio("the same from bytes to bytes", || few.next(), || many.next());
    let (mut few, mut many) = (Grants::beside(100), Grants::beside(50_000));
    ratio("CreateGrant beside 100 and 50,000 grants", || few.next(), || many.next());
}

criterion_group!(benches, requests, sizes, policy);
criterion_main!(benches);
