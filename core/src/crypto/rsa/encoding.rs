//! The encodings that a signature must open to (RFC 8017 section 9), with SHA-256 throughout.

use sha2::{Digest as _, Sha256};

/// Octets of SHA-256, and of a salt.
const HASH: usize = 32;

/// EMSA-PKCS1-v1_5: the whole encoding is compared, so nothing in it is free (RFC 8017 section 9.2).
pub(super) fn is_pkcs1(encoded: &[u8], message: &[u8]) -> bool {
    /// DER of the DigestInfo up to the hash, with its NULL (RFC 8017 section 9.2, note 1).
    const DIGEST_INFO: [u8; 19] =
        [0x30, 0x31, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01, 0x05, 0x00, 0x04, 0x20];
    let hash = Sha256::digest(message);
    let Some(rest) = encoded.strip_suffix(hash.as_slice()) else { return false };
    let Some(rest) = rest.strip_suffix(&DIGEST_INFO) else { return false };
    matches!(rest, [0, 1, padding @ .., 0] if padding.len() >= 8 && padding.iter().all(|octet| *octet == 0xff))
}

/// EMSA-PSS with MGF1 and a salt of exactly 32 octets (RFC 8017 section 9.1.2). Unmasks in place.
pub(super) fn is_pss(encoded: &mut [u8], modulus_bits: usize, message: &[u8]) -> bool {
    // emBits = modBits − 1, so the top octet of a modulus with one bit there is not part of the encoding
    let (encoded, top) = match modulus_bits % 8 {
        1 => match encoded.split_first_mut() {
            Some((0, rest)) => (rest, 0xff),
            _ => return false,
        },
        0 => (encoded, 0x7f),
        bits => (encoded, (1u8 << bits.saturating_sub(1)).saturating_sub(1)),
    };
    let Some((rest, [0xbc])) = encoded.split_last_chunk_mut::<1>() else { return false };
    let Some((masked, hash)) = rest.split_last_chunk_mut::<HASH>() else { return false };
    if masked.first().is_none_or(|first| first & !top != 0) {
        return false;
    }
    unmask(masked, hash);
    if let Some(first) = masked.first_mut() {
        *first &= top;
    }
    let Some((padding, salt)) = masked.split_last_chunk::<HASH>() else { return false };
    if !matches!(padding, [zeros @ .., 1] if zeros.iter().all(|octet| *octet == 0)) {
        return false;
    }
    let expected = Sha256::new().chain_update([0; 8]).chain_update(Sha256::digest(message)).chain_update(salt).finalize();
    expected.as_slice() == hash
}

/// XORs MGF1 of `seed` over `masked` (RFC 8017 appendix B.2.1).
fn unmask(masked: &mut [u8], seed: &[u8; HASH]) {
    for (counter, chunk) in (0u32..).zip(masked.chunks_mut(HASH)) {
        let mask = Sha256::new().chain_update(seed).chain_update(counter.to_be_bytes()).finalize();
        chunk.iter_mut().zip(mask).for_each(|(octet, mask)| *octet ^= mask);
    }
}
