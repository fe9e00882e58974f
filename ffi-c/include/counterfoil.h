// libcounterfoil: is this access token genuine, current, meant for this API and held by whoever presents it?
//
// Generated from ffi-c/src by ffi-c/tests/header.rs: do not edit.
//
// Codes. A function that can fail returns 0 or a number of enum counterfoil_error. Outputs come last, are called `..._out`, and are
// written on success only. NULL where something must be is COUNTERFOIL_ERROR_NULL_POINTER.
//
// Memory. Nothing is copied: what a call returns refers to the memory that the call was given (scratch, buffers, requests), which must
// stay while the result is in use. Inputs, outputs and buffers of one call must not overlap.
//
// Threads. Every function may be called from any thread. An object may be used by any number of threads at once, unless its own
// comment says otherwise; nobody may change or free it meanwhile.
//
// Times are seconds since 1970-01-01T00:00:00Z and always an argument: there is no clock in here.
//
// Define COUNTERFOIL_EMBEDDED for the library that was built without std, COUNTERFOIL_GATEWAY for the one that was built with its
// feature "gateway".

#ifndef COUNTERFOIL_H
#define COUNTERFOIL_H

#include <stddef.h>
#include <stdint.h>

#if !defined(COUNTERFOIL_EMBEDDED)
#define COUNTERFOIL_STD
#endif

// 0 of counterfoil_code: accepted, done.
#define COUNTERFOIL_OK 0

// An issuer's keys. Nothing until they are loaded: its tokens are then refused with 503. counterfoil_keys_load may run beside
// everything else that uses the same keys, from any thread; with the embedded build, one after the other.
typedef struct counterfoil_keys counterfoil_keys;

#if defined(COUNTERFOIL_GATEWAY)
// A gateway: keys that it fetches and watches, lookups that it makes, one decision for one request.
typedef struct counterfoil_gateway counterfoil_gateway;

// Where one request at a time is judged by a gateway, about 96 KiB: one for each thread, to be used again and again.
typedef struct counterfoil_room counterfoil_room;
#endif

// The objects below lie in the caller's memory, with their content opaque. One that no call has filled, if it was zeroed, is
// COUNTERFOIL_ERROR_UNFILLED.

// A token that was accepted: the only thing that claims can be read of. Refers to the scratch memory of the call that accepted it.
typedef struct counterfoil_token {
  uint64_t opaque[28];
} counterfoil_token;

// The one credential of a request. Refers to the request's memory.
typedef struct counterfoil_credential {
  uint64_t opaque[4];
} counterfoil_credential;

// The key of a server's DPoP nonces. Servers with one secret accept each other's.
typedef struct counterfoil_nonce_key {
  uint64_t opaque[48];
} counterfoil_nonce_key;

// A DPoP proof that was accepted.
typedef struct counterfoil_proof {
  uint64_t opaque[16];
} counterfoil_proof;

// A process's handle of a table of used DPoP proofs.
typedef struct counterfoil_replay {
  uint64_t opaque[8];
} counterfoil_replay;

// A process's handle of a cache of good tokens.
typedef struct counterfoil_token_cache {
  uint64_t opaque[8];
} counterfoil_token_cache;

// A process's handle of tables for the keys of DPoP proofs.
typedef struct counterfoil_key_tables {
  uint64_t opaque[8];
} counterfoil_key_tables;

// ECDSA with P-256 and SHA-256 (RFC 7518 section 3.4).
#define COUNTERFOIL_ES256 1

// RSASSA-PSS with SHA-256 (RFC 7518 section 3.5).
#define COUNTERFOIL_PS256 2

// Ed25519 under the name `EdDSA` (RFC 8037 section 3.1).
#define COUNTERFOIL_EDDSA 4

// Ed25519 under its own name (RFC 9864 section 2.2).
#define COUNTERFOIL_ED25519 8

// RSASSA-PKCS1-v1_5 with SHA-256 (RFC 7518 section 3.3): none of FAPI's.
#define COUNTERFOIL_RS256 16

// What FAPI 2.0 section 5.4.1 permits.
#define COUNTERFOIL_FAPI 15

#if defined(COUNTERFOIL_STD)
// How many keys a set holds at most.
#define COUNTERFOIL_MAX_KEYS 32
#endif

#if !defined(COUNTERFOIL_STD)
// How many keys a set holds at most.
#define COUNTERFOIL_MAX_KEYS 4
#endif

#if defined(COUNTERFOIL_STD)
// The longest token that is remembered, in octets.
#define COUNTERFOIL_MAX_REMEMBERED 2048
#endif

#if !defined(COUNTERFOIL_STD)
// The longest token that is remembered, in octets.
#define COUNTERFOIL_MAX_REMEMBERED 1024
#endif

// A token must be bound to a client certificate or to a DPoP key: what FAPI 2.0 demands.
#define COUNTERFOIL_BINDING_REQUIRED 0

// A token must be bound to a client certificate.
#define COUNTERFOIL_BINDING_MTLS 1

// A token must be bound to a DPoP key.
#define COUNTERFOIL_BINDING_DPOP 2

// Unbound tokens are accepted too; a bound one still needs its holder.
#define COUNTERFOIL_BINDING_OPTIONAL 3

#if defined(COUNTERFOIL_STD)
// How many entries each list of a server has at most: issuers, audiences, scopes…
#define COUNTERFOIL_MAX_LIST 64
#endif

#if !defined(COUNTERFOIL_STD)
// How many entries each list of a server has at most: issuers, audiences, scopes…
#define COUNTERFOIL_MAX_LIST 8
#endif

// The client presented no certificate.
#define COUNTERFOIL_CERTIFICATE_NONE 0

// DER, from the TLS session.
#define COUNTERFOIL_CERTIFICATE_DER 1

// PEM with one certificate and nothing around it. This and the forms below have travelled in a header: trust it only from a
// configured peer.
#define COUNTERFOIL_CERTIFICATE_PEM 2

// PEM with percent escapes, as in nginx's `$ssl_client_escaped_cert`.
#define COUNTERFOIL_CERTIFICATE_ESCAPED_PEM 3

// The value of a `Client-Cert` field (RFC 9440 section 2.1).
#define COUNTERFOIL_CERTIFICATE_FIELD 4

// No credential.
#define COUNTERFOIL_SCHEME_NONE 0

// RFC 6750.
#define COUNTERFOIL_SCHEME_BEARER 1

// RFC 9449 section 7.1.
#define COUNTERFOIL_SCHEME_DPOP 2

// The credential is the token.
#define COUNTERFOIL_FORM_WHOLE 0

// The credential is a reference; what was looked up is the compact token that it refers to.
#define COUNTERFOIL_FORM_PHANTOM 1

// The credential is a reference; what was looked up is the claims object with which the issuer answered (RFC 7662), or that
// `counterfoil_introspection_accept` found in a signed answer. Judged as strictly as a token's claims.
#define COUNTERFOIL_FORM_INTROSPECTED 3

// The credential is the ticket of a split token; what was looked up is its counterfoil, `header.payload`.
#define COUNTERFOIL_FORM_SPLIT 2

// Somebody who has proved nothing.
#define COUNTERFOIL_PRESENTER_BEARER 0

// The holder of the client certificate with `thumbprint`, as the TLS handshake proved.
#define COUNTERFOIL_PRESENTER_CERTIFICATE 1

// The maker of `proof`, which was accepted for this very token.
#define COUNTERFOIL_PRESENTER_DPOP 2

// How many tokens `counterfoil_server_accept_batch` judges together.
#define COUNTERFOIL_BATCH 8

// The token is bound to nothing.
#define COUNTERFOIL_CONFIRMATION_NONE 0

// The token is bound to a client certificate (`x5t#S256`, RFC 8705).
#define COUNTERFOIL_CONFIRMATION_CERTIFICATE 1

// The token is bound to a DPoP key (`jkt`, RFC 9449).
#define COUNTERFOIL_CONFIRMATION_KEY 2

// base64url without padding: safe in URLs, and equal to a DPoP proof's `ath`. 43 octets.
#define COUNTERFOIL_ENCODING_BASE64URL 0

// Standard base64 with padding, as Curity's publishers write it. 44 octets.
#define COUNTERFOIL_ENCODING_BASE64 1

// Lower-case hex. 64 octets.
#define COUNTERFOIL_ENCODING_HEX 2

