//! Who may call: access keys, and the principals behind them.
//!
//! The development identity is access key `test` with secret `test`; a file lists others. What a
//! principal may do follows from its identity policies and from key policies, as everywhere.

use kms_core::Timestamp;
use kms_core::env::Caller;
use kms_core::name::{AccountId, PrincipalArn};
use kms_core::policy::{Policy, PolicyKind};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

/// Account 111122223333, of the examples in the guides.
const DEVELOPMENT_ACCOUNT: u64 = 111_122_223_333;

const EVERYTHING: &str = r#"{"Version": "2012-10-17",
    "Statement": {"Effect": "Allow", "Action": "kms:*", "Resource": "*"}}"#;

/// One access key.
pub(crate) struct Identity {
    pub(crate) secret: Secret,
    pub(crate) caller: Arc<Caller>,
    pub(crate) session: Option<Session>,
}

/// A secret access key.
#[derive(Deserialize)]
#[serde(transparent)]
pub(crate) struct Secret(String);

impl Secret {
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret")
    }
}

/// What temporary credentials have beside the two keys.
pub(crate) struct Session {
    pub(crate) token: Secret,
    pub(crate) ends: Option<Timestamp>,
}

/// Everybody who may call.
pub struct Identities(BTreeMap<String, Identity>);

/// Why a list of identities cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdentityError(String);

impl fmt::Display for IdentityError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for IdentityError {}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    identity: Vec<Listed>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Listed {
    access_key: String,
    secret_key: Secret,
    principal: String,
    #[serde(default)]
    policies: Vec<String>,
    #[serde(default)]
    tags: BTreeMap<String, String>,
    session_token: Option<Secret>,
    session_ends: Option<String>,
}

impl Identities {
    /// Access key `test` with secret `test`: a user who may do everything in an account.
    pub fn of_account(account: AccountId) -> Identities {
        let user = PrincipalArn::parse(&format!("arn:aws:iam::{account}:user/test"));
        let policy = Policy::parse(EVERYTHING, PolicyKind::Identity).expect("a policy");
        let caller = Caller::new(user.expect("an ARN")).with_policy(Arc::new(policy));
        let secret = Secret("test".to_owned());
        let identity = Identity { secret, caller: Arc::new(caller), session: None };
        Identities(BTreeMap::from([("test".to_owned(), identity)]))
    }

    /// The development identity in account 111122223333.
    pub fn development() -> Identities {
        Identities::of_account(AccountId::new(DEVELOPMENT_ACCOUNT))
    }

    /// Adds those of a TOML text: tables `[[identity]]` with `access_key`, `secret_key`, `principal`
    /// and, if wanted, `policies` (JSON), `tags` of the principal, `session_token` and `session_ends`.
    ///
    /// # Errors
    /// What is wrong with the text, and where.
    pub fn add(&mut self, text: &str) -> Result<(), IdentityError> {
        let file: File = toml::from_str(text).map_err(|error| IdentityError(error.to_string()))?;
        for listed in file.identity {
            let key = listed.access_key.clone();
            let says = |what: String| IdentityError(format!("identity \"{key}\": {what}"));
            let identity = listed.identity().map_err(says)?;
            if self.0.insert(key.clone(), identity).is_some() && key != "test" {
                return Err(IdentityError(format!("identity \"{key}\" is listed twice")));
            }
        }
        Ok(())
    }

    /// The identity of an access key.
    pub(crate) fn get(&self, access_key: &str) -> Option<&Identity> {
        self.0.get(access_key)
    }

    /// The caller behind the first access key, by name.
    ///
    /// # Panics
    /// Never: there is always one.
    pub fn first(&self) -> &Arc<Caller> {
        &self.0.values().next().expect("the development identity").caller
    }

    /// Access keys and their principals, by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &PrincipalArn)> {
        self.0.iter().map(|(key, identity)| (key.as_str(), &identity.caller.principal))
    }
}

