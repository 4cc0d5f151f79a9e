//! A client's part of its workload's arrivals: all parts together are the whole.

use std::time::Duration;

use crate::arrivals::Arrivals;
use crate::units::Rate;

impl Arrivals {
    /// The arrivals of one of `of` clients, and how much later than the workload they begin.
    ///
    /// Independent arrivals stay independent when they are divided; even ones are dealt in turn. Of a
    /// burst that does not divide, the first clients have one more.
    pub fn part(&self, client: u32, of: u32) -> (Arrivals, Duration) {
        let of = of.max(1);
        let share = |rate: Rate| Rate(rate.0 / f64::from(of));
        let turn = |rate: Rate| seconds(f64::from(client) / rate.0);
        match *self {
            Arrivals::Constant { per_second } => {
                (Arrivals::Constant { per_second: share(per_second) }, turn(per_second))
            }
            Arrivals::Poisson { per_second } => {
                (Arrivals::Poisson { per_second: share(per_second) }, Duration::ZERO)
            }
            Arrivals::Bursts { per_second, burst, every } => {
                let burst = burst / of + u32::from(client < burst % of);
                let per_second = share(per_second);
                match burst {
                    0 => (
                        Arrivals::Constant { per_second },
                        turn(Rate(per_second.0 * f64::from(of))),
                    ),
                    _ => (Arrivals::Bursts { per_second, burst, every }, Duration::ZERO),
                }
            }
            closed @ Arrivals::Closed { .. } => (closed, Duration::ZERO),
        }
    }
}

/// A span in seconds that is never negative; one too long for a span is the longest.
fn seconds(seconds: f64) -> Duration {
    Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Schedule;

    /// The starts of all parts before `end`, in order.
    fn starts(arrivals: Arrivals, of: u32, end: Duration) -> Vec<Duration> {
        let mut starts = Vec::new();
        for client in 0..of {
            let (part, offset) = arrivals.part(client, of);
            let schedule = Schedule::new(&part, || 0.5).map(|start| start + offset);
            starts.extend(schedule.take_while(|start| *start < end));
        }
        starts.sort_unstable();
        starts
    }

    #[test]
    fn parts_of_even_arrivals_are_dealt_in_turn() {
        let whole = Arrivals::Constant { per_second: Rate(8.0) };
        let end = Duration::from_secs(3);
        assert_eq!(starts(whole, 4, end), starts(whole, 1, end));
    }

    #[test]
    fn parts_of_a_burst_are_the_burst() {
        let every = Duration::from_secs(5);
        let whole = Arrivals::Bursts { per_second: Rate(0.5), burst: 7, every };
        for clients in [1, 3, 10] {
            let all = starts(whole, clients, Duration::from_secs(9));
            let burst = all.iter().filter(|start| **start == every).count();
            assert_eq!(burst, 7, "{clients} clients");
        }
    }
}
