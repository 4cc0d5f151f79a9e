//! The AWS services that call KMS for their users: how they are known, what they ask and when, which
//! encryption context they send, which grants they have made.
//!
//! The facts are a table of data (`integration.toml`, each service with its source); this reads it and
//! turns a call of a service into what authorization judges. Only symmetric encryption keys are used
//! by integrated services (AWS KMS Developer Guide, Using AWS KMS with other services).

use crate::env::{Call, Caller, CallingService, Timestamp};
use crate::name::{AccountId, AliasName, PrincipalArn, RegionName};
use crate::policy::context::Pairs;
use crate::policy::{Action, ContextConstraint, GrantOperation, GrantOperations, GrantTerms};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};

/// A service.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Integration {
    /// The name by which it is chosen: `s3`, `ebs`.
    pub name: String,
    /// What `kms:ViaService` begins with, where that is not the name.
    prefix: Option<String>,
    /// The predefined alias of its AWS managed key, where it has one.
    alias: Option<String>,
    /// Its full name.
    pub title: String,
    /// Where the facts are from.
    pub source: String,
    /// The encryption context it sends, with placeholders.
    context: BTreeMap<String, String>,
    /// The resource it acts for when it calls for itself.
    resource: Option<String>,
    /// What it asks, in order.
    pub calls: Vec<ServiceCall>,
    /// The grant that its users create through it.
    pub grant: Option<ServiceGrant>,
}

/// A call that a service makes.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ServiceCall {
    /// On which occasion.
    pub when: String,
    operation: String,
    /// Who calls.
    #[serde(rename = "as")]
    pub by: Actor,
}

/// Who makes a call of a service.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum Actor {
    /// Its user, whose session it forwards.
    User,
    /// Itself, as a service principal.
    Service,
    /// The grantee of a grant that was created before.
    Grantee,
}

/// A grant that exists while a resource of the service uses the key.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ServiceGrant {
    /// When it is created.
    pub when: String,
    operations: Vec<String>,
    constraint: Constraint,
    /// When it is retired.
    pub ends: String,
}

#[derive(Clone, Copy, Debug, Deserialize)]
enum Constraint {
    None,
    Subset,
}

#[derive(Deserialize)]
struct Table {
    service: Vec<Integration>,
}

static TABLE: LazyLock<Vec<Integration>> = LazyLock::new(|| {
    let table: Table =
        toml::from_str(include_str!("integration.toml")).expect("a table of services");
    table.service
});

static PREDEFINED: LazyLock<BTreeMap<AliasName, Vec<&'static Integration>>> = LazyLock::new(|| {
    let mut aliases: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for service in TABLE.iter() {
        if let Some(alias) = &service.alias {
            let alias = AliasName::parse(alias).expect("a well-formed alias");
            aliases.entry(alias).or_default().push(service);
        }
    }
    aliases
});

/// A resource of a service: a bucket, a volume, a log group.
#[derive(Clone, Copy, Debug)]
pub struct Used<'a> {
    /// The account of the resource.
    pub account: AccountId,
    /// Its Region.
    pub region: RegionName,
    /// Its name.
    pub name: &'a str,
}

impl Integration {
    /// Every service, in the order of the table.
    pub fn all() -> &'static [Integration] {
        &TABLE
    }

    /// The service of that name.
    pub fn named(name: &str) -> Option<&'static Integration> {
        TABLE.iter().find(|service| service.name == name)
    }

    /// The services that a host such as `s3.us-east-1.amazonaws.com` may mean.
    pub fn of_host(host: &str) -> impl Iterator<Item = &'static Integration> {
        let prefix = host.split('.').next().unwrap_or_default().to_owned();
        TABLE.iter().filter(move |service| service.prefix() == prefix)
    }

    /// The predefined aliases of AWS managed keys, by name, each with its services.
    pub fn predefined_aliases() -> &'static BTreeMap<AliasName, Vec<&'static Integration>> {
        &PREDEFINED
    }

    fn prefix(&self) -> &str {
        self.prefix.as_deref().unwrap_or(&self.name)
    }

    /// The value of `kms:ViaService`, and the service principal.
    pub fn host(&self, region: RegionName) -> String {
        format!("{}.{region}.amazonaws.com", self.prefix())
    }

    /// The encryption context it sends for a resource.
    pub fn context(&self, used: Used<'_>) -> Pairs {
        let pairs = self.context.iter();
        pairs.map(|(key, value)| (key.clone(), filled(value, used))).collect()
    }

    /// The service in between, as a call carries it.
    pub fn between(&self, used: Used<'_>) -> CallingService {
        CallingService {
            via: self.host(used.region),
            source_arn: self.resource.as_ref().map(|arn| filled(arn, used)),
            source_account: Some(used.account),
            source_organization: None,
        }
    }

    /// A call of the service: of its user, whom `user` is, or of itself.
    pub fn call(&self, by: Actor, user: &Arc<Caller>, used: Used<'_>, now: Timestamp) -> Call {
        let caller = match by {
            Actor::User | Actor::Grantee => user.clone(),
            Actor::Service => {
                let principal = PrincipalArn::service(&self.host(used.region), used.account);
                Arc::new(Caller::new(principal))
            }
        };
        let service = (by != Actor::Grantee).then(|| self.between(used));
        Call { service, ..Call::by(caller, now) }
    }
}

