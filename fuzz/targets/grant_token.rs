//! Fuzzes `decoders::grant_token`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| decoders::grant_token(bytes));
