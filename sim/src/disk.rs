//! What survives a crash.
//!
//! A [`Disk`] is a sequence of appended records, of which a prefix has reached the platter. A crash
//! loses the rest, or keeps a torn part of it, as a write cache that was being flushed would. The
//! disk performs nothing: it says how long a write or a sync takes, and its owner waits that long.

use std::fmt;
use std::ops::Range;
use std::time::Duration;

use crate::clock::nanos;
use crate::random::Stream;

/// How a disk behaves; all of it may change while it is in use.
#[derive(Clone, Debug, PartialEq)]
pub struct DiskParameters {
    /// Shortest and longest time a write takes to reach the cache.
    pub write: Range<Duration>,
    /// Shortest and longest time a sync takes.
    pub sync: Range<Duration>,
    /// How many times slower than that the disk is now; 1 is healthy.
    pub slow: f64,
    /// How many records fit.
    pub capacity: usize,
    /// The probability that a crash keeps a part of what was not synced.
    pub torn: f64,
}

impl Default for DiskParameters {
    /// Modelled on a network block device of a cloud: sub-millisecond writes, syncs of about a
    /// millisecond. Every second crash tears.
    fn default() -> Self {
        Self {
            write: Duration::from_micros(20)..Duration::from_micros(60),
            sync: Duration::from_micros(500)..Duration::from_micros(1_500),
            slow: 1.0,
            capacity: usize::MAX,
            torn: 0.5,
        }
    }
}

/// The disk has no room for another record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DiskFull;

impl fmt::Display for DiskFull {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the disk is full")
    }
}

impl std::error::Error for DiskFull {}

/// Appended records, the first of which are durable.
#[derive(Clone, Debug)]
pub struct Disk<T> {
    /// How the disk behaves now.
    pub parameters: DiskParameters,
    records: Vec<T>,
    durable: usize,
}

/// A sync under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sync {
    /// How long it takes.
    pub takes: Duration,
    up_to: usize,
}

impl<T> Disk<T> {
    /// An empty disk.
    pub fn new(parameters: DiskParameters) -> Self {
        Self { parameters, records: Vec::new(), durable: 0 }
    }

    /// Appends a record, which is visible at once and durable after the next [`sync`](Self::sync).
    /// Returns how long the write takes.
    pub fn write(&mut self, record: T, stream: &mut Stream) -> Result<Duration, DiskFull> {
        if self.records.len() >= self.parameters.capacity {
            return Err(DiskFull);
        }
        self.records.push(record);
        Ok(self.takes(&self.parameters.write, stream))
    }

    /// Begins a sync: what is written by now will be durable once it ends.
    pub fn begin_sync(&self, stream: &mut Stream) -> Sync {
        Sync { takes: self.takes(&self.parameters.sync, stream), up_to: self.records.len() }
    }

    /// The sync has ended.
    pub fn end_sync(&mut self, sync: &Sync) {
        self.durable = self.durable.max(sync.up_to.min(self.records.len()));
    }

    /// Loses what was not synced, or all but a random prefix of it. Returns how many records went.
    pub fn crash(&mut self, stream: &mut Stream) -> usize {
        let unsynced = self.records.len() - self.durable;
        let kept = if stream.chance(self.parameters.torn) {
            usize::try_from(stream.below(unsynced as u64 + 1)).unwrap_or(unsynced)
        } else {
            0
        };
        self.records.truncate(self.durable + kept);
        self.durable = self.records.len();
        unsynced - kept
    }

    /// How many times slower than usual it is from now on; 1 is healthy.
    pub fn slow(&mut self, factor: f64) {
        self.parameters.slow = factor;
    }

    /// Everything written, synced or not.
    pub fn records(&self) -> &[T] {
        &self.records
    }

    /// How many records a crash cannot take.
    pub fn durable(&self) -> usize {
        self.durable
    }

    fn takes(&self, range: &Range<Duration>, stream: &mut Stream) -> Duration {
        let drawn = stream.uniform(nanos(range.start)..nanos(range.end));
        crate::clock::from_nanos_f64(drawn as f64 * self.parameters.slow)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::{Name, Seed, Site};

    fn stream(n: u64) -> Stream {
        Stream::named(Name::new(Seed(n), Site::new("disk test")))
    }

    fn disk(torn: f64) -> Disk<u32> {
        let mut disk = Disk::new(DiskParameters { torn, ..DiskParameters::default() });
        let mut stream = stream(0);
        for record in 0..10 {
            disk.write(record, &mut stream).unwrap();
            if record == 3 {
                let sync = disk.begin_sync(&mut stream);
                disk.end_sync(&sync);
            }
        }
        disk
    }

    #[test]
    fn a_crash_keeps_exactly_what_was_synced() {
        let mut disk = disk(0.0);
        assert_eq!((disk.records().len(), disk.durable()), (10, 4));
        assert_eq!(disk.crash(&mut stream(1)), 6);
        assert_eq!(disk.records(), [0, 1, 2, 3]);
        assert_eq!(disk.crash(&mut stream(2)), 0);
    }

    #[test]
    fn a_torn_crash_keeps_every_length_of_prefix_in_some_run() {
        let mut lengths = [false; 11];
        for seed in 0..200 {
            let mut disk = disk(1.0);
            let lost = disk.crash(&mut stream(seed));
            assert_eq!(lost + disk.records().len(), 10);
            assert!(disk.records().iter().copied().eq(0..u32::try_from(10 - lost).unwrap()));
            assert_eq!(disk.durable(), disk.records().len());
            lengths[disk.records().len()] = true;
        }
        assert!(lengths[..4].iter().all(|seen| !seen) && lengths[4..].iter().all(|&seen| seen));
    }

    #[test]
    fn a_full_disk_refuses_and_a_slow_one_takes_longer() {
        let mut disk = disk(0.0);
        disk.parameters.capacity = 10;
        assert_eq!(disk.write(10, &mut stream(0)), Err(DiskFull));
        let healthy = disk.begin_sync(&mut stream(7)).takes;
        disk.parameters.slow = 100.0;
        assert_eq!(disk.begin_sync(&mut stream(7)).takes, healthy * 100);
        assert!(disk.parameters.sync.contains(&healthy));
    }
}
