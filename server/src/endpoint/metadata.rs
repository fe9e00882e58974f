//! What the server says of itself (RFC 8414, OpenID Connect Discovery), its public keys, and whether it is ready.

use hyper::StatusCode;
use hyper::header::CACHE_CONTROL;
use serde_json::{Map, Value, json};

use crate::Server;
use crate::authorization_response::ResponseMode;
use crate::client::CIBA;
use crate::encryption::{self, KeyManagement};
use crate::error::Refusal;
use crate::http::{Request, Response, answer, json as json_answer, set};
use crate::issue::id_token;
use crate::store::Store;

/// How long a published key set may be kept, in seconds: a key is published at least this long before it signs.
const JWKS_AGE: u64 = 300;

impl<S: Store> Server<S> {
    pub(crate) fn metadata(&self) -> Response {
        let config = &self.config;
        let mut scopes: Vec<&str> = vec!["openid"];
        scopes.extend(config.scopes.keys().map(String::as_str).filter(|scope| *scope != "openid"));
        let methods = json!(config.profile.client.authentication);
        let signed_by: Vec<&str> = self.keys.algorithms().into_iter().filter(|name| config.profile.has_algorithm(name)).collect();
        let accepted = json!(config.profile.algorithm_names());
        let rules = &config.profile.authorization_request;
        // Clients may have other profiles; what is said here is by the server's own.
        let has_id_tokens = rules.response_types.iter().any(|kind| kind == "code id_token");
        let mut modes = config.profile.authorization_response.modes.clone();
        modes.extend(has_id_tokens.then_some(ResponseMode::Fragment));
        let mut metadata = json!({
            "issuer": config.issuer,
            "authorization_endpoint": config.url("/authorize"),
            "token_endpoint": config.url("/token"),
            "pushed_authorization_request_endpoint": config.url("/par"),
            "require_pushed_authorization_requests": rules.pushed,
            "introspection_endpoint": config.url("/introspect"),
            "revocation_endpoint": config.url("/revoke"),
            "userinfo_endpoint": config.url("/userinfo"),
            "jwks_uri": config.url("/jwks"),
            "scopes_supported": scopes,
            "response_types_supported": rules.response_types,
            "response_modes_supported": modes,
            "grant_types_supported": ["authorization_code", "refresh_token", "client_credentials"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": signed_by,
            "token_endpoint_auth_methods_supported": methods,
            "token_endpoint_auth_signing_alg_values_supported": accepted,
            "introspection_endpoint_auth_methods_supported": methods,
            "introspection_endpoint_auth_signing_alg_values_supported": accepted,
            "introspection_signing_alg_values_supported": signed_by,
            "revocation_endpoint_auth_methods_supported": methods,
            "revocation_endpoint_auth_signing_alg_values_supported": accepted,
            "code_challenge_methods_supported": ["S256"],
            "authorization_response_iss_parameter_supported": true,
            "tls_client_certificate_bound_access_tokens": true,
            "acr_values_supported": config.login.acr_values(),
            "claims_parameter_supported": true,
            "claims_supported": id_token::supported().collect::<Vec<_>>(),
            "request_parameter_supported": true,
            "request_object_signing_alg_values_supported": accepted,
            "authorization_signing_alg_values_supported": signed_by,
            "request_uri_parameter_supported": false,
            "grant_management_actions_supported": ["create", "merge", "replace", "query", "revoke"],
            "grant_management_endpoint": config.url("/grants"),
        });
        let Value::Object(members) = &mut metadata else { return json_answer(StatusCode::OK, &metadata) };
        if config.profile.has_dpop() {
            members.insert("dpop_signing_alg_values_supported".to_owned(), accepted.clone());
        }
        if config.backchannel.is_some() {
            let grants = members.entry("grant_types_supported").or_insert_with(|| json!([]));
            grants.as_array_mut().into_iter().for_each(|grants| grants.push(json!(CIBA)));
            members.insert("backchannel_authentication_endpoint".to_owned(), json!(config.url("/bc-authorize")));
            members.insert("backchannel_token_delivery_modes_supported".to_owned(), json!(["poll", "ping"]));
            members.insert("backchannel_authentication_request_signing_alg_values_supported".to_owned(), accepted.clone());
            members.insert("backchannel_user_code_parameter_supported".to_owned(), json!(true));
        }
        let encrypts = KeyManagement::ALL.map(KeyManagement::name);
        for kind in ["id_token", "authorization"] {
            members.insert(format!("{kind}_encryption_alg_values_supported"), json!(encrypts));
            members.insert(format!("{kind}_encryption_enc_values_supported"), json!([encryption::CONTENT]));
        }
        let decrypts = self.encryption.algorithms();
        if !decrypts.is_empty() {
            members.insert("request_object_encryption_alg_values_supported".to_owned(), json!(decrypts));
            members.insert("request_object_encryption_enc_values_supported".to_owned(), json!([encryption::CONTENT]));
        }
        if config.profile.request_object.required {
            members.insert("require_signed_request_object".to_owned(), json!(true));
        }
        if !config.details.is_empty() {
            members.insert("authorization_details_types_supported".to_owned(), json!(config.details.keys().collect::<Vec<_>>()));
        }
        if !config.registration.initial_access_tokens.is_empty() {
            members.insert("registration_endpoint".to_owned(), json!(config.url("/register")));
        }
        if let Some(aliases) = self.mtls_aliases() {
            members.insert("mtls_endpoint_aliases".to_owned(), Value::Object(aliases));
        }
        let mut response = json_answer(StatusCode::OK, &metadata);
        set(&mut response, CACHE_CONTROL, "public, max-age=300");
        response
    }

    /// RFC 8705 section 5.
    fn mtls_aliases(&self) -> Option<Map<String, Value>> {
        const ALIASED: [(&str, &str); 6] = [
            ("token_endpoint", "/token"),
            ("pushed_authorization_request_endpoint", "/par"),
            ("backchannel_authentication_endpoint", "/bc-authorize"),
            ("introspection_endpoint", "/introspect"),
            ("revocation_endpoint", "/revoke"),
            ("userinfo_endpoint", "/userinfo"),
        ];
        let alias = |(name, path): (&str, &str)| Some((name.to_owned(), json!(self.config.mtls_url(path)?)));
        let is_open = |(name, _): &(&str, &str)| *name != "backchannel_authentication_endpoint" || self.config.backchannel.is_some();
        ALIASED.into_iter().filter(is_open).map(alias).collect()
    }

    pub(crate) fn jwks(&self, request: &Request) -> Response {
        let mut jwks = self.keys.jwks(request.now);
        if let Some(keys) = jwks.get_mut("keys").and_then(Value::as_array_mut) {
            keys.extend(self.encryption.jwks());
        }
        let mut response = answer(StatusCode::OK, "application/jwk-set+json", jwks.to_string());
        set(&mut response, CACHE_CONTROL, &format!("public, max-age={JWKS_AGE}"));
        response
    }

    /// Whether the store answers.
    pub(crate) async fn ready(&self) -> Result<Response, Refusal> {
        self.store.client(String::new()).await?;
        Ok(json_answer(StatusCode::OK, &json!({ "status": "ready" })))
    }
}
