//! CreateKey: a new KMS key.

mod in_store;

use super::describe_key::{KeyMetadata, metadata_in};
use super::{Info, usage};
use crate::env::Site;
use crate::error::{Error, ErrorCode, Result};
use crate::hsm::{Command, Reply};
use crate::key::{
    Key, KeyManager, KeySpec, KeyUsage, Material, MultiRegion, Origin, Primary, Status,
};
use crate::kms::{Checks, Described, Effects, KeyKind, Part, internal};
use crate::name::{KeyArn, KeyId, RegionName};
use crate::policy::{Action, Policy, PolicyKind};
use crate::state::Change;
use crate::step::{Counter, Next, Precondition, UniqueName};
use crate::token::TokenChange;
use crate::wire::{CustomKeyStoreIdText, Description, PolicyText, Tag, XksKeyIdText};
use smallvec::{SmallVec, smallvec};
use std::collections::BTreeMap;
use std::sync::Arc;

/// What the model says of it.
pub const INFO: Info = Info {
    read_only: false,
    errors: &[
        ErrorCode::MalformedPolicyDocument,
        ErrorCode::DependencyTimeout,
        ErrorCode::InvalidArn,
        ErrorCode::UnsupportedOperation,
        ErrorCode::KmsInternal,
        ErrorCode::LimitExceeded,
        ErrorCode::Tag,
        ErrorCode::CustomKeyStoreNotFound,
        ErrorCode::CustomKeyStoreInvalidState,
        ErrorCode::CloudHsmClusterInvalidConfiguration,
        ErrorCode::XksKeyInvalidConfiguration,
        ErrorCode::XksKeyAlreadyInUse,
        ErrorCode::XksKeyNotFound,
    ],
};

crate::shape! {
    /// What the key shall be.
    #[derive(Default)]
    pub struct Request {
        /// The key policy; the default policy unless said.
        policy: Option<PolicyText> = "Policy",
        /// A description.
        description: Option<Description> = "Description",
        /// What it is for; a symmetric encryption key need not say it.
        key_usage: Option<KeyUsage> = "KeyUsage",
        /// The old name of `KeySpec`.
        customer_master_key_spec: Option<KeySpec> = "CustomerMasterKeySpec",
        /// What kind of key; `SYMMETRIC_DEFAULT` unless said.
        key_spec: Option<KeySpec> = "KeySpec",
        /// Where its material comes from; `AWS_KMS` unless said.
        origin: Option<Origin> = "Origin",
        /// Accept a policy that the caller could not change again.
        bypass_policy_lockout_safety_check: Option<bool> = "BypassPolicyLockoutSafetyCheck",
        /// Tags.
        tags: Vec<Tag> = "Tags",
        /// Whether it is the primary of a set of multi-Region keys.
        multi_region: bool = "MultiRegion",
        /// The custom key store it is to be in.
        custom_key_store_id: Option<CustomKeyStoreIdText> = "CustomKeyStoreId",
        /// The external key, in an external key store.
        xks_key_id: Option<XksKeyIdText> = "XksKeyId",
    }
}

crate::shape! {
    /// The key.
    pub struct Response {
        /// What DescribeKey would say.
        key_metadata: Box<KeyMetadata> = "KeyMetadata",
    }
}

impl Request {
    /// A key of that kind.
    pub fn of(spec: KeySpec, usage: KeyUsage) -> Request {
        Request { key_spec: Some(spec), key_usage: Some(usage), ..Request::default() }
    }
}

