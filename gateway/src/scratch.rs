//! Memory that requests are judged in.

/// What one request at a time is judged in: about 96 KiB, to be used again and again. Keep one for each thread, or a pool of them.
///
/// An accepted token borrows it; [`AccessToken::keep`](counterfoil::oauth::access_token::AccessToken::keep) copies a token that must outlive
/// it.
pub struct Scratch {
    pub(crate) token: Box<[u8]>,
    /// For a second look, when a key came that the first one missed.
    pub(crate) again: Vec<u8>,
    pub(crate) challenge: Box<[u8]>,
}

/// A decoded token, a proof, and a certificate in a header with its text resolved.
const TOKEN: usize = 92 * 1024;
pub(crate) const CHALLENGE: usize = 4 * 1024;

impl Scratch {
    /// A scratch for any number of requests, one after the other.
    #[must_use]
    pub fn new() -> Self {
        Self { token: vec![0; TOKEN].into(), again: Vec::new(), challenge: vec![0; CHALLENGE].into() }
    }

    /// The second room, as large as the first, made when it is first needed.
    pub(crate) fn second(again: &mut Vec<u8>) -> &mut [u8] {
        again.resize(TOKEN, 0);
        again
    }
}

impl Default for Scratch {
    fn default() -> Self {
        Self::new()
    }
}

impl core::fmt::Debug for Scratch {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("Scratch")
    }
}
