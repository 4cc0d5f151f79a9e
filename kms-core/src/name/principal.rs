//! Principals: who may call, hold a grant or stand in a policy.

use super::{AccountId, Partition};
use std::fmt;
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

/// A principal that may call, hold a grant or stand in a policy.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PrincipalArn {
    text: Arc<str>,
    account: AccountId,
    kind: PrincipalKind,
    /// The names that grants for it are filed under, made once instead of with every request.
    entries: Arc<[Arc<str>]>,
}

impl PrincipalArn {
    fn new(text: Arc<str>, account: AccountId, kind: PrincipalKind) -> PrincipalArn {
        let root = root_text(account).into();
        let mut entries = vec![text.clone(), root];
        entries.extend(role_of(&text, kind).map(|role| role_entry(account, role)));
        entries.dedup();
        PrincipalArn { text, account, kind, entries: entries.into() }
    }

    /// The root principal of an account.
    pub fn root(account: AccountId) -> PrincipalArn {
        PrincipalArn::new(root_text(account).into(), account, PrincipalKind::Root)
    }

    /// An AWS service acting on behalf of an account.
    pub fn service(host: &str, account: AccountId) -> PrincipalArn {
        PrincipalArn::new(host.into(), account, PrincipalKind::Service)
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

    /// The role a role session came from: session ARN to role name.
    pub fn session_role(&self) -> Option<&str> {
        let session = self.kind == PrincipalKind::AssumedRole;
        session.then(|| role_of(&self.text, self.kind)).flatten()
    }

    /// What grants that may concern this caller are filed under: itself, its account, and the role it
    /// is or acts for.
    pub(crate) fn grant_entries(&self) -> &[Arc<str>] {
        &self.entries
    }

    /// What a grant for this grantee is filed under. A role is filed without its path, which a session
    /// of it does not show.
    pub(crate) fn grantee_entry(&self) -> &Arc<str> {
        let role = self.kind == PrincipalKind::Role;
        let entry = if role { self.entries.last() } else { self.entries.first() };
        entry.unwrap_or(&self.text)
    }
}

fn root_text(account: AccountId) -> String {
    format!("arn:aws:iam::{account}:root")
}

/// The name of the role that a principal is, or is a session of.
fn role_of(text: &str, kind: PrincipalKind) -> Option<&str> {
    match kind {
        PrincipalKind::Role => text.rsplit('/').next(),
        PrincipalKind::AssumedRole => text.split_once(":assumed-role/")?.1.split('/').next(),
        _ => None,
    }
}

fn role_entry(account: AccountId, role: &str) -> Arc<str> {
    format!("{account}:role/{role}").into()
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
        assert_eq!(session.session_role(), Some("admin"));
        assert_eq!(session.account(), AccountId::new(111_122_223_333));
        assert_eq!(PrincipalArn::root(session.account()).kind(), PrincipalKind::Root);
        for bad in ["arn:aws:iam::111122223333:user/", "arn:aws:iam::1:root", "alice", ""] {
            assert!(PrincipalArn::parse(bad).is_none(), "{bad}");
        }
    }
}
