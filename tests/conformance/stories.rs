//! What clients do with a KMS, told with the official SDK: each story a few operations, in order.
//!
//! One more operation is one more call in the story it belongs to; the test names those of which no
//! story tells.

use super::World;
use aws_lc_rs::rsa::{OAEP_SHA256_MGF1SHA256, OaepPublicEncryptingKey, PublicEncryptingKey};
use aws_sdk_kms::primitives::Blob;
use aws_sdk_kms::types::{
    AlgorithmSpec, DataKeyPairSpec, DataKeySpec, EncapsulationAlgorithmSpec, ExpirationModelType,
    GrantOperation, KeyAgreementAlgorithmSpec, KeySpec, KeyState, KeyUsageType, MacAlgorithmSpec,
    OriginType, SigningAlgorithmSpec, Tag, WrappingKeySpec,
};
use kms_core::key_store::ClusterId;
use kms_core::key_store::model::ClusterModel;
use std::sync::Arc;
use std::time::{Duration, Instant};

const SECRET: &[u8] = b"attack at dawn";
const CONNECTED: &str = "CONNECTED";

/// Tells all of them, one after another.
pub(crate) async fn tell(world: &Arc<World>) {
    a_key_and_what_is_said_of_it(world).await;
    encryption(world).await;
    data_keys(world).await;
    signatures_and_macs(world).await;
    shared_secrets(world).await;
    aliases(world).await;
    grants(world).await;
    rotation(world).await;
    deletion(world).await;
    imported_material(world).await;
    several_regions(world).await;
    a_custom_key_store(world).await;
    enclaves::tell(world).await;
    managed_keys::tell(world).await;
    mistakes(world).await;
}

/// The value of a call that must succeed, with what the service said if it does not.
macro_rules! must {
    ($call:expr) => {
        $call.send().await.unwrap_or_else(|error| panic!("{}: {error:?}", stringify!($call)))
    };
}

/// The name of the error of a call that must fail.
macro_rules! refused {
    ($call:expr) => {{
        let error = $call.send().await.expect_err(stringify!($call)).into_service_error();
        error.meta().code().unwrap_or_default().to_owned()
    }};
}

mod enclaves;
mod managed_keys;

async fn key(world: &World, spec: KeySpec, usage: KeyUsageType) -> String {
    let created = must!(world.kms.create_key().key_spec(spec).key_usage(usage));
    created.key_metadata.expect("metadata").key_id
}

async fn symmetric(world: &World) -> String {
    key(world, KeySpec::SymmetricDefault, KeyUsageType::EncryptDecrypt).await
}

async fn a_key_and_what_is_said_of_it(world: &World) {
    let kms = &world.kms;
    let id = symmetric(world).await;
    must!(kms.update_key_description().key_id(&id).description("the first"));
    let described = must!(kms.describe_key().key_id(&id)).key_metadata.expect("metadata");
    assert_eq!(described.description(), Some("the first"));
    let listed = must!(kms.list_keys().limit(10));
    assert!(listed.keys().iter().any(|entry| entry.key_id() == Some(&id)));

    let tag = Tag::builder().tag_key("team").tag_value("blue").build().expect("a tag");
    must!(kms.tag_resource().key_id(&id).tags(tag));
    assert_eq!(must!(kms.list_resource_tags().key_id(&id)).tags()[0].tag_value(), "blue");
    must!(kms.untag_resource().key_id(&id).tag_keys("team"));

    assert_eq!(must!(kms.list_key_policies().key_id(&id)).policy_names(), ["default"]);
    let policy = must!(kms.get_key_policy().key_id(&id)).policy.expect("a policy");
    must!(kms.put_key_policy().key_id(&id).policy(&policy));

    must!(kms.disable_key().key_id(&id));
    assert_eq!(
        refused!(kms.encrypt().key_id(&id).plaintext(Blob::new(SECRET))),
        "DisabledException"
    );
    must!(kms.enable_key().key_id(&id));
    let used = must!(kms.get_key_last_usage().key_id(&id)).key_last_usage;
    assert_eq!(used.and_then(|used| used.operation), None, "it encrypted nothing");
}

