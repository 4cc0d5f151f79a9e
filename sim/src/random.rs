//! Every draw of a simulation comes from a stream that has a name.
//!
//! One shared generator would couple everything: remove one request and every later draw moves, so
//! nothing can be shrunk or compared. Here a [`Name`] is a hash of what the draw is for (seed, site,
//! node, request, attempt, ordinal), and it opens a [`Stream`] of its own. Opening one and drawing
//! once costs a few nanoseconds.
//!
//! The bits are the same on every platform: xoshiro256++, integer mixing, IEEE multiplication, and
//! logarithms from the `libm` crate, because the system's differ in the last bit.

use std::ops::Range;

use rand_xoshiro::Xoshiro256PlusPlus;
use rand_xoshiro::rand_core::{Rng, SeedableRng};

use crate::place::NodeId;

/// The number a whole run is drawn from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Seed(pub u64);

/// A place in the code that draws, for instance `Site::new("network")`.
///
/// Two sites must have different words; the word, not its position, is what is hashed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Site(u64);

impl Site {
    /// Hashes the word (FNV-1a, 64 bits) at compile time.
    pub const fn new(word: &str) -> Self {
        let bytes = word.as_bytes();
        let mut hash = 0xcbf2_9ce4_8422_2325_u64;
        let mut at = 0;
        while at < bytes.len() {
            hash = (hash ^ bytes[at] as u64).wrapping_mul(0x0000_0100_0000_01b3);
            at += 1;
        }
        Self(hash)
    }
}

/// What a stream is for: typed parts, absorbed one after the other into 64 bits.
///
/// Each part adds its kind and then its value, each followed by the finaliser of SplitMix64
/// (Steele, Lea and Flood, 2014). So `node(3).ordinal(4)` and `ordinal(3).node(4)` are two names.
/// Among a million names of one run two are equal with a chance of 3 in 100 million.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Name(u64);

impl Name {
    /// The first two parts of every name: the run and the site that draws.
    #[inline]
    pub const fn new(seed: Seed, site: Site) -> Self {
        Self(mix(seed.0)).absorb(1, site.0)
    }

    /// Adds the node that draws.
    #[inline]
    pub const fn node(self, node: NodeId) -> Self {
        self.absorb(2, node.0 as u64)
    }

    /// Adds a directed link.
    #[inline]
    pub const fn link(self, from: NodeId, to: NodeId) -> Self {
        self.absorb(3, ((from.0 as u64) << 16) | to.0 as u64)
    }

    /// Adds the request that the draw belongs to.
    #[inline]
    pub const fn request(self, request: u64) -> Self {
        self.absorb(4, request)
    }

    /// Adds the attempt, so that a retry or a hedge never repeats a nonce.
    #[inline]
    pub const fn attempt(self, attempt: u32) -> Self {
        self.absorb(5, attempt as u64)
    }

    /// Adds the place within the attempt that draws.
    #[inline]
    pub const fn site(self, site: Site) -> Self {
        self.absorb(6, site.0)
    }

    /// Adds a running number.
    #[inline]
    pub const fn ordinal(self, ordinal: u64) -> Self {
        self.absorb(7, ordinal)
    }

    const fn absorb(self, kind: u64, value: u64) -> Self {
        Self(mix(mix(self.0 ^ kind.wrapping_mul(GOLDEN)) ^ value))
    }
}

/// 2^64 divided by the golden ratio: the increment of SplitMix64.
const GOLDEN: u64 = 0x9e37_79b9_7f4a_7c15;

/// The step and finaliser of SplitMix64.
const fn mix(value: u64) -> u64 {
    let mut z = value.wrapping_add(GOLDEN);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// A deterministic stream of draws.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stream(Xoshiro256PlusPlus);

impl Stream {
    /// Opens the stream of this name, at its beginning.
    #[inline]
    pub fn named(name: Name) -> Self {
        Self(Xoshiro256PlusPlus::seed_from_u64(name.0))
    }

    /// 64 uniform bits.
    #[inline]
    pub fn u64(&mut self) -> u64 {
        self.0.next_u64()
    }

    /// A number below `n`, each equally likely (Lemire's multiplication with rejection); 0 when `n` is 0.
    #[inline]
    pub fn below(&mut self, n: u64) -> u64 {
        let (mut high, mut low) = widening_mul(self.u64(), n);
        if low < n {
            let rejected = n.wrapping_neg() % n;
            while low < rejected {
                (high, low) = widening_mul(self.u64(), n);
            }
        }
        high
    }

    /// A number of the range, each equally likely; the start when the range is empty.
    #[inline]
    pub fn uniform(&mut self, range: Range<u64>) -> u64 {
        range.start + self.below(range.end.saturating_sub(range.start))
    }

    /// One of the items, each equally likely; `None` when there is none.
    pub fn pick<'a, T>(&mut self, items: &'a [T]) -> Option<&'a T> {
        let index = usize::try_from(self.below(items.len() as u64)).ok()?;
        items.get(index)
    }

    /// A number in [0, 1) with 53 random bits.
    #[inline]
    pub fn unit(&mut self) -> f64 {
        const STEP: f64 = 1.0 / (1_u64 << 53) as f64;
        (self.u64() >> 11) as f64 * STEP
    }

    /// True with probability `p`; never for `p` ≤ 0, always for `p` ≥ 1.
    #[inline]
    pub fn chance(&mut self, p: f64) -> bool {
        self.unit() < p
    }

    /// An exponentially distributed number with this mean.
    #[inline]
    pub fn exponential(&mut self, mean: f64) -> f64 {
        -mean * libm::log(1.0 - self.unit())
    }

    /// Fills the bytes.
    #[inline]
    pub fn fill(&mut self, bytes: &mut [u8]) {
        self.0.fill_bytes(bytes);
    }
}

