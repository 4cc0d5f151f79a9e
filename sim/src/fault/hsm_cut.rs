//! One-way cuts of HSMs: what is said to them does not arrive, or what they say does not.
//!
//! The second is the worse one: commands are carried out, and nobody hears of it.

use crate::clock::SimTime;
use crate::fault::ailment::Patients;
use crate::fault::placement::{Placed, Placement};
use crate::fault::{Fault, FaultInfo, NodeAction, Verdict, Window};
use crate::net::Envelope;
use crate::place::{NodeId, Topology};
use crate::random::Stream;
use scenarios::CutDirection;

/// The line of the table.
pub const INFO: FaultInfo = FaultInfo {
    name: "hsm-cut",
    doc: "Cuts HSMs off in one direction: they hear nothing, or nothing they say is heard.",
    hinders: true,
};

/// The fault.
#[derive(Clone, Debug)]
pub struct HsmCut {
    window: Window,
    patients: Patients,
    direction: CutDirection,
    /// Who is cut off; nobody has been drawn before the window begins.
    cut: Option<Vec<NodeId>>,
}

/// The fault that a scenario's words mean.
pub fn place(words: &scenarios::HsmCut, at: &Placement<'_>) -> Placed {
    let fault = HsmCut {
        window: at.window,
        patients: Patients::hsms(&words.hsms, at),
        direction: words.direction,
        cut: None,
    };
    Placed::about(fault, "HSMs", words.hsms.region.as_ref())
}

impl Fault for HsmCut {
    fn info(&self) -> FaultInfo {
        INFO
    }

    fn window(&self) -> Window {
        self.window
    }

    fn next(&self) -> Option<SimTime> {
        let Window { from, until } = self.window;
        (self.cut.is_none() && from < until).then_some(from)
    }

    fn act(&mut self, _: SimTime, topology: &Topology, stream: &mut Stream) -> Vec<NodeAction> {
        self.cut = Some(self.patients.draw(topology, stream));
        Vec::new()
    }

    fn message(&mut self, envelope: &Envelope, _: &Topology, _: &mut Stream) -> Verdict {
        let end = match self.direction {
            CutDirection::Deaf => envelope.to,
            CutDirection::Mute => envelope.from,
        };
        let hit = self.cut.iter().flatten().any(|node| *node == end);
        if hit { Verdict::Drop } else { Verdict::Pass }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fault::ailment::tests::placed;
    use crate::fault::outages::tests::{play, verdicts};

    #[test]
    fn one_direction_is_cut_and_the_other_is_not() {
        for (direction, to_it, from_it) in [
            (CutDirection::Deaf, Verdict::Drop, Verdict::Pass),
            (CutDirection::Mute, Verdict::Pass, Verdict::Drop),
        ] {
            let hsms = scenarios::Hsms { region: None, hsms: 3 };
            let words = scenarios::HsmCut { hsms, direction };
            let mut fault = placed(|at| place(&words, at));
            assert_eq!(verdicts(&mut *fault, 3, 0, 1), [Verdict::Pass], "before it begins");
            assert_eq!(play(&mut *fault).len(), 1);
            assert_eq!(verdicts(&mut *fault, 3, 0, 1), [to_it]);
            assert_eq!(verdicts(&mut *fault, 0, 3, 1), [from_it]);
        }
    }
}
