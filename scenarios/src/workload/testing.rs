//! What the tests of all workloads need: dice, a book of keys, and a small service to call.

use std::collections::BTreeSet;
use std::time::Duration;

use kms_core::crypto::RustCrypto;
use kms_core::local::Local;
use kms_core::name::{AccountId, AliasArn, AliasName, KeyArn, RegionName};
use kms_core::ops::{Operation, Request, Response, create_alias, create_key, replicate_key};
use kms_core::policy::{Policy, PolicyKind};
use kms_core::{Caller, Error, wire};

use super::Workload;
use super::book::KeyBook;
use super::generator::{Draw, Moment, Planned, Who};
use crate::schema::KeyGroup;
use crate::{Scenario, Vocabulary};

/// SplitMix64.
pub(super) struct Dice(u64);

impl Dice {
    pub(super) fn new(seed: u64) -> Dice {
        Dice(seed)
    }

    fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }
}

impl Draw for Dice {
    fn below(&mut self, n: u64) -> u64 {
        self.roll().checked_rem(n).unwrap_or(0)
    }

    fn unit(&mut self) -> f64 {
        (self.roll() >> 11) as f64 / (1_u64 << 53) as f64
    }

    fn fill(&mut self, bytes: &mut [u8]) {
        bytes.iter_mut().for_each(|byte| *byte = self.roll().to_le_bytes()[0]);
    }
}

/// A service of two Regions with two symmetric keys, one multi-Region key and an alias in each.
pub(super) struct Service {
    pub(super) local: Local,
    pub(super) book: KeyBook,
}

const ACCOUNT: AccountId = AccountId::new(111_122_223_333);

impl Service {
    pub(super) fn new() -> Service {
        let names = ["us-east-1", "eu-west-1"];
        let regions = names.map(|name| RegionName::parse(name).unwrap());
        let local = Local::regions(&names);
        let book = KeyBook::new(regions.to_vec(), vec![ACCOUNT]);
        let mut service = Service { local, book };
        for region in regions {
            for number in 0..2 {
                let arn = service.create(region, false);
                service.book.add_key(KeyGroup::Symmetric, number, arn);
            }
            let arn = service.book.key(KeyGroup::Symmetric, 0, region).unwrap();
            service.local.call_in(region, create_alias::Request::new("alias/first", arn)).unwrap();
            let name = AliasName::parse("alias/first").unwrap();
            service.book.add_alias(AliasArn { region, account: ACCOUNT, name });
        }
        let primary = service.create(regions[0], true);
        let request = replicate_key::Request::new(primary, regions[1]);
        service.local.call(request).unwrap();
        service.local.advance(Duration::from_secs(120));
        service.book.add_key(KeyGroup::MultiRegion, 0, primary);
        service.book.add_key(KeyGroup::MultiRegion, 0, KeyArn { region: regions[1], ..primary });
        service
    }

    fn create(&mut self, region: RegionName, multi_region: bool) -> KeyArn {
        let request = create_key::Request { multi_region, ..create_key::Request::default() };
        match self.local.call_in(region, request) {
            Ok(Response::CreateKey(response)) => response.key_metadata.arn,
            other => panic!("{other:?}"),
        }
    }

    /// Makes a call, as whom it is planned.
    pub(super) fn call(&mut self, planned: &Planned) -> Result<Response, Error> {
        let text = r#"{"Statement":{"Effect":"Allow","Action":"kms:*","Resource":"*"}}"#;
        let policy = Policy::parse(text, PolicyKind::Identity).unwrap();
        let caller = Caller::new(planned.caller.principal(planned.account));
        let caller = match planned.caller {
            Who::Admin => caller.with_policy(policy.into()),
            Who::Worker(_) | Who::Service(_, _) => caller,
        };
        let service = planned.service.as_deref().cloned();
        self.local.outcome_through(planned.region, &caller.into(), service, &planned.request).result
    }
}

/// What came of some calls of a workload's client.
#[derive(Default)]
pub(super) struct Run {
    pub(super) calls: Vec<(Planned, Result<Response, Error>)>,
}

impl Run {
    /// Makes this many calls, a second apart, and checks that every request could be sent.
    pub(super) fn of(kind: &str, settings: &str, calls: u64) -> Run {
        let workload = workload(kind, settings);
        let (mut service, mut dice, mut run) = (Service::new(), Dice::new(7), Run::default());
        let mut generator = workload.generator(&service.book, 0);
        for second in 0..calls {
            let now = Duration::from_secs(second);
            let book = service.book.clone();
            let planned = generator.next(&mut Moment {
                now,
                book: &book,
                draw: &mut dice,
                backend: &RustCrypto,
            });
            let result = service.call(&planned);
            generator.learn(&planned, &result);
            service.local.advance(Duration::from_secs(1));
            run.calls.push((planned, result));
        }
        run
    }

    /// Every operation that was called.
    pub(super) fn operations(&self) -> BTreeSet<Operation> {
        self.calls.iter().map(|(planned, _)| planned.request.operation()).collect()
    }

    /// Whether some call of the operation succeeded.
    pub(super) fn succeeds(&self, operation: Operation) -> bool {
        let mut of = self.calls.iter().filter(|(p, _)| p.request.operation() == operation);
        of.any(|(_, result)| result.is_ok())
    }

    /// Asserts that exactly these operations are called, that each succeeds at least once, and that
    /// no request is malformed.
    pub(super) fn uses(&self, names: &[&str]) {
        let expected: BTreeSet<_> =
            names.iter().map(|name| Operation::parse(name).unwrap()).collect();
        assert_eq!(self.operations(), expected);
        for operation in expected {
            assert!(self.succeeds(operation), "{operation} never succeeds");
        }
        self.are_well_formed();
    }

    fn are_well_formed(&self) {
        for (planned, _) in &self.calls {
            let target = format!("{}{}", wire::TARGET_PREFIX, planned.request.operation());
            let body = wire::encode_request(&planned.request);
            assert_eq!(wire::decode_request(&target, &body).as_ref(), Ok(&*planned.request));
        }
    }

    /// How many calls fit.
    pub(super) fn count(&self, fits: impl Fn(&Planned, &Request) -> bool) -> usize {
        self.calls.iter().filter(|(planned, _)| fits(planned, &planned.request)).count()
    }
}

/// A workload in the first Region, with further settings.
pub(super) fn workload(kind: &str, settings: &str) -> Workload {
    let text = format!(
        "schema = 1\ndescription = 'x'\ntopology.regions = ['us-east-1', 'eu-west-1']\n\
         keys = {{ symmetric = 2, multi_region = 1 }}\n[[phase]]\nname = 'x'\nduration = '1m'\n\
         [[phase.workload]]\nkind = '{kind}'\narrivals = {{ kind = 'closed' }}\n{settings}\n"
    );
    let scenario = Scenario::parse("x.toml", &text, &[], &Vocabulary::open());
    let mut scenario = scenario.unwrap_or_else(|error| panic!("{error}"));
    scenario.phases.remove(0).workloads.remove(0)
}
