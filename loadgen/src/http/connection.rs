//! A keep-alive connection: one request under way at a time, signed and sent, opened anew when it broke.

use super::endpoint::Endpoint;
use super::sign::{Date, Signed, Signer};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Bytes;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper::header::{self, HeaderName, HeaderValue};
use hyper::{Method, Request};
use hyper_util::rt::TokioIo;
use kms_core::name::RegionName;
use kms_core::ops::Operation;
use kms_core::wire::TARGET_PREFIX;
use rustls::pki_types::ServerName;
use std::io;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

const CONTENT_TYPE: &str = "application/x-amz-json-1.1";
const X_AMZ_DATE: HeaderName = HeaderName::from_static("x-amz-date");
const X_AMZ_SECURITY_TOKEN: HeaderName = HeaderName::from_static("x-amz-security-token");
const X_AMZ_TARGET: HeaderName = HeaderName::from_static("x-amz-target");
/// The largest answer that is read.
const LARGEST_ANSWER: usize = 4 << 20;
/// How long to wait after a connection could not be opened.
const PAUSE: Duration = Duration::from_millis(50);

/// An answer as it came.
#[derive(Clone, Debug)]
pub struct Reply {
    /// The status.
    pub status: u16,
    /// The body.
    pub body: Bytes,
}

/// Why there is no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Broken {
    /// Nothing came in time.
    Timeout,
    /// The connection could not be opened.
    Unreachable(String),
    /// The connection broke.
    Reset(String),
}

impl Broken {
    /// The reason, for people.
    pub fn said(&self) -> &str {
        match self {
            Broken::Timeout => "no answer came in time",
            Broken::Unreachable(why) | Broken::Reset(why) => why,
        }
    }
}

/// The headers that are the same for all requests of a thread.
pub struct Letterhead {
    host: (String, HeaderValue),
    /// By the position of the operation in [`Operation::ALL`].
    targets: Vec<(String, HeaderValue)>,
}

impl Letterhead {
    /// The letterhead of requests to an endpoint.
    ///
    /// # Errors
    /// When the host's name is none that a header can hold.
    pub fn new(endpoint: &Endpoint) -> Result<Letterhead, String> {
        let value = |text: String| match HeaderValue::from_str(&text) {
            Ok(value) => Ok((text, value)),
            Err(_) => Err(format!("{text:?} cannot be a header")),
        };
        let target = |operation: &Operation| value(format!("{TARGET_PREFIX}{operation}"));
        let targets = Operation::ALL.iter().map(target).collect::<Result<_, _>>()?;
        Ok(Letterhead { host: value(endpoint.host())?, targets })
    }

    /// A signed request.
    pub fn request(
        &self,
        signer: &mut Signer,
        date: &Date,
        (region, operation): (RegionName, Operation),
        body: Vec<u8>,
    ) -> Request<Full<Bytes>> {
        let target = &self.targets[operation as usize];
        let token = signer.token().map(str::to_owned);
        let all = [
            ("content-type", CONTENT_TYPE),
            ("host", &self.host.0),
            ("x-amz-date", date.as_str()),
            ("x-amz-security-token", token.as_deref().unwrap_or_default()),
            ("x-amz-target", &target.0),
        ];
        let without = [all[0], all[1], all[2], all[4]];
        let headers = if token.is_some() { &all[..] } else { &without[..] };
        let signed = Signed { method: "POST", path: "/", headers, body: &body };
        let authorization = signer.sign(region, date, &signed);
        let mut request = Request::new(Full::new(Bytes::from(body)));
        *request.method_mut() = Method::POST;
        let map = request.headers_mut();
        map.reserve(8);
        map.insert(header::CONTENT_TYPE, HeaderValue::from_static(CONTENT_TYPE));
        map.insert(header::HOST, self.host.1.clone());
        map.insert(X_AMZ_TARGET, target.1.clone());
        map.insert(X_AMZ_DATE, date.value().clone());
        let token = token.map(|token| (X_AMZ_SECURITY_TOKEN, token));
        for (name, text) in token.into_iter().chain([(header::AUTHORIZATION, authorization)]) {
            // A credential with a line break in it is refused by the service, as any wrong one.
            if let Ok(value) = HeaderValue::from_maybe_shared(Bytes::from(text)) {
                map.insert(name, value);
            }
        }
        request
    }
}