pub(crate) fn decide(mut checks: Checks<'_, '_>, request: &Request) -> Result<Next> {
    let kind = kind(request, checks.region())?;
    let tags = tags(&request.tags)?;
    let bypass = request.bypass_policy_lockout_safety_check;
    let mut context = checks.context(Action::CreateKey);
    kind.describe(&mut context);
    context.bypass_lockout_check = bypass;
    context.request_tags = Some(&tags);
    checks.account(context)?;
    if !tags.is_empty() {
        checks.permit_on_account(context.for_action(Action::TagResource))?;
    }
    let account = checks.call().caller.account();
    let region = checks.region();
    let limits = checks.settings().limits;
    // The policy is judged for a key that has no id yet; no policy can name it anyway.
    let arn = KeyArn { region, account, id: KeyId::single_region([0; 16]) };
    let unborn = Described::unborn(arn, kind, &tags);
    let policy = policy(&checks, request.policy.as_ref(), &unborn, bypass)?;
    if checks.state().count(Counter::Keys(account)) >= limits.keys {
        return Err(limit_exceeded());
    }
    let home = in_store::home(&mut checks, request, kind.origin)?;
    let mut effects = checks.pass(false)?;
    let bytes = effects.draw(Site::KeyId);
    let id = match request.multi_region {
        true => KeyId::multi_region(bytes),
        false => KeyId::single_region(bytes),
    };
    effects.require_absent(UniqueName::Key(id));
    effects.require(Precondition::CountBelow(Counter::Keys(account), limits.keys));
    let free = home.as_ref().and_then(in_store::Home::requires);
    free.into_iter().for_each(|precondition| effects.require(precondition));
    let key = Key {
        arn: KeyArn { region, account, id },
        created: effects.call().now,
        description: request.description.as_ref().map_or("", Description::as_str).into(),
        spec: kind.spec,
        usage: kind.usage,
        origin: kind.origin,
        manager: KeyManager::Customer,
        status: Status::Enabled,
        transition: None,
        multi_region: request.multi_region.then(|| MultiRegion::Primary(Primary::default())),
        policy,
        tags: Arc::new(tags),
        materials: SmallVec::new(),
        pending: None,
        awaiting: None,
        rotation: None,
        on_demand_rotations: 0,
        stored_in: home.as_ref().map(|home| home.stored_in.clone()),
    };
    let generate = |effects: Effects<'_, '_>, key: Key| generate(effects, key, record);
    match home {
        Some(home) => home.settle(effects, key, generate, record),
        None if kind.origin == Origin::External => record(effects, key),
        None => generate(effects, key),
    }
}

/// Has an HSM make the first material.
pub(super) fn generate(
    effects: Effects<'_, '_>,
    key: Key,
    then: impl FnOnce(Effects<'_, '_>, Key) -> Result<Next> + Send + 'static,
) -> Result<Next> {
    let command = Command::GenerateBackingKey { key: key.id(), spec: key.spec };
    effects.ask_hsm(command, move |reply, mut effects| {
        let Reply::BackingKey { token, public_key } = reply else { return Err(internal()) };
        let first = Material { public_key, ..Material::new(token.material, token.id) };
        effects.record_token(TokenChange::Put(token));
        then(effects, Key { materials: smallvec![first], ..key })
    })
}

fn record(mut effects: Effects<'_, '_>, key: Key) -> Result<Next> {
    let key = Arc::new(key);
    effects.record(Change::PutKey(key.clone()));
    let key_metadata = Box::new(metadata_in(effects.state(), &key, effects.call().now));
    effects.done(Response { key_metadata })
}

/// The kind of key a request describes, with what it leaves out.
fn kind(request: &Request, region: RegionName) -> Result<KeyKind> {
    let spec = match (request.key_spec, request.customer_master_key_spec) {
        (Some(a), Some(b)) if a != b => {
            return Err(ErrorCode::Validation.says(
                "You cannot specify KeySpec and CustomerMasterKeySpec in the same request.",
            ));
        }
        (a, b) => a.or(b).unwrap_or(KeySpec::SymmetricDefault),
    };
    let default = (spec == KeySpec::SymmetricDefault).then_some(KeyUsage::EncryptDecrypt);
    let usage = request.key_usage.or(default).ok_or_else(|| {
        ErrorCode::Validation.says(
            "You must specify a KeyUsage value for all KMS keys except for symmetric \
             encryption keys.",
        )
    })?;
    let part = request.multi_region.then_some(Part::Primary);
    let kind = KeyKind { spec, usage, origin: request.origin.unwrap_or(Origin::AwsKms), part };
    in_store::check_request(request, kind.spec, kind.origin)?;
    check_kind(kind, region).map(|()| kind)
}

