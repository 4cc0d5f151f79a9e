//! Explicit calls: the `[[operation]]` tables of a scenario as requests.
//!
//! A table says what goes over the wire, so the wire's own decoder makes the request. The `key` of a
//! table, and any text among its arguments that is a name, stand for what exists by then: a key from
//! the start, or what an earlier operation `creates`. That is its whole answer, so
//! `with = { CiphertextBlob = "sealed" }` is the ciphertext of the operation that creates `sealed`.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use kms_core::name::{AccountId, RegionName};
use kms_core::ops::{Operation as Api, Request, Response};
use kms_core::wire;
use serde_json::{Map, Value};

use super::book::KeyBook;
use super::generator::{Generator, Moment, Planned, Who};
use super::ring::Ring;
use super::seat::sealed;
use crate::nearest::suggestion;
use crate::schema::{KeyGroup, Operation};
use crate::vocabulary::{Argument, ArgumentProblem, Arguments};

/// What explicit operations have created so far, shared by the clients of a run: whoever writes a
/// script knows all of it.
#[derive(Debug, Clone, Default)]
pub struct Created(Arc<Mutex<BTreeMap<String, Map<String, Value>>>>);

/// The explicit calls of one client.
pub struct Script {
    operations: VecDeque<Operation>,
    /// What calls under way create.
    creating: Vec<(Arc<Request>, String)>,
    created: Created,
    /// What opens the ciphertexts that are kept.
    openings: Ring<Planned>,
}

impl Script {
    /// A script of these operations, which are made in this order.
    pub fn new(operations: Vec<Operation>, created: Created) -> Script {
        let openings = Ring::default();
        Script { operations: operations.into(), creating: Vec::new(), created, openings }
    }

    /// When its calls are meant to start.
    pub fn starts(&self) -> VecDeque<Duration> {
        self.operations.iter().map(|operation| operation.at).collect()
    }
}

impl Generator for Script {
    fn repeats(&self) -> bool {
        false
    }

    fn next(&mut self, moment: &mut Moment<'_>) -> Planned {
        let Some(operation) = self.operations.pop_front() else {
            let (region, account) = (moment.book.regions()[0], moment.book.accounts()[0]);
            return planned(region, account, fallback());
        };
        let region = operation.region.kms();
        let account = account(&operation, moment.book);
        let request = self.created.request(&operation, region, moment.book);
        let mut planned = planned(region, account, request);
        planned.caller = operation.worker.map_or(Who::Admin, Who::Worker);
        if let Some(name) = operation.creates {
            self.creating.push((planned.request.clone(), name));
        }
        planned
    }

    fn learn(&mut self, planned: &Planned, result: &kms_core::Result<Response>) {
        let blob = result.as_ref().ok().and_then(|response| sealed(&planned.request, response));
        if let Some(blob) = blob {
            self.openings.push(blob.open(planned.account));
        }
        let same = |(request, _): &(Arc<Request>, String)| Arc::ptr_eq(request, &planned.request);
        let Some(index) = self.creating.iter().position(same) else { return };
        let (_, name) = self.creating.swap_remove(index);
        if let Ok(response) = result {
            self.created.add(name, response);
        }
    }

    fn kept(&self) -> Vec<Planned> {
        self.openings.iter().cloned().collect()
    }
}

/// Checks the `with` table of an operation: its names are members of the request.
///
/// # Errors
/// The first argument that the operation does not take.
pub fn check_arguments(call: &str, arguments: &Arguments) -> Result<(), ArgumentProblem> {
    let Some(api) = Api::parse(call) else {
        let message = format!("there is no operation {call}");
        return Err(ArgumentProblem { argument: None, message });
    };
    match arguments.keys().find(|name| !is_member(api, name)) {
        None => Ok(()),
        Some(name) => Err(ArgumentProblem {
            argument: Some(name.clone()),
            message: format!(
                "{call} has no argument {name:?}{}",
                suggestion(name, api.request_members().iter().copied())
            ),
        }),
    }
}

/// Whether a request has a member: no member can be a list of nothing, and what is no member is
/// never looked at.
fn is_member(api: Api, name: &str) -> bool {
    let body = Value::Object(Map::from_iter([(name.to_owned(), Value::Array(vec![Value::Null]))]));
    let target = format!("{}{api}", wire::TARGET_PREFIX);
    let decoded = wire::decode_request(&target, body.to_string().as_bytes());
    decoded.is_err_and(|error| error.code == kms_core::ErrorCode::Serialization)
}

