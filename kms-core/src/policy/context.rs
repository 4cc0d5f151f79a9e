//! The facts of one request that conditions may ask for.
//!
//! An operation fills in what it knows; which of it a policy may see for the permission in question,
//! and in what form, is decided where conditions are answered (`answer`).

use super::action::Action;
use super::condition_key::ConditionKey;
use super::grant::{GrantTerms, Party};
pub use super::value::ContextValue;
use crate::env::{Call, Timestamp};
use crate::name::{AliasName, KeyArn, PrincipalKind, RegionName};
use std::collections::BTreeMap;

/// A map of texts as requests carry it: an encryption context, or tags.
pub type Pairs = BTreeMap<String, String>;

/// Where the values of condition keys come from.
pub trait Context {
    /// The value of `key` in this request; nothing when the request does not carry it.
    fn value(&self, key: &ConditionKey) -> Option<ContextValue<'_>>;

    /// The encryption context of the request, which grant constraints are held against.
    fn encryption_context(&self) -> Option<&Pairs> {
        None
    }

    /// What the grant that is being created would permit, which its parent must not exceed.
    fn requested_grant(&self) -> Option<&GrantTerms> {
        None
    }
}

/// The grant that a CreateGrant request describes.
#[derive(Clone, Copy, Debug)]
pub struct GrantRequest<'a> {
    /// What it permits and under which constraints.
    pub terms: &'a GrantTerms,
    /// Who may use it.
    pub grantee: &'a Party,
    /// Who may retire it.
    pub retiring: Option<&'a Party>,
}

/// The facts of one request. An operation sets what applies to it and leaves the rest empty;
/// parameters that a caller left out are filled with their defaults first.
#[derive(Clone, Copy, Debug)]
pub struct RequestContext<'a> {
    pub(super) call: &'a Call,
    pub(super) action: Action,
    /// The key; gives its Region and account.
    pub key: Option<KeyArn>,
    /// The Region of the endpoint, where there is no key.
    pub region: Option<RegionName>,
    /// `kms:KeySpec`, of the key or of the CreateKey request.
    pub key_spec: Option<&'a str>,
    /// `kms:KeyUsage`.
    pub key_usage: Option<&'a str>,
    /// `kms:KeyOrigin`.
    pub key_origin: Option<&'a str>,
    /// `kms:MultiRegion`.
    pub multi_region: Option<bool>,
    /// `kms:MultiRegionKeyType`: `PRIMARY` or `REPLICA`.
    pub multi_region_key_type: Option<&'a str>,
    /// Tags of the key, for `aws:ResourceTag/…`.
    pub resource_tags: Option<&'a Pairs>,
    /// Aliases of the key, for `kms:ResourceAliases`.
    pub resource_aliases: &'a [AliasName],
    /// The alias that the request named the key by, for `kms:RequestAlias`.
    pub request_alias: Option<&'a AliasName>,
    /// Tags of the request, for `aws:RequestTag/…` and `aws:TagKeys`.
    pub request_tags: Option<&'a Pairs>,
    /// The encryption context; for CreateGrant, that of the constraint is taken from `grant`.
    pub encryption_context: Option<&'a Pairs>,
    /// `kms:EncryptionAlgorithm`.
    pub encryption_algorithm: Option<&'a str>,
    /// `kms:SigningAlgorithm`.
    pub signing_algorithm: Option<&'a str>,
    /// `kms:MacAlgorithm`.
    pub mac_algorithm: Option<&'a str>,
    /// `kms:KeyAgreementAlgorithm`.
    pub key_agreement_algorithm: Option<&'a str>,
    /// `kms:WrappingAlgorithm`.
    pub wrapping_algorithm: Option<&'a str>,
    /// `kms:WrappingKeySpec`.
    pub wrapping_key_spec: Option<&'a str>,
    /// `kms:DataKeyPairSpec`.
    pub data_key_pair_spec: Option<&'a str>,
    /// `kms:MessageType`.
    pub message_type: Option<&'a str>,
    /// Attested values by name: `ImageSha384`, `PCR0`, `NitroTPMPCR4`…
    pub attestation: Option<&'a Pairs>,
    /// The grant to be created.
    pub grant: Option<GrantRequest<'a>>,
    /// `kms:ExpirationModel`.
    pub expiration_model: Option<&'a str>,
    /// `kms:ValidTo`.
    pub valid_to: Option<Timestamp>,
    /// `kms:ScheduleKeyDeletionPendingWindowInDays`.
    pub pending_window_days: Option<u32>,
    /// `kms:RotationPeriodInDays`.
    pub rotation_period_days: Option<u32>,
    /// `kms:TrailingDaysWithoutKeyUsage`, rounded down.
    pub trailing_days: Option<u32>,
    /// `kms:PrimaryRegion`.
    pub primary_region: Option<&'a str>,
    /// `kms:ReplicaRegion`.
    pub replica_region: Option<&'a str>,
    /// `kms:PolicyName`.
    pub policy_name: Option<&'a str>,
    /// `kms:BypassPolicyLockoutSafetyCheck`.
    pub bypass_lockout_check: Option<bool>,
    /// `kms:ReEncryptOnSameKey`.
    pub re_encrypt_on_same_key: Option<bool>,
}

impl<'a> RequestContext<'a> {
    /// The context of a call before the operation has said anything about itself.
    pub fn new(call: &'a Call, action: Action) -> RequestContext<'a> {
        RequestContext {
            call,
            action,
            key: None,
            region: None,
            key_spec: None,
            key_usage: None,
            key_origin: None,
            multi_region: None,
            multi_region_key_type: None,
            resource_tags: None,
            resource_aliases: &[],
            request_alias: None,
            request_tags: None,
            encryption_context: None,
            encryption_algorithm: None,
            signing_algorithm: None,
            mac_algorithm: None,
            key_agreement_algorithm: None,
            wrapping_algorithm: None,
            wrapping_key_spec: None,
            data_key_pair_spec: None,
            message_type: None,
            attestation: None,
            grant: None,
            expiration_model: None,
            valid_to: None,
            pending_window_days: None,
            rotation_period_days: None,
            trailing_days: None,
            primary_region: None,
            replica_region: None,
            policy_name: None,
            bypass_lockout_check: None,
            re_encrypt_on_same_key: None,
        }
    }

    /// The same facts for another permission of the same request, such as ReEncrypt's second half.
    #[must_use]
    pub fn for_action(mut self, action: Action) -> RequestContext<'a> {
        self.action = action;
        self
    }

    /// When an AWS service makes the request: the resource it acts for, if it says.
    pub(crate) fn service_source(&self) -> Option<Option<&'a str>> {
        let service = self.call.service.as_ref();
        let source = service.and_then(|service| service.source_arn.as_deref());
        let is_service = self.call.caller.principal.kind() == PrincipalKind::Service;
        (is_service || service.is_some()).then_some(source)
    }

    /// The call the request came with.
    pub(crate) fn call(&self) -> &'a Call {
        self.call
    }

    /// The permission that is asked for.
    pub fn action(&self) -> Action {
        self.action
    }
}
