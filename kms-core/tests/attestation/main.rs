//! Recipients: what an attestation document has to be, what it opens in policies, and that nobody but
//! the recipient can read what an answer holds for it.

mod audit;
mod envelope;
mod maker;

use kms_core::attestation::Fingerprint;
use kms_core::env::Caller;
use kms_core::key::{KeySpec, KeyUsage, Origin};
use kms_core::key_store::KeyStoreId;
use kms_core::local::Local;
use kms_core::name::{KeyArn, PrincipalArn};
use kms_core::ops::{
    Request, Response, create_key, decrypt, derive_shared_secret, encrypt, generate_data_key,
    generate_data_key_pair, generate_random, get_public_key, put_key_policy,
};
use kms_core::wire::{
    CiphertextBlob, CiphertextForRecipient, DataKeyPairSpec, NumberOfBytes, Plaintext,
    RecipientInfo, decode_request,
};
use kms_core::{Error, ErrorCode, Result};
use maker::{ES256, Enclave};
use std::sync::Arc;

/// A Region that trusts the root of an enclave.
fn trusting(enclave: &Enclave) -> Local {
    let mut local = Local::single_region();
    local.settings_mut().attestation_roots = vec![enclave.root()];
    local
}

fn recipient(enclave: &Enclave) -> Option<RecipientInfo> {
    Some(RecipientInfo::new(enclave.document()))
}

fn sealed(local: &mut Local, key: KeyArn) -> CiphertextBlob {
    match local.call(encrypt::Request::new(key, *b"secret")) {
        Ok(Response::Encrypt(sealed)) => sealed.ciphertext_blob,
        other => panic!("{other:?}"),
    }
}

fn opened(local: &mut Local, blob: CiphertextBlob) -> Plaintext {
    match local.call(decrypt::Request::new(blob)) {
        Ok(Response::Decrypt(opened)) => opened.plaintext.expect("a plaintext"),
        other => panic!("{other:?}"),
    }
}

/// What the enclave reads in its part of an answer.
fn read(enclave: &Enclave, envelope: Option<CiphertextForRecipient>) -> Plaintext {
    Plaintext(enclave.open(&envelope.expect("an envelope").0))
}

#[test]
fn a_decrypted_message_is_for_the_recipient_alone() {
    let enclave = Enclave::new();
    let mut local = trusting(&enclave);
    let key = local.create_key();
    let blob = sealed(&mut local, key);
    let request =
        decrypt::Request { recipient: recipient(&enclave), ..decrypt::Request::new(blob) };
    let answers = [(); 2].map(|()| match local.call(request.clone()) {
        Ok(Response::Decrypt(answer)) => answer,
        other => panic!("{other:?}"),
    });
    for answer in &answers {
        assert_eq!((&answer.plaintext, answer.key_material_id), (&None, None));
        let read = read(&enclave, answer.ciphertext_for_recipient.clone());
        assert_eq!(read.0.as_bytes(), b"secret");
    }
    assert_ne!(answers[0].ciphertext_for_recipient, answers[1].ciphertext_for_recipient);
}

#[test]
fn a_data_key_and_the_private_half_of_a_pair_are_what_the_blob_holds() {
    let enclave = Enclave::new();
    let mut local = trusting(&enclave);
    let key = local.create_key();
    let recipient = recipient(&enclave);
    let request = generate_data_key::Request {
        recipient: recipient.clone(),
        ..generate_data_key::Request::new(key)
    };
    let Ok(Response::GenerateDataKey(made)) = local.call(request) else { panic!() };
    assert_eq!((made.plaintext, made.key_material_id), (None, None));
    let inside = opened(&mut local, made.ciphertext_blob);
    assert_eq!(read(&enclave, made.ciphertext_for_recipient), inside);
    for spec in [DataKeyPairSpec::EccNistP256, DataKeyPairSpec::Rsa2048] {
        let request = generate_data_key_pair::Request {
            recipient: recipient.clone(),
            ..generate_data_key_pair::Request::new(key, spec)
        };
        let Ok(Response::GenerateDataKeyPair(made)) = local.call(request) else { panic!() };
        assert_eq!(made.private_key_plaintext, None);
        let inside = opened(&mut local, made.private_key_ciphertext_blob);
        assert_eq!(read(&enclave, made.ciphertext_for_recipient), inside);
    }
}

