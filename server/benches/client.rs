//! The other side of the wire: a client that repeats one signed request, and a server that repeats one
//! answer.
//!
//! A signature is good for five minutes and for any number of requests, so that signing costs the
//! measurement nothing.

use aws_lc_rs::{digest, hmac};
use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::http1::SendRequest;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::time::UNIX_EPOCH;
use tokio::net::{TcpListener, TcpStream};

/// Whom to ask, and what.
#[derive(Clone)]
pub(crate) struct Peer {
    pub(crate) address: SocketAddr,
    headers: Vec<(&'static str, String)>,
    body: Bytes,
}

impl Peer {
    /// A request to an operation, signed with the development identity.
    pub(crate) fn signed(address: SocketAddr, operation: &str, body: &str) -> Peer {
        let seconds = UNIX_EPOCH.elapsed().expect("a clock after 1970").as_secs();
        let now = jiff::Timestamp::from_second(seconds.cast_signed()).expect("a date");
        let date = now.strftime("%Y%m%dT%H%M%SZ").to_string();
        let target = format!("TrentService.{operation}");
        let host = address.to_string();
        let scope = format!("{}/us-east-1/kms/aws4_request", &date[..8]);
        let canonical = format!(
            "POST\n/\n\nhost:{host}\nx-amz-date:{date}\nx-amz-target:{target}\n\n\
             host;x-amz-date;x-amz-target\n{}",
            hexadecimal(digest::digest(&digest::SHA256, body.as_bytes()).as_ref())
        );
        let hashed = digest::digest(&digest::SHA256, canonical.as_bytes());
        let text = format!("AWS4-HMAC-SHA256\n{date}\n{scope}\n{}", hexadecimal(hashed.as_ref()));
        let parts = [&date[..8], "us-east-1", "kms", "aws4_request"];
        let key = parts.iter().fold(b"AWS4test".to_vec(), |key, part| mac(&key, part));
        let signature = hexadecimal(&mac(&key, &text));
        let authorization = format!(
            "AWS4-HMAC-SHA256 Credential=test/{scope}, \
             SignedHeaders=host;x-amz-date;x-amz-target, Signature={signature}"
        );
        let headers = vec![
            ("host", host),
            ("x-amz-date", date),
            ("x-amz-target", target),
            ("content-type", server::CONTENT_TYPE.to_owned()),
            ("authorization", authorization),
        ];
        Peer { address, headers, body: Bytes::copy_from_slice(body.as_bytes()) }
    }

    /// The same request to somebody else.
    pub(crate) fn at(&self, address: SocketAddr) -> Peer {
        Peer { address, ..self.clone() }
    }

    fn request(&self) -> Request<Full<Bytes>> {
        let start = Request::post("/");
        let builder =
            self.headers.iter().fold(start, |builder, (name, value)| builder.header(*name, value));
        builder.body(Full::new(self.body.clone())).expect("a request")
    }
}

fn mac(key: &[u8], text: &str) -> Vec<u8> {
    hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), text.as_bytes()).as_ref().to_vec()
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A connection.
pub(crate) struct Client {
    sender: SendRequest<Full<Bytes>>,
    peer: Peer,
}

impl Client {
    pub(crate) async fn connect(peer: &Peer) -> Client {
        let stream = TcpStream::connect(peer.address).await.expect("a connection");
        stream.set_nodelay(true).expect("an option");
        let (sender, connection) =
            hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.expect("HTTP");
        tokio::spawn(connection);
        Client { sender, peer: peer.clone() }
    }

    /// One request; the body of its answer.
    pub(crate) async fn once(&mut self) -> Bytes {
        self.sender.ready().await.expect("a connection that is alive");
        let response = self.sender.send_request(self.peer.request()).await.expect("an answer");
        let status = response.status();
        let body = response.into_body().collect().await.expect("a body").to_bytes();
        assert_eq!(status, 200, "{body:?}");
        body
    }

    /// So many requests, one after another.
    pub(crate) async fn exchange(mut self, requests: u64) {
        for _ in 0..requests {
            self.once().await;
        }
    }
}

/// A server that reads every request and answers it with this.
pub(crate) async fn bare(answer: Bytes) -> SocketAddr {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a port");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.expect("a connection");
            stream.set_nodelay(true).expect("an option");
            let answer = answer.clone();
            let service = service_fn(move |request| repeat(request, answer.clone()));
            tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
        }
    });
    address
}

async fn repeat(
    request: Request<Incoming>,
    answer: Bytes,
) -> Result<Response<Full<Bytes>>, Infallible> {
    // What a client sends is read, as it is by any server.
    let _ = request.into_body().collect().await;
    Ok(Response::new(Full::new(answer)))
}
