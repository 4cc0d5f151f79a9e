//! The world that every provocation starts in, and one request in it, as JSON.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use kms_core::Result;
use kms_core::key::{KeySpec, KeyUsage};
use kms_core::local::Local;
use kms_core::name::{KeyArn, RegionName};
use kms_core::ops::{Operation, Request, Response};
use kms_core::wire::{Shape, TARGET_PREFIX, decode_request, encode_request};
use serde_json::{Value, json};
use std::str::FromStr;
use std::time::Duration;

const REQUESTS: &str = include_str!("requests.txt");

/// The members that name the key an operation is about.
const KEY_MEMBERS: [&str; 3] = ["KeyId", "TargetKeyId", "DestinationKeyId"];

/// Three Regions; a multi-Region key with an alias, a grant, a replica and a ciphertext; another key;
/// and a request about them that nothing is wrong with.
pub(crate) struct World {
    pub(crate) local: Local,
    pub(crate) operation: Operation,
    pub(crate) request: Value,
    key: KeyArn,
    other: KeyArn,
    blob: String,
    grant: String,
    /// A key that signed or made a tag, and what it made.
    proof: Option<(String, String)>,
}

impl World {
    pub(crate) fn new(operation: Operation) -> World {
        let mut local = Local::regions(&["us-east-1", "eu-west-1", "ap-northeast-1"]);
        let key = created(&mut local, &json!({ "MultiRegion": true }));
        let other = created(&mut local, &json!({}));
        let mut world = World {
            local,
            operation,
            request: json!({}),
            key,
            other,
            blob: String::new(),
            grant: String::new(),
            proof: None,
        };
        world.furnish();
        world.request = match operation {
            Operation::CreateCustomKeyStore => {
                let request: Request = world.local.proxy_and_request("new").into();
                serde_json::from_slice(&encode_request(&request)).expect("JSON")
            }
            Operation::ImportKeyMaterial => {
                let key = world.importable();
                let parameters = world.local.parameters(key).expect("parameters");
                let request: Request = parameters.wrap(&[1; 32]).into();
                serde_json::from_slice(&encode_request(&request)).expect("JSON")
            }
            _ => world.resolved(template(operation)),
        };
        if operation == Operation::CancelKeyDeletion {
            world.done("ScheduleKeyDeletion", json!({ "KeyId": key.to_string() }));
        }
        world
    }

    fn furnish(&mut self) {
        let key = self.key.to_string();
        self.done("CreateAlias", json!({ "AliasName": "alias/app", "TargetKeyId": key }));
        let made = self.done(
            "CreateGrant",
            json!({ "KeyId": key, "GranteePrincipal": "arn:aws:iam::111122223333:user/alice",
                    "RetiringPrincipal": "arn:aws:iam::111122223333:user/carol",
                    "Operations": ["Encrypt"] }),
        );
        let Response::CreateGrant(made) = made else { panic!("{made:?}") };
        self.grant = made.grant_id.as_str().to_owned();
        let sealed = self.done("Encrypt", json!({ "KeyId": key, "Plaintext": "c2VjcmV0" }));
        let Response::Encrypt(sealed) = sealed else { panic!("{sealed:?}") };
        self.blob = STANDARD.encode(&sealed.ciphertext_blob.0);
        self.done("ReplicateKey", json!({ "KeyId": key, "ReplicaRegion": "eu-west-1" }));
        self.local.advance(Duration::from_secs(5));
    }

    /// Sends the request.
    pub(crate) fn send(&mut self) -> Result<Response> {
        let request = self.request.clone();
        self.call(self.operation.name(), &request)
    }

    /// Sends another request and expects an answer.
    pub(crate) fn done(&mut self, operation: &str, request: Value) -> Response {
        let request = self.resolved(request);
        let answer = self.call(operation, &request);
        answer.unwrap_or_else(|error| panic!("{operation}: {error}"))
    }

    fn call(&mut self, operation: &str, request: &Value) -> Result<Response> {
        call(&mut self.local, operation, request)
    }

    /// Gives a member of the request another value.
    pub(crate) fn set(&mut self, member: &str, value: impl Into<Value>) {
        self.request[member] = self.resolved(value.into());
    }

    /// Names another key in the request, if it names one.
    pub(crate) fn set_key(&mut self, name: &str) {
        if let Some(member) = self.key_member() {
            self.set(member, name);
        }
    }

    /// The key that the request names, or else the world's.
    pub(crate) fn subject(&self) -> String {
        let named = self.key_member().and_then(|member| self.request[member].as_str());
        named.map_or_else(|| self.key.to_string(), str::to_owned)
    }

