//! Access tokens that are presented to the server itself, or that it is asked about: judged by the engine, like anybody's.

use counterfoil::jose::jws::Compact;
use counterfoil::jose::policy::Limits;
use counterfoil::oauth::request::{Credential, Request as Presented, ResourceServer, Scheme, TokenForm};
use counterfoil::oauth::split_token::Counterfoil;
use counterfoil::oauth::verifier::{Demands, Verifier};
use counterfoil::{Error, UnixTime};
use hyper::StatusCode;
use hyper::header::WWW_AUTHENTICATE;
use serde_json::{Map, Value, json};

use crate::Server;
use crate::http::{Request, Response, json as json_answer, set};
use crate::secret::Digest;
use crate::sender::Noted;
use crate::store::{Standing, Store, StoreError, Use};

/// A token that was accepted.
pub(crate) struct PresentedToken {
    pub(crate) claims: Map<String, Value>,
    /// Its grant, where it has one.
    pub(crate) grant_id: Option<String>,
}

impl PresentedToken {
    /// A claim that is a string; an empty one where it is absent.
    pub(crate) fn text(&self, name: &str) -> &str {
        self.claims.get(name).and_then(Value::as_str).unwrap_or_default()
    }
}

/// The longest challenge.
const CHALLENGE: usize = 1024;

impl<S: Store> Server<S> {
    /// Judges the token of a request at one of the server's own endpoints; or gives the answer with the refusal.
    pub(crate) async fn presented(&self, request: &Request, path: &str, demands: Demands<'_>) -> Result<PresentedToken, Response> {
        let url = match request.parts.uri.query() {
            Some(query) => format!("{}?{query}", self.url_of(request, path)),
            None => self.url_of(request, path),
        };
        let (authorization, dpop) = (request.fields("authorization"), request.fields("dpop"));
        let certificate = request.peer.certificate.as_deref().and_then(|peer| peer.certificate.presented().ok());
        let presented = Presented { method: request.method().as_str(), url: &url, authorization: &authorization, dpop: &dpop, certificate };
        let refuse = |error, scheme| self.challenge(error, scheme, demands);
        let credential = Credential::find(&url, &authorization).map_err(|error| refuse(error, None))?;
        let scheme = Some(credential.scheme());
        let standing = self.store.standing(Digest::of(credential.token()), request.now).await;
        let standing = standing.map_err(|error| refuse(unavailable(&error), scheme))?;
        let judged = self.judge(&presented, &credential, &standing, demands, request.now);
        let (claims, used) = judged.map_err(|error| refuse(error, scheme))?;
        let standing = match standing {
            Standing::Unknown => {
                let jwt_id = claims.get("jti").and_then(Value::as_str).unwrap_or_default();
                self.store.standing(Digest::of(jwt_id), request.now).await.map_err(|error| refuse(unavailable(&error), scheme))?
            }
            known => known,
        };
        let grant_id = match standing {
            Standing::Revoked => return Err(refuse(Error::TicketUnknown, scheme)),
            Standing::Live { grant_id, .. } => grant_id,
            Standing::Unknown => None,
        };
        match self.store.spend(used.into_iter().collect(), request.now).await {
            Ok(()) => Ok(PresentedToken { claims, grant_id }),
            Err(StoreError::Replayed(_)) => Err(refuse(Error::ProofReplayed, scheme)),
            Err(error) => Err(refuse(unavailable(&error), scheme)),
        }
    }