impl Listed {
    fn identity(self) -> Result<Identity, String> {
        let principal = PrincipalArn::parse(&self.principal);
        let wanted = || format!("principal \"{}\" is not an IAM or STS ARN", self.principal);
        let mut caller = Caller::new(principal.ok_or_else(wanted)?);
        for text in &self.policies {
            let policy = Policy::parse(text, PolicyKind::Identity);
            let policy = policy.map_err(|malformed| format!("policies: {malformed}"))?;
            caller = caller.with_policy(Arc::new(policy));
        }
        caller.tags = self.tags;
        let ends = self.session_ends.as_deref().map(moment).transpose()?;
        let session = match (self.session_token, ends) {
            (None, Some(_)) => return Err("session_ends needs a session_token".to_owned()),
            (token, ends) => token.map(|token| Session { token, ends }),
        };
        Ok(Identity { secret: self.secret_key, caller: Arc::new(caller), session })
    }
}

fn moment(text: &str) -> Result<Timestamp, String> {
    let wanted = || format!("session_ends \"{text}\" is not a moment like 2026-12-01T00:00:00Z");
    let moment: jiff::Timestamp = text.parse().map_err(|_| wanted())?;
    let seconds = u64::try_from(moment.as_second()).map_err(|_| wanted())?;
    Ok(Timestamp::from_seconds(seconds))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::{Asker, Configuration, Engine};
    use kms_core::error::ErrorCode;
    use kms_core::name::RegionName;
    use kms_core::ops::list_keys;

    #[test]
    fn a_file_adds_identities() {
        let mut identities = Identities::development();
        let text = r#"
            [[identity]]
            access_key = "AKIDALICE"
            secret_key = "wonderland"
            principal = "arn:aws:iam::444455556666:role/alice"
            policies = ['{"Statement": {"Effect": "Allow", "Action": "kms:List*", "Resource": "*"}}']
            session_token = "token"
            session_ends = "2026-01-01T00:00:00Z"
        "#;
        identities.add(text).unwrap();
        let alice = identities.get("AKIDALICE").unwrap();
        assert_eq!(alice.caller.account(), AccountId::new(444_455_556_666));
        assert_eq!(alice.caller.identity_policies.len(), 1);
        let ends = alice.session.as_ref().unwrap().ends;
        assert_eq!(ends, Some(Timestamp::from_seconds(1_767_225_600)));
        assert_eq!(identities.iter().count(), 2);
        assert_eq!(format!("{:?}", alice.secret), "Secret");
    }

    /// What IAM allows to whoever has a tag was never allowed, for nobody could have one.
    #[test]
    fn a_principal_has_tags_for_conditions() {
        let text = r#"
            [[identity]]
            access_key = "AKIDBLUE"
            secret_key = "s"
            principal = "arn:aws:iam::111122223333:user/blue"
            policies = ['''{"Statement": {"Effect": "Allow", "Action": "kms:ListKeys", "Resource": "*",
                "Condition": {"StringEquals": {"aws:PrincipalTag/team": "blue"}}}}''']
            tags = { team = "blue", "cost center" = "7" }
        "#;
        let region = RegionName::parse("us-east-1").unwrap();
        let engine = Engine::new(Configuration { regions: vec![region], ..Default::default() });
        let allowed = |text: &str| {
            let mut identities = Identities::development();
            identities.add(text).unwrap();
            let caller = identities.get("AKIDBLUE").unwrap().caller.clone();
            assert_eq!(caller.tags.get("cost center").map(String::as_str), Some("7"));
            let request = list_keys::Request::default().into();
            engine.answer(region, Asker::new(caller), &request).result.map(drop)
        };
        assert_eq!(allowed(text), Ok(()));
        let red = text.replace("team = \"blue\"", "team = \"red\"");
        assert_eq!(allowed(&red).unwrap_err().code, ErrorCode::AccessDenied);
    }

    #[test]
    fn what_is_wrong_is_named() {
        let base = "[[identity]]\naccess_key = \"A\"\nsecret_key = \"s\"\n";
        let good = "principal = \"arn:aws:iam::444455556666:user/a\"\n";
        for (text, expected) in [
            (format!("{base}principal = \"alice\"\n"), "\"alice\" is not an IAM or STS ARN"),
            (format!("{base}{good}policies = ['{{}}']\n"), "identity \"A\": policies"),
            (format!("{base}{good}session_ends = \"tomorrow\"\n"), "not a moment"),
            (format!("{base}{good}{base}{good}"), "listed twice"),
            (format!("{base}{good}secret = \"x\"\n"), "unknown field `secret`"),
        ] {
            let error = Identities::development().add(&text).unwrap_err();
            assert!(error.to_string().contains(expected), "{error}");
        }
    }
}
