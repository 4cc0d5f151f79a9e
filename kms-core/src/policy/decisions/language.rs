//! The little language of the table: principals by name, statements, grants and facts of a request.

use crate::env::{Call, Caller, CallingService, NetworkPath, RequestId, Timestamp};
use crate::name::{
    AccountId, AliasArn, AliasName, GrantId, KeyArn, KeyIdentifier, PrincipalArn, RegionName,
};
use crate::policy::{
    Action, ContextConstraint, Grant, GrantOperation, GrantOperations, GrantRequest, GrantTerms,
    KeyManager, Party, Policy, PolicyKind, RequestContext, Resource, Restriction,
};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

const KEY: &str = "arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab";
const OTHER_KEY: &str =
    "arn:aws:kms:us-east-1:111122223333:key/00000000-0000-4000-8000-000000000000";

pub(super) fn action_named(name: &str) -> Action {
    *Action::ALL.iter().find(|action| action.name() == name).expect(name)
}

fn arn(name: &str) -> String {
    match name {
        "root" => "arn:aws:iam::111122223333:root".into(),
        "app" => "arn:aws:sts::111122223333:assumed-role/app/one".into(),
        "app2" => "arn:aws:sts::111122223333:assumed-role/app/two".into(),
        "role-app" => "arn:aws:iam::111122223333:role/team/app".into(),
        "bob-root" => "arn:aws:iam::444455556666:root".into(),
        "bob" => "arn:aws:iam::444455556666:user/bob".into(),
        "logs" => "logs.us-east-1.amazonaws.com".into(),
        user => format!("arn:aws:iam::111122223333:user/{user}"),
    }
}

fn principal(name: &str) -> PrincipalArn {
    let account = AccountId::new(111_122_223_333);
    PrincipalArn::parse(&arn(name)).unwrap_or_else(|| PrincipalArn::service(&arn(name), account))
}

pub(super) fn key_arn() -> KeyArn {
    let Ok(KeyIdentifier::Arn(arn)) = KeyIdentifier::parse(KEY) else { panic!("no key ARN") };
    arn
}

