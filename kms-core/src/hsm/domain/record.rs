//! How domain tokens lie in a store. Their keys are encrypted to the members, so nothing in them is
//! secret.

use super::charter::Charter;
use super::identity::{Member, Standing};
use super::quorum::{Operator, OperatorRole, OrderKind, Rule, Rules, Threshold};
use super::signing::VerifyingKey;
use super::token::{DomainToken, Sealed};
use crate::record::{Reader, Record, Writer, lists, record, shared};

record!(struct DomainToken { charter, serial, active, exporter, keys, signature });
shared!(DomainToken, Charter);
record!(struct Sealed { epoch, iv, sealed });
lists!(Vec of Sealed, Vec of Threshold, Vec of Vec<Threshold>);
record!(struct Charter { region, members, operators, rules, regions });
record!(struct Member { agreement, signing, standing });
record!(enum Standing { 0 = Online, 1 = Offline });
record!(struct Operator { public, role });
record!(struct Threshold { role, minimum });
record!(tuple Rule);
record!(tuple Rules);
record!(tuple VerifyingKey);
record!(enum OperatorRole { 0 = SecurityOfficer, 1 = KmsOperator, 2 = ServiceHost });
record!(enum OrderKind {
    0 = Join,
    1 = Leave,
    2 = RotateDomainKey,
    3 = ModifyMembers,
    4 = ModifyOperators,
    5 = ModifyRules,
    6 = TrustRegion,
    7 = Recover,
});
