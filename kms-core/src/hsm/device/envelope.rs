//! What an attested recipient gets: CMS EnvelopedData (RFC 5652, section 6) with one recipient.
//!
//! The content is encrypted by AES-256-CBC under a key that is encrypted by RSAES-OAEP with SHA-256 for
//! the key in the attestation document: what the AWS Nitro Enclaves SDK takes apart (its `cms.c`).

use super::{Execution, draw_secret};
use crate::algorithm::EncryptionAlgorithm;
use crate::crypto::{SecretBytes, codec};
use crate::env::{Random, Site, draw};
use crate::hsm::{Fault, PublicKey};
use aes::Aes256;
use cbc::cipher::block_padding::Pkcs7;
use cbc::cipher::{BlockModeEncrypt, KeyIvInit};
use cms::content_info::{CmsVersion, ContentInfo};
use cms::enveloped_data::{
    EncryptedContentInfo, EnvelopedData, KeyTransRecipientInfo, RecipientIdentifier, RecipientInfo,
    RecipientInfos,
};
use der::asn1::{ObjectIdentifier, OctetString};
use der::{Any, Encode};
use pkcs1::RsaOaepParams;
use pkcs8::spki::AlgorithmIdentifier;
use sha2::{Digest, Sha256};
use std::sync::Arc;

const AES_256_CBC: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.1.42");
const DATA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.7.1");
const ENVELOPED_DATA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.7.3");
const RSAES_OAEP: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.7");
/// The length of a key of AES-256.
const KEY_LENGTH: usize = 32;
/// The length of an AES block, and so of the initialisation vector.
const BLOCK_LENGTH: usize = 16;
/// How much of a hash names a key (RFC 7093, section 2, method 1).
const IDENTIFIER_LENGTH: usize = 20;

impl Execution<'_> {
    /// The envelope around a plaintext.
    pub(super) fn envelop(
        &self,
        recipient: &PublicKey,
        plaintext: &SecretBytes,
        random: &mut dyn Random,
    ) -> Result<Arc<[u8]>, Fault> {
        let key = draw_secret(random, Site::EnvelopeKey, KEY_LENGTH);
        let iv: [u8; BLOCK_LENGTH] = draw(random, Site::EnvelopeIv);
        let content = cbc::Encryptor::<Aes256>::new_from_slices(key.as_bytes(), &iv)
            .map_err(|_| Fault::Refused)?
            .encrypt_padded_vec::<Pkcs7>(plaintext.as_bytes());
        let PublicKey { spec, encoded } = recipient;
        let algorithm = EncryptionAlgorithm::RsaesOaepSha256;
        let backend = self.backend;
        let key = backend.encrypt_for(*spec, encoded, algorithm, key.as_bytes(), random)?;
        let key_bits = codec::public_key(*spec, encoded)?;
        let envelope = enveloped_data(identifier(key_bits), key, iv, content);
        envelope.map(Arc::from).map_err(|_| Fault::Refused)
    }
}

fn identifier(key_bits: &[u8]) -> Vec<u8> {
    Sha256::digest(key_bits)[..IDENTIFIER_LENGTH].to_vec()
}

fn enveloped_data(
    identifier: Vec<u8>,
    key: Vec<u8>,
    iv: [u8; BLOCK_LENGTH],
    content: Vec<u8>,
) -> der::Result<Vec<u8>> {
    let recipient = KeyTransRecipientInfo {
        version: CmsVersion::V2,
        rid: RecipientIdentifier::SubjectKeyIdentifier(OctetString::new(identifier)?.into()),
        key_enc_alg: AlgorithmIdentifier {
            oid: RSAES_OAEP,
            parameters: Some(Any::encode_from(&RsaOaepParams::new::<Sha256>())?),
        },
        enc_key: OctetString::new(key)?,
    };
    let encrypted_content = EncryptedContentInfo {
        content_type: DATA,
        content_enc_alg: AlgorithmIdentifier {
            oid: AES_256_CBC,
            parameters: Some(Any::encode_from(&OctetString::new(iv)?)?),
        },
        encrypted_content: Some(OctetString::new(content)?),
    };
    let data = EnvelopedData {
        version: CmsVersion::V2,
        originator_info: None,
        recip_infos: RecipientInfos::try_from(vec![RecipientInfo::Ktri(recipient)])?,
        encrypted_content,
        unprotected_attrs: None,
    };
    ContentInfo { content_type: ENVELOPED_DATA, content: Any::encode_from(&data)? }.to_der()
}
