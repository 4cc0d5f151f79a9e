//! What it costs to measure: recording a call against bare clock reads and histogram, and how exactly
//! a start is waited for.
//!
//! ```text
//! cargo bench -p loadgen --bench recording
//! ```

use criterion::{Criterion, criterion_group, criterion_main};
use hdrhistogram::Histogram;
use loadgen::{Pacer, Recorder};
use std::hint::black_box;
use std::time::{Duration, Instant};

/// Rounds of each, of which the middle ratio counts.
const ROUNDS: usize = 101;
/// Calls of a round.
const CALLS: u32 = 20_000;

/// What nobody can do without: the three clock readings of a call, and three records of it.
struct Bare {
    histograms: [Histogram<u64>; 3],
}

impl Bare {
    fn new() -> Bare {
        let empty = Histogram::new_with_bounds(1, 60_000_000_000, 3).expect("constant bounds");
        Bare { histograms: [empty.clone(), empty.clone(), empty] }
    }

    fn call(&mut self, planned: Instant) {
        let (sent, done) = (Instant::now(), Instant::now());
        let spans = [done - planned, done - sent, sent - planned];
        for (histogram, span) in self.histograms.iter_mut().zip(spans) {
            let nanos = u64::try_from(span.as_nanos()).unwrap_or(u64::MAX);
            histogram.saturating_record(nanos.max(1));
        }
    }
}

/// The same by the recorder of a load.
fn recorded(recorder: &mut Recorder, planned: Instant) {
    let (sent, done) = (Instant::now(), Instant::now());
    recorder.note(sent - planned, done - sent, black_box(None));
}

fn recording(criterion: &mut Criterion) {
    let (mut bare, mut recorder, planned) = (Bare::new(), Recorder::new(), Instant::now());
    let mut group = criterion.benchmark_group("recording a call");
    group.bench_function("bare", |bencher| bencher.iter(|| bare.call(black_box(planned))));
    group.bench_function("recorder", |bencher| {
        bencher.iter(|| recorded(&mut recorder, black_box(planned)));
    });
    group.finish();
    ratio();
}

/// The processor time of a round, which a busy machine does not stretch.
fn round(mut call: impl FnMut(Instant)) -> f64 {
    let spent = || {
        let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
        time.tv_sec as f64 + time.tv_nsec as f64 / 1e9
    };
    let (began, before) = (Instant::now(), spent());
    (0..CALLS).for_each(|_| call(black_box(began)));
    spent() - before
}

/// Both in turn, so that a machine that changes its pace changes both.
#[expect(clippy::print_stdout, reason = "a bench says what it measured")]
fn ratio() {
    let (mut bare, mut recorder) = (Bare::new(), Recorder::new());
    let mut ratios: Vec<f64> = (0..ROUNDS)
        .map(|_| {
            let first = round(|planned| bare.call(planned));
            let ours = round(|planned| recorded(&mut recorder, planned));
            ours * 2.0 / (first + round(|planned| bare.call(planned)))
        })
        .collect();
    ratios.sort_by(f64::total_cmp);
    println!(
        "recording a call against bare clock readings and histograms: {:.2}",
        ratios[ROUNDS / 2]
    );
}

/// How late a start is at 1,000 a second.
#[expect(clippy::print_stdout, reason = "a bench says what it measured")]
fn pacing(criterion: &mut Criterion) {
    for (name, pacer) in [("spin", Pacer::SPIN), ("hybrid", Pacer::HYBRID)] {
        let (gap, began) = (Duration::from_millis(1), Instant::now());
        let lag = |number: u32| {
            let until = began + gap * number;
            (pacer.wait(until) - until).as_nanos()
        };
        let mut lags: Vec<u128> = (1..=2_000).map(lag).collect();
        lags.sort_unstable();
        println!("lag of a {name} start: p50 {} ns, p99 {} ns", lags[1_000], lags[1_980]);
    }
    let past = Instant::now();
    criterion.bench_function("a start that is due", |bencher| {
        bencher.iter(|| Pacer::SPIN.wait(black_box(past)));
    });
}

criterion_group!(benches, recording, pacing);
criterion_main!(benches);
