//! Public keys as JSON Web Keys (RFC 7517, RFC 7518 section 6, RFC 8037 section 2).

use crate::error::Error;
use crate::wire::base64url;
use crate::wire::value::{Members, Str, Value};

/// The longest RSA modulus, in bytes: 4096 bits.
pub const MAX_MODULUS: usize = 512;
/// The longest `kid`, in bytes.
pub const MAX_KID: usize = 256;

/// A public key of a type that the engine knows.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::large_enum_variant, reason = "there is no heap to move the modulus to")]
pub enum PublicKey {
    /// A point of P-256.
    P256(P256Point),
    /// An RSA modulus and exponent.
    Rsa(RsaKey),
    /// An Ed25519 point.
    Ed25519(Ed25519Point),
}

/// The affine coordinates of a P-256 point, big-endian.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct P256Point {
    x: [u8; 32],
    y: [u8; 32],
}

impl P256Point {
    /// The coordinate `x`.
    #[must_use]
    pub const fn x(&self) -> &[u8; 32] {
        &self.x
    }

    /// The coordinate `y`.
    #[must_use]
    pub const fn y(&self) -> &[u8; 32] {
        &self.y
    }
}

/// An RSA modulus and exponent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RsaKey {
    modulus: heapless::Vec<u8, MAX_MODULUS>,
    exponent: u64,
}

impl RsaKey {
    /// The modulus, big-endian, without leading zeros.
    #[must_use]
    pub fn modulus(&self) -> &[u8] {
        &self.modulus
    }

    /// The exponent.
    #[must_use]
    pub const fn exponent(&self) -> u64 {
        self.exponent
    }
}

/// An encoded Ed25519 point (RFC 8032 section 5.1.2).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ed25519Point([u8; 32]);

impl Ed25519Point {
    /// The encoded point.
    #[must_use]
    pub const fn bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

/// A JWK whose shape is good: its key has not been judged for strength, and its `alg` not against any list.
#[derive(Clone, Debug)]
pub struct Jwk<'a> {
    pub(crate) public: PublicKey,
    pub(crate) kid: Option<Str<'a>>,
    pub(crate) alg: Option<Str<'a>>,
}

impl<'a> Jwk<'a> {
    /// Reads a JWK from checked JSON. Members that only describe the key (`x5c`, `x5t`, `x5u`, unknown ones) are not read.
    ///
    /// # Errors
    /// The `Key…` error that names the fault.
    pub fn read(value: Value<'a>) -> Result<Self, Error> {
        let members = value.as_object().ok_or(Error::KeyMalformed)?;
        let kty = required(&members, "kty")?;
        if kty.is("oct") {
            return Err(Error::KeySymmetric);
        }
        if members.clone().any(|(name, _)| PRIVATE.iter().any(|private| name.is(private))) {
            return Err(Error::KeyPrivate);
        }
        judge_use(&members)?;
        let public = if kty.is("EC") {
            PublicKey::P256(p256_point(&members)?)
        } else if kty.is("RSA") {
            PublicKey::Rsa(rsa_key(&members)?)
        } else if kty.is("OKP") {
            PublicKey::Ed25519(ed25519_point(&members)?)
        } else {
            return Err(Error::KeyTypeUnsupported);
        };
        Ok(Self { public, kid: optional(&members, "kid")?, alg: optional(&members, "alg")? })
    }
}

/// The private and secret members of RFC 7518 section 6 and RFC 8037 section 2.
const PRIVATE: [&str; 8] = ["d", "p", "q", "dp", "dq", "qi", "oth", "k"];

fn optional<'a>(members: &Members<'a>, name: &str) -> Result<Option<Str<'a>>, Error> {
    members.clone().get(name).map(|value| value.as_str().ok_or(Error::KeyMalformed)).transpose()
}

fn required<'a>(members: &Members<'a>, name: &str) -> Result<Str<'a>, Error> {
    optional(members, name)?.ok_or(Error::KeyMalformed)
}

/// `use` must be `sig` and `key_ops` must hold `verify`, where they are given (RFC 7517 sections 4.2 and 4.3).
fn judge_use(members: &Members<'_>) -> Result<(), Error> {
    if optional(members, "use")?.is_some_and(|usage| !usage.is("sig")) {
        return Err(Error::KeyUse);
    }
    let Some(operations) = members.clone().get("key_ops") else { return Ok(()) };
    let operations = operations.as_array().ok_or(Error::KeyOperations)?;
    let mut may_verify = false;
    for (i, operation) in operations.clone().enumerate() {
        let operation = operation.as_str().ok_or(Error::KeyOperations)?;
        if operations.clone().take(i).any(|earlier| earlier.as_str().is_some_and(|earlier| earlier.same(operation))) {
            return Err(Error::KeyOperations);
        }
        may_verify |= operation.is("verify");
    }
    if may_verify { Ok(()) } else { Err(Error::KeyOperations) }
}

fn p256_point(members: &Members<'_>) -> Result<P256Point, Error> {
    if !required(members, "crv")?.is("P-256") {
        return Err(Error::KeyTypeUnsupported);
    }
    Ok(P256Point { x: coordinate(required(members, "x")?)?, y: coordinate(required(members, "y")?)? })
}

fn ed25519_point(members: &Members<'_>) -> Result<Ed25519Point, Error> {
    if !required(members, "crv")?.is("Ed25519") {
        return Err(Error::KeyTypeUnsupported);
    }
    coordinate(required(members, "x")?).map(Ed25519Point)
}

/// Exactly 32 bytes: a shorter coordinate is not padded and a longer one not cut (RFC 7518 section 6.2.1.2).
fn coordinate(text: Str<'_>) -> Result<[u8; 32], Error> {
    let text = text.as_str().ok_or(Error::KeyMalformed)?;
    if base64url::decoded_length(text.len()) != Some(32) {
        return Err(Error::KeyCoordinate);
    }
    base64url::decode_array(text.as_bytes()).map_err(|_| Error::KeyMalformed)
}

fn rsa_key(members: &Members<'_>) -> Result<RsaKey, Error> {
    let mut modulus = heapless::Vec::new();
    let text = required(members, "n")?.as_str().ok_or(Error::KeyMalformed)?;
    let length = base64url::decoded_length(text.len()).ok_or(Error::KeyMalformed)?;
    modulus.resize(length, 0).map_err(|_| Error::KeyTooLarge)?;
    base64url::decode(text.as_bytes(), &mut modulus).map_err(|_| Error::KeyMalformed)?;
    // RFC 7518 section 6.3.1.1: no extra leading zero octets.
    if modulus.first().is_none_or(|first| *first == 0) {
        return Err(Error::KeyMalformed);
    }
    Ok(RsaKey { modulus, exponent: rsa_exponent(required(members, "e")?)? })
}

fn rsa_exponent(text: Str<'_>) -> Result<u64, Error> {
    let text = text.as_str().ok_or(Error::KeyMalformed)?;
    let mut octets = [0; 8];
    let exponent = match base64url::decode(text.as_bytes(), &mut octets) {
        Ok((exponent, _)) => exponent,
        Err(Error::BufferTooSmall) => return Err(Error::KeyExponent),
        Err(_) => return Err(Error::KeyMalformed),
    };
    if exponent.first().is_none_or(|first| *first == 0) {
        return Err(Error::KeyMalformed);
    }
    Ok(exponent.iter().fold(0, |value: u64, octet| value.wrapping_shl(8) | u64::from(*octet)))
}
