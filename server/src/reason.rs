//! Why requests are refused: each reason with its OAuth error code, what the client is told, and what demands the refusal. `docs/errors.md` is made
//! of this table. What only the log is told is added where the reason is given ([`crate::error::Refusal::because`]).

use core::fmt::{Display, Formatter};

use crate::error::{Code, Refusal};

/// A reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Reason {
    /// What it is called here; in the log in lower case.
    name: &'static str,
    pub(crate) code: Code,
    /// What the client is told: nothing that anybody sent is in it.
    pub(crate) text: &'static str,
    /// Where it is demanded.
    pub(crate) clause: &'static str,
}

impl Reason {
    /// A refusal for this reason.
    pub(crate) const fn refusal(self) -> Refusal {
        Refusal::of(self)
    }
}

/// For the log.
impl Display for Reason {
    fn fmt(&self, f: &mut Formatter<'_>) -> core::fmt::Result {
        f.write_str(&self.name.to_ascii_lowercase())
    }
}

macro_rules! reasons {
    ($($name:ident = $code:ident, $text:literal, $clause:literal;)*) => {
        $(pub(crate) const $name: Reason =
            Reason { name: stringify!($name), code: Code::$code, text: $text, clause: $clause };)*

        /// All of them.
        #[cfg(test)]
        const ALL: &[Reason] = &[$($name),*];
    };
}