impl Created {
    fn add(&self, name: String, response: &Response) {
        let body = wire::encode_response(response);
        if let Ok(Value::Object(mut answer)) = serde_json::from_slice(&body) {
            let arn = ["KeyMetadata", "ReplicaKeyMetadata"].iter().find_map(|member| {
                answer.get(*member).and_then(|metadata| metadata.get("Arn")).cloned()
            });
            answer.extend(arn.map(|arn| ("KeyId".to_owned(), arn)));
            self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(name, answer);
        }
    }

    /// The request of an operation. A key that does not exist is asked for by its name, and the
    /// service says so; what the wire does not take at all becomes a call that only shows that.
    fn request(&self, operation: &Operation, region: RegionName, book: &KeyBook) -> Request {
        let made = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let names = Names { made: &made, region, book };
        let mut body: Map<String, Value> = operation
            .arguments
            .iter()
            .map(|(member, argument)| (member.clone(), names.value(member, argument)))
            .collect();
        if let Some(key) = &operation.key {
            let member = key_member(&operation.call);
            body.insert(member.into(), names.text(member, key.as_str()));
        }
        let target = format!("{}{}", wire::TARGET_PREFIX, operation.call);
        let bytes = Value::Object(body).to_string();
        wire::decode_request(&target, bytes.as_bytes()).unwrap_or_else(|_| fallback())
    }
}

/// What names stand for at one moment.
struct Names<'a> {
    made: &'a BTreeMap<String, Map<String, Value>>,
    region: RegionName,
    book: &'a KeyBook,
}

impl Names<'_> {
    fn value(&self, member: &str, argument: &Argument) -> Value {
        match argument {
            Argument::Text(text) => self.text(member, text),
            Argument::Integer(number) => (*number).into(),
            Argument::Number(number) => (*number).into(),
            Argument::Boolean(boolean) => (*boolean).into(),
            Argument::List(items) => items.iter().map(|item| self.value(member, item)).collect(),
            Argument::Table(table) => {
                Value::Object(table.iter().map(|(k, v)| (k.clone(), self.value(k, v))).collect())
            }
        }
    }

    fn text(&self, member: &str, text: &str) -> Value {
        let part = part(member);
        let made = self.made.get(text).and_then(|answer| answer.get(part)).cloned();
        let given = || {
            let key = key_from_the_start(text)?;
            let arn = self.book.key(key.0, key.1, self.region)?;
            (part == "KeyId").then(|| arn.to_string().into())
        };
        made.or_else(given).unwrap_or_else(|| text.into())
    }
}

/// The part of an earlier answer that a member of a request takes.
pub(super) fn part(member: &str) -> &str {
    if member.ends_with("KeyId") { "KeyId" } else { member.trim_end_matches('s') }
}

/// The member that the `key` of an operation is.
pub(super) fn key_member(call: &str) -> &'static str {
    match call {
        "CreateAlias" | "UpdateAlias" => "TargetKeyId",
        "ReEncrypt" => "DestinationKeyId",
        _ => "KeyId",
    }
}

/// `symmetric-7` as its group and number.
fn key_from_the_start(text: &str) -> Option<(KeyGroup, u32)> {
    let (stem, number) = text.rsplit_once('-')?;
    let group = KeyGroup::all().find(|group| group.stem() == stem)?;
    Some((group, number.parse().ok()?))
}

/// The account that is said, or that owns the key of an operation, or the first one.
fn account(operation: &Operation, book: &KeyBook) -> AccountId {
    if let Some(number) = operation.account {
        return book.owner(number);
    }
    let key = operation.key.as_ref().and_then(|key| key_from_the_start(key.as_str()));
    key.map_or(book.accounts()[0], |(_, number)| book.owner(number))
}

fn planned(region: RegionName, account: AccountId, request: Request) -> Planned {
    Planned { region, account, caller: Who::Admin, service: None, request: Arc::new(request) }
}

