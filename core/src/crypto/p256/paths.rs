//! The ways to a verdict, one by one: for tests, fuzzing and timings, and no part of the interface.

use super::{Item, judge};

/// A way to a verdict.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Path {
    /// Plain Rust, one number at a time.
    Portable,
    /// AVX-512 IFMA.
    Ifma,
}

/// Whether this machine has the path.
#[must_use]
pub fn is_available(path: Path) -> bool {
    path == Path::Portable
}

/// Like [`super::verify_batch`] for up to eight items, all on one path.
pub fn verify(_path: Path, items: &[Item<'_>], verdicts: &mut [bool]) {
    let mut out = [false; 8];
    match items {
        [_] => {
            let mut v = [false; 1];
            judge(items, &mut v);
            out[0] = v[0];
        }
        [_, _] => {
            let mut v = [false; 2];
            judge(items, &mut v);
            out[..2].copy_from_slice(&v);
        }
        _ => judge(items, &mut out),
    }
    for (verdict, out) in verdicts.iter_mut().zip(out) {
        *verdict = out;
    }
}
