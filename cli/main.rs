//! keyquake
fn main() {}
