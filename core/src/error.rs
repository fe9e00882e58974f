//! Every refusal, numbered once for all languages.
//!
//! Ranges: 1–99 boundary, 100 shape, 200 signature and keys, 300 claims, 400 confirmation, 500 DPoP proof, 600 JARM, 700 split
//! token, 800 request, 900 misuse. A number is never reused; its slug never changes.

/// Why something was refused. Carries no text of the input, so it can be logged and sent.
#[repr(u16)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Error {
    // Boundary (1–99): between the engine and its caller's memory or language
    /// The buffer given by the caller is too small for the result; nothing was written.
    BufferTooSmall = 1,
    /// A pointer that must not be NULL was NULL (C boundary only).
    NullPointer = 2,
    /// The engine panicked and was stopped at the boundary (never expected; C, Python and Node only).
    Panicked = 3,
    /// An object was used that no call has filled, or whose call failed (C boundary only).
    Unfilled = 4,
    /// Memory does not have the alignment of what is to lie in it (C boundary only).
    MemoryMisaligned = 5,
    /// Shared memory was not laid out as a table of this kind by this version (C boundary only).
    LayoutUnknown = 6,

    // Shape (100–199): the bytes are not what they claim to be
    /// The token is longer than the limit (16 KiB by default).
    TokenTooLarge = 100,
    /// The token is not three base64url segments separated by dots (RFC 7515 section 7.1).
    TokenNotCompact = 101,
    /// The token has the five segments of a JWE, which the engine never unwraps (RFC 7516).
    TokenEncrypted = 102,
    /// A segment is not strict base64url: alphabet, padding, length or unused bits (RFC 7515 section 2).
    Base64urlMalformed = 103,
    /// The JSON text is not valid UTF-8 (RFC 8259 section 8.1).
    TextNotUtf8 = 104,
    /// The text is not JSON (RFC 8259).
    JsonMalformed = 105,
    /// An object has the same member name twice, after unescaping (RFC 7515 section 4).
    JsonMemberRepeated = 106,
    /// Arrays and objects are nested deeper than 32.
    JsonTooDeep = 107,
    /// More than 128 members are open at once, or more than 16 names have escapes.
    JsonTooManyMembers = 108,
    /// A string holds half of a surrogate pair (RFC 8259 section 8.2).
    JsonLoneSurrogate = 109,
    /// The JSON text is not an object.
    JsonNotObject = 110,
    /// The decoded JOSE header is longer than the limit (4 KiB by default).
    HeaderTooLarge = 111,
    /// `alg`, `typ`, `kid` or `cty` is not a string (RFC 7515 section 4.1).
    HeaderMalformed = 112,
    /// The header has `crit`; the engine understands no extension (RFC 7515 section 4.1.11).
    HeaderCritical = 113,
    /// The header has `b64` (RFC 7797).
    HeaderUnencoded = 114,
    /// The header has `zip` (RFC 7516 section 4.1.3).
    HeaderCompressed = 115,
    /// `cty` says that the payload is another JWT (RFC 7519 section 5.2).
    HeaderNested = 116,
    /// The header has `enc`, as only a JWE has (RFC 7516 section 4.1.2).
    HeaderEncrypted = 117,
    /// The header has no `alg` (RFC 7515 section 4.1.1).
    AlgorithmMissing = 118,

    // Signature and keys (200–299)
    /// `alg` is not among the algorithms that the policy lists (RFC 8725 section 3.1).
    AlgorithmRefused = 200,
    /// No key of the set has the token's `kid`, or none fits its algorithm.
    KeyUnknown = 201,
    /// The token has no `kid` and more than one key fits.
    KeyAmbiguous = 202,
    /// The key that `kid` names is not a key for the token's `alg` (RFC 8725 section 3.1).
    KeyAlgorithmMismatch = 203,
    /// The signature does not have the length that its algorithm and key require.
    SignatureLength = 204,
    /// The signature is not the key holder's signature of this token.
    SignatureInvalid = 205,
    /// The JWK has a missing, mistyped or wrongly encoded member (RFC 7517, RFC 7518 section 6).
    KeyMalformed = 220,
    /// The JWK's `kty` or `crv` is none that the listed algorithms use.
    KeyTypeUnsupported = 221,
    /// The JWK is a symmetric key (`oct`).
    KeySymmetric = 222,
    /// The JWK holds private or secret members.
    KeyPrivate = 223,
    /// The JWK's `use` is not `sig` (RFC 7517 section 4.2).
    KeyUse = 224,
    /// The JWK's `key_ops` lacks `verify`, repeats or is no list of strings (RFC 7517 section 4.3).
    KeyOperations = 225,
    /// The JWK's `alg` contradicts its `kty` or `crv`, or is not listed.
    KeyAlgorithmConflict = 226,
    /// The JWK has no `alg` and several listed algorithms fit it: one key, one algorithm (RFC 8725 section 3.1).
    KeyAlgorithmAmbiguous = 227,
    /// The RSA modulus has fewer than 2048 bits (RFC 7518 section 3.3).
    KeyTooWeak = 228,
    /// The RSA modulus has more than 4096 bits.
    KeyTooLarge = 229,
    /// The RSA modulus is even.
    KeyModulusEven = 230,
    /// The RSA exponent is even, less than 3, or longer than 33 bits.
    KeyExponent = 231,
    /// A coordinate does not have the length of its curve, or is not below its prime (RFC 7518 section 6.2.1).
    KeyCoordinate = 232,
    /// The point is not on its curve.
    KeyOffCurve = 233,
    /// The Ed25519 point has small order.
    KeySmallOrder = 234,
    /// The JWK's `kid` is longer than 256 bytes.
    KeyIdTooLong = 235,
    /// Two keys of the set have the same `kid`.
    KeyIdRepeated = 236,
    /// The set has more keys than the capacity that was given for it.
    KeySetFull = 237,
    /// The set holds no key at all.
    KeySetEmpty = 238,
    /// The JWK Set has no `keys` array, or an element of it is not an object (RFC 7517 section 5).
    KeySetMalformed = 239,

    // Claims (300–399)
    /// The header's `typ` is not one that the profile lists (RFC 9068 section 4, RFC 8725 section 3.11).
    TypeMismatch = 300,
    /// The token has no `iss`.
    IssuerMissing = 301,
    /// The token has no `aud`.
    AudienceMissing = 302,
    /// The token has no `exp`.
    ExpiryMissing = 303,
    /// The token has no `sub`, which the profile requires.
    SubjectMissing = 304,
    /// The token has no `client_id`, which the profile requires.
    ClientIdMissing = 305,
    /// The token has no `iat`, which the profile requires.
    IssuedAtMissing = 306,
    /// The token has no `jti`, which the profile requires.
    JwtIdMissing = 307,
    /// The token lacks another claim that the profile requires.
    ClaimMissing = 308,
    /// A registered claim has the wrong type or an impossible value (RFC 7519 section 4.1).
    ClaimMalformed = 309,
    /// `iss` is not exactly the configured issuer.
    IssuerMismatch = 310,
    /// `aud` does not name this resource server.
    AudienceMismatch = 311,
    /// `exp` has passed (RFC 7519 section 4.1.4).
    TokenExpired = 312,
    /// `nbf` has not been reached (RFC 7519 section 4.1.5).
    TokenNotYetValid = 313,
    /// `iat` lies further ahead than the leeway.
    TokenIssuedAhead = 314,
    /// `scope` lacks a scope that this resource demands (RFC 6750 section 3.1).
    ScopeInsufficient = 315,
    /// `acr` is none of the accepted authentication contexts (RFC 9470).
    AuthenticationContext = 316,
    /// `auth_time` is missing or older than this resource accepts (RFC 9470).
    AuthenticationAge = 317,
    /// The issuer has revoked the token.
    TokenRevoked = 318,
    /// The issuer says that the token is not active (RFC 7662 section 2.2).
    TokenInactive = 319,

    // Confirmation (400–499): is the token held by whoever presents it?
    /// The token has no `cnf`, and the policy accepts no unbound token (RFC 7800).
    ConfirmationMissing = 400,
    /// `cnf` is not an object with one well-formed SHA-256 thumbprint.
    ConfirmationMalformed = 401,
    /// `cnf` has a member that the engine does not know, or more than one.
    ConfirmationUnknown = 402,
    /// The token is bound to a client certificate and none was presented (RFC 8705 section 3).
    CertificateMissing = 403,
    /// The presented certificate is not the one that the token is bound to (RFC 8705 section 3).
    CertificateMismatch = 404,
    /// The token is bound to a DPoP key and was presented without the DPoP scheme and proof (RFC 9449 section 7.1).
    ProofRequired = 405,
    /// The proof was made with another key than the token is bound to (RFC 9449 section 4.3).
    ProofKeyMismatch = 406,
    /// A token that is not bound to a DPoP key was presented with the DPoP scheme (RFC 9449 section 7.1).
    ProofUnexpected = 407,
    /// The token is bound in a way that the policy does not accept.
    BindingRefused = 408,
    /// The certificate is not one X.509 certificate in the form that was announced.
    CertificateMalformed = 420,
    /// More than one certificate was given where exactly one belongs.
    CertificateRepeated = 421,

    // DPoP proof (500–599), RFC 9449 section 4.3
    /// The DPoP scheme was used without a `DPoP` header.
    ProofMissing = 500,
    /// There is more than one `DPoP` header.
    ProofRepeated = 501,
    /// The proof is longer than the limit (4 KiB by default).
    ProofTooLarge = 502,
    /// The proof is not a well-formed compact JWS with a well-formed header and payload.
    ProofMalformed = 503,
    /// The proof's `typ` is not `dpop+jwt`.
    ProofType = 504,
    /// The proof's `alg` is missing or not among those that the policy lists.
    ProofAlgorithm = 505,
    /// The proof's header has no `jwk` object.
    ProofKeyMissing = 506,
    /// The proof's `jwk` is malformed, weak, private, symmetric or not for its `alg`.
    ProofKeyInvalid = 507,
    /// The proof was not signed with the key in its header.
    ProofSignature = 508,
    /// The proof lacks `jti`, `htm`, `htu` or `iat`.
    ProofClaimMissing = 509,
    /// A claim of the proof has the wrong type.
    ProofClaimMalformed = 510,
    /// `htm` is not the method of this request.
    ProofMethod = 511,
    /// `htu` is not the URL of this request (RFC 3986 sections 6.2.2 and 6.2.3).
    ProofUrl = 512,
    /// `iat` is outside the accepted window.
    ProofIssuedAt = 513,
    /// `ath` is missing or is not the hash of the presented token.
    ProofTokenHash = 514,
    /// `jti` is empty or longer than 256 bytes.
    ProofIdLength = 515,
    /// This proof, or another with its key and `jti`, was used before.
    ProofReplayed = 516,
    /// The store of used proofs is full; the request cannot be judged now.
    ReplayStoreFull = 517,
    /// The proof has no `nonce` and the server demands one (RFC 9449 section 9).
    NonceRequired = 518,
    /// The proof's `nonce` is not a current one of this server (RFC 9449 section 9).
    NonceInvalid = 519,

    // JARM responses (600–699)
    /// The redirect has no `response` parameter where a JARM response was asked for.
    ResponseMissing = 600,
    /// The redirect carries plain response parameters, or `response` twice.
    ResponseParameters = 601,
    /// The response's `typ` is that of another kind of JWT.
    ResponseType = 602,
    /// `iss` is missing or not the expected authorization server.
    ResponseIssuer = 603,
    /// `aud` is missing or not this client.
    ResponseAudience = 604,
    /// `exp` is missing or has passed, or `nbf` or `iat` lies ahead.
    ResponseExpired = 605,
    /// `exp` lies more than ten minutes ahead.
    ResponseLifetime = 606,
    /// `state` is missing or not the one that was sent.
    ResponseState = 607,
    /// The response has both `code` and `error`.
    ResponseAmbiguous = 608,
    /// The response has neither `code` nor `error`.
    ResponseEmpty = 609,
    /// A claim of the response has the wrong type or is empty.
    ResponseClaimMalformed = 610,

    // Split tokens (700–799)
    /// The ticket is not one strict base64url signature segment.
    TicketMalformed = 700,
    /// The counterfoil is not a header and a payload segment joined by one dot.
    CounterfoilMalformed = 701,
    /// The stored hash of a ticket is not 32 bytes in the announced encoding.
    TicketHashMalformed = 702,
    /// No counterfoil is stored for this ticket.
    TicketUnknown = 703,
    /// The store or issuer that had to be asked did not answer.
    LookupUnavailable = 704,

    // Request (800–899): credentials in one HTTP request
    /// The request has no `Authorization` header with the Bearer or DPoP scheme.
    CredentialMissing = 800,
    /// The request has more than one `Authorization` header.
    CredentialRepeated = 801,
    /// The `Authorization` header is not one scheme and one token68 credential (RFC 6750 section 2.1).
    CredentialMalformed = 802,
    /// The URL carries an `access_token` parameter (FAPI 2.0 section 5.3.4).
    CredentialInQuery = 803,

    // Misuse (900–999): the caller's configuration, never the client's fault
    /// No issuer, or an empty one, was configured.
    IssuerUnset = 900,
    /// No audience, or an empty one, was configured.
    AudienceUnset = 901,
    /// The list of algorithms is empty.
    AlgorithmsUnset = 902,
    /// No client identifier, or an empty one, was configured.
    ClientIdUnset = 903,
    /// An empty `state` was configured.
    StateUnset = 904,
    /// The request URL given by the host is not an absolute http or https URL.
    RequestUrl = 905,
    /// The request method given by the host is empty or not a token.
    RequestMethod = 906,
    /// A configured limit is zero or beyond what the engine supports.
    LimitOutOfRange = 907,
    /// A secret given by the host is shorter than 32 bytes.
    SecretTooShort = 908,
    /// The memory given for a store or cache is too small for one entry.
    MemoryTooSmall = 909,
    /// The claims do not fit the application's own type.
    ClaimsShape = 910,
    /// A configured realm, scope or `acr` value cannot stand in an HTTP header.
    TextNotToken = 911,
    /// An issuer is configured twice, or none is, or a second source of phantom or split tokens.
    IssuerConflict = 912,
    /// A configured address is not an absolute https URL, or not one of the kind that belongs there.
    AddressMalformed = 913,
    /// A configured file cannot be read, or a configured certificate or private key cannot be used.
    MaterialUnusable = 914,
    /// A setting is missing, unknown, of another type, or contradicts another.
    SettingsMalformed = 915,
}

