//! The table of B, made by the compiler; only what reaches a verification links it.

use super::comb::{Comb, build};
use super::point::{Affine, Entry};

/// 96 KiB, built by the compiler in about 2 s; 168 KiB was measured to be no faster.
#[cfg(not(feature = "small-tables"))]
pub(super) const SHAPE: Comb = Comb { teeth: 9, blocks: 4, columns: 7 };
/// 6 KiB.
#[cfg(feature = "small-tables")]
pub(super) const SHAPE: Comb = Comb { teeth: 6, blocks: 2, columns: 21 };

/// An entry then lies in two cache lines, never three.
#[repr(align(64))]
pub(super) struct Aligned(pub(super) [Entry; SHAPE.entries()]);

/// The table of B in [`SHAPE`].
pub(super) static TABLE: Aligned = {
    let mut entries = [[[0; 4]; 3]; SHAPE.entries()];
    build(&mut entries, SHAPE, &Affine::BASE);
    Aligned(entries)
};
