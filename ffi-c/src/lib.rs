//! libcounterfoil: the engine in C. `include/counterfoil.h` is made of this and says it all.
//!
//! Every exported function is safe Rust: its parameters are references, options of references and the carriers of
//! [`boundary`], which only C makes out of thin air, and C has promised in the header what they point to.
#![cfg_attr(not(feature = "std"), no_std)]

pub mod accept;
pub mod boundary;
pub mod error;
#[cfg(feature = "gateway")]
pub mod gateway;
pub mod key_tables;
pub mod keys;
mod lock;
mod memory;
pub mod proof;
pub mod replay;
pub mod request;
pub mod response;
pub mod server;
pub mod split;
pub mod tables;
pub mod thumbprint;
pub mod token;
pub mod value;

/// Without `std` a panic cannot become a code; the engine has none to begin with.
#[cfg(all(not(feature = "std"), not(test)))]
#[panic_handler]
fn stop(_: &core::panic::PanicInfo<'_>) -> ! {
    loop {
        core::hint::spin_loop();
    }
}
