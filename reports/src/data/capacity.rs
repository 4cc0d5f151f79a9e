//! What one core does of the requests that a quota admits.

/// One backend in one pool of a class of Regions.
#[derive(Clone, Debug, PartialEq)]
pub struct Capacity {
    /// The pool.
    pub pool: String,
    /// The class of Regions.
    pub class: String,
    /// Requests a second that the pool admits.
    pub limit: f64,
    /// Whether the limit is documented nowhere.
    pub assumed: bool,
    /// The backend.
    pub backend: String,
    /// `library` or `request`: how much of a service is around the cryptography.
    pub layer: String,
    /// The operation that was measured.
    pub operation: String,
    /// How many of them one core does in a second.
    pub per_second: f64,
}

/// Everything that the page about capacities shows.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CapacityReport {
    /// The quota profile, in one line.
    pub profile: String,
    /// The machine and the build, in one line.
    pub machine: String,
    /// Pool by pool, in the order they are shown.
    pub capacities: Vec<Capacity>,
}

impl Capacity {
    /// How many times the limit one core does.
    #[must_use]
    pub fn times(&self) -> f64 {
        self.per_second / self.limit
    }
}
