//! RSA verification on every path: portable, the vector kernel lane by lane, and on the vector unit where the CPU has it.

mod arithmetic;
mod common;
mod encodings;
mod wycheproof;