#[test]
fn random_bytes_and_a_shared_secret_are_for_the_recipient_alone() {
    let enclave = Enclave::new();
    let mut local = trusting(&enclave);
    let request = generate_random::Request {
        number_of_bytes: Some(NumberOfBytes(33)),
        recipient: recipient(&enclave),
        ..generate_random::Request::default()
    };
    let Ok(Response::GenerateRandom(made)) = local.call(request) else { panic!() };
    assert_eq!(made.plaintext, None);
    assert_eq!(read(&enclave, made.ciphertext_for_recipient).0.len(), 33);
    let key = local.create_key_of(KeySpec::EccNistP384, KeyUsage::KeyAgreement);
    let peer = match local.call(get_public_key::Request::new(key)) {
        Ok(Response::GetPublicKey(answer)) => answer.public_key,
        other => panic!("{other:?}"),
    };
    let clear = derive_shared_secret::Request::new(key, peer);
    let attested =
        derive_shared_secret::Request { recipient: recipient(&enclave), ..clear.clone() };
    let [clear, attested] = [clear, attested].map(|request| match local.call(request) {
        Ok(Response::DeriveSharedSecret(answer)) => answer,
        other => panic!("{other:?}"),
    });
    assert_eq!(attested.shared_secret, None);
    let secret = read(&enclave, attested.ciphertext_for_recipient);
    assert_eq!(Some(secret), clear.shared_secret);
}

#[test]
fn what_comes_from_a_custom_key_store_is_for_the_recipient_alone() {
    let enclave = Enclave::new();
    let mut local = trusting(&enclave);
    let cluster = local.connected_cloud_hsm_store("hsm");
    let proxy = local.connected_external_store("xks");
    local.add_external_key("xks", "outside");
    let in_store = |store: KeyStoreId, origin, external: Option<&str>| create_key::Request {
        origin: Some(origin),
        custom_key_store_id: Some(store.to_string().as_str().into()),
        xks_key_id: external.map(Into::into),
        ..create_key::Request::default()
    };
    for request in [
        in_store(cluster, Origin::AwsCloudHsm, None),
        in_store(proxy, Origin::ExternalKeyStore, Some("outside")),
    ] {
        let Ok(Response::CreateKey(made)) = local.call(request) else { panic!() };
        let key = made.key_metadata.arn;
        let request = generate_data_key::Request {
            recipient: recipient(&enclave),
            ..generate_data_key::Request::new(key)
        };
        let Ok(Response::GenerateDataKey(made)) = local.call(request) else { panic!() };
        assert_eq!(made.plaintext, None);
        let inside = opened(&mut local, made.ciphertext_blob.clone());
        assert_eq!(read(&enclave, made.ciphertext_for_recipient), inside);
        let request = decrypt::Request {
            recipient: recipient(&enclave),
            ..decrypt::Request::new(made.ciphertext_blob)
        };
        let Ok(Response::Decrypt(again)) = local.call(request) else { panic!() };
        assert_eq!(again.plaintext, None);
        assert_eq!(read(&enclave, again.ciphertext_for_recipient), inside);
    }
    let request = generate_random::Request {
        number_of_bytes: Some(NumberOfBytes(8)),
        custom_key_store_id: Some(cluster.to_string().as_str().into()),
        recipient: recipient(&enclave),
    };
    let Ok(Response::GenerateRandom(made)) = local.call(request) else { panic!() };
    assert_eq!(read(&enclave, made.ciphertext_for_recipient).0.len(), 8);
}

fn random_for(local: &mut Local, recipient: RecipientInfo) -> Result<Response> {
    local.call(generate_random::Request {
        number_of_bytes: Some(NumberOfBytes(8)),
        recipient: Some(recipient),
        ..generate_random::Request::default()
    })
}

fn refusal(local: &mut Local, document: Vec<u8>) -> Error {
    random_for(local, RecipientInfo::new(document)).expect_err("a refusal")
}

fn not_accepted(why: &str) -> Error {
    ErrorCode::Validation.says(format!("The attestation document is not accepted: {why}."))
}

