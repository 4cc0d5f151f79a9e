//! Which callers a principal names, in policies and in grants.
//!
//! A principal is matched exactly, with two widenings that AWS documents: an account stands for
//! everyone in it (who then needs an IAM policy as well), and a role stands for its sessions.

use crate::name::{PrincipalArn, PrincipalKind};

/// How closely a named principal fits a caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fit {
    /// Only the caller's account is named: the account decides, by its IAM policies.
    Account,
    /// The role of the caller is named, or everyone.
    Itself,
    /// The ARN of the user or session is named. What such a statement allows in its own account, no
    /// permissions boundary and no session policy withholds by its silence (IAM User Guide, "Policy
    /// evaluation logic", resource-based policies).
    Exactly,
}

/// How `named` fits `caller`, or nothing when it does not.
///
/// The root principal of an account fits itself closely; any other principal of the account only
/// through the account. An AWS service belongs to no account. A session's ARN does not carry the path
/// of its role, so a role fits its sessions by its name, which is unique in an account.
pub fn fit(named: &PrincipalArn, caller: &PrincipalArn) -> Option<Fit> {
    match named.kind() {
        PrincipalKind::Root => fit_account(named, caller),
        PrincipalKind::Role if caller.kind() == PrincipalKind::AssumedRole => {
            caller.is_of_role(named).then_some(Fit::Itself)
        }
        kind => (kind == caller.kind() && named.is(caller)).then(|| closest(kind)),
    }
}

fn closest(kind: PrincipalKind) -> Fit {
    match kind {
        PrincipalKind::Root | PrincipalKind::Role | PrincipalKind::Service => Fit::Itself,
        PrincipalKind::User | PrincipalKind::AssumedRole | PrincipalKind::FederatedUser => {
            Fit::Exactly
        }
    }
}

fn fit_account(root: &PrincipalArn, caller: &PrincipalArn) -> Option<Fit> {
    match caller.kind() {
        _ if root.account() != caller.account() => None,
        PrincipalKind::Service => None,
        PrincipalKind::Root => Some(Fit::Itself),
        _ => Some(Fit::Account),
    }
}

/// The name of a user or role without its path.
pub(super) fn last_segment(principal: &PrincipalArn) -> &str {
    principal.as_str().rsplit('/').next().unwrap_or_default()
}

/// The principals of one statement.
#[derive(Debug)]
pub(super) enum Principals {
    /// The statement has no principal element: it speaks of whoever it is attached to.
    Implied,
    /// `Principal`.
    Only(Names),
    /// `NotPrincipal`.
    AllBut(Names),
}

impl Principals {
    /// The accounts, users, roles and sessions that `Principal` names.
    pub(super) fn arns(&self) -> &[PrincipalArn] {
        match self {
            Principals::Only(names) => &names.arns,
            _ => &[],
        }
    }

    /// The services that `Principal` names.
    pub(super) fn services(&self) -> impl Iterator<Item = &str> {
        let names = match self {
            Principals::Only(names) => Some(names),
            _ => None,
        };
        names.into_iter().flat_map(|names| &names.services).map(AsRef::as_ref)
    }

    /// How the statement fits the caller, or nothing when it does not speak of the caller.
    pub(super) fn fit(&self, caller: &PrincipalArn) -> Option<Fit> {
        match self {
            Principals::Implied => Some(Fit::Itself),
            Principals::Only(names) => names.fit(caller),
            Principals::AllBut(names) => (!names.except(caller)).then_some(Fit::Itself),
        }
    }
}

/// A list of principals, compiled.
#[derive(Debug, Default)]
pub(super) struct Names {
    /// `"*"`: everyone, services too.
    pub(super) everyone: bool,
    /// Accounts, users, roles and sessions.
    pub(super) arns: Vec<PrincipalArn>,
    /// Host names of AWS services.
    pub(super) services: Vec<Box<str>>,
}

impl Names {
    /// Whether a `NotPrincipal` of these names leaves the caller out: by name, by role, or as everyone.
    /// An account that is named leaves out its root principal alone. AWS advises to name the account
    /// beside each user or role that is left out (IAM User Guide, "NotPrincipal"), and nobody else of
    /// the account is meant.
    fn except(&self, caller: &PrincipalArn) -> bool {
        self.fit(caller).is_some_and(|fit| fit > Fit::Account)
    }

