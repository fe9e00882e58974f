//! A device that knows ES256 alone: what is not in its list is not in its flash.
#![no_std]
#![no_main]

use counterfoil::crypto::small::ES256;
use judgements::material;

#[unsafe(no_mangle)]
extern "C" fn main() -> ! {
    // SAFETY: the start calls this once.
    unsafe { board::run(&[&ES256], &[&ES256], &[&material::ES256]) }
}
