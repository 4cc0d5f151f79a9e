//! Which HSM a host asks: a decision, not input or output.
//!
//! Any HSM of the domain can serve any command, so a host picks by outstanding work, asks another one
//! when an answer is late, and leaves alone for a while what keeps failing. Retries and hedges spend a
//! budget that ordinary commands fill, so that a fleet in trouble is not asked more than one in health
//! (the remedy against retry storms that AWS's own SDKs use). AWS documents the fleet, not these
//! figures; each is a named parameter of ours.

use super::command::Command;
use std::time::Duration;

/// An HSM, by its place in the host's list.
pub type HsmIndex = usize;

/// How a host deals with its fleet.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FleetParameters {
    /// How many HSMs are asked for one command at most, one after another, the hedge included.
    pub attempts: u32,
    /// How long an answer may take before another HSM is asked.
    pub timeout: Duration,
    /// As `timeout`, for a command that makes a key pair.
    pub pair_timeout: Duration,
    /// How long before one more HSM is asked beside the first, for commands that may run twice.
    pub hedge_after: Duration,
    /// How many commands of a host an HSM may have before it at once.
    pub outstanding: u32,
    /// How much of a retry one ordinary command earns, from 0 to 1.
    pub retry_ratio: f64,
    /// How many retries may be saved up.
    pub retry_savings: f64,
    /// After how many failures in a row an HSM is left alone.
    pub failures: u32,
    /// For how long at first; each further failure doubles it.
    pub quarantine: Duration,
    /// For how long at most.
    pub quarantine_at_most: Duration,
}

impl Default for FleetParameters {
    fn default() -> FleetParameters {
        FleetParameters {
            attempts: 3,
            timeout: Duration::from_millis(250),
            pair_timeout: Duration::from_secs(5),
            hedge_after: Duration::from_millis(50),
            outstanding: 512,
            retry_ratio: 0.1,
            retry_savings: 100.0,
            failures: 3,
            quarantine: Duration::from_secs(1),
            quarantine_at_most: Duration::from_secs(30),
        }
    }
}

/// Why a command goes to an HSM.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// For the first time.
    First,
    /// Another HSM failed or did not answer.
    Retry,
    /// Another HSM has not answered, and still may.
    Hedge,
    /// The host has a new session, and the one that the command came in was not good. No HSM has failed,
    /// so nothing is earned or spent.
    Renewed,
}

/// Where a command goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Route {
    /// To this HSM.
    Ask(HsmIndex),
    /// Nowhere: every HSM has as much before it as it may.
    Saturated,
    /// Nowhere: all that may be asked have been, or the budget for asking again is spent.
    Exhausted,
}

/// How an HSM ended a command, as far as the fleet is concerned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// It answered, if only to refuse.
    Answered,
    /// It answered what cannot be trusted, did not answer in time, or was overtaken by an HSM that was
    /// asked later: one that hangs would otherwise stay the least busy of all.
    Failed,
    /// The host does not wait for it any more, for another one answered first.
    Forgotten,
}

#[derive(Clone, Copy, Debug, Default)]
struct Health {
    outstanding: u32,
    failures: u32,
    /// Left alone until then; once it has passed, one command probes it.
    until: Option<Duration>,
    probed: bool,
}

/// What a host knows of the HSMs of its Region.
#[derive(Clone, Debug)]
pub struct Fleet {
    parameters: FleetParameters,
    hsms: Vec<Health>,
    savings: f64,
}

impl Fleet {
    /// A fleet of which nothing bad is known.
    pub fn new(hsms: usize, parameters: FleetParameters) -> Fleet {
        let savings = parameters.retry_savings;
        Fleet { parameters, hsms: vec![Health::default(); hsms], savings }
    }

    /// The parameters.
    pub fn parameters(&self) -> &FleetParameters {
        &self.parameters
    }

