//! Which endpoint answers a request, and how refusals are told and logged: both in one place.

use hyper::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_EXPOSE_HEADERS, ALLOW, HeaderName, RETRY_AFTER,
    STRICT_TRANSPORT_SECURITY,
};
use hyper::{Method, StatusCode};
use serde_json::{Map, json};
use std::time::Instant;

use crate::Server;
use crate::error::{Code, Refusal};
use crate::http::{Request, Response, answer, empty, json as json_answer, set};
use crate::reason;
use crate::store::Store;

/// An endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Endpoint {
    Metadata,
    Jwks,
    Par,
    Authorize,
    Login,
    LoginReturn,
    Consent,
    Style,
    Token,
    Backchannel,
    WaitingRequests,
    BackchannelDecision,
    TestApproval,
    Approvals,
    ApprovalsLogin,
    ApprovalsDecision,
    Introspect,
    Revoke,
    UserInfo,
    Register,
    RegisteredClient,
    Grant,
    SplitTokens,
    Counterfoil,
    Resource,
    Live,
    Ready,
    Metrics,
}

impl Endpoint {
    /// By path, without the issuer's own; what follows the endpoint's path is lent to it.
    fn of(path: &str) -> Option<(Self, &str)> {
        let whole = |endpoint| Some((endpoint, ""));
        match path {
            "/.well-known/openid-configuration" => whole(Self::Metadata),
            "/jwks" => whole(Self::Jwks),
            "/par" => whole(Self::Par),
            "/authorize" => whole(Self::Authorize),
            "/login" => whole(Self::Login),
            "/login/return" => whole(Self::LoginReturn),
            "/consent" => whole(Self::Consent),
            "/style.css" => whole(Self::Style),
            "/token" => whole(Self::Token),
            "/bc-authorize" => whole(Self::Backchannel),
            "/backchannel/requests" => whole(Self::WaitingRequests),
            "/backchannel/decision" => whole(Self::BackchannelDecision),
            "/dev/ciba" => whole(Self::TestApproval),
            "/approvals" => whole(Self::Approvals),
            "/approvals/login" => whole(Self::ApprovalsLogin),
            "/approvals/decision" => whole(Self::ApprovalsDecision),
            "/introspect" => whole(Self::Introspect),
            "/revoke" => whole(Self::Revoke),
            "/userinfo" => whole(Self::UserInfo),
            "/register" => whole(Self::Register),
            "/split-tokens" => whole(Self::SplitTokens),
            "/resource" => whole(Self::Resource),
            "/health/live" => whole(Self::Live),
            "/health/ready" => whole(Self::Ready),
            "/metrics" => whole(Self::Metrics),
            _ => {
                let after = |prefix| path.strip_prefix(prefix).filter(|rest: &&str| !rest.is_empty() && !rest.contains('/'));
                None.or_else(|| after("/register/").map(|rest| (Self::RegisteredClient, rest)))
                    .or_else(|| after("/grants/").map(|rest| (Self::Grant, rest)))
                    .or_else(|| after("/split-tokens/").map(|rest| (Self::Counterfoil, rest)))
            }
        }
    }

