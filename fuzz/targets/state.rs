//! Fuzzes `decoders::state`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| decoders::state(bytes));