// The 32 octets themselves.
#define COUNTERFOIL_ENCODING_RAW 3

#if defined(COUNTERFOIL_GATEWAY)
// The host gives the keys, by `counterfoil_gateway_replace_keys`; until then the issuer's tokens are refused with 503.
#define COUNTERFOIL_KEYS_HOST 0
#endif

#if defined(COUNTERFOIL_GATEWAY)
// `keys` is a JWK Set.
#define COUNTERFOIL_KEYS_TEXT 1
#endif

#if defined(COUNTERFOIL_GATEWAY)
// `keys` is the path of a file with a JWK Set, which is read again when it changes.
#define COUNTERFOIL_KEYS_FILE 2
#endif

#if defined(COUNTERFOIL_GATEWAY)
// `keys` is an https URL, which is asked in the background: as its `max-age` says, and when a token names an unknown key.
#define COUNTERFOIL_KEYS_URL 3
#endif

#if defined(COUNTERFOIL_GATEWAY)
// `application/json` (RFC 7662).
#define COUNTERFOIL_INTROSPECTION_JSON 0
#endif

#if defined(COUNTERFOIL_GATEWAY)
// `application/token-introspection+jwt` (RFC 9701), signed for the client that asks.
#define COUNTERFOIL_INTROSPECTION_SIGNED 1
#endif

#if defined(COUNTERFOIL_GATEWAY)
// `application/jwt`: the access token that a reference stands for.
#define COUNTERFOIL_INTROSPECTION_JWT 2
#endif