/// The family that an [`Error`]'s number lies in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Family {
    /// Between the engine and its caller's memory or language.
    Boundary,
    /// The bytes are not what they claim to be.
    Shape,
    /// Signatures and keys.
    Signature,
    /// Claims of the token.
    Claim,
    /// Binding of the token to its holder.
    Confirmation,
    /// DPoP proofs.
    Proof,
    /// JARM responses.
    Response,
    /// Split tokens.
    SplitToken,
    /// Credentials in an HTTP request.
    Request,
    /// The caller's configuration.
    Misuse,
}

/// What an HTTP server says for an [`Error`] (RFC 6750 section 3.1, RFC 9449 section 7.1, RFC 9470 section 3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HttpAnswer {
    /// The status code.
    pub status: u16,
    /// The `error` of the challenge; `None` for a bare challenge and where no challenge is sent.
    pub error: Option<&'static str>,
}

impl Error {
    /// The stable number.
    #[must_use]
    #[expect(clippy::as_conversions, reason = "the discriminant of a fieldless repr(u16) enum")]
    pub const fn code(self) -> u16 {
        self as u16
    }

    /// The family that the number lies in.
    #[must_use]
    pub const fn family(self) -> Family {
        match self.code() {
            0..=99 => Family::Boundary,
            100..=199 => Family::Shape,
            200..=299 => Family::Signature,
            300..=399 => Family::Claim,
            400..=499 => Family::Confirmation,
            500..=599 => Family::Proof,
            600..=699 => Family::Response,
            700..=799 => Family::SplitToken,
            800..=899 => Family::Request,
            _ => Family::Misuse,
        }
    }