    /// Where a command goes at `now`, on the host's monotonic clock. `tried` are the HSMs that were
    /// asked already; `draw`, random, breaks ties. What is chosen counts as outstanding from here on.
    pub fn route(
        &mut self,
        now: Duration,
        purpose: Purpose,
        tried: &[HsmIndex],
        draw: u64,
    ) -> Route {
        if tried.len() >= self.parameters.attempts as usize || !self.affords(purpose) {
            return Route::Exhausted;
        }
        let fresh = |at: &HsmIndex| !tried.contains(at);
        if !(0..self.hsms.len()).any(|at| fresh(&at)) {
            return Route::Exhausted;
        }
        let Some(chosen) = self.choose(now, fresh, draw) else { return Route::Saturated };
        self.spend(purpose);
        self.take(now, chosen);
        Route::Ask(chosen)
    }

    /// A command that only this HSM is to carry out goes to it, if it has room.
    pub fn route_to(&mut self, now: Duration, hsm: HsmIndex) -> Route {
        match self.hsms.get(hsm) {
            Some(health) if health.outstanding < self.parameters.outstanding => {
                self.take(now, hsm);
                Route::Ask(hsm)
            }
            _ => Route::Saturated,
        }
    }

    /// The least busy of the healthy ones that have room; where none is, the one that is left alone no
    /// longer than the others: asking somebody is better than refusing. Nothing is collected here,
    /// for every command of a host comes this way.
    fn choose(
        &self,
        now: Duration,
        fresh: impl Fn(&HsmIndex) -> bool + Copy,
        draw: u64,
    ) -> Option<HsmIndex> {
        let count = self.hsms.len();
        let has_room = |at: &HsmIndex| self.hsms[*at].outstanding < self.parameters.outstanding;
        let first = usize::try_from(draw % count as u64).unwrap_or(0);
        let turns = || (0..count).map(|turn| (first + turn) % count);
        let open = || turns().filter(fresh).filter(has_room);
        let healthy = open().filter(|at| self.hsms[*at].is_healthy(now));
        let least = healthy.min_by_key(|at| self.hsms[*at].outstanding);
        least.or_else(|| open().min_by_key(|at| self.hsms[*at].until))
    }

    fn affords(&self, purpose: Purpose) -> bool {
        match purpose {
            Purpose::First | Purpose::Renewed => true,
            Purpose::Retry | Purpose::Hedge => self.savings >= 1.0,
        }
    }

    fn spend(&mut self, purpose: Purpose) {
        let change = match purpose {
            Purpose::First => self.parameters.retry_ratio,
            Purpose::Retry | Purpose::Hedge => -1.0,
            Purpose::Renewed => 0.0,
        };
        self.savings = (self.savings + change).clamp(0.0, self.parameters.retry_savings);
    }

    fn take(&mut self, now: Duration, chosen: HsmIndex) {
        let health = &mut self.hsms[chosen];
        health.outstanding += 1;
        health.probed |= health.until.is_some_and(|until| until <= now);
    }

    /// Notes how an HSM ended a command at `now`; for how long it is left alone, if that begins here.
    pub fn ended(&mut self, now: Duration, hsm: HsmIndex, ending: Ending) -> Option<Duration> {
        let FleetParameters { failures, quarantine, quarantine_at_most, .. } = self.parameters;
        let health = self.hsms.get_mut(hsm)?;
        health.outstanding = health.outstanding.saturating_sub(1);
        match ending {
            // A probe that nobody waited for has shown nothing.
            Ending::Forgotten => health.probed = false,
            Ending::Answered => {
                *health = Health { outstanding: health.outstanding, ..Health::default() };
            }
            Ending::Failed => {
                health.failures = health.failures.saturating_add(1);
                health.probed = false;
                if let Some(beyond) = health.failures.checked_sub(failures) {
                    let factor = 2_u32.saturating_pow(beyond.min(16));
                    let pause = quarantine.saturating_mul(factor).min(quarantine_at_most);
                    health.until = Some(now.saturating_add(pause));
                    return Some(pause);
                }
            }
        }
        None
    }