#[test]
fn a_document_is_refused_for_its_signature_its_chain_and_its_time() {
    let (enclave, stranger) = (Enclave::new(), Enclave::new());
    let mut local = trusting(&enclave);
    let honest = enclave.document();
    assert!(random_for(&mut local, RecipientInfo::new(honest.clone())).is_ok());
    let mut tampered = honest.clone();
    *tampered.last_mut().unwrap() ^= 1;
    let forged = replaced(&honest, &[0xab; 48], &[0xcd; 48]);
    for document in [tampered, forged] {
        assert_eq!(refusal(&mut local, document), not_accepted("its signature is not valid"));
    }
    let untrusted = not_accepted("its certificates do not lead to a trusted root");
    assert_eq!(refusal(&mut local, stranger.document()), untrusted);
    let claimed = stranger.claims_root_of(&enclave, &stranger.statement());
    assert_eq!(refusal(&mut local, claimed), untrusted);
    let trailing = [&honest[..], &[0]].concat();
    for document in [trailing, honest[..honest.len() - 1].to_vec(), vec![0xf6]] {
        assert_eq!(refusal(&mut local, document), not_accepted("it is malformed"));
    }
    for (from, to) in [((2025, 12, 1), (2025, 12, 31)), ((2026, 1, 2), (2026, 2, 1))] {
        let enclave = Enclave::valid(from, to);
        let mut local = trusting(&enclave);
        let untimely = not_accepted("one of its certificates is not valid at this time");
        assert_eq!(refusal(&mut local, enclave.document()), untimely);
    }
}

/// The bytes with the first appearance of some replaced by others.
fn replaced(bytes: &[u8], old: &[u8], new: &[u8]) -> Vec<u8> {
    let at = bytes.windows(old.len()).position(|window| window == old).expect("the old bytes");
    [&bytes[..at], new, &bytes[at + old.len()..]].concat()
}

#[test]
fn a_document_is_refused_for_its_algorithm_and_without_a_key_to_encrypt_for() {
    let enclave = Enclave::new();
    let mut local = trusting(&enclave);
    let honest = enclave.statement();
    let other = enclave.sign(&maker::Statement { algorithm: ES256, ..honest.clone() });
    assert_eq!(refusal(&mut local, other), not_accepted("it is not signed by ES384"));
    let no_key = not_accepted("it has no RSA public key of 2048, 3072 or 4096 bits");
    let damaged = honest.public_key.clone().map(|key| key[1..].to_vec());
    for public_key in [None, damaged] {
        let document = enclave.sign(&maker::Statement { public_key, ..honest.clone() });
        assert_eq!(refusal(&mut local, document), no_key);
    }
    let unknown = enclave.sign(&maker::Statement { registers: "other_pcrs", ..honest });
    assert_eq!(refusal(&mut local, unknown), not_accepted("it is malformed"));
}

#[test]
fn a_region_trusts_what_it_is_told_to_and_the_root_of_aws_by_itself() {
    let enclave = Enclave::new();
    let mut local = Local::single_region();
    let roots = local.settings_mut().attestation_roots.clone();
    assert_eq!(roots, [Fingerprint::AWS_NITRO_ENCLAVES]);
    let untrusted = not_accepted("its certificates do not lead to a trusted root");
    assert_eq!(refusal(&mut local, enclave.document()), untrusted);
    local.settings_mut().attestation_roots.clear();
    let none = not_accepted("no root of attestation is trusted in this Region");
    assert_eq!(refusal(&mut local, enclave.document()), none);
}

#[test]
fn both_members_of_a_recipient_are_required_and_limited() {
    let enclave = Enclave::new();
    let mut local = trusting(&enclave);
    let complete = RecipientInfo::new(enclave.document());
    for incomplete in [
        RecipientInfo { attestation_document: None, ..complete.clone() },
        RecipientInfo { key_encryption_algorithm: None, ..complete },
    ] {
        let error = random_for(&mut local, incomplete).unwrap_err();
        assert_eq!(error.code, ErrorCode::Validation);
    }
    let decoded = |algorithm: &str, length: usize| {
        let document = "A".repeat(length.div_ceil(3) * 4);
        let body = format!(
            r#"{{"NumberOfBytes":1,"Recipient":{{"KeyEncryptionAlgorithm":"{algorithm}","AttestationDocument":"{document}"}}}}"#
        );
        decode_request("TrentService.GenerateRandom", body.as_bytes())
    };
    assert!(decoded("RSAES_OAEP_SHA_256", 262_143).is_ok());
    assert_eq!(decoded("RSAES_OAEP_SHA_256", 262_146).unwrap_err().code, ErrorCode::Validation);
    assert_eq!(decoded("RSAES_OAEP_SHA_256", 0).unwrap_err().code, ErrorCode::Validation);
    assert_eq!(decoded("RSAES_OAEP_SHA_1", 3).unwrap_err().code, ErrorCode::Validation);
}

