//! The closed loop: the next request starts when the last answer is there.

use crate::measure::Measurement;
use kms_core::Result;
use kms_core::local::Local;
use kms_core::ops::{Request, Response};
use std::time::Instant;

/// Something that answers requests.
pub trait Target {
    /// Answers one.
    ///
    /// # Errors
    /// What the service answers.
    fn call(&mut self, request: Request) -> Result<Response>;
}

/// The core in this process, without a network, a disk or another thread.
pub struct InProcess(pub Local);

impl Target for InProcess {
    fn call(&mut self, request: Request) -> Result<Response> {
        self.0.call(request)
    }
}

/// Sends `count` requests, one after another.
pub fn closed_loop(
    target: &mut dyn Target,
    count: u64,
    mut request: impl FnMut(u64) -> Request,
) -> Measurement {
    let mut measured = Measurement::new();
    let began = Instant::now();
    for number in 0..count {
        let request = request(number);
        let start = Instant::now();
        let answer = target.call(request);
        measured.answered(start.elapsed(), answer.err().map(|error| error.code));
    }
    measured.elapsed = began.elapsed();
    measured
}

#[cfg(test)]
mod tests {
    use super::*;
    use kms_core::error::ErrorCode;
    use kms_core::ops::encrypt;
    use kms_core::wire::KeyRef;

    #[test]
    fn every_answer_is_counted_once_and_errors_by_name() {
        let mut local = Local::single_region();
        let key = local.create_key();
        let mut target = InProcess(local);
        let measured = closed_loop(&mut target, 100, |number| match number % 4 {
            0 => encrypt::Request::new(KeyRef::new("alias/none"), *b"x").into(),
            _ => encrypt::Request::new(key, *b"x").into(),
        });
        assert_eq!(measured.service.len(), 100);
        assert_eq!(measured.errors.get(&ErrorCode::NotFound), Some(&25));
        assert!(measured.rate() > 0.0);
    }
}
