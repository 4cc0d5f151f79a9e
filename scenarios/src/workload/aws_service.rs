//! An AWS service that calls for its users: an S3 bucket, an EBS volume, a log group. What it asks,
//! as whom and with which encryption context is data of the core (`kms_core::integration`).
//!
//! Each client has resources of its own. A resource is made (which asks for a data key), used (which
//! decrypts it) and, where the service works by grants, attached and detached: the grant is created
//! through the service, used by its grantee with the grant token, and retired by it.

use std::sync::Arc;

use kms_core::ciphertext::EncryptionContext;
use kms_core::env::CallingService;
use kms_core::integration::{Actor, Integration, Used};
use kms_core::name::KeyArn;
use kms_core::ops::{
    Request, Response, create_grant, decrypt, describe_key, encrypt, generate_data_key,
    generate_data_key_without_plaintext, retire_grant,
};
use kms_core::policy::{Action, ContextConstraint};
use kms_core::wire::{CiphertextBlob, GrantToken, GrantTokens, KeyRef};

use super::WorkloadKind;
use super::generator::{Draw, Generator, Moment, Planned, WORKERS, Who};
use super::ring::Ring;
use super::seat::{NewKey, Seat};
use crate::kind::{Complaint, Kind, PROBABILITY};
use crate::nearest::suggestion;
use crate::reader::{Entry, Reader};
use crate::units::Probability;
use crate::value::{Data, Value};

/// Act as an AWS service that uses keys for its users.
#[derive(Debug, Clone, PartialEq)]
pub struct AwsService {
    /// The service, by its name in the table of integrations.
    pub service: &'static str,
    /// The share of calls that make a new resource.
    pub new_share: Probability,
    /// The share of calls on an attached resource that detach it.
    pub detach_share: Probability,
}

pub(super) const INFO: Entry<WorkloadKind> = Entry {
    name: "aws-service",
    doc: "Act as an AWS service that uses keys for its users, such as S3 or EBS.",
    read: |reader| WorkloadKind::AwsService(AwsService::read(reader)),
};

/// The name of a service of the table.
struct ServiceKind;

impl Kind for ServiceKind {
    type Value = &'static str;

    fn name(&self) -> String {
        "name of an AWS service".into()
    }

    fn parse(&self, value: &Value) -> Result<&'static str, Complaint> {
        let Data::Text(text) = &value.data else {
            return Err(Complaint::expected(value, "the name of an AWS service in quotes"));
        };
        let known = Integration::named(text).map(|service| service.name.as_str());
        known.ok_or_else(|| {
            let names = Integration::all().iter().map(|service| service.name.as_str());
            Complaint::about(
                value,
                format!("unknown AWS service {text:?}{}", suggestion(text, names)),
            )
        })
    }
}

impl AwsService {
    fn read(reader: &mut Reader<'_, '_>) -> Self {
        Self {
            service: reader.required("service", &ServiceKind, "s3", "The service."),
            new_share: reader.or(
                "new_share",
                &PROBABILITY,
                0.2,
                "The share of calls that make a new resource.",
            ),
            detach_share: reader.or(
                "detach_share",
                &PROBABILITY,
                0.3,
                "The share of calls on an attached resource that detach it, where there are grants.",
            ),
        }
    }
}

/// One client.
pub(super) struct Client {
    parameters: AwsService,
    service: Option<&'static Integration>,
    seat: Seat,
    worker: u32,
    resources: Ring<Resource>,
    made: u64,
}

/// A bucket's object, a volume, a table.
#[derive(Debug, Clone)]
struct Resource {
    /// What the service sends with every request about it.
    context: EncryptionContext,
    key: KeyArn,
    blob: CiphertextBlob,
    /// The grant of an attached resource.
    grant: Option<GrantToken>,
}

impl Client {
    pub(super) fn new(parameters: &AwsService, seat: Seat) -> Client {
        Client {
            service: Integration::named(parameters.service),
            parameters: parameters.clone(),
            worker: seat.number % WORKERS,
            seat,
            resources: Ring::default(),
            made: 0,
        }
    }

