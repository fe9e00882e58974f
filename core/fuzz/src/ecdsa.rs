//! ECDSA with P-256: every path of the engine's kernel against the `p256` crate.

use core::ops::Neg as _;

use counterfoil::crypto::p256::paths::{self, Path, Product};
use counterfoil::crypto::p256::{Item, PublicKey, prepare, verify};
use crypto_bigint::U256;
use p256::ecdsa::signature::hazmat::PrehashVerifier as _;
use p256::ecdsa::{Signature, VerifyingKey};
use p256::elliptic_curve::ff::PrimeField as _;
use p256::elliptic_curve::ops::Reduce as _;
use p256::elliptic_curve::point::{AffineCoordinates as _, DecompressPoint as _};
use p256::elliptic_curve::sec1::ToSec1Point as _;
use p256::{AffinePoint, FieldBytes, ProjectivePoint, Scalar, Sec1Point};

use super::draw::Draw;

const P: U256 = U256::from_be_hex("ffffffff00000001000000000000000000000000ffffffffffffffffffffffff");
const N: U256 = U256::from_be_hex("ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551");
/// Words of tables: the smaller ones first, because the larger ones take long to build.
const SIZES: [usize; 10] = [72, 136, 520, 1_600, 3_100, 6_200, 16_500, 32_900, 59_400, 106_600];

/// Up to eight signatures, alone and together: each path says of each what the `p256` crate says.
pub fn ecdsa(data: &[u8]) {
    let mut draw = Draw::new(data);
    let mut cases = Vec::new();
    while cases.len() < 8 && !draw.is_empty() {
        cases.push(Case::draw(&mut draw));
    }
    let judged: Vec<Judged> = cases.iter().filter_map(Case::judge).collect();
    judged.iter().for_each(Judged::assert_alone);
    let items: Vec<Item<'_>> = judged.iter().map(|judged| judged.item(&judged.table)).collect();
    let expected: Vec<bool> = judged.iter().map(|judged| judged.expected).collect();
    for path in available() {
        let mut verdicts = vec![true; items.len()];
        paths::verify(path, &items, &mut verdicts);
        assert_eq!(verdicts, expected, "{path:?}, {} together", items.len());
    }
}

fn available() -> impl Iterator<Item = Path> {
    [Path::Portable, Path::Lanes, Path::Ifma].into_iter().filter(|path| path.is_available())
}

/// A number around one of the edges of the arithmetic, or any.
fn number(draw: &mut Draw<'_>) -> U256 {
    let (kind, near) = (draw.byte(), U256::from_u8(draw.byte() % 16));
    let edge = match kind % 8 {
        0 => return U256::from_be_slice(&draw.array::<32>()),
        1 => U256::ZERO,
        2 => N,
        3 => P,
        4 => P.wrapping_sub(&N),
        5 => N.shr_vartime(1),
        6 => U256::ONE.shl_vartime(u32::from(draw.byte())),
        _ => U256::from_be_slice(&draw.octets(32)),
    };
    if kind & 0x80 == 0 { edge.wrapping_add(&near) } else { edge.wrapping_sub(&near) }
}

fn scalar(draw: &mut Draw<'_>) -> Scalar {
    scalar_of(number(draw))
}

fn scalar_of(number: U256) -> Scalar {
    Scalar::reduce(&FieldBytes::from(octets(number)))
}

fn octets(number: U256) -> [u8; 32] {
    number.to_be_bytes().into()
}

fn x_of(point: &ProjectivePoint) -> [u8; 32] {
    point.to_affine().x().into()
}

/// Those of infinity, which has none, are on no curve.
fn coordinates(point: &ProjectivePoint) -> ([u8; 32], [u8; 32]) {
    let point = point.to_affine().to_sec1_point(false);
    point.x().zip(point.y()).map_or(([0; 32], [0; 32]), |(x, y)| ((*x).into(), (*y).into()))
}

