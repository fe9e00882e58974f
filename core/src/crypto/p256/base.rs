//! The table of G, which the build script makes; only what reaches a verification links it.

use super::comb::{Comb, OF_BASE};
use super::point::Entry;

pub(super) const SHAPE: Comb = OF_BASE;

/// The points, each in one line of a cache.
#[repr(align(64))]
pub(super) struct Table(pub(super) [Entry; SHAPE.entries()]);

/// The table of G in [`SHAPE`].
#[expect(clippy::indexing_slicing, reason = "runs in the compiler only")]
pub(super) static TABLE: Table = {
    let (words, _) = include_bytes!(concat!(env!("OUT_DIR"), "/base.bin")).as_chunks::<8>();
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

    #[test]
    fn the_build_script_made_the_table_of_this_source() {
        let mut entries = vec![[0; 8]; SHAPE.entries()];
        build(&mut entries, SHAPE, &Affine::BASE);
        assert!(entries == TABLE.0);
    }
}