pub(super) fn policy(text: &str, kind: PolicyKind) -> Policy {
    let statements: Vec<String> = text.split(';').map(|text| statement(text, kind)).collect();
    let json = format!(r#"{{"Version": "2012-10-17", "Statement": [{}]}}"#, statements.join(", "));
    Policy::parse(&json, kind).unwrap()
}

fn statement(text: &str, kind: PolicyKind) -> String {
    use Restriction::{Endpoint, ResourceControl};
    let mut words = text.split_whitespace();
    let effect = if words.next() == Some("allow") { "Allow" } else { "Deny" };
    let names_principal =
        matches!(kind, PolicyKind::Key | PolicyKind::Restricting(Endpoint | ResourceControl));
    let who = if names_principal { who(words.next().unwrap()) } else { String::new() };
    let actions = words.next().unwrap();
    let (mut resource, mut condition) = ("*", String::new());
    while let Some(word) = words.next() {
        let next = words.next().unwrap();
        match word {
            "on" => resource = next,
            _ => {
                let (key, value) = (words.next().unwrap(), words.next().unwrap());
                condition = format!(r#", "Condition": {{"{next}": {{"{key}": "{value}"}}}}"#);
            }
        }
    }
    let resource = match resource {
        "KEY" => KEY,
        "OTHER_KEY" => OTHER_KEY,
        other => other,
    };
    format!(
        r#"{{"Effect": "{effect}", {who} "Action": "kms:{actions}", "Resource": "{resource}"{condition}}}"#
    )
}

fn who(name: &str) -> String {
    let (element, name) = match name.strip_prefix('!') {
        Some(name) => ("NotPrincipal", name),
        None => ("Principal", name),
    };
    match name {
        "*" => format!(r#""{element}": "*","#),
        "logs" => format!(r#""{element}": {{"Service": "{}"}},"#, arn(name)),
        name => format!(r#""{element}": {{"AWS": "{}"}},"#, arn(name)),
    }
}

fn party(name: &str) -> Party {
    match name {
        "logs" => Party::Service(arn(name).into()),
        name => Party::Principal(principal(name)),
    }
}

fn pairs(text: &str) -> BTreeMap<String, String> {
    text.split(',')
        .filter_map(|pair| pair.split_once('='))
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
        .collect()
}

fn terms(text: &str) -> GrantTerms {
    let mut words = text.split_whitespace();
    let operations: GrantOperations =
        words.next().unwrap().split(',').map(|name| GrantOperation::parse(name).unwrap()).collect();
    let mut terms = GrantTerms { operations, ..GrantTerms::default() };
    while let Some(word) = words.next() {
        let value = words.next().unwrap();
        match word {
            "equals" => terms.context = ContextConstraint::Equals(Arc::new(pairs(value))),
            "subset" => terms.context = ContextConstraint::Subset(Arc::new(pairs(value))),
            "source" => terms.source_arn = Some(value.into()),
            _ => {}
        }
    }
    terms
}

pub(super) fn grant(text: &str) -> Grant {
    let words: Vec<&str> = text.split_whitespace().collect();
    let after = |word: &str| words.iter().position(|w| *w == word).map(|at| words[at + 1]);
    Grant {
        id: GrantId([7; 32]),
        key: key_arn().id,
        grantee: party(words[1]),
        retiring: after("retire").map(party),
        terms: terms(&words[2..].join(" ")),
        name: None,
        issuer: principal(after("by").unwrap_or("alice")),
        created: Timestamp::EPOCH,
    }
}

/// What a request says about itself.
#[derive(Default)]
pub(super) struct Facts {
    items: Vec<(String, String)>,
    pairs: BTreeMap<String, String>,
    alias: Option<AliasName>,
    aliases: Vec<AliasName>,
    child: Option<GrantTerms>,
    child_grantee: Option<Party>,
    alias_arn: Option<AliasArn>,
    carol: Option<PrincipalArn>,
}

impl Facts {
    pub(super) fn parse(text: &str) -> Facts {
        let mut facts = Facts::default();
        for item in text.split('|').map(str::trim).filter(|item| !item.is_empty()) {
            let (word, rest) = item.split_once(' ').unwrap_or((item, ""));
            facts.items.push((word.into(), rest.into()));
            facts.note(word, rest);
        }
        facts
    }

    fn note(&mut self, word: &str, rest: &str) {
        let alias = AliasName::parse("alias/app").unwrap();
        match word {
            "ec" => self.pairs = pairs(rest),
            "alias" => {
                self.aliases = vec![alias.clone()];
                self.alias = Some(alias);
            }
            "new" => {
                self.child = Some(terms(rest));
                self.child_grantee = Some(party("carol"));
            }
            "on-alias" => {
                let KeyArn { region, account, .. } = key_arn();
                self.alias_arn = Some(AliasArn { region, account, name: alias });
            }
            "on-carol" => self.carol = Some(principal("carol")),
            _ => {}
        }
    }

    fn has(&self, word: &str) -> bool {
        self.items.iter().any(|(known, _)| known == word)
    }

    fn caller(&self, who: &str, iam: &str) -> Caller {
        let mut caller = Caller::new(principal(who));
        if !iam.is_empty() {
            caller = caller.with_policy(Arc::new(policy(iam, PolicyKind::Identity)));
        }
        for (word, rest) in &self.items {
            let restriction = match word.as_str() {
                "scp" => Restriction::ServiceControl,
                "rcp" => Restriction::ResourceControl,
                "boundary" => Restriction::Boundary,
                "session" => Restriction::Session,
                "endpoint" => Restriction::Endpoint,
                _ => continue,
            };
            let policy = policy(rest, PolicyKind::Restricting(restriction));
            caller.restricting_policies.push(Arc::new(policy));
        }
        caller
    }

    pub(super) fn call(&self, who: &str, iam: &str) -> Call {
        let text = |word: &str| self.items.iter().find(|(w, _)| w == word).map(|(_, r)| r.clone());
        let (via, source_arn) = (text("via"), text("source"));
        let service = (via.is_some() || source_arn.is_some()).then(|| CallingService {
            via: via.unwrap_or_default(),
            source_arn,
            source_account: None,
            source_organization: None,
        });
        Call {
            request_id: RequestId(1),
            caller: Arc::new(self.caller(who, iam)),
            service,
            network: NetworkPath::default(),
            now: Timestamp::from_seconds(1_767_225_600),
            monotonic: Duration::ZERO,
            decision: 0,
            caught_up: true,
        }
    }

    pub(super) fn fill<'a>(&'a self, context: &mut RequestContext<'a>) {
        context.region = RegionName::parse("us-east-1");
        context.encryption_context = Some(&self.pairs);
        context.request_alias = self.alias.as_ref();
        context.resource_aliases = &self.aliases;
        if let (Some(terms), Some(grantee)) = (&self.child, &self.child_grantee) {
            context.grant = Some(GrantRequest { terms, grantee, retiring: None });
        }
    }

    pub(super) fn resource<'a>(&'a self, policy: &'a Policy) -> Resource<'a> {
        let manager = if self.has("aws-managed") { KeyManager::Aws } else { KeyManager::Customer };
        match (&self.alias_arn, &self.carol) {
            (Some(alias), _) => Resource::Alias(alias),
            (_, Some(carol)) => Resource::Principal(carol),
            _ if self.has("any") => Resource::AnyKmsResource,
            _ => Resource::Key { arn: key_arn(), policy, manager },
        }
    }
}