// Why something was refused. Carries no text of the input, so it can be logged and sent.
enum counterfoil_error
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : uint16_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
  // The buffer given by the caller is too small for the result; nothing was written.
  COUNTERFOIL_ERROR_BUFFER_TOO_SMALL = 1,
  // A pointer that must not be NULL was NULL (C boundary only).
  COUNTERFOIL_ERROR_NULL_POINTER = 2,
  // The engine panicked and was stopped at the boundary (never expected; C, Python and Node only).
  COUNTERFOIL_ERROR_PANICKED = 3,
  // An object was used that no call has filled, or whose call failed (C boundary only).
  COUNTERFOIL_ERROR_UNFILLED = 4,
  // Memory does not have the alignment of what is to lie in it (C boundary only).
  COUNTERFOIL_ERROR_MEMORY_MISALIGNED = 5,
  // Shared memory was not laid out as a table of this kind by this version (C boundary only).
  COUNTERFOIL_ERROR_LAYOUT_UNKNOWN = 6,
  // The token is longer than the limit (16 KiB by default).
  COUNTERFOIL_ERROR_TOKEN_TOO_LARGE = 100,
  // The token is not three base64url segments separated by dots (RFC 7515 section 7.1).
  COUNTERFOIL_ERROR_TOKEN_NOT_COMPACT = 101,
  // The token has the five segments of a JWE, which the engine never unwraps (RFC 7516).
  COUNTERFOIL_ERROR_TOKEN_ENCRYPTED = 102,
  // A segment is not strict base64url: alphabet, padding, length or unused bits (RFC 7515 section 2).
  COUNTERFOIL_ERROR_BASE64URL_MALFORMED = 103,
  // The JSON text is not valid UTF-8 (RFC 8259 section 8.1).
  COUNTERFOIL_ERROR_TEXT_NOT_UTF8 = 104,
  // The text is not JSON (RFC 8259).
  COUNTERFOIL_ERROR_JSON_MALFORMED = 105,
  // An object has the same member name twice, after unescaping (RFC 7515 section 4).
  COUNTERFOIL_ERROR_JSON_MEMBER_REPEATED = 106,
  // Arrays and objects are nested deeper than 32.
  COUNTERFOIL_ERROR_JSON_TOO_DEEP = 107,
  // More than 128 members are open at once, or more than 16 names have escapes.
  COUNTERFOIL_ERROR_JSON_TOO_MANY_MEMBERS = 108,
  // A string holds half of a surrogate pair (RFC 8259 section 8.2).
  COUNTERFOIL_ERROR_JSON_LONE_SURROGATE = 109,
  // The JSON text is not an object.
  COUNTERFOIL_ERROR_JSON_NOT_OBJECT = 110,
  // The decoded JOSE header is longer than the limit (4 KiB by default).
  COUNTERFOIL_ERROR_HEADER_TOO_LARGE = 111,
  // `alg`, `typ`, `kid` or `cty` is not a string (RFC 7515 section 4.1).
  COUNTERFOIL_ERROR_HEADER_MALFORMED = 112,
  // The header has `crit`; the engine understands no extension (RFC 7515 section 4.1.11).
  COUNTERFOIL_ERROR_HEADER_CRITICAL = 113,
  // The header has `b64` (RFC 7797).
  COUNTERFOIL_ERROR_HEADER_UNENCODED = 114,
  // The header has `zip` (RFC 7516 section 4.1.3).
  COUNTERFOIL_ERROR_HEADER_COMPRESSED = 115,
  // `cty` says that the payload is another JWT (RFC 7519 section 5.2).
  COUNTERFOIL_ERROR_HEADER_NESTED = 116,
  // The header has `enc`, as only a JWE has (RFC 7516 section 4.1.2).
  COUNTERFOIL_ERROR_HEADER_ENCRYPTED = 117,
  // The header has no `alg` (RFC 7515 section 4.1.1).
  COUNTERFOIL_ERROR_ALGORITHM_MISSING = 118,
  // `alg` is not among the algorithms that the policy lists (RFC 8725 section 3.1).
  COUNTERFOIL_ERROR_ALGORITHM_REFUSED = 200,
  // No key of the set has the token's `kid`, or none fits its algorithm.
  COUNTERFOIL_ERROR_KEY_UNKNOWN = 201,
  // The token has no `kid` and more than one key fits.
  COUNTERFOIL_ERROR_KEY_AMBIGUOUS = 202,
  // The key that `kid` names is not a key for the token's `alg` (RFC 8725 section 3.1).
  COUNTERFOIL_ERROR_KEY_ALGORITHM_MISMATCH = 203,
  // The signature does not have the length that its algorithm and key require.
  COUNTERFOIL_ERROR_SIGNATURE_LENGTH = 204,
  // The signature is not the key holder's signature of this token.
  COUNTERFOIL_ERROR_SIGNATURE_INVALID = 205,
  // The JWK has a missing, mistyped or wrongly encoded member (RFC 7517, RFC 7518 section 6).
  COUNTERFOIL_ERROR_KEY_MALFORMED = 220,
  // The JWK's `kty` or `crv` is none that the listed algorithms use.
  COUNTERFOIL_ERROR_KEY_TYPE_UNSUPPORTED = 221,
  // The JWK is a symmetric key (`oct`).
  COUNTERFOIL_ERROR_KEY_SYMMETRIC = 222,
  // The JWK holds private or secret members.
  COUNTERFOIL_ERROR_KEY_PRIVATE = 223,
  // The JWK's `use` is not `sig` (RFC 7517 section 4.2).
  COUNTERFOIL_ERROR_KEY_USE = 224,
  // The JWK's `key_ops` lacks `verify`, repeats or is no list of strings (RFC 7517 section 4.3).
  COUNTERFOIL_ERROR_KEY_OPERATIONS = 225,
  // The JWK's `alg` contradicts its `kty` or `crv`, or is not listed.
  COUNTERFOIL_ERROR_KEY_ALGORITHM_CONFLICT = 226,
  // The JWK has no `alg` and several listed algorithms fit it: one key, one algorithm (RFC 8725 section 3.1).
  COUNTERFOIL_ERROR_KEY_ALGORITHM_AMBIGUOUS = 227,
  // The RSA modulus has fewer than 2048 bits (RFC 7518 section 3.3).
  COUNTERFOIL_ERROR_KEY_TOO_WEAK = 228,
  // The RSA modulus has more than 4096 bits.
  COUNTERFOIL_ERROR_KEY_TOO_LARGE = 229,
  // The RSA modulus is even.
  COUNTERFOIL_ERROR_KEY_MODULUS_EVEN = 230,
  // The RSA exponent is even, less than 3, or longer than 33 bits.
  COUNTERFOIL_ERROR_KEY_EXPONENT = 231,
  // A coordinate does not have the length of its curve, or is not below its prime (RFC 7518 section 6.2.1).
  COUNTERFOIL_ERROR_KEY_COORDINATE = 232,
  // The point is not on its curve.
  COUNTERFOIL_ERROR_KEY_OFF_CURVE = 233,
  // The Ed25519 point has small order.
  COUNTERFOIL_ERROR_KEY_SMALL_ORDER = 234,
  // The JWK's `kid` is longer than 256 bytes.
  COUNTERFOIL_ERROR_KEY_ID_TOO_LONG = 235,
  // Two keys of the set have the same `kid`.
  COUNTERFOIL_ERROR_KEY_ID_REPEATED = 236,
  // The set has more keys than the capacity that was given for it.
  COUNTERFOIL_ERROR_KEY_SET_FULL = 237,
  // The set holds no key at all.
  COUNTERFOIL_ERROR_KEY_SET_EMPTY = 238,
  // The JWK Set has no `keys` array, or an element of it is not an object (RFC 7517 section 5).
  COUNTERFOIL_ERROR_KEY_SET_MALFORMED = 239,
  // The header's `typ` is not one that the profile lists (RFC 9068 section 4, RFC 8725 section 3.11).
  COUNTERFOIL_ERROR_TYPE_MISMATCH = 300,
  // The token has no `iss`.
  COUNTERFOIL_ERROR_ISSUER_MISSING = 301,
  // The token has no `aud`.
  COUNTERFOIL_ERROR_AUDIENCE_MISSING = 302,
  // The token has no `exp`.
  COUNTERFOIL_ERROR_EXPIRY_MISSING = 303,
  // The token has no `sub`, which the profile requires.
  COUNTERFOIL_ERROR_SUBJECT_MISSING = 304,
  // The token has no `client_id`, which the profile requires.
  COUNTERFOIL_ERROR_CLIENT_ID_MISSING = 305,
  // The token has no `iat`, which the profile requires.
  COUNTERFOIL_ERROR_ISSUED_AT_MISSING = 306,
  // The token has no `jti`, which the profile requires.
  COUNTERFOIL_ERROR_JWT_ID_MISSING = 307,
  // The token lacks another claim that the profile requires.
  COUNTERFOIL_ERROR_CLAIM_MISSING = 308,
  // A registered claim has the wrong type or an impossible value (RFC 7519 section 4.1).
  COUNTERFOIL_ERROR_CLAIM_MALFORMED = 309,
  // `iss` is not exactly the configured issuer.
  COUNTERFOIL_ERROR_ISSUER_MISMATCH = 310,
  // `aud` does not name this resource server.
  COUNTERFOIL_ERROR_AUDIENCE_MISMATCH = 311,
  // `exp` has passed (RFC 7519 section 4.1.4).
  COUNTERFOIL_ERROR_TOKEN_EXPIRED = 312,
  // `nbf` has not been reached (RFC 7519 section 4.1.5).
  COUNTERFOIL_ERROR_TOKEN_NOT_YET_VALID = 313,
  // `iat` lies further ahead than the leeway.
  COUNTERFOIL_ERROR_TOKEN_ISSUED_AHEAD = 314,
  // `scope` lacks a scope that this resource demands (RFC 6750 section 3.1).
  COUNTERFOIL_ERROR_SCOPE_INSUFFICIENT = 315,
  // `acr` is none of the accepted authentication contexts (RFC 9470).
  COUNTERFOIL_ERROR_AUTHENTICATION_CONTEXT = 316,
  // `auth_time` is missing or older than this resource accepts (RFC 9470).
  COUNTERFOIL_ERROR_AUTHENTICATION_AGE = 317,
  // The issuer has revoked the token.
  COUNTERFOIL_ERROR_TOKEN_REVOKED = 318,
  // The issuer says that the token is not active (RFC 7662 section 2.2).
  COUNTERFOIL_ERROR_TOKEN_INACTIVE = 319,
  // The token has no `cnf`, and the policy accepts no unbound token (RFC 7800).
  COUNTERFOIL_ERROR_CONFIRMATION_MISSING = 400,
  // `cnf` is not an object with one well-formed SHA-256 thumbprint.
  COUNTERFOIL_ERROR_CONFIRMATION_MALFORMED = 401,
  // `cnf` has a member that the engine does not know, or more than one.
  COUNTERFOIL_ERROR_CONFIRMATION_UNKNOWN = 402,
  // The token is bound to a client certificate and none was presented (RFC 8705 section 3).
  COUNTERFOIL_ERROR_CERTIFICATE_MISSING = 403,
  // The presented certificate is not the one that the token is bound to (RFC 8705 section 3).
  COUNTERFOIL_ERROR_CERTIFICATE_MISMATCH = 404,
  // The token is bound to a DPoP key and was presented without the DPoP scheme and proof (RFC 9449 section 7.1).
  COUNTERFOIL_ERROR_PROOF_REQUIRED = 405,
  // The proof was made with another key than the token is bound to (RFC 9449 section 4.3).
  COUNTERFOIL_ERROR_PROOF_KEY_MISMATCH = 406,
  // A token that is not bound to a DPoP key was presented with the DPoP scheme (RFC 9449 section 7.1).
  COUNTERFOIL_ERROR_PROOF_UNEXPECTED = 407,
  // The token is bound in a way that the policy does not accept.
  COUNTERFOIL_ERROR_BINDING_REFUSED = 408,
  // The certificate is not one X.509 certificate in the form that was announced.
  COUNTERFOIL_ERROR_CERTIFICATE_MALFORMED = 420,
  // More than one certificate was given where exactly one belongs.
  COUNTERFOIL_ERROR_CERTIFICATE_REPEATED = 421,
  // The DPoP scheme was used without a `DPoP` header.
  COUNTERFOIL_ERROR_PROOF_MISSING = 500,
  // There is more than one `DPoP` header.
  COUNTERFOIL_ERROR_PROOF_REPEATED = 501,
  // The proof is longer than the limit (4 KiB by default).
  COUNTERFOIL_ERROR_PROOF_TOO_LARGE = 502,
  // The proof is not a well-formed compact JWS with a well-formed header and payload.
  COUNTERFOIL_ERROR_PROOF_MALFORMED = 503,
  // The proof's `typ` is not `dpop+jwt`.
  COUNTERFOIL_ERROR_PROOF_TYPE = 504,
  // The proof's `alg` is missing or not among those that the policy lists.
  COUNTERFOIL_ERROR_PROOF_ALGORITHM = 505,
  // The proof's header has no `jwk` object.
  COUNTERFOIL_ERROR_PROOF_KEY_MISSING = 506,
  // The proof's `jwk` is malformed, weak, private, symmetric or not for its `alg`.
  COUNTERFOIL_ERROR_PROOF_KEY_INVALID = 507,
  // The proof was not signed with the key in its header.
  COUNTERFOIL_ERROR_PROOF_SIGNATURE = 508,
  // The proof lacks `jti`, `htm`, `htu` or `iat`.
  COUNTERFOIL_ERROR_PROOF_CLAIM_MISSING = 509,
  // A claim of the proof has the wrong type.
  COUNTERFOIL_ERROR_PROOF_CLAIM_MALFORMED = 510,
  // `htm` is not the method of this request.
  COUNTERFOIL_ERROR_PROOF_METHOD = 511,
  // `htu` is not the URL of this request (RFC 3986 sections 6.2.2 and 6.2.3).
  COUNTERFOIL_ERROR_PROOF_URL = 512,
  // `iat` is outside the accepted window.
  COUNTERFOIL_ERROR_PROOF_ISSUED_AT = 513,
  // `ath` is missing or is not the hash of the presented token.
  COUNTERFOIL_ERROR_PROOF_TOKEN_HASH = 514,
  // `jti` is empty or longer than 256 bytes.
  COUNTERFOIL_ERROR_PROOF_ID_LENGTH = 515,
  // This proof, or another with its key and `jti`, was used before.
  COUNTERFOIL_ERROR_PROOF_REPLAYED = 516,
  // The store of used proofs is full; the request cannot be judged now.
  COUNTERFOIL_ERROR_REPLAY_STORE_FULL = 517,
  // The proof has no `nonce` and the server demands one (RFC 9449 section 9).
  COUNTERFOIL_ERROR_NONCE_REQUIRED = 518,
  // The proof's `nonce` is not a current one of this server (RFC 9449 section 9).
  COUNTERFOIL_ERROR_NONCE_INVALID = 519,
  // The redirect has no `response` parameter where a JARM response was asked for.
  COUNTERFOIL_ERROR_RESPONSE_MISSING = 600,
  // The redirect carries plain response parameters, or `response` twice.
  COUNTERFOIL_ERROR_RESPONSE_PARAMETERS = 601,
  // The response's `typ` is that of another kind of JWT.
  COUNTERFOIL_ERROR_RESPONSE_TYPE = 602,
  // `iss` is missing or not the expected authorization server.
  COUNTERFOIL_ERROR_RESPONSE_ISSUER = 603,
  // `aud` is missing or not this client.
  COUNTERFOIL_ERROR_RESPONSE_AUDIENCE = 604,
  // `exp` is missing or has passed, or `nbf` or `iat` lies ahead.
  COUNTERFOIL_ERROR_RESPONSE_EXPIRED = 605,
  // `exp` lies more than ten minutes ahead.
  COUNTERFOIL_ERROR_RESPONSE_LIFETIME = 606,
  // `state` is missing or not the one that was sent.
  COUNTERFOIL_ERROR_RESPONSE_STATE = 607,
  // The response has both `code` and `error`.
  COUNTERFOIL_ERROR_RESPONSE_AMBIGUOUS = 608,
  // The response has neither `code` nor `error`.
  COUNTERFOIL_ERROR_RESPONSE_EMPTY = 609,
  // A claim of the response has the wrong type or is empty.
  COUNTERFOIL_ERROR_RESPONSE_CLAIM_MALFORMED = 610,
  // The ticket is not one strict base64url signature segment.
  COUNTERFOIL_ERROR_TICKET_MALFORMED = 700,
  // The counterfoil is not a header and a payload segment joined by one dot.
  COUNTERFOIL_ERROR_COUNTERFOIL_MALFORMED = 701,
  // The stored hash of a ticket is not 32 bytes in the announced encoding.
  COUNTERFOIL_ERROR_TICKET_HASH_MALFORMED = 702,
  // No counterfoil is stored for this ticket.
  COUNTERFOIL_ERROR_TICKET_UNKNOWN = 703,
  // The store or issuer that had to be asked did not answer.
  COUNTERFOIL_ERROR_LOOKUP_UNAVAILABLE = 704,
  // The request has no `Authorization` header with the Bearer or DPoP scheme.
  COUNTERFOIL_ERROR_CREDENTIAL_MISSING = 800,
  // The request has more than one `Authorization` header.
  COUNTERFOIL_ERROR_CREDENTIAL_REPEATED = 801,
  // The `Authorization` header is not one scheme and one token68 credential (RFC 6750 section 2.1).
  COUNTERFOIL_ERROR_CREDENTIAL_MALFORMED = 802,
  // The URL carries an `access_token` parameter (FAPI 2.0 section 5.3.4).
  COUNTERFOIL_ERROR_CREDENTIAL_IN_QUERY = 803,
  // No issuer, or an empty one, was configured.
  COUNTERFOIL_ERROR_ISSUER_UNSET = 900,
  // No audience, or an empty one, was configured.
  COUNTERFOIL_ERROR_AUDIENCE_UNSET = 901,
  // The list of algorithms is empty.
  COUNTERFOIL_ERROR_ALGORITHMS_UNSET = 902,
  // No client identifier, or an empty one, was configured.
  COUNTERFOIL_ERROR_CLIENT_ID_UNSET = 903,
  // An empty `state` was configured.
  COUNTERFOIL_ERROR_STATE_UNSET = 904,
  // The request URL given by the host is not an absolute http or https URL.
  COUNTERFOIL_ERROR_REQUEST_URL = 905,
  // The request method given by the host is empty or not a token.
  COUNTERFOIL_ERROR_REQUEST_METHOD = 906,
  // A configured limit is zero or beyond what the engine supports.
  COUNTERFOIL_ERROR_LIMIT_OUT_OF_RANGE = 907,
  // A secret given by the host is shorter than 32 bytes.
  COUNTERFOIL_ERROR_SECRET_TOO_SHORT = 908,
  // The memory given for a store or cache is too small for one entry.
  COUNTERFOIL_ERROR_MEMORY_TOO_SMALL = 909,
  // The claims do not fit the application's own type.
  COUNTERFOIL_ERROR_CLAIMS_SHAPE = 910,
  // A configured realm, scope or `acr` value cannot stand in an HTTP header.
  COUNTERFOIL_ERROR_TEXT_NOT_TOKEN = 911,
  // An issuer is configured twice, or none is, or a second source of phantom or split tokens.
  COUNTERFOIL_ERROR_ISSUER_CONFLICT = 912,
  // A configured address is not an absolute https URL, or not one of the kind that belongs there.
  COUNTERFOIL_ERROR_ADDRESS_MALFORMED = 913,
  // A configured file cannot be read, or a configured certificate or private key cannot be used.
  COUNTERFOIL_ERROR_MATERIAL_UNUSABLE = 914,
  // A setting is missing, unknown, of another type, or contradicts another.
  COUNTERFOIL_ERROR_SETTINGS_MALFORMED = 915,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum counterfoil_error counterfoil_error;
