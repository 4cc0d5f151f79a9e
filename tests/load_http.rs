//! Loads over HTTP from the outside: TLS, the keys that are left, and endpoints that refuse.

use crate::served::Served;
use crate::support::{folder, keyquake, root};
use base64::Engine;
use kms_core::key::KeyState;
use rcgen::{CertifiedKey, generate_simple_self_signed};
use std::net::SocketAddr;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;

/// A load of two seconds over 36 keys, of which some workloads make more.
const LOAD: [&str; 8] = [
    "load",
    "scenarios/quickstart.toml",
    "--region",
    "us-east-1",
    "--duration",
    "2s",
    "--rate",
    "100",
];

fn load(more: &[&str]) -> (Option<i32>, String) {
    let output = keyquake(&[&LOAD[..], more].concat());
    (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
}

/// Ends TLS in front of a server, with a certificate for `localhost`; its port, and the certificate in PEM.
fn ends_tls(behind: SocketAddr) -> (u16, String) {
    let made = generate_simple_self_signed(["localhost".to_owned()]).expect("a certificate");
    let CertifiedKey { cert, signing_key } = made;
    let key = PrivateKeyDer::Pkcs8(signing_key.serialize_der().into());
    let provider = Arc::new(tokio_rustls::rustls::crypto::aws_lc_rs::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_no_client_auth()
        .with_single_cert(vec![cert.der().clone()], key)
        .expect("a certificate and its key");
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let (said, port) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Runtime::new().expect("a runtime");
        runtime.block_on(async {
            let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a port");
            said.send(listener.local_addr().expect("an address").port()).expect("somebody asks");
            loop {
                let (outside, _) = listener.accept().await.expect("a connection");
                let acceptor = acceptor.clone();
                tokio::spawn(async move {
                    let Ok(mut outside) = acceptor.accept(outside).await else { return };
                    let mut inside = TcpStream::connect(behind).await.expect("the server");
                    let _ = tokio::io::copy_bidirectional(&mut outside, &mut inside).await;
                });
            }
        });
    });
    let encoded = base64::engine::general_purpose::STANDARD.encode(cert.der());
    let pem = format!("-----BEGIN CERTIFICATE-----\n{encoded}\n-----END CERTIFICATE-----\n");
    (port.recv().expect("a listener"), pem)
}

#[test]
fn an_endpoint_of_https_is_driven_when_its_certificate_is_trusted() {
    let served = Served::start(&["us-east-1"]);
    let (port, pem) = ends_tls(served.address());
    let url = format!("https://localhost:{port}");
    let file = folder("load-tls").join("ca.pem");
    std::fs::write(&file, pem).expect("a file");
    let file = file.to_str().expect("a path");

    let (code, said) = load(&["--url", &url, "--ca-file", file]);
    assert_eq!(code, Some(0), "{said}");
    let states = served.key_states("us-east-1");
    assert!(states.len() >= 36, "{states:?}");

    let (code, said) = load(&["--url", &url]);
    assert_eq!(code, Some(2), "{said}");
    assert!(said.contains("TLS") && said.to_lowercase().contains("certificate"), "{said}");
    let other = format!("https://127.0.0.1:{port}");
    let (code, said) = load(&["--url", &other, "--ca-file", file]);
    assert_eq!((code, said.contains("not valid for name")), (Some(2), true), "{said}");
    let (code, said) = load(&["--url", &url, "--ca-file", "Cargo.toml"]);
    assert_eq!(code, Some(2), "{said}");
    assert!(said.contains("Cargo.toml: it has no certificate in PEM"), "{said}");
}

/// How many keys are pending deletion, and how many there are.
fn pending(served: &Served) -> (usize, usize) {
    let states = served.key_states("us-east-1");
    let gone = [KeyState::PendingDeletion, KeyState::PendingReplicaDeletion];
    (states.iter().filter(|state| gone.contains(state)).count(), states.len())
}

#[test]
fn the_keys_of_a_load_are_scheduled_for_deletion_unless_they_are_to_stay() {
    let served = Served::start(&["us-east-1"]);
    let url = served.url();
    let (code, said) = load(&["--url", &url, "--keep-keys"]);
    assert_eq!(code, Some(0), "{said}");
    let (gone, kept) = pending(&served);
    assert!(kept >= 36 && gone * 4 < kept, "the load itself schedules few: {gone} of {kept}");

    let (code, said) = load(&["--url", &url]);
    assert_eq!(code, Some(0), "{said}");
    let (now_gone, now) = pending(&served);
    assert!(now >= kept + 36, "{now} after {kept}");
    assert_eq!(now_gone - gone, now - kept, "all the keys of the second load: {said}");
}

#[test]
#[cfg(unix)]
fn a_load_that_is_broken_off_parts_with_its_keys_too() {
    let served = Served::start(&["us-east-1"]);
    let url = served.url();
    let mut child = Command::new(env!("CARGO_BIN_EXE_keyquake"))
        .args(LOAD.iter().map(|argument| if *argument == "2s" { "60s" } else { argument }))
        .args(["--url", &url, "--json"])
        .current_dir(root())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the command can be started");
    let patience = Instant::now() + Duration::from_secs(60);
    while served.key_states("us-east-1").len() < 36 && Instant::now() < patience {
        std::thread::sleep(Duration::from_millis(100));
    }
    std::thread::sleep(Duration::from_secs(1));
    let interrupt = Command::new("kill").args(["-INT", &child.id().to_string()]).status();
    assert!(interrupt.expect("kill").success());
    let status = child.wait().expect("an end");
    assert_eq!(status.code(), Some(130));
    let (gone, all) = pending(&served);
    assert!(all >= 36, "{all}");
    assert_eq!(gone, all, "every key");
}

/// A server that gives every request the same answer.
fn refuses(status: &'static str, body: &'static str) -> String {
    let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            use std::io::{Read, Write};
            let mut stream = stream;
            let mut buffer = [0; 8_192];
            while stream.read(&mut buffer).is_ok_and(|read| read > 0) {
                let length = body.len();
                let answer = format!("HTTP/1.1 {status}\r\ncontent-length: {length}\r\n\r\n{body}");
                let _ = stream.write_all(answer.as_bytes());
            }
        }
    });
    url
}

#[test]
fn an_endpoint_that_refuses_is_told_of_before_the_load() {
    let signature = r#"{"__type":"InvalidSignatureException","message":"it does not match"}"#;
    for (status, body, expected) in [
        ("403 Forbidden", signature, "InvalidSignatureException"),
        ("401 Unauthorized", "", "Status401"),
        ("502 Bad Gateway", "<html>", "Status502"),
        ("200 OK", "<html>", "UnreadableAnswer"),
    ] {
        let (code, said) = load(&["--url", &refuses(status, body)]);
        assert_eq!(code, Some(2), "{said}");
        assert!(said.contains(expected) && said.lines().count() == 1, "{expected}: {said}");
    }
}
