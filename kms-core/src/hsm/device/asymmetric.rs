//! Key pairs and MAC keys: signatures, tags and shared secrets.

use super::cache::Parsed;
use super::{Answer, Execution};
use crate::algorithm::MacAlgorithm;
use crate::crypto::SecretBytes;
use crate::env::Random;
use crate::hsm::{BackingKeyRef, Command, Fault, PublicKey, Reply};
use subtle::ConstantTimeEq;

impl Execution<'_> {
    pub(super) fn execute_with_pair(
        &mut self,
        command: &Command,
        random: &mut dyn Random,
    ) -> Answer {
        match command {
            Command::Sign { with, algorithm, message } => {
                let key = self.parsed_key(with)?;
                let signature = key.pair()?.sign(*algorithm, message.as_message(), random)?.into();
                Ok(Reply::Signature { signature })
            }
            Command::Verify { key, algorithm, message, signature } => {
                let PublicKey { spec, encoded } = key;
                let message = message.as_message();
                let genuine = self.backend.verify(*spec, encoded, *algorithm, message, signature);
                genuine.map(|()| Reply::Genuine).map_err(|_| Fault::BadSignature)
            }
            Command::GenerateMac { with, algorithm, message } => {
                Ok(Reply::Mac { mac: self.mac(with, *algorithm, message)?.into() })
            }
            Command::VerifyMac { with, algorithm, message, mac } => {
                let right = self.mac(with, *algorithm, message)?;
                let genuine: bool = right.ct_eq(mac).into();
                genuine.then_some(Reply::Genuine).ok_or(Fault::BadMac)
            }
            Command::Encapsulate { key } => {
                let made = self.backend.encapsulate(key.spec, &key.encoded, random)?;
                Ok(Reply::Encapsulated { ciphertext: made.0.into(), secret: made.1 })
            }
            Command::Decapsulate { with, ciphertext } => {
                let secret = self.parsed_key(with)?.pair()?.decapsulate(ciphertext);
                secret.map(shared_secret).map_err(|_| Fault::BadCiphertext)
            }
            Command::DeriveSharedSecret { with, peer } => {
                let secret = self.parsed_key(with)?.pair()?.agree(peer);
                secret.map(shared_secret).map_err(|_| Fault::BadPublicKey)
            }
            _ => Err(Fault::Refused),
        }
    }

    fn mac(
        &mut self,
        with: &BackingKeyRef,
        algorithm: MacAlgorithm,
        message: &SecretBytes,
    ) -> Result<Vec<u8>, Fault> {
        match self.parsed_key(with)?.as_ref() {
            Parsed::Mac(spec, key) if spec.mac_algorithm() == Some(algorithm) => {
                Ok(self.backend.hmac(algorithm, key, message.as_bytes()))
            }
            _ => Err(Fault::BadToken),
        }
    }
}

fn shared_secret(secret: SecretBytes) -> Reply {
    Reply::SharedSecret { secret }
}
