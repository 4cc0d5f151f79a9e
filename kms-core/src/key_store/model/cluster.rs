//! An AWS CloudHSM cluster as a model: its HSMs and zones, the user `kmsuser`, and its keys.

use crate::ciphertext::EncryptionContext;
use crate::crypto::{CryptoBackend, IV_LENGTH, SecretBytes, SecretKey};
use crate::env::{Random, Site, draw};
use crate::key_store::cluster::{ClusterReply, ClusterRequest, ClusterView};
use crate::key_store::{ConnectionErrorCode, Fault};
use crate::name::KeyArn;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// How many wrong passwords lock `kmsuser` out.
const MOST_WRONG_PASSWORDS: u32 = 5;

/// A cluster.
#[derive(Clone, Debug)]
pub struct ClusterModel {
    /// How it is configured.
    pub view: ClusterView,
    /// The password of `kmsuser`, if there is such a user.
    pub password: Option<SecretBytes>,
    /// Whether `kmsuser` is logged in at another client.
    pub logged_in_elsewhere: bool,
    /// What keeps the KMS from connecting, if something does.
    pub obstacle: Option<ConnectionErrorCode>,
    /// What keeps it from executing commands, if something does.
    pub fault: Option<Fault>,
    /// The keys, by label.
    pub keys: BTreeMap<KeyArn, SecretKey>,
    wrong_passwords: u32,
    log_ins: u32,
}

type Answer = Result<ClusterReply, Fault>;

impl ClusterModel {
    /// An active cluster with two HSMs in two zones, initialised with a certificate, and a
    /// `kmsuser`.
    pub fn new(certificate: &str, password: &str) -> ClusterModel {
        ClusterModel {
            view: ClusterView {
                active: true,
                hsms: vec![0, 1],
                subnets: BTreeSet::from([0, 1]),
                open_to_kms: true,
                certificate: certificate.into(),
            },
            password: Some(SecretBytes::from(password.as_bytes().to_vec())),
            logged_in_elsewhere: false,
            obstacle: None,
            fault: None,
            keys: BTreeMap::new(),
            wrong_passwords: 0,
            log_ins: 0,
        }
    }

    /// A cluster made from this one's backup: the same certificate and the same keys.
    pub fn restored(&self, password: &str) -> ClusterModel {
        let keys = self.keys.clone();
        ClusterModel { keys, ..ClusterModel::new(&self.view.certificate, password) }
    }

    /// How often the KMS has logged in.
    pub fn log_ins(&self) -> u32 {
        self.log_ins
    }

    /// What a cluster answers that does not exist.
    pub(super) fn none(request: &ClusterRequest) -> Fault {
        match request {
            ClusterRequest::LogIn { .. } => Fault::LogIn(ConnectionErrorCode::ClusterNotFound),
            _ => Fault::Unreachable,
        }
    }

    pub(super) fn execute(
        &mut self,
        request: &ClusterRequest,
        crypto: &dyn CryptoBackend,
        random: &mut dyn Random,
    ) -> Answer {
        match request {
            ClusterRequest::LogIn { password, new_password } => {
                let done = self.log_in(password, new_password);
                done.map(|()| ClusterReply::Done).map_err(Fault::LogIn)
            }
            ClusterRequest::LogOut => Ok(ClusterReply::Done),
            request => {
                self.must_serve()?;
                self.execute_logged_in(request, crypto, random)
            }
        }
    }

    fn log_in(
        &mut self,
        password: &SecretBytes,
        new_password: &SecretBytes,
    ) -> Result<(), ConnectionErrorCode> {
        if let Some(obstacle) = self.obstacle {
            return Err(obstacle);
        }
        if self.view.hsms.is_empty() {
            return Err(ConnectionErrorCode::InsufficientCloudHsmHsms);
        }
        let own = self.password.as_ref().ok_or(ConnectionErrorCode::UserNotFound)?;
        if self.wrong_passwords >= MOST_WRONG_PASSWORDS {
            return Err(ConnectionErrorCode::UserLockedOut);
        }
        if self.logged_in_elsewhere {
            return Err(ConnectionErrorCode::UserLoggedIn);
        }
        if own != password && own != new_password {
            self.wrong_passwords += 1;
            return Err(ConnectionErrorCode::InvalidCredentials);
        }
        self.wrong_passwords = 0;
        self.log_ins += 1;
        self.password = Some(new_password.clone());
        Ok(())
    }

