//! What can be wrong with a machine that is up and can be reached: gray failures, and people.
//!
//! A fault only says that a node ails and later that it has recovered; what that means is the node's
//! own affair. An ailment is of the machine: a restart does not cure it.

use crate::clock::SimTime;
use crate::fault::placement::{Placed, Placement};
use crate::fault::{Fault, FaultInfo, NodeAction, Window};
use crate::place::{NodeId, RegionIndex, Role, Selector, Topology};
use crate::random::Stream;
use scenarios::RegionName;

/// What is wrong with a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Ailment {
    /// An HSM takes so many times as long, or a journal's disk.
    Slow(u32),
    /// An HSM takes commands and answers none.
    Hung,
    /// An HSM carries out only so many commands at once.
    Narrow(u32),
    /// An HSM stays in the state of the domain that it is in, and claims to be up to date.
    Stale,
    /// A host or worker has nobody who consents to what it orders of HSMs.
    Unauthorized,
    /// Somebody makes the worker rotate the domain key, now.
    Hasty,
    /// A journal can write nothing more.
    Full,
    /// An HSM has forgotten the keys it had unwrapped; the first command with each takes so many
    /// times as long.
    Cold(u32),
    /// A client makes so many calls of each that is due.
    Surge(u32),
    /// A host has so many thousandths of its request quotas.
    Quota(u32),
}

impl Ailment {
    /// A word for it.
    pub fn name(self) -> &'static str {
        match self {
            Ailment::Slow(_) => "slow",
            Ailment::Hung => "hung",
            Ailment::Narrow(_) => "narrow",
            Ailment::Stale => "stale",
            Ailment::Unauthorized => "unauthorized",
            Ailment::Hasty => "hasty",
            Ailment::Full => "full",
            Ailment::Cold(_) => "cold",
            Ailment::Surge(_) => "surging",
            Ailment::Quota(_) => "quota",
        }
    }

    /// How much of it, where there is a how much.
    pub fn figure(self) -> u32 {
        match self {
            Ailment::Slow(figure)
            | Ailment::Narrow(figure)
            | Ailment::Cold(figure)
            | Ailment::Surge(figure)
            | Ailment::Quota(figure) => figure,
            _ => 0,
        }
    }
}

/// Which nodes of a role fall ill: some of each Region, or all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Patients {
    /// What they are.
    pub role: Role,
    /// Of which Region; of each when `None`.
    pub region: Option<RegionIndex>,
    /// How many in a Region; all when `None`.
    pub count: Option<u32>,
}

impl Patients {
    /// The HSMs that a scenario's words mean.
    pub(super) fn hsms(words: &scenarios::Hsms, at: &Placement<'_>) -> Patients {
        let region = words.region.as_ref().map(|name| at.region(name));
        Patients { role: Role::Hsm, region, count: Some(words.hsms) }
    }

    /// All nodes of a role, of a Region or of each.
    pub(super) fn all(role: Role, region: Option<&RegionName>, at: &Placement<'_>) -> Patients {
        Patients { role, region: region.map(|name| at.region(name)), count: None }
    }

    /// Draws them.
    pub(super) fn draw(self, topology: &Topology, stream: &mut Stream) -> Vec<NodeId> {
        let mut drawn = Vec::new();
        let meant = |region: &RegionIndex| self.region.is_none_or(|wanted| wanted == *region);
        for region in topology.regions().map(|(region, _)| region).filter(meant) {
            let selector = Selector { role: Some(self.role), region: Some(region) };
            let mut nodes: Vec<NodeId> = topology.select(selector).collect();
            let count = self.count.map_or(nodes.len(), |count| nodes.len().min(count as usize));
            for _ in 0..count {
                let at = usize::try_from(stream.below(nodes.len() as u64)).unwrap_or(0);
                drawn.push(nodes.remove(at));
            }
        }
        drawn
    }
}

/// Nodes that ail for the length of a window.
#[derive(Clone, Debug)]
pub(super) struct Illness {
    info: FaultInfo,
    window: Window,
    patients: Patients,
    ailment: Ailment,
    /// Who is ill; nobody has been drawn before the window begins.
    ill: Option<Vec<NodeId>>,
}

impl Illness {
    /// Some nodes that ail throughout a window.
    pub(super) fn new(
        info: FaultInfo,
        window: Window,
        patients: Patients,
        ailment: Ailment,
    ) -> Illness {
        Illness { info, window, patients, ailment, ill: None }
    }

    /// HSMs that ail, placed.
    pub(super) fn of_hsms(
        info: FaultInfo,
        words: &scenarios::Hsms,
        ailment: Ailment,
        at: &Placement<'_>,
    ) -> Placed {
        let illness = Illness::new(info, at.window, Patients::hsms(words, at), ailment);
        Placed::about(illness, "HSMs", words.region.as_ref())
    }
}

impl Fault for Illness {
    fn info(&self) -> FaultInfo {
        self.info
    }

    fn window(&self) -> Window {
        self.window
    }

    fn next(&self) -> Option<SimTime> {
        match &self.ill {
            None => (self.window.from < self.window.until).then_some(self.window.from),
            Some(ill) => (!ill.is_empty()).then_some(self.window.until),
        }
    }

    fn act(&mut self, _: SimTime, topology: &Topology, stream: &mut Stream) -> Vec<NodeAction> {
        let ailment = self.ailment;
        match self.ill.take() {
            None => {
                let ill = self.patients.draw(topology, stream);
                self.ill = Some(ill.clone());
                ill.into_iter().map(|node| NodeAction::Ail(node, ailment)).collect()
            }
            Some(ill) => {
                self.ill = Some(Vec::new());
                ill.into_iter().map(|node| NodeAction::Heal(node, ailment)).collect()
            }
        }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::fault::outages::tests::{play, world};

    const WINDOW: Window = Window { from: SimTime::from_secs(5), until: SimTime::from_secs(9) };

    /// That a fault makes these nodes ill for the length of its window and does nothing else.
    pub(in crate::fault) fn ails(fault: &mut dyn Fault, ailment: Ailment, count: usize) {
        let acts = play(fault);
        let [(from, fall), (until, rise)] = &acts[..] else { panic!("{acts:?}") };
        assert_eq!((*from, *until), (fault.window().from, fault.window().until));
        let nodes = fall.iter().map(|action| action.node());
        let healed: Vec<_> = nodes.map(|node| NodeAction::Heal(node, ailment)).collect();
        assert_eq!((fall.len(), rise), (count, &healed));
        assert!(
            fall.iter().all(|action| matches!(action, NodeAction::Ail(_, one) if *one == ailment))
        );
    }

    /// Two Regions and five seconds for the faults of this kind.
    pub(in crate::fault) fn placed(place: impl FnOnce(&Placement<'_>) -> Placed) -> Box<dyn Fault> {
        place(&Placement { window: WINDOW, topology: &world() }).fault
    }

    #[test]
    fn so_many_of_each_region_ail_and_recover() {
        for (region, count, ill) in [
            (None, Some(2), 4),
            (Some(RegionIndex(1)), Some(1), 1),
            (None, Some(9), 6),
            (None, None, 6),
        ] {
            let patients = Patients { role: Role::Hsm, region, count };
            let info = FaultInfo { name: "x", doc: "", hinders: true };
            ails(&mut Illness::new(info, WINDOW, patients, Ailment::Hung), Ailment::Hung, ill);
        }
    }
}
