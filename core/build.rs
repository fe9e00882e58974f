//! Writes the table of G. The arithmetic is the crate's own; compiled it takes a moment, in the compiler's interpreter minutes.

#![deny(clippy::indexing_slicing, clippy::arithmetic_side_effects, clippy::as_conversions)]

#[path = "src/crypto/p256/comb.rs"]
#[expect(dead_code, reason = "what verifies is not needed here")]
mod comb;
#[path = "src/crypto/p256/divide.rs"]
mod divide;
#[path = "src/crypto/p256/field.rs"]
#[expect(dead_code, reason = "see comb")]
mod field;
#[path = "src/crypto/p256/point.rs"]
#[expect(dead_code, reason = "see comb")]
mod point;
#[path = "src/crypto/p256/scalar.rs"]
#[expect(dead_code, reason = "see comb")]
mod scalar;

use std::path::Path;

fn main() -> Result<(), Box<dyn core::error::Error>> {
    for file in ["build.rs", "src/crypto/p256"] {
        println!("cargo::rerun-if-changed={file}");
    }
    let mut entries = vec![[0; 8]; comb::OF_BASE.entries()];
    comb::build(&mut entries, comb::OF_BASE, &point::Affine::BASE);
    let bytes: Vec<u8> = entries.as_flattened().iter().flat_map(|word| word.to_le_bytes()).collect();
    std::fs::write(Path::new(&std::env::var("OUT_DIR")?).join("base.bin"), bytes)?;
    Ok(())
}
