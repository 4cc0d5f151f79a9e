//! Policy documents: parsed strictly when they are stored, evaluated in compiled form.
//!
//! The text stays what the caller sent, because GetKeyPolicy returns it. Source: IAM User Guide,
//! "Grammar of the IAM JSON policy language"; AWS KMS API, CreateKey and PutKeyPolicy.

use super::compile::{self, Rules};
use super::condition_key::{ConditionKey, KmsKey};
use super::json::Json;
use super::kind::PolicyKind;
use super::pattern::Variables;
use super::principal::Fit;
use super::statement::{Effect, Scene, Statement};
use crate::error::{Error, ErrorCode};
use crate::name::{AccountId, Partition, PrincipalArn};
use std::fmt;

/// The largest key policy in bytes (AWS KMS Developer Guide, "Resource quotas"). Operations answer
/// `LimitExceeded` beyond it.
pub const MAX_POLICY_BYTES: usize = 32 * 1024;

/// Why a text is not a policy: where, and what would be right.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MalformedPolicy {
    /// What AWS KMS calls the problem, which its message begins with.
    name: Option<&'static str>,
    place: String,
    problem: String,
    statement: Option<usize>,
}

impl MalformedPolicy {
    pub(super) fn new(place: impl Into<String>, problem: impl Into<String>) -> MalformedPolicy {
        MalformedPolicy {
            name: None,
            place: place.into(),
            problem: problem.into(),
            statement: None,
        }
    }

    /// Gives the problem the name it has in AWS KMS.
    pub(super) fn called(self, name: &'static str) -> MalformedPolicy {
        MalformedPolicy { name: Some(name), ..self }
    }

    /// Puts the place inside another one.
    pub(super) fn within(self, outer: &str) -> MalformedPolicy {
        MalformedPolicy { place: format!("{outer}, {}", self.place), ..self }
    }

    /// The position of the statement it is in, from 0.
    pub fn statement(&self) -> Option<usize> {
        self.statement
    }
}

impl fmt::Display for MalformedPolicy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(name) = self.name {
            write!(f, "{name}: ")?;
        }
        write!(f, "{}: {}", self.place, self.problem)
    }
}

impl std::error::Error for MalformedPolicy {}

impl From<MalformedPolicy> for Error {
    fn from(malformed: MalformedPolicy) -> Error {
        ErrorCode::MalformedPolicyDocument.says(malformed.to_string())
    }
}

/// A policy: its text and what it says.
pub struct Policy {
    text: Box<str>,
    kind: PolicyKind,
    statements: Vec<Statement>,
}

impl Policy {
    /// Parses and compiles a policy.
    ///
    /// # Errors
    /// The first thing that is not as the grammar wants it, with its statement and member.
    pub fn parse(text: &str, kind: PolicyKind) -> Result<Policy, MalformedPolicy> {
        let json = Json::parse(text).map_err(|error| MalformedPolicy::new("policy", error))?;
        let Json::Object(members) = &json else {
            return Err(MalformedPolicy::new(
                "policy",
                format!("is {}, not an object", json.kind()),
            ));
        };
        compile::refuse_unknown(members, &["Version", "Id", "Statement"], "policy")?;
        let rules = Rules { kind, variables: read_version(members)? };
        check_id(members)?;
        let statements = read_statements(members, rules)?;
        Ok(Policy { text: text.into(), kind, statements })
    }

    /// The key policy of a key that was created without one: it trusts the account, so that IAM
    /// policies decide (AWS KMS Developer Guide, "Default key policy").
    pub fn default_for(account: AccountId, partition: Partition) -> Policy {
        Policy::parse(&default_text(account, partition), PolicyKind::Key)
            .expect("the default policy is well-formed")
    }

    /// Whether it is the default key policy of that account.
    pub(crate) fn is_default_of(&self, account: AccountId, partition: Partition) -> bool {
        self.kind == PolicyKind::Key && *self.text == *default_text(account, partition)
    }

    /// The text, as it was given.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// What the policy is attached to.
    pub fn kind(&self) -> PolicyKind {
        self.kind
    }

    /// The statements.
    pub(super) fn statements(&self) -> &[Statement] {
        &self.statements
    }

    /// The accounts, users, roles and sessions that the statements which allow something name.
    pub fn named_principals(&self) -> impl Iterator<Item = &PrincipalArn> {
        let allowing = self.statements.iter().filter(|one| one.effect == Effect::Allow);
        allowing.flat_map(|statement| statement.principals.arns())
    }

