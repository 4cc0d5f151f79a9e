//! Fuzzes `decoders::policy`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| decoders::policy(bytes));
