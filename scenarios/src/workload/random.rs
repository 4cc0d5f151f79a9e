//! Any call with any argument: the load nobody designed.

use kms_core::ciphertext::EncryptionContext;
use kms_core::name::{KeyArn, KeyId};
use kms_core::ops::{
    Operation, Request, Response, cancel_key_deletion, create_alias, create_grant, decrypt,
    delete_alias, describe_key, disable_key, disable_key_rotation, enable_key, enable_key_rotation,
    generate_data_key_without_plaintext, generate_random, get_key_policy, get_key_rotation_status,
    list_aliases, list_grants, list_key_rotations, list_keys, put_key_policy, re_encrypt,
    replicate_key, retire_grant, revoke_grant, rotate_key_on_demand, schedule_key_deletion,
    update_alias, update_primary_region,
};
use kms_core::policy::{GrantOperation, Policy};
use kms_core::wire::{
    CiphertextBlob, GrantIdText, GrantToken, GrantTokens, KeyRef, Limit, NumberOfBytes,
    PendingWindowInDays,
};

use super::WorkloadKind;
use super::choice::KeyChoice;
use super::generator::{Draw, Generator, Moment, Planned, WORKERS, Who};
use super::ring::{Ring, index};
use super::seat::{NewKey, Seat};
use crate::kind::{List, Named, PROBABILITY};
use crate::reader::Entry;
use crate::reader::Reader;
use crate::units::Probability;

/// Call operations at random, some of them with wrong arguments.
#[derive(Debug, Clone, PartialEq)]
pub struct Random {
    /// Which key a request uses.
    pub choice: KeyChoice,
    /// Only these operations; all that the world has a model of when not said.
    pub operations: Option<Vec<String>>,
    /// The share of calls with an argument that is wrong.
    pub invalid_share: Probability,
}

const OPERATION: Named = Named { what: "operation", among: |vocabulary| &vocabulary.operations };

pub(super) const INFO: Entry<WorkloadKind> = Entry {
    name: "random",
    doc: "Call operations at random, some of them with wrong arguments.",
    read: |reader| WorkloadKind::Random(Random::read(reader)),
};

impl Random {
    fn read(reader: &mut Reader<'_, '_>) -> Self {
        let operations = List { of: OPERATION, min: 1, max: 100 };
        Self {
            choice: KeyChoice::read(reader),
            operations: reader.optional(
                "operations",
                &operations,
                "Only these operations; all that the world has a model of when not said.",
            ),
            invalid_share: reader.or(
                "invalid_share",
                &PROBABILITY,
                0.05,
                "The share of calls with an argument that is wrong.",
            ),
        }
    }
}

/// The longest plaintext.
const PLAINTEXT: u64 = 128;
/// How many alias names there are.
const ALIASES: u64 = 8;

/// The operations that the simulated world has a model of: what they may answer is judged.
const OPERATIONS: [Operation; 30] = [
    Operation::CancelKeyDeletion,
    Operation::CreateAlias,
    Operation::CreateGrant,
    Operation::CreateKey,
    Operation::Decrypt,
    Operation::DeleteAlias,
    Operation::DescribeKey,
    Operation::DisableKey,
    Operation::DisableKeyRotation,
    Operation::EnableKey,
    Operation::EnableKeyRotation,
    Operation::Encrypt,
    Operation::GenerateDataKey,
    Operation::GenerateDataKeyWithoutPlaintext,
    Operation::GenerateRandom,
    Operation::GetKeyPolicy,
    Operation::GetKeyRotationStatus,
    Operation::ListAliases,
    Operation::ListGrants,
    Operation::ListKeyRotations,
    Operation::ListKeys,
    Operation::PutKeyPolicy,
    Operation::ReEncrypt,
    Operation::ReplicateKey,
    Operation::RetireGrant,
    Operation::RevokeGrant,
    Operation::RotateKeyOnDemand,
    Operation::ScheduleKeyDeletion,
    Operation::UpdateAlias,
    Operation::UpdatePrimaryRegion,
];

/// One client.
pub(super) struct Client {
    seat: Seat,
    operations: Vec<Operation>,
    invalid_share: f64,
    grants: Ring<(KeyArn, GrantIdText, GrantToken)>,
}

impl Client {
    pub(super) fn new(parameters: &Random, seat: Seat) -> Client {
        let named = parameters.operations.iter().flatten();
        let named = named.filter_map(|name| Operation::parse(name));
        let mut operations: Vec<_> = named.filter(|one| OPERATIONS.contains(one)).collect();
        if operations.is_empty() {
            operations = OPERATIONS.to_vec();
        }
        let invalid_share = parameters.invalid_share.get();
        Client { seat, operations, invalid_share, grants: Ring::default() }
    }

