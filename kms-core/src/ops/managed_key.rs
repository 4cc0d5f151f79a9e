//! AWS managed keys: made for an account when somebody who may see them first asks for a predefined
//! alias, a service for the most part (AWS KMS API Reference, "DescribeKey").
//!
//! Such a key is symmetric, is rotated every year, and has a key policy that nobody can change: it lets
//! the account's principals use the key through the service and look at it, and nothing else, which is
//! why an account can neither change nor delete it (AWS KMS Developer Guide, "AWS managed keys";
//! "Default key policy").

use super::{create_key, describe_key};
use crate::env::Site;
use crate::error::Result;
use crate::integration::Integration;
use crate::key::{DAY, Key, KeyManager, KeySpec, KeyUsage, Origin, RotationSchedule, Status};
use crate::kms::Checks;
use crate::name::{AccountId, AliasArn, AliasName, KeyArn, KeyId, KeyIdentifier, RegionName};
use crate::policy::{Action, Policy, PolicyKind};
use crate::state::Change;
use crate::step::{Next, UniqueName};
use crate::wire::KeyRef;
use smallvec::SmallVec;
use std::sync::Arc;
use std::time::Duration;

/// How often it is rotated: "about every year".
const ROTATION_PERIOD: Duration = Duration::from_secs(365 * DAY.as_secs());

/// Somebody asks for the key of a predefined alias, when there is none.
pub(super) struct FirstUse {
    alias: AliasArn,
    service: &'static Integration,
}

/// Whether a request is the first use of a predefined alias. That the alias was not there becomes a
/// precondition.
pub(super) fn first_use(checks: &mut Checks<'_, '_>, named: &KeyRef) -> Option<FirstUse> {
    let alias = own_alias(checks, named)?;
    let services = Integration::predefined_aliases().get(&alias.name)?;
    let via = checks.call().service.as_ref().map(|service| &service.via);
    let of_caller = services.iter().find(|service| Some(&service.host(alias.region)) == via);
    let service = of_caller.or(services.first())?;
    match checks.read_alias(alias.account, &alias.name) {
        Some(_) => None,
        None => Some(FirstUse { alias, service }),
    }
}

/// The alias that a request names, if it is one of the caller's account here.
fn own_alias(checks: &Checks<'_, '_>, named: &KeyRef) -> Option<AliasArn> {
    let (region, account) = (checks.region(), checks.call().caller.account());
    match named.parse().ok()? {
        KeyIdentifier::Alias(name) => Some(AliasArn { region, account, name }),
        KeyIdentifier::AliasArn(arn) => {
            Some(arn).filter(|arn| (arn.region, arn.account) == (region, account))
        }
        _ => None,
    }
}

impl FirstUse {
    /// Makes the key and its alias.
    pub(super) fn make(self, mut checks: Checks<'_, '_>) -> Result<Next> {
        let FirstUse { alias, service } = self;
        let AliasArn { region, account, ref name } = alias;
        let policy = policy(service, account, region, name);
        // No policy of IAM's can name a key that has no id yet.
        let unborn = KeyArn { region, account, id: KeyId::single_region([0; 16]) };
        let context = checks.context(Action::DescribeKey);
        checks.permit_by(&policy, unborn, &alias, context)?;
        let name = alias.name;
        let mut effects = checks.pass(false)?;
        let id = KeyId::single_region(effects.draw(Site::KeyId));
        effects.require_absent(UniqueName::Key(id));
        effects.require_absent(UniqueName::Alias(account, name.clone()));
        let now = effects.call().now;
        let key = Key {
            arn: KeyArn { id, ..unborn },
            created: now,
            description: description(service).into(),
            spec: KeySpec::SymmetricDefault,
            usage: KeyUsage::EncryptDecrypt,
            origin: Origin::AwsKms,
            manager: KeyManager::Aws,
            status: Status::Enabled,
            transition: None,
            multi_region: None,
            policy,
            tags: Arc::default(),
            materials: SmallVec::new(),
            pending: None,
            awaiting: None,
            rotation: Some(RotationSchedule::starting(now, ROTATION_PERIOD)),
            on_demand_rotations: 0,
            stored_in: None,
        };
        create_key::generate(effects, key, move |mut effects, key| {
            let key_metadata = Box::new(describe_key::metadata(&key));
            let id = key.id();
            effects.record(Change::PutKey(Arc::new(key)));
            effects.record(Change::PutAlias(account, name, id, now));
            effects.done(describe_key::Response { key_metadata })
        })
    }
}

fn description(service: &Integration) -> String {
    format!("Default key that protects the data of {} when no other key is defined", service.title)
}

/// The policy of an AWS managed key: use through its service, and a look at it for the account.
fn policy(
    service: &Integration,
    account: AccountId,
    region: RegionName,
    alias: &AliasName,
) -> Arc<Policy> {
    let name = alias.as_str().trim_start_matches("alias/aws/");
    let text = POLICY
        .replace("{name}", name)
        .replace("{title}", &service.title)
        .replace("{account}", &account.to_string())
        .replace("{partition}", region.partition().as_str())
        .replace("{host}", &service.host(region));
    Arc::new(Policy::parse(&text, PolicyKind::Key).expect("the policy of a service is well-formed"))
}

/// As the key of Amazon EBS has it (AWS KMS Developer Guide, "Amazon EBS encryption").
const POLICY: &str = r#"{
  "Version" : "2012-10-17",
  "Id" : "auto-{name}-1",
  "Statement" : [ {
    "Sid" : "Allow access through {title} for all principals in the account that are authorized to use it",
    "Effect" : "Allow",
    "Principal" : {
      "AWS" : "*"
    },
    "Action" : [ "kms:Encrypt", "kms:Decrypt", "kms:ReEncrypt*", "kms:GenerateDataKey*", "kms:CreateGrant", "kms:DescribeKey" ],
    "Resource" : "*",
    "Condition" : {
      "StringEquals" : {
        "kms:CallerAccount" : "{account}",
        "kms:ViaService" : "{host}"
      }
    }
  }, {
    "Sid" : "Allow direct access to key metadata to the account",
    "Effect" : "Allow",
    "Principal" : {
      "AWS" : "arn:{partition}:iam::{account}:root"
    },
    "Action" : [ "kms:Describe*", "kms:Get*", "kms:List*", "kms:RevokeGrant" ],
    "Resource" : "*"
  } ]
}"#;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_service_with_a_predefined_alias_has_a_policy_of_its_own() {
        let region = RegionName::parse("cn-north-1").unwrap();
        for (alias, services) in Integration::predefined_aliases() {
            assert!(alias.is_reserved(), "{alias}");
            for service in services {
                let policy = policy(service, AccountId::new(111_122_223_333), region, alias);
                let text = policy.text();
                assert!(text.contains(&service.host(region)), "{text}");
                assert!(text.contains("arn:aws-cn:iam::111122223333:root"), "{text}");
                assert!(!text.contains("{host}") && !text.contains("{title}"), "{text}");
            }
        }
    }
}
