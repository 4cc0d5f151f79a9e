//! Libraries of cryptography compared beyond noise.
//!
//! [`statistics`] says what two rows of timings prove: that one is slower, that both are as fast as
//! each other within a tolerance, or neither yet, and then how long to go on.

mod resample;
pub mod statistics;

#[cfg(test)]
mod noise;
