//! The matrix of key states, twice: as a table for the eye, to be held against the "Key states" page
//! of the AWS KMS Developer Guide, and cell by cell through the service itself, for every state that a
//! key can be brought into.

mod unavailable;

use kms_core::error::Error;
use kms_core::key::{KeyState, Origin};
use kms_core::key_state::{COLUMNS, Verdict, row, verdict};
use kms_core::local::{Local, Parameters};
use kms_core::name::{KeyArn, RegionName};
use kms_core::ops::{
    Operation, Request, Response, cancel_key_deletion, create_alias, create_grant, create_key,
    decapsulate, decrypt, delete_alias, delete_imported_key_material, derive_shared_secret,
    describe_key, disable_key, disable_key_rotation, enable_key, enable_key_rotation, encapsulate,
    encrypt, generate_data_key, generate_data_key_pair, generate_data_key_pair_without_plaintext,
    generate_data_key_without_plaintext, generate_mac, get_key_last_usage, get_key_policy,
    get_key_rotation_status, get_parameters_for_import, get_public_key, import_key_material,
    list_aliases, list_grants, list_key_policies, list_key_rotations, list_resource_tags,
    put_key_policy, re_encrypt, replicate_key, retire_grant, revoke_grant, rotate_key_on_demand,
    schedule_key_deletion, sign, tag_resource, untag_resource, update_alias,
    update_key_description, update_primary_region, verify, verify_mac,
};
use kms_core::policy::{GrantOperation, Policy};
use kms_core::wire::{
    CiphertextBlob, DataKeyPairSpec, EncryptedKeyMaterial, GrantIdText, ImportTokenBlob, KeyRef,
    MacAlgorithm, MacBlob, PublicKeyBlob, SignatureBlob, SigningAlgorithm,
};
use kms_core::{ErrorCode, Result};
use std::fmt::Write;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

const REACHABLE: [KeyState; 7] = [
    KeyState::Enabled,
    KeyState::Disabled,
    KeyState::PendingDeletion,
    KeyState::PendingReplicaDeletion,
    KeyState::PendingImport,
    KeyState::Creating,
    KeyState::Updating,
];

/// The operations that only a key with imported material supports.
const ABOUT_IMPORTS: [Operation; 3] = [
    Operation::DeleteImportedKeyMaterial,
    Operation::GetParametersForImport,
    Operation::ImportKeyMaterial,
];

#[test]
fn the_table_is_the_reviewed_one() {
    let table = table();
    let reviewed = include_str!("key_states.txt");
    assert!(
        table == reviewed,
        "key_states.txt was reviewed against AWS's page; now it is\n{table}"
    );
}

fn table() -> String {
    let mut table = format!("{:36}", "");
    let states = COLUMNS.iter().map(|state| format!("{:16}", state.as_str()));
    push_line(&mut table, states);
    for operation in Operation::ALL {
        let Some(row) = row(*operation) else { continue };
        write!(table, "{:36}", operation.name()).expect("a string takes everything");
        push_line(&mut table, row.iter().map(|cell| format!("{:16}", symbol(*cell))));
    }
    table + LEGEND
}

fn push_line(table: &mut String, cells: impl Iterator<Item = String>) {
    cells.for_each(|cell| table.push_str(&cell));
    table.truncate(table.trim_end().len());
    table.push('\n');
}

/// AWS's own footnotes.
fn symbol(cell: Verdict) -> &'static str {
    match cell {
        Verdict::Yes => "yes",
        Verdict::Disabled => "1",
        Verdict::Dying => "2 or 3",
        Verdict::PendingDeletion => "3",
        Verdict::NotPendingDeletion => "4",
        Verdict::PendingImport => "5",
        Verdict::Imported => "6",
        Verdict::InKeyStore => "7",
        Verdict::Unavailable => "11",
        Verdict::Creating => "14",
        Verdict::Updating => "15",
        Verdict::Never => "-",
    }
}