    /// The host names of services that the policy mentions, as principals or in `kms:ViaService`.
    pub fn mentioned_hosts(&self) -> Vec<String> {
        let allowing = self.statements.iter().filter(|one| one.effect == Effect::Allow);
        let hosts = allowing.flat_map(|statement| {
            let conditions = statement.conditions.iter();
            let via = ConditionKey::Kms(KmsKey::ViaService);
            let via = conditions.filter(move |condition| *condition.key() == via);
            let via = via.flat_map(|condition| condition.source().split('"').skip(1).step_by(2));
            via.chain(statement.principals.services())
        });
        hosts.map(str::to_owned).collect()
    }

    /// The conditions that no request can meet, by statement, and why.
    pub fn dead_conditions(&self) -> Vec<(usize, String)> {
        let statements = self.statements.iter().enumerate();
        let dead = statements.flat_map(|(index, statement)| {
            let conditions = statement.conditions.iter();
            let dead = conditions.filter_map(|one| one.never_holds(statement.actions));
            dead.map(move |why| (index, why))
        });
        dead.collect()
    }

    /// What the policy says of a request.
    pub(super) fn findings(&self, scene: &Scene<'_, '_>) -> Findings<'_> {
        let mut findings = Findings::default();
        for (index, statement) in self.statements.iter().enumerate() {
            let Some(fit) = statement.applies(scene) else {
                continue;
            };
            let found = Some(Found { index, sid: statement.sid.as_deref() });
            match (statement.effect, fit) {
                (Effect::Deny, _) => {
                    return Findings { denies: found, ..findings };
                }
                (Effect::Allow, Fit::Exactly) => findings.names = findings.names.or(found),
                (Effect::Allow, Fit::Itself) => findings.allows = findings.allows.or(found),
                (Effect::Allow, Fit::Account) => findings.delegates = findings.delegates.or(found),
            }
        }
        findings
    }
}

impl fmt::Debug for Policy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Policy({:?}, {})", self.kind, self.text)
    }
}

fn default_text(account: AccountId, partition: Partition) -> String {
    let partition = partition.as_str();
    format!(
        r#"{{
  "Version" : "2012-10-17",
  "Id" : "key-default-1",
  "Statement" : [ {{
    "Sid" : "Enable IAM User Permissions",
    "Effect" : "Allow",
    "Principal" : {{
      "AWS" : "arn:{partition}:iam::{account}:root"
    }},
    "Action" : "kms:*",
    "Resource" : "*"
  }} ]
}}"#
    )
}

impl PartialEq for Policy {
    fn eq(&self, other: &Policy) -> bool {
        self.kind == other.kind && self.text == other.text
    }
}

impl Eq for Policy {}

/// A statement that applies.
#[derive(Clone, Copy, Debug)]
pub(super) struct Found<'a> {
    pub(super) index: usize,
    pub(super) sid: Option<&'a str>,
}

/// The first statements of a policy that apply to a request; nothing else counts beside a denial.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Findings<'a> {
    pub(super) denies: Option<Found<'a>>,
    /// Allows the user or session by its ARN.
    pub(super) names: Option<Found<'a>>,
    /// Allows the role of the caller, or everyone.
    pub(super) allows: Option<Found<'a>>,
    /// Allows the account of the caller.
    pub(super) delegates: Option<Found<'a>>,
}

impl<'a> Findings<'a> {
    /// A statement that allows the caller, and not merely its account: the earliest.
    pub(super) fn itself(&self) -> Option<Found<'a>> {
        match (self.names, self.allows) {
            (Some(one), Some(other)) => Some(if one.index < other.index { one } else { other }),
            (one, other) => one.or(other),
        }
    }
}

type Members = [(String, Json)];

/// Policy variables exist since version 2012-10-17; a policy without version is of the older one.
fn read_version(members: &Members) -> Result<Variables, MalformedPolicy> {
    match compile::member(members, "Version").map(Json::text) {
        None | Some(Some("2008-10-17")) => Ok(Variables::Literal),
        Some(Some("2012-10-17")) => Ok(Variables::Active),
        Some(_) => Err(MalformedPolicy::new(
            "policy, Version",
            "has to be \"2012-10-17\" or \"2008-10-17\"",
        )),
    }
}

fn check_id(members: &Members) -> Result<(), MalformedPolicy> {
    match compile::member(members, "Id") {
        Some(id) if id.text().is_none() => {
            Err(MalformedPolicy::new("policy, Id", format!("is {}, not a string", id.kind())))
        }
        _ => Ok(()),
    }
}