    fn used<'n>(&self, name: &'n str) -> Used<'n> {
        Used { account: self.seat.account, region: self.seat.region, name }
    }

    /// The service between its user and KMS.
    fn between(&self, service: &Integration) -> Option<Arc<CallingService>> {
        let name = format!("client-{}", self.seat.number);
        Some(Arc::new(service.between(self.used(&name))))
    }

    /// A call through the service, of whoever makes such a call.
    fn through(
        &self,
        service: &'static Integration,
        action: Action,
        request: impl Into<Request>,
    ) -> Planned {
        let asked = service.calls.iter().find(|call| call.action() == Some(action));
        let by = asked.map_or(Actor::User, |call| call.by);
        let caller = match by {
            Actor::Service => Who::Service(&service.name, self.seat.region),
            Actor::User => Who::Admin,
            Actor::Grantee => Who::Worker(self.worker),
        };
        let planned = self.seat.plan(self.seat.region, caller, request.into());
        let between = (by != Actor::Grantee).then(|| self.between(service));
        Planned { service: between.flatten(), ..planned }
    }

    /// Makes a resource: asks for what its data is encrypted with.
    fn make(&mut self, service: &'static Integration, key: KeyArn, draw: &mut dyn Draw) -> Planned {
        let does = |action| service.calls.iter().any(|call| call.action() == Some(action));
        if does(Action::DescribeKey) && draw.chance(DESCRIBES) {
            let request =
                describe_key::Request { key_id: key.into(), grant_tokens: GrantTokens::default() };
            return self.through(service, Action::DescribeKey, request);
        }
        self.made += 1;
        let name = format!("client-{}-{}", self.seat.number, self.made);
        let context = EncryptionContext::new(service.context(self.used(&name)));
        if does(Action::GenerateDataKeyWithoutPlaintext) {
            let action = Action::GenerateDataKeyWithoutPlaintext;
            let request = generate_data_key_without_plaintext::Request {
                encryption_context: context,
                ..generate_data_key_without_plaintext::Request::new(key)
            };
            return self.through(service, action, request);
        }
        if does(Action::Encrypt) && draw.chance(0.5) {
            let mut plaintext = [0; 32];
            draw.fill(&mut plaintext);
            let request = encrypt::Request {
                encryption_context: context,
                ..encrypt::Request::new(key, plaintext)
            };
            return self.through(service, Action::Encrypt, request);
        }
        // Where a grantee asks for data keys, the first one is asked for by the user who creates.
        let request = generate_data_key::Request {
            encryption_context: context,
            ..generate_data_key::Request::new(key)
        };
        let planned = self.through(service, Action::GenerateDataKey, request);
        match planned.caller {
            Who::Worker(_) => {
                Planned { caller: Who::Admin, service: self.between(service), ..planned }
            }
            _ => planned,
        }
    }

    fn attach(&self, service: &'static Integration, resource: &Resource) -> Option<Planned> {
        let grant = service.grant.as_ref()?;
        let terms = grant.terms(resource.context.pairs());
        let grantee = Who::Worker(self.worker).arn(self.seat.account);
        let mut request = create_grant::Request::new(
            KeyRef::from(resource.key),
            &grantee,
            terms.operations.iter(),
        );
        request.retiring_principal = Some(grantee.as_str().into());
        if let ContextConstraint::Subset(pairs) = &terms.context {
            request.constraints = Some(create_grant::GrantConstraints {
                encryption_context_subset: Some((**pairs).clone()),
                ..create_grant::GrantConstraints::default()
            });
        }
        Some(self.through(service, Action::CreateGrant, request))
    }

    fn detach(&self, grant: &GrantToken) -> Planned {
        self.seat.worker(
            self.worker,
            retire_grant::Request {
                grant_token: Some(grant.clone()),
                key_id: None,
                grant_id: None,
                dry_run: false,
            },
        )
    }

    fn read(&self, service: &'static Integration, resource: &Resource) -> Planned {
        let request = decrypt::Request {
            encryption_context: resource.context.clone(),
            grant_tokens: GrantTokens(resource.grant.iter().cloned().collect()),
            ..decrypt::Request::new(resource.blob.clone())
        };
        let by_grant = service
            .calls
            .iter()
            .any(|call| call.by == Actor::Grantee && call.action() == Some(Action::Decrypt));
        match by_grant {
            true => self.seat.worker(self.worker, request),
            false => self.through(service, Action::Decrypt, request),
        }
    }

    fn use_resource(
        &self,
        service: &'static Integration,
        resource: &Resource,
        draw: &mut dyn Draw,
    ) -> Planned {
        match (&resource.grant, self.attach(service, resource)) {
            (Some(grant), _) if draw.chance(self.parameters.detach_share.get()) => {
                self.detach(grant)
            }
            (None, Some(attach)) => attach,
            _ => self.read(service, resource),
        }
    }

    /// The resource that a new grant is for: it has the context, or at least the key.
    fn granted(&mut self, planned: &Planned) -> Option<&mut Resource> {
        let Request::CreateGrant(request) = &*planned.request else { return None };
        let constraints = request.constraints.as_ref();
        let pairs = constraints.and_then(|all| all.encryption_context_subset.as_ref());
        let key = planned.key();
        self.resources.iter_mut().find(|resource| {
            Some(resource.key) == key && pairs.is_none_or(|pairs| pairs == resource.context.pairs())
        })
    }

    fn keep(&mut self, context: &EncryptionContext, key: KeyArn, blob: &CiphertextBlob) {
        let (context, blob) = (context.clone(), blob.clone());
        self.resources.push(Resource { context, key, blob, grant: None });
    }
}

