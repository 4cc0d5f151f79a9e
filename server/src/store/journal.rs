//! The one thread that writes to the store. What is submitted while it waits for the disk becomes the
//! next commit, so that many requests share one synchronisation.
//!
//! A Region applies a change in memory and submits it under the same lock, so positions come in order;
//! whoever has seen the change waits for its ticket before anything is answered. A write that fails is
//! the end: what is in memory is then ahead of the disk, and nothing more is answered from it.

use super::{Store, StoreError, database};
use crate::random::random;
use kms_core::name::RegionName;
use kms_core::record::Scribe;
use kms_core::state::LogEntry;
use kms_core::token::{KeyToken, TokenChange};
use rusqlite::{Connection, params};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

/// The most writes of one commit.
const MOST_AT_ONCE: usize = 1024;

/// One append.
#[derive(Debug)]
pub(crate) struct Write {
    pub(crate) region: RegionName,
    pub(crate) entry: Option<LogEntry>,
    pub(crate) tokens: Vec<TokenChange>,
}

/// Counts the writes that were submitted.
pub(crate) type Ticket = u64;

type OnFailure = Box<dyn FnOnce(StoreError) + Send>;

/// The journal of every Region.
pub(crate) struct Journal {
    queue: Mutex<Queue>,
    /// Something was submitted, or the end has come.
    submitted: Condvar,
    /// Something became durable, or never will.
    settled: Condvar,
    durable: AtomicU64,
}

#[derive(Default)]
struct Queue {
    writes: Vec<Write>,
    last: Ticket,
    closing: bool,
    failure: Option<StoreError>,
    on_failure: Option<OnFailure>,
    thread: Option<JoinHandle<()>>,
}

impl Journal {
    /// Starts the thread.
    pub(super) fn start(store: Store) -> Arc<Journal> {
        let journal = Arc::new(Journal {
            queue: Mutex::default(),
            submitted: Condvar::new(),
            settled: Condvar::new(),
            durable: AtomicU64::new(0),
        });
        let writer = journal.clone();
        let thread = std::thread::spawn(move || writer.work(store));
        journal.lock().thread = Some(thread);
        journal
    }

    /// Takes a write over; those of a Region must come in the order of their positions.
    pub(crate) fn submit(&self, write: Write) -> Ticket {
        let mut queue = self.lock();
        queue.last += 1;
        queue.writes.push(write);
        self.submitted.notify_one();
        queue.last
    }

    /// Waits until a write is durable, and everything before it.
    pub(crate) fn wait(&self, ticket: Ticket) -> Result<(), StoreError> {
        if self.durable.load(Ordering::Acquire) >= ticket {
            return Ok(());
        }
        let pending = |queue: &mut Queue| {
            queue.failure.is_none() && self.durable.load(Ordering::Acquire) < ticket
        };
        let waited = self.settled.wait_while(self.lock(), pending);
        let queue = waited.unwrap_or_else(PoisonError::into_inner);
        match (&queue.failure, self.durable.load(Ordering::Acquire) >= ticket) {
            (Some(failure), false) => Err(failure.clone()),
            _ => Ok(()),
        }
    }

    /// Calls this once, when the store cannot be written any more.
    pub(crate) fn on_failure(&self, call: OnFailure) {
        let mut queue = self.lock();
        match queue.failure.clone() {
            Some(failure) => {
                drop(queue);
                call(failure);
            }
            None => queue.on_failure = Some(call),
        }
    }

    /// Writes what was submitted, and closes the store. Nothing may be submitted any more.
    pub(crate) fn close(&self) -> Result<(), StoreError> {
        self.lock().closing = true;
        self.submitted.notify_one();
        let thread = self.lock().thread.take();
        if let Some(thread) = thread {
            // A thread that panicked has failed already.
            let _ = thread.join();
        }
        self.lock().failure.clone().map_or(Ok(()), Err)
    }

    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn work(&self, store: Store) {
        let numbers = store.regions.iter().copied().zip(0..).collect();
        let pen = Pen { store, numbers };
        while let Some(batch) = self.next_batch() {
            if let Err(error) = pen.commit(&batch) {
                return self.fail(StoreError::of(&pen.store.path, &error));
            }
            self.durable.fetch_add(batch.len() as u64, Ordering::Release);
            // Whoever is about to wait holds the lock, and must not miss this.
            drop(self.lock());
            self.settled.notify_all();
        }
        let path = pen.store.path.clone();
        if let Err(error) = database::close(pen.store.connection) {
            self.fail(StoreError::of(&path, &error));
        }
    }