    /// Forgets what was outstanding, for a host that starts anew.
    pub fn restart(&mut self) {
        *self = Fleet::new(self.hsms.len(), self.parameters);
    }

    /// How many commands an HSM has before it.
    pub fn outstanding(&self, hsm: HsmIndex) -> u32 {
        self.hsms.get(hsm).map_or(0, |health| health.outstanding)
    }

    /// How long an HSM may take for a command.
    pub fn timeout(&self, command: &Command) -> Duration {
        match command.makes_a_pair() {
            true => self.parameters.pair_timeout,
            false => self.parameters.timeout,
        }
    }

    /// Whether an HSM is left alone at `now`.
    pub fn is_quarantined(&self, now: Duration, hsm: HsmIndex) -> bool {
        self.hsms.get(hsm).is_some_and(|health| !health.is_healthy(now))
    }
}

impl Health {
    /// Healthy, or due for the one command that probes it.
    fn is_healthy(&self, now: Duration) -> bool {
        self.until.is_none_or(|until| until <= now && !self.probed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::collection::vec;
    use proptest::prelude::*;

    const MS: Duration = Duration::from_millis(1);

    fn fleet(hsms: usize) -> Fleet {
        Fleet::new(hsms, FleetParameters::default())
    }

    fn first(fleet: &mut Fleet, now: Duration) -> Route {
        fleet.route(now, Purpose::First, &[], 0)
    }

    fn fail(fleet: &mut Fleet, now: Duration, hsm: HsmIndex, times: u32) {
        for _ in 0..times {
            fleet.hsms[hsm].outstanding += 1;
            let _ = fleet.ended(now, hsm, Ending::Failed);
        }
    }

    #[test]
    fn the_least_busy_is_asked() {
        let mut fleet = fleet(3);
        let asked: Vec<_> = (0..6).map(|_| first(&mut fleet, MS)).collect();
        assert_eq!(asked, [0, 1, 2, 0, 1, 2].map(Route::Ask));
        fleet.ended(MS, 1, Ending::Answered);
        assert_eq!(first(&mut fleet, MS), Route::Ask(1));
    }

    #[test]
    fn another_one_is_asked_again_and_at_most_three() {
        let mut fleet = fleet(5);
        let mut tried = Vec::new();
        for purpose in [Purpose::First, Purpose::Hedge, Purpose::Retry] {
            let Route::Ask(hsm) = fleet.route(MS, purpose, &tried, 3) else { panic!("{tried:?}") };
            assert!(!tried.contains(&hsm));
            tried.push(hsm);
        }
        assert_eq!(fleet.route(MS, Purpose::Retry, &tried, 3), Route::Exhausted);
    }

    #[test]
    fn a_full_fleet_says_so() {
        let parameters = FleetParameters { outstanding: 2, ..FleetParameters::default() };
        let mut fleet = Fleet::new(2, parameters);
        for _ in 0..4 {
            assert!(matches!(first(&mut fleet, MS), Route::Ask(_)));
        }
        assert_eq!(first(&mut fleet, MS), Route::Saturated);
        fleet.ended(MS, 1, Ending::Forgotten);
        assert_eq!(first(&mut fleet, MS), Route::Ask(1));
    }

    #[test]
    fn a_sick_hsm_is_left_alone_probed_once_and_taken_back() {
        let mut fleet = fleet(2);
        fail(&mut fleet, MS, 0, 2);
        assert!(!fleet.is_quarantined(MS, 0));
        fail(&mut fleet, MS, 0, 1);
        assert!(fleet.is_quarantined(MS, 0));
        for _ in 0..10 {
            assert_eq!(first(&mut fleet, 500 * MS), Route::Ask(1));
        }
        let later = 1_001 * MS;
        assert_eq!(first(&mut fleet, later), Route::Ask(0), "one probe");
        assert_eq!(first(&mut fleet, later), Route::Ask(1), "and no second one");
        fleet.ended(later, 0, Ending::Forgotten);
        assert_eq!(first(&mut fleet, later), Route::Ask(0), "a probe without an end is repeated");
        fleet.ended(later, 0, Ending::Answered);
        assert_eq!(first(&mut fleet, later), Route::Ask(0));
    }

    #[test]
    fn each_failed_probe_doubles_the_pause_up_to_a_limit() {
        let mut fleet = fleet(1);
        let mut now = MS;
        for seconds in [1, 2, 4, 8, 16, 30, 30] {
            fail(&mut fleet, now, 0, if now == MS { 3 } else { 1 });
            let end = now + Duration::from_secs(seconds);
            assert!(fleet.is_quarantined(end - MS, 0));
            assert!(!fleet.is_quarantined(end, 0), "after {seconds} s");
            now = end;
        }
    }

    #[test]
    fn a_fleet_that_is_sick_altogether_is_asked_all_the_same() {
        let mut fleet = fleet(2);
        fail(&mut fleet, MS, 0, 3);
        fail(&mut fleet, 2 * MS, 1, 3);
        assert_eq!(first(&mut fleet, 3 * MS), Route::Ask(0), "the one that is due first");
    }

    #[derive(Clone, Debug)]
    enum Move {
        Ask(Purpose, u64),
        End(usize, Ending),
        Wait(u64),
    }

    fn moves() -> impl Strategy<Value = Vec<Move>> {
        let purpose = prop_oneof![
            3 => Just(Purpose::First),
            2 => Just(Purpose::Retry),
            1 => Just(Purpose::Hedge),
        ];
        let ending = prop_oneof![
            2 => Just(Ending::Answered),
            3 => Just(Ending::Failed),
            1 => Just(Ending::Forgotten),
        ];
        let one = prop_oneof![
            (purpose, any::<u64>()).prop_map(|(purpose, draw)| Move::Ask(purpose, draw)),
            (any::<usize>(), ending).prop_map(|(at, ending)| Move::End(at, ending)),
            (0_u64..2_000).prop_map(Move::Wait),
        ];
        vec(one, 0..400)
    }

    proptest! {
        #[test]
        fn the_budget_and_the_bounds_hold(moves in moves(), hsms in 1_usize..6) {
            let parameters = FleetParameters {
                outstanding: 8,
                retry_savings: 5.0,
                ..FleetParameters::default()
            };
            let mut fleet = Fleet::new(hsms, parameters);
            let mut under_way: Vec<HsmIndex> = Vec::new();
            let (mut now, mut firsts, mut again) = (MS, 0_u32, 0_u32);
            for one in moves {
                match one {
                    Move::Wait(millis) => now += MS * u32::try_from(millis).unwrap(),
                    Move::End(at, ending) if !under_way.is_empty() => {
                        let hsm = under_way.swap_remove(at % under_way.len());
                        fleet.ended(now, hsm, ending);
                    }
                    Move::End(..) => {}
                    Move::Ask(purpose, draw) => {
                        let route = fleet.route(now, purpose, &[], draw);
                        let room = under_way.len() < 8 * hsms;
                        prop_assert_eq!(route == Route::Saturated, !room && route != Route::Exhausted);
                        prop_assert!(purpose != Purpose::First || route != Route::Exhausted);
                        if let Route::Ask(hsm) = route {
                            under_way.push(hsm);
                            match purpose {
                                Purpose::First => firsts += 1,
                                _ => again += 1,
                            }
                        }
                    }
                }
                for hsm in 0..hsms {
                    let count = under_way.iter().filter(|at| **at == hsm).count();
                    prop_assert_eq!(fleet.outstanding(hsm) as usize, count);
                    prop_assert!(count <= 8);
                }
                prop_assert!(f64::from(again) <= 5.0 + 0.1 * f64::from(firsts) + 1e-6);
            }
        }
    }
}