fn check_kind(kind: KeyKind, region: RegionName) -> Result<()> {
    let KeyKind { spec, usage, origin, .. } = kind;
    if !spec.usages().contains(&usage) {
        return Err(ErrorCode::Validation
            .says(format!("KeyUsage {usage} is not compatible with KeySpec {spec}")));
    }
    if origin == Origin::External && !spec.is_importable() {
        return Err(ErrorCode::UnsupportedOperation
            .says(format!("Origin {origin} is not supported with KeySpec {spec}.")));
    }
    usage::check_available(spec, region)
}

/// A stored policy from a request's, or the default one; it must leave the caller in control.
pub(crate) fn policy(
    checks: &Checks<'_, '_>,
    text: Option<&PolicyText>,
    key: &Described<'_>,
    bypass: Option<bool>,
) -> Result<Arc<Policy>> {
    let Some(text) = text else { return Ok(checks.state().default_policy(key.arn.account)) };
    if text.as_str().len() > checks.settings().limits.policy_bytes {
        return Err(ErrorCode::LimitExceeded.says("The policy document is too long."));
    }
    let policy = Policy::parse(text.as_str(), PolicyKind::Key)
        .map_err(|problem| ErrorCode::MalformedPolicyDocument.says(problem.to_string()))?;
    if bypass != Some(true) && !checks.keeps_control(&policy, key) {
        return Err(ErrorCode::MalformedPolicyDocument.says(
            "The new key policy will not allow you to update the key policy in the future.",
        ));
    }
    Ok(Arc::new(policy))
}

/// The tags of a key to be: as [`tags_by_key`], and at most fifty.
pub(crate) fn tags(tags: &[Tag]) -> Result<BTreeMap<String, String>> {
    let by_key = tags_by_key(tags)?;
    if by_key.len() > MOST_TAGS {
        return Err(too_many_tags());
    }
    Ok(by_key)
}

/// Tags by key; no key twice, and none of the reserved ones.
pub(super) fn tags_by_key(tags: &[Tag]) -> Result<BTreeMap<String, String>> {
    let mut by_key = BTreeMap::new();
    for tag in tags {
        let (key, value) = (tag.key.as_str(), tag.value.as_str());
        check_tag_key(key)?;
        if !is_tag_text(value) {
            return Err(ErrorCode::Tag.says("Invalid tag"));
        }
        if by_key.insert(key.to_owned(), value.to_owned()).is_some() {
            return Err(ErrorCode::Tag.says("Duplicate tag keys"));
        }
    }
    Ok(by_key)
}

pub(super) fn too_many_tags() -> Error {
    ErrorCode::Tag.says("Too many tags")
}

/// The most tags a key can have (AWS General Reference, Tagging AWS resources).
pub(super) const MOST_TAGS: usize = 50;

/// AWS keeps some tag keys for itself, in whatever case they are written.
pub(super) fn check_tag_key(key: &str) -> Result<()> {
    if key.get(..4).is_some_and(|prefix| prefix.eq_ignore_ascii_case("aws:")) {
        return Err(ErrorCode::Tag.says("Tags beginning with aws: are reserved"));
    }
    is_tag_text(key).then_some(()).ok_or_else(|| ErrorCode::Tag.says("Invalid tag"))
}

/// Letters, digits, spaces and a few marks (AWS General Reference, Tag naming and usage).
fn is_tag_text(text: &str) -> bool {
    text.chars().all(|c| c.is_alphanumeric() || c == ' ' || "_.:/=+-@".contains(c))
}

