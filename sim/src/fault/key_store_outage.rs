//! The proxies of external key stores fail: nobody reaches them, they answer too late, or what they
//! say cannot be understood.
//!
//! The outage is at their edge, on the way to and from them: a proxy is somebody else's machine, and
//! the KMS knows of it only what comes over the wire.

use crate::fault::placement::{Placed, Placement, nodes_of};
use crate::fault::{Fault, FaultInfo, Verdict, Window};
use crate::net::Envelope;
use crate::place::{Selector, Topology};
use crate::random::Stream;
use scenarios::HowItFails;
use std::time::Duration;

/// The line of the table.
pub const INFO: FaultInfo = FaultInfo {
    name: "key-store-outage",
    doc: "Makes the proxies of external key stores unreachable, slow or garbled.",
    hinders: true,
};

/// How much later a slow proxy answers, each way: more than any host waits for one.
const SLOW: Duration = Duration::from_secs(2);

/// The fault.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyStoreOutage {
    /// When.
    pub window: Window,
    /// In which way.
    pub how: HowItFails,
    /// Which proxies.
    pub proxies: Selector,
}

/// The fault that a scenario's words mean.
pub fn place(words: &scenarios::KeyStoreOutage, at: &Placement<'_>) -> Placed {
    let role = Some(scenarios::Role::KeyStore);
    let proxies = at.select(role, words.region.as_ref());
    let fault = KeyStoreOutage { window: at.window, how: words.how, proxies };
    Placed::about(fault, &nodes_of(role), words.region.as_ref())
}

impl Fault for KeyStoreOutage {
    fn info(&self) -> FaultInfo {
        INFO
    }

    fn window(&self) -> Window {
        self.window
    }

    fn message(&mut self, envelope: &Envelope, topology: &Topology, _: &mut Stream) -> Verdict {
        let is_proxy = |node| self.proxies.matches(topology.place(node));
        if !is_proxy(envelope.from) && !is_proxy(envelope.to) {
            return Verdict::Pass;
        }
        match self.how {
            HowItFails::Unreachable => Verdict::Drop,
            HowItFails::Slow => Verdict::Delay(SLOW),
            HowItFails::Garbled => Verdict::Corrupt,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::SimTime;
    use crate::place::{NodeId, RegionIndex, Role, ZoneIndex};
    use crate::random::{Name, Seed, Site};

    #[test]
    fn only_what_goes_to_and_from_proxies_is_hit() {
        let mut topology = Topology::new(["us-east-1"]).unwrap();
        for role in [Role::ApiHost, Role::Hsm, Role::KeyStore] {
            topology.add(RegionIndex(0), ZoneIndex(0), role).unwrap();
        }
        let verdict = |how, from, to| {
            let proxies = Selector { role: Some(Role::KeyStore), region: None };
            let mut fault = KeyStoreOutage { window: Window::ALWAYS, how, proxies };
            let (sent_at, nominal) = (SimTime::ZERO, Duration::from_millis(1));
            let (from, to) = (NodeId(from), NodeId(to));
            let envelope = Envelope { from, to, size: 0, sent_at, ordinal: 0, nominal };
            let mut stream = Stream::named(Name::new(Seed(1), Site::new("outage")));
            fault.message(&envelope, &topology, &mut stream)
        };
        assert_eq!(verdict(HowItFails::Unreachable, 0, 1), Verdict::Pass);
        assert_eq!(verdict(HowItFails::Unreachable, 0, 2), Verdict::Drop);
        assert_eq!(verdict(HowItFails::Garbled, 2, 0), Verdict::Corrupt);
        assert_eq!(verdict(HowItFails::Slow, 0, 2), Verdict::Delay(SLOW));
    }
}