#else
typedef uint16_t counterfoil_error;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

// A code of `counterfoil_error`, or 0.
typedef uint16_t counterfoil_code;

// Memory for results: `size` octets at `data`, which may be uninitialised and must not overlap an input. NULL where `size` is 0.
typedef struct counterfoil_buffer {
  void *data;
  size_t size;
} counterfoil_buffer;

// Text or octets: `size` of them at `data`. NULL is absence, which is not the same as emptiness.
typedef struct counterfoil_bytes {
  const void *data;
  size_t size;
} counterfoil_bytes;

// What DPoP proofs must be.
typedef struct counterfoil_proof_rules {
  // As a server's; `COUNTERFOIL_FAPI` by default.
  uint32_t algorithms;
  // Seconds that `iat` may lie back; 300 by default.
  uint64_t past;
  // Seconds that `iat` may lie ahead; 10 by default.
  uint64_t ahead;
  // The longest proof in octets, at most 65535; 4096 by default.
  size_t max_size;
  // A nonce of this key is demanded; NULL by default: none.
  const counterfoil_nonce_key *nonce;
} counterfoil_proof_rules;

// The request that a proof must have been made for.
typedef struct counterfoil_proof_target {
  // The HTTP method.
  struct counterfoil_bytes method;
  // The URL as the client sees it.
  struct counterfoil_bytes url;
  // The token as the client presents it; `data` NULL at a token endpoint, where there is none yet.
  struct counterfoil_bytes token;
} counterfoil_proof_target;

// A SHA-256 hash that stands for a key or a certificate.
typedef struct counterfoil_thumbprint {
  // The 32 octets.
  uint8_t octets[32];
} counterfoil_thumbprint;

// A lock of the caller's.
typedef struct counterfoil_lock {
  // Given to both functions.
  void *context;
  // Takes the lock; anything but 0 says that it cannot be had, and the request is refused with 503.
  int32_t (*acquire)(void *context);
  // Gives it back.
  void (*release)(void *context);
} counterfoil_lock;

// An issuer that is trusted, and its keys.
typedef struct counterfoil_issuer {
  // Compared octet for octet with `iss`.
  struct counterfoil_bytes name;
  // The keys that sign for this issuer and for no other.
  const counterfoil_keys *keys;
} counterfoil_issuer;

// `count` issuers.
typedef struct counterfoil_issuers {
  const struct counterfoil_issuer *items;
  size_t count;
} counterfoil_issuers;

// `count` texts.
typedef struct counterfoil_list {
  const struct counterfoil_bytes *items;
  size_t count;
} counterfoil_list;