    fn must_serve(&self) -> Result<(), Fault> {
        match self.fault {
            Some(fault) => Err(fault),
            None if self.view.hsms.is_empty() => Err(Fault::Unreachable),
            None => Ok(()),
        }
    }

    fn execute_logged_in(
        &mut self,
        request: &ClusterRequest,
        crypto: &dyn CryptoBackend,
        random: &mut dyn Random,
    ) -> Answer {
        match request {
            ClusterRequest::GenerateKey { label } => {
                let made = SecretKey::new(draw(random, Site::BackingKey));
                self.keys.entry(*label).or_insert(made);
                Ok(ClusterReply::Done)
            }
            ClusterRequest::DestroyKey { label } => {
                self.keys.remove(label);
                Ok(ClusterReply::Done)
            }
            ClusterRequest::Encrypt { label, plaintext, context } => {
                let sealed = self.seal(label, plaintext, context, crypto, random)?;
                Ok(ClusterReply::Sealed(sealed))
            }
            ClusterRequest::Decrypt { label, sealed, context } => {
                self.open(label, sealed, context, crypto).map(ClusterReply::Opened)
            }
            ClusterRequest::GenerateDataKey { label, bytes, context } => {
                let plaintext = bytes_of(*bytes, random);
                let sealed = self.seal(label, &plaintext, context, crypto, random)?;
                Ok(ClusterReply::DataKey { plaintext, sealed })
            }
            ClusterRequest::GenerateRandom { bytes } => {
                Ok(ClusterReply::Random(bytes_of(*bytes, random)))
            }
            ClusterRequest::LogIn { .. } | ClusterRequest::LogOut => Ok(ClusterReply::Done),
        }
    }

    fn seal(
        &self,
        label: &KeyArn,
        plaintext: &SecretBytes,
        context: &EncryptionContext,
        crypto: &dyn CryptoBackend,
        random: &mut dyn Random,
    ) -> Result<Arc<[u8]>, Fault> {
        let key = self.keys.get(label).ok_or(Fault::KeyLost)?;
        let iv: [u8; IV_LENGTH] = draw(random, Site::MessageIv);
        let mut sealed = iv.to_vec();
        crypto.seal(key, &iv, &aad(label, context), plaintext.as_bytes(), &mut sealed);
        Ok(sealed.into())
    }

    fn open(
        &self,
        label: &KeyArn,
        sealed: &[u8],
        context: &EncryptionContext,
        crypto: &dyn CryptoBackend,
    ) -> Result<SecretBytes, Fault> {
        let key = self.keys.get(label).ok_or(Fault::KeyLost)?;
        let (iv, sealed) = sealed.split_first_chunk().ok_or(Fault::BadCiphertext)?;
        crypto.open(key, iv, &aad(label, context), sealed).map_err(|_| Fault::BadCiphertext)
    }
}

fn bytes_of(length: usize, random: &mut dyn Random) -> SecretBytes {
    let mut bytes = vec![0; length];
    random.fill(Site::CallerBytes, &mut bytes);
    SecretBytes::from(bytes)
}

fn aad(label: &KeyArn, context: &EncryptionContext) -> Vec<u8> {
    let mut aad = label.to_string().into_bytes();
    aad.extend_from_slice(context.canonical());
    aad
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secret(text: &str) -> SecretBytes {
        SecretBytes::from(text.as_bytes().to_vec())
    }

    #[test]
    fn a_log_in_changes_the_password_and_may_be_repeated() {
        let mut cluster = ClusterModel::new("certificate", "kmsPswd1");
        let (old, new) = (secret("kmsPswd1"), secret("fresh"));
        cluster.log_in(&old, &new).unwrap();
        cluster.log_in(&old, &new).unwrap();
        assert_eq!(cluster.password, Some(new));
        let error = cluster.log_in(&old, &secret("other")).unwrap_err();
        assert_eq!(error, ConnectionErrorCode::InvalidCredentials);
    }

    #[test]
    fn five_wrong_passwords_lock_the_user_out() {
        let mut cluster = ClusterModel::new("certificate", "kmsPswd1");
        for _ in 0..MOST_WRONG_PASSWORDS {
            let error = cluster.log_in(&secret("wrong"), &secret("new")).unwrap_err();
            assert_eq!(error, ConnectionErrorCode::InvalidCredentials);
        }
        let error = cluster.log_in(&secret("kmsPswd1"), &secret("new")).unwrap_err();
        assert_eq!(error, ConnectionErrorCode::UserLockedOut);
    }
}
