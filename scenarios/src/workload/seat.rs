//! A client's seat: where it is, which keys it may use, and what it remembers; what the generators of
//! all workloads have in common.

use std::collections::BTreeMap;
use std::sync::Arc;

use kms_core::ciphertext::EncryptionContext;
use kms_core::key::DAY;
use kms_core::name::{AccountId, KeyArn, RegionName};
use kms_core::ops::{Request, Response, create_key, decrypt, encrypt, generate_data_key};
use kms_core::wire::{CiphertextBlob, KeyRef, PendingWindowInDays};
use std::time::Duration;

use super::book::KeyBook;
use super::choice::{KeyChoice, Table};
use super::generator::{Draw, Planned, Who};
use super::ring::{Ring, index};
use crate::schema::KeySelector;

/// How many different encryption contexts a client uses.
const CONTEXTS: usize = 4;
/// The share of Decrypt calls that name the key they expect, as AWS recommends.
const NAMES_KEY: f64 = 0.5;

/// A ciphertext that a client keeps.
#[derive(Debug, Clone)]
pub(super) struct Sealed {
    pub(super) blob: CiphertextBlob,
    pub(super) context: EncryptionContext,
    pub(super) key: KeyArn,
}

/// Where a client is to sit.
pub(super) struct Place<'a> {
    pub(super) book: &'a KeyBook,
    pub(super) region: RegionName,
    /// The client's number in its workload.
    pub(super) number: u32,
    pub(super) selectors: &'a [KeySelector],
    pub(super) choice: KeyChoice,
    /// Pairs in each encryption context.
    pub(super) pairs: u32,
}

/// What a client is and knows.
pub(super) struct Seat {
    pub(super) number: u32,
    pub(super) region: RegionName,
    pub(super) account: AccountId,
    other_regions: Vec<RegionName>,
    keys: Vec<KeyArn>,
    choice: Table,
    contexts: Vec<EncryptionContext>,
    own: Ring<KeyArn>,
    blobs: Ring<Sealed>,
}

impl Seat {
    /// The clients of a workload go round the accounts that have keys for it.
    pub(super) fn new(place: &Place<'_>) -> Seat {
        let mut keys = place.book.selected(place.selectors, place.region);
        let mut accounts: Vec<_> = keys.iter().map(|arn| arn.account).collect();
        accounts.sort_unstable();
        accounts.dedup();
        let accounts = if accounts.is_empty() { place.book.accounts() } else { &accounts };
        let account = accounts[place.number as usize % accounts.len()];
        keys.retain(|arn| arn.account == account);
        let others = place.book.regions().iter().filter(|region| **region != place.region);
        Seat {
            number: place.number,
            region: place.region,
            account,
            other_regions: others.copied().collect(),
            choice: Table::new(place.choice, keys.len()),
            keys,
            contexts: contexts(place.number, place.pairs),
            own: Ring::default(),
            blobs: Ring::default(),
        }
    }

    /// A call of the administrator.
    pub(super) fn admin(&self, request: impl Into<Request>) -> Planned {
        self.admin_in(self.region, request)
    }

    /// A call of the administrator in another Region.
    pub(super) fn admin_in(&self, region: RegionName, request: impl Into<Request>) -> Planned {
        self.plan(region, Who::Admin, request.into())
    }

    /// A call of a worker.
    pub(super) fn worker(&self, number: u32, request: impl Into<Request>) -> Planned {
        self.plan(self.region, Who::Worker(number), request.into())
    }

    /// A call of whomever.
    pub(super) fn plan(&self, region: RegionName, caller: Who, request: Request) -> Planned {
        let (account, request) = (self.account, Arc::new(request));
        Planned { region, account, caller, service: None, request }
    }

    /// A key: one from the start, by the workload's choice, or one of the client's own.
    pub(super) fn key(&self, draw: &mut dyn Draw) -> Option<KeyArn> {
        let all = self.keys.len() + self.own.len();
        if index(all, draw) < self.own.len() {
            return self.own.pick(draw).copied();
        }
        self.keys.get(self.choice.pick(draw)).copied()
    }

    /// A key that the client made itself.
    pub(super) fn own_key(&self, draw: &mut dyn Draw) -> Option<KeyArn> {
        self.own.pick(draw).copied()
    }

    /// A Region other than the client's.
    pub(super) fn other_region(&self, draw: &mut dyn Draw) -> Option<RegionName> {
        self.other_regions.get(index(self.other_regions.len(), draw)).copied()
    }

    /// One of the client's encryption contexts.
    pub(super) fn context(&self, draw: &mut dyn Draw) -> EncryptionContext {
        self.contexts[index(self.contexts.len(), draw)].clone()
    }

    /// A ciphertext the client keeps.
    pub(super) fn sealed(&self, draw: &mut dyn Draw) -> Option<&Sealed> {
        self.blobs.pick(draw)
    }

    /// CreateKey.
    pub(super) fn create_key(&self, kind: NewKey) -> Planned {
        let multi_region = kind == NewKey::MultiRegion;
        self.admin(create_key::Request { multi_region, ..create_key::Request::default() })
    }

