//! A device that knows every algorithm of FAPI 2.0.
#![no_std]
#![no_main]

use counterfoil::crypto::small::ES256;
use counterfoil::crypto::{EDDSA, PS256};
use judgements::material;

#[unsafe(no_mangle)]
extern "C" fn main() -> ! {
    // SAFETY: the start calls this once.
    unsafe { board::run(&[&ES256, &PS256, &EDDSA], &[&ES256], &[&material::ES256, &material::EDDSA, &material::PS256]) }
}