    /// The key of a request, which may be a wrong one.
    fn target(&self, key: KeyArn, draw: &mut dyn Draw) -> KeyRef {
        if !draw.chance(self.invalid_share) {
            return key.into();
        }
        let mut unknown = [0; 16];
        draw.fill(&mut unknown);
        match draw.below(4) {
            0 => KeyRef::new("no-such-key"),
            1 => KeyRef::new("arn:aws:kms:us-east-1:key"),
            2 => KeyId::single_region(unknown).into(),
            _ => {
                KeyArn { region: self.seat.other_region(draw).unwrap_or(key.region), ..key }.into()
            }
        }
    }

    fn request(&self, operation: Operation, key: KeyArn, draw: &mut dyn Draw) -> Request {
        let key_id = self.target(key, draw);
        match operation {
            Operation::CreateAlias
            | Operation::DeleteAlias
            | Operation::ListAliases
            | Operation::UpdateAlias => alias_request(operation, key_id, draw),
            Operation::CreateGrant
            | Operation::ListGrants
            | Operation::RetireGrant
            | Operation::RevokeGrant => self.grant_request(operation, key_id, draw),
            Operation::Decrypt
            | Operation::Encrypt
            | Operation::GenerateDataKey
            | Operation::GenerateDataKeyWithoutPlaintext
            | Operation::GenerateRandom
            | Operation::ReEncrypt => self.cryptographic(operation, key_id, draw),
            Operation::GetKeyPolicy => get_key_policy::Request { key_id, policy_name: None }.into(),
            Operation::PutKeyPolicy => {
                let policy = Policy::default_for(self.seat.account, self.seat.region.partition());
                put_key_policy::Request::new(key_id, policy.text()).into()
            }
            Operation::ReplicateKey | Operation::UpdatePrimaryRegion => {
                self.region_request(operation, key_id, draw)
            }
            other => key_request(other, key_id, draw),
        }
    }

    fn cryptographic(&self, operation: Operation, key: KeyRef, draw: &mut dyn Draw) -> Request {
        let length = usize::try_from(1 + draw.below(PLAINTEXT)).unwrap_or(1);
        match operation {
            Operation::Encrypt => self.seat.encrypt(key, length, draw).into(),
            Operation::GenerateDataKey => self.seat.data_key(key, draw).into(),
            Operation::GenerateDataKeyWithoutPlaintext => {
                generate_data_key_without_plaintext::Request {
                    encryption_context: self.seat.context(draw),
                    ..generate_data_key_without_plaintext::Request::new(key)
                }
                .into()
            }
            Operation::GenerateRandom => {
                let number_of_bytes = Some(NumberOfBytes(u32::try_from(length).unwrap_or(1)));
                generate_random::Request { number_of_bytes, ..Default::default() }.into()
            }
            Operation::ReEncrypt => {
                let (blob, context) = self.blob(draw);
                re_encrypt::Request {
                    source_encryption_context: context,
                    destination_encryption_context: self.seat.context(draw),
                    ..re_encrypt::Request::new(blob, key)
                }
                .into()
            }
            _ => {
                let (blob, encryption_context) = self.blob(draw);
                decrypt::Request { encryption_context, ..decrypt::Request::new(blob) }.into()
            }
        }
    }

    /// A ciphertext the client keeps, or bytes that are none, and a context that may be wrong.
    fn blob(&self, draw: &mut dyn Draw) -> (CiphertextBlob, EncryptionContext) {
        let invalid = draw.chance(self.invalid_share);
        match self.seat.sealed(draw) {
            Some(sealed) if invalid => (sealed.blob.clone(), self.seat.context(draw)),
            Some(sealed) => (sealed.blob.clone(), sealed.context.clone()),
            None => {
                let mut bytes = [0; 64];
                draw.fill(&mut bytes);
                (CiphertextBlob(bytes[..].into()), EncryptionContext::default())
            }
        }
    }

    fn grant_request(&self, operation: Operation, key: KeyRef, draw: &mut dyn Draw) -> Request {
        if operation == Operation::CreateGrant {
            let number = u32::try_from(draw.below(WORKERS.into())).unwrap_or(0);
            let worker = Who::Worker(number).arn(self.seat.account);
            let all: Vec<_> =
                ["Decrypt", "Encrypt"].into_iter().filter_map(GrantOperation::parse).collect();
            let some = 1 + index(all.len(), draw);
            return create_grant::Request::new(key, &worker, all.into_iter().take(some)).into();
        }
        let known = self.grants.pick(draw).filter(|_| !draw.chance(self.invalid_share)).cloned();
        match (operation, known) {
            (Operation::ListGrants, _) => list_grants::Request::new(key).into(),
            (Operation::RetireGrant, Some((_, _, token))) => retire_grant::Request {
                grant_token: Some(token),
                key_id: None,
                grant_id: None,
                dry_run: false,
            }
            .into(),
            (Operation::RetireGrant, None) => retire_grant::Request {
                grant_token: None,
                key_id: Some(key),
                grant_id: Some(NO_GRANT.into()),
                dry_run: false,
            }
            .into(),
            (_, Some((key, id, _))) => revoke_grant::Request::new(key, id).into(),
            (_, None) => revoke_grant::Request::new(key, NO_GRANT.into()).into(),
        }
    }