/// The share of new resources whose key is looked at first, by services that do.
const DESCRIBES: f64 = 0.3;

impl Generator for Client {
    fn next(&mut self, moment: &mut Moment<'_>) -> Planned {
        let Some(key) = self.seat.key(moment.draw) else {
            return self.seat.create_key(NewKey::SingleRegion);
        };
        let Some(service) = self.service else {
            return self.seat.admin(describe_key::Request {
                key_id: key.into(),
                grant_tokens: GrantTokens::default(),
            });
        };
        let makes = moment.draw.chance(self.parameters.new_share.get());
        let resource = (!makes).then(|| self.resources.pick(moment.draw).cloned()).flatten();
        match resource {
            Some(resource) => self.use_resource(service, &resource, moment.draw),
            None => self.make(service, key, moment.draw),
        }
    }

    fn learn(&mut self, planned: &Planned, result: &kms_core::Result<Response>) {
        self.seat.learn(planned, result);
        match (&*planned.request, result) {
            (Request::Encrypt(asked), Ok(Response::Encrypt(got))) => {
                self.keep(&asked.encryption_context, got.key_id, &got.ciphertext_blob);
            }
            (Request::GenerateDataKey(asked), Ok(Response::GenerateDataKey(got))) => {
                self.keep(&asked.encryption_context, got.key_id, &got.ciphertext_blob);
            }
            (
                Request::GenerateDataKeyWithoutPlaintext(asked),
                Ok(Response::GenerateDataKeyWithoutPlaintext(got)),
            ) => self.keep(&asked.encryption_context, got.key_id, &got.ciphertext_blob),
            (Request::CreateGrant(_), Ok(Response::CreateGrant(got))) => {
                let token = got.grant_token.clone();
                if let Some(resource) = self.granted(planned) {
                    resource.grant = Some(token);
                }
            }
            (Request::RetireGrant(request), Ok(_)) => {
                let token = request.grant_token.clone();
                if let Some(resource) = self.resources.iter_mut().find(|one| one.grant == token) {
                    resource.grant = None;
                }
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::Run;
    use super::*;
    use kms_core::ops::Operation;

    fn run(service: &str) -> Run {
        Run::of("aws-service", &format!("service = '{service}'"), 200)
    }

    #[test]
    fn every_service_that_calls_for_a_user_works_with_the_default_policy() {
        for service in Integration::all().iter().filter(|service| service.name != "logs") {
            let run = run(&service.name);
            let failed = run.calls.iter().find(|(_, result)| result.is_err());
            assert!(failed.is_none(), "{}: {failed:?}", service.name);
            let used: Vec<Operation> = run.operations().into_iter().collect();
            let granted =
                used.contains(&Operation::CreateGrant) && used.contains(&Operation::RetireGrant);
            assert_eq!(granted, service.grant.is_some(), "{}: {used:?}", service.name);
            let through = run.count(|planned, _| planned.service.is_some());
            assert!(through > 10 && used.contains(&Operation::Decrypt), "{}", service.name);
        }
    }

    #[test]
    fn a_service_principal_needs_the_key_policy() {
        let run = run("logs");
        let denied = |result: &kms_core::Result<Response>| {
            result.as_ref().is_err_and(|error| error.code == kms_core::ErrorCode::AccessDenied)
        };
        assert!(run.calls.iter().all(|(planned, result)| {
            matches!(planned.caller, Who::Service(_, _)) && denied(result)
        }));
    }
}
