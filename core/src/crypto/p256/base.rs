//! The table of G; only what reaches a verification links it.

use super::comb::Comb;
#[cfg(feature = "small-tables")]
use super::comb::build;
#[cfg(feature = "small-tables")]
use super::point::Affine;
use super::point::Entry;

/// 256 KiB. A larger table would push a key's out of a second-level cache.
#[cfg(not(feature = "small-tables"))]
pub(super) const SHAPE: Comb = Comb { teeth: 8, blocks: 32 };
/// 8 KiB.
#[cfg(feature = "small-tables")]
pub(super) const SHAPE: Comb = Comb { teeth: 6, blocks: 4 };

/// The points, each in one line of a cache.
#[repr(align(64))]
pub(super) struct Table(pub(super) [Entry; SHAPE.entries()]);

/// The table of G in [`SHAPE`], made by the compiler.
#[cfg(feature = "small-tables")]
pub(super) static TABLE: Table = {
    let mut entries = [[0; 8]; SHAPE.entries()];
    build(&mut entries, SHAPE, &Affine::BASE);
    Table(entries)
};

/// The table of G in [`SHAPE`], words in little-endian order: the compiler would take half a minute to make it, each time. `tests` make it again.
#[cfg(not(feature = "small-tables"))]
#[expect(clippy::indexing_slicing, reason = "runs in the compiler only")]
pub(super) static TABLE: Table = {
    let (words, _) = include_bytes!("base.bin").as_chunks::<8>();
    let mut entries = [[0; 8]; SHAPE.entries()];
    let mut i = 0;
    while i < SHAPE.entries() {
        let mut j = 0;
        while j < 8 {
            entries[i][j] = u64::from_le_bytes(words[8 * i + j]);
            j += 1;
        }
        i += 1;
    }
    Table(entries)
};

#[cfg(test)]
mod tests {
    use super::super::comb::build;
    use super::super::point::Affine;
    use super::*;
    use std::vec;
    use std::vec::Vec;

    #[test]
    #[cfg(not(feature = "small-tables"))]
    fn the_file_is_what_the_compiler_would_make() {
        let mut entries = vec![[0; 8]; SHAPE.entries()];
        build(&mut entries, SHAPE, &Affine::BASE);
        let bytes: Vec<u8> = entries.as_flattened().iter().flat_map(|word| word.to_le_bytes()).collect();
        let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(file!()).with_file_name("base.bin");
        if std::env::var_os("UPDATE").is_some() {
            std::fs::write(path, &bytes).unwrap_or_else(|error| std::eprintln!("{error}"));
        }
        assert!(entries == TABLE.0, "base.bin is stale: run this test with UPDATE=1, then again");
    }
}
