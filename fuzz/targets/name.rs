//! Fuzzes `decoders::name`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| decoders::name(bytes));