    fn region_request(&self, operation: Operation, key_id: KeyRef, draw: &mut dyn Draw) -> Request {
        let region = self.seat.other_region(draw).unwrap_or(self.seat.region);
        if operation == Operation::ReplicateKey {
            return replicate_key::Request::new(key_id, region).into();
        }
        let primary_region = region.as_str().into();
        update_primary_region::Request { key_id, primary_region }.into()
    }
}

/// The id of no grant.
const NO_GRANT: &str = "0000000000000000000000000000000000000000000000000000000000000000";

impl Generator for Client {
    fn next(&mut self, moment: &mut Moment<'_>) -> Planned {
        let operation = self.operations[index(self.operations.len(), moment.draw)];
        match self.seat.key(moment.draw) {
            Some(key) if operation != Operation::CreateKey => {
                self.seat.admin(self.request(operation, key, moment.draw))
            }
            _ if moment.draw.chance(0.25) => self.seat.create_key(NewKey::MultiRegion),
            _ => self.seat.create_key(NewKey::SingleRegion),
        }
    }

    fn kept(&self) -> Vec<Planned> {
        self.seat.kept()
    }

    fn learn(&mut self, planned: &Planned, result: &kms_core::Result<Response>) {
        if let (Some(key), Ok(Response::CreateGrant(got))) = (planned.key(), result) {
            self.grants.push((key, got.grant_id.clone(), got.grant_token.clone()));
        }
        self.seat.learn(planned, result);
    }
}

fn alias_request(operation: Operation, key: KeyRef, draw: &mut dyn Draw) -> Request {
    let name = format!("alias/random-{}", draw.below(ALIASES));
    match operation {
        Operation::CreateAlias => create_alias::Request::new(&name, key).into(),
        Operation::UpdateAlias => update_alias::Request::new(&name, key).into(),
        Operation::DeleteAlias => delete_alias::Request { alias_name: name.into() }.into(),
        _ => list_aliases::Request { key_id: Some(key), limit: None, marker: None }.into(),
    }
}

/// The requests that take a key and little else.
fn key_request(operation: Operation, key_id: KeyRef, draw: &mut dyn Draw) -> Request {
    match operation {
        Operation::CancelKeyDeletion => cancel_key_deletion::Request { key_id }.into(),
        Operation::DisableKey => disable_key::Request { key_id }.into(),
        Operation::DisableKeyRotation => disable_key_rotation::Request { key_id }.into(),
        Operation::EnableKey => enable_key::Request { key_id }.into(),
        Operation::EnableKeyRotation => enable_key_rotation::Request::new(key_id).into(),
        Operation::GetKeyRotationStatus => get_key_rotation_status::Request { key_id }.into(),
        Operation::ListKeyRotations => list_key_rotations::Request::new(key_id).into(),
        Operation::ListKeys => {
            let limit = Some(Limit(1 + u32::try_from(draw.below(100)).unwrap_or(0)));
            list_keys::Request { limit, ..Default::default() }.into()
        }
        Operation::RotateKeyOnDemand => rotate_key_on_demand::Request { key_id }.into(),
        Operation::ScheduleKeyDeletion => {
            let days = 7 + u32::try_from(draw.below(24)).unwrap_or(0);
            let pending_window_in_days = Some(PendingWindowInDays(days));
            schedule_key_deletion::Request { key_id, pending_window_in_days }.into()
        }
        _ => describe_key::Request { key_id, grant_tokens: GrantTokens::default() }.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::Run;
    use super::*;

    #[test]
    fn every_operation_is_called_and_succeeds() {
        let all: Vec<_> = OPERATIONS.iter().map(|operation| operation.name()).collect();
        Run::of("random", "", 3_000).uses(&all);
    }

    #[test]
    fn only_the_operations_named_are_called() {
        let run = Run::of("random", "operations = ['Decrypt', 'DescribeKey']", 50);
        assert_eq!(run.operations().len(), 2);
    }

    #[test]
    fn invalid_arguments_come_as_often_as_asked() {
        let failed = |share: &str| {
            let settings = format!("operations = ['DescribeKey']\ninvalid_share = {share}");
            let run = Run::of("random", &settings, 100);
            run.calls.iter().filter(|(_, result)| result.is_err()).count()
        };
        assert_eq!(failed("0.0"), 0);
        assert!((30..70).contains(&failed("0.5")));
    }
}