/// The high and the low half of the 128-bit product.
#[inline]
#[allow(clippy::cast_possible_truncation, reason = "taking the low half is the point")]
fn widening_mul(a: u64, b: u64) -> (u64, u64) {
    let product = u128::from(a) * u128::from(b);
    ((product >> 64) as u64, product as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEST: Name = Name::new(Seed(1), Site::new("test"));

    #[test]
    fn the_bits_never_change() {
        // Histories and regression seeds depend on these values; changing them invalidates both.
        let mut stream = Stream::named(TEST.node(NodeId(3)).request(5).attempt(1).ordinal(9));
        let drawn = [stream.u64(), stream.u64(), stream.below(1000)];
        assert_eq!(drawn, [3_728_041_805_611_046_667, 6_733_408_727_821_467_731, 108]);
        assert_eq!(stream.exponential(1.0).to_bits(), 0x3ff3_7fdb_bf20_02ae);
    }

    #[test]
    fn names_depend_on_kind_order_and_value() {
        let names = [
            TEST,
            TEST.node(NodeId(3)),
            TEST.ordinal(3),
            TEST.request(3),
            TEST.attempt(3),
            TEST.node(NodeId(3)).ordinal(4),
            TEST.ordinal(4).node(NodeId(3)),
            TEST.ordinal(3).node(NodeId(4)),
            TEST.link(NodeId(1), NodeId(2)),
            TEST.link(NodeId(2), NodeId(1)),
            TEST.site(Site::new("test")),
            Name::new(Seed(2), Site::new("test")),
            Name::new(Seed(1), Site::new("tess")),
        ];
        for (i, a) in names.iter().enumerate() {
            for b in &names[i + 1..] {
                assert_ne!(a, b);
                assert_ne!(Stream::named(*a).u64(), Stream::named(*b).u64());
            }
        }
    }

    #[test]
    fn below_is_even_for_a_bound_that_does_not_divide() {
        let mut stream = Stream::named(TEST);
        let mut counts = [0_u32; 7];
        for _ in 0..70_000 {
            counts[usize::try_from(stream.below(7)).unwrap()] += 1;
        }
        let chi_squared: f64 = counts
            .iter()
            .map(|&n| {
                let off = f64::from(n) - 1e4;
                off * off / 1e4
            })
            .sum();
        assert!(chi_squared < 22.5, "6 degrees of freedom, p = 0.001: {chi_squared}");
    }

    #[test]
    fn below_rejects_what_would_bias_a_large_bound() {
        // Without rejection, numbers of this bound would fall into the lower third half the time.
        let bound = (1_u64 << 63) + (1 << 62);
        let mut stream = Stream::named(TEST);
        let low = (0..30_000).filter(|_| stream.below(bound) < bound / 3).count();
        assert!((9_600..10_400).contains(&low), "{low}");
        assert_eq!(stream.below(0), 0);
        assert_eq!(stream.below(1), 0);
    }

    #[test]
    fn neighbouring_names_open_unrelated_streams() {
        let draw = |n| Stream::named(TEST.ordinal(n)).unit();
        let mean = (0..100_000).map(draw).sum::<f64>() / 1e5;
        assert!((mean - 0.5).abs() < 0.005, "{mean}");
        let pairs = (0..100_000).map(|n| (draw(n) - 0.5) * (draw(n + 1) - 0.5)).sum::<f64>() / 1e5;
        assert!(pairs.abs() < 0.002, "{pairs}");
    }

    #[test]
    fn exponential_has_its_mean_and_chance_its_edges() {
        let mut stream = Stream::named(TEST);
        let mean = (0..100_000).map(|_| stream.exponential(3.0)).sum::<f64>() / 1e5;
        assert!((mean - 3.0).abs() < 0.05, "{mean}");
        assert!((0..1000).all(|_| !stream.chance(0.0) && stream.chance(1.0)));
    }

    #[test]
    fn ranges_and_picks_stay_inside() {
        let mut stream = Stream::named(TEST);
        assert!((0..1000).all(|_| (5..9).contains(&stream.uniform(5..9))));
        assert_eq!(stream.uniform(5..5), 5);
        assert_eq!(stream.pick::<u8>(&[]), None);
        assert!((0..100).all(|_| [1, 2, 3].contains(stream.pick(&[1, 2, 3]).unwrap())));
        let mut bytes = [0; 13];
        stream.fill(&mut bytes);
        assert_ne!(bytes, [0; 13]);
    }
}