    /// Encrypt of random bytes.
    pub(super) fn encrypt(
        &self,
        key: impl Into<KeyRef>,
        length: usize,
        draw: &mut dyn Draw,
    ) -> encrypt::Request {
        let mut plaintext = vec![0; length];
        draw.fill(&mut plaintext);
        let encryption_context = self.context(draw);
        encrypt::Request { encryption_context, ..encrypt::Request::new(key, plaintext) }
    }

    /// GenerateDataKey.
    pub(super) fn data_key(
        &self,
        key: impl Into<KeyRef>,
        draw: &mut dyn Draw,
    ) -> generate_data_key::Request {
        let encryption_context = self.context(draw);
        generate_data_key::Request { encryption_context, ..generate_data_key::Request::new(key) }
    }

    /// Decrypt of a ciphertext the client keeps, where its key is; a ciphertext of a multi-Region
    /// key is taken to another Region with this probability.
    pub(super) fn decrypt(&self, elsewhere: f64, draw: &mut dyn Draw) -> Option<Planned> {
        let sealed = self.sealed(draw)?;
        let away = sealed.key.id.is_multi_region() && draw.chance(elsewhere);
        let region = away.then(|| self.other_region(draw)).flatten().unwrap_or(sealed.key.region);
        let key = KeyArn { region, ..sealed.key };
        let request = decrypt::Request {
            encryption_context: sealed.context.clone(),
            key_id: draw.chance(NAMES_KEY).then(|| key.into()),
            ..decrypt::Request::new(sealed.blob.clone())
        };
        Some(self.admin_in(region, request))
    }

    /// A Decrypt for every ciphertext the client keeps, where its key is, by the administrator.
    pub(super) fn kept(&self) -> Vec<Planned> {
        self.blobs.iter().map(|sealed| sealed.open(self.account)).collect()
    }

    /// Keeps ciphertexts and the client's new keys.
    pub(super) fn learn(&mut self, planned: &Planned, result: &kms_core::Result<Response>) {
        let Ok(response) = result else { return };
        if let Response::CreateKey(response) = response {
            self.own.push(response.key_metadata.arn);
        }
        if let Some(sealed) = sealed(&planned.request, response) {
            self.blobs.push(sealed);
        }
    }

    /// Forgets a key of the client's that is no more.
    pub(super) fn forget_key(&mut self, gone: KeyArn) {
        self.own.retain(|key| *key != gone);
    }
}

/// Which kind of key is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NewKey {
    SingleRegion,
    MultiRegion,
}

/// A period in whole days, as requests name it.
pub(super) fn days(period: Duration) -> u32 {
    u32::try_from(period.as_secs() / DAY.as_secs()).unwrap_or(u32::MAX)
}

/// A waiting period as ScheduleKeyDeletion takes it.
pub(super) fn window(period: Duration) -> Option<PendingWindowInDays> {
    Some(PendingWindowInDays(days(period)))
}

fn contexts(client: u32, pairs: u32) -> Vec<EncryptionContext> {
    let one = |number: usize| {
        let pairs =
            (0..pairs).map(|pair| (format!("attribute-{pair}"), format!("{client}-{number}")));
        EncryptionContext::new(pairs.collect::<BTreeMap<_, _>>())
    };
    (0..CONTEXTS).map(one).collect()
}

impl Sealed {
    /// Its Decrypt where its key is, by the administrator of an account.
    pub(super) fn open(&self, account: AccountId) -> Planned {
        let encryption_context = self.context.clone();
        let request = decrypt::Request::new(self.blob.clone());
        let request = Arc::new(decrypt::Request { encryption_context, ..request }.into());
        Planned { region: self.key.region, account, caller: Who::Admin, service: None, request }
    }
}

/// The ciphertext that an answer brings.
pub(super) fn sealed(request: &Request, response: &Response) -> Option<Sealed> {
    let (context, blob, key) = match (request, response) {
        (Request::Encrypt(asked), Response::Encrypt(got)) => {
            (&asked.encryption_context, &got.ciphertext_blob, got.key_id)
        }
        (Request::ReEncrypt(asked), Response::ReEncrypt(got)) => {
            (&asked.destination_encryption_context, &got.ciphertext_blob, got.key_id)
        }
        (Request::GenerateDataKey(asked), Response::GenerateDataKey(got)) => {
            (&asked.encryption_context, &got.ciphertext_blob, got.key_id)
        }
        (
            Request::GenerateDataKeyWithoutPlaintext(asked),
            Response::GenerateDataKeyWithoutPlaintext(got),
        ) => (&asked.encryption_context, &got.ciphertext_blob, got.key_id),
        (Request::GenerateDataKeyPair(asked), Response::GenerateDataKeyPair(got)) => {
            (&asked.encryption_context, &got.private_key_ciphertext_blob, got.key_id)
        }
        (
            Request::GenerateDataKeyPairWithoutPlaintext(asked),
            Response::GenerateDataKeyPairWithoutPlaintext(got),
        ) => (&asked.encryption_context, &got.private_key_ciphertext_blob, got.key_id),
        _ => return None,
    };
    Some(Sealed { blob: blob.clone(), context: context.clone(), key })
}