    /// What a resource server answers when a request is refused for this reason.
    ///
    /// An outage is 503 and the host's own mistake 500: neither is ever blamed on the client as 401.
    #[must_use]
    pub const fn http(self) -> HttpAnswer {
        let (status, error) = match self {
            Self::CredentialMissing => (401, None),
            Self::CertificateMalformed | Self::CertificateRepeated => (400, Some("invalid_request")),
            Self::ScopeInsufficient => (403, Some("insufficient_scope")),
            Self::AuthenticationContext | Self::AuthenticationAge => (401, Some("insufficient_user_authentication")),
            Self::NonceRequired | Self::NonceInvalid => (401, Some("use_dpop_nonce")),
            Self::ReplayStoreFull | Self::LookupUnavailable => (503, None),
            _ => match self.family() {
                Family::Boundary | Family::Misuse => (500, None),
                Family::Request => (400, Some("invalid_request")),
                Family::Proof => (401, Some("invalid_dpop_proof")),
                _ => (401, Some("invalid_token")),
            },
        };
        HttpAnswer { status, error }
    }
}

macro_rules! slugs {
    ($($name:ident $slug:literal)*) => {
        impl Error {
            /// The stable lower-case name, as in `core/vectors` and in every language's bindings.
            #[must_use]
            pub const fn slug(self) -> &'static str {
                match self {
                    $(Self::$name => $slug,)*
                }
            }

            /// Every error, in the order of the numbers.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];
        }
    };
}