async fn encryption(world: &World) {
    let kms = &world.kms;
    let (first, second) = (symmetric(world).await, symmetric(world).await);
    let sealed = must!(
        kms.encrypt()
            .key_id(&first)
            .plaintext(Blob::new(SECRET))
            .encryption_context("purpose", "test")
    );
    let sealed = sealed.ciphertext_blob.expect("a ciphertext");
    let again = must!(
        kms.re_encrypt()
            .ciphertext_blob(sealed.clone())
            .source_encryption_context("purpose", "test")
            .destination_key_id(&second)
    );
    let opened = must!(kms.decrypt().ciphertext_blob(again.ciphertext_blob.expect("a ciphertext")));
    assert_eq!(opened.plaintext.expect("a plaintext").as_ref(), SECRET);
    let without_context = kms.decrypt().ciphertext_blob(sealed);
    assert_eq!(refused!(without_context), "InvalidCiphertextException");
    let random = must!(kms.generate_random().number_of_bytes(33)).plaintext.expect("bytes");
    assert_eq!(random.as_ref().len(), 33);
}

async fn data_keys(world: &World) {
    let kms = &world.kms;
    let id = symmetric(world).await;
    let generated = must!(kms.generate_data_key().key_id(&id).key_spec(DataKeySpec::Aes256));
    let sealed = generated.ciphertext_blob.expect("a ciphertext");
    let opened = must!(kms.decrypt().ciphertext_blob(sealed).key_id(&id));
    assert_eq!(opened.plaintext, generated.plaintext);
    must!(kms.generate_data_key_without_plaintext().key_id(&id).number_of_bytes(64));

    let spec = DataKeyPairSpec::EccNistP256;
    let pair = must!(kms.generate_data_key_pair().key_id(&id).key_pair_spec(spec.clone()));
    let sealed = pair.private_key_ciphertext_blob.expect("a ciphertext");
    let opened = must!(kms.decrypt().ciphertext_blob(sealed));
    assert_eq!(opened.plaintext, pair.private_key_plaintext);
    must!(kms.generate_data_key_pair_without_plaintext().key_id(&id).key_pair_spec(spec));
}

async fn signatures_and_macs(world: &World) {
    let kms = &world.kms;
    let id = key(world, KeySpec::EccNistP256, KeyUsageType::SignVerify).await;
    let algorithm = SigningAlgorithmSpec::EcdsaSha256;
    let message = Blob::new(SECRET);
    let sign = kms.sign().key_id(&id).message(message.clone());
    let signature =
        must!(sign.signing_algorithm(algorithm.clone())).signature.expect("a signature");
    let verify = kms.verify().key_id(&id).signing_algorithm(algorithm).signature(signature);
    assert!(must!(verify.clone().message(message.clone())).signature_valid());
    let altered = verify.message(Blob::new(*b"attack at dusk"));
    assert_eq!(refused!(altered), "KMSInvalidSignatureException");
    assert!(must!(kms.get_public_key().key_id(&id)).public_key.is_some());

    let id = key(world, KeySpec::Hmac256, KeyUsageType::GenerateVerifyMac).await;
    let algorithm = MacAlgorithmSpec::HmacSha256;
    let generate = kms.generate_mac().key_id(&id).mac_algorithm(algorithm.clone());
    let mac = must!(generate.message(message.clone())).mac.expect("a MAC");
    let verify = kms.verify_mac().key_id(&id).mac_algorithm(algorithm).mac(mac);
    assert!(must!(verify.clone().message(message)).mac_valid());
    let altered = verify.message(Blob::new(*b"attack at dusk"));
    assert_eq!(refused!(altered), "KMSInvalidMacException");
}

async fn shared_secrets(world: &World) {
    let kms = &world.kms;
    let spec = || key(world, KeySpec::EccNistP384, KeyUsageType::KeyAgreement);
    let (one, other) = (spec().await, spec().await);
    let public = must!(kms.get_public_key().key_id(&other)).public_key.expect("a public key");
    let agree = kms.derive_shared_secret().key_id(&one).public_key(public);
    let ours = must!(agree.key_agreement_algorithm(KeyAgreementAlgorithmSpec::Ecdh));
    let public = must!(kms.get_public_key().key_id(&one)).public_key.expect("a public key");
    let agree = kms.derive_shared_secret().key_id(&other).public_key(public);
    let theirs = must!(agree.key_agreement_algorithm(KeyAgreementAlgorithmSpec::Ecdh));
    assert_eq!(ours.shared_secret, theirs.shared_secret);

    let id = key(world, KeySpec::MlKem768, KeyUsageType::EncapsulateDecapsulate).await;
    let algorithm = EncapsulationAlgorithmSpec::MlKem;
    let ours = must!(kms.encapsulate().key_id(&id).encapsulation_algorithm(algorithm.clone()));
    let sealed = ours.shared_secret_ciphertext_blob.expect("an encapsulation");
    let open = kms.decapsulate().key_id(&id).encapsulation_algorithm(algorithm);
    let theirs = must!(open.shared_secret_ciphertext_blob(sealed));
    assert_eq!(ours.shared_secret, theirs.shared_secret);
}

