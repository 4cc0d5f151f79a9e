//! `keyquake sim sweep`: many seeds over a pool of processes.

use super::corpus::Corpus;
use super::record::Record;
use super::results::Results;
use super::shard::Shard;
use super::summary::Summary;
use super::watch::{Reached, Watch};
use super::worker::{Chunk, End, Target};
use crate::exit::{Exit, Failure};
use crate::sim::{Input, Seeds, interrupted, obey_interrupts, read_inputs};
use clap::Args;
use std::collections::{BTreeSet, VecDeque};
use std::fs;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

/// Seeds that one process runs: enough to make starting it cheap, few enough to lose little.
const CHUNK: u64 = 8;

const EXAMPLES: &str = "\
Examples:
  keyquake sim sweep --swarm --seeds 0..10000 --jobs 2
  keyquake sim sweep --swarm --budget 10m --corpus corpus
  keyquake sim sweep --swarm --seeds 0..2000 --floor 1
  keyquake sim sweep scenarios/quickstart.toml --seeds 0..1000 --shard 3/64 -o shard-3
  keyquake sim merge shard-0 shard-1 shard-3

Results are appended to a file in the folder as runs end. The same command takes a campaign up where it
was broken off. A run whose process dies is run once more; if that dies too, it is recorded as lost.

--floor holds the sweep to having met every probe of `keyquake sim list probes`, and every operation on
a key that is enabled, disabled and waiting for its deletion, so often.

Exit codes: 0 fine, 1 a run failed or a probe is below the floor, 2 bad usage or input, 130 interrupted.";

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Arguments {
    /// Scenario files, or folders of them
    #[arg(value_name = "SCENARIO|FOLDER", required_unless_present = "swarm")]
    scenarios: Vec<PathBuf>,
    /// Whatever each seed draws
    #[arg(long, conflicts_with = "scenarios")]
    swarm: bool,
    /// A range of seeds: A..B without B, A..=B with it
    #[arg(long, value_name = "A..B", default_value = "0..1000")]
    seeds: Seeds,
    /// How many processes at a time
    #[arg(long, value_name = "N", default_value = "2")]
    jobs: NonZeroUsize,
    /// Only this part of the seeds: part I of N, counted from 0
    #[arg(long, value_name = "I/N")]
    shard: Option<Shard>,
    /// Begin nothing new after this long, as in 10m
    #[arg(long, value_name = "TIME", value_parser = scenarios::parse_duration)]
    budget: Option<Duration>,
    /// A folder for a scenario file of each seed that shows something new
    #[arg(long, value_name = "DIR")]
    corpus: Option<PathBuf>,
    /// Change a value of every scenario, as in topology.api_hosts=3
    #[arg(long = "set", value_name = "KEY=VALUE", conflicts_with = "swarm")]
    overrides: Vec<String>,
    /// The least hits of every probe over all runs; fewer fail the sweep
    #[arg(long, value_name = "N", default_value_t = 0)]
    floor: u64,
    /// Print the summary as one line of JSON
    #[arg(long)]
    json: bool,
    /// The folder that results are kept in
    #[arg(short, long, value_name = "DIR", default_value = "sweep")]
    output: PathBuf,
}

pub(crate) fn run(arguments: &Arguments) -> Result<Exit, Failure> {
    let targets = targets(arguments)?;
    let shard = arguments.shard.unwrap_or(Shard::WHOLE);
    let folder = &arguments.output;
    fs::create_dir_all(folder).map_err(|error| Failure::file("make", folder, &error))?;
    let mut results = Results::open(&folder.join(shard.file()))?;
    let chunks = chunks(&targets, &arguments.seeds, shard, &results.names());
    let corpus = Corpus::open(arguments.corpus.as_deref(), &results.done)?;
    obey_interrupts()?;
    let mut campaign = Campaign::new(&mut results, corpus, runs(&chunks));
    campaign.run(chunks, arguments)?;
    let summary = Summary::of(&results.done);
    let exit = summary.tell(arguments.json, arguments.floor)?;
    Ok(if interrupted() { Exit::Interrupted } else { exit })
}

fn targets(arguments: &Arguments) -> Result<Vec<Target>, Failure> {
    if arguments.swarm {
        return Ok(vec![Target::Swarm]);
    }
    let inputs = read_inputs(&arguments.scenarios, &arguments.overrides)?;
    let file = |Input { path, scenario }: Input| Target::File {
        path: path.unwrap_or_default(),
        name: scenario.name.clone(),
        overrides: arguments.overrides.clone(),
    };
    Ok(inputs.into_iter().map(file).collect())
}

