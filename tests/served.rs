//! Our own server, in a thread of the test, for loads to drive.

use kms_core::key::KeyState;
use kms_core::name::RegionName;
use kms_core::ops::{Request, Response, describe_key, list_keys};
use kms_core::wire::{GrantTokens, Limit};
use loadgen::http::{Credential, Credentials, Endpoint, Roots};
use server::{Asker, Configuration, Engine, Identities, Server};
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::sync::oneshot;

/// A server in a thread of this process, in memory.
pub(crate) struct Served {
    engine: Arc<Engine>,
    address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl Served {
    pub(crate) fn start(regions: &[&str]) -> Served {
        let regions = regions.iter().filter_map(|name| RegionName::parse(name)).collect();
        let engine = Engine::new(Configuration { regions, ..Configuration::default() });
        let engine = Arc::new(engine);
        let serving = engine.clone();
        let (said, address) = std::sync::mpsc::channel();
        let (stop, stopped) = oneshot::channel::<()>();
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Runtime::new().expect("a runtime");
            runtime.block_on(async {
                let any = SocketAddr::from(([127, 0, 0, 1], 0));
                let server = Server::bind(any, serving, Identities::development()).await;
                let server = server.expect("a port");
                said.send(server.address().expect("an address")).expect("somebody asks");
                server.run(async { drop(stopped.await) }).await.expect("an end");
            });
        });
        let address = address.recv().expect("a server");
        Served { engine, address, stop: Some(stop), thread: Some(thread) }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The states of all keys in a Region.
    pub(crate) fn key_states(&self, region: &str) -> Vec<KeyState> {
        let region = RegionName::parse(region).expect("a Region");
        let ask = |request: Request| {
            let asker = Asker::new(Identities::development().first().clone());
            self.engine.answer(region, asker, &request).result.expect("an answer")
        };
        let list = list_keys::Request { limit: Some(Limit(1_000)), ..Default::default() };
        let Response::ListKeys(listed) = ask(list.into()) else { panic!("another answer") };
        assert!(!listed.truncated, "more keys than a page has");
        let state = |key: &list_keys::KeyEntry| {
            let grant_tokens = GrantTokens::default();
            let request = describe_key::Request { key_id: key.key_arn.into(), grant_tokens };
            let Response::DescribeKey(key) = ask(request.into()) else { panic!("another answer") };
            key.key_metadata.key_state
        };
        listed.keys.0.iter().map(state).collect()
    }

    pub(crate) fn endpoint(&self) -> Endpoint {
        let test = Credential::new("test", "test", None);
        let mut endpoint =
            Endpoint::new(&self.url(), Credentials::of(test), Roots::System).expect("a URL");
        endpoint.connections = 8;
        endpoint
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
