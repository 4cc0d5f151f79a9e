//! Nodes that are silent for a while: what they say waits, and what is said to them waits, until the
//! silence ends. What pausing and clogging have in common.

use crate::clock::SimTime;
use crate::fault::{Verdict, Window};
use crate::net::Envelope;
use crate::place::NodeId;
use std::collections::BTreeMap;

/// When which nodes are silent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Silences(BTreeMap<NodeId, Vec<Window>>);

impl Silences {
    /// One more silence of a node, later than its others.
    pub(super) fn add(&mut self, node: NodeId, window: Window) {
        self.0.entry(node).or_default().push(window);
    }

    /// What becomes of a message: it leaves when its sender speaks again, and is heard when its
    /// receiver hears again.
    pub(super) fn judge(&self, envelope: &Envelope) -> Verdict {
        let leaves = self.speaks(envelope.from, envelope.sent_at);
        let arrives = leaves.after(envelope.nominal);
        let heard = self.speaks(envelope.to, arrives);
        let late = heard.since(envelope.sent_at).saturating_sub(envelope.nominal);
        if late.is_zero() { Verdict::Pass } else { Verdict::Delay(late) }
    }

    /// The first moment from `now` on at which a node is not silent.
    fn speaks(&self, node: NodeId, now: SimTime) -> SimTime {
        let silences = self.0.get(&node).into_iter().flatten();
        silences.fold(now, |now, silence| if silence.contains(now) { silence.until } else { now })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn a_message_waits_for_both_ends() {
        let window = |from, until| Window {
            from: SimTime::from_millis(from),
            until: SimTime::from_millis(until),
        };
        let mut silences = Silences::default();
        silences.add(NodeId(0), window(10, 20));
        silences.add(NodeId(1), window(25, 40));
        let judge = |from, to, sent: u64| {
            let (from, to, nominal) = (NodeId(from), NodeId(to), Duration::from_millis(6));
            let sent_at = SimTime::from_millis(sent);
            silences.judge(&Envelope { from, to, size: 0, sent_at, ordinal: 0, nominal })
        };
        let millis = |ms| Verdict::Delay(Duration::from_millis(ms));
        assert_eq!(judge(0, 2, 5), Verdict::Pass);
        assert_eq!(judge(0, 2, 12), millis(8), "it leaves at 20 and arrives at 26");
        assert_eq!(judge(2, 0, 5), millis(9), "it would arrive at 11 and is heard at 20");
        assert_eq!(judge(0, 1, 12), millis(22), "it leaves at 20 and is heard at 40");
        assert_eq!(judge(2, 3, 12), Verdict::Pass);
    }
}
