//! The operations: one file each with its request, its response, its facts and its behaviour.
//!
//! One more operation is one more file, one `mod` line and one line of the table below. The names,
//! the wire codec, the dispatch, the quotas and the tests derive from the table.

pub mod cancel_key_deletion;
pub mod connect_custom_key_store;
pub mod create_alias;
pub mod create_custom_key_store;
pub mod create_grant;
pub mod create_key;
pub mod decapsulate;
pub mod decrypt;
pub mod delete_alias;
pub mod delete_custom_key_store;
pub mod delete_imported_key_material;
pub mod derive_shared_secret;
pub mod describe_custom_key_stores;
pub mod describe_key;
pub mod disable_key;
pub mod disable_key_rotation;
pub mod disconnect_custom_key_store;
mod dry_run;
pub mod enable_key;
pub mod enable_key_rotation;
pub mod encapsulate;
pub mod encrypt;
pub mod generate_data_key;
pub mod generate_data_key_pair;
pub mod generate_data_key_pair_without_plaintext;
pub mod generate_data_key_without_plaintext;
pub mod generate_mac;
pub mod generate_random;
pub mod get_key_last_usage;
pub mod get_key_policy;
pub mod get_key_rotation_status;
pub mod get_parameters_for_import;
pub mod get_public_key;
pub mod import_key_material;
mod in_store;
mod key_store_backing;
pub mod list_aliases;
pub mod list_grants;
pub mod list_key_policies;
pub mod list_key_rotations;
pub mod list_keys;
pub mod list_resource_tags;
pub mod list_retirable_grants;
mod managed_key;
mod passage;
pub mod put_key_policy;
pub mod re_encrypt;
mod recipient;
pub mod replicate_key;
pub mod retire_grant;
pub mod revoke_grant;
pub mod rotate_key_on_demand;
pub mod schedule_key_deletion;
pub mod sign;
pub mod tag_resource;
mod tasks;
pub mod untag_resource;
pub mod update_alias;
pub mod update_custom_key_store;
pub mod update_key_description;
pub mod update_primary_region;
mod usage;
pub mod verify;
pub mod verify_mac;

pub(crate) use tasks::{order_domain_key_rotation, task};

use crate::error::{ErrorCode, Result};
use crate::kms::Checks;
use crate::multi_region::RegionReply;
use crate::step::Next;
use crate::wire::{Object, Problems, Shape};
use std::fmt;

/// The facts of an operation that are not behaviour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Info {
    /// Whether the audit counts it as a read (AWS CloudTrail, `readOnly`).
    pub read_only: bool,
    /// The errors the service model lists for it, beside the common ones.
    pub errors: &'static [ErrorCode],
}

macro_rules! operations {
    ($($operation:ident $module:ident,)*) => {
        /// An operation of the public API.
        #[allow(missing_docs)]
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Operation { $($operation,)* }

        impl Operation {
            /// Every operation, alphabetically.
            pub const ALL: &'static [Operation] = &[$(Operation::$operation,)*];

            /// The name on the wire.
            pub fn name(self) -> &'static str {
                match self { $(Operation::$operation => stringify!($operation),)* }
            }

            /// Its facts.
            pub fn info(self) -> &'static Info {
                match self { $(Operation::$operation => &$module::INFO,)* }
            }

            /// The wire names of its request's members.
            pub fn request_members(self) -> &'static [&'static str] {
                match self { $(Operation::$operation => $module::Request::MEMBERS,)* }
            }

            /// The wire names of its answer's members.
            pub fn response_members(self) -> &'static [&'static str] {
                match self { $(Operation::$operation => $module::Response::MEMBERS,)* }
            }
        }

        /// A request of any operation.
        #[allow(missing_docs)]
        #[derive(Clone, Debug, PartialEq)]
        pub enum Request { $($operation($module::Request),)* }

        /// An answer of any operation.
        #[derive(Clone, Debug, PartialEq)]
        pub enum Response {
            $(
                #[allow(missing_docs)]
                $operation($module::Response),
            )*
            /// To another Region's command.
            Region(RegionReply),
            /// A task is done.
            TaskDone,
        }

        $(
            impl From<$module::Request> for Request {
                fn from(request: $module::Request) -> Request {
                    Request::$operation(request)
                }
            }

            impl From<$module::Response> for Response {
                fn from(response: $module::Response) -> Response {
                    Response::$operation(response)
                }
            }
        )*

        impl Request {
            /// Which operation it is for.
            pub fn operation(&self) -> Operation {
                match self { $(Request::$operation(_) => Operation::$operation,)* }
            }

            pub(crate) fn decode_members(
                operation: Operation,
                object: &Object,
                problems: &mut Problems,
            ) -> Option<Request> {
                match operation {
                    $(Operation::$operation => {
                        $module::Request::decode_members(object, problems).map(Request::from)
                    })*
                }
            }

            pub(crate) fn encode_members(&self) -> Object {
                match self { $(Request::$operation(request) => request.encode_members(),)* }
            }
        }

        impl Response {
            pub(crate) fn decode_members(
                operation: Operation,
                object: &Object,
                problems: &mut Problems,
            ) -> Option<Response> {
                match operation {
                    $(Operation::$operation => {
                        $module::Response::decode_members(object, problems).map(Response::from)
                    })*
                }
            }

            pub(crate) fn encode_members(&self) -> Object {
                match self {
                    $(Response::$operation(response) => response.encode_members(),)*
                    Response::Region(_) | Response::TaskDone => Object::new(),
                }
            }
        }

        pub(crate) fn decide(checks: Checks<'_, '_>, request: &Request) -> Result<Next> {
            match request { $(Request::$operation(request) => $module::decide(checks, request),)* }
        }
    };
}

