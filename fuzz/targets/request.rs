//! Fuzzes `decoders::request`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| decoders::request(bytes));