reasons! {
    // Any request.
    FORM_EXPECTED = InvalidRequest, "the body must be application/x-www-form-urlencoded", "RFC 6749 appendix B";
    FORM_NOT_UTF8 = InvalidRequest, "the body is not UTF-8", "RFC 6749 appendix B";
    PARAMETER_TWICE = InvalidRequest, "a parameter comes twice", "RFC 6749 section 3.2";
    PARAMETERS_TOO_MANY = InvalidRequest, "there are too many parameters", "Counterfoil's own limit";
    PARAMETER_MALFORMED = InvalidRequest, "a parameter is not percent-encoded UTF-8", "RFC 6749 appendix B";
    REQUESTS_TOO_MANY = TemporarilyUnavailable, "too many requests", "RFC 6585 section 4";
    STORE_UNAVAILABLE = TemporarilyUnavailable, "try again later", "RFC 6749 section 4.1.2.1";
    CLIENT_KEYS_UNAVAILABLE = TemporarilyUnavailable, "the client's keys cannot be had", "RFC 6749 section 4.1.2.1";
    FAULT = ServerError, "the server has a fault", "RFC 6749 section 4.1.2.1";
    CLIENT_NOT_AUTHENTICATED = InvalidClient, "client authentication failed", "RFC 6749 section 5.2; one text for every cause";
    CERTIFICATE_MALFORMED = InvalidRequest, "the certificate is malformed", "RFC 8705 section 3.1";

    // What tokens are bound to.
    PROOF_MISSING = InvalidDpopProof, "a DPoP proof is missing", "RFC 9449 section 5; FAPI 2.0 section 5.3.2.1, number 4";
    PROOF_TWICE = InvalidDpopProof, "there is more than one DPoP header", "RFC 9449 section 4.3, number 1";
    PROOF_INVALID = InvalidDpopProof, "the DPoP proof is not valid", "RFC 9449 section 4.3";
    PROOF_REPLAYED = InvalidDpopProof, "the DPoP proof was used before", "RFC 9449 section 11.1";
    PROOF_WITHOUT_NONCE = UseDpopNonce, "the DPoP proof must carry the nonce of DPoP-Nonce", "RFC 9449 section 8";
    CERTIFICATE_MISSING = InvalidRequest, "a client certificate is missing", "RFC 8705 section 3; FAPI 2.0 section 5.3.2.1, number 4";

    // Authorization requests.
    CODES_NOT_FOR_CLIENT = UnauthorizedClient, "the client may not ask for codes", "RFC 6749 section 4.1.2.1";
    RESPONSE_TYPE_MISSING = InvalidRequest, "response_type is missing", "RFC 6749 section 3.1.1";
    RESPONSE_TYPE_UNSUPPORTED = UnsupportedResponseType, "response_type is not one of this client's", "RFC 6749 section 3.1.1; FAPI 2.0 section 5.3.2.2, number 1";
    RESPONSE_MODE_UNSUPPORTED = InvalidRequest, "response_mode is unknown, or not one of this client's profile", "JARM section 2.3; FAPI 2.0 Message Signing section 5.4.1";
    ID_TOKEN_WITHOUT_OPENID = InvalidScope, "an ID token needs openid", "OpenID Connect Core section 3.3.2.1";
    ID_TOKEN_WITHOUT_NONCE = InvalidRequest, "nonce is missing", "OpenID Connect Core section 3.3.2.11; FAPI 1.0 Part 1 section 5.2.2.2";
    REDIRECT_URI_MISSING = InvalidRequest, "redirect_uri is missing", "FAPI 2.0 section 5.3.2.2, number 6";
    REDIRECT_URI_NOT_REGISTERED = InvalidRequest, "redirect_uri is not registered for this client", "RFC 9700 section 2.1";
    STATE_TOO_LONG = InvalidRequest, "state is too long", "Counterfoil's own limit";
    NONCE_TOO_LONG = InvalidRequest, "nonce is too long", "Counterfoil's own limit; FAPI 2.0 section 5.3.2.2, number 14";
    CHALLENGE_MISSING = InvalidRequest, "code_challenge is missing", "RFC 7636 section 4.4.1; FAPI 2.0 section 5.3.2.2, number 5";
    CHALLENGE_NOT_S256 = InvalidRequest, "code_challenge_method must be S256", "FAPI 2.0 section 5.3.2.2, number 5";
    CHALLENGE_MALFORMED = InvalidRequest, "code_challenge must be 43 characters of base64url", "RFC 7636 section 4.2";
    JKT_MALFORMED = InvalidRequest, "dpop_jkt must be 43 characters of base64url", "RFC 9449 section 10";
    JKT_NOT_OF_PROOF = InvalidRequest, "dpop_jkt is not the key of the DPoP proof", "RFC 9449 section 10.1";
    STATE_MISSING = InvalidRequest, "state is missing", "FAPI 1.0 Part 1 section 5.2.2.3";
    SCOPE_MISSING = InvalidRequest, "scope is missing", "OpenID Connect Core section 3.1.2.1";
    SCOPE_NOT_FOR_CLIENT = InvalidScope, "a scope is unknown or not for this client", "RFC 6749 section 3.3";
    RESOURCE_NOT_FOR_CLIENT = InvalidTarget, "a resource is unknown or not for this client", "RFC 8707 section 2";
    DETAILS_NOT_JSON = InvalidAuthorizationDetails, "authorization_details is not JSON", "RFC 9396 section 5";
    DETAILS_NO_ARRAY = InvalidAuthorizationDetails, "authorization_details must be an array", "RFC 9396 section 2";
    DETAILS_WITHOUT_TYPE = InvalidAuthorizationDetails, "each of authorization_details must be an object with a type", "RFC 9396 section 2";
    DETAILS_TYPE_NOT_FOR_CLIENT = InvalidAuthorizationDetails, "a type of authorization_details is unknown or not for this client", "RFC 9396 section 5";
    DETAILS_LACK_MEMBER = InvalidAuthorizationDetails, "an element of authorization_details lacks a member", "RFC 9396 section 5";
    DETAILS_UNKNOWN_MEMBER = InvalidAuthorizationDetails, "an element of authorization_details has an unknown member", "RFC 9396 section 5";
    CLAIMS_MALFORMED = InvalidRequest, "claims must be a JSON object", "OpenID Connect Core section 5.5";
    MAX_AGE_MALFORMED = InvalidRequest, "max_age must be a number of seconds", "OpenID Connect Core section 3.1.2.1";
    PROMPT_MALFORMED = InvalidRequest, "prompt must be login, consent, select_account, or none alone", "OpenID Connect Core section 3.1.2.1";
    GRANT_ID_WITHOUT_ACTION = InvalidRequest, "grant_id is of no use without grant_management_action", "Grant Management for OAuth 2.0, section 5.1";
    GRANT_ACTION_UNKNOWN = InvalidRequest, "grant_management_action must be create, merge or replace", "Grant Management for OAuth 2.0, section 5.1";
    GRANT_ID_MISPLACED = InvalidRequest, "grant_id belongs to merge and replace, and to nothing else", "Grant Management for OAuth 2.0, section 5.1";
    GRANT_ID_NOT_OF_CLIENT = InvalidGrantId, "there is no such grant of this client", "Grant Management for OAuth 2.0, section 6";
    GRANT_ID_NOT_OF_PERSON = InvalidGrantId, "the grant is not this person's", "Grant Management for OAuth 2.0, section 6";
    REQUEST_URI_AT_PAR = InvalidRequest, "request_uri is not taken here", "RFC 9126 section 2.1";
    REQUEST_NOT_SIGNED = InvalidRequest, "this client must send a signed request object", "RFC 9101 section 10.5; FAPI 2.0 Message Signing section 5.3.1, number 1";
    REQUEST_OBJECT_INVALID = InvalidRequestObject, "the signed request is not valid", "RFC 9101 section 6; FAPI 2.0 Message Signing section 5.3.1";
    REQUEST_NOT_PUSHED = InvalidRequest, "the request was not pushed", "FAPI 2.0 section 5.3.2.2, number 3";
    REQUEST_UNKNOWN = InvalidRequestUri, "the request is unknown, expired or answered", "RFC 9126 section 4";
    CLIENT_ID_MISSING = InvalidRequest, "client_id is missing", "RFC 9126 section 4";
    CLIENT_UNKNOWN = InvalidRequest, "the client is unknown", "RFC 6749 section 3.1.2.4";

    // People at pages.
    CANCELLED = AccessDenied, "the person has cancelled", "RFC 6749 section 4.1.2.1";
    PERSON_LOCKED = AccessDenied, "the person cannot sign in", "RFC 6749 section 4.1.2.1";
    NOT_SIGNED_IN = LoginRequired, "nobody is signed in, and nobody may be asked", "OpenID Connect Core section 3.1.2.6";
    SIGN_IN_TOO_OLD = LoginRequired, "the person has not signed in as lately as was demanded", "OpenID Connect Core section 3.1.3.7, number 13";
    NO_CONSENT = ConsentRequired, "nobody has consented, and nobody may be asked", "OpenID Connect Core section 3.1.2.6";
    INTERACTION_NEEDED = InteractionRequired, "the other provider must ask the person, and may not", "OpenID Connect Core section 3.1.2.6";
    AUTHENTICATION_NOT_MET = UnmetAuthenticationRequirements, "the person did not, or cannot, sign in as was demanded", "OpenID Connect Core Error Code unmet_authentication_requirements 1.0, section 2; RFC 9470 section 5";
    PROVIDER_UNAVAILABLE = TemporarilyUnavailable, "signing in does not work at the moment", "RFC 6749 section 4.1.2.1";
    NO_COOKIE = InvalidRequest, "the browser sent no cookie", "Counterfoil's pages";
    NOBODY_HERE = InvalidRequest, "nobody is signed in", "Counterfoil's pages";
    FORM_NOT_FILLED = InvalidRequest, "the form was not filled in", "Counterfoil's pages";
    SIGN_IN_ELSEWHERE = InvalidRequest, "people sign in elsewhere", "Counterfoil's pages";
    SIGN_IN_HERE = InvalidRequest, "people sign in here", "Counterfoil's pages";
    SIGN_IN_NOT_COMPLETED = InvalidRequest, "the sign-in was not completed", "Counterfoil's pages";
    CANNOT_SIGN_IN = InvalidRequest, "this person cannot sign in", "Counterfoil's pages";
    NOBODY_ASKED = InvalidRequest, "nobody is asked here", "Counterfoil's pages";

    // Asking people on another device.
    CIBA_NOT_FOR_CLIENT = UnauthorizedClient, "the client may not ask people on other devices", "CIBA Core section 13";
    BACKCHANNEL_NOT_SIGNED = InvalidRequest, "this client must send a signed request", "CIBA Core section 7.1.1; FAPI CIBA section 5.2.2, number 6";
    BACKCHANNEL_OBJECT_INVALID = InvalidRequest, "the signed authentication request is not valid", "CIBA Core section 7.1.1; FAPI CIBA section 5.2.2, numbers 6 and 9";
    BACKCHANNEL_OBJECT_REPLAYED = InvalidRequest, "the signed request was used before", "CIBA Core section 7.1.1, jti";
    BACKCHANNEL_BESIDE_OBJECT = InvalidRequest, "every parameter must be in the signed request", "CIBA Core section 7.1.1";
    OPENID_MISSING = InvalidScope, "openid must be among the scopes", "CIBA Core section 7.1";
    HINT_TOO_LONG = InvalidRequest, "the hint is too long", "Counterfoil's own limit";
    HINTS_NOT_ONE = InvalidRequest, "there must be one of login_hint, id_token_hint and login_hint_token", "CIBA Core section 7.1";
    PERSON_ASKED_TOO_MUCH = TemporarilyUnavailable, "too many requests of this client wait for this person", "Counterfoil's own limit";
    PERSON_UNKNOWN = UnknownUserId, "nobody is known by this hint", "CIBA Core section 13";
    PERSON_NOT_TO_BE_ASKED = AccessDenied, "this person cannot be asked", "CIBA Core section 13";
    ID_TOKEN_HINT_INVALID = InvalidRequest, "id_token_hint is not valid", "CIBA Core section 7.1";
    HINT_TOKEN_INVALID = InvalidRequest, "login_hint_token is not valid", "CIBA Core section 7.1";
    HINT_TOKEN_EXPIRED = ExpiredLoginHintToken, "login_hint_token has expired", "CIBA Core section 13";
    USER_CODE_MISSING = MissingUserCode, "this person demands a user_code", "CIBA Core section 13";
    USER_CODE_WRONG = InvalidUserCode, "user_code is not this person's", "CIBA Core section 13";
    EXPIRY_MALFORMED = InvalidRequest, "requested_expiry must be a positive number of seconds", "CIBA Core section 7.1";
    NOTIFICATION_TOKEN_MISSING = InvalidRequest, "client_notification_token is missing", "CIBA Core section 7.1";
    NOTIFICATION_TOKEN_MALFORMED = InvalidRequest, "client_notification_token must be 22 to 1024 characters of a bearer token", "CIBA Core section 7.1";
    BINDING_MESSAGE_MALFORMED = InvalidBindingMessage, "binding_message must be one line of 64 characters at most", "CIBA Core section 13";
    AUTH_REQ_ID_MISSING = InvalidRequest, "auth_req_id is missing", "CIBA Core section 10.1";
    PERSON_PENDING = AuthorizationPending, "the person has not answered yet", "CIBA Core section 11";
    POLLS_TOO_OFTEN = SlowDown, "polls must be five seconds further apart from now on", "CIBA Core section 11";
    PERSON_REFUSED = AccessDenied, "the person has refused", "CIBA Core section 11";
    AUTH_REQ_ID_EXPIRED = ExpiredToken, "auth_req_id has expired", "CIBA Core section 11";
    ANSWERS_NOT_FOR_CLIENT = UnauthorizedClient, "the client may not answer for people", "Counterfoil's interface for a bank's own app";
    SUBJECT_MISSING = InvalidRequest, "subject is missing", "Counterfoil's interface for a bank's own app";
    ID_MISSING = InvalidRequest, "id is missing", "Counterfoil's interface for a bank's own app";
    ID_MALFORMED = InvalidRequest, "id is none", "Counterfoil's interface for a bank's own app";
    AUTH_TIME_MALFORMED = InvalidRequest, "auth_time must be a time that has passed, in seconds since 1970", "Counterfoil's interface for a bank's own app";
    DECISION_UNKNOWN = InvalidRequest, "decision must be approve or deny", "Counterfoil's interface for a bank's own app";
    NOT_WAITING_FOR_PERSON = InvalidRequest, "this request does not wait for this person", "Counterfoil's interface for a bank's own app";
    ACTION_UNKNOWN = InvalidRequest, "action must be allow or deny", "Counterfoil's interface for tests";
    NOT_WAITING = InvalidRequest, "this request does not wait", "Counterfoil's interface for tests";

    // Tokens.
    GRANT_TYPE_MISSING = InvalidRequest, "grant_type is missing", "RFC 6749 section 4.1.3";
    GRANT_TYPE_UNSUPPORTED = UnsupportedGrantType, "this grant_type is not supported", "RFC 6749 section 5.2";
    GRANT_TYPE_NOT_FOR_CLIENT = UnauthorizedClient, "the client may not use this grant_type", "RFC 6749 section 5.2";
    GRANT_INVALID = InvalidGrant, "the grant is not valid", "RFC 6749 section 5.2; one text for every cause";
    CODE_MISSING = InvalidRequest, "code is missing", "RFC 6749 section 4.1.3";
    REFRESH_TOKEN_MISSING = InvalidRequest, "refresh_token is missing", "RFC 6749 section 6";
    RESOURCE_NOT_GRANTED = InvalidTarget, "a resource was not granted", "RFC 8707 section 2.2";
    SCOPE_NOT_GRANTED = InvalidScope, "a scope was not granted", "RFC 6749 section 6";
    OPENID_WITHOUT_PERSON = InvalidScope, "openid is about a person, and there is none", "RFC 6749 section 4.4";
    TOKEN_MISSING = InvalidRequest, "token is missing", "RFC 7662 section 2.1; RFC 7009 section 2.1";
    NO_RESOURCE_SERVER = UnauthorizedClient, "the client answers for no resource", "RFC 7662 section 2.1";
    CURSOR_MALFORMED = InvalidRequest, "since and wait must be numbers; wait at most 30", "Counterfoil's feed for gateways";
    PERSON_GONE = InvalidToken, "the person is not known any more", "OpenID Connect Core section 5.3.3";
    TOKEN_WITHOUT_PERSON = InvalidToken, "the token is about nobody", "OpenID Connect Core section 5.3.3";

    // Registration.
    REGISTRATION_TOKEN_INVALID = InvalidToken, "the token is not valid here", "RFC 7591 section 3; RFC 7592 section 2";
    METADATA_NOT_JSON = InvalidClientMetadata, "the body must be a JSON object", "RFC 7591 section 3.1";
    METADATA_MISTYPED = InvalidClientMetadata, "a member has another type", "RFC 7591 section 3.2.2";
    METADATA_INVALID = InvalidClientMetadata, "the metadata do not fit this server's profile", "RFC 7591 section 3.2.2";
    REDIRECT_URIS_INVALID = InvalidRedirectUri, "redirect_uris do not fit", "RFC 7591 section 3.2.2";
}

