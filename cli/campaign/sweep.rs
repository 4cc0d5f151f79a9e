//! `keyquake sim sweep`: many seeds over a pool of processes.

use super::corpus::Corpus;
use super::leash::Leash;
use super::record::{Origin, Record};
use super::results::Results;
use super::shard::Shard;
use super::summary::Summary;
use super::watch::{Reached, Watch};
use super::worker::{Chunk, End, Target};
use crate::exit::{Exit, Failure};
use crate::sim::{Input, Seeds, distinct, interrupted, obey_interrupts, read_inputs};
use clap::Args;
use scenarios::{Document, Override};
use std::collections::{BTreeSet, VecDeque};
use std::fs;
use std::num::NonZeroUsize;
use std::ops::Range;
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

/// Seeds that one process runs: enough to make starting it cheap, few enough to lose little.
const CHUNK: u64 = 8;

/// How soon workers hear of an interrupt.
const SOON: Duration = Duration::from_millis(50);

const EXAMPLES: &str = "\
Examples:
  keyquake sim sweep --swarm --seeds 0..10000 --jobs 2
  keyquake sim sweep --swarm --budget 10m --corpus corpus
  keyquake sim sweep --swarm --seeds 0..2000 --floor 1
  keyquake sim sweep scenarios/quickstart.toml --seeds 0..1000 --shard 3/64 -o shard-3
  keyquake sim merge shard-0 shard-1 shard-3

Results are appended to a file in the folder as runs end. The same command takes a campaign up \
where it was broken off; another scenario, other overrides or another build need a folder of \
their own. A run whose process dies is run once more; if that dies too, it is recorded as lost, \
and the next sweep of the folder runs it again.

--corpus keeps the first run of each kind of failure and of each probe, those of earlier sweeps \
of the folder too.

--floor holds the sweep to having met every probe of `keyquake sim list probes`, and every \
operation on a key that is enabled, disabled and waiting for its deletion, so often.

Exit codes: 0 fine, 1 a run failed, a probe is below the floor or the budget allowed no run, 2 \
bad usage or input, 130 interrupted.";

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Arguments {
    /// Scenario files, or folders of them
    #[arg(value_name = "SCENARIO|FOLDER")]
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
    let seeds = part(&arguments.seeds, shard)?;
    let folder = &arguments.output;
    fs::create_dir_all(folder).map_err(|error| Failure::file("make", folder, &error))?;
    let mut results = Results::open(&folder.join(shard.file()))?;
    resumable(&targets, &results.done).map_err(|why| {
        let folder = folder.display();
        Failure::usage(format!(
            "{folder} holds the runs of another sweep: {why}; choose a folder with -o"
        ))
    })?;
    let chunks = chunks(&targets, seeds, &results.names());
    let corpus = corpus(arguments, &targets, &results.done)?;
    obey_interrupts()?;
    let to_do = runs(&chunks);
    let mut campaign = Campaign::new(&mut results, corpus, to_do);
    campaign.run(chunks, arguments)?;
    let none = campaign.reached.runs == 0 && to_do > 0;
    let summary = Summary::of(&results.done);
    let exit = summary.tell(arguments.json, arguments.floor)?;
    if interrupted() {
        return Ok(Exit::Interrupted);
    }
    if none {
        return Err(Failure::found("the budget is over before the first run is: allow more"));
    }
    Ok(exit)
}

/// The corpus, with what is done: a folder that is named for the first time gets it too.
fn corpus(arguments: &Arguments, targets: &[Target], done: &[Record]) -> Result<Corpus, Failure> {
    let mut corpus = Corpus::open(arguments.corpus.as_deref())?;
    for record in done {
        let target = targets.iter().find(|one| one.run_name(record.seed) == record.scenario);
        target.map_or(Ok(None), |target| corpus.hear(record, target))?;
    }
    Ok(corpus)
}

/// The seeds of a shard.
fn part(seeds: &Seeds, shard: Shard) -> Result<Range<u64>, Failure> {
    let part = shard.part(seeds.len());
    if part.is_empty() {
        let count = seeds.len();
        return Err(Failure::usage(format!(
            "this shard has nothing to run: there are fewer seeds than shards, {count} in all"
        )));
    }
    let bound = |seed: u64| seeds.first().checked_add(seed);
    match (bound(part.start), bound(part.end)) {
        (Some(first), Some(last)) => Ok(first..last),
        _ => Err(Failure::usage(format!("the last seed of a sweep is {}", u64::MAX - 1))),
    }
}

/// Whether what is done may be gone on from: why not, if it may not.
fn resumable(targets: &[Target], done: &[Record]) -> Result<(), String> {
    for record in done {
        let target = targets.iter().find(|one| one.run_name(record.seed) == record.scenario);
        let Some(target) = target else {
            return Err(format!("{} is not in this one", record.scenario));
        };
        if let Some(why) = Origin::difference(Some(&target.origin()), record.origin.as_ref()) {
            return Err(format!("{}, seed {}: {why}", record.scenario, record.seed));
        }
    }
    Ok(())
}

