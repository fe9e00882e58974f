//! What clients say of themselves (RFC 7591), as it comes.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// What a client says of itself. Names are those of RFC 7591, RFC 8705, RFC 9101, RFC 9396, RFC 9449, RFC 9701, JARM and
/// CIBA; five are the server's own.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Metadata {
    pub(crate) client_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) client_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) client_uri: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) logo_uri: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) policy_uri: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) tos_uri: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) redirect_uris: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) application_type: Option<String>,
    pub(crate) token_endpoint_auth_method: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) token_endpoint_auth_signing_alg: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) grant_types: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) response_types: Vec<String>,
    /// Separated by spaces; every scope where it is absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) scope: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) jwks: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) jwks_uri: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) tls_client_auth_subject_dn: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) tls_client_auth_san_dns: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) tls_client_auth_san_uri: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) tls_client_auth_san_ip: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) tls_client_auth_san_email: Option<String>,
    pub(crate) dpop_bound_access_tokens: bool,
    pub(crate) tls_client_certificate_bound_access_tokens: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) id_token_signed_response_alg: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) id_token_encrypted_response_alg: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) id_token_encrypted_response_enc: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) authorization_encrypted_response_alg: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) authorization_encrypted_response_enc: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) request_object_encryption_alg: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) request_object_encryption_enc: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) introspection_signed_response_alg: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) authorization_signed_response_alg: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) request_object_signing_alg: Option<String>,
    #[serde(skip_serializing_if = "core::ops::Not::not")]
    pub(crate) require_signed_request_object: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) backchannel_token_delivery_mode: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) backchannel_client_notification_endpoint: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) backchannel_authentication_request_signing_alg: Option<String>,
    #[serde(skip_serializing_if = "core::ops::Not::not")]
    pub(crate) backchannel_user_code_parameter: bool,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) authorization_details_types: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) software_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) software_version: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) contacts: Vec<String>,
    /// The server's own: `jwt`, `phantom` or `split`, instead of what the resource says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) access_token_format: Option<String>,
    /// The server's own: a profile, instead of the server's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) profile: Option<String>,
    /// The server's own: the resources that the client may ask tokens for; all where there are none.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) resources: Vec<String>,
    /// The server's own: the resources that the client answers for, and whose tokens it may introspect.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) introspects: Vec<String>,
    /// The server's own: whether the client is a bank's own app, in which people answer requests to authenticate them on another device.
    #[serde(skip_serializing_if = "core::ops::Not::not")]
    pub(crate) decides_backchannel_requests: bool,
}

/// The names in [`Metadata`], in which an operator's mistakes are found.
pub(super) const NAMES: [&str; 47] = [
    "client_id",
    "client_name",
    "client_uri",
    "logo_uri",
    "policy_uri",
    "tos_uri",
    "redirect_uris",
    "application_type",
    "token_endpoint_auth_method",
    "token_endpoint_auth_signing_alg",
    "grant_types",
    "response_types",
    "scope",
    "jwks",
    "jwks_uri",
    "tls_client_auth_subject_dn",
    "tls_client_auth_san_dns",
    "tls_client_auth_san_uri",
    "tls_client_auth_san_ip",
    "tls_client_auth_san_email",
    "dpop_bound_access_tokens",
    "tls_client_certificate_bound_access_tokens",
    "id_token_signed_response_alg",
    "introspection_signed_response_alg",
    "authorization_details_types",
    "software_id",
    "software_version",
    "contacts",
    "access_token_format",
    "resources",
    "introspects",
    "id_token_encrypted_response_alg",
    "userinfo_signed_response_alg",
    "authorization_signed_response_alg",
    "request_object_signing_alg",
    "require_signed_request_object",
    "profile",
    "backchannel_token_delivery_mode",
    "backchannel_client_notification_endpoint",
    "backchannel_authentication_request_signing_alg",
    "backchannel_user_code_parameter",
    "decides_backchannel_requests",
    "id_token_encrypted_response_enc",
    "authorization_encrypted_response_alg",
    "authorization_encrypted_response_enc",
    "request_object_encryption_alg",
    "request_object_encryption_enc",
];

/// What is wrong with metadata: the member, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MetadataError {
    /// The member.
    pub member: &'static str,
    /// Why.
    pub why: Cow<'static, str>,
}

impl MetadataError {
    pub(crate) const fn new(member: &'static str, why: &'static str) -> Self {
        Self { member, why: Cow::Borrowed(why) }
    }
}

impl core::fmt::Display for MetadataError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "{}: {}", self.member, self.why)
    }
}

impl core::error::Error for MetadataError {}
