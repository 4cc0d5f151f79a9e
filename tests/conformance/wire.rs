//! The connector of the official client: to a server over TCP, or to an engine in this process.

use aws_sdk_kms::config::retry::RetryConfig;
use aws_sdk_kms::config::{BehaviorVersion, Credentials, Region};
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;
use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use kms_core::env::Caller;
use kms_core::name::RegionName;
use server::{Asker, Engine, Exchange};
use std::error::Error;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

type Failure = Box<dyn Error + Send + Sync>;

/// Where requests go.
#[derive(Clone)]
pub(crate) enum Route {
    /// To a server.
    Tcp(SocketAddr),
    /// To an engine, as this caller.
    InProcess(Arc<Engine>, Arc<Caller>),
}

/// A request and its answer.
#[derive(Clone, Debug)]
pub(crate) struct Exchanged {
    pub(crate) operation: String,
    pub(crate) request: Vec<u8>,
    pub(crate) status: u16,
    pub(crate) response: Vec<u8>,
}

/// A connector that writes down what went over it.
#[derive(Clone)]
pub(crate) struct Wire {
    route: Route,
    region: &'static str,
    log: Arc<Mutex<Vec<Exchanged>>>,
}

impl std::fmt::Debug for Wire {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Wire({})", self.region)
    }
}

impl Wire {
    pub(crate) fn new(route: Route, region: &'static str, log: Arc<Mutex<Vec<Exchanged>>>) -> Wire {
        Wire { route, region, log }
    }

    /// A client of the Region that retries nothing, with the development identity.
    pub(crate) fn client(self) -> aws_sdk_kms::Client {
        let url = match &self.route {
            Route::Tcp(address) => format!("http://{address}"),
            Route::InProcess(..) => "http://in-process".to_owned(),
        };
        let configuration = aws_sdk_kms::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .credentials_provider(Credentials::new("test", "test", None, None, "development"))
            .region(Region::new(self.region))
            .endpoint_url(url)
            .retry_config(RetryConfig::disabled())
            .http_client(self)
            .build();
        aws_sdk_kms::Client::from_conf(configuration)
    }

    async fn exchange(self, request: HttpRequest) -> Result<HttpResponse, Failure> {
        let request = request.try_into_http1x()?;
        let (parts, body) = request.into_parts();
        let body = Bytes::copy_from_slice(body.bytes().unwrap_or_default());
        let target = parts.headers.get("x-amz-target").map_or(Ok(""), |target| target.to_str())?;
        let operation = target.strip_prefix("TrentService.").unwrap_or_default().to_owned();
        let request = Request::from_parts(parts, Full::new(body.clone()));
        let response = match &self.route {
            Route::Tcp(address) => over_tcp(*address, request).await?,
            Route::InProcess(engine, caller) => {
                in_process(engine.clone(), caller.clone(), self.region, &operation, body.clone())
                    .await?
            }
        };
        let exchanged = Exchanged {
            operation,
            request: body.to_vec(),
            status: response.status().as_u16(),
            response: response.body().to_vec(),
        };
        self.log.lock().expect("the log").push(exchanged);
        Ok(HttpResponse::try_from(response.map(|body| SdkBody::from(body.to_vec())))?)
    }
}

/// One exchange on a connection of its own.
async fn over_tcp(
    address: SocketAddr,
    mut request: Request<Full<Bytes>>,
) -> Result<Response<Bytes>, Failure> {
    let uri = request.uri();
    let host = uri.authority().map(ToString::to_string).unwrap_or_default();
    let path = uri.path_and_query().map_or("/", |path| path.as_str()).parse()?;
    *request.uri_mut() = path;
    request.headers_mut().entry("host").or_insert(host.parse()?);
    let stream = tokio::net::TcpStream::connect(address).await?;
    let (mut sender, connection) =
        hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
    let connection = tokio::spawn(connection);
    let (parts, body) = sender.send_request(request).await?.into_parts();
    let body = body.collect().await?.to_bytes();
    drop(sender);
    connection.await??;
    assert!(parts.headers.contains_key("x-amzn-requestid"), "every answer has an id");
    Ok(Response::from_parts(parts, body))
}

async fn in_process(
    engine: Arc<Engine>,
    caller: Arc<Caller>,
    region: &str,
    operation: &str,
    body: Bytes,
) -> Result<Response<Bytes>, Failure> {
    let region = RegionName::parse(region).ok_or("a Region")?;
    let target = format!("TrentService.{operation}");
    let answer = tokio::task::spawn_blocking(move || {
        let exchange = Exchange { method: "POST", path: "/", target: &target, body: &body, region };
        server::answer(&engine, Asker::new(caller), exchange)
    });
    let answer = answer.await?;
    let response = Response::builder().status(answer.status);
    let response = response.header("content-type", server::CONTENT_TYPE);
    Ok(response.body(Bytes::from(answer.body))?)
}

impl HttpConnector for Wire {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let exchange = self.clone().exchange(request);
        HttpConnectorFuture::new(async { exchange.await.map_err(ConnectorError::io) })
    }
}

impl HttpClient for Wire {
    fn http_connector(
        &self,
        _: &HttpConnectorSettings,
        _: &RuntimeComponents,
    ) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}
