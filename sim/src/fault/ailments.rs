//! What is wrong with one machine, all of it.

use super::Ailment;

/// The ailments of a machine, in the order in which they began. One that two faults brought lasts until
/// both are over.
#[derive(Clone, Debug, Default)]
pub struct Ailments(Vec<Ailment>);

impl Ailments {
    /// Something is wrong from now on.
    pub fn begin(&mut self, ailment: Ailment) {
        self.0.push(ailment);
    }

    /// One fault is over that had brought this.
    pub fn end(&mut self, ailment: Ailment) {
        if let Some(index) = self.0.iter().position(|one| *one == ailment) {
            self.0.remove(index);
        }
    }

    /// Whether the machine has this.
    pub fn have(&self, ailment: Ailment) -> bool {
        self.0.contains(&ailment)
    }

    /// What `figure` makes of each, those that began first before the others.
    pub fn figures(&self, figure: fn(Ailment) -> Option<u32>) -> impl Iterator<Item = u32> {
        self.0.iter().copied().filter_map(figure)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn slowness(ailment: Ailment) -> Option<u32> {
        match ailment {
            Ailment::Slow(factor) => Some(factor),
            _ => None,
        }
    }

    #[test]
    fn what_two_faults_brought_lasts_until_both_are_over() {
        let mut ailments = Ailments::default();
        for ailment in [Ailment::Full, Ailment::Slow(3), Ailment::Slow(2), Ailment::Full] {
            ailments.begin(ailment);
        }
        assert_eq!(ailments.figures(slowness).collect::<Vec<_>>(), [3, 2]);
        ailments.end(Ailment::Full);
        assert!(ailments.have(Ailment::Full));
        ailments.end(Ailment::Full);
        assert!(!ailments.have(Ailment::Full));
        ailments.end(Ailment::Slow(2));
        ailments.end(Ailment::Hung);
        assert_eq!(ailments.figures(slowness).collect::<Vec<_>>(), [3]);
    }
}
