//! What the server knows of a person (OpenID Connect Core section 5.3).

use counterfoil::oauth::verifier::Demands;
use hyper::StatusCode;

use crate::Server;
use crate::authorization_request::words;
use crate::error::Refusal;
use crate::http::{Request, Response, json as json_answer};
use crate::issue::id_token;
use crate::reason;
use crate::store::Store;

impl<S: Store> Server<S> {
    pub(crate) async fn userinfo(&self, request: &Request) -> Result<Response, Refusal> {
        let token = match self.presented(request, "/userinfo", Demands { scopes: &["openid"], ..Demands::default() }).await {
            Ok(token) => token,
            Err(refused) => return Ok(refused),
        };
        let user = self.store.user_of_subject(token.text("sub").to_owned()).await?;
        let user = user.ok_or(reason::PERSON_GONE.refusal())?;
        let grant = self.store.grant(token.grant_id.clone().unwrap_or_default(), request.now).await?;
        let grant = grant.ok_or(reason::TOKEN_WITHOUT_PERSON.refusal())?;
        let scope = words(Some(token.text("scope")));
        Ok(json_answer(StatusCode::OK, &id_token::userinfo(&grant, &scope, &user)))
    }
}
