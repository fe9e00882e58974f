//! The Ed25519 kernel against ed25519-dalek, curve25519-dalek and Wycheproof, at every size of table.

mod common;
mod strict;
mod wycheproof;