slugs! {
    BufferTooSmall "buffer_too_small"
    NullPointer "null_pointer"
    Panicked "panicked"
    Unfilled "unfilled"
    MemoryMisaligned "memory_misaligned"
    LayoutUnknown "layout_unknown"
    TokenTooLarge "token_too_large"
    TokenNotCompact "token_not_compact"
    TokenEncrypted "token_encrypted"
    Base64urlMalformed "base64url_malformed"
    TextNotUtf8 "text_not_utf8"
    JsonMalformed "json_malformed"
    JsonMemberRepeated "json_member_repeated"
    JsonTooDeep "json_too_deep"
    JsonTooManyMembers "json_too_many_members"
    JsonLoneSurrogate "json_lone_surrogate"
    JsonNotObject "json_not_object"
    HeaderTooLarge "header_too_large"
    HeaderMalformed "header_malformed"
    HeaderCritical "header_critical"
    HeaderUnencoded "header_unencoded"
    HeaderCompressed "header_compressed"
    HeaderNested "header_nested"
    HeaderEncrypted "header_encrypted"
    AlgorithmMissing "algorithm_missing"
    AlgorithmRefused "algorithm_refused"
    KeyUnknown "key_unknown"
    KeyAmbiguous "key_ambiguous"
    KeyAlgorithmMismatch "key_algorithm_mismatch"
    SignatureLength "signature_length"
    SignatureInvalid "signature_invalid"
    KeyMalformed "key_malformed"
    KeyTypeUnsupported "key_type_unsupported"
    KeySymmetric "key_symmetric"
    KeyPrivate "key_private"
    KeyUse "key_use"
    KeyOperations "key_operations"
    KeyAlgorithmConflict "key_algorithm_conflict"
    KeyAlgorithmAmbiguous "key_algorithm_ambiguous"
    KeyTooWeak "key_too_weak"
    KeyTooLarge "key_too_large"
    KeyModulusEven "key_modulus_even"
    KeyExponent "key_exponent"
    KeyCoordinate "key_coordinate"
    KeyOffCurve "key_off_curve"
    KeySmallOrder "key_small_order"
    KeyIdTooLong "key_id_too_long"
    KeyIdRepeated "key_id_repeated"
    KeySetFull "key_set_full"
    KeySetEmpty "key_set_empty"
    KeySetMalformed "key_set_malformed"
    TypeMismatch "type_mismatch"
    IssuerMissing "issuer_missing"
    AudienceMissing "audience_missing"
    ExpiryMissing "expiry_missing"
    SubjectMissing "subject_missing"
    ClientIdMissing "client_id_missing"
    IssuedAtMissing "issued_at_missing"
    JwtIdMissing "jwt_id_missing"
    ClaimMissing "claim_missing"
    ClaimMalformed "claim_malformed"
    IssuerMismatch "issuer_mismatch"
    AudienceMismatch "audience_mismatch"
    TokenExpired "token_expired"
    TokenNotYetValid "token_not_yet_valid"
    TokenIssuedAhead "token_issued_ahead"
    ScopeInsufficient "scope_insufficient"
    AuthenticationContext "authentication_context"
    AuthenticationAge "authentication_age"
    TokenRevoked "token_revoked"
    TokenInactive "token_inactive"
    ConfirmationMissing "confirmation_missing"
    ConfirmationMalformed "confirmation_malformed"
    ConfirmationUnknown "confirmation_unknown"
    CertificateMissing "certificate_missing"
    CertificateMismatch "certificate_mismatch"
    ProofRequired "proof_required"
    ProofKeyMismatch "proof_key_mismatch"
    ProofUnexpected "proof_unexpected"
    BindingRefused "binding_refused"
    CertificateMalformed "certificate_malformed"
    CertificateRepeated "certificate_repeated"
    ProofMissing "proof_missing"
    ProofRepeated "proof_repeated"
    ProofTooLarge "proof_too_large"
    ProofMalformed "proof_malformed"
    ProofType "proof_type"
    ProofAlgorithm "proof_algorithm"
    ProofKeyMissing "proof_key_missing"
    ProofKeyInvalid "proof_key_invalid"
    ProofSignature "proof_signature"
    ProofClaimMissing "proof_claim_missing"
    ProofClaimMalformed "proof_claim_malformed"
    ProofMethod "proof_method"
    ProofUrl "proof_url"
    ProofIssuedAt "proof_issued_at"
    ProofTokenHash "proof_token_hash"
    ProofIdLength "proof_id_length"
    ProofReplayed "proof_replayed"
    ReplayStoreFull "replay_store_full"
    NonceRequired "nonce_required"
    NonceInvalid "nonce_invalid"
    ResponseMissing "response_missing"
    ResponseParameters "response_parameters"
    ResponseType "response_type"
    ResponseIssuer "response_issuer"
    ResponseAudience "response_audience"
    ResponseExpired "response_expired"
    ResponseLifetime "response_lifetime"
    ResponseState "response_state"
    ResponseAmbiguous "response_ambiguous"
    ResponseEmpty "response_empty"
    ResponseClaimMalformed "response_claim_malformed"
    TicketMalformed "ticket_malformed"
    CounterfoilMalformed "counterfoil_malformed"
    TicketHashMalformed "ticket_hash_malformed"
    TicketUnknown "ticket_unknown"
    LookupUnavailable "lookup_unavailable"
    CredentialMissing "credential_missing"
    CredentialRepeated "credential_repeated"
    CredentialMalformed "credential_malformed"
    CredentialInQuery "credential_in_query"
    IssuerUnset "issuer_unset"
    AudienceUnset "audience_unset"
    AlgorithmsUnset "algorithms_unset"
    ClientIdUnset "client_id_unset"
    StateUnset "state_unset"
    RequestUrl "request_url"
    RequestMethod "request_method"
    LimitOutOfRange "limit_out_of_range"
    SecretTooShort "secret_too_short"
    MemoryTooSmall "memory_too_small"
    ClaimsShape "claims_shape"
    TextNotToken "text_not_token"
    IssuerConflict "issuer_conflict"
    AddressMalformed "address_malformed"
    MaterialUnusable "material_unusable"
    SettingsMalformed "settings_malformed"
}

impl core::fmt::Display for Error {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "{} ({})", self.slug(), self.code())
    }
}

impl core::error::Error for Error {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_rise_and_slugs_are_unique() {
        for pair in Error::ALL.windows(2) {
            assert!(pair[0].code() < pair[1].code(), "{} before {}", pair[0], pair[1]);
        }
        for (i, error) in Error::ALL.iter().enumerate() {
            assert!(Error::ALL[..i].iter().all(|earlier| earlier.slug() != error.slug()));
        }
    }

    #[test]
    fn an_outage_or_a_misconfiguration_is_never_401() {
        for error in [Error::ReplayStoreFull, Error::LookupUnavailable] {
            assert_eq!(error.http().status, 503);
        }
        assert!(Error::ALL.iter().filter(|e| e.family() == Family::Misuse).all(|e| e.http().status == 500));
    }
}
