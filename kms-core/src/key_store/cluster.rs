//! What the KMS asks of an AWS CloudHSM cluster, and what it demands of one.
//!
//! Source: AWS KMS Developer Guide, "AWS CloudHSM key stores". The commands stand for what the KMS
//! does over PKCS #11 as the user `kmsuser`.

use crate::ciphertext::EncryptionContext;
use crate::crypto::SecretBytes;
use crate::error::{ErrorCode, Result};
use crate::name::KeyArn;
use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

/// The id of a cluster: `cluster-` and 11 to 16 characters of `[2-7a-zA-Z]`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ClusterId(Arc<str>);

impl ClusterId {
    /// The id of that text, or nothing.
    pub fn parse(text: &str) -> Option<ClusterId> {
        let rest = text.strip_prefix("cluster-")?;
        let fits = (11..=16).contains(&rest.len())
            && rest.bytes().all(|byte| matches!(byte, b'2'..=b'7' | b'a'..=b'z' | b'A'..=b'Z'));
        fits.then(|| ClusterId(text.into()))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ClusterId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for ClusterId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// How a cluster is configured, as AWS CloudHSM tells it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClusterView {
    /// Whether it has been initialised and is in the state ACTIVE.
    pub active: bool,
    /// The zone of each active HSM.
    pub hsms: Vec<u8>,
    /// The zones with a private subnet of it.
    pub subnets: BTreeSet<u8>,
    /// Whether its security group lets the KMS through, TCP 2223 to 2225.
    pub open_to_kms: bool,
    /// The certificate it was initialised with. Clusters made from each other's backups share it.
    pub certificate: Arc<str>,
}

/// A command to a cluster.
#[derive(Clone, PartialEq, Eq)]
pub enum ClusterRequest {
    /// Log in as `kmsuser` and change the password.
    LogIn {
        /// The password as the KMS knows it.
        password: SecretBytes,
        /// The new one. If it is the password already, an earlier answer was lost.
        new_password: SecretBytes,
    },
    /// Log out.
    LogOut,
    /// Make a persistent AES-256 key that cannot be extracted, unless there is one of that label.
    GenerateKey {
        /// The label.
        label: KeyArn,
    },
    /// Destroy a key, as far as the cluster can: it may live on in a backup.
    DestroyKey {
        /// The label.
        label: KeyArn,
    },
    /// Seal a message.
    Encrypt {
        /// The key.
        label: KeyArn,
        /// The message.
        plaintext: SecretBytes,
        /// What it is bound to.
        context: EncryptionContext,
    },
    /// Open a message.
    Decrypt {
        /// The key.
        label: KeyArn,
        /// Initialisation vector, ciphertext and tag.
        sealed: Arc<[u8]>,
        /// What it is bound to.
        context: EncryptionContext,
    },
    /// Draw a data key and seal it.
    GenerateDataKey {
        /// The key to seal with.
        label: KeyArn,
        /// How long a data key.
        bytes: usize,
        /// What it is bound to.
        context: EncryptionContext,
    },
    /// Random bytes.
    GenerateRandom {
        /// How many.
        bytes: usize,
    },
}

/// A cluster's answer.
#[derive(Clone, PartialEq, Eq)]
pub enum ClusterReply {
    /// It is done; there is nothing more to say.
    Done,
    /// To `Encrypt`: initialisation vector, ciphertext and tag.
    Sealed(Arc<[u8]>),
    /// To `Decrypt`.
    Opened(SecretBytes),
    /// To `GenerateDataKey`.
    DataKey {
        /// The data key.
        plaintext: SecretBytes,
        /// The same, sealed.
        sealed: Arc<[u8]>,
    },
    /// To `GenerateRandom`.
    Random(SecretBytes),
}

impl ClusterRequest {
    /// A short name, for metrics and histories.
    pub fn name(&self) -> &'static str {
        match self {
            ClusterRequest::LogIn { .. } => "ClusterLogIn",
            ClusterRequest::LogOut => "ClusterLogOut",
            ClusterRequest::GenerateKey { .. } => "ClusterGenerateKey",
            ClusterRequest::DestroyKey { .. } => "ClusterDestroyKey",
            ClusterRequest::Encrypt { .. } => "ClusterEncrypt",
            ClusterRequest::Decrypt { .. } => "ClusterDecrypt",
            ClusterRequest::GenerateDataKey { .. } => "ClusterGenerateDataKey",
            ClusterRequest::GenerateRandom { .. } => "ClusterGenerateRandom",
        }
    }
}