    /// What is to be written next; nothing, when there is nothing left to come.
    fn next_batch(&self) -> Option<Vec<Write>> {
        let idle = |queue: &mut Queue| queue.writes.is_empty() && !queue.closing;
        let waited = self.submitted.wait_while(self.lock(), idle);
        let mut queue = waited.unwrap_or_else(PoisonError::into_inner);
        let taken = queue.writes.len().min(MOST_AT_ONCE);
        let rest = queue.writes.split_off(taken);
        let batch = std::mem::replace(&mut queue.writes, rest);
        (!batch.is_empty()).then_some(batch)
    }

    fn fail(&self, error: StoreError) {
        let mut queue = self.lock();
        queue.failure = Some(error.clone());
        let call = queue.on_failure.take();
        drop(queue);
        self.settled.notify_all();
        if let Some(call) = call {
            call(error);
        }
    }
}

/// What the thread writes with.
struct Pen {
    store: Store,
    numbers: BTreeMap<RegionName, usize>,
}

impl Pen {
    /// Commits a batch; it is durable when this returns. What was erased in it is nowhere any more.
    fn commit(&self, batch: &[Write]) -> rusqlite::Result<()> {
        let connection = &self.store.connection;
        let transaction = connection.unchecked_transaction()?;
        let mut erased = false;
        for write in batch {
            erased |= self.write(write)?;
        }
        if erased {
            database::rewrite_tokens(connection)?;
        }
        transaction.commit()?;
        match erased {
            true => database::truncate(connection),
            false => Ok(()),
        }
    }

    /// Whether a key token was erased.
    fn write(&self, write: &Write) -> rusqlite::Result<bool> {
        let number = self.numbers.get(&write.region).copied();
        let number = number.ok_or(rusqlite::Error::QueryReturnedNoRows)?;
        let tokens = Tokens {
            connection: &self.store.connection,
            number: database::integer(number as u64),
            scribe: self.store.scribe(write.region),
        };
        if let Some(entry) = &write.entry {
            let sealed = tokens.scribe.seal_entry(entry, &mut random());
            database::insert_entry(tokens.connection, number, entry.position, &sealed)?;
        }
        let mut erased = false;
        for change in &write.tokens {
            erased |= tokens.change(change)?;
        }
        Ok(erased)
    }
}

/// The key tokens of a Region.
struct Tokens<'p> {
    connection: &'p Connection,
    number: i64,
    scribe: Scribe<'p>,
}

impl Tokens<'_> {
    /// Does what [`kms_core::token::TokenStore::apply`] does; whether a token was erased.
    fn change(&self, change: &TokenChange) -> rusqlite::Result<bool> {
        match change {
            TokenChange::Put(token) => {
                self.set("INSERT OR REPLACE INTO token VALUES (?1, ?2, ?3, ?4)", token)?;
                Ok(false)
            }
            TokenChange::Reencrypt(token) => {
                let update = "UPDATE token SET epoch = ?3, token = ?4
                              WHERE region = ?1 AND id = ?2 AND epoch < ?3";
                self.set(update, token)?;
                Ok(false)
            }
            TokenChange::Erase(id) => {
                let delete = "DELETE FROM token WHERE region = ?1 AND id = ?2";
                let mut statement = self.connection.prepare_cached(delete)?;
                Ok(statement.execute(params![self.number, id.0])? > 0)
            }
        }
    }

    fn set(&self, sql: &str, token: &KeyToken) -> rusqlite::Result<()> {
        let stored = self.scribe.write_token(token);
        let mut statement = self.connection.prepare_cached(sql)?;
        statement.execute(params![self.number, token.id.0, token.epoch.0, stored]).map(drop)
    }
}
