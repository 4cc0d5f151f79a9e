//! An application in an enclave: whoever carries its requests and answers cannot read them.

use super::{SECRET, symmetric};
use crate::conformance::maker::{Enclave, Statement};
use crate::conformance::{World, enclave};
use aws_sdk_kms::primitives::Blob;
use aws_sdk_kms::types::{DataKeySpec, KeyEncryptionMechanism, RecipientInfo};

fn named(document: Vec<u8>) -> RecipientInfo {
    let algorithm = KeyEncryptionMechanism::RsaesOaepSha256;
    let named = RecipientInfo::builder().key_encryption_algorithm(algorithm);
    named.attestation_document(Blob::new(document)).build()
}

fn opened(enclave: &Enclave, envelope: Option<Blob>) -> Vec<u8> {
    enclave.open(envelope.expect("an envelope").as_ref()).as_bytes().to_vec()
}

pub(super) async fn tell(world: &World) {
    let (kms, inside) = (&world.kms, &*world.enclave);
    let id = symmetric(world).await;
    let recipient = named(inside.document());
    let encrypt = kms.encrypt().key_id(&id).plaintext(Blob::new(SECRET));
    let sealed = must!(encrypt).ciphertext_blob.expect("a ciphertext");
    let decrypt = kms.decrypt().ciphertext_blob(sealed.clone());
    let answer = must!(decrypt.clone().recipient(recipient.clone()));
    assert_eq!(answer.plaintext, None);
    assert_eq!(opened(inside, answer.ciphertext_for_recipient), SECRET);

    let generate = kms.generate_data_key().key_id(&id).key_spec(DataKeySpec::Aes256);
    let answer = must!(generate.recipient(recipient.clone()));
    assert_eq!(answer.plaintext, None);
    let data_key = kms.decrypt().ciphertext_blob(answer.ciphertext_blob.expect("a ciphertext"));
    let data_key = must!(data_key).plaintext.expect("a plaintext");
    assert_eq!(opened(inside, answer.ciphertext_for_recipient), data_key.as_ref());
    let random = must!(kms.generate_random().number_of_bytes(33).recipient(recipient.clone()));
    assert_eq!(random.plaintext, None);
    assert_eq!(opened(inside, random.ciphertext_for_recipient).len(), 33);

    // The key policy lets nothing but this image decrypt.
    let image = "ab".repeat(48);
    let policy = format!(
        r#"{{"Version": "2012-10-17", "Statement": [
            {{"Effect": "Allow", "Principal": {{"AWS": "arn:aws:iam::111122223333:root"}},
              "Action": "kms:*", "Resource": "*"}},
            {{"Effect": "Deny", "Principal": "*", "Action": "kms:Decrypt", "Resource": "*",
              "Condition": {{"StringNotEqualsIgnoreCase":
                {{"kms:RecipientAttestation:ImageSha384": "{image}"}}}}}}]}}"#
    );
    must!(kms.put_key_policy().key_id(&id).policy(policy));
    assert_eq!(refused!(decrypt.clone()), "AccessDeniedException");
    let other = Statement { image: [0xcd; 48], ..inside.statement() };
    let other = decrypt.clone().recipient(named(inside.sign(&other)));
    assert_eq!(refused!(other), "AccessDeniedException");
    let answer = must!(decrypt.clone().recipient(recipient));
    assert_eq!(opened(inside, answer.ciphertext_for_recipient), SECRET);
    let stranger = decrypt.recipient(named(enclave().document()));
    assert_eq!(refused!(stranger), "ValidationException");
}
