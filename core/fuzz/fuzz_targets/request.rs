//! Drives `counterfoil_fuzz::request`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| counterfoil_fuzz::request(data));
