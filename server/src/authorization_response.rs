//! The answer to an authorization request, by way of the person's browser: in the redirection's query, or signed (JARM).

use counterfoil::UnixTime;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::Server;
use crate::client::Client;
use crate::error::Refusal;
use crate::http::{Response, see_other, with_fragment, with_parameters};
use crate::store::Store;

/// `response_mode` (OAuth 2.0 Multiple Response Types section 2.1; JARM section 2.3).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum ResponseMode {
    /// Parameters in the query.
    #[default]
    #[serde(rename = "query")]
    Query,
    /// Parameters in the fragment: for a code with an ID token.
    #[serde(rename = "fragment")]
    Fragment,
    /// A signed response where the response type has its place: for `code`, the query.
    #[serde(rename = "jwt")]
    Jwt,
    /// A signed response in the query.
    #[serde(rename = "query.jwt")]
    QueryJwt,
    /// A signed response in the fragment.
    #[serde(rename = "fragment.jwt")]
    FragmentJwt,
    /// A signed response in a form that the browser posts.
    #[serde(rename = "form_post.jwt")]
    FormPostJwt,
}

impl ResponseMode {
    /// All of them.
    pub(crate) const ALL: [Self; 6] = [Self::Query, Self::Fragment, Self::Jwt, Self::QueryJwt, Self::FragmentJwt, Self::FormPostJwt];

    /// As it is sent.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Query => "query",
            Self::Fragment => "fragment",
            Self::Jwt => "jwt",
            Self::QueryJwt => "query.jwt",
            Self::FragmentJwt => "fragment.jwt",
            Self::FormPostJwt => "form_post.jwt",
        }
    }

    pub(crate) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|mode| mode.name() == name)
    }
}

/// How long a signed response is good: it is read at once (JARM section 2.1 recommends 10 minutes at most).
const GOOD_FOR: u64 = 120;

/// Where an answer goes, and how.
pub(crate) struct Return<'a> {
    pub(crate) client: &'a Client,
    pub(crate) redirect_uri: &'a str,
    pub(crate) mode: ResponseMode,
    pub(crate) state: Option<&'a str>,
}

impl<S: Store> Server<S> {
    /// Back to the client with an answer: a code, or an error.
    pub(crate) async fn respond(&self, to: &Return<'_>, answer: &[(&'static str, &str)], now: UnixTime) -> Result<Response, Refusal> {
        let mut answer = answer.to_vec();
        answer.extend(to.state.map(|state| ("state", state)));
        answer.push(("iss", &self.config.issuer));
        let uri = to.redirect_uri;
        match to.mode {
            ResponseMode::Query => return see_other(&with_parameters(uri, &answer)),
            ResponseMode::Fragment => return see_other(&with_fragment(uri, &answer)),
            _ => {}
        }
        let mut claims: Map<String, Value> = answer.into_iter().map(|(name, value)| (name.to_owned(), json!(value))).collect();
        claims.insert("aud".to_owned(), json!(to.client.id()));
        claims.insert("exp".to_owned(), json!(now.0.saturating_add(GOOD_FOR)));
        let algorithm = to.client.signed_by(to.client.response_algorithm, &self.config);
        let signed = self.keys.sign(algorithm, "JWT", &claims)?;
        let signed = self.encryption.encrypted(to.client, to.client.response_encryption, signed).await?;
        match to.mode {
            ResponseMode::FragmentJwt => see_other(&with_fragment(uri, &[("response", &signed)])),
            ResponseMode::FormPostJwt => {
                let content = json!({ "redirect_uri": uri, "response": signed });
                self.pages.posting("form_post.html", &content, uri)
            }
            _ => see_other(&with_parameters(uri, &[("response", &signed)])),
        }
    }
}