    fn key_member(&self) -> Option<&'static str> {
        KEY_MEMBERS.into_iter().find(|member| self.request.get(*member).is_some())
    }

    /// Puts what the world has where a text stands for it.
    fn resolved(&mut self, value: Value) -> Value {
        match value {
            Value::Object(members) => {
                members.into_iter().map(|(name, value)| (name, self.resolved(value))).collect()
            }
            Value::String(text) => match text.strip_prefix('$') {
                Some(name) => self.thing(name).into(),
                None => text.into(),
            },
            other => other,
        }
    }

    fn thing(&mut self, name: &str) -> String {
        match name {
            "key" => self.key.to_string(),
            "other" => self.other.to_string(),
            "blob" => self.blob.clone(),
            "grant" => self.grant.clone(),
            "ZEROS 1088" => STANDARD.encode([0; 1088]),
            "PEER" => {
                let key = self.key_of_kind("ECC_NIST_P256 KEY_AGREEMENT");
                match self.done("GetPublicKey", json!({ "KeyId": key })) {
                    Response::GetPublicKey(peer) => text_of(&peer, "PublicKey"),
                    other => panic!("{other:?}"),
                }
            }
            "SIGNED" | "SIGNATURE" => self.proven(name == "SIGNED", template(Operation::Sign)),
            "MACED" | "MAC" => self.proven(name == "MACED", template(Operation::GenerateMac)),
            "IMPORTABLE" => self.importable().to_string(),
            "IMPORTED" => {
                let key = self.importable();
                let parameters = self.local.parameters(key).expect("parameters");
                self.local.import(key, parameters.wrap(&[1; 32])).expect("an import");
                key.to_string()
            }
            "store" => self.local.create_external_store("store").to_string(),
            "cluster" => self.local.create_cloud_hsm_store("cluster").to_string(),
            "external" => self.local.connected_external_store("external").to_string(),
            "connected" => self.local.connected_cloud_hsm_store("connected").to_string(),
            "policy" => {
                let (account, partition) = (self.key.account, self.key.region.partition());
                kms_core::policy::Policy::default_for(account, partition).text().to_owned()
            }
            _ => self.key_of_kind(name),
        }
    }

    /// A symmetric key that waits for its material.
    fn importable(&mut self) -> KeyArn {
        self.local.create_key_to_import(KeySpec::SymmetricDefault, KeyUsage::EncryptDecrypt)
    }

    /// A key that has signed, or made a tag; or what it made.
    fn proven(&mut self, key: bool, request: Value) -> String {
        if self.proof.is_none() {
            let request = self.resolved(request);
            let made = match request.get("MacAlgorithm") {
                Some(_) => match self.done("GenerateMac", request.clone()) {
                    Response::GenerateMac(made) => text_of(&made, "Mac"),
                    other => panic!("{other:?}"),
                },
                None => match self.done("Sign", request.clone()) {
                    Response::Sign(made) => text_of(&made, "Signature"),
                    other => panic!("{other:?}"),
                },
            };
            self.proof = Some((request["KeyId"].as_str().unwrap_or_default().to_owned(), made));
        }
        let (by, made) = self.proof.clone().unwrap_or_default();
        if key { by } else { made }
    }

    /// A key of this spec and usage.
    fn key_of_kind(&mut self, kind: &str) -> String {
        let (spec, usage) =
            kind.split_once(' ').unwrap_or_else(|| panic!("no thing called {kind}"));
        created(&mut self.local, &json!({ "KeySpec": spec, "KeyUsage": usage })).to_string()
    }
}

/// A member of an answer.
fn text_of(answer: &impl Shape, member: &str) -> String {
    answer.encode_members()[member].as_str().unwrap_or_default().to_owned()
}

fn template(operation: Operation) -> Value {
    let lines = REQUESTS.lines().filter_map(|line| line.split_once(' '));
    let mut lines = lines.filter(|(name, _)| *name == operation.name());
    let (_, json) = lines.next().unwrap_or_else(|| panic!("requests.txt has no {operation}"));
    Value::from_str(json).unwrap_or_else(|error| panic!("{operation}: {error}"))
}

fn call(local: &mut Local, operation: &str, request: &Value) -> Result<Response> {
    let target = format!("{TARGET_PREFIX}{operation}");
    let request = decode_request(&target, request.to_string().as_bytes())?;
    local.call(request)
}

fn created(local: &mut Local, request: &Value) -> KeyArn {
    match call(local, "CreateKey", request) {
        Ok(Response::CreateKey(made)) => made.key_metadata.arn,
        other => panic!("{request}: {other:?}"),
    }
}

/// A Region of the world.
pub(crate) fn region(name: &str) -> RegionName {
    RegionName::parse(name).expect("a Region")
}
