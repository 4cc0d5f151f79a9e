//! Principals: who may call, hold a grant or stand in a policy.

use super::{AccountId, Partition};
use crate::table::FixedHasher;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

/// What kind of principal an ARN names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PrincipalKind {
    /// The account itself: `arn:aws:iam::111122223333:root`.
    Root,
    /// An IAM user.
    User,
    /// An IAM role.
    Role,
    /// A session of a role: `arn:aws:sts::…:assumed-role/role/session`.
    AssumedRole,
    /// A federated user session.
    FederatedUser,
    /// An AWS service such as `logs.us-east-1.amazonaws.com`.
    Service,
}

/// A principal that may call, hold a grant or stand in a policy. What decisions ask of it again and
/// again is worked out when it is parsed.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PrincipalArn {
    text: Arc<str>,
    account: AccountId,
    kind: PrincipalKind,
    /// Where in the text the name of the role stands, of a role or of a session of one.
    role_name: (usize, usize),
    /// The role a session came from, without its path, which the session does not show.
    session_role: Option<Arc<str>>,
    /// What grants to this principal are filed under, and those to the role of this session. Texts
    /// that differ here differ, which is cheaper to find out than by reading them.
    entry: u64,
    role_entry: u64,
}

impl PrincipalArn {
    /// The root principal of an account, which is in one partition with its Regions.
    pub fn root(account: AccountId, partition: Partition) -> PrincipalArn {
        let text = format!("arn:{}:iam::{account}:root", partition.as_str()).into();
        PrincipalArn::new(text, account, PrincipalKind::Root)
    }

    /// An AWS service acting on behalf of an account.
    pub fn service(host: &str, account: AccountId) -> PrincipalArn {
        PrincipalArn::new(host.into(), account, PrincipalKind::Service)
    }

    fn new(text: Arc<str>, account: AccountId, kind: PrincipalKind) -> PrincipalArn {
        let role_name = role_name(&text, kind);
        let name = &text[role_name.0..role_name.1];
        let session_role = (kind == PrincipalKind::AssumedRole).then(|| {
            let partition = text.split(':').nth(1).unwrap_or_default();
            format!("arn:{partition}:iam::{account}:role/{name}").into()
        });
        let role_entry = role_entry(account, name);
        let entry = match kind {
            PrincipalKind::Root => account_entry(account),
            PrincipalKind::Role => role_entry,
            _ => entry_of(&text),
        };
        PrincipalArn { text, account, kind, role_name, session_role, entry, role_entry }
    }

    /// An IAM or STS ARN, or nothing.
    pub fn parse(text: &str) -> Option<PrincipalArn> {
        let mut parts = text.splitn(6, ':');
        let (arn, partition) = (parts.next()?, parts.next()?);
        let (service, region) = (parts.next()?, parts.next()?);
        let account = AccountId::parse(parts.next()?)?;
        let resource = parts.next()?;
        let head = arn == "arn" && Partition::parse(partition).is_some() && region.is_empty();
        let kind = principal_kind(service, resource).filter(|_| head)?;
        Some(PrincipalArn::new(text.into(), account, kind))
    }

    /// The account the principal belongs to, or that a service acts for.
    pub fn account(&self) -> AccountId {
        self.account
    }

    /// What kind of principal it is.
    pub fn kind(&self) -> PrincipalKind {
        self.kind
    }

    /// The ARN, or the host name of a service.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The name of a role, without its path, or of the role a session came from.
    pub fn role_name(&self) -> Option<&str> {
        let (from, to) = self.role_name;
        (from < to).then(|| &self.text[from..to])
    }

    /// The role a session came from: session ARN to role ARN, which has lost its path.
    pub fn session_role(&self) -> Option<&str> {
        self.session_role.as_deref()
    }

    /// What grants to this principal are filed under. A role is filed without its path, which a
    /// session of it does not show.
    pub(crate) fn entry(&self) -> u64 {
        self.entry
    }

