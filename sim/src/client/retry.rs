//! Retries as the AWS SDKs make them: standard mode by the rules of 2026, and by those before.
//!
//! Figures: AWS SDKs and Tools Reference Guide, "Retry behavior" (2026), and botocore 1.44. A retry
//! waits a uniform share of min(20 s, base · 2^i), and is paid for from a bucket of tokens, so that a
//! service that fails everything is not asked three times as often. An attempt that paid and
//! succeeded gets its last cost back; a first attempt that succeeded earns one token.

use std::time::Duration;

use kms_core::error::ErrorCode;
use scenarios::{Client, RetryMode};

/// The tokens of a client, full.
const TOKENS: u32 = 500;
/// No wait is longer, before the share of it is drawn.
const LONGEST: Duration = Duration::from_secs(20);

/// Why an attempt failed, as far as a retry is concerned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    /// The service asks for fewer requests.
    Throttling,
    /// The service failed.
    Transient,
    /// No answer in time.
    TimedOut,
    /// The answer would be the same again.
    Final,
}

/// One client's retries: its rules and what is left in its bucket.
#[derive(Clone, Debug)]
pub struct Retry {
    mode: RetryMode,
    most_attempts: u32,
    tokens: u32,
}

/// What one kind of failure means: the base of the wait and the price of a retry.
struct Price {
    base: Duration,
    cost: u32,
}

impl Failure {
    /// What an SDK makes of an error of the service. `LimitExceededException` is a resource quota,
    /// yet the SDKs list its name among the throttling codes.
    pub fn of(code: ErrorCode) -> Failure {
        match code {
            ErrorCode::Throttling | ErrorCode::LimitExceeded => Failure::Throttling,
            code if code.is_server_fault() => Failure::Transient,
            _ => Failure::Final,
        }
    }
}

impl Retry {
    /// The retries of a client that has not called yet.
    pub fn new(settings: &Client) -> Retry {
        Retry { mode: settings.retry, most_attempts: settings.max_attempts, tokens: TOKENS }
    }

    /// How long to wait before the next attempt, and what it costs, which is taken from the bucket;
    /// nothing when this attempt, counted from 1, was the last. `share` is uniform in [0, 1).
    pub fn again(&mut self, attempt: u8, failure: Failure, share: f64) -> Option<(Duration, u32)> {
        let price = price(self.mode, failure)?;
        if u32::from(attempt) >= self.most_attempts || self.tokens < price.cost {
            return None;
        }
        self.tokens -= price.cost;
        let doublings = u32::from(attempt).saturating_sub(1).min(30);
        let longest = price.base.saturating_mul(1 << doublings).min(LONGEST);
        Some((longest.mul_f64(share.clamp(0.0, 1.0)), price.cost))
    }

    /// Takes note of a success, whose last retry, if there was one, cost this much.
    pub fn succeeded(&mut self, paid: Option<u32>) {
        self.tokens = (self.tokens + paid.unwrap_or(1)).min(TOKENS);
    }
}

fn price(mode: RetryMode, failure: Failure) -> Option<Price> {
    let (millis, cost) = match (mode, failure) {
        (RetryMode::None, _) | (_, Failure::Final) => return None,
        (RetryMode::Standard2026, Failure::Throttling) => (1_000, 5),
        (RetryMode::Standard2026, Failure::Transient | Failure::TimedOut) => (50, 14),
        (RetryMode::Standard, Failure::Throttling | Failure::Transient) => (1_000, 5),
        (RetryMode::Standard, Failure::TimedOut) => (1_000, 10),
    };
    Some(Price { base: Duration::from_millis(millis), cost })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn retry(mode: RetryMode, max_attempts: u32) -> Retry {
        Retry::new(&Client { retry: mode, timeout: Duration::from_secs(10), max_attempts })
    }

    #[test]
    fn every_error_is_retried_as_the_sdks_do() {
        let by = |failure| {
            let codes = ErrorCode::ALL.iter().filter(|code| Failure::of(**code) == failure);
            codes.copied().collect::<Vec<_>>()
        };
        assert_eq!(by(Failure::Throttling), [ErrorCode::LimitExceeded, ErrorCode::Throttling]);
        assert_eq!(
            by(Failure::Transient),
            [ErrorCode::DependencyTimeout, ErrorCode::KmsInternal, ErrorCode::KeyUnavailable]
        );
        assert_eq!(Failure::of(ErrorCode::KmsInvalidState), Failure::Final);
    }

    #[test]
    fn waits_and_prices_are_those_of_the_table() {
        use Failure::{Final, Throttling, TimedOut, Transient};
        use RetryMode::{None as Never, Standard, Standard2026};
        for (mode, failure, attempt, expected) in [
            (Standard2026, Throttling, 1, Some((1_000, 5))),
            (Standard2026, Throttling, 2, Some((2_000, 5))),
            (Standard2026, Throttling, 9, Some((20_000, 5))),
            (Standard2026, Transient, 1, Some((50, 14))),
            (Standard2026, TimedOut, 3, Some((200, 14))),
            (Standard, Transient, 1, Some((1_000, 5))),
            (Standard, Throttling, 6, Some((20_000, 5))),
            (Standard, TimedOut, 2, Some((2_000, 10))),
            (Standard, Final, 1, None),
            (Never, Transient, 1, None),
        ] {
            let expected = expected.map(|(millis, cost)| (Duration::from_millis(millis), cost));
            let got = retry(mode, 100).again(attempt, failure, 1.0);
            assert_eq!(got, expected, "{mode:?} {failure:?} {attempt}");
        }
    }

    #[test]
    fn the_wait_is_a_share_and_attempts_are_counted() {
        let mut retry = retry(RetryMode::Standard2026, 3);
        assert_eq!(
            retry.again(1, Failure::Throttling, 0.25),
            Some((Duration::from_millis(250), 5))
        );
        assert_eq!(retry.again(2, Failure::Throttling, 0.0), Some((Duration::ZERO, 5)));
        assert_eq!(retry.again(3, Failure::Throttling, 0.5), None);
    }

    #[test]
    fn an_empty_bucket_ends_retries_until_calls_succeed() {
        let mut retry = retry(RetryMode::Standard2026, 3);
        let paid = (0..100).map_while(|_| retry.again(1, Failure::Transient, 0.5)).count();
        assert_eq!(paid, 35, "500 tokens pay 35 retries of 14");
        (0..3).for_each(|_| retry.succeeded(None));
        assert_eq!(retry.again(1, Failure::Transient, 0.5), None, "13 tokens are too few");
        retry.succeeded(None);
        assert!(retry.again(1, Failure::Transient, 0.5).is_some());
        retry.succeeded(Some(14));
        assert!(retry.again(1, Failure::Transient, 0.5).is_some(), "the price came back");
    }
}
