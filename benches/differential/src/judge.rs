//! Both verdicts on one token.

use counterfoil::crypto::{EDDSA, ES256, PS256, RS256};
use counterfoil::jose::algorithm::Algorithm as EngineAlgorithm;
use counterfoil::jose::header::TokenType;
use counterfoil::jose::keys::KeySet;
use counterfoil::jose::policy::Limits;
use counterfoil::oauth::confirmation::{Binding, Presenter};
use counterfoil::oauth::verifier::{Profile, Verifier};
use counterfoil::{Error, Seconds, UnixTime};
use jsonwebtoken::errors::{Error as PeerError, ErrorKind};
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, decode_header, get_current_timestamp};
use serde::de::IgnoredAny;
use serde_json::Value;

use crate::signer::Signer;

/// The issuer that both expect.
pub const ISSUER: &str = "https://as.example";
/// The audience that both expect.
pub const AUDIENCE: &str = "https://api.example";
const LEEWAY: u64 = 10;

/// What the two said.
#[derive(Debug)]
pub enum Verdict {
    /// Both accept.
    Both,
    /// Both refuse.
    Neither,
    /// The engine is stricter.
    OnlyPeer(Error),
    /// The engine accepts what the peer refuses.
    OnlyEngine(PeerError),
}

/// Why the engine may accept what `jsonwebtoken` refuses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reason {
    /// `jsonwebtoken` reads key material and its addresses in the header into types of its own; the engine never reads them.
    UnreadHeaderMember,
    /// `jsonwebtoken` keeps unknown header members as `f64` where they are numbers; the grammar has no largest number.
    NumberBeyondF64,
}

impl Reason {
    /// Every reason; each must still apply somewhere.
    pub const ALL: [Self; 2] = [Self::UnreadHeaderMember, Self::NumberBeyondF64];

    /// The reason that explains why only the engine accepts `token`.
    ///
    /// # Panics
    /// If the engine has accepted what is no token.
    #[must_use]
    pub fn of(token: &[u8], error: &PeerError) -> Option<Self> {
        // Only where the header alone is refused: a reason for it must not hide a disagreement about the payload.
        let ErrorKind::Json(error) = error.kind() else { return None };
        decode_header(token).err()?;
        let header = token.split(|byte| *byte == b'.').next().expect("a header");
        let mut buffer = vec![0; header.len()];
        let (header, _) = counterfoil::wire::base64url::decode(header, &mut buffer).expect("base64url");
        let Ok(header) = serde_json::from_slice::<Value>(header) else {
            return error.to_string().starts_with("number out of range").then_some(Self::NumberBeyondF64);
        };
        let is_other = |(name, value): (&String, &Value)| match &**name {
            "jku" | "x5u" | "x5t" | "x5t#S256" | "url" | "nonce" => !value.is_string() && !value.is_null(),
            "x5c" => value.as_array().is_none_or(|chain| !chain.iter().all(Value::is_string)),
            "jwk" => true,
            _ => false,
        };
        header.as_object()?.iter().any(is_other).then_some(Self::UnreadHeaderMember)
    }
}

/// The engine and its peer, with one key.
pub struct Judges {
    algorithm: &'static dyn EngineAlgorithm,
    keys: KeySet<1>,
    key: DecodingKey,
    validation: Validation,
    scratch: Vec<u8>,
}

impl Judges {
    /// Judges of what `signer` signs.
    ///
    /// # Panics
    /// If one of them refuses the key.
    #[must_use]
    pub fn of(signer: &Signer) -> Self {
        let algorithm: &'static dyn EngineAlgorithm = match signer.algorithm {
            Algorithm::ES256 => &ES256,
            Algorithm::PS256 => &PS256,
            Algorithm::RS256 => &RS256,
            _ => &EDDSA,
        };
        let jwks = serde_json::json!({"keys": [signer.jwk]}).to_string();
        let keys = KeySet::parse(jwks.as_bytes(), &[algorithm]).expect("a set");
        let mut validation = Validation::new(signer.algorithm);
        validation.leeway = LEEWAY;
        validation.validate_nbf = true;
        validation.set_issuer(&[ISSUER]);
        validation.set_audience(&[AUDIENCE]);
        validation.set_required_spec_claims(&["exp", "iss", "aud"]);
        Self { algorithm, keys, key: signer.decoding_key(), validation, scratch: vec![0; Limits::DEFAULT.scratch()] }
    }

    /// Asks both.
    ///
    /// # Panics
    /// If the engine refuses its configuration.
    pub fn judge(&mut self, token: &[u8]) -> Verdict {
        // Before the peer reads the clock: a second that passes between makes the peer no stricter, for the engine's last second is shorter.
        let now = UnixTime(get_current_timestamp());
        let algorithms = [self.algorithm];
        let types = [TokenType::Named("at+jwt"), TokenType::Named("JWT"), TokenType::Absent];
        let verifier = Verifier::new(ISSUER, AUDIENCE, &algorithms, self.keys.keys())
            .expect("a verifier")
            .with_profile(Profile::listed(&types, &[]))
            .with_binding(Binding::Optional)
            .with_leeway(Seconds(LEEWAY));
        let own = verifier.accept(token, Presenter::Bearer, now, &mut self.scratch).map(|_| ());
        let peer = decode::<IgnoredAny>(token, &self.key, &self.validation).map(|_| ());
        match (own, peer) {
            (Ok(()), Ok(())) => Verdict::Both,
            (Err(_), Err(_)) => Verdict::Neither,
            (Err(error), Ok(())) => Verdict::OnlyPeer(error),
            (Ok(()), Err(error)) => Verdict::OnlyEngine(error),
        }
    }
}