    fn fit(&self, caller: &PrincipalArn) -> Option<Fit> {
        let everyone = self.everyone.then_some(Fit::Itself);
        if caller.kind() == PrincipalKind::Service {
            let named = self.services.iter().any(|host| **host == *caller.as_str());
            return everyone.or(named.then_some(Fit::Itself));
        }
        self.arns.iter().filter_map(|named| fit(named, caller)).max().max(everyone)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::name::{AccountId, Partition};

    fn arn(text: &str) -> PrincipalArn {
        PrincipalArn::parse(text).unwrap()
    }

    #[test]
    fn a_principal_is_matched_exactly_but_for_accounts_and_roles() {
        for (named, caller, expected) in [
            ("iam::111122223333:root", "iam::111122223333:root", Some(Fit::Itself)),
            ("iam::111122223333:root", "iam::111122223333:user/alice", Some(Fit::Account)),
            ("iam::111122223333:root", "iam::444455556666:user/alice", None),
            ("iam::111122223333:user/alice", "iam::111122223333:user/alice", Some(Fit::Exactly)),
            ("iam::111122223333:role/app", "iam::111122223333:role/app", Some(Fit::Itself)),
            (
                "sts::111122223333:assumed-role/app/i-1",
                "sts::111122223333:assumed-role/app/i-1",
                Some(Fit::Exactly),
            ),
            ("iam::111122223333:user/alice", "iam::111122223333:user/Alice", None),
            ("iam::111122223333:user/alice", "iam::111122223333:root", None),
            (
                "iam::111122223333:role/app",
                "sts::111122223333:assumed-role/app/i-1",
                Some(Fit::Itself),
            ),
            (
                "iam::111122223333:role/team/app",
                "sts::111122223333:assumed-role/app/i-1",
                Some(Fit::Itself),
            ),
            ("iam::111122223333:role/app/x", "sts::111122223333:assumed-role/app/x", None),
            ("iam::444455556666:role/app", "sts::111122223333:assumed-role/app/i-1", None),
            (
                "sts::111122223333:assumed-role/app/i-1",
                "sts::111122223333:assumed-role/app/i-2",
                None,
            ),
            ("sts::111122223333:assumed-role/app/i-1", "iam::111122223333:role/app", None),
            ("iam::111122223333:user/app", "sts::111122223333:assumed-role/app/app", None),
            (
                "sts::111122223333:federated-user/f",
                "sts::111122223333:federated-user/f",
                Some(Fit::Exactly),
            ),
        ] {
            let (named, caller) =
                (arn(&format!("arn:aws:{named}")), arn(&format!("arn:aws:{caller}")));
            assert_eq!(fit(&named, &caller), expected, "{named} for {caller}");
        }
    }

    #[test]
    fn a_service_belongs_to_no_account() {
        let account = AccountId::new(111_122_223_333);
        let logs = PrincipalArn::service("logs.us-east-1.amazonaws.com", account);
        assert_eq!(fit(&PrincipalArn::root(account, Partition::Aws), &logs), None);
        let named = Names { services: vec![logs.as_str().into()], ..Names::default() };
        assert_eq!(named.fit(&logs), Some(Fit::Itself));
        let other = PrincipalArn::service("logs.eu-west-1.amazonaws.com", account);
        assert_eq!(named.fit(&other), None);
        assert_eq!(Principals::AllBut(named).fit(&other), Some(Fit::Itself));
    }

    /// A statement that denied all but one user, with the account beside it as AWS advises, denied nobody
    /// of the account: its root had stood for everyone in it.
    #[test]
    fn an_account_that_is_left_out_leaves_out_its_root_principal_alone() {
        let names = ["root", "user/bob", "role/app"];
        let arns = names.iter().map(|name| arn(&format!("arn:aws:iam::111122223333:{name}")));
        let all_but = Principals::AllBut(Names { arns: arns.collect(), ..Names::default() });
        for (caller, denied) in [
            ("iam::111122223333:root", false),
            ("iam::111122223333:user/bob", false),
            ("sts::111122223333:assumed-role/app/i-1", false),
            ("iam::111122223333:role/app", false),
            ("iam::111122223333:user/alice", true),
            ("sts::111122223333:assumed-role/other/i-1", true),
            ("sts::111122223333:federated-user/bob", true),
            ("iam::444455556666:root", true),
            ("iam::444455556666:user/bob", true),
        ] {
            let fit = all_but.fit(&arn(&format!("arn:aws:{caller}")));
            assert_eq!(fit, denied.then_some(Fit::Itself), "{caller}");
        }
    }

    #[test]
    fn the_closest_fit_counts() {
        let alice = arn("arn:aws:iam::111122223333:user/alice");
        let names = Names {
            arns: vec![PrincipalArn::root(alice.account(), Partition::Aws), alice.clone()],
            ..Names::default()
        };
        assert_eq!(names.fit(&alice), Some(Fit::Exactly));
        let everyone = Names { everyone: true, ..names };
        assert_eq!(everyone.fit(&alice), Some(Fit::Exactly));
    }
}
