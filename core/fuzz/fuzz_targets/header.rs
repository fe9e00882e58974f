//! Drives `counterfoil_fuzz::header`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| counterfoil_fuzz::header(data));
