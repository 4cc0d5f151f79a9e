//! The HSM itself: executes commands with the domain keys in its memory and forgets everything else.

use super::command::{
    BackingKeyRef, Command, DataKeyPlaintext, Fault, Reply, TransferOffer, TransferredKey,
};
use super::domain::{AgreementCache, Domain, DomainToken, HsmIdentity, wrapping_key};
use crate::ciphertext::{self, Blob, EncryptionContext};
use crate::crypto::{
    CryptoBackend, CryptoFailure, P384_POINT, P384_SCALAR, SecretBytes, SecretKey,
};
use crate::env::{Random, Site, draw};
use crate::name::{KeyId, MaterialId, TokenId};
use crate::token::{DomainEpoch, KeyToken};
use std::fmt;
use std::sync::Arc;
use zeroize::Zeroizing;

const TRANSFER_LABEL: &[u8] = b"keyquake multi-Region transfer v1";
const MATERIAL_LABEL: &[u8] = b"keyquake key material id v1";

type Answer = Result<Reply, Fault>;

impl From<CryptoFailure> for Fault {
    fn from(_: CryptoFailure) -> Fault {
        Fault::BadToken
    }
}

/// One HSM.
pub struct HsmDevice {
    identity: HsmIdentity,
    backend: Arc<dyn CryptoBackend>,
    /// Volatile: gone with a reset.
    domain: Option<Domain>,
    agreements: AgreementCache,
}

impl HsmDevice {
    /// An HSM that has joined no domain.
    pub fn new(identity: HsmIdentity, backend: Arc<dyn CryptoBackend>) -> HsmDevice {
        HsmDevice { identity, backend, domain: None, agreements: AgreementCache::default() }
    }

    /// Who this HSM is.
    pub fn identity(&self) -> &HsmIdentity {
        &self.identity
    }

    /// The active domain key this HSM knows of, if it has joined.
    pub fn epoch(&self) -> Option<DomainEpoch> {
        self.domain.as_ref().and_then(Domain::active).map(|key| key.epoch)
    }

    /// A power cut or a reset: everything volatile is gone.
    pub fn reset(&mut self) {
        self.domain = None;
        self.agreements = AgreementCache::default();
    }

    /// Serves a host that knows of the domain key `domain`. An HSM whose domain is older does nothing
    /// before it has joined again: what it wrapped would be under a key that the domain may have
    /// dropped long ago, and then nobody could ever unwrap it.
    ///
    /// # Errors
    /// As [`HsmDevice::execute`].
    pub fn serve(
        &mut self,
        command: &Command,
        tokens: &[Arc<KeyToken>],
        domain: DomainEpoch,
        random: &mut dyn Random,
    ) -> Answer {
        let joins = matches!(command, Command::Join { .. });
        match self.epoch() {
            Some(own) if own < domain && !joins => Err(Fault::UnknownDomainKey),
            _ => self.execute(command, tokens, random),
        }
    }

    /// Executes one command. `tokens` are the key tokens that travelled with it.
    ///
    /// # Errors
    /// A [`Fault`] that tells the host what to do next and nothing about any key.
    pub fn execute(
        &mut self,
        command: &Command,
        tokens: &[Arc<KeyToken>],
        random: &mut dyn Random,
    ) -> Answer {
        if let Command::Join { token } = command {
            return self.join(token);
        }
        let domain = self.domain.as_ref().ok_or(Fault::NotJoined)?;
        let session = Session { domain, backend: self.backend.as_ref(), tokens };
        if let Command::RotateDomainKey { from } = command {
            session.must_be_at(*from)?;
            let next = session.domain.rotated(random);
            let (own, cache) = (&self.identity, &mut self.agreements);
            let token = next.export(own, cache, self.backend.as_ref(), random)?;
            return Ok(Reply::Domain { token: Arc::new(token) });
        }
        session.execute(command, random)
    }

    fn join(&mut self, token: &Arc<DomainToken>) -> Answer {
        let backend = self.backend.as_ref();
        let domain = Domain::import(token, &self.identity, &mut self.agreements, backend)
            .map_err(|_| Fault::Refused)?;
        if self.epoch() <= Some(token.active) {
            self.domain = Some(domain);
        }
        Ok(Reply::Joined)
    }
}

impl fmt::Debug for HsmDevice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "HsmDevice({:?}, epoch {:?})", self.identity, self.epoch())
    }
}

/// One command at work: the domain, and the tokens that came with the command.
struct Session<'a> {
    domain: &'a Domain,
    backend: &'a dyn CryptoBackend,
    tokens: &'a [Arc<KeyToken>],
}