    /// For metrics.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Metadata => "metadata",
            Self::Jwks => "jwks",
            Self::Par => "par",
            Self::Authorize => "authorize",
            Self::Login | Self::LoginReturn => "login",
            Self::Consent => "consent",
            Self::Style => "style",
            Self::Token => "token",
            Self::Backchannel | Self::WaitingRequests | Self::BackchannelDecision | Self::TestApproval => "backchannel",
            Self::Approvals | Self::ApprovalsLogin | Self::ApprovalsDecision => "approvals",
            Self::Introspect => "introspect",
            Self::Revoke => "revoke",
            Self::UserInfo => "userinfo",
            Self::Register | Self::RegisteredClient => "register",
            Self::Grant => "grants",
            Self::SplitTokens | Self::Counterfoil => "split_tokens",
            Self::Resource => "resource",
            Self::Live | Self::Ready => "health",
            Self::Metrics => "metrics",
        }
    }

    const fn methods(self) -> &'static [Method] {
        match self {
            Self::Metadata
            | Self::Jwks
            | Self::Style
            | Self::SplitTokens
            | Self::Counterfoil
            | Self::Live
            | Self::Ready
            | Self::Metrics => &[Method::GET, Method::HEAD],
            Self::LoginReturn | Self::Approvals => &[Method::GET],
            Self::Authorize | Self::UserInfo | Self::Resource => &[Method::GET, Method::POST],
            Self::Par
            | Self::Login
            | Self::Consent
            | Self::Token
            | Self::Backchannel
            | Self::WaitingRequests
            | Self::BackchannelDecision
            | Self::TestApproval
            | Self::ApprovalsLogin
            | Self::ApprovalsDecision
            | Self::Introspect
            | Self::Revoke
            | Self::Register => &[Method::POST],
            Self::RegisteredClient => &[Method::GET, Method::PUT, Method::DELETE],
            Self::Grant => &[Method::GET, Method::DELETE],
        }
    }

    /// Whether a person's browser goes there: answered with pages, and never to be read by other sites.
    const fn is_for_browsers(self) -> bool {
        matches!(
            self,
            Self::Authorize
                | Self::Login
                | Self::LoginReturn
                | Self::Consent
                | Self::Approvals
                | Self::ApprovalsLogin
                | Self::ApprovalsDecision
        )
    }

    /// Whether scripts of other sites may read the answers.
    const fn is_for_scripts(self) -> bool {
        matches!(self, Self::Metadata | Self::Jwks | Self::Token | Self::UserInfo | Self::Par | Self::Revoke | Self::Resource)
    }
}

impl<S: Store> Server<S> {
    /// Answers one request.
    pub async fn answer(&self, request: Request) -> Response {
        let full = request.parts.uri.path();
        // RFC 8414 section 3.1 puts the suffix before the issuer's own path, OpenID Connect Discovery after it.
        let found = if full.strip_prefix("/.well-known/oauth-authorization-server") == Some(self.config.prefix()) {
            Some((Endpoint::Metadata, ""))
        } else {
            full.strip_prefix(self.config.prefix()).and_then(Endpoint::of)
        };
        let Some((endpoint, rest)) = found else { return empty(StatusCode::NOT_FOUND) };
        if request.method() == Method::OPTIONS && endpoint.is_for_scripts() {
            return preflight(endpoint);
        }
        if !endpoint.methods().contains(request.method()) {
            return self.wrong_method(endpoint);
        }
        // What an operator watches is nobody else's business.
        if endpoint == Endpoint::Metrics && !request.peer.is_operator {
            return empty(StatusCode::NOT_FOUND);
        }
        let begun = Instant::now();
        let answer = if self.address_rates.admits(request.peer.address, begun) {
            self.answer_at(endpoint, &request, rest).await
        } else {
            Err(too_often())
        };
        let mut response = answer.unwrap_or_else(|refusal| self.refusal_answer(endpoint, &request, &refusal));
        self.finish(endpoint, &request, &mut response);
        self.metrics.answered(endpoint, response.status().as_u16(), begun.elapsed());
        response
    }

    async fn answer_at(&self, endpoint: Endpoint, request: &Request, rest: &str) -> Result<Response, Refusal> {
        match endpoint {
            Endpoint::Metadata => Ok(self.metadata()),
            Endpoint::Jwks => Ok(self.jwks(request)),
            Endpoint::Par => self.par(request).await,
            Endpoint::Authorize => self.authorize(request).await,
            Endpoint::Login => self.login(request).await,
            Endpoint::LoginReturn => self.login_return(request).await,
            Endpoint::Consent => self.consent(request).await,
            Endpoint::Style => Ok(self.pages.style()),
            Endpoint::Token => self.token(request).await,
            Endpoint::Backchannel => self.backchannel_authentication(request).await,
            Endpoint::WaitingRequests => self.waiting_requests(request).await,
            Endpoint::BackchannelDecision => self.backchannel_decision(request).await,
            Endpoint::TestApproval => self.test_approval(request).await,
            Endpoint::Approvals => self.approvals(request).await,
            Endpoint::ApprovalsLogin => self.approvals_login(request).await,
            Endpoint::ApprovalsDecision => self.approvals_decision(request).await,
            Endpoint::Introspect => self.introspect(request).await,
            Endpoint::Revoke => self.revoke(request).await,
            Endpoint::UserInfo => self.userinfo(request).await,
            Endpoint::Register => self.register_client(request).await,
            Endpoint::RegisteredClient => self.registered_client(request, rest).await,
            Endpoint::Grant => self.grant(request, rest).await,
            Endpoint::SplitTokens => self.split_tokens(request).await,
            Endpoint::Counterfoil => self.counterfoil(request, rest).await,
            Endpoint::Resource => self.resource(request).await,
            Endpoint::Live => Ok(json_answer(StatusCode::OK, &json!({ "status": "live" }))),
            Endpoint::Ready => self.ready().await,
            Endpoint::Metrics => {
                Ok(answer(StatusCode::OK, "application/openmetrics-text; version=1.0.0; charset=utf-8", self.metrics.text()))
            }
        }
    }