operations! {
    CancelKeyDeletion cancel_key_deletion,
    ConnectCustomKeyStore connect_custom_key_store,
    CreateAlias create_alias,
    CreateCustomKeyStore create_custom_key_store,
    CreateGrant create_grant,
    CreateKey create_key,
    Decapsulate decapsulate,
    Decrypt decrypt,
    DeleteAlias delete_alias,
    DeleteCustomKeyStore delete_custom_key_store,
    DeleteImportedKeyMaterial delete_imported_key_material,
    DeriveSharedSecret derive_shared_secret,
    DescribeCustomKeyStores describe_custom_key_stores,
    DescribeKey describe_key,
    DisableKey disable_key,
    DisableKeyRotation disable_key_rotation,
    DisconnectCustomKeyStore disconnect_custom_key_store,
    EnableKey enable_key,
    EnableKeyRotation enable_key_rotation,
    Encapsulate encapsulate,
    Encrypt encrypt,
    GenerateDataKey generate_data_key,
    GenerateDataKeyPair generate_data_key_pair,
    GenerateDataKeyPairWithoutPlaintext generate_data_key_pair_without_plaintext,
    GenerateDataKeyWithoutPlaintext generate_data_key_without_plaintext,
    GenerateMac generate_mac,
    GenerateRandom generate_random,
    GetKeyLastUsage get_key_last_usage,
    GetKeyPolicy get_key_policy,
    GetKeyRotationStatus get_key_rotation_status,
    GetParametersForImport get_parameters_for_import,
    GetPublicKey get_public_key,
    ImportKeyMaterial import_key_material,
    ListAliases list_aliases,
    ListGrants list_grants,
    ListKeyPolicies list_key_policies,
    ListKeyRotations list_key_rotations,
    ListKeys list_keys,
    ListResourceTags list_resource_tags,
    ListRetirableGrants list_retirable_grants,
    PutKeyPolicy put_key_policy,
    ReEncrypt re_encrypt,
    ReplicateKey replicate_key,
    RetireGrant retire_grant,
    RevokeGrant revoke_grant,
    RotateKeyOnDemand rotate_key_on_demand,
    ScheduleKeyDeletion schedule_key_deletion,
    Sign sign,
    TagResource tag_resource,
    UntagResource untag_resource,
    UpdateAlias update_alias,
    UpdateCustomKeyStore update_custom_key_store,
    UpdateKeyDescription update_key_description,
    UpdatePrimaryRegion update_primary_region,
    Verify verify,
    VerifyMac verify_mac,
}

impl Operation {
    /// The operation of that name.
    pub fn parse(name: &str) -> Option<Operation> {
        Operation::ALL.iter().copied().find(|operation| operation.name() == name)
    }

    /// Whether what is behind a custom key store takes part in it, when the key is in one.
    pub fn is_in_key_stores(self) -> bool {
        matches!(
            self,
            Operation::Decrypt
                | Operation::Encrypt
                | Operation::GenerateDataKey
                | Operation::GenerateDataKeyWithoutPlaintext
                | Operation::GenerateRandom
                | Operation::ReEncrypt
        )
    }
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_alphabetical_and_parses_its_own_names() {
        assert!(Operation::ALL.is_sorted_by_key(|operation| operation.name()));
        for operation in Operation::ALL {
            assert_eq!(Operation::parse(operation.name()), Some(*operation));
        }
    }
}
