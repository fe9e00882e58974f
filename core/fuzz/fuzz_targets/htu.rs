//! Drives `counterfoil_fuzz::htu`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| counterfoil_fuzz::htu(data));