const LEGEND: &str = "
PendingDeletion stands for PendingReplicaDeletion, too.
yes  allowed, unless the origin of the key forbids it
1    DisabledException, is disabled
2    DisabledException, is pending deletion; given out as 3
3    KMSInvalidStateException, is pending deletion
4    KMSInvalidStateException, is not pending deletion
5    KMSInvalidStateException, is pending import
6    UnsupportedOperationException, not for this origin
7    UnsupportedOperationException, not for keys in a custom key store
11   KMSInvalidStateException, is unavailable
14   KMSInvalidStateException, is creating
15   KMSInvalidStateException, is updating
-    no such key can be named to the operation
";

#[test]
fn every_reachable_cell_is_what_the_service_does() {
    for state in REACHABLE {
        for operation in Operation::ALL {
            for at in 0.. {
                let mut subject = Subject::new(state);
                let Some(request) = subject.requests(*operation).into_iter().nth(at) else { break };
                let result = subject.local.call_in(subject.key.region, request);
                check(&subject, *operation, state, result);
            }
        }
    }
}

#[test]
fn every_cell_of_an_import_is_what_the_service_does_to_an_imported_key() {
    for state in REACHABLE {
        for operation in ABOUT_IMPORTS {
            let mut subject = Subject::of(Origin::External, state);
            let request = subject.request(operation);
            let result = subject.local.call_in(subject.key.region, request);
            check(&subject, operation, state, result);
        }
    }
}

fn check(subject: &Subject, operation: Operation, state: KeyState, result: Result<Response>) {
    let cell = format!("{operation} in {state}");
    if ABOUT_IMPORTS.contains(&operation) && subject.origin != Origin::External {
        return assert_eq!(result, Err(unsupported(subject.key, subject.origin)), "{cell}");
    }
    match (expected(subject, verdict(operation, state), state), also(operation, state)) {
        (Some(error), _) => assert_eq!(result, Err(error), "{cell}"),
        (None, Some(code)) => assert_eq!(result.expect_err("a refusal").code, code, "{cell}"),
        (None, None) => drop(result.unwrap_or_else(|error| panic!("{cell}: {error}"))),
    }
}

/// What the matrix makes the service answer.
fn expected(subject: &Subject, verdict: Verdict, state: KeyState) -> Option<Error> {
    let key = subject.key;
    let invalid = |what: &str| Some(ErrorCode::KmsInvalidState.says(format!("{key} is {what}.")));
    match verdict {
        Verdict::Yes => None,
        Verdict::Disabled => Some(ErrorCode::Disabled.says(format!("{key} is disabled."))),
        Verdict::Dying | Verdict::PendingDeletion => match state {
            KeyState::PendingReplicaDeletion => invalid("pending replica deletion"),
            _ => invalid("pending deletion"),
        },
        Verdict::NotPendingDeletion => invalid("not pending deletion"),
        Verdict::PendingImport => invalid("pending import"),
        Verdict::Creating => invalid("creating"),
        Verdict::Updating => invalid("updating"),
        Verdict::Imported | Verdict::InKeyStore => Some(unsupported(key, subject.origin)),
        Verdict::Unavailable => invalid("unavailable"),
        Verdict::Never => panic!("{key} can be named to the operation"),
    }
}

fn unsupported(key: KeyArn, origin: Origin) -> Error {
    let message = format!("{key} origin is {origin} which is not valid for this operation.");
    ErrorCode::UnsupportedOperation.says(message)
}

/// Where the matrix says yes and something else than the matrix says no.
fn also(operation: Operation, state: KeyState) -> Option<ErrorCode> {
    match (operation, state) {
        // No grant is made on a key that is being created, so there is none to end.
        (Operation::RetireGrant | Operation::RevokeGrant, KeyState::Creating) => {
            Some(ErrorCode::InvalidGrantId)
        }
        // The key is a symmetric one; what it would be for is checked after its state.
        (
            Operation::Decapsulate
            | Operation::DeriveSharedSecret
            | Operation::Encapsulate
            | Operation::GenerateMac
            | Operation::Sign
            | Operation::Verify
            | Operation::VerifyMac,
            _,
        ) => Some(ErrorCode::InvalidKeyUsage),
        (Operation::GetPublicKey, _) => Some(ErrorCode::UnsupportedOperation),
        (Operation::GenerateDataKeyPair | Operation::GenerateDataKeyPairWithoutPlaintext, _) => {
            Some(ErrorCode::DryRunOperation)
        }
        // The key is a primary that hands its role over, and what its set shares is the successor's to
        // change; the state alone would not stand against it.
        (
            Operation::DisableKeyRotation
            | Operation::EnableKeyRotation
            | Operation::RotateKeyOnDemand,
            KeyState::Updating,
        ) => Some(ErrorCode::UnsupportedOperation),
        // The page of the operation wants both keys to be Enabled, whatever the matrix says.
        (Operation::UpdatePrimaryRegion, KeyState::Updating) => Some(ErrorCode::KmsInvalidState),
        _ => None,
    }
}

