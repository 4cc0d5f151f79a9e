//! What generators ask for, written down as explicit calls.
//!
//! A load is a program; what it did in one run is a list. The list can be made shorter call by call,
//! which a program cannot. Whatever a call was given by an earlier answer is named after that call, as
//! a person who writes `[[operation]]` tables would do.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use kms_core::ops::{Request, Response};
use kms_core::wire;
use serde_json::{Map, Value};

use super::book::KeyBook;
use super::explicit::{key_member, part};
use super::generator::{Generator, Moment, Planned, Who};
use crate::units::duration_text;

/// The calls of a run, as they are planned.
#[derive(Clone, Default)]
pub struct Tape(Arc<Mutex<Log>>);

#[derive(Default)]
struct Log {
    calls: Vec<Call>,
    /// Which call's answer had what in which member first.
    given: BTreeMap<(String, String), usize>,
    keys: BTreeMap<String, String>,
    accounts: Vec<kms_core::name::AccountId>,
}

struct Call {
    at: Duration,
    client: u32,
    planned: Planned,
}

/// A generator whose calls are taped.
struct Taped {
    inner: Box<dyn Generator>,
    client: u32,
    tape: Tape,
    under_way: Vec<(Arc<Request>, usize)>,
}

impl Tape {
    /// The same generator, with its calls on the tape as those of this client.
    pub fn record(&self, client: u32, inner: Box<dyn Generator>) -> Box<dyn Generator> {
        Box::new(Taped { inner, client, tape: self.clone(), under_way: Vec::new() })
    }

    /// Takes note of what exists from the start and has a name.
    pub fn know(&self, book: &KeyBook) {
        let mut log = self.log();
        log.keys = book.names().map(|(name, arn)| (arn.to_string(), name.to_string())).collect();
        log.accounts = book.accounts().to_vec();
    }

    /// The calls as the `[[operation]]` tables of a scenario.
    pub fn operations(&self) -> Vec<toml::Value> {
        let log = self.log();
        let bodies: Vec<Map<String, Value>> = log.calls.iter().map(|call| log.body(call)).collect();
        let mut used = BTreeSet::new();
        bodies.iter().for_each(|body| names_in(&Value::Object(body.clone()), &mut used));
        let calls = log.calls.iter().zip(bodies).enumerate();
        calls.map(|(index, (call, body))| log.operation(index, call, body, &used)).collect()
    }

    fn log(&self) -> MutexGuard<'_, Log> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Generator for Taped {
    fn next(&mut self, moment: &mut Moment<'_>) -> Planned {
        let at = moment.now;
        let planned = self.inner.next(moment);
        let mut log = self.tape.log();
        self.under_way.push((planned.request.clone(), log.calls.len()));
        log.calls.push(Call { at, client: self.client, planned: planned.clone() });
        planned
    }

    fn learn(&mut self, planned: &Planned, result: &kms_core::Result<Response>) {
        let same = |(request, _): &(Arc<Request>, usize)| Arc::ptr_eq(request, &planned.request);
        if let Some(place) = self.under_way.iter().position(same) {
            let (_, index) = self.under_way.swap_remove(place);
            if let Ok(response) = result {
                self.tape.log().learn(index, response);
            }
        }
        self.inner.learn(planned, result);
    }

    fn repeats(&self) -> bool {
        self.inner.repeats()
    }

    fn kept(&self) -> Vec<Planned> {
        self.inner.kept()
    }
}

/// Shorter texts are no blob and no name that only one answer can have given.
const TELLING: usize = 16;

/// Whether a member of an answer is what later requests need it for. A plaintext that was opened is
/// what somebody wrote before, and an algorithm is what the request said.
fn is_handed_on(member: &str) -> bool {
    member != "KeyId" && member != "Plaintext" && !member.ends_with("Algorithm")
}

