//! Fuzzes `decoders::proxy`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| decoders::proxy(bytes));