fn read_statements(members: &Members, rules: Rules) -> Result<Vec<Statement>, MalformedPolicy> {
    let json = compile::member(members, "Statement")
        .ok_or_else(|| MalformedPolicy::new("policy", "has no Statement"))?;
    let mut statements: Vec<Statement> = Vec::with_capacity(json.items().len());
    for (index, item) in json.items().iter().enumerate() {
        let place = compile::place_of(index, item);
        let compiled = compile::statement(item, rules).map_err(|error| error.within(&place));
        let compiled = compiled.and_then(|statement| {
            let twice = statement.sid.is_some()
                && statements.iter().any(|other| other.sid == statement.sid);
            let problem = || MalformedPolicy::new(place, "has the Sid of an earlier statement");
            if twice { Err(problem()) } else { Ok(statement) }
        });
        let placed = |error| MalformedPolicy { statement: Some(index), ..error };
        statements.push(compiled.map_err(placed)?);
    }
    if statements.is_empty() {
        return Err(MalformedPolicy::new(
            "policy, Statement",
            "has to hold at least one statement",
        ));
    }
    Ok(statements)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ACCOUNT: AccountId = AccountId::new(111_122_223_333);

    fn refuse(text: &str, kind: PolicyKind) -> String {
        Policy::parse(text, kind).unwrap_err().to_string()
    }

    /// A key policy of one statement with these members after a valid Effect and Principal.
    fn refuse_members(members: &str) -> String {
        let text = format!(
            r#"{{"Statement": {{"Sid": "S", "Effect": "Allow", "Principal": "*"{members}}}}}"#
        );
        refuse(&text, PolicyKind::Key)
    }

    #[test]
    fn the_default_policy_keeps_its_text_and_trusts_the_account() {
        let policy = Policy::default_for(ACCOUNT, Partition::Aws);
        assert!(policy.text().contains(r#""Sid" : "Enable IAM User Permissions""#));
        assert!(policy.text().contains("arn:aws:iam::111122223333:root"));
        assert_eq!(policy, Policy::parse(policy.text(), PolicyKind::Key).unwrap());
        assert!(format!("{policy:?}").contains("key-default-1"));
    }

    #[test]
    fn errors_name_the_statement_and_the_element() {
        for (text, expected) in [
            ("", "policy: EOF while parsing a value at line 1 column 0"),
            ("[]", "policy: is a list, not an object"),
            ("{}", "policy: has no Statement"),
            (r#"{"Statement": []}"#, "policy, Statement: has to hold at least one statement"),
            (
                r#"{"Version": "2020-01-01"}"#,
                "policy, Version: has to be \"2012-10-17\" or \"2008-10-17\"",
            ),
            (r#"{"Id": 1, "Statement": []}"#, "policy, Id: is a number, not a string"),
            (
                r#"{"statement": []}"#,
                "policy: \"statement\" is unknown; known are Version, Id, Statement",
            ),
            (r#"{"Statement": [1]}"#, "statement 0, Statement: is a number, not an object"),
            (
                r#"{"Statement": {"Sid": "A"}}"#,
                "statement 0 \"A\", Effect: has to be \"Allow\" or \"Deny\"",
            ),
            (
                r#"{"Statement": {"Effect": "allow"}}"#,
                "statement 0, Effect: has to be \"Allow\" or \"Deny\"",
            ),
            (
                r#"{"Statement": {"Effect": "Allow"}}"#,
                "statement 0, Principal: is missing: the statement speaks of nobody",
            ),
        ] {
            assert_eq!(refuse(text, PolicyKind::Key), expected, "{text}");
        }
    }

    #[test]
    fn elements_have_to_be_well_formed() {
        for (members, part) in [
            (r#", "Action": "Encrypt""#, "\"S\", Action: \"Encrypt\" is no action"),
            (r#", "Action": []"#, "Action: is an empty list"),
            (r#", "Action": ["kms:*", 1]"#, "Action: is a number, not a string"),
            (r#", "Action": "*", "NotAction": "*""#, "NotAction: cannot stand beside Action"),
            (r#", "Resource": "key/1""#, "Resource: \"key/1\" is no resource"),
            (r#", "Condition": []"#, "Condition: is a list"),
            (r#", "Condition": {"Bool": true}"#, "Condition, Bool: is a boolean"),
            (
                r#", "Condition": {"Is": {"aws:a": "b"}}"#,
                "Condition, Is, aws:a: \"Is\" is no condition operator",
            ),
            (r#", "Actions": "*""#, "element: \"Actions\" is unknown"),
            (r#", "NotPrincipal": "*""#, "NotPrincipal: cannot stand beside Principal"),
            (r#", "Sid": "T""#, "member \"Sid\" is given twice"),
        ] {
            let error = refuse_members(members);
            assert!(error.contains(part), "{error}");
        }
    }

    #[test]
    fn a_problem_that_has_a_name_is_called_by_it_first() {
        let condition = r#", "Condition": {"ForAllValues:StringEquals": {"kms:KeySpec": "a"}}"#;
        assert_eq!(
            refuse_members(condition),
            "OverlyPermissiveCondition: statement 0 \"S\", Condition, ForAllValues:StringEquals, \
             kms:KeySpec: ForAllValues needs a key of several values; kms:KeySpec has one"
        );
    }

    #[test]
    fn principals_are_named_in_full() {
        for (principal, part) in [
            (r#""arn:aws:iam::111122223333:root""#, "has to be \"*\" or an object"),
            ("{}", "has to be \"*\" or an object"),
            (r#"{"AWS": []}"#, "empty list"),
            (r#"{"AWS": "arn:aws:iam::111122223333:user/*"}"#, "has a wildcard"),
            (r#"{"AWS": "arn:aws:iam::111122223333:group/admins"}"#, "is no principal"),
            (r#"{"AWS": "alice"}"#, "is no principal"),
            (r#"{"Service": "logs"}"#, "is no service"),
            (r#"{"Service": "*.amazonaws.com"}"#, "is no service"),
            (r#"{"Group": "admins"}"#, "\"Group\" is unknown"),
        ] {
            let text =
                format!(r#"{{"Statement": {{"Effect": "Allow", "Principal": {principal}}}}}"#);
            let error = refuse(&text, PolicyKind::Key);
            assert!(
                error.starts_with("statement 0, Principal: ") && error.contains(part),
                "{error}"
            );
        }
        let not_allowed =
            r#"{"Statement": {"Effect": "Allow", "NotPrincipal": {"AWS": "111122223333"}}}"#;
        assert!(
            refuse(not_allowed, PolicyKind::Key).contains("only stand in a statement that denies")
        );
    }

    #[test]
    fn every_kind_of_principal_is_understood() {
        let principals = r#"{"AWS": ["111122223333", "*"], "Service": "logs.us-east-1.amazonaws.com",
            "Federated": "cognito-identity.amazonaws.com", "CanonicalUser": "79a5"}"#;
        let text =
            format!(r#"{{"Statement": {{"Effect": "Deny", "NotPrincipal": {principals}}}}}"#);
        assert!(Policy::parse(&text, PolicyKind::Key).is_ok());
    }

    #[test]
    fn only_a_key_policy_may_lack_action_and_resource() {
        let lacking = r#"{"Statement": {"Effect": "Allow"}}"#;
        assert!(refuse(lacking, PolicyKind::Identity).contains("Action: is missing"));
        let lacking = r#"{"Statement": {"Effect": "Allow", "Principal": "*"}}"#;
        assert!(Policy::parse(lacking, PolicyKind::Key).is_ok());
        assert!(refuse(lacking, PolicyKind::Identity).contains("cannot stand in a policy"));
    }

    #[test]
    fn no_sid_stands_twice() {
        let statement = r#"{"Sid": "A", "Effect": "Allow", "Principal": "*"}"#;
        let text = format!(r#"{{"Statement": [{statement}, {statement}]}}"#);
        let error = refuse(&text, PolicyKind::Key);
        assert_eq!(error, "statement 1 \"A\": has the Sid of an earlier statement");
    }

    #[test]
    fn a_malformed_policy_is_an_api_error() {
        let error: Error = Policy::parse("{}", PolicyKind::Key).unwrap_err().into();
        assert_eq!(error.code, ErrorCode::MalformedPolicyDocument);
    }

    #[test]
    fn no_text_makes_the_parser_panic() {
        let valid = Policy::default_for(ACCOUNT, Partition::Aws).text().to_owned();
        for end in 0..valid.len() {
            assert!(Policy::parse(&valid[..end], PolicyKind::Key).is_err());
        }
        let values = [
            "null",
            "1",
            "true",
            "\"${\"",
            "\"ß*:${*}\"",
            "[]",
            "[[]]",
            "{}",
            r#"{"a": {"b": []}}"#,
        ];
        for member in ["Sid", "Effect", "Principal", "Action", "Resource", "Condition", "NotAction"]
        {
            for value in values {
                let text =
                    format!(r#"{{"Version": "2012-10-17", "Statement": {{"{member}": {value}}}}}"#);
                let error = refuse(&text, PolicyKind::Identity);
                assert!(error.starts_with("statement 0"), "{error}");
            }
        }
    }
}
