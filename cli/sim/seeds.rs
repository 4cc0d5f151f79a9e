//! Ranges of seeds, as `--seeds` takes them.

use std::ops::RangeInclusive;
use std::str::FromStr;

/// More seeds than this in one process are a sweep that should be split.
const MOST: u64 = 1_000_000;

/// The seeds `A..B`, without B, or `A..=B`, with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Seeds(RangeInclusive<u64>);

impl Seeds {
    /// One seed.
    pub(crate) fn one(seed: u64) -> Seeds {
        Seeds(seed..=seed)
    }

    /// The first one.
    pub(crate) fn first(&self) -> u64 {
        *self.0.start()
    }

    /// How many there are.
    pub(crate) fn len(&self) -> u64 {
        self.0.end() - self.0.start() + 1
    }

    /// Every seed, in order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = u64> + use<> {
        self.0.clone()
    }
}

impl FromStr for Seeds {
    type Err = String;

    fn from_str(text: &str) -> Result<Seeds, String> {
        let (first, rest) =
            text.split_once("..").ok_or("a range of seeds is A..B, or A..=B to include B")?;
        let (last, inclusive) = match rest.strip_prefix('=') {
            Some(last) => (last, true),
            None => (rest, false),
        };
        let (first, last) = (seed(first)?, seed(last)?);
        let last = if inclusive { Some(last) } else { last.checked_sub(1) };
        let last = last.filter(|last| *last >= first).ok_or("the range has no seed in it")?;
        if last - first >= MOST {
            return Err(format!("at most {MOST} seeds can be run at once"));
        }
        Ok(Seeds(first..=last))
    }
}

fn seed(text: &str) -> Result<u64, String> {
    text.parse().map_err(|_| format!("{text:?} is no seed: a whole number from 0 to 2^64 - 1"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seeds(text: &str) -> Vec<u64> {
        text.parse::<Seeds>().unwrap().iter().collect()
    }

    fn complaint(text: &str) -> String {
        text.parse::<Seeds>().unwrap_err()
    }

    #[test]
    fn the_end_is_outside_unless_it_is_written_as_inside() {
        assert_eq!(seeds("3..6"), [3, 4, 5]);
        assert_eq!(seeds("3..=6"), [3, 4, 5, 6]);
        assert_eq!(seeds("18446744073709551615..=18446744073709551615"), [u64::MAX]);
    }

    #[test]
    fn nonsense_is_named() {
        assert!(complaint("7").contains("A..B"));
        assert!(complaint("a..3").contains("\"a\""));
        assert!(complaint("1..-3").contains("\"-3\""));
        assert!(complaint("5..5").contains("no seed"));
        assert!(complaint("0..0").contains("no seed"));
        assert!(complaint("0..1000001").contains("1000000"));
        assert_eq!("0..1000000".parse::<Seeds>().unwrap().iter().count(), 1_000_000);
    }
}