// What one API accepts, and what it remembers. Fill it with `counterfoil_server_init`, then set what differs.
//
// It is plain data that refers to the caller's memory, which must stay and must not change while a call uses it: any number of
// threads may use one server at once.
typedef struct counterfoil_server {
  // The issuers whose tokens are accepted: at least one.
  struct counterfoil_issuers issuers;
  // The names of this API, one of which must be in `aud`: at least one.
  struct counterfoil_list audiences;
  // The algorithms of tokens: a sum of `COUNTERFOIL_ES256` and others. `COUNTERFOIL_FAPI` by default.
  uint32_t algorithms;
  // One of `COUNTERFOIL_BINDING_…`; `COUNTERFOIL_BINDING_REQUIRED` by default.
  uint32_t binding;
  // The `typ` that are accepted, without `application/`; a text with `data` NULL stands for tokens without `typ`. RFC 9068's `at+jwt`
  // by default.
  struct counterfoil_list types;
  // The claims that must be there beside `iss`, `aud` and `exp`; RFC 9068's `sub`, `client_id`, `iat` and `jti` by default.
  struct counterfoil_list required_claims;
  // Scopes that must all be in `scope`.
  struct counterfoil_list scopes;
  // Authentication contexts, one of which must be `acr` (RFC 9470); none: any.
  struct counterfoil_list acr_values;
  // Seconds since `auth_time` at most (RFC 9470); `UINT64_MAX` by default: any.
  uint64_t max_age;
  // Seconds that other clocks may differ; 10 by default.
  uint64_t leeway;
  // The longest token in octets, at most 65535; 16384 by default.
  size_t max_token_size;
  // The longest decoded header in octets, at most 65535; 4096 by default.
  size_t max_header_size;
  // What DPoP proofs must be.
  struct counterfoil_proof_rules proofs;
  // Named in every challenge; `data` NULL by default: none.
  struct counterfoil_bytes realm;
  // Where used DPoP proofs are remembered; without it no request with a proof is accepted.
  const counterfoil_replay *replay;
  // Where good tokens are remembered, so that their signature need not be judged again; NULL by default.
  const counterfoil_token_cache *tokens;
  // Where tables for the keys of DPoP proofs are kept; NULL by default, and always with the embedded build.
  const counterfoil_key_tables *proof_keys;
} counterfoil_server;

// What a host knows of one request. Header values come without surrounding white space, one text for each field line.
typedef struct counterfoil_request {
  // The method.
  struct counterfoil_bytes method;
  // The absolute URL as the client sees it: from configuration and the request target, never from a forwarded host.
  struct counterfoil_bytes url;
  // Every `Authorization` header.
  struct counterfoil_list authorization;
  // Every `DPoP` header.
  struct counterfoil_list dpop;
  // One of `COUNTERFOIL_CERTIFICATE_…`.
  uint32_t certificate_form;
  // The client's certificate, in that form: the leaf alone.
  struct counterfoil_bytes certificate;
  // Seconds since 1970.
  uint64_t now;
} counterfoil_request;

// What was looked up by a credential.
typedef struct counterfoil_lookup {
  // One of `COUNTERFOIL_FORM_…`.
  uint32_t form;
  // What was found; not read for `COUNTERFOIL_FORM_WHOLE`.
  struct counterfoil_bytes found;
} counterfoil_lookup;

// What to answer to a request that was refused.
typedef struct counterfoil_answer {
  // The status.
  uint16_t status;
  // The value of `WWW-Authenticate`; `data` NULL where none is sent.
  struct counterfoil_bytes www_authenticate;
  // The value of `DPoP-Nonce`; `data` NULL where none is sent.
  struct counterfoil_bytes dpop_nonce;
  // A JSON body; `data` NULL where none is sent.
  struct counterfoil_bytes body;
} counterfoil_answer;

// Who presents a token.
typedef struct counterfoil_presenter {
  // One of `COUNTERFOIL_PRESENTER_…`.
  uint32_t kind;
  // `x5t#S256` of the certificate; not read otherwise.
  struct counterfoil_thumbprint thumbprint;
  // The accepted proof; not read otherwise.
  const counterfoil_proof *proof;
} counterfoil_presenter;

// The halves of a split token.
typedef struct counterfoil_halves {
  // What the gateway keeps: `header.payload`.
  struct counterfoil_bytes counterfoil;
  // What the client holds.
  struct counterfoil_bytes ticket;
} counterfoil_halves;

// One token of several.
typedef struct counterfoil_batch_item {
  // The compact token.
  struct counterfoil_bytes token;
  // Who presents it.
  struct counterfoil_presenter presenter;
  // Where the token goes when it is accepted.
  counterfoil_token *token_out;
  // What was found: 0 when it was accepted.
  counterfoil_code code;
} counterfoil_batch_item;

// `count` tokens to be judged together.
typedef struct counterfoil_batch {
  struct counterfoil_batch_item *items;
  size_t count;
} counterfoil_batch;

// What one client expects of one authorization server. Plain data, as a server's.
typedef struct counterfoil_response_rules {
  // The authorization server.
  struct counterfoil_bytes issuer;
  // This client.
  struct counterfoil_bytes client_id;
  // As a server's.
  uint32_t algorithms;
  // The authorization server's keys.
  const counterfoil_keys *keys;
  // Seconds that the server's clock may differ.
  uint64_t leeway;
  // The `state` that was sent; `data` NULL when none was.
  struct counterfoil_bytes state;
} counterfoil_response_rules;

// A response that was accepted: `code`, or `error` with what may come with it; absent ones have `data` NULL.
typedef struct counterfoil_response {
  // The authorization code (RFC 6749 section 4.1.2).
  struct counterfoil_bytes code;
  // The refusal (RFC 6749 section 4.1.2.1).
  struct counterfoil_bytes error;
  // For people.
  struct counterfoil_bytes error_description;
  // For people.
  struct counterfoil_bytes error_uri;
} counterfoil_response;

#if defined(COUNTERFOIL_GATEWAY)
// How a gateway reaches an https server; `data` NULL where something is not wanted.
typedef struct counterfoil_endpoint {
  // The URL.
  struct counterfoil_bytes url;
  // The certificates, in PEM, of the only authorities that are trusted; NULL: the system's.
  struct counterfoil_bytes authorities;
  // The gateway's own certificate, in PEM.
  struct counterfoil_bytes certificate;
  // Its private key, in PEM.
  struct counterfoil_bytes private_key;
} counterfoil_endpoint;
#endif

#if defined(COUNTERFOIL_GATEWAY)
// An issuer that a gateway trusts.
typedef struct counterfoil_gateway_issuer {
  // What is accepted of it. Of the server's issuers the first gives the name, and its keys are not read; neither are proofs, realm and
  // tables.
  const struct counterfoil_server *policy;
  // One of `COUNTERFOIL_KEYS_…`.
  uint32_t key_source;
  // The set or the path.
  struct counterfoil_bytes keys;
  // The URL.
  struct counterfoil_endpoint endpoint;
} counterfoil_gateway_issuer;
#endif

#if defined(COUNTERFOIL_GATEWAY)
// `count` issuers of a gateway.
typedef struct counterfoil_gateway_issuers {
  const struct counterfoil_gateway_issuer *items;
  size_t count;
} counterfoil_gateway_issuers;
#endif

#if defined(COUNTERFOIL_GATEWAY)
// What a gateway is made of: copied, so that nothing of it need stay. Fill it with `counterfoil_gateway_settings_init`.
typedef struct counterfoil_gateway_settings {
  // The issuers that are trusted: at least one.
  struct counterfoil_gateway_issuers issuers;
  // Named in every challenge; `data` NULL by default: none.
  struct counterfoil_bytes realm;
  // What DPoP proofs must be; their greatest size is 4096.
  struct counterfoil_proof_rules proofs;
  // How many used proofs are remembered; 262144 by default.
  size_t proof_count;
  // How many good tokens are remembered; 1024 by default.
  size_t token_count;
  // For how many keys of proofs there are tables; 256 by default.
  size_t proof_key_count;
  // How many milliseconds a request waits for a key that it lacks; 0 by default.
  uint64_t patience;
  // Where the first issuer is asked what a reference stands for (phantom tokens); `url.data` NULL by default: nowhere.
  struct counterfoil_endpoint introspection;
  // One of `COUNTERFOIL_INTROSPECTION_…`.
  uint32_t introspection_format;
  // The client identifier by which the gateway asks.
  struct counterfoil_bytes client_id;
  // Its secret; `data` NULL: it proves itself by its certificate.
  struct counterfoil_bytes client_secret;
  // Where counterfoils are looked up, below this URL; `url.data` NULL by default: nowhere.
  struct counterfoil_endpoint counterfoils;
  // How their keys are spelled, one of `COUNTERFOIL_ENCODING_…`.
  uint32_t counterfoil_encoding;
  // The bearer token by which the gateway asks; `data` NULL by default: none.
  struct counterfoil_bytes counterfoil_bearer;
  // Seconds for which a counterfoil that was found is not looked up again; 0 by default.
  uint64_t counterfoil_fresh;
} counterfoil_gateway_settings;
#endif

