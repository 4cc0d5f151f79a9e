//! Random cases from a small vocabulary, in which names meet often.
//!
//! A case is decoded from a list of bytes; smaller bytes mean plainer cases, so that what fails
//! shrinks to something readable.

use crate::case::{About, Case, Grant, OTHER_KEY, Pairs, Terms};
use proptest::prelude::*;
use serde_json::{Map, Value, json};

const ROOT: &str = "arn:aws:iam::111122223333:root";
const ALICE: &str = "arn:aws:iam::111122223333:user/team/alice";
const ROLE: &str = "arn:aws:iam::111122223333:role/team/app";
const SESSION: &str = "arn:aws:sts::111122223333:assumed-role/app/one";
const BOB: &str = "arn:aws:iam::444455556666:user/bob";
const BOB_ROOT: &str = "arn:aws:iam::444455556666:root";
const LOGS: &str = "logs.us-east-1.amazonaws.com";
const VOLUME: &str = "arn:aws:ec2:us-east-1:111122223333:volume/vol-1";

const CALLERS: [&str; 12] =
    [ALICE, SESSION, ALICE, BOB, SESSION, BOB, ROOT, ALICE, LOGS, BOB_ROOT, ROLE, BOB];

pub(crate) fn cases() -> impl Strategy<Value = Case> {
    proptest::collection::vec(any::<u8>(), 160)
        .prop_map(|bytes| Draw { bytes: &bytes, at: 0 }.case())
}

/// The vocabulary of a case, read off a list of bytes.
struct Draw<'b> {
    bytes: &'b [u8],
    at: usize,
}

/// What a policy is for.
#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Key,
    Identity,
    /// Restricts, and names principals.
    Named,
    /// Restricts, and names none.
    Nameless,
}

