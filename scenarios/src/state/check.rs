//! What will hurt: keys whose policies lock out, let in, break a service or never apply.
//!
//! Every finding is found by asking the evaluator, not by looking at the text: a statement that names
//! everyone under a condition that holds for the account alone is open to nobody.

use super::inventory::{DeclaredKey, Inventory};
use super::node::At;
use kms_core::env::{Call, Caller, Timestamp};
use kms_core::integration::{Actor, Integration, ServiceCall, Used};
use kms_core::key::{KeySpec, KeyUsage, Origin};
use kms_core::name::{AccountId, GrantId, PrincipalArn, PrincipalKind};
use kms_core::policy::{
    Action, Allowed, CROSS_ACCOUNT_ACTIONS, Decision, Denied, Grant, GrantOperation, GrantRequest,
    GrantTerms, KeyManager, Party, Policy, PolicyKind, Question, RequestContext, Resource,
    evaluate,
};
use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

/// What kind of harm.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum FindingKind {
    /// Nobody of the account can change the policy any more.
    LocksTheOwnerOut,
    /// Principals of every account can use the key.
    OpenToEveryone,
    /// A service cannot do what it has to.
    BreaksAService,
    /// The key material is never rotated.
    RotationOff,
    /// A condition that no request can meet.
    ConditionNeverMatches,
    /// A principal can grant itself what the policy does not allow it.
    GrantEscalation,
}

/// The names in output.
const KINDS: [(FindingKind, &str); 6] = [
    (FindingKind::LocksTheOwnerOut, "locks-the-owner-out"),
    (FindingKind::OpenToEveryone, "open-to-everyone"),
    (FindingKind::BreaksAService, "breaks-a-service"),
    (FindingKind::RotationOff, "rotation-off"),
    (FindingKind::ConditionNeverMatches, "condition-never-matches"),
    (FindingKind::GrantEscalation, "grant-escalation"),
];

impl fmt::Display for FindingKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = KINDS.iter().find(|(kind, _)| kind == self).map_or("", |(_, name)| name);
        f.write_str(name)
    }
}

/// One finding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// What kind of harm.
    pub kind: FindingKind,
    /// The key, by its name in the file.
    pub key: String,
    /// Where it comes from.
    pub at: At,
    /// What happens.
    pub message: String,
    /// What would be right.
    pub right: String,
}

/// Looks for what will hurt. `services` are those that have to work with every symmetric key; beyond
/// those, whatever services a policy mentions have to.
pub fn check(inventory: &Inventory, services: &[&'static Integration]) -> Vec<Finding> {
    let of_key = |key: &DeclaredKey| {
        let examiner = Examiner { key, account: inventory.home.account };
        let mut findings: Vec<Finding> =
            [examiner.locks_out(), examiner.open_to_everyone(), examiner.rotation_off()]
                .into_iter()
                .flatten()
                .collect();
        findings.extend(examiner.broken_services(services));
        findings.extend(examiner.dead_conditions());
        findings.extend(examiner.escalations());
        findings
    };
    let mut findings: Vec<Finding> = inventory.keys.iter().flat_map(of_key).collect();
    findings.sort_by_key(|finding| (finding.at, finding.kind));
    findings
}

/// The moment of every question: the first of 2026.
const NOW: Timestamp = Timestamp::from_seconds(1_767_225_600);

const ALLOW_ALL: &str = r#"{"Statement": {"Effect": "Allow", "Action": "kms:*", "Resource": "*"}}"#;

/// A principal whom IAM allows everything.
fn everything(principal: PrincipalArn) -> Arc<Caller> {
    let policy = Policy::parse(ALLOW_ALL, PolicyKind::Identity).expect("a valid policy");
    Arc::new(Caller::new(principal).with_policy(Arc::new(policy)))
}

fn call_of(caller: Arc<Caller>) -> Call {
    Call::by(caller, NOW)
}

struct Examiner<'i> {
    key: &'i DeclaredKey,
    account: AccountId,
}

impl<'i> Examiner<'i> {
    fn finding(&self, kind: FindingKind, at: At, message: String, right: &str) -> Finding {
        let at = if at.line == 0 { self.key.at } else { at };
        Finding { kind, key: self.key.name.clone(), at, message, right: right.into() }
    }