/// A point whose x is this residue or the next one that is an x; nobody need know its logarithm.
fn point_near(mut x: U256, is_odd: bool) -> ProjectivePoint {
    loop {
        if x >= P {
            x = x.wrapping_sub(&P);
        }
        let point = AffinePoint::decompress(&octets(x).into(), u8::from(is_odd).into());
        if let Some(point) = point.into_option() {
            return point.into();
        }
        x = x.wrapping_add(&U256::ONE);
    }
}

/// What one verification is given; coordinates may be on no curve.
struct Case {
    x: [u8; 32],
    y: [u8; 32],
    digest: [u8; 32],
    signature: [u8; 64],
    words: usize,
    /// The multipliers of G and of the key, and the sum that they were chosen to have.
    product: Option<(Scalar, Scalar, ProjectivePoint)>,
    /// Whether nothing of a good signature was changed.
    is_good: bool,
}

impl Case {
    fn draw(draw: &mut Draw<'_>) -> Self {
        let size = draw.byte();
        // the five largest are worth a fifth of the inputs
        let words = SIZES[usize::from(if size < 200 { size % 5 } else { size % 10 })];
        let mut case = match draw.byte() % 4 {
            0 => Self::of_any(draw),
            kind => Self::of_product(draw, kind),
        };
        case.words = words;
        case.spoil(draw);
        case
    }

    /// Nothing fits anything, but by chance.
    fn of_any(draw: &mut Draw<'_>) -> Self {
        let (x, y) = coordinates(&(ProjectivePoint::GENERATOR * scalar(draw)));
        let [digest, r, s] = [(); 3].map(|()| octets(number(draw)));
        Self { x, y, digest, signature: join(&r, &s), words: 0, product: None, is_good: false }
    }

    /// A signature made for a sum u · G + v · Q = R: with u and v chosen, its maker steers the kernel through any additions that he likes.
    fn of_product(draw: &mut Draw<'_>, kind: u8) -> Self {
        let (key, u, v, sum) = match kind {
            // a key of known logarithm, where the two multiples may meet
            1 => {
                let (q, v) = (scalar(draw), scalar(draw));
                let u = match draw.byte() % 8 {
                    0 => (v * q).neg(),
                    1 => v * q,
                    2 => (v * q).neg() + Scalar::ONE,
                    3 => v * q + Scalar::ONE,
                    4 => (v * q).double(),
                    _ => scalar(draw),
                };
                (ProjectivePoint::GENERATOR * q, u, v, ProjectivePoint::GENERATOR * (u + v * q))
            }
            // a key for which the sum has an x of choice: small, or between n and p, where r + n is an x as well
            2 => {
                let (x, is_odd) = (number(draw), draw.byte() % 2 == 1);
                let (sum, u, v) = (point_near(x, is_odd), scalar(draw), scalar(draw));
                let inverse = v.invert().unwrap_or(Scalar::ONE);
                ((sum - ProjectivePoint::GENERATOR * u) * inverse, u, v, sum)
            }
            _ => {
                let key = point_near(number(draw), draw.byte() % 2 == 1);
                let (u, v) = (scalar(draw), scalar(draw));
                (key, u, v, ProjectivePoint::GENERATOR * u + key * v)
            }
        };
        let r = scalar_of(U256::from_be_slice(&x_of(&sum)));
        let s = r * v.invert().unwrap_or(Scalar::ZERO);
        let (x, y) = coordinates(&key);
        let is_key = key != ProjectivePoint::IDENTITY;
        let is_good = is_key && sum != ProjectivePoint::IDENTITY && r != Scalar::ZERO && v != Scalar::ZERO;
        // the second kind divides by v
        let product = (is_key && (kind != 2 || v != Scalar::ZERO)).then_some((u, v, sum));
        let signature = join(&r.to_repr().into(), &s.to_repr().into());
        Self { x, y, digest: (u * s).to_repr().into(), signature, words: 0, product, is_good }
    }