/// A key whose policy lets a role decrypt in an enclave of this image alone.
fn guarded(local: &mut Local, condition: &str) -> (KeyArn, CiphertextBlob, Arc<Caller>) {
    let key = local.create_key();
    let blob = sealed(local, key);
    let policy = format!(
        r#"{{"Statement": [
            {{"Effect": "Allow", "Principal": {{"AWS": "arn:aws:iam::111122223333:root"}},
              "Action": "kms:*", "Resource": "*"}},
            {{"Effect": "Allow", "Principal": {{"AWS": "arn:aws:iam::111122223333:role/enclave"}},
              "Action": ["kms:Decrypt", "kms:GenerateDataKey"], "Resource": "*",
              "Condition": {condition}}}]}}"#
    );
    local.call(put_key_policy::Request::new(key, &policy)).expect("a policy");
    let role = PrincipalArn::parse("arn:aws:iam::111122223333:role/enclave").expect("an ARN");
    (key, blob, Arc::new(Caller::new(role)))
}

#[test]
fn a_policy_asks_for_the_image_and_for_registers() {
    let enclave = Enclave::new();
    let (image, other) = ("AB".repeat(48), "CD".repeat(48));
    let on = |key: &str, value: &str| {
        format!(r#"{{"StringEqualsIgnoreCase": {{"kms:RecipientAttestation:{key}": "{value}"}}}}"#)
    };
    for (condition, allowed) in [
        (on("ImageSha384", &image), true),
        (on("PCR0", &image), true),
        (on("PCR1", &"01".repeat(48)), true),
        (on("ImageSha384", &other), false),
        (on("PCR0", &other), false),
        (on("PCR2", &image), false),
        (on("NitroTPMPCR0", &image), false),
    ] {
        let mut local = trusting(&enclave);
        let (_, blob, role) = guarded(&mut local, &condition);
        let bare = decrypt::Request::new(blob);
        let request = decrypt::Request { recipient: recipient(&enclave), ..bare.clone() };
        let code = local.call_as(&role, request.clone()).err().map(|error| error.code);
        assert_eq!(code, (!allowed).then_some(ErrorCode::AccessDenied), "{condition}");
        let error = local.call_as(&role, bare).unwrap_err();
        assert_eq!(error.code, ErrorCode::AccessDenied, "{condition}");
        let dry = decrypt::Request { dry_run: true, ..request };
        let expected = if allowed { ErrorCode::DryRunOperation } else { ErrorCode::AccessDenied };
        assert_eq!(local.call_as(&role, dry).unwrap_err().code, expected, "{condition}");
    }
}

#[test]
fn a_machine_with_a_nitro_tpm_is_told_from_an_enclave() {
    let enclave = Enclave::new();
    let statement = maker::Statement { registers: "nitrotpm_pcrs", ..enclave.statement() };
    let recipient = Some(RecipientInfo::new(enclave.sign(&statement)));
    for (key, allowed) in [("NitroTPMPCR0", true), ("PCR0", false), ("ImageSha384", false)] {
        let mut local = trusting(&enclave);
        let condition = format!(
            r#"{{"StringEqualsIgnoreCase": {{"kms:RecipientAttestation:{key}": "{}"}}}}"#,
            "ab".repeat(48)
        );
        let (_, blob, role) = guarded(&mut local, &condition);
        let request =
            decrypt::Request { recipient: recipient.clone(), ..decrypt::Request::new(blob) };
        assert_eq!(local.call_as(&role, request).is_ok(), allowed, "{key}");
    }
}

#[test]
fn no_policy_sees_what_a_forged_document_says() {
    let enclave = Enclave::new();
    let mut local = trusting(&enclave);
    let wanted = "cd".repeat(48);
    let condition =
        format!(r#"{{"StringEqualsIgnoreCase": {{"kms:RecipientAttestation:PCR0": "{wanted}"}}}}"#);
    let (key, _, role) = guarded(&mut local, &condition);
    let forged = replaced(&enclave.document(), &[0xab; 48], &[0xcd; 48]);
    let request = generate_data_key::Request {
        recipient: Some(RecipientInfo::new(forged)),
        ..generate_data_key::Request::new(key)
    };
    let dry = generate_data_key::Request { dry_run: true, ..request.clone() };
    for request in [request, dry] {
        let error = local.call_as(&role, Request::from(request)).unwrap_err();
        assert_eq!(error, not_accepted("its signature is not valid"));
    }
}