fn region(name: &str) -> RegionName {
    RegionName::parse(name).expect("a Region")
}

/// A multi-Region key in a state, with a ciphertext, an alias and a grant where it can have them.
struct Subject {
    local: Local,
    origin: Origin,
    key: KeyArn,
    other: KeyArn,
    blob: CiphertextBlob,
    grant: GrantIdText,
}

impl Subject {
    /// Only a key with imported material can lack it.
    fn new(state: KeyState) -> Subject {
        match state {
            KeyState::PendingImport => Subject::of(Origin::External, state),
            _ => Subject::of(Origin::AwsKms, state),
        }
    }

    fn of(origin: Origin, state: KeyState) -> Subject {
        let mut local = Local::regions(&["us-east-1", "eu-west-1", "ap-northeast-1"]);
        let primary = match origin {
            Origin::External => imported_key(&mut local),
            _ => create_key_in(&mut local, region("us-east-1")),
        };
        let sealed = local.call(encrypt::Request::new(primary, *b"secret"));
        let Ok(Response::Encrypt(sealed)) = sealed else { panic!("{sealed:?}") };
        let (blob, grant) = (sealed.ciphertext_blob, GrantIdText::from("ab".repeat(32)));
        let key = match state {
            KeyState::Creating => replicated(&mut local, primary),
            _ => primary,
        };
        let other = create_key_in(&mut local, key.region);
        let mut subject = Subject { local, origin, key, other, blob, grant };
        subject.done(create_alias::Request::new("alias/subject", key));
        if state != KeyState::Creating {
            subject.become_of(state);
        }
        assert_eq!(subject.local.key(key).state(), state);
        subject
    }

    /// Brings a key that is Enabled into a state.
    fn become_of(&mut self, state: KeyState) {
        let key = self.key;
        let operations = GrantOperation::parse("Decrypt");
        let grantee = "arn:aws:iam::111122223333:user/alice";
        let made = self.done(create_grant::Request::new(key, grantee, operations));
        let Response::CreateGrant(made) = made else { panic!("{made:?}") };
        self.grant = made.grant_id;
        if state != KeyState::PendingDeletion {
            replicated(&mut self.local, key);
            self.local.advance(Duration::from_secs(5));
        }
        match state {
            KeyState::Disabled => self.done(disable_key::Request { key_id: key.into() }),
            KeyState::Updating => {
                if self.origin == Origin::External {
                    self.import_into_replica();
                }
                self.done(update_primary_region::Request {
                    key_id: key.into(),
                    primary_region: "eu-west-1".into(),
                })
            }
            KeyState::Enabled => return,
            KeyState::PendingImport => self.done(delete_imported_key_material::Request::new(key)),
            _ => self.done(deletion(key)),
        };
    }

    fn import_into_replica(&mut self) {
        let replica = KeyArn { region: region("eu-west-1"), ..self.key };
        let request = self.local.parameters(replica).expect("parameters").wrap(&[7; 32]);
        self.local.import(replica, request).expect("an import");
    }

    fn done(&mut self, request: impl Into<Request>) -> Response {
        self.local.call_in(self.key.region, request).expect("an answer")
    }