fn targets(arguments: &Arguments) -> Result<Vec<Target>, Failure> {
    if arguments.swarm {
        return Ok(vec![Target::Swarm]);
    }
    if arguments.scenarios.is_empty() {
        return Err(Failure::usage(
            "nothing to sweep: name scenario files or folders, or say --swarm for what seeds draw",
        ));
    }
    let inputs = read_inputs(&arguments.scenarios, &arguments.overrides)?;
    distinct(&inputs)?;
    let parse = |text: &String| text.parse::<Override>().map_err(Failure::usage);
    let parsed: Vec<Override> = arguments.overrides.iter().map(parse).collect::<Result<_, _>>()?;
    let file = |Input { path, scenario }: Input| {
        let path = path.unwrap_or_default();
        let document = Document::open(&path, &parsed).map_err(Failure::usage)?;
        let (name, overrides) = (scenario.name.clone(), arguments.overrides.clone());
        Ok(Target::File { origin: Origin::of(Some(&document)), path, name, overrides })
    };
    inputs.into_iter().map(file).collect()
}

/// What is left to do of a shard, a few seeds at a time. All targets go through the same seeds
/// together, so that a campaign that is broken off has seen something of each.
fn chunks(
    targets: &[Target],
    Range { start: first, end: last }: Range<u64>,
    done: &BTreeSet<(String, u64)>,
) -> VecDeque<Chunk> {
    let mut chunks: VecDeque<Chunk> = VecDeque::new();
    for from in (first..last).step_by(usize::try_from(CHUNK).unwrap_or(1)) {
        for target in targets {
            let left = (from..last.min(from.saturating_add(CHUNK)))
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
        let (queue, leash) = (Mutex::new(chunks), Leash::new()?);
        let (sender, receiver) = channel();
        thread::scope(|scope| {
            let (queue, leash) = (&queue, &leash);
            for _ in 0..arguments.jobs.get() {
                let sender = sender.clone();
                scope.spawn(move || work(queue, leash, deadline, &sender));
            }
            drop(sender);
            scope.spawn(move || {
                while !leash.is_cut() {
                    thread::sleep(SOON);
                    if interrupted() {
                        leash.cut();
                    }
                }
            });
            let result = self.listen(&receiver);
            leash.cut();
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
        let record = Record { origin: Some(target.origin()), ..record };
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

fn work(
    queue: &Mutex<VecDeque<Chunk>>,
    leash: &Leash,
    deadline: Option<Instant>,
    said: &Sender<Said>,
) {
    while deadline.is_none_or(|deadline| Instant::now() < deadline) && !leash.is_cut() {
        let next = queue.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
        let Some(chunk) = next else { return };
        let ended = whole(&chunk, leash, said);
        let failed = ended.is_err();
        if said.send(Said::Ended(ended)).is_err() || failed {
            return;
        }
    }
}

/// Runs a chunk to its end, in as many processes as that takes.
fn whole(chunk: &Chunk, leash: &Leash, said: &Sender<Said>) -> Result<(), Failure> {
    let mut left = chunk.clone();
    // The seed at which the last worker died.
    let mut died_at = None;
    while !left.seeds.is_empty() {
        let mut next = left.seeds.start;
        let end = left.run(leash, |record| {
            next = record.seed + 1;
            let _ = said.send(Said::Ran(chunk.target.clone(), record));
        })?;
        left.seeds.start = next;
        if leash.is_cut() || interrupted() {
            break;
        }
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

#[cfg(test)]
mod tests {
    use super::*;

    fn shard(seeds: &str, shard: &str) -> Result<Range<u64>, Failure> {
        part(&seeds.parse().unwrap(), shard.parse().unwrap())
    }

    fn spans(done: &[u64], of: &str) -> Vec<Range<u64>> {
        let done = done.iter().map(|seed| (format!("swarm-{seed}"), *seed)).collect();
        let chunks = chunks(&[Target::Swarm], shard("0..20", of).unwrap(), &done);
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
    #[test]
    fn a_range_without_a_run_is_refused() {
        let said = |seeds: &str, of: &str| match shard(seeds, of) {
            Err(Failure::Said { message, .. }) => message,
            other => panic!("{other:?}"),
        };
        let last = "18446744073709551615..=18446744073709551615";
        assert!(said(last, "0/1").contains("18446744073709551614"));
        let last = "18446744073709551614..=18446744073709551614";
        assert_eq!(shard(last, "0/1").unwrap(), u64::MAX - 1..u64::MAX);
        assert!(said("0..2", "0/3").contains("fewer seeds than shards"));
    }

    fn done(scenario: &str, origin: Option<Origin>) -> Record {
        let line = format!(r#"{{"scenario":"{scenario}","seed":3,"verdict":"pass","replay":"r"}}"#);
        Record { origin, ..Record::of_line(&line).unwrap() }
    }

    /// A sweep that was taken up with other overrides showed the old runs as its own.
    #[test]
    fn runs_of_something_else_are_not_gone_on_from() {
        let said = |record| resumable(&[Target::Swarm], &[record]);
        let mine = Target::Swarm.origin();
        assert_eq!(said(done("swarm-3", Some(mine.clone()))), Ok(()));
        let why = |record| said(record).unwrap_err();
        assert_eq!(why(done("quickstart", Some(mine.clone()))), "quickstart is not in this one");
        assert!(why(done("swarm-3", None)).contains("do not say what was run"));
        let changed = Origin { scenario: "another".into(), ..mine.clone() };
        assert!(why(done("swarm-3", Some(changed))).contains("overrides have changed"));
        let older = Origin { commit: "abc".into(), ..mine };
        assert!(why(done("swarm-3", Some(older))).contains("of commit abc"));
    }
}
