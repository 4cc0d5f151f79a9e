//! One host and one HSM, and nothing else around the core.

use kms_core::crypto::{AwsLc, CryptoBackend, RustCrypto};
use kms_core::env::{Call, Caller, NetworkPath, RequestId, Site, Timestamp};
use kms_core::hsm::{self, HsmDevice, HsmIdentity, Mandate, Session, Within};
use kms_core::local::SeededRandom;
use kms_core::name::{KeyArn, PrincipalArn, RegionName};
use kms_core::ops::{Request, Response, create_key};
use kms_core::policy::{Policy, PolicyKind};
use kms_core::quota::Meter;
use kms_core::state::{Change, DomainRecord, LogEntry};
use kms_core::step::{Append, Ask, Outcome, Reply, Step};
use kms_core::{Kms, Random, Settings};
use std::sync::Arc;
use std::time::Duration;

/// Random bytes that cost next to nothing, so that the figures are those of the core.
#[derive(Clone)]
pub(crate) struct Cheap(pub(crate) u64);

impl Random for Cheap {
    fn fill(&mut self, _: Site, bytes: &mut [u8]) {
        for chunk in bytes.chunks_mut(8) {
            self.0 ^= self.0 << 13;
            self.0 ^= self.0 >> 7;
            self.0 ^= self.0 << 17;
            chunk.copy_from_slice(&self.0.to_le_bytes()[..chunk.len()]);
        }
    }
}

/// One host and one HSM, and nothing else.
pub(crate) struct Host {
    pub(crate) kms: Kms,
    hsm: HsmDevice,
    session: Session,
    pub(crate) random: Cheap,
    call: Call,
}

impl Host {
    /// A host with so many symmetric keys, whose HSM keeps none of them: what a request costs among
    /// many keys is not to depend on which of them the HSM remembers.
    pub(crate) fn among(backend: &Arc<dyn CryptoBackend>, keys: usize) -> (Host, Vec<KeyArn>) {
        let mut host = Host::with_cache(backend, 0);
        let keys = (0..keys).map(|_| host.create_key(&create_key::Request::default())).collect();
        (host, keys)
    }

    /// A host whose HSM keeps up to so many parsed keys.
    pub(crate) fn with_cache(backend: &Arc<dyn CryptoBackend>, cached_keys: usize) -> Host {
        let random = &mut SeededRandom::new(1);
        let identity = HsmIdentity::generate(backend.as_ref(), random);
        let hsms = [(region(), vec![identity.clone()])];
        let domain = hsm::found(&hsms, backend.as_ref(), random).expect("a domain");
        let (domain, join) = (&domain[&region()], domain[&region()].join());
        let mut hsm = HsmDevice::with_cache(identity, backend.clone(), cached_keys);
        let mandate = Mandate::new(&join, &domain.token, [domain.host()], random);
        hsm.manage(&join, &mandate, random).expect("a member");
        let token = domain.token.clone();
        let kms = Kms::new(region(), Settings::default());
        let call = call();
        let session = Session::with(&mut hsm, &token, domain.host(), call.now, random);
        let session = session.expect("a session");
        let mut host = Host { kms, hsm, session, random: Cheap(88_172_645_463_325_252), call };
        let tokens_since = token.active;
        let record = DomainRecord { token, rotated: host.call.now, tokens_since };
        host.append(Append { changes: vec![Change::PutDomain(record)], ..Append::default() });
        host
    }

    /// A new key.
    pub(crate) fn create_key(&mut self, request: &create_key::Request) -> KeyArn {
        let outcome = self.run(&request.clone().into());
        self.append(outcome.append.expect("a new key"));
        match outcome.result {
            Ok(Response::CreateKey(made)) => made.key_metadata.arn,
            other => panic!("{other:?}"),
        }
    }

    /// Takes over what a decision came to.
    pub(crate) fn append(&mut self, append: Append) {
        let position = self.kms.state().position() + 1;
        let (id, committed) = (u128::from(position), self.call.now);
        self.kms.apply(&LogEntry { position, id, committed, changes: append.changes });
        append.tokens.iter().for_each(|change| self.kms.apply_token(change));
    }

    /// A request from decision to answer.
    pub(crate) fn run(&mut self, request: &Request) -> Box<Outcome> {
        let mut meter = Meter::off();
        let mut step = self.kms.decide(&self.call, request, &mut meter, &mut self.random);
        loop {
            step = match step {
                Step::Done(outcome) => return outcome,
                Step::Ask(Ask::Hsm { command, tokens }, then) => {
                    let session = Some(self.session.credential());
                    let within = Within { session, now: self.call.now };
                    let reply = self.hsm.execute(&command, &tokens, within, &mut self.random);
                    let reply = Reply::Hsm(reply.expect("an answer"));
                    then.resume(reply, &self.kms, &self.call, &mut self.random)
                }
                other => panic!("no such step here: {other:?}"),
            }
        }
    }
}

/// The Region.
pub(crate) fn region() -> RegionName {
    RegionName::parse("us-east-1").expect("a Region")
}

/// A call of a role that may do everything.
pub(crate) fn call() -> Call {
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
pub(crate) fn caller(resource: &str) -> Caller {
    let policy = format!(
        r#"{{"Statement": {{"Effect": "Allow", "Action": "kms:*", "Resource": {resource}}}}}"#
    );
    let policy = Policy::parse(&policy, PolicyKind::Identity).expect("a policy");
    let role = PrincipalArn::parse("arn:aws:iam::111122223333:role/app").expect("an ARN");
    Caller::new(role).with_policy(Arc::new(policy))
}

/// The backends that are measured.
pub(crate) fn backends() -> [Arc<dyn CryptoBackend>; 2] {
    [Arc::new(AwsLc), Arc::new(RustCrypto)]
}
