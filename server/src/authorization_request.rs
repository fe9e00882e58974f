//! What a client asks of a person: the parameters of a pushed request, judged once (RFC 9126 section 2.1, FAPI 2.0 section 5.3.2.2).

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::authorization_response::ResponseMode;
use crate::client::Client;
use crate::config::Config;
use crate::error::Refusal;
use crate::http::Form;
use crate::reason::{self, Reason};

/// A request that was judged.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AuthorizationRequest {
    /// Who asks.
    pub client_id: String,
    /// Where the answer goes: one of the client's, byte for byte.
    pub redirect_uri: String,
    /// What the answer has.
    #[serde(default)]
    pub response_type: ResponseType,
    /// How the answer gets there.
    #[serde(default)]
    pub response_mode: ResponseMode,
    /// What is asked.
    pub scope: Vec<String>,
    /// To be given back as it is.
    pub state: Option<String>,
    /// To be put into the ID token as it is.
    pub nonce: Option<String>,
    /// By `S256` (RFC 7636); none only of a signed request that was not pushed.
    pub code_challenge: Option<String>,
    /// The key that the code is bound to (RFC 9449 section 10): 43 characters of base64url.
    pub dpop_jkt: Option<String>,
    /// What the tokens are for (RFC 8707).
    pub resources: Vec<String>,
    /// What is asked in detail (RFC 9396): an array, or null.
    #[serde(default)]
    pub authorization_details: Value,
    /// The `claims` parameter (OpenID Connect Core section 5.5): an object, or null.
    #[serde(default)]
    pub claims: Value,
    /// How the person should sign in.
    pub acr_values: Vec<String>,
    /// How long ago the person may have signed in, in seconds.
    pub max_age: Option<u64>,
    /// `login`, `consent` or `none`.
    pub prompt: Vec<String>,
    /// Who the person probably is.
    pub login_hint: Option<String>,
    /// What to do with which grant.
    #[serde(default)]
    pub grant_management: Option<GrantManagement>,
}

/// `response_type` (RFC 6749 section 3.1.1; OAuth 2.0 Multiple Response Types section 5).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum ResponseType {
    /// A code.
    #[default]
    #[serde(rename = "code")]
    Code,
    /// A code, and an ID token that vouches for it.
    #[serde(rename = "code id_token")]
    CodeIdToken,
}

impl ResponseType {
    const fn name(self) -> &'static str {
        match self {
            Self::Code => "code",
            Self::CodeIdToken => "code id_token",
        }
    }

    /// The words' order does not matter.
    fn named(name: &str) -> Option<Self> {
        match name {
            "code" => Some(Self::Code),
            "code id_token" | "id_token code" => Some(Self::CodeIdToken),
            _ => None,
        }
    }
}

/// How a request has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    /// By PAR.
    Pushed,
    /// By the browser, signed.
    ByValue,
}

/// What a request does to grants (Grant Management for OAuth 2.0, section 5.1).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GrantManagement {
    /// What to do.
    pub action: GrantAction,
    /// Which grant; none to create one.
    pub grant_id: Option<String>,
}

/// `grant_management_action`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum GrantAction {
    /// A new grant.
    Create,
    /// An old one, with more.
    Merge,
    /// An old one, with something else.
    Replace,
}

/// How long `state` and `nonce` may be: longer ones are refused, never cut.
const MOST_STATE: usize = 2048;
const MOST_NONCE: usize = 512;

impl AuthorizationRequest {
    /// Judges the parameters of a client that is authenticated, by itself or by its signature.
    pub(crate) fn read(form: &Form, way: Way, client: &Client, config: &Config) -> Result<Self, Refusal> {
        let response_type = response_type(form, client)?;
        if !client.may_use("authorization_code") {
            return Err(reason::CODES_NOT_FOR_CLIENT.refusal());
        }
        let scope = scope(form, client, config)?;
        let (rules, has_openid) = (&client.profile.authorization_request, scope.iter().any(|scope| scope == "openid"));
        let has_id_token = response_type == ResponseType::CodeIdToken;
        if scope.is_empty() && rules.scope_required {
            return Err(reason::SCOPE_MISSING.refusal());
        }
        if has_id_token && !has_openid {
            return Err(reason::ID_TOKEN_WITHOUT_OPENID.refusal());
        }
        if form.get("nonce").is_none() && (has_id_token || has_openid && rules.nonce_or_state_required) {
            return Err(reason::ID_TOKEN_WITHOUT_NONCE.refusal());
        }
        if form.get("state").is_none() && !has_openid && rules.nonce_or_state_required {
            return Err(reason::STATE_MISSING.refusal());
        }
        Ok(Self {
            client_id: client.id().to_owned(),
            redirect_uri: redirect_uri(form, client)?,
            response_type,
            response_mode: response_mode(form, response_type, client)?,
            scope,
            state: bounded(form, "state", MOST_STATE, reason::STATE_TOO_LONG)?,
            nonce: bounded(form, "nonce", MOST_NONCE, reason::NONCE_TOO_LONG)?,
            code_challenge: code_challenge(form, way, client)?,
            dpop_jkt: dpop_jkt(form)?,
            resources: resources(form, client, config)?,
            authorization_details: authorization_details(form.get("authorization_details"), client, config)?,
            claims: claims(form)?,
            acr_values: words(form.get("acr_values")),
            max_age: max_age(form)?,
            prompt: prompt(form)?,
            login_hint: form.get("login_hint").map(str::to_owned),
            grant_management: grant_management(form)?,
        })
    }
}