impl Session<'_> {
    fn execute(&self, command: &Command, random: &mut dyn Random) -> Answer {
        match command {
            Command::GenerateBackingKey { key } => self.generate(*key, random),
            Command::Encrypt { with, plaintext, context } => {
                let blob = self.seal(with, plaintext.as_bytes(), context, random)?;
                Ok(Reply::Ciphertext { blob })
            }
            Command::Decrypt { with, blob, context } => {
                Ok(Reply::Plaintext { plaintext: self.open(with, blob, context)? })
            }
            Command::ReEncrypt {
                source,
                blob,
                source_context,
                destination,
                destination_context,
            } => {
                let plaintext = self.open(source, blob, source_context)?;
                let blob =
                    self.seal(destination, plaintext.as_bytes(), destination_context, random)?;
                Ok(Reply::Ciphertext { blob })
            }
            Command::GenerateDataKey { with, bytes, context, plaintext } => {
                self.data_key(with, *bytes, context, *plaintext, random)
            }
            Command::GenerateRandom { bytes } => {
                Ok(Reply::Random { bytes: draw_secret(random, *bytes) })
            }
            Command::ReencryptTokens { tokens, under } => {
                self.must_be_at(*under)?;
                self.reencrypt(tokens, random)
            }
            Command::OfferTransfer { key } => self.offer(*key, random),
            Command::ExportBackingKeys { keys, recipient } => self.export(keys, recipient, random),
            Command::ImportBackingKeys { key, offer, transferred } => {
                self.import(*key, offer, transferred, random)
            }
            Command::RotateDomainKey { .. } | Command::Join { .. } => Err(Fault::Refused),
        }
    }

    /// Whether this is the active domain key here, too.
    fn must_be_at(&self, epoch: DomainEpoch) -> Result<(), Fault> {
        let active = self.domain.active().map(|key| key.epoch);
        (active == Some(epoch)).then_some(()).ok_or(Fault::UnknownDomainKey)
    }

    fn generate(&self, key: KeyId, random: &mut dyn Random) -> Answer {
        let backing = Zeroizing::new(draw::<32>(random, Site::BackingKey));
        let material = self.material_id(key, &SecretKey::new(*backing));
        let id = TokenId(draw(random, Site::TokenId));
        Ok(Reply::BackingKey { token: self.wrap(id, key, material, &*backing, random)? })
    }

    /// The id of a material: derived from key and material, so that the same bytes imported again
    /// give the same id, and telling nothing about the bytes.
    fn material_id(&self, key: KeyId, backing: &SecretKey) -> MaterialId {
        MaterialId(self.backend.hmac_sha256(backing, &[MATERIAL_LABEL, &key.to_bytes()]))
    }

    fn wrap(
        &self,
        id: TokenId,
        key: KeyId,
        material: MaterialId,
        secret: &[u8],
        random: &mut dyn Random,
    ) -> Result<Arc<KeyToken>, Fault> {
        let active = self.domain.active().ok_or(Fault::NotJoined)?;
        let iv = draw(random, Site::TokenIv);
        let mut token = KeyToken { id, epoch: active.epoch, key, material, iv, sealed: Vec::new() };
        let aad = token.aad();
        self.backend.seal(&active.key, &iv, &aad, secret, &mut token.sealed);
        Ok(Arc::new(token))
    }

    fn unwrap(&self, token: &KeyToken) -> Result<SecretBytes, Fault> {
        let domain_key = self.domain.key(token.epoch).ok_or(Fault::UnknownDomainKey)?;
        Ok(self.backend.open(&domain_key.key, &token.iv, &token.aad(), &token.sealed)?)
    }

    fn token(&self, id: TokenId) -> Result<&KeyToken, Fault> {
        let found = self.tokens.iter().find(|token| token.id == id);
        found.map(AsRef::as_ref).ok_or(Fault::BadToken)
    }

    fn backing_key(&self, with: &BackingKeyRef) -> Result<SecretKey, Fault> {
        let token = self.token(with.token)?;
        if (token.key, token.material) != (with.key, with.material) {
            return Err(Fault::BadToken);
        }
        SecretKey::from_slice(self.unwrap(token)?.as_bytes()).ok_or(Fault::BadToken)
    }

    fn seal(
        &self,
        with: &BackingKeyRef,
        plaintext: &[u8],
        context: &EncryptionContext,
        random: &mut dyn Random,
    ) -> Result<Arc<[u8]>, Fault> {
        let backing = self.backing_key(with)?;
        let nonce = draw(random, Site::MessageNonce);
        let iv = draw(random, Site::MessageIv);
        let key = self.backend.derive_key(&backing, ciphertext::KDF_LABEL, &nonce);
        let mut blob = Blob::prefix(with.key, with.material, &nonce, &iv, plaintext.len());
        let aad = ciphertext::aad(with.key, with.material, context);
        self.backend.seal(&key, &iv, &aad, plaintext, &mut blob);
        Ok(blob.into())
    }

    fn open(
        &self,
        with: &BackingKeyRef,
        blob: &[u8],
        context: &EncryptionContext,
    ) -> Result<SecretBytes, Fault> {
        let blob = Blob::parse(blob).ok_or(Fault::BadCiphertext)?;
        if (blob.key, blob.material) != (with.key, with.material) {
            return Err(Fault::BadCiphertext);
        }
        let backing = self.backing_key(with)?;
        let key = self.backend.derive_key(&backing, ciphertext::KDF_LABEL, &blob.nonce);
        let aad = ciphertext::aad(blob.key, blob.material, context);
        let opened = self.backend.open(&key, &blob.iv, &aad, blob.sealed);
        opened.map_err(|_| Fault::BadCiphertext)
    }

    fn data_key(
        &self,
        with: &BackingKeyRef,
        bytes: usize,
        context: &EncryptionContext,
        wanted: DataKeyPlaintext,
        random: &mut dyn Random,
    ) -> Answer {
        let data_key = draw_secret(random, bytes);
        let blob = self.seal(with, data_key.as_bytes(), context, random)?;
        let plaintext = (wanted == DataKeyPlaintext::Returned).then_some(data_key);
        Ok(Reply::DataKey { blob, plaintext })
    }

    fn reencrypt(&self, tokens: &[TokenId], random: &mut dyn Random) -> Answer {
        let again = tokens.iter().map(|id| {
            let token = self.token(*id)?;
            let backing = self.unwrap(token)?;
            self.wrap(token.id, token.key, token.material, backing.as_bytes(), random)
        });
        Ok(Reply::Tokens { tokens: again.collect::<Result<_, Fault>>()? })
    }

    fn offer(&self, key: KeyId, random: &mut dyn Random) -> Answer {
        let (private, public) = self.ephemeral(random);
        let id = TokenId(draw(random, Site::TokenId));
        let material = MaterialId(self.backend.sha256(&[&public]));
        let sealed = self.wrap(id, key, material, &*private, random)?;
        Ok(Reply::Offer(TransferOffer { public: Box::new(public), sealed }))
    }

    fn ephemeral(
        &self,
        random: &mut dyn Random,
    ) -> (Zeroizing<[u8; P384_SCALAR]>, [u8; P384_POINT]) {
        loop {
            let private = Zeroizing::new(draw(random, Site::EphemeralKey));
            if let Ok(public) = self.backend.p384_public(&private) {
                return (private, public);
            }
        }
    }

    fn export(
        &self,
        keys: &[BackingKeyRef],
        recipient: &[u8; P384_POINT],
        random: &mut dyn Random,
    ) -> Answer {
        let (private, sender) = self.ephemeral(random);
        let shared = self.backend.p384_agree(&private, recipient).map_err(|_| Fault::Refused)?;
        let wrapping = wrapping_key(&shared, TRANSFER_LABEL, self.backend)?;
        let wrapped = keys.iter().map(|with| {
            let backing = self.backing_key(with)?;
            let iv = draw(random, Site::TokenIv);
            let mut sealed = Vec::with_capacity(48);
            let aad = transfer_aad(with.key, with.material, &sender, recipient);
            self.backend.seal(&wrapping, &iv, &aad, backing.as_bytes(), &mut sealed);
            Ok(TransferredKey { material: with.material, sender: Box::new(sender), iv, sealed })
        });
        Ok(Reply::Transferred(wrapped.collect::<Result<_, Fault>>()?))
    }

    fn import(
        &self,
        key: KeyId,
        offer: &TransferOffer,
        transferred: &[TransferredKey],
        random: &mut dyn Random,
    ) -> Answer {
        let own = self.backend.sha256(&[offer.public.as_slice()]);
        if offer.sealed.key != key || offer.sealed.material.0 != own {
            return Err(Fault::Refused);
        }
        let private = self.unwrap(&offer.sealed)?;
        let private = Zeroizing::new(*private.as_bytes().first_chunk().ok_or(Fault::Refused)?);
        let tokens = transferred
            .iter()
            .map(|one| self.import_one(key, &private, &offer.public, one, random));
        Ok(Reply::Tokens { tokens: tokens.collect::<Result<_, Fault>>()? })
    }

    fn import_one(
        &self,
        key: KeyId,
        private: &[u8; P384_SCALAR],
        own: &[u8; P384_POINT],
        one: &TransferredKey,
        random: &mut dyn Random,
    ) -> Result<Arc<KeyToken>, Fault> {
        let shared = self.backend.p384_agree(private, &one.sender).map_err(|_| Fault::Refused)?;
        let wrapping = wrapping_key(&shared, TRANSFER_LABEL, self.backend)?;
        let aad = transfer_aad(key, one.material, &one.sender, own);
        let backing = self.backend.open(&wrapping, &one.iv, &aad, &one.sealed);
        let backing = backing.map_err(|_| Fault::Refused)?;
        let id = TokenId(draw(random, Site::TokenId));
        self.wrap(id, key, one.material, backing.as_bytes(), random)
    }
}

fn draw_secret(random: &mut dyn Random, length: usize) -> SecretBytes {
    let mut bytes = vec![0; length];
    random.fill(Site::CallerBytes, &mut bytes);
    SecretBytes::from(bytes)
}

fn transfer_aad(
    key: KeyId,
    material: MaterialId,
    sender: &[u8; P384_POINT],
    recipient: &[u8; P384_POINT],
) -> Vec<u8> {
    let mut aad = Vec::with_capacity(17 + 32 + 2 * P384_POINT);
    aad.extend_from_slice(&key.to_bytes());
    aad.extend_from_slice(&material.0);
    aad.extend_from_slice(sender);
    aad.extend_from_slice(recipient);
    aad
}
