//! What is drawn for a ciphertext is never drawn again: a key derived with the same nonce, used with the
//! same initialisation vector, would give away what both ciphertexts hide.

use super::{Context, Entry, Finding, Oracle, OracleInfo, Seen, Violation};
use crate::history::{Digest, Event, Got, Source};
use crate::recent::Recent;
use kms_core::env::RequestId;

const INFO: OracleInfo = OracleInfo {
    name: "nonce",
    doc: "No two of the last 65,536 ciphertexts share nonce and initialisation vector.",
    needs: &[Source::Client],
};

/// The line in the table.
pub(super) const ENTRY: Entry = Entry { info: INFO, new: || Box::new(Nonce::new()) };

/// How many draws are remembered. A generator that repeats itself soon does so among these; one that
/// repeats itself late is for tests of the generator.
const REMEMBERED: usize = 1 << 16;

struct Nonce {
    /// Who was given what was drawn.
    drawn: Recent<Digest, RequestId>,
    judged: u64,
    violations: Vec<Violation>,
}

impl Nonce {
    fn new() -> Nonce {
        Nonce { drawn: Recent::new(REMEMBERED), judged: 0, violations: Vec::new() }
    }
}

impl Oracle for Nonce {
    fn info(&self) -> OracleInfo {
        INFO
    }

    fn record(&mut self, seen: Seen<'_>, _: &Context<'_>) {
        let Event::Returned { request, got: Ok(got) } = &seen.record.event else { return };
        let (Got::Sealed { draw: Some(draw), .. } | Got::Resealed { draw: Some(draw), .. }) = **got
        else {
            return;
        };
        self.judged += 1;
        match self.drawn.insert(draw, *request) {
            None => {}
            // A second copy of one request is the same ciphertext.
            Some(before) if before == *request => {}
            Some(before) => {
                let message = format!("{request} was given a ciphertext with the draw of {before}");
                self.violations.push(seen.violates(INFO.name, message));
            }
        }
    }

    fn finish(&mut self, _: &Context<'_>) -> Finding {
        let violations = std::mem::take(&mut self.violations);
        Finding { judged: self.judged, detail: Vec::new(), violations }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::oracle::scene::{Scene, arn};

    fn sealed(draw: u64) -> Got {
        Got::Sealed { key: arn(), blob: Digest(1), draw: Some(Digest(draw)), plaintext: None }
    }

    fn told(draws: &[(u128, u64)]) -> usize {
        let mut scene = Scene::new();
        for (request, draw) in draws {
            scene.returned(*request, sealed(*draw));
        }
        scene.judge(&ENTRY).violations.len()
    }

    #[test]
    fn a_draw_is_given_to_one_request_only() {
        assert_eq!(told(&[(1, 1), (2, 2)]), 0);
        assert_eq!(told(&[(1, 1), (2, 2), (3, 1)]), 1);
        assert_eq!(told(&[(1, 1), (1, 1)]), 0, "a second copy of the answer");
    }

    #[test]
    fn memory_is_bounded() {
        let mut oracle = Nonce::new();
        let scene = Scene::new();
        let known = crate::oracle::Known::new(&scene.context());
        for draw in 0..REMEMBERED as u64 + 10 {
            let mut scene = Scene::new();
            scene.returned(u128::from(draw), sealed(draw));
            let record = &scene.records()[0];
            oracle.record(Seen { index: 0, record, known: &known }, &scene.context());
        }
        assert_eq!(oracle.drawn.len(), REMEMBERED);
    }
}