async fn aliases(world: &World) {
    let kms = &world.kms;
    let (first, second) = (symmetric(world).await, symmetric(world).await);
    must!(kms.create_alias().alias_name("alias/story").target_key_id(&first));
    let again = kms.create_alias().alias_name("alias/story").target_key_id(&second);
    assert_eq!(refused!(again), "AlreadyExistsException");
    must!(kms.update_alias().alias_name("alias/story").target_key_id(&second));
    let listed = must!(kms.list_aliases().key_id(&second));
    assert_eq!(listed.aliases()[0].alias_name(), Some("alias/story"));
    must!(kms.encrypt().key_id("alias/story").plaintext(Blob::new(SECRET)));
    must!(kms.delete_alias().alias_name("alias/story"));
}

async fn grants(world: &World) {
    let kms = &world.kms;
    let id = symmetric(world).await;
    let user = "arn:aws:iam::111122223333:user/test";
    let grant = || {
        let grant = kms.create_grant().key_id(&id).grantee_principal(user);
        grant.retiring_principal(user).operations(GrantOperation::Encrypt)
    };
    let first = must!(grant().name("first"));
    let second = must!(grant());
    assert_eq!(must!(kms.list_grants().key_id(&id)).grants().len(), 2);
    let retirable = must!(kms.list_retirable_grants().retiring_principal(user));
    assert_eq!(retirable.grants().len(), 2);
    must!(kms.retire_grant().grant_token(first.grant_token.expect("a token")));
    must!(kms.revoke_grant().key_id(&id).grant_id(second.grant_id.expect("an id")));
    assert!(must!(kms.list_grants().key_id(&id)).grants().is_empty());
}

async fn rotation(world: &World) {
    let kms = &world.kms;
    let id = symmetric(world).await;
    let encrypt = kms.encrypt().key_id(&id).plaintext(Blob::new(SECRET));
    let sealed = must!(encrypt).ciphertext_blob.expect("a ciphertext");
    must!(kms.enable_key_rotation().key_id(&id).rotation_period_in_days(180));
    must!(kms.rotate_key_on_demand().key_id(&id));
    let status = must!(kms.get_key_rotation_status().key_id(&id));
    assert_eq!(status.rotation_period_in_days(), Some(180));
    assert_eq!(must!(kms.list_key_rotations().key_id(&id)).rotations().len(), 1);
    let opened = must!(kms.decrypt().ciphertext_blob(sealed)).plaintext.expect("a plaintext");
    assert_eq!(opened.as_ref(), SECRET);
    must!(kms.disable_key_rotation().key_id(&id));
}

async fn deletion(world: &World) {
    let kms = &world.kms;
    let id = symmetric(world).await;
    must!(kms.schedule_key_deletion().key_id(&id).pending_window_in_days(7));
    let encrypt = kms.encrypt().key_id(&id).plaintext(Blob::new(SECRET));
    assert_eq!(refused!(encrypt), "KMSInvalidStateException");
    must!(kms.cancel_key_deletion().key_id(&id));
}

async fn imported_material(world: &World) {
    let kms = &world.kms;
    let create = kms.create_key().origin(OriginType::External);
    let id = must!(create).key_metadata.expect("metadata").key_id;
    let parameters = kms.get_parameters_for_import().key_id(&id);
    let parameters = parameters.wrapping_key_spec(WrappingKeySpec::Rsa2048);
    let parameters = must!(parameters.wrapping_algorithm(AlgorithmSpec::RsaesOaepSha256));
    let public = parameters.public_key.expect("a public key");
    let import = kms.import_key_material().key_id(&id);
    let import = import.import_token(parameters.import_token.expect("a token"));
    let import = import.expiration_model(ExpirationModelType::KeyMaterialDoesNotExpire);
    must!(import.encrypted_key_material(Blob::new(wrapped(public.as_ref(), &[7; 32]))));
    must!(kms.encrypt().key_id(&id).plaintext(Blob::new(SECRET)));
    must!(kms.delete_imported_key_material().key_id(&id));
    let encrypt = kms.encrypt().key_id(&id).plaintext(Blob::new(SECRET));
    assert_eq!(refused!(encrypt), "KMSInvalidStateException");
}

