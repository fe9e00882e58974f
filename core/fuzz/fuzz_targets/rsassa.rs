//! Drives `counterfoil_fuzz::rsassa`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| counterfoil_fuzz::rsassa(data));
