//! A server that is killed: `keyquake serve --data` as a process, under load by the official client.
//!
//! What was answered before the kill is there after it, what was encrypted decrypts, and nothing is
//! there by halves. Where the moment falls is left to chance, because every one must be survived.

use crate::conformance::{Route, Wire};
use crate::support::{folder, keyquake};
use aws_sdk_kms::Client;
use aws_sdk_kms::primitives::Blob;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

/// How often the server is killed, and how many clients it has at the time.
const KILLS: usize = 5;
const CLIENTS: usize = 8;
const REGION: &str = "us-east-1";

/// A server of its own process.
struct Served {
    child: Child,
    address: SocketAddr,
}

impl Served {
    fn start(data: &Path) -> Served {
        let mut child = Command::new(env!("CARGO_BIN_EXE_keyquake"))
            .args(["serve", "--listen", "127.0.0.1:0", "--json", "--regions", REGION, "--data"])
            .arg(data)
            .env_remove("KEYQUAKE_ROOT_KEY")
            .stdout(Stdio::piped())
            .spawn()
            .expect("the server starts");
        let mut line = String::new();
        let output = child.stdout.take().expect("its output");
        BufReader::new(output).read_line(&mut line).expect("its first line");
        let said: serde_json::Value = serde_json::from_str(&line).expect("one line of JSON");
        let endpoint = said["endpoint"].as_str().expect("an endpoint");
        let address = endpoint.strip_prefix("http://").and_then(|address| address.parse().ok());
        Served { child, address: address.expect("an address") }
    }

    fn client(&self) -> Client {
        Wire::new(Route::Tcp(self.address), REGION, Arc::default()).client()
    }

    /// Ends it as the kernel ends a process: between two instructions.
    fn kill(mut self) {
        self.child.kill().expect("it runs");
        self.child.wait().expect("it ends");
    }

    /// Asks it to end, and returns its exit code.
    fn terminate(mut self) -> Option<i32> {
        let id = self.child.id().to_string();
        let sent = Command::new("kill").args(["-TERM", &id]).status();
        assert!(sent.expect("a signal").success());
        self.child.wait().expect("it ends").code()
    }
}

/// A test that fails leaves no server behind.
impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What a client was told: a key with an alias, and what was encrypted with it.
#[derive(Clone)]
struct Acknowledged {
    key: String,
    alias: String,
    text: Vec<u8>,
    blob: Blob,
}

/// Makes keys until the server is gone, and notes only what was answered.
async fn work(client: Client, name: String, told: Arc<Mutex<Vec<Acknowledged>>>) {
    for number in 0.. {
        let Ok(made) = client.create_key().send().await else { return };
        let key = made.key_metadata.expect("metadata").key_id;
        let alias = format!("alias/{name}-{number}");
        let named = client.create_alias().alias_name(&alias).target_key_id(&key).send().await;
        if named.is_err() {
            return;
        }
        let text = alias.clone().into_bytes();
        let sealed = client.encrypt().key_id(&alias).plaintext(Blob::new(text.clone()));
        let Ok(sealed) = sealed.send().await else { return };
        let blob = sealed.ciphertext_blob.expect("a ciphertext");
        told.lock().expect("the list").push(Acknowledged { key, alias, text, blob });
    }
}

/// Everything that was acknowledged is there and works.
async fn check(client: &Client, told: &[Acknowledged]) {
    for one in told {
        let opened = client.decrypt().ciphertext_blob(one.blob.clone()).send().await;
        let opened = opened.expect("a ciphertext that was given out decrypts");
        assert_eq!(opened.plaintext.expect("a plaintext").as_ref(), one.text);
        let described = client.describe_key().key_id(&one.alias).send().await;
        let metadata = described.expect("an alias that was answered").key_metadata;
        assert_eq!(metadata.expect("metadata").key_id, one.key);
    }
}

/// Nothing is there by halves, whether anybody was told of it or not. Returns how many keys there are.
async fn check_whole(client: &Client) -> usize {
    let mut keys = client.list_keys().into_paginator().items().send();
    let mut count = 0;
    while let Some(key) = keys.next().await {
        let id = key.expect("a page").key_id.expect("an id");
        let sealed = client.encrypt().key_id(&id).plaintext(Blob::new(*b"whole")).send().await;
        let blob = sealed.expect("a key that is listed encrypts").ciphertext_blob;
        let opened = client.decrypt().ciphertext_blob(blob.expect("a ciphertext")).send().await;
        assert_eq!(opened.expect("and decrypts").plaintext.expect("text").as_ref(), b"whole");
        count += 1;
    }
    let mut aliases = client.list_aliases().into_paginator().items().send();
    while let Some(alias) = aliases.next().await {
        // The aliases that AWS services reserve name no key before they are used.
        let Some(target) = alias.expect("a page").target_key_id else { continue };
        client.describe_key().key_id(target).send().await.expect("the target of an alias");
    }
    count
}

/// From a quarter of a second to three quarters.
fn some_time() -> Duration {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).expect("after 1970");
    Duration::from_millis(250 + u64::from(now.subsec_micros() % 500))
}

#[test]
fn what_was_answered_survives_the_end_of_the_process() {
    let data = folder("recovery-kill");
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let told: Arc<Mutex<Vec<Acknowledged>>> = Arc::default();
    let so_far = || told.lock().expect("the list").clone();
    for kill in 0..KILLS {
        let server = Served::start(&data);
        runtime.block_on(check(&server.client(), &so_far()));
        let workers: Vec<_> = (0..CLIENTS)
            .map(|worker| work(server.client(), format!("{kill}-{worker}"), told.clone()))
            .map(|work| runtime.spawn(work))
            .collect();
        std::thread::sleep(some_time());
        server.kill();
        for worker in workers {
            runtime.block_on(worker).expect("a client ends");
        }
    }
    let server = Served::start(&data);
    let told = so_far();
    assert!(told.len() >= KILLS * CLIENTS, "only {} were acknowledged", told.len());
    runtime.block_on(check(&server.client(), &told));
    let keys = runtime.block_on(check_whole(&server.client()));
    assert!(keys >= told.len(), "{keys} keys of {}", told.len());
    assert_eq!(server.terminate(), Some(0));
    let files: Vec<_> = std::fs::read_dir(&data).expect("the folder").flatten().collect();
    let mut files: Vec<_> = files.iter().map(std::fs::DirEntry::file_name).collect();
    files.sort();
    assert_eq!(files, ["keyquake.db", "root.key"], "a clean end leaves one file beside the key");
}

#[test]
fn a_store_that_cannot_be_opened_ends_with_two_and_one_sentence() {
    let data = folder("recovery-refused");
    let path = data.to_str().expect("a path");
    let refused = |expected: &str| {
        let ended = keyquake(&["serve", "--listen", "127.0.0.1:0", "--data", path]);
        let said = String::from_utf8_lossy(&ended.stderr).into_owned();
        assert_eq!(ended.status.code(), Some(2), "{said}");
        assert!(said.contains(expected) && said.lines().count() == 1, "{expected}: {said}");
    };
    let server = Served::start(&data);
    refused("keyquake.db is in use by another server");
    assert_eq!(server.terminate(), Some(0));
    let key = data.join("root.key");
    let right = std::fs::read(&key).expect("the root key");
    let other = "a".repeat(64);
    std::fs::write(&key, &other).expect("the file");
    refused("was made with another root key");
    std::fs::write(&key, &other[1..]).expect("the file");
    refused("holds no root key, which is 64 hexadecimal digits");
    std::fs::write(&key, right).expect("the file");
    assert_eq!(Served::start(&data).terminate(), Some(0));
}
