//! The official SDK drives the server.
//!
//! The stories are told twice: over TCP to a server, and in this process without one. Over TCP every
//! operation of the table has to have been answered; and both times all answers are the same, but for
//! what is drawn at random or read from a clock.

#[path = "../../kms-core/tests/attestation/envelope.rs"]
mod envelope;
#[path = "../../kms-core/tests/attestation/maker.rs"]
#[expect(dead_code, reason = "attestation's own tests use all of it")]
mod maker;
mod normal;
mod stories;
mod wire;

use kms_core::env::Caller;
use kms_core::integration::{Integration, Used};
use kms_core::name::RegionName;
use kms_core::ops::{Operation, Request, Response};
use maker::Enclave;
use server::{Asker, Configuration, Engine, Identities, Server};
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use wire::Exchanged;
pub(crate) use wire::{Route, Wire};

const REGIONS: [&str; 2] = ["us-east-1", "eu-west-1"];

/// What the stories need.
pub(crate) struct World {
    /// A client of the first Region.
    pub(crate) kms: aws_sdk_kms::Client,
    /// A client of the other Region.
    pub(crate) away: aws_sdk_kms::Client,
    /// The engine behind the server, for what the API cannot do.
    pub(crate) engine: Arc<Engine>,
    /// An enclave whose root the Regions trust.
    pub(crate) enclave: Arc<Enclave>,
}

/// Sends a request of the user's through Amazon EBS.
pub(crate) fn through_ebs(
    world: &World,
    request: impl Into<Request>,
) -> kms_core::Result<Response> {
    let (caller, region) = (caller(), region(REGIONS[0]));
    let used = Used { account: caller.account(), region, name: "story" };
    let service = Integration::named("ebs").map(|service| service.between(used));
    let asker = Asker { service, ..Asker::new(caller) };
    world.engine.answer(region, asker, &request.into()).result
}

/// An enclave whose certificates are good whenever this runs.
pub(crate) fn enclave() -> Enclave {
    Enclave::valid((2020, 1, 1), (2049, 1, 1))
}

fn region(name: &str) -> RegionName {
    RegionName::parse(name).expect("a Region")
}

fn engine(enclave: &Enclave) -> Arc<Engine> {
    let regions = REGIONS.map(region).to_vec();
    let mut configuration = Configuration { regions, ..Configuration::default() };
    configuration.settings.attestation_roots = vec![enclave.root()];
    let at_once = std::time::Duration::from_millis(10);
    configuration.settings.creating_time = at_once;
    configuration.settings.updating_time = at_once;
    configuration.settings.key_store_times.connect_cloud_hsm = at_once;
    configuration.settings.key_store_times.disconnect = at_once;
    Arc::new(Engine::new(configuration))
}

fn world(
    engine: &Arc<Engine>,
    enclave: &Arc<Enclave>,
    route: &Route,
) -> (Arc<World>, Arc<Mutex<Vec<Exchanged>>>) {
    let log = Arc::default();
    let [kms, away] =
        REGIONS.map(|region| Wire::new(route.clone(), region, Arc::clone(&log)).client());
    let (engine, enclave) = (engine.clone(), enclave.clone());
    (Arc::new(World { kms, away, engine, enclave }), log)
}

fn caller() -> Arc<Caller> {
    Identities::development().first().clone()
}

fn over_tcp(enclave: &Arc<Enclave>) -> Vec<Exchanged> {
    let engine = engine(enclave);
    runtime().block_on(async {
        let address = ([127, 0, 0, 1], 0).into();
        let identities = Identities::development();
        let server = Server::bind(address, engine.clone(), identities).await.expect("a port");
        let (world, log) =
            world(&engine, enclave, &Route::Tcp(server.address().expect("an address")));
        let (end, ended) = tokio::sync::oneshot::channel::<()>();
        let server = tokio::spawn(server.run(async move {
            let _ = ended.await;
        }));
        stories::tell(&world).await;
        drop(world);
        let _ = end.send(());
        server.await.expect("the server ends in peace").expect("it has no store that could fail");
        std::mem::take(&mut *log.lock().expect("the log"))
    })
}

fn in_process(enclave: &Arc<Enclave>) -> Vec<Exchanged> {
    let engine = engine(enclave);
    let worker = server::Worker::start(engine.clone());
    let (world, log) = world(&engine, enclave, &Route::InProcess(engine.clone(), caller()));
    runtime().block_on(stories::tell(&world));
    drop(worker);
    std::mem::take(&mut *log.lock().expect("the log"))
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime")
}

#[test]
fn the_official_sdk_drives_every_operation() {
    let enclave = Arc::new(enclave());
    let exchanged = over_tcp(&enclave);
    let answered: BTreeSet<&str> =
        exchanged.iter().filter(|one| one.status == 200).map(|one| &*one.operation).collect();
    let missing: Vec<_> =
        Operation::ALL.iter().filter(|operation| !answered.contains(operation.name())).collect();
    assert!(missing.is_empty(), "no story is told of {missing:?}");

    let here = in_process(&enclave);
    let (over, here) = (normal::exchanges(&exchanged), normal::exchanges(&here));
    assert!(over.len() > Operation::ALL.len(), "{} exchanges", over.len());
    for (over, here) in over.iter().zip(&here) {
        assert_eq!(over, here, "over TCP on the left, in process on the right");
    }
    assert_eq!(over.len(), here.len());
}
