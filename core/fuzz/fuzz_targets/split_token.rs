//! Drives `counterfoil_fuzz::split_token`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| counterfoil_fuzz::split_token(data));
