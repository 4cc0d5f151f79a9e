//! Fuzzes `decoders::blob`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| decoders::blob(bytes));
