//! Drives `counterfoil_fuzz::jarm`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| counterfoil_fuzz::jarm(data));