    /// The requests of an operation that name the key; both, where it can stand in two places.
    fn requests(&self, operation: Operation) -> Vec<Request> {
        let key_id = KeyRef::from(self.key);
        match operation {
            _ if row(operation).is_none() => Vec::new(),
            Operation::ReEncrypt => {
                let from = re_encrypt::Request {
                    source_key_id: Some(key_id),
                    ..re_encrypt::Request::new(self.blob.clone(), self.other)
                };
                let to = re_encrypt::Request::new(self.blob.clone(), self.key);
                vec![from.into(), to.into()]
            }
            _ => vec![self.cryptographic(operation).unwrap_or_else(|| self.request(operation))],
        }
    }

    fn cryptographic(&self, operation: Operation) -> Option<Request> {
        let key = self.key;
        Some(match operation {
            Operation::Decrypt => decrypt::Request {
                key_id: Some(key.into()),
                ..decrypt::Request::new(self.blob.clone())
            }
            .into(),
            Operation::Encrypt => encrypt::Request::new(key, *b"secret").into(),
            Operation::GenerateDataKey => generate_data_key::Request {
                number_of_bytes: Some(kms_core::wire::NumberOfBytes(32)),
                key_spec: None,
                ..generate_data_key::Request::new(key)
            }
            .into(),
            Operation::GenerateDataKeyWithoutPlaintext => {
                generate_data_key_without_plaintext::Request {
                    number_of_bytes: Some(kms_core::wire::NumberOfBytes(32)),
                    key_spec: None,
                    ..generate_data_key_without_plaintext::Request::new(key)
                }
                .into()
            }
            _ => return self.with_pair(operation),
        })
    }

    fn with_pair(&self, operation: Operation) -> Option<Request> {
        let key = self.key;
        let signature = || SignatureBlob(self.blob.0.clone());
        let ecdsa = SigningAlgorithm::EcdsaSha256;
        let hmac = MacAlgorithm::HmacSha256;
        let pair = DataKeyPairSpec::EccNistP256;
        Some(match operation {
            Operation::Decapsulate => decapsulate::Request::new(key, self.blob.clone()).into(),
            Operation::DeriveSharedSecret => {
                derive_shared_secret::Request::new(key, PublicKeyBlob(self.blob.0.clone())).into()
            }
            Operation::Encapsulate => encapsulate::Request::new(key).into(),
            Operation::GenerateDataKeyPair => generate_data_key_pair::Request {
                dry_run: true,
                ..generate_data_key_pair::Request::new(key, pair)
            }
            .into(),
            Operation::GenerateDataKeyPairWithoutPlaintext => {
                generate_data_key_pair_without_plaintext::Request {
                    dry_run: true,
                    ..generate_data_key_pair_without_plaintext::Request::new(key, pair)
                }
                .into()
            }
            Operation::GenerateMac => generate_mac::Request::new(key, *b"message", hmac).into(),
            Operation::GetPublicKey => get_public_key::Request::new(key).into(),
            Operation::Sign => sign::Request::new(key, *b"message", ecdsa).into(),
            Operation::Verify => verify::Request::new(key, *b"message", ecdsa, signature()).into(),
            Operation::VerifyMac => {
                let mac = MacBlob(self.blob.0.clone());
                verify_mac::Request::new(key, *b"message", hmac, mac).into()
            }
            _ => return None,
        })
    }