    fn policy(&self) -> &'i Policy {
        &self.key.policy.policy
    }

    fn decide<'a>(
        &'a self,
        call: &'a Call,
        context: &RequestContext<'a>,
        grants: &'a [Grant],
    ) -> Decision<'a> {
        let key = self.key;
        let mut context = *context;
        context.key = Some(key.arn);
        context.key_spec = Some(key.spec.as_str());
        context.key_usage = Some(key.usage.as_str());
        context.key_origin = Some(key.origin.as_str());
        context.multi_region = Some(key.multi_region);
        context.resource_tags = Some(&key.tags);
        let resource =
            Resource::Key { arn: key.arn, policy: self.policy(), manager: KeyManager::Customer };
        let question = Question { caller: &call.caller, action: context.action(), resource };
        evaluate(&question, &context, &mut grants.iter())
    }

    /// The principals of the account that the policy names, without the account itself.
    fn named(&self) -> Vec<PrincipalArn> {
        let own =
            |arn: &PrincipalArn| arn.account() == self.account && arn.kind() != PrincipalKind::Root;
        let named: BTreeSet<PrincipalArn> =
            self.policy().named_principals().filter(|arn| own(arn)).cloned().collect();
        named.into_iter().collect()
    }

    fn locks_out(&self) -> Option<Finding> {
        let mut owners = vec![PrincipalArn::root(self.account, self.key.arn.region.partition())];
        owners.extend(self.named());
        let controls = |owner: PrincipalArn| {
            let call = call_of(Arc::new(Caller::new(owner)));
            let mut context = RequestContext::new(&call, Action::PutKeyPolicy);
            context.policy_name = Some("default");
            self.decide(&call, &context, &[]).is_allowed()
        };
        if owners.into_iter().any(controls) {
            return None;
        }
        let message = format!(
            "nobody of account {} can change the policy of {} again",
            self.account, self.key.name
        );
        let right = "a statement that allows kms:* to arn:aws:iam::ACCOUNT:root, or kms:PutKeyPolicy to an administrator";
        Some(self.finding(FindingKind::LocksTheOwnerOut, self.key.policy.at, message, right))
    }

    fn open_to_everyone(&self) -> Option<Finding> {
        let stranger = PrincipalArn::parse("arn:aws:iam::999999999999:role/anybody")?;
        let call = call_of(everything(stranger));
        let open = CROSS_ACCOUNT_ACTIONS.iter().find_map(|action| {
            let context = RequestContext::new(&call, action);
            match self.decide(&call, &context, &[]) {
                Decision::Allow(Allowed::Delegated { key, .. }) => Some((action, key.statement)),
                _ => None,
            }
        });
        let (action, statement) = open?;
        let message =
            format!("statement {statement} lets principals of every AWS account do {action}");
        let right = "name the accounts or roles that need the key, or add a condition on kms:CallerAccount or aws:PrincipalOrgID";
        Some(self.finding(
            FindingKind::OpenToEveryone,
            self.key.policy.place_of(statement),
            message,
            right,
        ))
    }

    fn rotation_off(&self) -> Option<Finding> {
        let key = self.key;
        let could = key.spec == KeySpec::SymmetricDefault
            && key.origin == Origin::AwsKms
            && key.primary.is_none();
        if !could || key.rotation.is_some() {
            return None;
        }
        let message = format!("{} is never rotated automatically", key.name);
        let right = "EnableKeyRotation: true (enable_key_rotation = true in Terraform)";
        Some(self.finding(FindingKind::RotationOff, key.at, message, right))
    }

    fn dead_conditions(&self) -> Vec<Finding> {
        let dead = self.policy().dead_conditions().into_iter();
        let finding = |(statement, message): (usize, String)| {
            let right = "a condition key that requests for the statement's actions carry (AWS KMS Developer Guide, Condition keys)";
            let message = format!("statement {statement}: {message}");
            self.finding(
                FindingKind::ConditionNeverMatches,
                self.key.policy.place_of(statement),
                message,
                right,
            )
        };
        dead.map(finding).collect()
    }

    /// Whoever may create grants and may not use the key can grant itself the use.
    fn escalations(&self) -> Vec<Finding> {
        self.named().into_iter().filter_map(|principal| self.escalation(&principal)).collect()
    }

    fn escalation(&self, principal: &PrincipalArn) -> Option<Finding> {
        let wanted = match self.key.usage {
            KeyUsage::EncryptDecrypt => Action::Decrypt,
            KeyUsage::SignVerify => Action::Sign,
            KeyUsage::GenerateVerifyMac => Action::GenerateMac,
            KeyUsage::KeyAgreement => Action::DeriveSharedSecret,
            KeyUsage::EncapsulateDecapsulate => Action::Decapsulate,
        };
        let call = call_of(Arc::new(Caller::new(principal.clone())));
        let terms = GrantTerms {
            operations: GrantOperation::of(wanted).into_iter().collect(),
            ..GrantTerms::default()
        };
        let grantee = Party::Principal(principal.clone());
        let mut context = RequestContext::new(&call, Action::CreateGrant);
        context.grant = Some(GrantRequest { terms: &terms, grantee: &grantee, retiring: None });
        let Decision::Allow(Allowed::KeyPolicy(statement)) = self.decide(&call, &context, &[])
        else {
            return None;
        };
        let statement = statement.statement;
        if self.decide(&call, &RequestContext::new(&call, wanted), &[]).is_allowed() {
            return None;
        }
        let message = format!(
            "statement {statement} lets {principal} create grants, so it can grant itself {wanted}, which the policy does not allow it"
        );
        let right = "a condition on the grant: Bool kms:GrantIsForAWSResource, or ForAllValues:StringEquals kms:GrantOperations";
        Some(self.finding(
            FindingKind::GrantEscalation,
            self.key.policy.place_of(statement),
            message,
            right,
        ))
    }

    fn broken_services(&self, wanted: &[&'static Integration]) -> Vec<Finding> {
        let mentioned = self.policy().mentioned_hosts();
        let here = |host: &String| host.split('.').nth(1) == Some(self.key.arn.region.as_str());
        // S3 with and without bucket keys asks the same; one is enough when only the host is known.
        let mentioned = mentioned
            .iter()
            .filter(|host| here(host))
            .filter_map(|host| Integration::of_host(host).next());
        let mut services: Vec<&'static Integration> = Vec::new();
        for service in wanted.iter().copied().chain(mentioned) {
            if !services.iter().any(|known| known.name == service.name) {
                services.push(service);
            }
        }
        services.into_iter().filter_map(|service| self.broken(service)).collect()
    }

    /// The service works when one of its possible users can do all that it does for a user.
    fn broken(&self, service: &'static Integration) -> Option<Finding> {
        let generic = format!("arn:aws:iam::{}:role/some-user-of-{}", self.account, service.name);
        let mut users = self.named();
        users.extend(PrincipalArn::parse(&generic));
        let users = users.into_iter().map(everything);
        let mut failures: Vec<_> = Vec::new();
        for user in users {
            match self.first_failure(service, &user) {
                None => return None,
                Some(failure) => failures.push(failure),
            }
        }
        let (call, why, statement) = failures.into_iter().next_back()?;
        let at =
            statement.map_or(self.key.policy.at, |statement| self.key.policy.place_of(statement));
        let action = call.action().map(|action| action.to_string()).unwrap_or_default();
        let message = format!(
            "{} cannot work with this key: at the {}, {action} is denied: {why}",
            service.title, call.when
        );
        let needs: BTreeSet<String> = service
            .calls
            .iter()
            .filter_map(ServiceCall::action)
            .map(|action| action.to_string())
            .collect();
        let needs: Vec<String> = needs.into_iter().collect();
        let right = format!(
            "allow {} with kms:ViaService or service principal {}",
            needs.join(", "),
            service.host(self.key.arn.region)
        );
        Some(self.finding(FindingKind::BreaksAService, at, message, &right))
    }

    fn first_failure(
        &self,
        service: &'static Integration,
        user: &Arc<Caller>,
    ) -> Option<(&'static ServiceCall, String, Option<usize>)> {
        let used = Used { account: self.account, region: self.key.arn.region, name: "example" };
        let pairs = service.context(used);
        let grant = service.grant.as_ref().map(|grant| self.grant(grant.terms(&pairs), user));
        service.calls.iter().find_map(|asked| {
            let call = service.call(asked.by, user, used, NOW);
            let mut context = RequestContext::new(&call, asked.action()?);
            context.encryption_context = Some(&pairs);
            context.encryption_algorithm = Some("SYMMETRIC_DEFAULT");
            context.grant =
                grant.as_ref().filter(|_| context.action() == Action::CreateGrant).map(|grant| {
                    GrantRequest { terms: &grant.terms, grantee: &grant.grantee, retiring: None }
                });
            let grants = if asked.by == Actor::Grantee { grant.as_slice() } else { &[] };
            match self.decide(&call, &context, grants) {
                Decision::Allow(_) => None,
                Decision::Deny(why) => {
                    let statement = match &why {
                        Denied::ExplicitDeny(statement) => Some(statement.statement),
                        _ => None,
                    };
                    Some((asked, why.to_string(), statement))
                }
            }
        })
    }

    fn grant(&self, terms: GrantTerms, user: &Caller) -> Grant {
        Grant {
            id: GrantId([0; 32]),
            key: self.key.arn.id,
            grantee: Party::Principal(user.principal.clone()),
            retiring: None,
            terms,
            name: None,
            issuer: user.principal.clone(),
            created: Timestamp::EPOCH,
        }
    }
}
