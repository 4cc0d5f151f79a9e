//! What a policy is attached to, which decides its elements and its weight.

use std::fmt;

/// A kind of policy that only restricts what others allow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Restriction {
    /// A permissions boundary of the principal.
    Boundary,
    /// A policy of the session.
    Session,
    /// A service control policy of the organization, on its principals.
    ServiceControl,
    /// A resource control policy of the organization, on its customer managed keys.
    ResourceControl,
    /// The policy of the VPC endpoint the request came through.
    Endpoint,
}

impl Restriction {
    /// Every kind, in declaration order.
    pub const ALL: [Restriction; 5] = [
        Restriction::Boundary,
        Restriction::Session,
        Restriction::ServiceControl,
        Restriction::ResourceControl,
        Restriction::Endpoint,
    ];
}

impl fmt::Display for Restriction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Restriction::Boundary => "permissions boundary",
            Restriction::Session => "session policy",
            Restriction::ServiceControl => "service control policy",
            Restriction::ResourceControl => "resource control policy",
            Restriction::Endpoint => "VPC endpoint policy",
        })
    }
}

/// What a policy is attached to; it decides which elements the policy has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PolicyKind {
    /// A key: every statement names principals.
    Key,
    /// A principal: no statement names any.
    Identity,
    /// A layer that restricts; resource control and endpoint policies name principals.
    Restricting(Restriction),
}
