//! A short name for what a scenario says, by which results know whether they are of the same one.

use scenarios::Document;
use sha2::{Digest as _, Sha256};

/// Sixteen hexadecimal digits: documents that differ in any value have different ones.
pub fn identity(document: &Document) -> String {
    let hash = Sha256::digest(document.text().as_bytes());
    hash.iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Seed;
    use crate::swarm::draw;

    #[test]
    fn scenarios_that_differ_have_different_names() {
        let of = |seed| identity(&draw(Seed(seed)).document);
        assert_eq!(of(1), of(1));
        assert_eq!(of(1).len(), 16);
        assert_ne!(of(1), of(2));
    }
}