    /// Every refusal is told and logged here. The log has the cause; the client has the code and a constant text.
    fn refusal_answer(&self, endpoint: Endpoint, request: &Request, refusal: &Refusal) -> Response {
        tracing::info!(
            endpoint = ?endpoint,
            error = refusal.code().as_str(),
            reason = %refusal.reason,
            clause = refusal.reason.clause,
            cause = %refusal,
            peer = %request.peer.address,
            "refused"
        );
        self.metrics.refused(endpoint, refusal.code());
        let mut response = if endpoint.is_for_browsers() {
            self.pages.error(refusal.status, refusal.code(), refusal.description)
        } else {
            let mut body = Map::new();
            body.insert("error".to_owned(), json!(refusal.code().as_str()));
            body.insert("error_description".to_owned(), json!(refusal.description));
            json_answer(refusal.status, &body)
        };
        if let Some(seconds) = refusal.retry_after {
            set(&mut response, RETRY_AFTER, &seconds.to_string());
        }
        response
    }

    fn wrong_method(&self, endpoint: Endpoint) -> Response {
        let (status, code) = (StatusCode::METHOD_NOT_ALLOWED, Code::InvalidRequest);
        let mut response = if endpoint.is_for_browsers() {
            self.pages.error(status, code, "this page cannot be opened by itself")
        } else {
            json_answer(status, &json!({ "error": code.as_str() }))
        };
        let methods: Vec<&str> = endpoint.methods().iter().map(Method::as_str).collect();
        set(&mut response, ALLOW, &methods.join(", "));
        response
    }

    /// What every answer of an endpoint has.
    fn finish(&self, endpoint: Endpoint, request: &Request, response: &mut Response) {
        if self.config.dpop.nonces && matches!(endpoint, Endpoint::Par | Endpoint::Token | Endpoint::UserInfo | Endpoint::Resource) {
            set(response, HeaderName::from_static("dpop-nonce"), self.nonces.issue(request.now).as_str());
        }
        set(response, HeaderName::from_static("x-content-type-options"), "nosniff");
        set(response, STRICT_TRANSPORT_SECURITY, "max-age=31536000; includeSubDomains");
        if endpoint.is_for_scripts() {
            set(response, ACCESS_CONTROL_ALLOW_ORIGIN, "*");
            set(response, ACCESS_CONTROL_EXPOSE_HEADERS, "DPoP-Nonce, WWW-Authenticate");
        }
    }
}

/// More requests than one may make.
pub(crate) fn too_often() -> Refusal {
    let mut refusal = reason::REQUESTS_TOO_MANY.refusal().with_status(StatusCode::TOO_MANY_REQUESTS);
    refusal.retry_after = Some(1);
    refusal
}

fn preflight(endpoint: Endpoint) -> Response {
    let mut response = empty(StatusCode::NO_CONTENT);
    let methods: Vec<&str> = endpoint.methods().iter().map(Method::as_str).collect();
    set(&mut response, ACCESS_CONTROL_ALLOW_ORIGIN, "*");
    set(&mut response, hyper::header::ACCESS_CONTROL_ALLOW_METHODS, &methods.join(", "));
    set(&mut response, ACCESS_CONTROL_ALLOW_HEADERS, "Authorization, Content-Type, DPoP");
    response
}
