//! A key in the service's own hands: of a task that fell due, or of another Region's command.
//!
//! No caller was authorized for it, so nothing can be encrypted, decrypted or signed with it. Its
//! record can be changed, and its materials can be moved to another Region of its set.

use super::Checks;
use crate::hsm::BackingKeyRef;
use crate::key::Key;
use crate::key_store::KeyStore;
use crate::name::{KeyId, MaterialId};
use std::ops::Deref;
use std::sync::Arc;

/// A key that exists, in the service's own hands. Nothing but [`Checks`] makes one.
#[derive(Clone, Debug)]
pub(crate) struct OwnKey {
    key: Arc<Key>,
    /// The custom key store it is in, if it is in one.
    store: Option<Arc<KeyStore>>,
}

impl OwnKey {
    /// A material to be wrapped for another Region.
    pub(crate) fn to_move(&self, id: MaterialId) -> Option<BackingKeyRef> {
        BackingKeyRef::of_material(&self.key, id)
    }

    /// The custom key store that the key is in, if it is in one.
    pub(crate) fn key_store(&self) -> Option<&KeyStore> {
        self.store.as_deref()
    }

    /// The record itself.
    pub(crate) fn shared_record(&self) -> Arc<Key> {
        self.key.clone()
    }

    /// A copy of the record, to be changed and recorded.
    pub(crate) fn to_record(&self) -> Key {
        Key::clone(&self.key)
    }
}

impl Deref for OwnKey {
    type Target = Key;

    fn deref(&self) -> &Key {
        &self.key
    }
}

impl Checks<'_, '_> {
    /// A key for a task or another Region's command.
    pub(crate) fn own_key(&mut self, id: KeyId) -> Option<OwnKey> {
        let key = self.read_key(id)?;
        let store = self.read_key_store_of(&key);
        Some(OwnKey { key, store })
    }
}
