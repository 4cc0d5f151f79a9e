//! A share of any load's calls that only ask whether they would succeed.

use std::sync::Arc;

use kms_core::ops::Response;

use super::generator::{Generator, Moment, Planned};
use crate::units::Probability;

/// A client some of whose calls are dry runs, where their operations have them.
pub(super) struct DryRuns {
    pub(super) of: Box<dyn Generator>,
    pub(super) share: Probability,
}

impl Generator for DryRuns {
    fn next(&mut self, moment: &mut Moment<'_>) -> Planned {
        let mut planned = self.of.next(moment);
        if let Some(dry_run) = Arc::make_mut(&mut planned.request).dry_run_mut() {
            *dry_run = moment.draw.chance(self.share.get());
        }
        planned
    }

    fn learn(&mut self, planned: &Planned, result: &kms_core::Result<Response>) {
        self.of.learn(planned, result);
    }

    fn repeats(&self) -> bool {
        self.of.repeats()
    }

    fn kept(&self) -> Vec<Planned> {
        self.of.kept()
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::Run;
    use kms_core::error::ErrorCode;
    use kms_core::ops::Operation;

    #[test]
    fn dry_runs_come_as_often_as_asked_and_never_succeed() {
        let run = Run::of("random", "dry_runs = 0.5", 400);
        let dry = run.count(|_, request| request.is_dry_run());
        let wet = |operation| run.count(|_, request| request.operation() == operation);
        assert!((30..120).contains(&dry), "{dry}");
        assert!(run.succeeds(Operation::Encrypt) && wet(Operation::ListKeys) > 0);
        let dry = run.calls.iter().filter(|(planned, _)| planned.request.is_dry_run());
        let codes: Vec<_> = dry.map(|(_, result)| result.as_ref().unwrap_err().code).collect();
        assert!(codes.contains(&ErrorCode::DryRunOperation));
    }

    #[test]
    fn there_are_none_unless_asked() {
        let run = Run::of("random", "", 100);
        assert_eq!(run.count(|_, request| request.is_dry_run()), 0);
    }
}
