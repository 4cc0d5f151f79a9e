//! Intended starts from a file: when calls came to a real service, for the clients of a scenario to repeat.
//!
//! A trace says when, and it may say whose turn it is; what is asked stays the scenario's, because a call
//! that was recorded elsewhere names keys and ciphertexts that are not here.

use serde::Deserialize;
use sim::client::Starts;
use sim::clock::SimTime;
use sim::stage::Player;
use std::collections::VecDeque;
use std::time::Duration;

/// The most starts of a trace.
const MOST: usize = 10_000_000;

/// Intended starts, in order of time.
#[derive(Clone, Debug, PartialEq)]
pub struct Trace {
    rows: Vec<Row>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
struct Row {
    at: Duration,
    client: Option<u32>,
}

/// A line of the file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    seconds: f64,
    client: Option<u32>,
}

impl Trace {
    /// The trace of a CSV text with the columns `seconds`, from the beginning of the load, and if wanted
    /// `client`, a number. Lines may be in any order.
    ///
    /// # Errors
    /// What is wrong, and in which line.
    pub fn parse(text: &str) -> Result<Trace, String> {
        let mut reader =
            csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(text.as_bytes());
        let header = reader.headers().map_err(|error| said(text, &error))?.clone();
        let (mut rows, mut record) = (Vec::new(), csv::StringRecord::new());
        while reader.read_record(&mut record).map_err(|error| said(text, &error))? {
            let line = record.deserialize::<Line>(Some(&header));
            let Line { seconds, client } = line.map_err(|error| said(text, &error))?;
            let at = Duration::try_from_secs_f64(seconds).map_err(|_| {
                let line = line_of(text, record.position());
                format!("line {line}: {seconds} is no time since the beginning")
            })?;
            rows.push(Row { at, client });
            if rows.len() > MOST {
                return Err(format!("there are more than {MOST} starts"));
            }
        }
        if rows.is_empty() {
            return Err(
                "there is no start; a trace begins with the line `seconds` or `seconds,client`, \
                        and each further line is a start"
                    .to_owned(),
            );
        }
        rows.sort_by_key(|row| row.at);
        Ok(Trace { rows })
    }

    /// Makes these the intended starts of clients. A start is of one of those whose phase it falls into: the
    /// one it names, counted round them, or else each in its turn. Explicit calls stay where they are.
    ///
    /// # Errors
    /// When a start falls into no phase with a workload.
    pub fn deal(&self, players: &mut [Player]) -> Result<(), String> {
        let shares = players.iter_mut().flat_map(|player| &mut player.shares);
        let of_workloads =
            |share: &&mut sim::client::Share| matches!(share.starts, Starts::Arrivals(..));
        let mut shares: Vec<_> = shares.filter(of_workloads).collect();
        let mut starts: Vec<VecDeque<Duration>> = vec![VecDeque::new(); shares.len()];
        let (mut begun, mut active, mut turn) = (None, Vec::new(), 0);
        for row in &self.rows {
            let at = SimTime::ZERO.after(row.at);
            let now = |index: &usize| (shares[*index].from..shares[*index].until).contains(&at);
            // Rows come in order, so those that are active change only when one begins or ends.
            if begun.is_none_or(|(from, until)| !(from..until).contains(&at)) {
                active = (0..shares.len()).filter(now).collect();
                let from = active.iter().map(|index: &usize| shares[*index].from).max();
                let until = active.iter().map(|index| shares[*index].until).min();
                begun = from.zip(until);
                turn = 0;
            }
            if active.is_empty() {
                return Err(format!(
                    "a call at {:?} falls into no phase with a workload; --duration makes phases longer",
                    row.at
                ));
            }
            let chosen = match row.client {
                Some(client) => client as usize,
                None => {
                    turn += 1;
                    turn - 1
                }
            };
            let share = active[chosen % active.len()];
            starts[share].push_back(at.since(shares[share].from));
        }
        for (share, starts) in shares.iter_mut().zip(starts) {
            share.starts = Starts::Listed(starts);
        }
        Ok(())
    }

    /// How many starts there are in a second.
    pub(crate) fn offered(&self, second: u64) -> f64 {
        let before =
            |second: u64| self.rows.partition_point(|row| row.at < Duration::from_secs(second));
        (before(second.saturating_add(1)) - before(second)) as f64
    }
}