/// A connection, open or to be opened by the next request.
pub struct Connection<'e> {
    endpoint: &'e Endpoint,
    open: Option<SendRequest<Full<Bytes>>>,
}

impl<'e> Connection<'e> {
    /// A connection that is not open yet.
    pub fn new(endpoint: &'e Endpoint) -> Connection<'e> {
        Connection { endpoint, open: None }
    }

    /// Opens it, where it is not open.
    ///
    /// # Errors
    /// When the endpoint cannot be reached.
    pub async fn open(&mut self) -> Result<(), Broken> {
        if self.open.as_ref().is_none_or(SendRequest::is_closed) {
            self.open = None;
            let connecting = tokio::time::timeout(self.endpoint.timeout, connect(self.endpoint));
            match connecting.await.unwrap_or(Err(Broken::Timeout)) {
                Ok(open) => self.open = Some(open),
                Err(broken) => {
                    tokio::time::sleep(PAUSE).await;
                    return Err(broken);
                }
            }
        }
        Ok(())
    }

    /// Sends a request and waits for its answer. A connection that broke is opened by the next request.
    ///
    /// # Errors
    /// When no answer came.
    pub async fn send(&mut self, request: Request<Full<Bytes>>) -> Result<Reply, Broken> {
        self.open().await?;
        let Some(open) = &mut self.open else { return Err(Broken::Reset(String::new())) };
        let sent = tokio::time::timeout(self.endpoint.timeout, exchange(open, request)).await;
        let reply = sent.unwrap_or(Err(Broken::Timeout));
        if reply.is_err() {
            self.open = None;
        }
        reply
    }
}

async fn connect(endpoint: &Endpoint) -> Result<SendRequest<Full<Bytes>>, Broken> {
    let stream = TcpStream::connect(endpoint.address()).await;
    let stream = stream.map_err(|error| Broken::Unreachable(reason(&error)))?;
    // Small requests go out at once. A socket that cannot do that still works.
    let _ = stream.set_nodelay(true);
    let Some(tls) = endpoint.tls() else { return greet(stream).await };
    let unreachable = |why: String| Broken::Unreachable(format!("TLS: {why}"));
    let name = ServerName::try_from(endpoint.address().0.to_owned());
    let name = name.map_err(|error| unreachable(error.to_string()))?;
    let stream = TlsConnector::from(tls.clone()).connect(name, stream).await;
    greet(stream.map_err(|error| unreachable(reason(&error)))?).await
}

/// What the operating system says, without its number.
fn reason(error: &io::Error) -> String {
    let text = error.to_string();
    text.split(" (os error").next().unwrap_or_default().to_owned()
}

async fn greet<S: AsyncRead + AsyncWrite + Unpin + Send + 'static>(
    stream: S,
) -> Result<SendRequest<Full<Bytes>>, Broken> {
    let (open, connection) =
        handshake(TokioIo::new(stream)).await.map_err(|error| reset(&error))?;
    tokio::spawn(async move {
        // Whoever waits for an answer hears of what went wrong.
        let _ = connection.await;
    });
    Ok(open)
}

async fn exchange(
    open: &mut SendRequest<Full<Bytes>>,
    request: Request<Full<Bytes>>,
) -> Result<Reply, Broken> {
    open.ready().await.map_err(|error| reset(&error))?;
    let response = open.send_request(request).await.map_err(|error| reset(&error))?;
    let status = response.status().as_u16();
    let body = Limited::new(response.into_body(), LARGEST_ANSWER).collect().await;
    let body = body.map_err(|error| Broken::Reset(error.to_string()))?;
    Ok(Reply { status, body: body.to_bytes() })
}

fn reset(error: &hyper::Error) -> Broken {
    Broken::Reset(error.to_string())
}
