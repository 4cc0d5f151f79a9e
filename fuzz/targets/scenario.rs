//! Fuzzes `decoders::scenario`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| decoders::scenario(bytes));