    fn request(&self, operation: Operation) -> Request {
        let (key, key_id) = (self.key, KeyRef::from(self.key));
        let alias = "alias/subject";
        match operation {
            Operation::CancelKeyDeletion => cancel_key_deletion::Request { key_id }.into(),
            Operation::CreateAlias => create_alias::Request::new("alias/new", key).into(),
            Operation::CreateGrant => {
                let operations = GrantOperation::parse("Encrypt");
                create_grant::Request::new(key, "arn:aws:iam::111122223333:user/bob", operations)
                    .into()
            }
            Operation::DeleteAlias => delete_alias::Request { alias_name: alias.into() }.into(),
            Operation::DeleteImportedKeyMaterial => {
                delete_imported_key_material::Request::new(key).into()
            }
            Operation::DescribeKey => {
                describe_key::Request { key_id, grant_tokens: Default::default() }.into()
            }
            Operation::DisableKey => disable_key::Request { key_id }.into(),
            Operation::DisableKeyRotation => disable_key_rotation::Request { key_id }.into(),
            Operation::EnableKey => enable_key::Request { key_id }.into(),
            Operation::EnableKeyRotation => enable_key_rotation::Request::new(key).into(),
            Operation::GetKeyLastUsage => get_key_last_usage::Request { key_id }.into(),
            Operation::GetKeyPolicy => get_key_policy::Request { key_id, policy_name: None }.into(),
            Operation::GetKeyRotationStatus => get_key_rotation_status::Request { key_id }.into(),
            Operation::GetParametersForImport => {
                get_parameters_for_import::Request::new(key).into()
            }
            Operation::ImportKeyMaterial => {
                import_key_material::Request { key_id, ..material() }.into()
            }
            Operation::ListAliases => {
                list_aliases::Request { key_id: Some(key_id), ..Default::default() }.into()
            }
            Operation::ListGrants => list_grants::Request::new(key).into(),
            Operation::ListKeyPolicies => list_key_policies::Request::new(key).into(),
            Operation::ListResourceTags => list_resource_tags::Request::new(key).into(),
            Operation::TagResource => tag_resource::Request::new(key, [("a", "b")]).into(),
            Operation::UntagResource => untag_resource::Request::new(key, ["a"]).into(),
            Operation::UpdateKeyDescription => {
                update_key_description::Request::new(key, "new").into()
            }
            Operation::ListKeyRotations => list_key_rotations::Request::new(key).into(),
            Operation::PutKeyPolicy => {
                let policy = Policy::default_for(key.account, key.region.partition());
                put_key_policy::Request::new(key, policy.text()).into()
            }
            Operation::ReplicateKey => {
                replicate_key::Request::new(key, region("ap-northeast-1")).into()
            }
            Operation::RetireGrant => retire_grant::Request {
                key_id: Some(key_id),
                grant_id: Some(self.grant.clone()),
                ..Default::default()
            }
            .into(),
            Operation::RevokeGrant => revoke_grant::Request::new(key, self.grant.clone()).into(),
            Operation::RotateKeyOnDemand => rotate_key_on_demand::Request { key_id }.into(),
            Operation::ScheduleKeyDeletion => deletion(key).into(),
            Operation::UpdateAlias => update_alias::Request::new(alias, self.other).into(),
            Operation::UpdatePrimaryRegion => {
                update_primary_region::Request { key_id, primary_region: "eu-west-1".into() }.into()
            }
            other => panic!("{other} has no row, or is cryptographic"),
        }
    }
}

fn create_key_in(local: &mut Local, region: RegionName) -> KeyArn {
    let request = create_key::Request { multi_region: true, ..Default::default() };
    match local.call_in(region, request) {
        Ok(Response::CreateKey(made)) => made.key_metadata.arn,
        other => panic!("{other:?}"),
    }
}

/// A primary with imported material.
fn imported_key(local: &mut Local) -> KeyArn {
    let key = local.create_primary_to_import();
    PARAMETERS.get_or_init(|| local.parameters(key).expect("parameters"));
    local.import(key, material()).expect("an import");
    key
}

/// Making a wrapping key takes its time. Every world here begins with the same seed, so its first key
/// and its domain are the same, and parameters of one are good in all.
static PARAMETERS: OnceLock<Parameters> = OnceLock::new();

fn material() -> import_key_material::Request {
    match PARAMETERS.get() {
        Some(parameters) => parameters.wrap(&[7; 32]),
        None => import_key_material::Request::new(
            KeyRef::new("alias/none"),
            ImportTokenBlob(Arc::from([0])),
            EncryptedKeyMaterial(Arc::from([0])),
        ),
    }
}

/// A replica that is still in `Creating`.
fn replicated(local: &mut Local, primary: KeyArn) -> KeyArn {
    let region = region("eu-west-1");
    local.call(replicate_key::Request::new(primary, region)).expect("a replica");
    KeyArn { region, ..primary }
}

fn deletion(key: KeyArn) -> schedule_key_deletion::Request {
    schedule_key_deletion::Request { key_id: key.into(), pending_window_in_days: None }
}
