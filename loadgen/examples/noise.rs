//! What the statistics of benches are tested on: the same work over and over, timed.
//!
//! ```text
//! cargo run --release -p loadgen --example noise > loadgen/src/bench/noise.txt
//! ```

use kms_core::crypto::{AwsLc, CryptoBackend};
use std::hint::black_box;
use std::io::Write;
use std::time::Instant;

/// How many timings.
const RECORDED: usize = 16_000;

fn main() -> std::io::Result<()> {
    let mut output = std::io::stdout().lock();
    writeln!(output, "# nanoseconds of SHA-256 over 64 KiB, one after the other")?;
    let bytes = vec![7; 64 * 1024];
    for _ in 0..RECORDED {
        let start = Instant::now();
        black_box(AwsLc.sha256(&[black_box(&bytes)]));
        writeln!(output, "{}", start.elapsed().as_nanos())?;
    }
    Ok(())
}
