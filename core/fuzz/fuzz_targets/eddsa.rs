//! Drives `counterfoil_fuzz::eddsa`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| counterfoil_fuzz::eddsa(data));