/// The number of the line that begins there, after the empty ones that a reader passes over.
fn line_of(text: &str, position: Option<&csv::Position>) -> usize {
    let at = position.map_or(0, |at| usize::try_from(at.byte()).unwrap_or(usize::MAX));
    let bytes = text.as_bytes();
    let (before, after) = bytes.split_at(at.min(bytes.len()));
    let empty = after.iter().take_while(|byte| matches!(byte, b'\r' | b'\n'));
    1 + before.iter().chain(empty).filter(|byte| **byte == b'\n').count()
}

/// What is wrong with a line.
fn said(text: &str, error: &csv::Error) -> String {
    let line = line_of(text, error.position());
    match error.kind() {
        csv::ErrorKind::Deserialize { err, .. } => format!("line {line}: {err}"),
        csv::ErrorKind::UnequalLengths { expected_len, len, .. } => {
            format!("line {line}: it has {len} fields, and the first line has {expected_len}")
        }
        _ => format!("line {line}: {error}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rota::Rota;
    use kms_core::crypto::{CryptoBackend, RustCrypto};
    use sim::random::Seed;
    use sim::stage::{Stage, players};
    use std::sync::Arc;

    const LOAD: &str = "schema = 1\ndescription = 'x'\ntopology.regions = ['us-east-1']\n\
        keys.symmetric = 1\n[[phase]]\nname = 'a'\nduration = '2s'\n[[phase.workload]]\n\
        kind = 'encrypt-decrypt'\nclients = 3\narrivals = { kind = 'constant', per_second = 50 }\n\
        [[phase]]\nname = 'b'\nduration = '2s'\n[[phase.workload]]\nkind = 'encrypt-decrypt'\n\
        clients = 2\narrivals = { kind = 'closed' }\n";

    /// The intended starts that a trace gives, in milliseconds.
    fn starts(trace: &str) -> Result<Vec<u128>, String> {
        let vocabulary = sim::vocabulary::vocabulary();
        let scenario = scenarios::Scenario::parse("x.toml", LOAD, &[], &vocabulary).unwrap();
        let backend: Arc<dyn CryptoBackend> = Arc::new(RustCrypto);
        let stage = Stage::set(&scenario, Seed(7), &backend).unwrap();
        let mut players = players(&scenario, &stage.book).unwrap();
        Trace::parse(trace)?.deal(&mut players)?;
        let mut rota = Rota::new(Seed(7), stage.book, players);
        let starts = std::iter::from_fn(|| rota.take().map(|start| start.at.as_millis()));
        Ok(starts.collect())
    }

    #[test]
    fn calls_start_when_the_trace_says_and_never_else() {
        let trace = "seconds,client\n0.5,\n0.25,7\n1.5,0\n1.5,0\n3.75,1\n2,\n";
        assert_eq!(starts(trace), Ok(vec![250, 500, 1_500, 1_500, 2_000, 3_750]));
    }

    #[test]
    fn what_is_no_trace_is_said_with_its_line() {
        let said = |text: &str| starts(text).unwrap_err();
        assert!(said("seconds\n4.5\n").contains("4.5s falls into no phase"));
        assert!(
            said("seconds\n1\nsoon\n").starts_with("line 3:"),
            "{}",
            said("seconds\n1\nsoon\n")
        );
        assert!(said("seconds\n-1\n").starts_with("line 2:"));
        // Empty lines are passed over, and counted.
        assert!(said("seconds\n1\n\n\r\n2\n\n-1\n").starts_with("line 7: -1 is no time"));
        assert!(said("\n\nseconds,client\n1,2\n\n\nsoon,1\n").starts_with("line 7:"));
        assert!(said("seconds\n1\n\n2,3\n").starts_with("line 4:"));
        assert!(said("seconds,operation\n1,Encrypt\n").contains("operation"));
        assert!(said("seconds\n").contains("no start"));
    }

    #[test]
    fn the_offered_rate_is_that_of_the_trace() {
        let trace = Trace::parse("seconds\n0\n0.999\n1\n3.5\n").unwrap();
        let offered: Vec<_> = (0..5).map(|second| trace.offered(second)).collect();
        assert_eq!(offered, [2.0, 1.0, 0.0, 1.0, 0.0]);
    }
}
