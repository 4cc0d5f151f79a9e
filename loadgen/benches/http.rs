//! What driving over HTTP costs the driver: a signature, and a signed request with its answer beside a bare
//! hyper client that repeats one unsigned request against the same server.
//!
//! Client and server share the machine, so what is compared is processor time of the client's thread and
//! not requests a second. The server runs in threads of its own.

use criterion::measurement::{Measurement, ValueFormatter, WallTime};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use kms_core::name::RegionName;
use kms_core::ops::Operation;
use loadgen::http::{
    Connection, Credential, Credentials, Date, Endpoint, Letterhead, Roots, Signed, Signer, Signers,
};
use scenarios::Who;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};

/// An answer to Encrypt, as long as one is.
const ANSWER: &str = r#"{"CiphertextBlob":"AQICAHhBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFB","EncryptionAlgorithm":"SYMMETRIC_DEFAULT","KeyId":"arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"}"#;
const BODY: &[u8] =
    br#"{"KeyId":"1234abcd-12ab-34cd-56ef-1234567890ab","Plaintext":"BwcHBwcHBwcHBwcHBwcHBw=="}"#;
/// Requests that are under way at once.
const CONNECTIONS: u64 = 16;

/// The processor time of this thread.
struct ThreadTime;

impl ThreadTime {
    fn now() -> Duration {
        let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
        Duration::new(time.tv_sec.unsigned_abs(), u32::try_from(time.tv_nsec).unwrap_or(0))
    }
}

impl Measurement for ThreadTime {
    type Intermediate = Duration;
    type Value = Duration;

    fn start(&self) -> Duration {
        ThreadTime::now()
    }

    fn end(&self, began: Duration) -> Duration {
        ThreadTime::now() - began
    }

    fn add(&self, one: &Duration, other: &Duration) -> Duration {
        *one + *other
    }

    fn zero(&self) -> Duration {
        Duration::ZERO
    }

    fn to_f64(&self, value: &Duration) -> f64 {
        WallTime.to_f64(value)
    }

    fn formatter(&self) -> &dyn ValueFormatter {
        WallTime.formatter()
    }
}

fn region() -> RegionName {
    RegionName::parse("us-east-1").expect("a Region")
}

fn test() -> Credential {
    Credential::new("test", "test", None)
}

fn signing(criterion: &mut Criterion<ThreadTime>) {
    let mut signer = Signer::new(test(), "kms");
    let date = Date::now();
    let headers = [
        ("content-type", "application/x-amz-json-1.1"),
        ("host", "127.0.0.1:4599"),
        ("x-amz-date", date.as_str()),
        ("x-amz-target", "TrentService.Encrypt"),
    ];
    let signed = Signed { method: "POST", path: "/", headers: &headers, body: BODY };
    criterion.bench_function("sign", |bench| {
        bench.iter(|| signer.sign(region(), &date, &signed));
    });
}

/// A server in threads of its own that reads every request and gives it the same answer.
fn server() -> SocketAddr {
    let (said, address) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Runtime::new().expect("a runtime");
        runtime.block_on(async {
            let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a port");
            said.send(listener.local_addr().expect("an address")).expect("a client");
            loop {
                let (stream, _) = listener.accept().await.expect("a connection");
                stream.set_nodelay(true).expect("an option");
                let service = service_fn(repeat);
                tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
            }
        });
    });
    address.recv().expect("a server")
}

async fn repeat(request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    let _ = request.into_body().collect().await;
    Ok(Response::new(Full::new(Bytes::from_static(ANSWER.as_bytes()))))
}

/// The bare client: one request, built anew and not signed, sent so often on one connection.
async fn bare(address: SocketAddr, requests: u64) {
    let stream = TcpStream::connect(address).await.expect("a connection");
    stream.set_nodelay(true).expect("an option");
    let handshake = hyper::client::conn::http1::handshake(TokioIo::new(stream));
    let (mut sender, connection) = handshake.await.expect("HTTP");
    tokio::spawn(connection);
    let host = address.to_string();
    for _ in 0..requests {
        let request = Request::post("/").header("host", &host);
        let request = request.body(Full::new(Bytes::from_static(BODY))).expect("a request");
        sender.ready().await.expect("a connection");
        let response = sender.send_request(request).await.expect("an answer");
        response.into_body().collect().await.expect("a body").to_bytes();
    }
}

/// Ours: signed, with a time-out.
async fn ours(endpoint: &Endpoint, requests: u64) {
    let letterhead = Letterhead::new(endpoint).expect("headers");
    let mut signers = Signers::new(endpoint.credentials.clone());
    let account = kms_core::name::AccountId::new(111_122_223_333);
    let mut connection = Connection::new(endpoint);
    let mut date = Date::now();
    for _ in 0..requests {
        date.follow();
        let signer = signers.of(account, Who::Admin);
        let what = (region(), Operation::Encrypt);
        let request = letterhead.request(signer, &date, what, BODY.to_vec());
        connection.send(request).await.expect("an answer");
    }
}

fn driving(criterion: &mut Criterion<ThreadTime>) {
    let address = server();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.expect("a runtime");
    let endpoint =
        Endpoint::new(&format!("http://{address}"), Credentials::of(test()), Roots::System);
    let endpoint: &'static Endpoint = Box::leak(Box::new(endpoint.expect("an endpoint")));
    let mut group = criterion.benchmark_group("client processor time");
    group.throughput(Throughput::Elements(1)).sample_size(30);
    let shared = |requests: u64| requests.div_ceil(CONNECTIONS);
    let scaled = |took: Duration, requests: u64| {
        took.mul_f64(requests as f64 / (shared(requests) * CONNECTIONS) as f64)
    };
    group.bench_function("bare hyper", |bench| {
        bench.iter_custom(|requests| {
            let began = ThreadTime::now();
            runtime.block_on(async {
                let all = (0..CONNECTIONS).map(|_| tokio::spawn(bare(address, shared(requests))));
                for one in all.collect::<Vec<_>>() {
                    one.await.expect("a client");
                }
            });
            scaled(ThreadTime::now() - began, requests)
        });
    });
    group.bench_function("signed", |bench| {
        bench.iter_custom(|requests| {
            let began = ThreadTime::now();
            runtime.block_on(async {
                let all = (0..CONNECTIONS).map(|_| tokio::spawn(ours(endpoint, shared(requests))));
                for one in all.collect::<Vec<_>>() {
                    one.await.expect("a client");
                }
            });
            scaled(ThreadTime::now() - began, requests)
        });
    });
    group.finish();
}

criterion_group! {
    name = all;
    config = Criterion::default().with_measurement(ThreadTime);
    targets = signing, driving
}
criterion_main!(all);