    /// Mostly nothing; −s, which is as good; or one change somewhere.
    fn spoil(&mut self, draw: &mut Draw<'_>) {
        let [kind, at, bits] = draw.array();
        let place = usize::from(at) % 32;
        let (r, s) = self.signature.split_at_mut(32);
        match kind % 16 {
            1 => s.copy_from_slice(&octets(N.wrapping_sub(&U256::from_be_slice(s)))),
            2 => r[place] ^= bits,
            3 => s[place] ^= bits,
            4 => self.digest[place] ^= bits,
            5 => self.x[place] ^= bits,
            6 => self.y[place] ^= bits,
            7 => self.y = octets(P.wrapping_sub(&U256::from_be_slice(&self.y))),
            // the same residue, where it has a second number
            8 => r.copy_from_slice(&octets(U256::from_be_slice(r).wrapping_add(&N))),
            9 => s.copy_from_slice(&octets(U256::from_be_slice(s).wrapping_add(&N))),
            10 => self.x = octets(U256::from_be_slice(&self.x).wrapping_add(&P)),
            11 => self.digest = octets(U256::from_be_slice(&self.digest).wrapping_add(&N)),
            _ => return,
        }
        self.is_good &= kind % 16 == 1;
        if (5..8).contains(&(kind % 16)) || kind % 16 == 10 {
            self.product = None;
        }
    }

    /// The oracle's verdict, and the engine's key with a table; nothing where both find no point.
    fn judge(&self) -> Option<Judged> {
        let point = Sec1Point::from_affine_coordinates(&self.x.into(), &self.y.into(), false);
        let oracle = VerifyingKey::from_sec1_point(&point).ok();
        let key = PublicKey::from_coordinates(&self.x, &self.y);
        assert_eq!(key.is_some(), oracle.is_some(), "the point is on the curve for one alone");
        let (key, oracle) = key.zip(oracle)?;
        let signature = Signature::from_slice(&self.signature);
        let expected = signature.is_ok_and(|signature| oracle.verify_prehash(&self.digest, &signature).is_ok());
        assert!(expected || !self.is_good, "the oracle refuses what was made for it");
        let mut table = vec![0; self.words];
        let used = prepare(&key, &mut table);
        table.truncate(used);
        let Self { digest, signature, product, .. } = *self;
        Some(Judged { key, table, digest, signature, product, expected })
    }
}

fn join(r: &[u8; 32], s: &[u8; 32]) -> [u8; 64] {
    let mut signature = [0; 64];
    signature[..32].copy_from_slice(r);
    signature[32..].copy_from_slice(s);
    signature
}

/// A case and what every path must say of it.
struct Judged {
    key: PublicKey,
    table: Vec<u64>,
    digest: [u8; 32],
    signature: [u8; 64],
    product: Option<(Scalar, Scalar, ProjectivePoint)>,
    expected: bool,
}

impl Judged {
    const fn item<'a>(&'a self, table: &'a [u64]) -> Item<'a> {
        Item { key: &self.key, table, digest: &self.digest, signature: &self.signature }
    }

    fn assert_alone(&self) {
        assert_eq!(verify(&self.key, &[], &self.digest, &self.signature), self.expected, "without a table");
        for (path, table) in [(Path::Portable, &[][..])].into_iter().chain(available().map(|path| (path, &self.table[..]))) {
            let mut verdict = [!self.expected];
            paths::verify(path, &[self.item(table)], &mut verdict);
            assert_eq!(verdict, [self.expected], "{path:?}, {} words", table.len());
            // a good verdict says that the sum was right
            if !self.expected {
                self.assert_product(path, table);
            }
        }
    }

    /// The sum itself, where it is known and fits no r.
    fn assert_product(&self, path: Path, table: &[u64]) {
        let Some((u, v, sum)) = &self.product else { return };
        let (of_base, of_key) = (u.to_repr().into(), v.to_repr().into());
        let product = Product { key: &self.key, table, of_base: &of_base, of_key: &of_key };
        let x = (*sum != ProjectivePoint::IDENTITY).then(|| x_of(sum));
        let mut is_it = [false];
        paths::have_x(path, &[product], &[x], &mut is_it);
        assert_eq!(is_it, [true], "{path:?}, {} words: another sum", table.len());
    }
}