/// What is left to do of a shard, a few seeds at a time. All targets go through the same seeds
/// together, so that a campaign that is broken off has seen something of each.
fn chunks(
    targets: &[Target],
    seeds: &Seeds,
    shard: Shard,
    done: &BTreeSet<(String, u64)>,
) -> VecDeque<Chunk> {
    let part = shard.part(seeds.len());
    let (first, last) = (seeds.first() + part.start, seeds.first() + part.end);
    let mut chunks: VecDeque<Chunk> = VecDeque::new();
    for from in (first..last).step_by(usize::try_from(CHUNK).unwrap_or(1)) {
        for target in targets {
            let left = (from..last.min(from + CHUNK))
                .filter(|seed| !done.contains(&(target.run_name(*seed), *seed)));
            for seed in left {
                match chunks.back_mut() {
                    Some(chunk)
                        if chunk.target == *target
                            && chunk.seeds.end == seed
                            && chunk.seeds.start >= from =>
                    {
                        chunk.seeds.end = seed + 1;
                    }
                    _ => chunks.push_back(Chunk { target: target.clone(), seeds: seed..seed + 1 }),
                }
            }
        }
    }
    chunks
}

fn runs(chunks: &VecDeque<Chunk>) -> u64 {
    chunks.iter().map(|chunk| chunk.seeds.end - chunk.seeds.start).sum()
}

/// What workers say.
enum Said {
    Ran(Target, Record),
    Ended(Result<(), Failure>),
}

/// A campaign under way.
struct Campaign<'r> {
    results: &'r mut Results,
    corpus: Corpus,
    watch: Watch,
    reached: Reached,
}

impl<'r> Campaign<'r> {
    fn new(results: &'r mut Results, corpus: Corpus, all: u64) -> Campaign<'r> {
        Campaign { results, corpus, watch: Watch::new(all), reached: Reached::default() }
    }

    fn run(&mut self, chunks: VecDeque<Chunk>, arguments: &Arguments) -> Result<(), Failure> {
        let deadline = arguments.budget.map(|budget| Instant::now() + budget);
        let queue = Mutex::new(chunks);
        let (sender, receiver) = channel();
        thread::scope(|scope| {
            for _ in 0..arguments.jobs.get() {
                let (sender, queue) = (sender.clone(), &queue);
                scope.spawn(move || work(queue, deadline, &sender));
            }
            drop(sender);
            let result = self.listen(&receiver);
            if result.is_err() {
                take_all(&queue);
            }
            result
        })
    }

    fn listen(&mut self, said: &Receiver<Said>) -> Result<(), Failure> {
        for said in said {
            match said {
                Said::Ran(target, record) => self.hear(&target, record)?,
                Said::Ended(ended) => ended?,
            }
        }
        Ok(())
    }

    fn hear(&mut self, target: &Target, record: Record) -> Result<(), Failure> {
        if let Some(news) = self.corpus.hear(&record, target)? {
            self.watch.news(&format!("{news}\n  {}", record.replay));
        }
        self.reached.runs += 1;
        self.reached.failures += u64::from(record.verdict.is_failure());
        (self.reached.signatures, self.reached.probes) = self.corpus.counts();
        self.results.add(record)?;
        self.watch.reached(self.reached);
        Ok(())
    }
}

fn work(queue: &Mutex<VecDeque<Chunk>>, deadline: Option<Instant>, said: &Sender<Said>) {
    while deadline.is_none_or(|deadline| Instant::now() < deadline) && !interrupted() {
        let next = queue.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
        let Some(chunk) = next else { return };
        let ended = whole(&chunk, said);
        let failed = ended.is_err();
        if said.send(Said::Ended(ended)).is_err() || failed {
            return;
        }
    }
}

/// Runs a chunk to its end, in as many processes as that takes.
fn whole(chunk: &Chunk, said: &Sender<Said>) -> Result<(), Failure> {
    let mut left = chunk.clone();
    // The seed at which the last worker died.
    let mut died_at = None;
    while !left.seeds.is_empty() && !interrupted() {
        let mut next = left.seeds.start;
        let end = left.run(|record| {
            next = record.seed + 1;
            let _ = said.send(Said::Ran(chunk.target.clone(), record));
        })?;
        left.seeds.start = next;
        let why = match end {
            End::Died(why) => why,
            End::Orderly => "a worker left out what it was to do".to_owned(),
        };
        if died_at == Some(next) && !left.seeds.is_empty() {
            let (name, replay) = (chunk.target.run_name(next), chunk.target.replay(next));
            let lost = Record::lost(&name, next, &why, replay);
            let _ = said.send(Said::Ran(chunk.target.clone(), lost));
            left.seeds.start = next + 1;
        }
        died_at = Some(next);
    }
    Ok(())
}

fn take_all(queue: &Mutex<VecDeque<Chunk>>) {
    queue.lock().unwrap_or_else(PoisonError::into_inner).clear();
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spans(done: &[u64], shard: &str) -> Vec<std::ops::Range<u64>> {
        let done = done.iter().map(|seed| (format!("swarm-{seed}"), *seed)).collect();
        let seeds = "0..20".parse().unwrap();
        let chunks = chunks(&[Target::Swarm], &seeds, shard.parse().unwrap(), &done);
        chunks.into_iter().map(|chunk| chunk.seeds).collect()
    }

    #[test]
    fn a_shard_is_cut_into_chunks() {
        assert_eq!(spans(&[], "0/1"), [0..8, 8..16, 16..20]);
        assert_eq!(spans(&[], "1/2"), [10..18, 18..20]);
    }

    #[test]
    fn what_is_done_is_left_out() {
        assert_eq!(spans(&[0, 1, 5], "0/2"), [2..5, 6..8, 8..10]);
    }
}
