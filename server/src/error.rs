//! A refusal: what the client is told, and apart from it what the log is told.

use core::fmt::{Debug, Display, Formatter};

use hyper::StatusCode;

use crate::reason::{self, Reason};

macro_rules! codes {
    ($($(#[doc = $doc:literal])* $name:ident = $slug:literal, $status:ident;)*) => {
        /// An OAuth error code.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[non_exhaustive]
        pub enum Code { $($(#[doc = $doc])* $name,)* }

        impl Code {
            /// As it is sent.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $slug,)* }
            }

            /// The HTTP status it is sent with, where it is not in a redirect.
            #[must_use]
            pub const fn status(self) -> StatusCode {
                match self { $(Self::$name => StatusCode::$status,)* }
            }
        }
    };
}

codes! {
    /// RFC 6749 section 5.2.
    InvalidRequest = "invalid_request", BAD_REQUEST;
    /// RFC 6749 section 5.2.
    InvalidClient = "invalid_client", UNAUTHORIZED;
    /// RFC 6749 section 5.2.
    InvalidGrant = "invalid_grant", BAD_REQUEST;
    /// RFC 6749 section 5.2.
    UnauthorizedClient = "unauthorized_client", BAD_REQUEST;
    /// RFC 6749 section 5.2.
    UnsupportedGrantType = "unsupported_grant_type", BAD_REQUEST;
    /// RFC 6749 section 4.1.2.1.
    UnsupportedResponseType = "unsupported_response_type", BAD_REQUEST;
    /// RFC 6749 section 5.2.
    InvalidScope = "invalid_scope", BAD_REQUEST;
    /// RFC 6749 section 4.1.2.1.
    AccessDenied = "access_denied", BAD_REQUEST;
    /// RFC 6749 section 4.1.2.1.
    TemporarilyUnavailable = "temporarily_unavailable", SERVICE_UNAVAILABLE;
    /// RFC 6749 section 4.1.2.1.
    ServerError = "server_error", INTERNAL_SERVER_ERROR;
    /// RFC 8707 section 2.
    InvalidTarget = "invalid_target", BAD_REQUEST;
    /// RFC 9396 section 5.
    InvalidAuthorizationDetails = "invalid_authorization_details", BAD_REQUEST;
    /// RFC 9449 section 5.
    InvalidDpopProof = "invalid_dpop_proof", BAD_REQUEST;
    /// RFC 9449 section 8.
    UseDpopNonce = "use_dpop_nonce", BAD_REQUEST;
    /// RFC 9101 section 7.
    InvalidRequestUri = "invalid_request_uri", BAD_REQUEST;
    /// RFC 9101 section 7.
    InvalidRequestObject = "invalid_request_object", BAD_REQUEST;
    /// RFC 7009 section 2.2.1.
    UnsupportedTokenType = "unsupported_token_type", BAD_REQUEST;
    /// OpenID Connect Core section 3.1.2.6.
    LoginRequired = "login_required", BAD_REQUEST;
    /// OpenID Connect Core section 3.1.2.6.
    ConsentRequired = "consent_required", BAD_REQUEST;
    /// OpenID Connect Core section 3.1.2.6.
    InteractionRequired = "interaction_required", BAD_REQUEST;
    /// OpenID Connect Core Error Code unmet_authentication_requirements 1.0, section 2; RFC 9470 section 5.
    UnmetAuthenticationRequirements = "unmet_authentication_requirements", BAD_REQUEST;
    /// RFC 7591 section 3.2.2.
    InvalidRedirectUri = "invalid_redirect_uri", BAD_REQUEST;
    /// RFC 7591 section 3.2.2.
    InvalidClientMetadata = "invalid_client_metadata", BAD_REQUEST;
    /// Grant Management for OAuth 2.0, section 6.
    InvalidGrantId = "invalid_grant_id", BAD_REQUEST;
    /// CIBA Core section 11.
    AuthorizationPending = "authorization_pending", BAD_REQUEST;
    /// CIBA Core section 11.
    SlowDown = "slow_down", BAD_REQUEST;
    /// CIBA Core section 11.
    ExpiredToken = "expired_token", BAD_REQUEST;
    /// CIBA Core section 13.
    ExpiredLoginHintToken = "expired_login_hint_token", BAD_REQUEST;
    /// CIBA Core section 13.
    UnknownUserId = "unknown_user_id", BAD_REQUEST;
    /// CIBA Core section 13.
    MissingUserCode = "missing_user_code", BAD_REQUEST;
    /// CIBA Core section 13.
    InvalidUserCode = "invalid_user_code", BAD_REQUEST;
    /// CIBA Core section 13.
    InvalidBindingMessage = "invalid_binding_message", BAD_REQUEST;
    /// RFC 6750 section 3.1.
    InvalidToken = "invalid_token", UNAUTHORIZED;
    /// RFC 6750 section 3.1.
    InsufficientScope = "insufficient_scope", FORBIDDEN;
}

/// Why a request is not granted. `Display` is for the log; the client gets the code and the description, which are constants: nothing
/// that anybody sent is echoed.
#[derive(Clone, Debug)]
pub(crate) struct Refusal {
    pub(crate) reason: Reason,
    pub(crate) status: StatusCode,
    pub(crate) description: &'static str,
    cause: Option<String>,
    pub(crate) retry_after: Option<u32>,
}

impl Refusal {
    pub(crate) const fn of(reason: Reason) -> Self {
        Self { reason, status: reason.code.status(), description: reason.text, cause: None, retry_after: None }
    }

    pub(crate) const fn code(&self) -> Code {
        self.reason.code
    }

    /// What only the log is told. Must hold no secret.
    #[must_use]
    pub(crate) fn because(mut self, cause: impl Display) -> Self {
        self.cause = Some(cause.to_string());
        self
    }

    /// More exactly than the reason has it.
    #[must_use]
    pub(crate) const fn saying(mut self, description: &'static str) -> Self {
        self.description = description;
        self
    }

    #[must_use]
    pub(crate) const fn with_status(mut self, status: StatusCode) -> Self {
        self.status = status;
        self
    }
}

impl Display for Refusal {
    fn fmt(&self, f: &mut Formatter<'_>) -> core::fmt::Result {
        match &self.cause {
            Some(cause) => write!(f, "{}: {cause}", self.description),
            None => f.write_str(self.description),
        }
    }
}

impl core::error::Error for Refusal {}

/// One description for every cause: who guesses learns nothing (SRV-27).
pub(crate) fn invalid_client(cause: impl Display) -> Refusal {
    reason::CLIENT_NOT_AUTHENTICATED.refusal().because(cause)
}

/// One description for every cause, as for clients.
pub(crate) fn invalid_grant(cause: impl Display) -> Refusal {
    reason::GRANT_INVALID.refusal().because(cause)
}

impl From<crate::store::StoreError> for Refusal {
    fn from(error: crate::store::StoreError) -> Self {
        use crate::store::{StoreError, UseKind};
        match error {
            StoreError::Replayed(UseKind::ClientAssertion) => invalid_client("the assertion was used before"),
            StoreError::Replayed(UseKind::Proof) => reason::PROOF_REPLAYED.refusal(),
            StoreError::Replayed(UseKind::SignedRequest) => reason::BACKCHANNEL_OBJECT_REPLAYED.refusal(),
            StoreError::Unavailable(cause) => {
                let mut refusal = reason::STORE_UNAVAILABLE.refusal().because(cause);
                refusal.retry_after = Some(1);
                refusal
            }
            StoreError::Corrupt(cause) => reason::FAULT.refusal().because(cause),
        }
    }
}
