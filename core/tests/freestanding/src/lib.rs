//! What the freestanding and the Cortex-M program do: judge real tokens, proofs and responses with every entry point of the engine,
//! and measure the stack that each judgement takes.
#![no_std]

pub mod material;
pub mod room;
pub mod stack;
pub mod suite;

pub use material::Subject;
pub use room::Room;
pub use suite::{Console, run};
