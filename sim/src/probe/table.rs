//! The probes by name.

macro_rules! probes {
    ($($variant:ident $name:literal $doc:literal,)*) => {
        /// Something worth knowing that it really happened.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Probe {
            $(#[doc = $doc] $variant,)*
        }

        impl Probe {
            /// Every probe, by name.
            pub const ALL: &[Probe] = &[$(Probe::$variant),*];

            /// The name in results.
            pub fn name(self) -> &'static str {
                match self { $(Probe::$variant => $name,)* }
            }

            /// What happened, in one sentence.
            pub fn doc(self) -> &'static str {
                match self { $(Probe::$variant => $doc,)* }
            }
        }
    };
}

probes! {
    AnsweredTwice "answered-twice" "A host answered two copies of one message.",
    CommandThrottled "command-throttled" "A quota of another Region refused a command for a request.",
    CommittedUnheard "committed-unheard" "A client gave an attempt up that had been committed.",
    DecisionRepeated "decision-repeated" "A decision was stale when it was appended, and was made again.",
    DecisionStale "decision-stale" "A host answered from a state that its journal was ahead of.",
    DeletionCancelled "deletion-cancelled" "A key was taken back from its waiting period.",
    DeletionInPartition "deletion-in-partition" "A key was erased while Regions or links were cut.",
    DomainKeyRotated "domain-key-rotated" "An HSM made a new domain key.",
    DryRun "dry-run" "A dry run would have succeeded.",
    FleetSaturated "fleet-saturated" "Every HSM of a Region had as much before it as it may.",
    HedgeSent "hedge-sent" "A second HSM was asked because the first was late.",
    HedgeWon "hedge-won" "The HSM that was asked second answered first.",
    HostCrashed "host-crashed" "An API host crashed and lost what was under way.",
    HsmCrashed "hsm-crashed" "An HSM crashed and forgot its domain keys.",
    HsmDistrusted "hsm-distrusted" "An HSM answered what cannot be the answer.",
    HsmQuarantined "hsm-quarantined" "A host left an HSM alone for a while.",
    HsmRefused "hsm-refused" "An HSM refused a command because too many waited there.",
    HsmRejoined "hsm-rejoined" "An HSM joined its domain again.",
    HsmRetried "hsm-retried" "A command went to another HSM after one had failed.",
    HsmTimedOut "hsm-timed-out" "An HSM did not answer in time.",
    JournalCrashed "journal-crashed" "A journal crashed and came back from its disk.",
    KeyErased "key-erased" "A key was erased after its waiting period.",
    OldMaterialOpened "old-material-opened" "A ciphertext was opened with a material that is not the current one.",
    OthersPermitted "others-permitted" "A caller who is no administrator was permitted something.",
    OthersRefused "others-refused" "A caller who is no administrator was refused something.",
    PrimaryMoved "primary-moved" "A multi-Region primary became a replica.",
    ReplicaMade "replica-made" "A replica of a multi-Region key appeared.",
    RetrySucceeded "retry-succeeded" "A call succeeded after its first attempt had not.",
    Rotated "rotated" "A key has a new current material.",
    RotationPending "rotation-pending" "A new material waited for the replicas.",
    SessionBegun "session-begun" "A host or worker that had no session with the HSMs began one.",
    SessionRenewed "session-renewed" "A session was begun before the last one was over.",
    SessionUnknown "session-unknown" "An HSM did not know the session that a command came in.",
    TaskFailed "task-failed" "A task that was due could not be done at once.",
    Throttled "throttled" "A request quota refused an attempt.",
    WorkerCrashed "worker-crashed" "A worker crashed and lost what was under way.",
}
