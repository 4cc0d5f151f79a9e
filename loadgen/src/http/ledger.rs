//! The keys that a load made on an endpoint and has not parted with, and how it does that: each is scheduled
//! for deletion with the shortest waiting period, and its aliases and grants go with it.

use super::client::Client;
use super::endpoint::Endpoint;
use crate::upkeep::{deletion, settled};
use kms_core::error::{Error, ErrorCode};
use kms_core::name::KeyArn;
use kms_core::ops::{Request, Response};
use scenarios::Planned;
use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// How often a request is made in all that was throttled or had no answer.
const TRIES: u32 = 8;
/// How long to wait before it is made again, the first time; then twice as long each time.
const PAUSE: Duration = Duration::from_millis(50);

/// The keys that were made and not parted with.
#[derive(Debug, Default)]
pub struct Ledger {
    listed: Mutex<Listed>,
    stays: bool,
}

/// Keys by when they were made.
#[derive(Debug, Default)]
struct Listed {
    made: u64,
    keys: BTreeMap<KeyArn, u64>,
}

/// What became of the keys of a ledger.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cleaned {
    /// Keys that are scheduled for deletion.
    pub keys: u64,
    /// Keys that are not, each with what the endpoint says.
    pub left: Vec<(KeyArn, String)>,
}

impl Ledger {
    /// The ledger of a load whose keys and grants stay: it lists none, and nothing is parted with.
    pub fn of_what_stays() -> Ledger {
        Ledger { stays: true, ..Ledger::default() }
    }

    /// Whether the load parts with what it makes.
    pub(super) fn parts(&self) -> bool {
        !self.stays
    }

    fn listed(&self) -> MutexGuard<'_, Listed> {
        self.listed.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How many keys are listed.
    pub fn keys(&self) -> usize {
        self.listed().keys.len()
    }

    /// Writes down the key that an answer tells of, where it tells of a new one.
    pub(super) fn note(&self, response: &Response) {
        let key = match response {
            Response::CreateKey(made) => made.key_metadata.arn,
            Response::ReplicateKey(made) => made.replica_key_metadata.arn,
            _ => return,
        };
        if self.parts() {
            let mut listed = self.listed();
            listed.made += 1;
            let number = listed.made;
            listed.keys.insert(key, number);
        }
    }

    /// Strikes out the key that a request has parted with.
    pub(super) fn strike(&self, parted: &Planned) {
        if let (Request::ScheduleKeyDeletion(_), Some(key)) = (&*parted.request, parted.key()) {
            self.listed().keys.remove(&key);
        }
    }

    /// Schedules the deletion of every key, the last one first, so that replicas go before their
    /// primaries. `each` hears how many were looked after.
    ///
    /// # Errors
    /// When the endpoint cannot be reached.
    pub fn clean(&self, endpoint: &Endpoint, each: &mut dyn FnMut(u64)) -> Result<Cleaned, String> {
        let mut keys: Vec<_> = std::mem::take(&mut self.listed().keys).into_iter().collect();
        keys.sort_unstable_by_key(|(_, number)| std::cmp::Reverse(*number));
        let mut cleaned = Cleaned::default();
        if keys.is_empty() {
            return Ok(cleaned);
        }
        let mut client = Client::new(endpoint)?;
        client.reach().map_err(|why| format!("{endpoint}: {why}"))?;
        for (number, (key, _)) in (1..).zip(keys) {
            each(number);
            match schedule(&mut client, key) {
                Ok(()) => cleaned.keys += 1,
                Err(error) => cleaned.left.push((key, error.to_string())),
            }
        }
        Ok(cleaned)
    }
}

/// Has a key deleted as soon as can be. One that is gone or on its way is no error.
fn schedule(client: &mut Client<'_>, key: KeyArn) -> Result<(), Error> {
    let request = deletion(key);
    let mut pause = PAUSE;
    for _ in 1..TRIES {
        match client.ask(key.region, key.account, &request) {
            Err(error) if may_pass(error.code) => std::thread::sleep(pause),
            answer => return gone(answer),
        }
        pause *= 2;
    }
    gone(client.ask(key.region, key.account, &request))
}

fn may_pass(code: ErrorCode) -> bool {
    matches!(code, ErrorCode::Throttling | ErrorCode::DependencyTimeout | ErrorCode::KmsInternal)
}

fn gone(answer: Result<Response, Error>) -> Result<(), Error> {
    if settled(&answer) { Ok(()) } else { answer.map(|_| ()) }
}
