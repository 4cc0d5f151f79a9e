//! A set of outcomes: success, and error codes.

use kms_core::error::ErrorCode;
use std::fmt;

/// Which outcomes a request may have.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Outcomes(u64);

const SUCCESS: u64 = 1 << 63;
/// A bit each; the compiler refuses more error codes than there is room for.
const _: () = assert!(ErrorCode::ALL.len() < 63);

impl Outcomes {
    /// Nothing at all.
    pub(crate) const NONE: Outcomes = Outcomes(0);
    /// Anything.
    pub(crate) const ALL: Outcomes = Outcomes(u64::MAX);
    /// Success and nothing else.
    pub(crate) const SUCCESS: Outcomes = Outcomes(SUCCESS);

    /// One error and nothing else.
    pub(crate) const fn error(code: ErrorCode) -> Outcomes {
        Outcomes(1 << code as u64)
    }

    /// Any of these errors.
    pub(crate) fn errors(codes: &[ErrorCode]) -> Outcomes {
        codes.iter().fold(Outcomes::NONE, |all, code| all.or(Outcomes::error(*code)))
    }

    /// These or those.
    #[must_use]
    pub(crate) const fn or(self, other: Outcomes) -> Outcomes {
        Outcomes(self.0 | other.0)
    }

    /// Whether an answer with this error, or without one, is among them.
    pub(crate) fn allow(self, error: Option<ErrorCode>) -> bool {
        let one = error.map_or(Outcomes::SUCCESS, Outcomes::error);
        self.0 & one.0 != 0
    }

    /// These, but not success.
    #[must_use]
    pub(crate) const fn without_success(self) -> Outcomes {
        Outcomes(self.0 & !SUCCESS)
    }

    /// These of a dry run, which never succeeds and says so where it would have.
    #[must_use]
    pub(crate) fn of_dry_run(self) -> Outcomes {
        match self.allow(None) {
            true => self.without_success().or(Outcomes::error(ErrorCode::DryRunOperation)),
            false => self,
        }
    }

    /// How many there are.
    pub(crate) const fn count(self) -> u32 {
        self.0.count_ones()
    }
}

impl fmt::Display for Outcomes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let success = self.allow(None).then_some("success");
        let errors = ErrorCode::ALL.iter().filter(|code| self.allow(Some(**code)));
        let words = success.into_iter().chain(errors.map(|code| code.wire_name()));
        for (index, word) in words.enumerate() {
            let comma = if index == 0 { "" } else { " or " };
            write!(f, "{comma}{word}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sets_say_what_is_in_them() {
        let set = Outcomes::SUCCESS.or(Outcomes::error(ErrorCode::Disabled));
        assert_eq!(set.count(), 2);
        assert!(set.allow(None) && set.allow(Some(ErrorCode::Disabled)));
        assert!(!set.allow(Some(ErrorCode::NotFound)));
        assert_eq!(set.to_string(), "success or DisabledException");
    }
}
