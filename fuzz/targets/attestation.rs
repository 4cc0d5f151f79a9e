//! Fuzzes `decoders::attestation`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| decoders::attestation(bytes));
