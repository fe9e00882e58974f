//! What is judged: minted by another implementation, embedded at build time (core/tests/data).

/// A key, and what it signed.
pub struct Subject {
    /// `alg`.
    pub algorithm: &'static str,
    /// The key, as a JWK.
    pub key: &'static [u8],
    /// A token bound to [`CERTIFICATE`].
    pub token: &'static [u8],
    /// A token bound to the key of `proof`.
    pub bound: &'static [u8],
    /// A DPoP proof for `bound`.
    pub proof: &'static [u8],
    /// A JARM response.
    pub response: &'static [u8],
}

macro_rules! subject {
    ($algorithm:literal) => {
        Subject {
            algorithm: $algorithm,
            key: include_bytes!(concat!("../../data/embedded/key.", $algorithm, ".txt")),
            token: include_bytes!(concat!("../../data/embedded/token.", $algorithm, ".txt")),
            bound: include_bytes!(concat!("../../data/embedded/bound.", $algorithm, ".txt")),
            proof: include_bytes!(concat!("../../data/embedded/proof.", $algorithm, ".txt")),
            response: include_bytes!(concat!("../../data/embedded/response.", $algorithm, ".txt")),
        }
    };
}

/// Made by ES256.
pub static ES256: Subject = subject!("ES256");
/// Made by `EdDSA` with Ed25519.
pub static EDDSA: Subject = subject!("EdDSA");
/// Made by PS256 with 2048 bits.
pub static PS256: Subject = subject!("PS256");
/// Made by RS256 with 2048 bits.
pub static RS256: Subject = subject!("RS256");

/// The keys of all of them.
pub static JWKS: &[u8] = include_bytes!("../../data/embedded/jwks.json");
/// The key of [`PAVED_TOKEN`].
pub static PAVED_JWKS: &[u8] = include_bytes!("../../data/paved/jwks.json");
/// The token of the engine's first example.
pub static PAVED_TOKEN: &[u8] = include_bytes!("../../data/paved/token.txt");
/// The client's certificate, in DER.
pub static CERTIFICATE: &[u8] = include_bytes!("../../data/paved/client.der");
/// The same in PEM.
pub static CERTIFICATE_PEM: &[u8] = include_bytes!("../../data/paved/client.pem");

/// `iss`.
pub const ISSUER: &str = "https://as.example";
/// `aud`.
pub const AUDIENCE: &str = "https://api.example";
/// `client_id`.
pub const CLIENT: &str = "tpp-1";
/// `htu`.
pub const URL: &str = "https://api.example/accounts";
/// `state`.
pub const STATE: &str = "af0ifjsldkj";
/// When all of it is current.
pub const NOW: u64 = 1_800_000_000;
/// What the proofs' nonces are made with.
pub const NONCE_SECRET: &[u8; 32] = b"nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn";
/// How long a nonce is issued, in seconds.
pub const NONCE_STEP: u64 = 60;