impl AuthorizationRequest {
    /// Whether somebody who signed in so meets what is demanded: one of `acr_values`, which are as good as an essential claim (RFC 9470
    /// section 5), and one of the values of an essential `acr` (OpenID Connect Core section 5.5.1.1).
    pub(crate) fn is_met_by(&self, acr: &str) -> bool {
        let is_asked = self.acr_values.is_empty() || self.acr_values.iter().any(|asked| asked == acr);
        let demanded = self.claims.pointer("/id_token/acr").filter(|demanded| demanded.get("essential") == Some(&Value::Bool(true)));
        let is_demanded = demanded.is_none_or(|demanded| match (demanded.get("value"), demanded.get("values")) {
            (None, None) => true,
            (value, values) => value.into_iter().chain(values.and_then(Value::as_array).into_iter().flatten()).any(|value| value == acr),
        });
        is_asked && is_demanded
    }
}

/// Byte for byte one that is registered (RFC 9700 section 2.1).
fn redirect_uri(form: &Form, client: &Client) -> Result<String, Refusal> {
    let asked = form.get("redirect_uri").ok_or(reason::REDIRECT_URI_MISSING.refusal())?;
    if client.has_redirect_uri(asked) { Ok(asked.to_owned()) } else { Err(reason::REDIRECT_URI_NOT_REGISTERED.refusal()) }
}

/// One of the client's profile, and for which the client is registered.
pub(crate) fn response_type(form: &Form, client: &Client) -> Result<ResponseType, Refusal> {
    let asked = form.get("response_type").ok_or(reason::RESPONSE_TYPE_MISSING.refusal())?;
    let refuse = || reason::RESPONSE_TYPE_UNSUPPORTED.refusal();
    let known = ResponseType::named(asked).ok_or_else(refuse)?;
    let is_permitted = client.profile.authorization_request.response_types.iter().any(|own| own == known.name());
    if client.may_ask_for(known.name()) && is_permitted { Ok(known) } else { Err(refuse()) }
}

/// One that the client's profile permits. Where none is asked for, the profile's first, unless it demands that one is asked for. A code with an
/// ID token is in the fragment (OAuth 2.0 Multiple Response Types section 5).
pub(crate) fn response_mode(form: &Form, response_type: ResponseType, client: &Client) -> Result<ResponseMode, Refusal> {
    let asked = form.get("response_mode");
    let refuse = reason::RESPONSE_MODE_UNSUPPORTED.refusal();
    if response_type == ResponseType::CodeIdToken {
        return if matches!(asked, None | Some("fragment")) { Ok(ResponseMode::Fragment) } else { Err(refuse) };
    }
    let rules = &client.profile.authorization_response;
    match asked {
        None => rules.modes.first().copied().filter(|_| !rules.mode_required).ok_or(refuse),
        Some(name) => ResponseMode::named(name).filter(|mode| rules.modes.contains(mode)).ok_or(refuse),
    }
}

fn bounded(form: &Form, name: &str, most: usize, reason: Reason) -> Result<Option<String>, Refusal> {
    match form.get(name) {
        Some(text) if text.len() > most => Err(reason.refusal()),
        text => Ok(text.map(str::to_owned)),
    }
}

fn code_challenge(form: &Form, way: Way, client: &Client) -> Result<Option<String>, Refusal> {
    let Some(challenge) = form.get("code_challenge") else {
        let is_needed = way == Way::Pushed || client.profile.authorization_request.always_pkce;
        return if is_needed { Err(reason::CHALLENGE_MISSING.refusal()) } else { Ok(None) };
    };
    if form.get("code_challenge_method") != Some("S256") {
        return Err(reason::CHALLENGE_NOT_S256.refusal());
    }
    match counterfoil::jose::thumbprint::Thumbprint::parse(challenge.as_bytes()) {
        Ok(_) => Ok(Some(challenge.to_owned())),
        Err(_) => Err(reason::CHALLENGE_MALFORMED.refusal()),
    }
}

