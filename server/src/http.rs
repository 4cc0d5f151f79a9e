//! The server: HTTP/1.1 on one address, every Region behind it.
//!
//! A connection is a task, an exchange is a thread of the blocking pool. Everything a client can make
//! larger or longer has a limit. A request that has begun is carried to its end even when its client
//! has gone, because what it changes must not be left half done.

use crate::clock::time_of_day;
use crate::engine::{Asker, Engine, Worker};
use crate::exchange::{self, Answer, CONTENT_TYPE, Exchange, LARGEST_BODY};
use crate::identity::Identities;
use crate::signature;
use crate::store::StoreError;
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::http::request::Parts;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use kms_core::error::ErrorCode;
use std::convert::Infallible;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, oneshot};

/// How many connections there may be; more wait.
const MOST_CONNECTIONS: usize = 4096;
/// How many headers a request may have, and how many bytes they may take.
const MOST_HEADERS: usize = 64;
const LARGEST_HEAD: usize = 32 * 1024;
/// How long the head and then the body of a request may take, and an idle connection may live.
const PATIENCE: Duration = Duration::from_secs(60);
/// How long requests under way are waited for at the end.
const LAST_REQUESTS: Duration = Duration::from_secs(10);
/// How long to wait when the system has no more sockets to give.
const SOCKET_PAUSE: Duration = Duration::from_millis(50);

/// A server that listens.
pub struct Server {
    listener: TcpListener,
    desk: Arc<Desk>,
    /// Ends after the last request.
    worker: Worker,
}

/// What every connection needs.
struct Desk {
    engine: Arc<Engine>,
    identities: Identities,
}

impl Server {
    /// Listens, and starts the worker. Port 0 takes any free port.
    ///
    /// # Errors
    /// When the address cannot be listened on.
    pub async fn bind(
        address: SocketAddr,
        engine: Arc<Engine>,
        identities: Identities,
    ) -> std::io::Result<Server> {
        let listener = TcpListener::bind(address).await?;
        let worker = Worker::start(engine.clone());
        Ok(Server { listener, desk: Arc::new(Desk { engine, identities }), worker })
    }

    /// The address it listens on.
    ///
    /// # Errors
    /// When the system does not know.
    pub fn address(&self) -> std::io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// Serves until `stop` is over, then lets requests under way end and closes the store.
    ///
    /// # Errors
    /// When the store cannot be written any more, which ends the server at once.
    pub async fn run(self, stop: impl Future<Output = ()>) -> Result<(), StoreError> {
        let Server { listener, desk, worker } = self;
        let broken = store_failure(&desk.engine);
        let connections = GracefulShutdown::new();
        let room = Arc::new(Semaphore::new(MOST_CONNECTIONS));
        tokio::pin!(stop, broken);
        loop {
            let accepted = async {
                let place = room.clone().acquire_owned().await;
                (listener.accept().await, place)
            };
            tokio::select! {
                () = &mut stop => break,
                () = &mut broken => break,
                (accepted, place) = accepted => match accepted {
                    Ok((stream, peer)) => {
                        let connection = connection(stream, peer.ip(), desk.clone());
                        let connection = connections.watch(connection);
                        tokio::spawn(async move {
                            // A client that breaks off has itself to blame; nobody else needs to know.
                            let _ = connection.await;
                            drop(place);
                        });
                    }
                    Err(_) => tokio::time::sleep(SOCKET_PAUSE).await,
                },
            }
        }
        drop(listener);
        let _ = tokio::time::timeout(LAST_REQUESTS, connections.shutdown()).await;
        let engine = desk.engine.clone();
        let last = tokio::task::spawn_blocking(move || {
            drop(worker);
            engine.close()
        });
        last.await.unwrap_or(Ok(()))
    }
}

/// Over when the store of an engine cannot be written any more; of one without a store, never.
fn store_failure(engine: &Engine) -> impl Future<Output = ()> + use<> {
    let (failed, failure) = oneshot::channel();
    engine.on_failure(move |_| {
        // A server that has ended already does not need to hear.
        let _ = failed.send(());
    });
    async {
        if failure.await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

fn connection(
    stream: TcpStream,
    peer: IpAddr,
    desk: Arc<Desk>,
) -> impl hyper_util::server::graceful::GracefulConnection<Error = hyper::Error> {
    // Small answers go out at once. A socket that cannot do that still works.
    let _ = stream.set_nodelay(true);
    let service = service_fn(move |request| serve(desk.clone(), peer, request));
    http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(PATIENCE)
        .max_headers(MOST_HEADERS)
        .max_buf_size(LARGEST_HEAD)
        .serve_connection(TokioIo::new(stream), service)
}

async fn serve(
    desk: Arc<Desk>,
    peer: IpAddr,
    request: Request<Incoming>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let (parts, body) = request.into_parts();
    let answer = match read(body).await {
        Ok(body) => {
            let work = tokio::task::spawn_blocking(move || desk.answer(&parts, &body, peer));
            work.await.unwrap_or_else(|_| Answer::error(&ErrorCode::KmsInternal.silent()))
        }
        Err(error) => Answer::error(&error),
    };
    Ok(response(answer))
}

async fn read(body: Incoming) -> kms_core::Result<Bytes> {
    let read = tokio::time::timeout(PATIENCE, Limited::new(body, LARGEST_BODY).collect()).await;
    let slow = |_| ErrorCode::Serialization.says("The request took too long.");
    let collected = read.map_err(slow)?.map_err(|error| match error.is::<LengthLimitError>() {
        true => exchange::too_large(),
        false => ErrorCode::Serialization.says("The request broke off."),
    })?;
    Ok(collected.to_bytes())
}

impl Desk {
    fn answer(&self, parts: &Parts, body: &[u8], peer: IpAddr) -> Answer {
        if parts.method != "POST" || parts.uri.path() != "/" {
            return Answer::error(&ErrorCode::UnknownOperation.silent());
        }
        let now = time_of_day();
        let authenticated = signature::verify(parts, body, &self.identities, now);
        let authenticated = authenticated.and_then(|authenticated| {
            let known = self.engine.has(authenticated.region);
            let refused = "Credential should be scoped to a valid region.".to_owned();
            known.then_some(authenticated).ok_or(signature::Refusal::InvalidSignature(refused))
        });
        let authenticated = match authenticated {
            Ok(authenticated) => authenticated,
            Err(refusal) => return Answer::unauthenticated(&refusal),
        };
        let target = parts.headers.get("x-amz-target").and_then(|target| target.to_str().ok());
        let exchange = Exchange {
            method: parts.method.as_str(),
            path: parts.uri.path(),
            target: target.unwrap_or_default(),
            body,
            region: authenticated.region,
        };
        let asker = Asker { source: Some(peer), ..Asker::new(authenticated.caller) };
        exchange::answer(&self.engine, asker, exchange)
    }
}

fn response(answer: Answer) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::from(answer.body));
    *response.status_mut() = answer.status.try_into().unwrap_or_default();
    let headers = response.headers_mut();
    headers.insert("content-type", hyper::header::HeaderValue::from_static(CONTENT_TYPE));
    if let Ok(id) = answer.request_id.to_string().parse() {
        headers.insert("x-amzn-requestid", id);
    }
    response
}