impl ClusterView {
    /// What an active cluster must have for a store to be made of it and for keys to be made in it:
    /// two active HSMs in different zones, private subnets in two zones, and open ports.
    ///
    /// # Errors
    /// `CloudHsmClusterNotActive`, `CloudHsmClusterInvalidConfiguration`.
    pub fn must_serve_new_keys(&self) -> Result<()> {
        self.must_serve(2)
    }

    /// What it must have to be connected: one active HSM.
    ///
    /// # Errors
    /// As [`ClusterView::must_serve_new_keys`].
    pub fn must_be_connectable(&self) -> Result<()> {
        self.must_serve(1)
    }

    fn must_serve(&self, zones: usize) -> Result<()> {
        if !self.active {
            let text = "The cluster is not active. Initialize and activate it, then try again.";
            return Err(ErrorCode::CloudHsmClusterNotActive.says(text));
        }
        let hsms: BTreeSet<u8> = self.hsms.iter().copied().collect();
        if hsms.len() < zones || self.subnets.len() < 2 || !self.open_to_kms {
            return Err(ErrorCode::CloudHsmClusterInvalidConfiguration.says(format!(
                "The cluster needs {zones} active HSMs, each in another Availability Zone, private \
                 subnets in two of them, and a security group that permits TCP 2223-2225."
            )));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn view() -> ClusterView {
        ClusterView {
            active: true,
            hsms: vec![0, 1],
            subnets: BTreeSet::from([0, 1]),
            open_to_kms: true,
            certificate: "certificate".into(),
        }
    }

    #[test]
    fn an_id_has_its_alphabet_and_length() {
        for (text, fits) in [
            ("cluster-2aZ7bbbbbbb", true),
            ("cluster-2aZ7bbbbbbbbbbbb", true),
            ("cluster-2aZ7bbbbbb", false),
            ("cluster-2aZ7bbbbbbbbbbbbb", false),
            ("cluster-1aZ7bbbbbbb", false),
            ("2aZ7bbbbbbb", false),
        ] {
            assert_eq!(ClusterId::parse(text).is_some(), fits, "{text}");
        }
    }

    #[test]
    fn new_keys_need_two_zones_and_a_connection_one_hsm() {
        let one = ClusterView { hsms: vec![0], ..view() };
        let same_zone = ClusterView { hsms: vec![0, 0], ..view() };
        assert_eq!(view().must_serve_new_keys(), Ok(()));
        for lacking in [one, same_zone] {
            assert_eq!(lacking.must_be_connectable(), Ok(()));
            let error = lacking.must_serve_new_keys().unwrap_err();
            assert_eq!(error.code, ErrorCode::CloudHsmClusterInvalidConfiguration);
        }
        let none = ClusterView { hsms: Vec::new(), ..view() };
        let closed = ClusterView { open_to_kms: false, ..view() };
        let narrow = ClusterView { subnets: BTreeSet::from([0]), ..view() };
        for bad in [none, closed, narrow] {
            let error = bad.must_be_connectable().unwrap_err();
            assert_eq!(error.code, ErrorCode::CloudHsmClusterInvalidConfiguration);
        }
        let error = ClusterView { active: false, ..view() }.must_be_connectable().unwrap_err();
        assert_eq!(error.code, ErrorCode::CloudHsmClusterNotActive);
    }
}