/// The call that takes nothing and changes nothing.
fn fallback() -> Request {
    kms_core::ops::generate_random::Request::default().into()
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Dice, Service};
    use super::*;
    use crate::{Scenario, Vocabulary};
    use kms_core::crypto::RustCrypto;

    /// Runs the operations of a scenario; the answers.
    fn play(operations: &str) -> Vec<(Api, Result<Response, kms_core::ErrorCode>)> {
        let text = format!(
            "schema = 1\ndescription = 'x'\nkeys.symmetric = 2\n[[phase]]\nname = 'x'\n\
             duration = '1m'\n{operations}"
        );
        let vocabulary = Vocabulary { check_arguments, ..Vocabulary::open() };
        let scenario = Scenario::parse("x.toml", &text, &[], &vocabulary).unwrap();
        let mut service = Service::new();
        let mut script = Script::new(scenario.operations, Created::default());
        let answers = script.starts().into_iter().map(|now| {
            let book = service.book.clone();
            let mut dice = Dice::new(1);
            let planned = script.next(&mut Moment {
                now,
                book: &book,
                draw: &mut dice,
                backend: &RustCrypto,
            });
            let result = service.call(&planned);
            script.learn(&planned, &result);
            (planned.request.operation(), result.map_err(|error| error.code))
        });
        answers.collect()
    }

    #[test]
    fn operations_use_what_earlier_ones_created() {
        let answers = play(
            r#"
[[operation]]
at = "1s"
call = "CreateKey"
creates = "mine"
[[operation]]
at = "2s"
call = "Encrypt"
key = "mine"
creates = "sealed"
with = { Plaintext = "aGVsbG8=", EncryptionContext = { purpose = "test" } }
[[operation]]
at = "3s"
call = "CreateAlias"
key = "symmetric-1"
with = { AliasName = "alias/orders" }
[[operation]]
at = "4s"
call = "ReEncrypt"
key = "alias/orders"
with = { CiphertextBlob = "sealed", SourceEncryptionContext = { purpose = "test" } }
[[operation]]
at = "5s"
call = "CreateGrant"
key = "mine"
creates = "given"
with = { GranteePrincipal = "arn:aws:iam::111122223333:role/worker-0", Operations = ["Decrypt"] }
[[operation]]
at = "6s"
call = "Decrypt"
with = { CiphertextBlob = "sealed", EncryptionContext = { purpose = "test" }, GrantTokens = ["given"] }
[[operation]]
at = "7s"
call = "RevokeGrant"
key = "mine"
with = { GrantId = "given" }
[[operation]]
at = "8s"
call = "ScheduleKeyDeletion"
key = "symmetric-0"
with = { PendingWindowInDays = 7 }
"#,
        );
        assert_eq!(answers.len(), 8);
        for (operation, result) in answers {
            assert!(result.is_ok(), "{operation}: {result:?}");
        }
    }

    #[test]
    fn a_key_that_was_never_made_is_not_found() {
        let answers = play(
            "[[operation]]\nat = '1s'\ncall = 'CreateKey'\ncreates = 'bad'\n\
             with = { KeySpec = 'RSA_2048' }\n\
             [[operation]]\nat = '2s'\ncall = 'DescribeKey'\nkey = 'bad'\n",
        );
        assert!(answers[0].1.is_err());
        let missing = (Api::DescribeKey, Err(kms_core::ErrorCode::NotFound));
        assert_eq!(answers[1], missing);
    }

    #[test]
    fn arguments_are_members_of_the_request() {
        let check = |call: &str, name: &str| {
            let arguments = Arguments::from([(name.to_owned(), Argument::Boolean(true))]);
            check_arguments(call, &arguments).map_err(|problem| problem.message)
        };
        for (call, name) in [
            ("Encrypt", "EncryptionContext"),
            ("Encrypt", "GrantTokens"),
            ("CreateGrant", "Constraints"),
            ("ListKeys", "Limit"),
            ("CreateKey", "MultiRegion"),
            ("ReplicateKey", "Tags"),
        ] {
            assert_eq!(check(call, name), Ok(()), "{call} {name}");
        }
        let wrong = "Encrypt has no argument \"DryRum\"; did you mean \"DryRun\"?";
        assert_eq!(check("Encrypt", "DryRum"), Err(wrong.to_owned()));
        assert_eq!(check("Sing", "Plain"), Err("there is no operation Sing".to_owned()));
    }
}
