//! One byte string for one value: what domain signatures are made over.

/// Length-prefixed parts, so that no two values have the same bytes.
pub(in crate::hsm) struct Canon(Vec<u8>);

impl Canon {
    /// Begins with what the bytes are for, so that a signature for one purpose serves no other.
    pub(in crate::hsm) fn new(purpose: &str) -> Canon {
        Canon(Vec::with_capacity(1024)).bytes(purpose.as_bytes())
    }

    /// One more part.
    pub(in crate::hsm) fn bytes(mut self, part: &[u8]) -> Canon {
        self.0.extend_from_slice(&(part.len() as u64).to_be_bytes());
        self.0.extend_from_slice(part);
        self
    }

    /// One more number.
    pub(in crate::hsm) fn number(mut self, number: u64) -> Canon {
        self.0.extend_from_slice(&number.to_be_bytes());
        self
    }

    /// The bytes.
    pub(in crate::hsm) fn done(self) -> Vec<u8> {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_do_not_run_into_each_other() {
        let two = |a: &str, b: &str| Canon::new("t").bytes(a.as_bytes()).bytes(b.as_bytes()).done();
        assert_ne!(two("ab", "c"), two("a", "bc"));
        assert_ne!(Canon::new("a").done(), Canon::new("b").done());
    }
}