impl Draw<'_> {
    fn byte(&mut self) -> u8 {
        self.at += 1;
        self.bytes.get(self.at - 1).copied().unwrap_or(0)
    }

    fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        let byte = usize::from(self.byte());
        from[byte * from.len() / 256]
    }

    fn chance(&mut self, percent: u8) -> bool {
        u32::from(self.byte()) * 100 >= u32::from(100 - percent) * 256
    }

    fn case(&mut self) -> Case {
        let caller = self.pick(&CALLERS);
        let (about, action) = self.pick(&[
            (About::Key, "Encrypt"),
            (About::Key, "Decrypt"),
            (About::Key, "Decrypt"),
            (About::Key, "Encrypt"),
            (About::Key, "Decrypt"),
            (About::Key, "DescribeKey"),
            (About::Key, "Sign"),
            (About::ManagedKey, "Encrypt"),
            (About::Key, "PutKeyPolicy"),
            (About::Key, "CreateGrant"),
            (About::Key, "CreateGrant"),
            (About::Key, "CreateGrant"),
            (About::Key, "RetireGrant"),
            (About::Key, "RetireGrant"),
            (About::Alias, "CreateAlias"),
            (About::Anything, "CreateKey"),
            (About::Anything, "CreateKey"),
        ]);
        let context = self.pairs();
        let by_service = self.chance(48);
        let identities = self.pick(&[0, 1, 1, 2]);
        let grants = if self.chance(70) { self.pick(&[1, 1, 1, 2]) } else { 0 };
        Case {
            caller,
            action,
            about,
            key_policy: self.policy(Kind::Key, caller, action),
            identity: (0..identities)
                .map(|_| self.policy(Kind::Identity, caller, action))
                .collect(),
            restricting: self.restricting(caller, action),
            grants: (0..grants).map(|_| self.grant(caller, action, &context)).collect(),
            team: self.pick(&[None, Some("blue"), Some("red")]),
            via: if by_service {
                self.pick(&[Some("s3.us-east-1.amazonaws.com"), None])
            } else {
                None
            },
            source_arn: if by_service {
                self.pick(&[None, Some(VOLUME), Some("arn:aws:s3:::b")])
            } else {
                None
            },
            source_ip: self.pick(&[None, Some("203.0.113.9"), Some("10.1.2.3")]),
            alias: self.chance(30),
            child: (action == "CreateGrant").then(|| self.terms(action, &context)),
            context,
        }
    }

    fn pairs(&mut self) -> Pairs {
        let all = [("a", "1"), ("a", "2"), ("b", "1")];
        let count = self.pick(&[0, 1, 1, 2]);
        (0..count).map(|_| self.pick(&all)).map(|(k, v)| (k.to_owned(), v.to_owned())).collect()
    }

    fn restricting(&mut self, caller: &str, action: &str) -> Vec<(&'static str, Value)> {
        if !self.chance(18) {
            return Vec::new();
        }
        let layers = [
            ("boundary", Kind::Nameless),
            ("session", Kind::Nameless),
            ("scp", Kind::Nameless),
            ("rcp", Kind::Named),
            ("endpoint", Kind::Named),
        ];
        let count = self.pick(&[1, 1, 1, 2]);
        let mut chosen: Vec<_> = (0..count).map(|_| self.pick(&layers)).collect();
        chosen.sort_by_key(|(name, _)| layers.iter().position(|(known, _)| known == name));
        chosen.into_iter().map(|(name, kind)| (name, self.policy(kind, caller, action))).collect()
    }

    fn policy(&mut self, kind: Kind, caller: &str, action: &str) -> Value {
        let count = self.pick(&[1, 1, 2, 2, 3, 4]);
        let statements: Vec<Value> =
            (0..count).map(|_| self.statement(kind, caller, action)).collect();
        let version = self.pick(&["2012-10-17", "2012-10-17", "2012-10-17", "2008-10-17"]);
        json!({"Version": version, "Statement": statements})
    }

    fn statement(&mut self, kind: Kind, caller: &str, action: &str) -> Value {
        let mut statement = Map::new();
        let denies = self.chance(6);
        statement.insert("Effect".into(), json!(if denies { "Deny" } else { "Allow" }));
        if let Kind::Key | Kind::Named = kind {
            let element = if denies && self.chance(40) { "NotPrincipal" } else { "Principal" };
            statement.insert(element.into(), self.principal(caller));
        }
        let (element, actions) = self.actions(action);
        statement.insert(element.into(), actions);
        let (element, resources) = self.resources();
        statement.insert(element.into(), resources);
        if self.chance(35) {
            statement.insert("Condition".into(), self.conditions());
        }
        Value::Object(statement)
    }

    fn principal(&mut self, caller: &str) -> Value {
        let own_root =
            format!("arn:aws:iam::{}:root", caller.split(':').nth(4).unwrap_or("111122223333"));
        let named = [ALICE, ROLE, SESSION, BOB, BOB_ROOT, ROOT, "111122223333", "444455556666"];
        match self.pick(&[0, 1, 2, 3, 4, 5, 6, 7, 8]) {
            0 | 1 if caller == LOGS => json!({"Service": LOGS}),
            0 => json!({"AWS": caller}),
            1 | 2 => json!({"AWS": ROOT}),
            3 => json!({"AWS": own_root}),
            4 => json!("*"),
            5 => json!({"AWS": "*"}),
            8 => json!({"AWS": self.pick(&[BOB, ROLE])}),
            6 => json!({"AWS": [self.pick(&named), self.pick(&named)]}),
            _ => {
                json!({"AWS": self.pick(&named), "Service": self.pick(&[LOGS, "s3.amazonaws.com"])})
            }
        }
    }

    fn actions(&mut self, action: &str) -> (&'static str, Value) {
        match self.pick(&[0, 0, 1, 1, 2, 3, 4, 5, 6, 7]) {
            0 => ("Action", json!("kms:*")),
            1 => ("Action", json!(format!("kms:{action}"))),
            2 => ("Action", json!("*")),
            3 => ("Action", json!(["kms:De*", "KMS:encrypt"])),
            4 => ("Action", json!("kms:*Grant")),
            5 => ("Action", json!(["kms:?ecrypt", "s3:*"])),
            6 => ("NotAction", json!(["kms:Sign", "kms:Create*"])),
            _ => ("Action", json!("kms:Create*")),
        }
    }

    fn resources(&mut self) -> (&'static str, Value) {
        match self.pick(&[0, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4, 5, 6]) {
            0 => ("Resource", json!("*")),
            1 => ("Resource", json!(crate::case::KEY)),
            2 => ("Resource", json!([OTHER_KEY, "arn:aws:kms:*:111122223333:*"])),
            3 => ("Resource", json!("arn:aws:kms:us-east-?:*:key/1234*")),
            4 => ("Resource", json!("arn:aws:kms:*:*:alias/${aws:username}")),
            5 => ("NotResource", json!(OTHER_KEY)),
            _ => ("Resource", json!(OTHER_KEY)),
        }
    }

    fn conditions(&mut self) -> Value {
        let mut conditions = Map::new();
        for _ in 0..self.pick(&[1, 1, 1, 2]) {
            let (operator, key, values) = self.condition();
            conditions.insert(operator, json!({key: values}));
        }
        Value::Object(conditions)
    }

    fn condition(&mut self) -> (String, &'static str, Value) {
        match self.pick(&[0, 0, 0, 0, 1, 2, 3, 4, 5, 6]) {
            0 => self.text_condition(),
            1 => self.set_condition(),
            2 => self.time_condition(),
            3 => {
                let keys = [
                    "aws:SecureTransport",
                    "aws:PrincipalIsAWSService",
                    "kms:GrantIsForAWSResource",
                ];
                (
                    self.optional("Bool"),
                    self.pick(&keys),
                    self.pick(&["true", "false", "TRUE"]).into(),
                )
            }
            4 => {
                let keys = [
                    "kms:ViaService",
                    "aws:SourceArn",
                    "kms:EncryptionContext:a",
                    "kms:RequestAlias",
                    "aws:PrincipalTag/team",
                ];
                ("Null".into(), self.pick(&keys), json!(self.pick(&["true", "false"])))
            }
            5 => {
                let operator = self.pick(&["IpAddress", "NotIpAddress"]);
                let blocks = ["203.0.113.0/24", "10.0.0.0/8", "10.1.2.3", "0.0.0.0/0"];
                (
                    self.optional(operator),
                    "aws:SourceIp",
                    json!([self.pick(&blocks), self.pick(&blocks)]),
                )
            }
            _ => {
                let operator = self.pick(&["ArnLike", "ArnNotLike", "ArnEquals", "ArnNotEquals"]);
                let key = self.pick(&["aws:PrincipalArn", "aws:SourceArn"]);
                let arns = [
                    ALICE,
                    "arn:aws:iam::*:role/app",
                    "arn:aws:iam::111122223333:*",
                    "*",
                    VOLUME,
                    "arn:aws:iam::*:user/*/${aws:username}",
                ];
                (self.optional(operator), key, json!(self.pick(&arns)))
            }
        }
    }

    fn optional(&mut self, operator: &str) -> String {
        let suffix = if self.chance(20) { "IfExists" } else { "" };
        format!("{operator}{suffix}")
    }

    fn text_condition(&mut self) -> (String, &'static str, Value) {
        let operators = [
            "StringEquals",
            "StringLike",
            "StringNotEquals",
            "StringNotLike",
            "StringEqualsIgnoreCase",
            "StringNotEqualsIgnoreCase",
        ];
        let operator = self.pick(&operators);
        let operator = self.optional(operator);
        let (key, value): (&'static str, &[&'static str]) = match self.pick(&[0, 1, 2, 3, 4, 5, 6])
        {
            0 => ("aws:PrincipalAccount", &["111122223333", "444455556666", "1111*"]),
            1 => ("kms:EncryptionContext:a", &["1", "2", "?", "${aws:username}"]),
            2 => ("aws:username", &["alice", "ALICE", "b*", "${aws:username}", "*"]),
            3 => (
                "aws:PrincipalTag/team",
                &["blue", "Blue", "${aws:PrincipalTag/team, 'red'}", "r?d"],
            ),
            4 => ("kms:ViaService", &["s3.us-east-1.amazonaws.com", "s3.*.amazonaws.com", "ec2.*"]),
            5 => ("kms:CallerAccount", &["111122223333", "*"]),
            _ => ("kms:RequestAlias", &["alias/app", "alias/a*", "alias/APP"]),
        };
        let values = if self.chance(25) {
            json!([self.pick(value), self.pick(value)])
        } else {
            json!(self.pick(value))
        };
        (operator, key, values)
    }

    fn set_condition(&mut self) -> (String, &'static str, Value) {
        let set = self.pick(&["ForAllValues:", "ForAnyValue:", ""]);
        let operator = self.pick(&["StringEquals", "StringNotEquals", "StringLike"]);
        let (key, values) = self.pick(&[
            ("kms:EncryptionContextKeys", ["a", "b"]),
            ("kms:GrantOperations", ["Decrypt", "Encrypt"]),
            ("kms:ResourceAliases", ["alias/app", "alias/*"]),
        ]);
        let values = if self.chance(50) { json!(values) } else { json!(values[0]) };
        (format!("{set}{operator}"), key, values)
    }

    fn time_condition(&mut self) -> (String, &'static str, Value) {
        if self.chance(50) {
            let operator = self.pick(&["DateLessThan", "DateGreaterThan"]);
            let moments = ["2025-01-01", "2026-01-01T00:00:00Z", "2027-01-01"];
            return (operator.into(), "aws:CurrentTime", json!(self.pick(&moments)));
        }
        let operators = [
            "NumericEquals",
            "NumericNotEquals",
            "NumericLessThan",
            "NumericLessThanEquals",
            "NumericGreaterThan",
            "NumericGreaterThanEquals",
        ];
        let numbers = [json!("1767225600"), json!(1_767_225_600), json!("1767225600.5"), json!(7)];
        let at = self.pick(&[0, 1, 2, 3]);
        (self.pick(&operators).into(), "aws:EpochTime", numbers[at].clone())
    }

    fn grant(&mut self, caller: &str, action: &'static str, context: &Pairs) -> Grant {
        let own_root =
            format!("arn:aws:iam::{}:root", caller.split(':').nth(4).unwrap_or("111122223333"));
        let parties = [ALICE, ROLE, SESSION, BOB, LOGS, ROOT, BOB_ROOT];
        let grantee = match self.pick(&[0, 0, 0, 1, 1, 2]) {
            0 => caller.to_owned(),
            1 => own_root.clone(),
            _ => self.pick(&parties).to_owned(),
        };
        let retiring = match self.pick(&[0, 0, 1, 2, 3]) {
            0 => None,
            1 => Some(caller.to_owned()),
            2 => Some(own_root),
            _ => Some(self.pick(&parties).to_owned()),
        };
        Grant {
            grantee,
            retiring,
            issuer: self.pick(&[ALICE, BOB, ROOT]).to_owned(),
            terms: self.terms(action, context),
        }
    }

    fn terms(&mut self, action: &'static str, context: &Pairs) -> Terms {
        let grantable = ["Encrypt", "Decrypt", "CreateGrant", "RetireGrant", "DescribeKey", "Sign"];
        let mut operations: Vec<&'static str> =
            (0..self.pick(&[1, 2, 3])).map(|_| self.pick(&grantable)).collect();
        if self.chance(75) && grantable.contains(&action) {
            operations.push(action);
        }
        operations.sort_unstable();
        operations.dedup();
        let pairs = if self.chance(35) { context.clone() } else { self.pairs() };
        let kind = self.pick(&[0, 1, 2]);
        Terms {
            operations,
            equals: (kind == 1).then(|| pairs.clone()),
            subset: (kind == 2).then_some(pairs),
            source: if self.chance(55) { Some(VOLUME.into()) } else { None },
        }
    }
}
