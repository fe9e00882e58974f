//! Drives `counterfoil_fuzz::json`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| counterfoil_fuzz::json(data));