    /// What the grants are filed under that may concern this caller: those to itself, to its account
    /// and, for a session, to its role. Other principals may share an entry.
    pub(crate) fn entries(&self) -> [Option<u64>; 3] {
        let account = (self.kind != PrincipalKind::Root).then(|| account_entry(self.account));
        let role = (self.kind == PrincipalKind::AssumedRole).then_some(self.role_entry);
        [Some(self.entry), role, account]
    }

    /// Whether both are of the same role, whatever its path.
    pub(crate) fn is_of_role(&self, role: &PrincipalArn) -> bool {
        self.role_entry == role.role_entry
            && self.account == role.account
            && self.role_name() == role.role_name()
    }

    /// Whether both are the same principal.
    pub(crate) fn is(&self, other: &PrincipalArn) -> bool {
        self.entry == other.entry && self.text == other.text
    }
}

/// What grants to that service are filed under.
pub(crate) fn entry_of(text: &str) -> u64 {
    let mut hasher = FixedHasher::default();
    text.hash(&mut hasher);
    hasher.finish()
}

fn account_entry(account: AccountId) -> u64 {
    let mut hasher = FixedHasher::default();
    account.hash(&mut hasher);
    hasher.finish()
}

fn role_entry(account: AccountId, name: &str) -> u64 {
    let mut hasher = FixedHasher::default();
    (account, name).hash(&mut hasher);
    hasher.finish()
}

/// `…:role/path/Name` and `…:assumed-role/Name/session`; nothing of other principals.
fn role_name(text: &str, kind: PrincipalKind) -> (usize, usize) {
    let after = |separator: &str| text.find(separator).map(|at| at + separator.len());
    match kind {
        PrincipalKind::Role => {
            let from = text.rfind('/').map_or(text.len(), |at| at + 1);
            (from, text.len())
        }
        PrincipalKind::AssumedRole => {
            let from = after(":assumed-role/").unwrap_or(text.len());
            let length = text[from..].find('/').unwrap_or(text.len() - from);
            (from, from + length)
        }
        _ => (0, 0),
    }
}

impl fmt::Display for PrincipalArn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

fn principal_kind(service: &str, resource: &str) -> Option<PrincipalKind> {
    let (family, name) = resource.split_once('/').unwrap_or((resource, ""));
    let kind = match (service, family) {
        ("iam", "root") if name.is_empty() => return Some(PrincipalKind::Root),
        ("iam", "user") => PrincipalKind::User,
        ("iam", "role") => PrincipalKind::Role,
        ("sts", "assumed-role") => {
            return name
                .split_once('/')
                .filter(|(role, session)| !role.is_empty() && !session.is_empty())
                .map(|_| PrincipalKind::AssumedRole);
        }
        ("sts", "federated-user") => PrincipalKind::FederatedUser,
        _ => return None,
    };
    (!name.is_empty()).then_some(kind)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn principals_know_their_kind_and_account() {
        let session =
            PrincipalArn::parse("arn:aws:sts::111122223333:assumed-role/admin/alice").unwrap();
        assert_eq!(session.kind(), PrincipalKind::AssumedRole);
        assert_eq!(session.role_name(), Some("admin"));
        assert_eq!(session.session_role(), Some("arn:aws:iam::111122223333:role/admin"));
        let role = PrincipalArn::parse("arn:aws:iam::111122223333:role/path/admin").unwrap();
        assert_eq!((role.role_name(), role.session_role()), (Some("admin"), None));
        assert!(session.entries().contains(&Some(role.entry())));
        assert_eq!(session.account(), AccountId::new(111_122_223_333));
        for partition in [Partition::Aws, Partition::China, Partition::GovCloud] {
            let root = PrincipalArn::root(session.account(), partition);
            assert_eq!(root.kind(), PrincipalKind::Root);
            let written = format!("arn:{}:iam::111122223333:root", partition.as_str());
            assert_eq!(root, PrincipalArn::parse(&written).unwrap());
        }
        for bad in ["arn:aws:iam::111122223333:user/", "arn:aws:iam::1:root", "alice", ""] {
            assert!(PrincipalArn::parse(bad).is_none(), "{bad}");
        }
    }
}
