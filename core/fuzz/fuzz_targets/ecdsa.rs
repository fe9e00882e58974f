//! Drives `counterfoil_fuzz::ecdsa`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| counterfoil_fuzz::ecdsa(data));
