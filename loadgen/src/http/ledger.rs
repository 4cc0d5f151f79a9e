//! The keys that a load made on an endpoint, and how it parts with them: each is scheduled for deletion with
//! the shortest waiting period, and its aliases and grants go with it.

use super::client::Client;
use super::endpoint::Endpoint;
use kms_core::error::{Error, ErrorCode};
use kms_core::name::KeyArn;
use kms_core::ops::{Response, schedule_key_deletion};
use kms_core::wire::PendingWindowInDays;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// The shortest waiting period in days (AWS KMS API, ScheduleKeyDeletion).
const SHORTEST: u32 = 7;
/// How often a request is made in all that was throttled or had no answer.
const TRIES: u32 = 8;
/// How long to wait before it is made again, the first time; then twice as long each time.
const PAUSE: Duration = Duration::from_millis(50);

/// The keys that were made, in order.
#[derive(Debug, Default)]
pub struct Ledger(Mutex<Vec<KeyArn>>);

/// What became of the keys of a ledger.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cleaned {
    /// Keys that are scheduled for deletion.
    pub keys: u64,
    /// Keys that are not, each with what the endpoint says.
    pub left: Vec<(KeyArn, String)>,
}

impl Ledger {
    /// Writes down the key that an answer tells of, where it tells of a new one.
    pub(super) fn note(&self, response: &Response) {
        let made = match response {
            Response::CreateKey(made) => made.key_metadata.arn,
            Response::ReplicateKey(made) => made.replica_key_metadata.arn,
            _ => return,
        };
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(made);
    }

    /// Schedules the deletion of every key, the last one first, so that replicas go before their
    /// primaries. `each` hears how many were looked after.
    ///
    /// # Errors
    /// When the endpoint cannot be reached.
    pub fn clean(&self, endpoint: &Endpoint, each: &mut dyn FnMut(u64)) -> Result<Cleaned, String> {
        let keys = std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner));
        let mut cleaned = Cleaned::default();
        if keys.is_empty() {
            return Ok(cleaned);
        }
        let mut client = Client::new(endpoint)?;
        client.reach().map_err(|why| format!("{endpoint}: {why}"))?;
        for (number, key) in (1..).zip(keys.into_iter().rev()) {
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
    let request = schedule_key_deletion::Request {
        key_id: key.into(),
        pending_window_in_days: Some(PendingWindowInDays(SHORTEST)),
    };
    let request = request.into();
    let mut pause = PAUSE;
    for _ in 1..TRIES {
        match client.ask(key.region, key.account, &request) {
            Err(error) if may_pass(error.code) => std::thread::sleep(pause),
            answer => return settled(answer),
        }
        pause *= 2;
    }
    settled(client.ask(key.region, key.account, &request))
}

fn may_pass(code: ErrorCode) -> bool {
    matches!(code, ErrorCode::Throttling | ErrorCode::DependencyTimeout | ErrorCode::KmsInternal)
}

fn settled(answer: Result<Response, Error>) -> Result<(), Error> {
    match answer {
        Err(error) if !matches!(error.code, ErrorCode::NotFound | ErrorCode::KmsInvalidState) => {
            Err(error)
        }
        _ => Ok(()),
    }
}