impl Log {
    fn learn(&mut self, index: usize, response: &Response) {
        let Ok(Value::Object(answer)) = serde_json::from_slice(&wire::encode_response(response))
        else {
            return;
        };
        for (member, value) in &answer {
            match value {
                Value::String(text) if is_handed_on(member) && text.len() >= TELLING => {
                    self.note(member, text, index);
                }
                Value::Object(metadata) if member.ends_with("KeyMetadata") => {
                    for name in ["Arn", "KeyId"] {
                        let text = metadata.get(name).and_then(Value::as_str);
                        text.into_iter().for_each(|text| self.note("KeyId", text, index));
                    }
                }
                _ => {}
            }
        }
    }

    fn note(&mut self, member: &str, text: &str, index: usize) {
        self.given.entry((member.to_owned(), text.to_owned())).or_insert(index);
    }

    /// The request with names where it has what an earlier answer gave.
    fn body(&self, call: &Call) -> Map<String, Value> {
        match serde_json::from_slice(&wire::encode_request(&call.planned.request)) {
            Ok(Value::Object(mut body)) => {
                body.iter_mut().for_each(|(member, value)| self.rename(member, value));
                body
            }
            _ => Map::new(),
        }
    }

    fn rename(&self, member: &str, value: &mut Value) {
        match value {
            Value::String(text) => {
                let part = part(member);
                let from_the_start = self.keys.get(text).filter(|_| part == "KeyId").cloned();
                let given = self.given.get(&(part.to_owned(), text.clone()));
                if let Some(name) = from_the_start.or(given.map(|index| name(*index))) {
                    *text = name;
                }
            }
            Value::Array(items) => items.iter_mut().for_each(|item| self.rename(member, item)),
            Value::Object(table) => {
                table.iter_mut().for_each(|(member, value)| self.rename(member, value));
            }
            _ => {}
        }
    }

    fn operation(
        &self,
        index: usize,
        call: &Call,
        mut body: Map<String, Value>,
        used: &BTreeSet<String>,
    ) -> toml::Value {
        let operation = call.planned.request.operation().name();
        let mut table = toml::Table::new();
        let mut put = |name: &str, value: toml::Value| drop(table.insert(name.to_owned(), value));
        put("at", duration_text(call.at).into());
        put("call", operation.into());
        put("region", call.planned.region.to_string().into());
        put("client", i64::from(call.client).into());
        let account = self.accounts.iter().position(|account| *account == call.planned.account);
        let account = account.and_then(|number| i64::try_from(number).ok());
        account.filter(|number| *number > 0).into_iter().for_each(|n| put("account", n.into()));
        if let Who::Worker(number) = call.planned.caller {
            put("worker", i64::from(number).into());
        }
        let member = key_member(operation);
        let known = |value: &Value| self.keys.values().any(|name| value == name);
        if body.get(member).is_some_and(known)
            && let Some(Value::String(key)) = body.remove(member)
        {
            put("key", key.into());
        }
        if used.contains(&name(index)) {
            put("creates", name(index).into());
        }
        let with: toml::Table =
            body.into_iter().filter_map(|(name, value)| Some((name, plain(value)?))).collect();
        if !with.is_empty() {
            put("with", toml::Value::Table(with));
        }
        toml::Value::Table(table)
    }
}

/// What stands before the number of a call in the name of its answer.
const MADE: &str = "made-";

/// What the answer of a call is called.
fn name(index: usize) -> String {
    format!("{MADE}{index}")
}

/// Whether a text is the name of an answer.
pub(crate) fn is_made(text: &str) -> bool {
    let digits = text.strip_prefix(MADE).unwrap_or_default();
    !digits.is_empty() && digits.bytes().all(|digit| digit.is_ascii_digit())
}

fn names_in(value: &Value, names: &mut BTreeSet<String>) {
    match value {
        Value::String(text) if is_made(text) => drop(names.insert(text.clone())),
        Value::Array(items) => items.iter().for_each(|item| names_in(item, names)),
        Value::Object(table) => table.values().for_each(|value| names_in(value, names)),
        _ => {}
    }
}