/// Key material as an owner wraps it, by RSAES-OAEP with SHA-256.
fn wrapped(public: &[u8], material: &[u8]) -> Vec<u8> {
    let public = PublicEncryptingKey::from_der(public).expect("a public key");
    let key = OaepPublicEncryptingKey::new(public).expect("a key for OAEP");
    let mut out = vec![0; key.ciphertext_size()];
    let wrapped = key.encrypt(&OAEP_SHA256_MGF1SHA256, material, &mut out, None);
    wrapped.expect("a ciphertext").to_vec()
}

async fn several_regions(world: &World) {
    let World { kms, away, .. } = world;
    let created = must!(kms.create_key().multi_region(true)).key_metadata.expect("metadata");
    let id = created.key_id;
    must!(kms.replicate_key().key_id(&id).replica_region("eu-west-1"));
    wait(async || state(away, &id).await == Some(KeyState::Enabled)).await;
    let encrypt = kms.encrypt().key_id(&id).plaintext(Blob::new(SECRET));
    let sealed = must!(encrypt).ciphertext_blob.expect("a ciphertext");
    let opened = must!(away.decrypt().ciphertext_blob(sealed)).plaintext.expect("a plaintext");
    assert_eq!(opened.as_ref(), SECRET);
    must!(kms.update_primary_region().key_id(&id).primary_region("eu-west-1"));
    wait(async || {
        let both = (state(kms, &id).await, state(away, &id).await);
        both == (Some(KeyState::Enabled), Some(KeyState::Enabled))
    })
    .await;
}

async fn state(kms: &aws_sdk_kms::Client, id: &str) -> Option<KeyState> {
    must!(kms.describe_key().key_id(id)).key_metadata?.key_state
}

async fn a_custom_key_store(world: &World) {
    let kms = &world.kms;
    let (cluster, password) = ("cluster-abcdefghijk", "kmsPswd1");
    let certificate = "-----BEGIN CERTIFICATE-----\nstory\n-----END CERTIFICATE-----";
    let id = ClusterId::parse(cluster).expect("a cluster id");
    world.engine.backends().add_cluster(id, ClusterModel::new(certificate, password));
    let create = kms.create_custom_key_store().custom_key_store_name("story");
    let create = create.cloud_hsm_cluster_id(cluster).key_store_password(password);
    let created = must!(create.trust_anchor_certificate(certificate));
    let store = created.custom_key_store_id.expect("an id");
    let update = kms.update_custom_key_store().custom_key_store_id(&store);
    must!(update.new_custom_key_store_name("story-2"));
    must!(kms.connect_custom_key_store().custom_key_store_id(&store));
    wait(async || connection(kms, &store).await == CONNECTED).await;
    must!(kms.disconnect_custom_key_store().custom_key_store_id(&store));
    wait(async || connection(kms, &store).await == "DISCONNECTED").await;
    must!(kms.delete_custom_key_store().custom_key_store_id(&store));
}

async fn connection(kms: &aws_sdk_kms::Client, store: &str) -> String {
    let described = must!(kms.describe_custom_key_stores().custom_key_store_id(store));
    let state = described.custom_key_stores()[0].connection_state().expect("a state");
    state.as_str().to_owned()
}

async fn mistakes(world: &World) {
    let kms = &world.kms;
    assert_eq!(refused!(kms.describe_key().key_id("alias/nobody")), "NotFoundException");
    let short = kms.create_key().description("x".repeat(8193));
    assert_eq!(refused!(short), "ValidationException");
    assert_eq!(refused!(kms.list_keys().marker("made up")), "InvalidMarkerException");
}

/// Waits until something is so.
async fn wait(mut so: impl AsyncFnMut() -> bool) {
    let started = Instant::now();
    while !so().await {
        assert!(started.elapsed() < Duration::from_secs(30), "waited in vain");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}
