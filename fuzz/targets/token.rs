//! Fuzzes `decoders::token`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| decoders::token(bytes));