#ifdef __cplusplus
extern "C" {
#endif // __cplusplus

// The stable lower-case name of a code: `ok` for 0, `unknown` for a number that is no code. Never NULL.
const char *counterfoil_error_slug(uint16_t code);

// The HTTP status that a request refused with this code deserves; 200 for 0. An outage is 503 and the host's own mistake 500.
uint16_t counterfoil_error_http_status(uint16_t code);

// The `error` of the challenge (RFC 6750 section 3.1, RFC 9449 section 7.1, RFC 9470 section 3); NULL where there is none.
const char *counterfoil_error_oauth(uint16_t code);

// The version of the library that is running, as `0.1.0`.
const char *counterfoil_version(void);

#if defined(COUNTERFOIL_STD)
// Makes an empty set of at most `most` keys (`COUNTERFOIL_MAX_KEYS` at most), each for one of `algorithms`, with a table of at most
// `table_size` octets for each key, which makes its signatures cheaper to judge: 0 for none, 262144 where memory is no concern.
counterfoil_code counterfoil_keys_new(uint32_t algorithms,
                                      size_t most,
                                      size_t table_size,
                                      counterfoil_keys **keys_out);
#endif

#if defined(COUNTERFOIL_STD)
// Frees the keys, which nothing may use any more. NULL is fine.
void counterfoil_keys_free(counterfoil_keys *keys);
#endif

#if !defined(COUNTERFOIL_STD)
// How many octets an object takes for `counterfoil_keys_init`.
size_t counterfoil_keys_size(void);
#endif

#if !defined(COUNTERFOIL_STD)
// As `counterfoil_keys_new`, in `memory` of `counterfoil_keys_size` octets aligned to 8, with the keys' tables in `tables`, aligned
// to 8, which all keys share. Both belong to the keys from then on.
counterfoil_code counterfoil_keys_init(uint32_t algorithms,
                                       size_t most,
                                       struct counterfoil_buffer memory,
                                       struct counterfoil_buffer tables,
                                       counterfoil_keys **keys_out);
#endif

// Loads a JWK Set (RFC 7517 section 5) in place of what the keys held, all at once: a call that is judging a token goes on with the
// old ones. After an error the old keys stay.
counterfoil_code counterfoil_keys_load(const counterfoil_keys *keys,
                                       struct counterfoil_bytes jwks);

// How many keys can verify; 0 before the first load.
size_t counterfoil_keys_count(const counterfoil_keys *keys);

// The key of the set that was left out as the `number`th, from 0: its place in `keys` of the JWK Set, and the code of its fault.
//
// Returns `COUNTERFOIL_ERROR_KEY_UNKNOWN` when there are not so many.
counterfoil_code counterfoil_keys_refused(const counterfoil_keys *keys,
                                          size_t number,
                                          size_t *index_out,
                                          counterfoil_code *code_out);

// Fills rules with the defaults.
counterfoil_code counterfoil_proof_rules_init(struct counterfoil_proof_rules *rules_out);

// Judges a proof by itself, and remembers it in `replay` when all else is good. `scratch` as long as the proof always suffices.
counterfoil_code counterfoil_proof_accept(const struct counterfoil_proof_rules *rules,
                                          struct counterfoil_bytes proof,
                                          const struct counterfoil_proof_target *target,
                                          uint64_t now,
                                          const counterfoil_replay *replay,
                                          struct counterfoil_buffer scratch,
                                          counterfoil_proof *proof_out);

// The `jkt` of the key that made a proof.
counterfoil_code counterfoil_proof_thumbprint(const counterfoil_proof *proof,
                                              struct counterfoil_thumbprint *thumbprint_out);

// Makes a key from at least 32 octets of secret; a nonce is issued for `step` seconds and accepted for two steps more.
counterfoil_code counterfoil_nonce_key_init(struct counterfoil_bytes secret,
                                            uint64_t step,
                                            counterfoil_nonce_key *key_out);

// Writes the nonce to send now, 43 octets, to `buffer`.
counterfoil_code counterfoil_nonce_key_issue(const counterfoil_nonce_key *key,
                                             uint64_t now,
                                             struct counterfoil_buffer buffer,
                                             struct counterfoil_bytes *nonce_out);

// Judges a nonce by itself; that of a proof is judged with the proof.
counterfoil_code counterfoil_nonce_key_accept(const counterfoil_nonce_key *key,
                                              struct counterfoil_bytes nonce,
                                              uint64_t now);

// How many octets a table for so many proofs takes: 24 each. A table practically always has room below 80 % of its entries; size it
// as requests per second × (window back + window ahead) ÷ 0.8. What does not fit is refused with 503, never forgotten.
size_t counterfoil_replay_size(size_t entries);

// Lays out an empty table in `memory`, aligned to 8, by one process before any other opens it. `random` is 16 octets that nobody
// can guess. Memory that is already laid out must only be opened: what it remembers would be forgotten.
counterfoil_code counterfoil_replay_format(struct counterfoil_buffer memory,
                                           struct counterfoil_bytes random);

// Opens a table that was laid out in `memory`, which must stay where it is for this process; other processes may have it elsewhere.
//
// `lock` NULL: a lock in the memory itself, for threads of one process. Processes that share the memory must give one that is
// released when its holder dies, as nginx's `ngx_shmtx_t` or a robust mutex: whatever a dying process left half written, a proof
// that was accepted is refused the second time.
counterfoil_code counterfoil_replay_open(struct counterfoil_buffer memory,
                                         const struct counterfoil_lock *lock,
                                         counterfoil_replay *replay_out);

// How many octets a cache for so many tokens takes: somewhat more than twice `COUNTERFOIL_MAX_REMEMBERED` each.
size_t counterfoil_token_cache_size(size_t tokens);

// Lays out an empty cache in `memory`, as `counterfoil_replay_format` does a table.
counterfoil_code counterfoil_token_cache_format(struct counterfoil_buffer memory,
                                                struct counterfoil_bytes random);

// Opens a cache, as `counterfoil_replay_open` does a table. A process that dies while it remembers a token leaves an empty place.
counterfoil_code counterfoil_token_cache_open(struct counterfoil_buffer memory,
                                              const struct counterfoil_lock *lock,
                                              counterfoil_token_cache *cache_out);

// How many octets tables for so many keys take: about 13 KiB each.
size_t counterfoil_key_tables_size(size_t keys);

// Lays out empty tables in `memory`, as `counterfoil_replay_format` does.
counterfoil_code counterfoil_key_tables_format(struct counterfoil_buffer memory,
                                               struct counterfoil_bytes random);

// Opens tables, as `counterfoil_replay_open` does. A process that dies while it writes a table leaves none.
counterfoil_code counterfoil_key_tables_open(struct counterfoil_buffer memory,
                                             const struct counterfoil_lock *lock,
                                             counterfoil_key_tables *tables_out);

// Fills a server with the defaults; issuers and audiences are still missing.
counterfoil_code counterfoil_server_init(struct counterfoil_server *server_out);

// Judges a server itself, as every call with it does: for the moment when a configuration is read.
counterfoil_code counterfoil_server_judge(const struct counterfoil_server *server);

// Finds the one credential of a request: the first of two steps for hosts that look something up by it.
//
// Returns `COUNTERFOIL_ERROR_CREDENTIAL_MISSING` and its family; `counterfoil_request_answer` says what to send then.
counterfoil_code counterfoil_request_credential(const struct counterfoil_request *request,
                                                counterfoil_credential *credential_out);

// How a credential is presented, one of `COUNTERFOIL_SCHEME_…`: `COUNTERFOIL_SCHEME_NONE` for NULL or one that was zeroed.
uint32_t counterfoil_credential_scheme(const counterfoil_credential *credential);

// The text that the client presents, to look it up by: a secret that belongs into no log.
counterfoil_code counterfoil_credential_text(const counterfoil_credential *credential,
                                             struct counterfoil_bytes *text_out);

// Judges a request: the second step. `lookup` NULL: the credential is the token itself.
//
// For Bearer the token, bound to the certificate; for DPoP the token and the one proof, which is judged for the text that the
// client presents, and remembered last, when all else is good. `scratch` of 32 KiB always suffices for tokens and proofs within the
// default limits, and for a certificate in a header of up to 16 KiB. `token_out` refers to `scratch`.
counterfoil_code counterfoil_request_judge(const struct counterfoil_server *server,
                                           const struct counterfoil_request *request,
                                           const counterfoil_credential *credential,
                                           const struct counterfoil_lookup *lookup,
                                           struct counterfoil_buffer scratch,
                                           counterfoil_token *token_out);

// Writes what to answer to a request that was refused with `code`, or that the host refuses itself, as with
// `COUNTERFOIL_ERROR_LOOKUP_UNAVAILABLE` (503) or `COUNTERFOIL_ERROR_TICKET_UNKNOWN` (401). `credential` is the request's, NULL or
// zeroed where it has none. `buffer` of 1024 octets suffices unless realm, scopes and `acr` values are long.
//
// The answer tells the client no more than RFC 6750 and RFC 9449 say; which check failed is in `code`, for the log.
counterfoil_code counterfoil_request_answer(const struct counterfoil_server *server,
                                            counterfoil_code code,
                                            const counterfoil_credential *credential,
                                            uint64_t now,
                                            struct counterfoil_buffer buffer,
                                            struct counterfoil_answer *answer_out);

// Writes the value of `DPoP-Nonce`, 43 octets, to be sent with every answer where nonces are demanded (RFC 9449 section 8.2).
//
// Returns `COUNTERFOIL_ERROR_UNFILLED` where the server demands none.
counterfoil_code counterfoil_request_nonce(const struct counterfoil_server *server,
                                           uint64_t now,
                                           struct counterfoil_buffer buffer,
                                           struct counterfoil_bytes *nonce_out);

// Judges a compact token and who presents it. `scratch` of 16 KiB always suffices within the default limits; `token_out` refers to it.
counterfoil_code counterfoil_server_accept(const struct counterfoil_server *server,
                                           struct counterfoil_bytes token,
                                           const struct counterfoil_presenter *presenter,
                                           uint64_t now,
                                           struct counterfoil_buffer scratch,
                                           counterfoil_token *token_out);

// Judges a split token, whose halves are never joined. A DPoP proof must have been made for the ticket.
counterfoil_code counterfoil_server_accept_split(const struct counterfoil_server *server,
                                                 const struct counterfoil_halves *halves,
                                                 const struct counterfoil_presenter *presenter,
                                                 uint64_t now,
                                                 struct counterfoil_buffer scratch,
                                                 counterfoil_token *token_out);

// Judges up to `COUNTERFOIL_BATCH` tokens, each for itself, with their signatures together: cheaper than one by one, with the same
// verdicts, which are in `code` of each item. `scratch` is shared: 16 KiB for each token always suffice. Returns a code of its own only
// where nothing was judged.
counterfoil_code counterfoil_server_accept_batch(const struct counterfoil_server *server,
                                                 struct counterfoil_batch batch,
                                                 uint64_t now,
                                                 struct counterfoil_buffer scratch);

// The payload's JSON text, as it was signed.
counterfoil_code counterfoil_token_payload(const counterfoil_token *token,
                                           struct counterfoil_bytes *json_out);

// The JSON text of the claim called `name`, a string with its quotes: `counterfoil_value_text` resolves it.
//
// Returns `COUNTERFOIL_ERROR_CLAIM_MISSING` when there is no such claim.
counterfoil_code counterfoil_token_claim(const counterfoil_token *token,
                                         struct counterfoil_bytes name,
                                         struct counterfoil_bytes *json_out);

// The `number`th claim, from 0, in the token's order: its name, for which `buffer` serves where the name has escapes, and its JSON.
//
// Returns `COUNTERFOIL_ERROR_CLAIM_MISSING` when there are not so many.
counterfoil_code counterfoil_token_claim_at(const counterfoil_token *token,
                                            size_t number,
                                            struct counterfoil_buffer buffer,
                                            struct counterfoil_bytes *name_out,
                                            struct counterfoil_bytes *json_out);

// The text of `iss`. As the functions below: `buffer` serves where the text has escapes, and a claim that the token does not have is
// `COUNTERFOIL_ERROR_CLAIM_MISSING`.
counterfoil_code counterfoil_token_issuer(const counterfoil_token *token,
                                          struct counterfoil_buffer buffer,
                                          struct counterfoil_bytes *text_out);

// The text of `sub`.
counterfoil_code counterfoil_token_subject(const counterfoil_token *token,
                                           struct counterfoil_buffer buffer,
                                           struct counterfoil_bytes *text_out);

// The text of `client_id` (RFC 8693 section 4.3).
counterfoil_code counterfoil_token_client_id(const counterfoil_token *token,
                                             struct counterfoil_buffer buffer,
                                             struct counterfoil_bytes *text_out);

// The text of `jti`.
counterfoil_code counterfoil_token_jwt_id(const counterfoil_token *token,
                                          struct counterfoil_buffer buffer,
                                          struct counterfoil_bytes *text_out);

// The text of `scope`: words separated by spaces.
counterfoil_code counterfoil_token_scope(const counterfoil_token *token,
                                         struct counterfoil_buffer buffer,
                                         struct counterfoil_bytes *text_out);

// The text of `acr` (RFC 9470 section 5).
counterfoil_code counterfoil_token_acr(const counterfoil_token *token,
                                       struct counterfoil_buffer buffer,
                                       struct counterfoil_bytes *text_out);

// The text of the `number`th audience of `aud`, from 0.
counterfoil_code counterfoil_token_audience(const counterfoil_token *token,
                                            size_t number,
                                            struct counterfoil_buffer buffer,
                                            struct counterfoil_bytes *text_out);

// 0 when `scope` has this word, else `COUNTERFOIL_ERROR_SCOPE_INSUFFICIENT`.
counterfoil_code counterfoil_token_has_scope(const counterfoil_token *token, struct counterfoil_bytes scope);

// `exp` in whole seconds since 1970, rounded down. As the functions below: a claim that the token does not have is
// `COUNTERFOIL_ERROR_CLAIM_MISSING`.
counterfoil_code counterfoil_token_expires_at(const counterfoil_token *token,
                                              uint64_t *seconds_out);

// `iat`.
counterfoil_code counterfoil_token_issued_at(const counterfoil_token *token, uint64_t *seconds_out);

// `nbf`.
counterfoil_code counterfoil_token_not_before(const counterfoil_token *token, uint64_t *seconds_out);

// `auth_time` (RFC 9470 section 5).
counterfoil_code counterfoil_token_auth_time(const counterfoil_token *token, uint64_t *seconds_out);

// What the token is bound to: one of `COUNTERFOIL_CONFIRMATION_…`, and the hash of the certificate or key; zeros for none.
counterfoil_code counterfoil_token_confirmation(const counterfoil_token *token,
                                                uint32_t *kind_out,
                                                struct counterfoil_thumbprint *thumbprint_out);

// The text of a JSON string such as `counterfoil_token_claim` gives, escapes resolved: where it stands if it has none, else in
// `buffer`, for which the string's own size always suffices. Text may hold any character, NUL too.
//
// Returns `COUNTERFOIL_ERROR_CLAIM_MALFORMED` for a value that is no string, and judges the JSON strictly.
counterfoil_code counterfoil_value_text(struct counterfoil_bytes json,
                                        struct counterfoil_buffer buffer,
                                        struct counterfoil_bytes *text_out);

// Judges whether a text is one JSON value, strictly: RFC 8259 in UTF-8, no repeated member, no lone surrogate, at most 32 levels.
counterfoil_code counterfoil_value_judge(struct counterfoil_bytes json);

// Writes the key under which the counterfoil of a ticket is stored, in one of `COUNTERFOIL_ENCODING_…`, to `buffer`. The ticket is
// what the client presents; anything but one whole signature segment is `COUNTERFOIL_ERROR_TICKET_MALFORMED`.
counterfoil_code counterfoil_ticket_key(struct counterfoil_bytes ticket,
                                        uint32_t encoding,
                                        struct counterfoil_buffer buffer,
                                        struct counterfoil_bytes *key_out);

// Reads a key that a store returned: exactly 32 octets in one of `COUNTERFOIL_ENCODING_…`, or `COUNTERFOIL_ERROR_TICKET_HASH_MALFORMED`.
counterfoil_code counterfoil_ticket_key_read(struct counterfoil_bytes key,
                                             uint32_t encoding,
                                             struct counterfoil_thumbprint *hash_out);

// Splits a compact token of at most 16 KiB; both outputs refer to `token`.
counterfoil_code counterfoil_token_split(struct counterfoil_bytes token,
                                         struct counterfoil_bytes *counterfoil_out,
                                         struct counterfoil_bytes *ticket_out);

// Joins the halves to the compact token that an API behind the gateway expects, in `buffer` of at least both and one octet. Verifies
// nothing: join what was judged.
counterfoil_code counterfoil_token_join(struct counterfoil_bytes counterfoil,
                                        struct counterfoil_bytes ticket,
                                        struct counterfoil_buffer buffer,
                                        struct counterfoil_bytes *token_out);

// Judges the parameters of a redirect (what stood behind `?` or `#`, or a form body): the one `response`, and nothing plain beside it.
// `scratch` of 32 KiB always suffices; the response refers to it.
counterfoil_code counterfoil_response_accept_query(const struct counterfoil_response_rules *rules,
                                                   struct counterfoil_bytes query,
                                                   uint64_t now,
                                                   struct counterfoil_buffer scratch,
                                                   struct counterfoil_response *response_out);

// Judges a response JWT by itself.
counterfoil_code counterfoil_response_accept(const struct counterfoil_response_rules *rules,
                                             struct counterfoil_bytes response,
                                             uint64_t now,
                                             struct counterfoil_buffer scratch,
                                             struct counterfoil_response *response_out);

// Judges a signed introspection answer (RFC 9701), made for this server within the last 5 minutes, and finds the claims object of the
// token that was asked about, which `COUNTERFOIL_FORM_INTROSPECTED` then judges. `client_id` of the rules is the identifier under which
// the server asked; their `state` is not read. `scratch` of 16 KiB always suffices.
counterfoil_code counterfoil_introspection_accept(const struct counterfoil_response_rules *rules,
                                                  struct counterfoil_bytes answer,
                                                  uint64_t now,
                                                  struct counterfoil_buffer scratch,
                                                  struct counterfoil_bytes *json_out);

// `jkt` of a JWK that is a key for one of `algorithms` (RFC 7638).
counterfoil_code counterfoil_thumbprint_of_jwk(struct counterfoil_bytes jwk,
                                               uint32_t algorithms,
                                               struct counterfoil_thumbprint *thumbprint_out);

// `x5t#S256` of a leaf certificate in one of the forms `COUNTERFOIL_CERTIFICATE_…` (RFC 8705 section 3.1). `scratch` is about twice as
// long as the text of any form but DER, which needs none.
counterfoil_code counterfoil_thumbprint_of_certificate(uint32_t form,
                                                       struct counterfoil_bytes certificate,
                                                       struct counterfoil_buffer scratch,
                                                       struct counterfoil_thumbprint *thumbprint_out);

// Writes the 43 characters of base64url that `jkt` and `x5t#S256` hold to `buffer`.
counterfoil_code counterfoil_thumbprint_write(const struct counterfoil_thumbprint *thumbprint,
                                              struct counterfoil_buffer buffer,
                                              struct counterfoil_bytes *text_out);

// Reads such a text: anything but strict base64url of 32 octets is `COUNTERFOIL_ERROR_BASE64URL_MALFORMED`.
counterfoil_code counterfoil_thumbprint_read(struct counterfoil_bytes text,
                                             struct counterfoil_thumbprint *thumbprint_out);

// Judges a signature by itself: by a JWK, over `message`, by the one algorithm of `algorithm`. It says nothing about whom a message
// is for; tokens, proofs and responses have their own functions.
counterfoil_code counterfoil_signature_verify(struct counterfoil_bytes jwk,
                                              uint32_t algorithm,
                                              struct counterfoil_bytes message,
                                              struct counterfoil_bytes signature);

// Decodes base64url without padding, strictly, to the start of `buffer`.
counterfoil_code counterfoil_base64url_decode(struct counterfoil_bytes text,
                                              struct counterfoil_buffer buffer,
                                              struct counterfoil_bytes *octets_out);

#if defined(COUNTERFOIL_GATEWAY)
// Fills settings with the defaults; issuers are still missing.
counterfoil_code counterfoil_gateway_settings_init(struct counterfoil_gateway_settings *settings_out);
#endif

#if defined(COUNTERFOIL_GATEWAY)
// Makes a gateway. A key set in a text or a file is loaded before this returns; URLs are asked in the background.
counterfoil_code counterfoil_gateway_new(const struct counterfoil_gateway_settings *settings,
                                         counterfoil_gateway **gateway_out);
#endif

#if defined(COUNTERFOIL_GATEWAY)
// Makes a gateway from a JSON text with the members of `Settings` in counterfoil-gateway's documentation, which know more than
// `counterfoil_gateway_settings`: several audiences, other profiles, and Valkey or Redis for used proofs and counterfoils.
//
// Returns `COUNTERFOIL_ERROR_SETTINGS_MALFORMED` for a member that is missing, unknown, of another type, or contradicts another.
counterfoil_code counterfoil_gateway_from_json(struct counterfoil_bytes settings,
                                               counterfoil_gateway **gateway_out);
#endif

#if defined(COUNTERFOIL_GATEWAY)
// Frees a gateway, which nothing may use any more. NULL is fine.
void counterfoil_gateway_free(counterfoil_gateway *gateway);
#endif

#if defined(COUNTERFOIL_GATEWAY)
// Makes a room.
counterfoil_code counterfoil_room_new(counterfoil_room **room_out);
#endif

#if defined(COUNTERFOIL_GATEWAY)
// Frees a room, to which no token may refer any more. NULL is fine.
void counterfoil_room_free(counterfoil_room *room);
#endif

#if defined(COUNTERFOIL_GATEWAY)
// Judges one request. Where split or phantom tokens are configured, this may wait for a lookup.
//
// Writes `token_out` when the request is accepted and `answer_out` when it is refused; both refer to `room`. A code below 100 says that
// the call was wrong, and nothing is written.
counterfoil_code counterfoil_gateway_judge(const counterfoil_gateway *gateway,
                                           const struct counterfoil_request *request,
                                           counterfoil_room *room,
                                           counterfoil_token *token_out,
                                           struct counterfoil_answer *answer_out);
#endif

#if defined(COUNTERFOIL_GATEWAY)
// Writes the value of `DPoP-Nonce`, to be sent with every answer where nonces are demanded, to `room`.
//
// Returns `COUNTERFOIL_ERROR_UNFILLED` where the gateway demands none.
counterfoil_code counterfoil_gateway_nonce(const counterfoil_gateway *gateway,
                                           uint64_t now,
                                           counterfoil_room *room,
                                           struct counterfoil_bytes *nonce_out);
#endif

#if defined(COUNTERFOIL_GATEWAY)
// Puts another key set in the place of an issuer's current one, for all threads at once; after an error the current one stays.
counterfoil_code counterfoil_gateway_replace_keys(const counterfoil_gateway *gateway,
                                                  struct counterfoil_bytes issuer,
                                                  struct counterfoil_bytes jwks);
#endif

#if defined(COUNTERFOIL_GATEWAY)
// Waits until every issuer has keys, at most so many milliseconds, or returns `COUNTERFOIL_ERROR_LOOKUP_UNAVAILABLE`.
counterfoil_code counterfoil_gateway_wait(const counterfoil_gateway *gateway,
                                          uint64_t milliseconds);
#endif

#if defined(COUNTERFOIL_GATEWAY)
// Refuses the split or phantom token that has this SHA-256 from now on, in this process, until `until`.
counterfoil_code counterfoil_gateway_revoke(const counterfoil_gateway *gateway,
                                            const struct counterfoil_thumbprint *hash,
                                            uint64_t until);
#endif

#if defined(COUNTERFOIL_GATEWAY)
// How many requests had this code since the gateway was made; 0 for those that were accepted.
counterfoil_code counterfoil_gateway_count(const counterfoil_gateway *gateway,
                                           counterfoil_code code,
                                           uint64_t *count_out);
#endif

#ifdef __cplusplus
}  // extern "C"
#endif  // __cplusplus

#endif  /* COUNTERFOIL_H */
