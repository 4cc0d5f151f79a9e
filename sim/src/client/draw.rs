//! A client's randomness: the streams of the simulation, as workloads draw from them.

use scenarios::Draw;

use crate::random::Stream;

impl Draw for Stream {
    fn below(&mut self, n: u64) -> u64 {
        Stream::below(self, n)
    }

    fn unit(&mut self) -> f64 {
        Stream::unit(self)
    }

    fn fill(&mut self, bytes: &mut [u8]) {
        Stream::fill(self, bytes);
    }
}
