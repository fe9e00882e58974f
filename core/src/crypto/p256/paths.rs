//! The ways to a verdict, one by one: for tests, fuzzing and timings, and no part of the interface.

use super::field::limbs_of;
use super::judge::{add_up, judge};
use super::scalar::Multipliers;
use super::{Item, PublicKey};

pub use super::judge::Path;

/// Like [`super::verify_batch`] for up to eight items, all on one path.
pub fn verify(path: Path, items: &[Item<'_>], verdicts: &mut [bool]) {
    match (items, &mut *verdicts) {
        ([_], [verdict]) => verify_exactly::<1>(path, items, core::slice::from_mut(verdict)),
        ([_, _], [_, _]) => verify_exactly::<2>(path, items, verdicts),
        _ => verify_exactly::<8>(path, items, verdicts),
    }
}

fn verify_exactly<const COUNT: usize>(path: Path, items: &[Item<'_>], verdicts: &mut [bool]) {
    let mut out = [false; COUNT];
    judge(path, items, &mut out);
    for (verdict, out) in verdicts.iter_mut().zip(out) {
        *verdict = out;
    }
}

/// A double multiplication: u · G + v · Q, where u and v are big-endian and at most n.
#[derive(Clone, Copy, Debug)]
pub struct Product<'a> {
    /// Q.
    pub key: &'a PublicKey,
    /// Q's table, or nothing.
    pub table: &'a [u64],
    /// u.
    pub of_base: &'a [u8; 32],
    /// v.
    pub of_key: &'a [u8; 32],
}

/// Whether each of the products, at most eight, has this affine x; `None` stands for infinity.
pub fn have_x(path: Path, products: &[Product<'_>], xs: &[Option<[u8; 32]>], out: &mut [bool]) {
    match products.len() {
        1 => have_x_exactly::<1>(path, products, xs, out),
        2 => have_x_exactly::<2>(path, products, xs, out),
        _ => have_x_exactly::<8>(path, products, xs, out),
    }
}

fn have_x_exactly<const COUNT: usize>(path: Path, products: &[Product<'_>], xs: &[Option<[u8; 32]>], out: &mut [bool]) {
    let Some(first) = products.first() else { return };
    let mut items = [Item { key: first.key, table: first.table, digest: &[0; 32], signature: &[0; 64] }; COUNT];
    let mut multipliers = [Multipliers { of_base: [1, 0, 0, 0], of_key: [1, 0, 0, 0] }; COUNT];
    for ((item, multipliers), product) in items.iter_mut().zip(&mut multipliers).zip(products) {
        (item.key, item.table) = (product.key, product.table);
        *multipliers = Multipliers { of_base: limbs_of(product.of_base), of_key: limbs_of(product.of_key) };
    }
    let mut sums = [None; COUNT];
    add_up(path, items.get(..products.len()).unwrap_or_default(), &multipliers, &mut sums);
    for ((out, sum), x) in out.iter_mut().zip(sums).zip(xs) {
        *out = sum.is_some_and(|sum| match x {
            Some(x) => super::field::Field::from_bytes(x).is_some_and(|x| sum.is(&x)),
            None => sum.denominator.is_zero(),
        });
    }
}
