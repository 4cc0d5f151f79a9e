//! Named points in the nodes where something may be late, lost or done twice, as it may in any service.
//!
//! Two levels, as in FoundationDB's "buggification" (Zhou et al., SIGMOD 2021): the seed first arms some
//! of the points, and only those then fire now and then. A run in which everything is a little wrong
//! everywhere finds less than one in which one thing is wrong often.
//!
//! To add one: a line here, and its moment in a node.

use crate::clock::SimTime;
use crate::driver::Now;
use crate::history::Event;
use crate::node::Out;
use crate::random::{Name, Seed, Site, Stream};
use scenarios::Scenario;
use std::sync::Arc;
use std::time::Duration;

macro_rules! points {
    ($($variant:ident $name:literal $doc:literal,)*) => {
        /// A point that may fire.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Point {
            $(#[doc = $doc] $variant,)*
        }

        impl Point {
            /// Every point, by name.
            pub const ALL: &[Point] = &[$(Point::$variant),*];

            /// The name in histories.
            pub fn name(self) -> &'static str {
                match self { $(Point::$variant => $name,)* }
            }

            /// What happens there, in one sentence.
            pub fn doc(self) -> &'static str {
                match self { $(Point::$variant => $doc,)* }
            }
        }
    };
}

points! {
    AnswerLate "answer-late" "A host is interrupted before it sends an answer to a client.",
    AppendLate "append-late" "A host or worker is interrupted between its decision and the append.",
    AppendRepeated "append-repeated" "A host or worker sends an append twice.",
    CommandRepeated "command-repeated" "A host or worker sends a command to an HSM twice.",
    FeedLost "feed-lost" "A journal does not send a follower what it should, until it sends again.",
    HsmReplyLate "hsm-reply-late" "An HSM is interrupted before it answers.",
    HsmReplyRepeated "hsm-reply-repeated" "An HSM answers twice.",
    SyncSlow "sync-slow" "A disk takes very long to make something durable.",
    TaskRepeated "task-repeated" "A worker does a task once more that it has just done.",
}

/// The points of a run, some of them armed.
#[derive(Clone, Default)]
pub struct Points {
    seed: u64,
    armed: Arc<[Point]>,
    /// How often an armed point fires.
    chance: f64,
    /// None fires from here on.
    until: SimTime,
}

const ARMS: Site = Site::new("fault point armed");
const FIRES: Site = Site::new("fault point fires");
/// The longest interruption.
const LONGEST: Duration = Duration::from_millis(1_500);

impl Points {
    /// Those that a seed arms for a scenario's storm.
    pub fn of(scenario: &Scenario, seed: Seed) -> Points {
        let share = scenario.points.armed.get();
        let arms = |point: &Point| {
            let name = Name::new(seed, ARMS).ordinal(*point as u64);
            Stream::named(name).chance(share)
        };
        Points {
            seed: seed.0,
            armed: Point::ALL.iter().copied().filter(arms).collect(),
            chance: scenario.points.fires.get(),
            until: SimTime::ZERO.after(scenario.storm()),
        }
    }

    /// Whether a point fires for an event, and for how long that interrupts it where it does.
    pub(crate) fn fires(
        &self,
        point: Point,
        now: Now,
        event: u128,
        out: &mut Out,
    ) -> Option<Duration> {
        if !self.armed.contains(&point) || now.monotonic >= self.until {
            return None;
        }
        #[expect(clippy::cast_possible_truncation, reason = "both halves are absorbed")]
        let (high, low) = ((event >> 64) as u64, event as u64);
        let name = Name::new(Seed(self.seed), FIRES).node(now.node).request(high).request(low);
        let mut stream = Stream::named(name.ordinal(point as u64));
        if !stream.chance(self.chance) {
            return None;
        }
        out.record(Event::Fired(point.name()));
        let longest = u64::try_from(LONGEST.as_nanos()).unwrap_or(u64::MAX);
        Some(Duration::from_nanos(stream.uniform(1..longest)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::place::NodeId;
    use crate::vocabulary::vocabulary;

    fn points(settings: &str, seed: u64) -> Points {
        let text = format!(
            "schema = 1\ndescription = 'x'\ntopology.regions = ['us-east-1']\n{settings}\n\
             [[phase]]\nname = 'a'\nduration = '1m'\n[[phase.workload]]\nkind = 'key-creation'\n\
             arrivals = {{ kind = 'poisson', per_second = 1 }}\n"
        );
        let scenario = Scenario::parse("x.toml", &text, &[], &vocabulary()).unwrap();
        Points::of(&scenario, Seed(seed))
    }

    #[test]
    fn the_table_is_alphabetical_and_says_something() {
        assert!(Point::ALL.is_sorted_by_key(|point| point.name()));
        assert!(Point::ALL.iter().all(|one| one.doc().len() > 20 && one.doc().ends_with('.')));
    }

    #[test]
    fn a_seed_arms_its_share_and_another_seed_others() {
        assert!(points("", 1).armed.is_empty(), "none unless it is asked for");
        let armed = |seed| points("points = { armed = 0.5 }", seed).armed.to_vec();
        let counts: Vec<usize> = (0..100).map(|seed| armed(seed).len()).collect();
        let sum: usize = counts.iter().sum();
        assert!((350..550).contains(&sum), "{sum} of 900");
        assert_eq!(armed(1), armed(1));
        assert!((2..9).any(|seed| armed(seed) != armed(1)));
    }

    #[test]
    fn what_is_armed_fires_now_and_then_and_not_after_the_storm() {
        let points = points("points = { armed = 1.0, fires = 0.1 }", 1);
        let fired = |second: u64| {
            let monotonic = SimTime::from_secs(second);
            let now = Now { wall_micros: 0, monotonic, node: NodeId(1) };
            let mut out = Out::default();
            let fires = |event: &u128| {
                points.fires(Point::AppendLate, now, *event, &mut out).is_some_and(|late| {
                    assert!(late < LONGEST);
                    true
                })
            };
            let fired = (0..1_000).filter(fires).count();
            assert_eq!(out.drain().count(), fired, "each is recorded");
            fired
        };
        assert!((60..140).contains(&fired(1)), "{}", fired(1));
        assert_eq!(fired(60), 0);
    }
}