pub(crate) fn limit_exceeded() -> Error {
    ErrorCode::LimitExceeded.says("The request was rejected because a quota was exceeded.")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key::KeyState;
    use crate::local::Local;
    use crate::ops::{Response as Any, put_key_policy};

    fn create(local: &mut Local, request: Request) -> Result<KeyMetadata> {
        match local.call(request)? {
            Any::CreateKey(response) => Ok(*response.key_metadata),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn defaults_are_the_documented_ones() {
        let mut local = Local::single_region();
        let key = create(&mut local, Request::default()).unwrap();
        assert_eq!(key.key_state, KeyState::Enabled);
        assert_eq!(key.key_spec, KeySpec::SymmetricDefault);
        assert_eq!(key.key_manager, KeyManager::Customer);
        assert!(key.enabled && !key.multi_region);
        assert_eq!(key.description.as_deref(), Some(""));
    }

    #[test]
    fn keys_share_the_default_policy_until_one_has_its_own() {
        let mut local = Local::single_region();
        let (one, other) = (local.create_key(), local.create_key());
        let policy = |local: &Local, key| local.key(key).policy.clone();
        let shared = policy(&local, one);
        assert!(Arc::ptr_eq(&shared, &policy(&local, other)));
        let text = shared.text().replace("key-default-1", "own");
        local.call(put_key_policy::Request::new(other, &text)).unwrap();
        assert!(Arc::ptr_eq(&shared, &policy(&local, one)));
        assert_eq!(policy(&local, other).text(), text);
        let third = local.create_key();
        assert!(Arc::ptr_eq(&shared, &policy(&local, third)));
    }

    #[test]
    fn a_multi_region_key_shows_it_in_its_id() {
        let mut local = Local::single_region();
        let key = create(&mut local, Request { multi_region: true, ..Request::default() }).unwrap();
        assert!(key.key_id.starts_with("mrk-"));
    }

    #[test]
    fn a_policy_that_locks_the_caller_out_needs_the_bypass() {
        let mut local = Local::single_region();
        let policy = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":
            {"AWS":"arn:aws:iam::999999999999:root"},"Action":"kms:*","Resource":"*"}]}"#;
        let locked = Request { policy: Some(policy.into()), ..Request::default() };
        let error = create(&mut local, locked.clone()).unwrap_err();
        assert_eq!(error.code, ErrorCode::MalformedPolicyDocument);
        let bypass = Request { bypass_policy_lockout_safety_check: Some(true), ..locked };
        create(&mut local, bypass).unwrap();
    }

    #[test]
    fn the_hundred_thousand_and_first_key_is_refused() {
        let mut local = Local::single_region();
        local.settings_mut().limits.keys = 2;
        for _ in 0..2 {
            create(&mut local, Request::default()).unwrap();
        }
        let error = create(&mut local, Request::default()).unwrap_err();
        assert_eq!(error.code, ErrorCode::LimitExceeded);
    }

    #[test]
    fn tags_are_unique_readable_and_not_reserved() {
        let tag = |key: &str, value: &str| Tag { key: key.into(), value: value.into() };
        let many = (0..=MOST_TAGS).map(|number| tag(&number.to_string(), "")).collect();
        for (bad, message) in [
            (vec![tag("a", "1"), tag("a", "2")], "Duplicate tag keys"),
            (vec![tag("AWS:x", "v")], "Tags beginning with aws: are reserved"),
            (vec![tag("team", "red & blue")], "Invalid tag"),
            (vec![tag("te?m", "red")], "Invalid tag"),
            (many, "Too many tags"),
        ] {
            assert_eq!(tags(&bad).unwrap_err(), ErrorCode::Tag.says(message));
        }
        assert_eq!(tags(&[tag("a", ""), tag("Größe 1:/=+-@._", "ß")]).unwrap().len(), 2);
    }
}
