//! Fuzzes `decoders::marker`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| decoders::marker(bytes));