#[cfg(test)]
mod tests {
    use super::*;
    use core::fmt::Write as _;
    use std::path::Path;

    /// docs/errors.md, as this table has it.
    fn document() -> String {
        let mut text = "# Errors of counterfoil-server\n\n\
            Made of `server/src/reason.rs`; `COUNTERFOIL_WRITE=1 cargo test -p counterfoil-server --lib reason` writes it anew.\n\n\
            A client is told `error` and `error_description`: the first two columns after the reason. The log has a line for each refusal, with the \
            reason, the clause that demands it, and the cause in detail, which only the log is told: what was wrong with a signature, which of a \
            person's or a client's states was in the way. Nothing that anybody sent is in an answer, and no secret in the log. Browsers are shown a page \
            with the code, or are sent back to the client with it.\n\n\
            | reason in the log | error | HTTP status | error_description | demanded by |\n| --- | --- | --- | --- | --- |\n"
            .to_owned();
        for reason in ALL {
            let Reason { code, text: told, clause, .. } = reason;
            writeln!(text, "| `{reason}` | `{}` | {} | {told} | {clause} |", code.as_str(), code.status().as_u16()).unwrap();
        }
        text.push_str(
            "\nA status is another one in a few places: 404 where a request or a person is not there, 403 where somebody may not be asked or answered for, \
             415 for a body of another type, 429 for too many requests, 502 where another provider does not answer. Errors of access tokens at \
             `/resource` and `/userinfo` are the engine's: see the errors of `core/`.\n",
        );
        text
    }

    #[test]
    fn the_paper_about_errors_is_this_table() {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/errors.md");
        if std::env::var_os("COUNTERFOIL_WRITE").is_some() {
            std::fs::write(&file, document()).unwrap();
        }
        assert_eq!(std::fs::read_to_string(&file).unwrap_or_default(), document(), "docs/errors.md");
    }

    #[test]
    fn reasons_differ_and_can_be_sent() {
        for (number, reason) in ALL.iter().enumerate() {
            assert!(!reason.clause.is_empty(), "{}", reason.name);
            // RFC 6749 section 5.2.
            assert!(reason.text.bytes().all(|byte| matches!(byte, 0x20 | 0x21 | 0x23..=0x5b | 0x5d..=0x7e)), "{}", reason.text);
            assert!(
                ALL.iter().take(number).all(|other| other.text != reason.text || other.code != reason.code),
                "{} is there twice",
                reason.text
            );
        }
    }
}