impl ServiceCall {
    /// The permission it needs.
    pub fn action(&self) -> Option<Action> {
        Action::ALL.iter().copied().find(|action| action.name() == self.operation)
    }
}

impl ServiceGrant {
    /// What the grant permits, for a resource whose encryption context this is.
    pub fn terms(&self, context: &Pairs) -> GrantTerms {
        let operations = self.operations.iter().filter_map(|name| GrantOperation::parse(name));
        GrantTerms {
            operations: operations.collect::<GrantOperations>(),
            context: match self.constraint {
                Constraint::None => ContextConstraint::None,
                Constraint::Subset => ContextConstraint::Subset(Arc::new(context.clone())),
            },
            source_arn: None,
        }
    }
}

fn filled(template: &str, used: Used<'_>) -> String {
    template
        .replace("{account}", &used.account.to_string())
        .replace("{region}", used.region.as_str())
        .replace("{name}", used.name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn used() -> Used<'static> {
        let region = RegionName::parse("eu-west-1").unwrap();
        Used { account: AccountId::new(111_122_223_333), region, name: "orders" }
    }

    #[test]
    fn every_service_has_calls_and_its_grant_is_created_by_one_of_them() {
        let names: Vec<&str> = TABLE.iter().map(|service| service.name.as_str()).collect();
        for name in [
            "s3",
            "ebs",
            "rds",
            "dynamodb",
            "logs",
            "sns",
            "sqs",
            "secretsmanager",
            "ssm",
            "backup",
            "redshift",
            "ecr",
            "sagemaker",
            "glue",
        ] {
            assert!(names.contains(&name), "{name}");
        }
        for service in TABLE.iter() {
            let creates = |call: &ServiceCall| call.action() == Some(Action::CreateGrant);
            assert!(service.calls.iter().all(|call| call.action().is_some()), "{}", service.name);
            assert_eq!(
                service.calls.iter().any(creates),
                service.grant.is_some(),
                "{}",
                service.name
            );
            let granted = service.calls.iter().filter(|call| call.by == Actor::Grantee);
            for call in granted {
                let grant = service.grant.as_ref().expect("a grantee has a grant");
                let permits = grant.terms(&Pairs::new()).operations.permit(call.action().unwrap());
                assert!(permits, "{} {}", service.name, call.operation);
            }
            if let Some(grant) = &service.grant {
                assert_eq!(
                    grant.terms(&Pairs::new()).operations.iter().count(),
                    grant.operations.len()
                );
            }
        }
    }

    #[test]
    fn a_service_is_known_by_its_host_and_sends_its_context() {
        let ebs = Integration::named("ebs").unwrap();
        assert_eq!(ebs.host(used().region), "ec2.eu-west-1.amazonaws.com");
        assert_eq!(ebs.context(used()), Pairs::from([("aws:ebs:id".into(), "vol-orders".into())]));
        assert_eq!(Integration::of_host("s3.eu-west-1.amazonaws.com").count(), 2);
        let logs = Integration::named("logs").unwrap().between(used());
        assert_eq!(
            logs.source_arn.as_deref(),
            Some("arn:aws:logs:eu-west-1:111122223333:log-group:orders")
        );
    }
}
