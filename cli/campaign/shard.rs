//! A part of a campaign, as `--shard` takes it.

use std::ops::Range;
use std::str::FromStr;

/// More shards than this are a slip.
const MOST: u64 = 100_000;

/// Shard I of N, counted from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Shard {
    index: u64,
    of: u64,
}

impl Shard {
    /// Everything.
    pub(crate) const WHOLE: Shard = Shard { index: 0, of: 1 };

    /// This shard's part of so many runs. The parts of all shards are everything, once.
    pub(crate) fn part(self, runs: u64) -> Range<u64> {
        let bound = |index: u64| u128::from(runs) * u128::from(index) / u128::from(self.of);
        let bound = |index| u64::try_from(bound(index)).unwrap_or(runs);
        bound(self.index)..bound(self.index + 1)
    }

    /// The name of the file its results go to.
    pub(crate) fn file(self) -> String {
        format!("results-{}-of-{}.ndjson", self.index, self.of)
    }
}

impl FromStr for Shard {
    type Err = String;

    fn from_str(text: &str) -> Result<Shard, String> {
        let parts =
            text.split_once('/').and_then(|(i, n)| Some((i.parse().ok()?, n.parse().ok()?)));
        let (index, of): (u64, u64) = parts.ok_or("a shard is I/N, as in 3/64, counted from 0")?;
        if of == 0 || of > MOST {
            return Err(format!("there are 1 to {MOST} shards"));
        }
        match index < of {
            true => Ok(Shard { index, of }),
            false => Err(format!("shards count from 0: the last of {of} is {}/{of}", of - 1)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_parts_of_all_shards_are_everything_once() {
        for (runs, of) in [(10, 3), (2, 5), (1_000_000, 64)] {
            let parts: Vec<u64> =
                (0..of).flat_map(|index| Shard { index, of }.part(runs)).collect();
            assert_eq!(parts, (0..runs).collect::<Vec<_>>());
        }
        assert_eq!(Shard::WHOLE.part(7), 0..7);
    }

    #[test]
    fn shards_are_read_and_nonsense_is_named() {
        assert_eq!("3/64".parse(), Ok(Shard { index: 3, of: 64 }));
        let complaint = |text: &str| text.parse::<Shard>().unwrap_err();
        assert!(complaint("64/64").contains("63/64"));
        assert!(complaint("3").contains("I/N"));
        assert!(complaint("0/0").contains("1 to"));
    }
}