    /// The engine's judgement. What is used up is noted, and used up last.
    fn judge(
        &self,
        presented: &Presented<'_>,
        credential: &Credential<'_>,
        standing: &Standing,
        demands: Demands<'_>,
        now: UnixTime,
    ) -> Result<(Map<String, Value>, Option<Use>), Error> {
        let answer;
        let form = match standing {
            Standing::Revoked => return Err(Error::TicketUnknown),
            Standing::Unknown => TokenForm::Whole,
            Standing::Live { claims: Some(claims), .. } => {
                answer = active(claims);
                TokenForm::Introspected(answer.as_bytes())
            }
            Standing::Live { counterfoil: Some(counterfoil), .. } => TokenForm::Split(Counterfoil::parse(counterfoil.as_bytes())?),
            // The key of a JWT is that of its `jti`, which nobody can present.
            Standing::Live { .. } => return Err(Error::TicketUnknown),
        };
        let mut noted = Noted::new(&self.proof_keys);
        let mut scratch = vec![0; Limits::DEFAULT.scratch() + Limits::PROOF.scratch() + Limits::PROOF.token()];
        let claims = self.with_resource_server(demands, |server| {
            let token = server.accept_as(form, credential, presented, now, &mut noted, &mut scratch).map_err(|refusal| refusal.error())?;
            serde_json::from_str(token.payload()).map_err(|_| Error::JsonMalformed)
        })??;
        Ok((claims, noted.used))
    }

    /// A resource server for every audience that this server issues tokens for.
    fn with_resource_server<R>(&self, demands: Demands<'_>, work: impl FnOnce(&ResourceServer<'_>) -> R) -> Result<R, Error> {
        let audiences: Vec<&str> = self.config.resources.iter().map(|resource| resource.uri.as_str()).collect();
        let keys = self.keys.ring().load();
        let keys = keys.as_ref().ok_or(Error::LookupUnavailable)?;
        let verifier = Verifier::new(&self.config.issuer, &self.config.issuer, counterfoil::crypto::FAPI, keys.keys())?
            .also_for(&audiences)?
            .demanding(demands);
        let proofs = self.proof_rules().map_err(|_| Error::AlgorithmsUnset)?;
        Ok(work(&ResourceServer::new(verifier, proofs)))
    }

    /// The answer to a request whose token is refused (RFC 6750 section 3, RFC 9449 section 7.1).
    fn challenge(&self, error: Error, scheme: Option<Scheme>, demands: Demands<'_>) -> Response {
        let refusal = counterfoil::oauth::request::Refusal::new(error, scheme);
        tracing::info!(error = error.slug(), "token refused");
        let http = refusal.http();
        let status = StatusCode::from_u16(http.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut body = Map::new();
        if let Some(code) = http.error {
            body.insert("error".to_owned(), json!(code));
        }
        let mut response = json_answer(status, &body);
        let mut out = [0; CHALLENGE];
        let written =
            self.with_resource_server(demands, |server| server.www_authenticate(&refusal, &mut out).ok().flatten().map(str::to_owned));
        if let Ok(Some(challenge)) = written {
            set(&mut response, WWW_AUTHENTICATE, &challenge);
        }
        response
    }

    /// The claims of a JWT that this server signed and that has not ended; whose it is, is not judged.
    pub(crate) fn own_jwt(&self, token: &str, now: UnixTime) -> Result<Map<String, Value>, Error> {
        let keys = self.keys.ring().load();
        let keys = keys.as_ref().ok_or(Error::LookupUnavailable)?;
        let mut scratch = vec![0; Limits::DEFAULT.scratch()];
        let unverified = Compact::parse(token.as_bytes(), Limits::DEFAULT)?.decode(Limits::DEFAULT, &mut scratch)?;
        if !unverified.header().typ().is_some_and(|typ| typ.is("at+jwt")) {
            return Err(Error::TypeMismatch);
        }
        let verified = unverified.verify(keys.keys(), counterfoil::crypto::FAPI)?;
        let claims: Map<String, Value> = serde_json::from_str(verified.claims().raw()).map_err(|_| Error::JsonMalformed)?;
        if claims.get("iss").and_then(Value::as_str) != Some(&self.config.issuer) {
            return Err(Error::IssuerMismatch);
        }
        match claims.get("exp").and_then(Value::as_u64) {
            Some(ends) if now.0 < ends => Ok(claims),
            _ => Err(Error::TokenExpired),
        }
    }
}

/// Claims as an introspection answer (RFC 7662 section 2.2).
fn active(claims: &str) -> String {
    claims.replacen('{', "{\"active\":true,", 1)
}

fn unavailable(error: &StoreError) -> Error {
    tracing::error!(%error, "the store does not answer");
    Error::LookupUnavailable
}
