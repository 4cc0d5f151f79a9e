//! Fuzzes `decoders::record`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| decoders::record(bytes));
