//! Fuzzes `decoders::key`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| decoders::key(bytes));