fn dpop_jkt(form: &Form) -> Result<Option<String>, Refusal> {
    match form.get("dpop_jkt") {
        Some(jkt) if counterfoil::jose::thumbprint::Thumbprint::parse(jkt.as_bytes()).is_err() => Err(reason::JKT_MALFORMED.refusal()),
        jkt => Ok(jkt.map(str::to_owned)),
    }
}

/// The scopes that are asked for, which the client must be registered for.
pub(crate) fn scope(form: &Form, client: &Client, config: &Config) -> Result<Vec<String>, Refusal> {
    let asked = words(form.get("scope"));
    let is_good = |scope: &String| config.knows_scope(scope) && client.may_ask(scope);
    if asked.iter().all(is_good) { Ok(asked) } else { Err(reason::SCOPE_NOT_FOR_CLIENT.refusal()) }
}

/// The resources that are asked for; the default one where none is (RFC 8707 section 2).
pub(crate) fn resources(form: &Form, client: &Client, config: &Config) -> Result<Vec<String>, Refusal> {
    let asked: Vec<String> = form.all("resource").map(str::to_owned).collect();
    if asked.is_empty() {
        return Ok(Vec::new());
    }
    let is_good = |resource: &String| config.resource(resource).is_some() && client.may_reach(resource);
    if asked.iter().all(is_good) { Ok(asked) } else { Err(reason::RESOURCE_NOT_FOR_CLIENT.refusal()) }
}

/// An array of objects, each of a type that the server knows and the client may ask for (RFC 9396 sections 2 and 5).
pub(crate) fn authorization_details(text: Option<&str>, client: &Client, config: &Config) -> Result<Value, Refusal> {
    let Some(text) = text else { return Ok(Value::Null) };
    // The engine's reader refuses what serde_json does not: members that come twice.
    counterfoil::wire::json::read_value(text.as_bytes()).map_err(|_| reason::DETAILS_NOT_JSON.refusal())?;
    let details: Value = serde_json::from_str(text).map_err(|_| reason::DETAILS_NOT_JSON.refusal())?;
    let elements = details.as_array().ok_or(reason::DETAILS_NO_ARRAY.refusal())?;
    for element in elements {
        let kind = element.as_object().and_then(|element| element.get("type")).and_then(Value::as_str);
        let kind = kind.ok_or(reason::DETAILS_WITHOUT_TYPE.refusal())?;
        let known = config.details_type(kind).filter(|_| client.may_detail(kind));
        let known = known.ok_or(reason::DETAILS_TYPE_NOT_FOR_CLIENT.refusal())?;
        known.judge(element).map_err(Reason::refusal)?;
    }
    Ok(if elements.is_empty() { Value::Null } else { details })
}

fn claims(form: &Form) -> Result<Value, Refusal> {
    let Some(text) = form.get("claims") else { return Ok(Value::Null) };
    let refuse = reason::CLAIMS_MALFORMED.refusal();
    counterfoil::wire::json::read_object(text.as_bytes(), |_| Ok(())).map_err(|_| refuse.clone())?;
    serde_json::from_str(text).map_err(|_| refuse)
}

fn max_age(form: &Form) -> Result<Option<u64>, Refusal> {
    let refuse = |_| reason::MAX_AGE_MALFORMED.refusal();
    form.get("max_age").map(|text| text.parse().map_err(refuse)).transpose()
}

fn prompt(form: &Form) -> Result<Vec<String>, Refusal> {
    let prompt = words(form.get("prompt"));
    let known = |word: &String| matches!(word.as_str(), "none" | "login" | "consent" | "select_account");
    if !prompt.iter().all(known) || (prompt.len() > 1 && prompt.iter().any(|word| word == "none")) {
        return Err(reason::PROMPT_MALFORMED.refusal());
    }
    Ok(prompt)
}

fn grant_management(form: &Form) -> Result<Option<GrantManagement>, Refusal> {
    let grant_id = form.get("grant_id").map(str::to_owned);
    let action = match form.get("grant_management_action") {
        None if grant_id.is_none() => return Ok(None),
        None => return Err(reason::GRANT_ID_WITHOUT_ACTION.refusal()),
        Some("create") => GrantAction::Create,
        Some("merge") => GrantAction::Merge,
        Some("replace") => GrantAction::Replace,
        Some(_) => return Err(reason::GRANT_ACTION_UNKNOWN.refusal()),
    };
    if (action == GrantAction::Create) == grant_id.is_some() {
        return Err(reason::GRANT_ID_MISPLACED.refusal());
    }
    Ok(Some(GrantManagement { action, grant_id }))
}

/// The words between single spaces.
pub(crate) fn words(text: Option<&str>) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    for word in text.unwrap_or_default().split(' ').filter(|word| !word.is_empty()) {
        if !words.iter().any(|own| own == word) {
            words.push(word.to_owned());
        }
    }
    words
}