fn plain(value: Value) -> Option<toml::Value> {
    Some(match value {
        // What is off is off without being said.
        Value::Null | Value::Bool(false) => return None,
        Value::Bool(true) => true.into(),
        Value::Number(number) => match number.as_i64() {
            Some(integer) => integer.into(),
            None => number.as_f64()?.into(),
        },
        Value::String(text) => text.into(),
        Value::Array(items) => toml::Value::Array(items.into_iter().filter_map(plain).collect()),
        Value::Object(table) => toml::Value::Table(
            table.into_iter().filter_map(|(name, value)| Some((name, plain(value)?))).collect(),
        ),
    })
}

#[cfg(test)]
mod tests {
    use super::super::explicit::{Created, Script};
    use super::super::testing::{Dice, Service, workload};
    use super::*;
    use crate::{Document, Vocabulary};
    use kms_core::crypto::RustCrypto;

    /// Makes calls a second apart; how many succeed.
    fn play(generator: &mut dyn Generator, service: &mut Service, calls: u64) -> usize {
        let mut dice = Dice::new(7);
        let succeeds = |second: &u64| {
            let now = Duration::from_secs(*second);
            let book = service.book.clone();
            let planned = generator.next(&mut Moment {
                now,
                book: &book,
                draw: &mut dice,
                backend: &RustCrypto,
            });
            let result = service.call(&planned);
            generator.learn(&planned, &result);
            service.local.advance(Duration::from_secs(1));
            result.is_ok()
        };
        (0..calls).filter(succeeds).count()
    }

    fn operations(tape: &Tape) -> Vec<crate::Operation> {
        let text = "schema = 1\ndescription = 'x'\ntopology.regions = ['us-east-1', 'eu-west-1']\n\
                    keys = { symmetric = 2, multi_region = 1 }\n[[phase]]\nname = 'x'\n\
                    duration = '10m'\n";
        let mut document = Document(text.parse().unwrap());
        document.0.insert("operation".to_owned(), toml::Value::Array(tape.operations()));
        document.scenario("x", &Vocabulary::open()).unwrap().operations
    }

    #[test]
    fn what_is_taped_and_played_again_comes_to_the_same() {
        for kind in
            ["encrypt-decrypt", "grants", "key-lifecycle", "aliases", "random", "sign-verify"]
        {
            let (tape, mut service) = (Tape::default(), Service::new());
            tape.know(&service.book);
            let inner = workload(kind, "").generator(&service.book, 0);
            let live = play(&mut *tape.record(3, inner), &mut service, 80);
            let mut script = Script::new(operations(&tape), Created::default());
            assert_eq!(script.starts().len(), 80, "{kind}");
            let again = play(&mut script, &mut Service::new(), 80);
            assert!(live > 20 && again == live, "{kind}: {live} of 80, then {again}");
        }
    }

    #[test]
    fn names_stand_for_what_earlier_answers_gave() {
        let (tape, mut service) = (Tape::default(), Service::new());
        tape.know(&service.book);
        let inner =
            workload("encrypt-decrypt", "keys = ['symmetric-1']").generator(&service.book, 0);
        play(&mut *tape.record(3, inner), &mut service, 20);
        let operations = operations(&tape);
        let encrypts = operations.iter().filter(|operation| operation.call == "Encrypt");
        assert!(encrypts.clone().all(|one| one.key.as_ref().unwrap().as_str() == "symmetric-1"));
        let made: BTreeSet<_> = operations.iter().filter_map(|one| one.creates.clone()).collect();
        let decrypt = operations.iter().find(|operation| operation.call == "Decrypt").unwrap();
        let crate::Argument::Text(blob) = &decrypt.arguments["CiphertextBlob"] else { panic!() };
        assert!(made.contains(blob) && decrypt.client == 3, "{decrypt:?}");
    }
}
