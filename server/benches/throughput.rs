//! How much the shell around the core costs: the engine without a network, an
//! exchange from bytes to bytes, the server over HTTP beside
//! a bare hyper that answers the same bytes, and the store at several numbers of writers at once.
//!
//! Client and server share the machine. The ratios of one run tell more than its figures.

mod client;

use client::{Client, Peer};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use kms_core::crypto::Production;
use kms_core::local::Local;
use kms_core::name::{KeyArn, RegionName};
use kms_core::ops::{Request, Response, create_key, encrypt, update_key_description};
use kms_core::wire;
use server::{Asker, Configuration, Engine, Exchange, Identities, RootKeySource, Server, Store};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How many requests are under way at once over HTTP.
const CONNECTIONS: u64 = 16;
/// How many writers the store is tried with.
const WRITERS: [u64; 3] = [1, 16, 64];

fn region() -> RegionName {
    RegionName::parse("us-east-1").expect("a Region")
}

fn configuration() -> Configuration {
    Configuration { regions: vec![region()], ..Configuration::default() }
}

fn answer(engine: &Engine, request: &Request) -> Response {
    let asker = Asker::new(Identities::development().first().clone());
    engine.answer(region(), asker, request).result.expect("an answer")
}

fn create(engine: &Engine) -> KeyArn {
    match answer(engine, &create_key::Request::default().into()) {
        Response::CreateKey(made) => made.key_metadata.arn,
        other => panic!("{other:?}"),
    }
}

fn in_process(criterion: &mut Criterion) {
    let engine = Engine::new(configuration());
    let request = encrypt::Request::new(create(&engine), [7; 32]).into();
    let mut group = criterion.benchmark_group("encrypt");
    group.throughput(Throughput::Elements(1));
    group.bench_function("in process", |bench| bench.iter(|| answer(&engine, &request)));
    group.finish();
}

/// A request from its bytes to those of its answer, and what of that is the thread of an HSM: the core
/// alone encrypts without another thread, and DescribeKey asks no HSM.
fn without_tcp(criterion: &mut Criterion) {
    let engine = Engine::new(configuration());
    let key = create(&engine).id;
    let mut group = criterion.benchmark_group("bytes to bytes");
    group.throughput(Throughput::Elements(1));
    let describe = format!(r#"{{"KeyId":"{key}"}}"#);
    let encrypt = format!(r#"{{"KeyId":"{key}","Plaintext":"BwcHBwcHBwcHBwcHBwcHBw=="}}"#);
    for (name, target, body) in [
        ("describe-key", "TrentService.DescribeKey", &describe),
        ("encrypt", "TrentService.Encrypt", &encrypt),
    ] {
        let identity = Identities::development().first().clone();
        let body = body.as_bytes();
        let exchange = Exchange { method: "POST", path: "/", target, body, region: region() };
        let once = || server::answer(&engine, Asker::new(identity.clone()), exchange);
        assert_eq!(once().status, 200);
        group.bench_function(name, |bench| bench.iter(once));
    }
    let mut local = Local::single_region();
    let request = Request::from(encrypt::Request::new(local.create_key(), [7; 32]));
    let mut once = || {
        let request = wire::decode_request("TrentService.Encrypt", &wire::encode_request(&request));
        wire::encode_response(&local.call(request.expect("a request")).expect("an answer"))
    };
    group.bench_function("encrypt in the core alone", |bench| bench.iter(&mut once));
    group.finish();
}

/// The time that so many requests take over all connections together.
async fn exchange(peer: &Peer, requests: u64) -> Duration {
    let mut clients = Vec::new();
    for _ in 0..CONNECTIONS {
        clients.push(Client::connect(peer).await);
    }
    let started = Instant::now();
    let each = requests.div_ceil(CONNECTIONS);
    let work = clients.into_iter().map(|client| tokio::spawn(client.exchange(each)));
    for done in work.collect::<Vec<_>>() {
        done.await.expect("a client");
    }
    let asked = each * CONNECTIONS;
    started.elapsed().mul_f64(requests as f64 / asked as f64)
}

fn over_http(criterion: &mut Criterion) {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let engine = Arc::new(Engine::new(configuration()));
    let key = create(&engine);
    let body = format!(r#"{{"KeyId":"{}","Plaintext":"BwcHBwcHBwcHBwcHBwcHBw=="}}"#, key.id);
    let (served, bare) = runtime.block_on(async {
        let address = ([127, 0, 0, 1], 0).into();
        let identities = Identities::development();
        let server = Server::bind(address, engine, identities).await.expect("a port");
        let served = Peer::signed(server.address().expect("an address"), "Encrypt", &body);
        tokio::spawn(server.run(std::future::pending()));
        let answer = Client::connect(&served).await.once().await;
        let bare = client::bare(answer).await;
        (served.clone(), served.at(bare))
    });
    let mut group = criterion.benchmark_group("http");
    group.throughput(Throughput::Elements(1));
    for (name, peer) in [("bare hyper", &bare), ("encrypt", &served)] {
        group.bench_function(name, |bench| {
            bench.iter_custom(|requests| runtime.block_on(exchange(peer, requests)));
        });
    }
    group.finish();
}

/// The time that so many writers take for so many changes together.
fn write(engine: &Engine, keys: &[KeyArn], changes: u64, writers: u64) -> Duration {
    let each = changes.div_ceil(writers);
    let started = Instant::now();
    std::thread::scope(|scope| {
        for key in keys.iter().take(usize::try_from(writers).unwrap_or(usize::MAX)) {
            scope.spawn(move || {
                for change in 0..each {
                    let request = update_key_description::Request::new(*key, &change.to_string());
                    answer(engine, &request.into());
                }
            });
        }
    });
    started.elapsed().mul_f64(changes as f64 / (each * writers) as f64)
}

fn durable(criterion: &mut Criterion) {
    let folder: PathBuf =
        std::env::temp_dir().join(format!("keyquake-throughput-{}", std::process::id()));
    let store = Store::open(&folder, &RootKeySource::Beside, Arc::new(Production::default()));
    let store = store.expect("a new store");
    let engine = Engine::open(configuration(), store, &mut |_, _| {}).expect("an engine");
    let keys: Vec<_> = (0..WRITERS[2]).map(|_| create(&engine)).collect();
    let mut group = criterion.benchmark_group("durable");
    group.throughput(Throughput::Elements(1));
    for writers in WRITERS {
        group.bench_function(format!("{writers} writers"), |bench| {
            bench.iter_custom(|changes| write(&engine, &keys, changes, writers));
        });
    }
    group.finish();
    engine.close().expect("the store closes");
    let _ = std::fs::remove_dir_all(&folder);
}

criterion_group!(throughput, in_process, without_tcp, over_http, durable);
criterion_main!(throughput);
