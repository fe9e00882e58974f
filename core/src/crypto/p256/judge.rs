//! From signatures to verdicts, on one of the paths.

use super::comb::Term;
use super::eight::{Outcome, Plan, Steps, run};
use super::lanes::Plain;
use super::point::{Quotient, Sum};
use super::scalar::{self, Multipliers, Pair};
use super::sum::{self, Terms};
use super::{Item, PublicKey, base, cold, tables};

/// A way to add up the points of two tables.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Path {
    /// One number at a time.
    Portable,
    /// The kernel for eight lanes, lane by lane: for tests alone.
    Lanes,
    /// The kernel for eight lanes, in AVX-512 IFMA.
    Ifma,
}

impl Path {
    /// What this machine does best.
    #[inline]
    #[must_use]
    pub(super) fn fastest() -> Self {
        if Self::Ifma.is_available() { Self::Ifma } else { Self::Portable }
    }

    /// Whether this machine has it.
    #[must_use]
    pub fn is_available(self) -> bool {
        match self {
            Self::Portable | Self::Lanes => true,
            #[cfg(all(target_arch = "x86_64", not(feature = "portable")))]
            Self::Ifma => super::ifma::is_available(),
            #[cfg(not(all(target_arch = "x86_64", not(feature = "portable"))))]
            Self::Ifma => false,
        }
    }

    /// Runs a plan; `None` where there are no lanes.
    fn run(self, plan: &Plan<'_, '_>) -> Option<Outcome> {
        match self {
            Self::Portable => None,
            Self::Lanes => Some(run::<Plain>(plan)),
            #[cfg(all(target_arch = "x86_64", not(feature = "portable")))]
            Self::Ifma => super::ifma::sums(plan),
            #[cfg(not(all(target_arch = "x86_64", not(feature = "portable"))))]
            Self::Ifma => None,
        }
    }
}

/// The verdicts of at most `COUNT` items, eight or fewer.
pub(super) fn judge<const COUNT: usize>(path: Path, items: &[Item<'_>], verdicts: &mut [bool; COUNT]) {
    let mut pairs = [None; COUNT];
    let mut digests = [&[0; 32]; COUNT];
    for ((pair, digest), item) in pairs.iter_mut().zip(&mut digests).zip(items) {
        *pair = Pair::from_bytes(item.signature);
        *digest = item.digest;
    }
    if pairs.iter().all(Option::is_none) {
        return;
    }
    let multipliers = scalar::multipliers(&pairs.map(|pair| pair.unwrap_or(Pair::ONES)), &digests);
    let mut sums = [None; COUNT];
    add_up(path, items, &multipliers, &mut sums);
    for ((verdict, pair), sum) in verdicts.iter_mut().zip(&pairs).zip(sums) {
        *verdict = pair.zip(sum).is_some_and(|(pair, sum): (Pair, Quotient)| {
            let (first, second) = pair.coordinates();
            sum.is(&first) || second.is_some_and(|second| sum.is(&second))
        });
    }
}

/// The affine x of u · G + v · Q for each of the items.
pub(super) fn add_up<const COUNT: usize>(
    path: Path,
    items: &[Item<'_>],
    multipliers: &[Multipliers; COUNT],
    sums: &mut [Option<Quotient>; COUNT],
) {
    let mut terms = [const { None }; COUNT];
    for ((terms, item), multipliers) in terms.iter_mut().zip(items).zip(multipliers) {
        *terms = from_tables(item, multipliers);
    }
    if path == Path::Portable {
        for (slot, sum) in sums.iter_mut().zip(sum::sums(&terms)) {
            *slot = Some(sum.quotient());
        }
    } else {
        on_lanes(path, &terms, sums);
    }
    for (((slot, terms), item), multipliers) in sums.iter_mut().zip(&terms).zip(items).zip(multipliers) {
        if terms.is_none() {
            *slot = Some(without_table(item.key, multipliers).quotient());
        }
    }
}

/// Together those whose tables have the same shape, because lanes double in step.
fn on_lanes<const COUNT: usize>(path: Path, terms: &[Option<Terms<'_>>; COUNT], sums: &mut [Option<Quotient>; COUNT]) {
    while let Some(first) = terms.iter().zip(&*sums).find_map(|(terms, sum)| terms.as_ref().filter(|_| sum.is_none())) {
        let alike = |terms: &&Terms<'_>| terms.key.comb() == first.key.comb();
        let mut group = [first; COUNT];
        let mut count = 0usize;
        for (slot, terms) in group.iter_mut().zip(terms.iter().flatten().filter(alike)) {
            *slot = terms;
            count = count.wrapping_add(1);
        }
        let mut steps = Steps::new();
        let plan = Plan::new(group.get(..count).unwrap_or_default(), &mut steps);
        let outcome = path.run(&plan);
        let members = terms.iter().zip(&mut *sums).filter_map(|(terms, sum)| Some((terms.as_ref().filter(alike)?, sum)));
        for (i, (terms, sum)) in members.enumerate() {
            let trusted = outcome.as_ref().and_then(|outcome| outcome.quotient(&plan, i));
            *sum = Some(trusted.unwrap_or_else(|| terms.sum().quotient()));
        }
    }
}

fn from_tables<'t>(item: &Item<'t>, multipliers: &Multipliers) -> Option<Terms<'t>> {
    let (entries, shape) = tables::open(&item.key.point, item.table)?;
    let key = Term::new(entries, shape, &multipliers.of_key)?;
    Some(Terms { base: base_term(multipliers)?, key })
}

fn base_term(multipliers: &Multipliers) -> Option<Term<'static>> {
    Term::new(&base::TABLE.0, base::SHAPE, &multipliers.of_base)
}

fn without_table(key: &PublicKey, multipliers: &Multipliers) -> Sum {
    base_term(multipliers).map_or(Sum::INFINITY, |base| cold::sum(&key.point, &multipliers.of_key, &base))
}
