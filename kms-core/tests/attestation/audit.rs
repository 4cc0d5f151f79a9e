//! What is kept of a request that names a recipient: what CloudTrail shows of the recipient's document.

use super::*;

fn recorded(local: &mut Local, request: impl Into<Request>) -> Option<Vec<(String, String)>> {
    let (region, owner) = (local.journal().state().region(), local.owner());
    let outcome = local.outcome(region, &owner, &request.into());
    let pairs = |pairs: &kms_core::policy::Pairs| pairs.clone().into_iter().collect();
    outcome.audit.recipient.as_deref().map(pairs)
}

fn expected(pairs: &[(&str, String)]) -> Option<Vec<(String, String)>> {
    let named =
        |(name, value): &(&str, String)| (format!("attestationDocument{name}"), value.clone());
    Some(pairs.iter().map(named).collect())
}

#[test]
fn the_module_and_the_registers_of_an_enclave_are_kept_of_all_five_operations() {
    let enclave = Enclave::new();
    let mut local = trusting(&enclave);
    let key = local.create_key();
    let agreeing = local.create_key_of(KeySpec::EccNistP384, KeyUsage::KeyAgreement);
    let Ok(Response::GetPublicKey(peer)) = local.call(get_public_key::Request::new(agreeing))
    else {
        panic!()
    };
    let blob = sealed(&mut local, key);
    let recipient = recipient(&enclave);
    let requests: [Request; 5] = [
        decrypt::Request { recipient: recipient.clone(), ..decrypt::Request::new(blob.clone()) }
            .into(),
        derive_shared_secret::Request {
            recipient: recipient.clone(),
            ..derive_shared_secret::Request::new(agreeing, peer.public_key)
        }
        .into(),
        generate_data_key::Request {
            recipient: recipient.clone(),
            ..generate_data_key::Request::new(key)
        }
        .into(),
        generate_data_key_pair::Request {
            recipient: recipient.clone(),
            ..generate_data_key_pair::Request::new(key, DataKeyPairSpec::EccNistP256)
        }
        .into(),
        generate_random::Request {
            number_of_bytes: Some(NumberOfBytes(8)),
            recipient,
            ..generate_random::Request::default()
        }
        .into(),
    ];
    let shown = expected(&[
        ("EnclaveImageDigest", "ab".repeat(48)),
        ("EnclavePCR1", "01".repeat(48)),
        ("EnclavePCR8", "00".repeat(48)),
        ("ModuleId", "i-0123456789abcdef0-enc0123456789abcdef".to_owned()),
    ]);
    for request in requests {
        let operation = request.operation();
        assert_eq!(recorded(&mut local, request), shown, "{operation:?}");
    }
    assert_eq!(recorded(&mut local, decrypt::Request::new(blob)), None);
}

#[test]
fn of_a_refusal_it_is_kept_unless_the_document_proves_nothing() {
    let (enclave, stranger) = (Enclave::new(), Enclave::new());
    let mut local = trusting(&enclave);
    let (key, ..) = guarded(&mut local, "{}");
    let request = |from: &Enclave| generate_data_key::Request {
        recipient: recipient(from),
        dry_run: true,
        ..generate_data_key::Request::new(key)
    };
    assert!(recorded(&mut local, request(&enclave)).is_some());
    assert_eq!(recorded(&mut local, request(&stranger)), None);
}

#[test]
fn of_a_machine_with_a_nitro_tpm_other_registers_are_kept() {
    let enclave = Enclave::new();
    let mut local = trusting(&enclave);
    let key = local.create_key();
    let statement = maker::Statement { registers: "nitrotpm_pcrs", ..enclave.statement() };
    let request = generate_data_key::Request {
        recipient: Some(RecipientInfo::new(enclave.sign(&statement))),
        ..generate_data_key::Request::new(key)
    };
    let module = "i-0123456789abcdef0-enc0123456789abcdef".to_owned();
    let shown = expected(&[("ModuleId", module), ("NitroTPMPCR8", "00".repeat(48))]);
    assert_eq!(recorded(&mut local, request), shown);
}
