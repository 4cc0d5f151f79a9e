//! Tests that hold all backends to one another, by what they compute.

mod p384;
mod symmetric;
