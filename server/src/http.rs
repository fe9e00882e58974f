//! A request as the rest of the server sees it, and answers.

use core::net::IpAddr;
use std::sync::Arc;

use counterfoil::UnixTime;
use counterfoil_gateway::Certificate;
use http_body_util::Full;
use hyper::body::Bytes;
use hyper::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderName, HeaderValue};
use hyper::http::request::Parts;
use hyper::{HeaderMap, Method, StatusCode};
use serde::Serialize;

use crate::error::Refusal;
use crate::reason;

/// An answer, whole.
pub type Response = hyper::Response<Full<Bytes>>;

/// The certificate that a client proved to hold in the handshake, and what may be said of it.
#[derive(Debug)]
pub struct PeerCertificate {
    /// The certificate itself.
    pub certificate: Certificate,
    /// In DER.
    pub der: Vec<u8>,
    /// Whether an authority of the configuration vouches for it.
    pub is_vouched_for: bool,
}

/// What is known of the connection that a request came by.
#[derive(Clone, Debug)]
pub struct Peer {
    /// From where.
    pub address: IpAddr,
    /// The client's certificate, if it presented one.
    pub certificate: Option<Arc<PeerCertificate>>,
    /// Whether it came to the host name that asks for certificates.
    pub is_mtls_host: bool,
    /// Whether it came to the address that is for operators alone.
    pub is_operator: bool,
}

/// A request with its whole body.
#[derive(Debug)]
pub struct Request {
    /// Method, target and headers.
    pub parts: Parts,
    /// The body.
    pub body: Bytes,
    /// By which connection it came.
    pub peer: Peer,
    /// When: every judgement of this request is by this time.
    pub now: UnixTime,
}

impl Request {
    pub(crate) fn method(&self) -> &Method {
        &self.parts.method
    }

    pub(crate) fn headers(&self) -> &HeaderMap {
        &self.parts.headers
    }

    pub(crate) fn query(&self) -> &str {
        self.parts.uri.query().unwrap_or_default()
    }

    /// Every field line of a header.
    pub(crate) fn fields(&self, name: impl hyper::header::AsHeaderName) -> Vec<&[u8]> {
        self.headers().get_all(name).iter().map(HeaderValue::as_bytes).collect()
    }

    /// The body, which must be a form (RFC 6749 appendix B).
    pub(crate) fn form(&self) -> Result<Form, Refusal> {
        let is_form = self.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).is_some_and(|value| {
            let essence = value.split(';').next().unwrap_or_default().trim();
            essence.eq_ignore_ascii_case("application/x-www-form-urlencoded")
        });
        if !is_form {
            return Err(reason::FORM_EXPECTED.refusal().with_status(StatusCode::UNSUPPORTED_MEDIA_TYPE));
        }
        let text = core::str::from_utf8(&self.body).map_err(|_| reason::FORM_NOT_UTF8.refusal())?;
        Form::parse(text)
    }

    /// A cookie's value, if it came exactly once.
    pub(crate) fn cookie(&self, name: &str) -> Option<&str> {
        let lines = self.headers().get_all(hyper::header::COOKIE).iter().filter_map(|line| line.to_str().ok());
        let mut named =
            lines.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('=')).filter(|(own, _)| *own == name);
        let (_, value) = named.next()?;
        if named.next().is_some() { None } else { Some(value) }
    }
}

/// Parameters: strictly decoded, none twice but `resource`; an empty one is none (RFC 6749 section 3.1).
#[derive(Clone, Debug, Default)]
pub struct Form(Vec<(String, String)>);

impl Form {
    /// More parameters than this are nobody's.
    const MOST: usize = 64;

    pub(crate) fn parse(text: &str) -> Result<Self, Refusal> {
        let mut parameters: Vec<(String, String)> = Vec::new();
        for pair in text.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let (name, value) = (decoded(name)?, decoded(value)?);
            if value.is_empty() {
                continue;
            }
            if name != "resource" && parameters.iter().any(|(own, _)| *own == name) {
                return Err(reason::PARAMETER_TWICE.refusal());
            }
            if parameters.len() == Self::MOST {
                return Err(reason::PARAMETERS_TOO_MANY.refusal());
            }
            parameters.push((name, value));
        }
        Ok(Self(parameters))
    }

    /// The members of a signed request, as if they had come in a form: texts as they are, JSON as text (RFC 9101 section 4).
    pub(crate) fn of_claims(claims: impl Iterator<Item = (String, serde_json::Value)>) -> Option<Self> {
        use serde_json::Value;
        let mut parameters = Vec::new();
        for (name, value) in claims {
            match value {
                Value::Array(values) if name == "resource" => {
                    for value in values {
                        parameters.push((name.clone(), value.as_str()?.to_owned()));
                    }
                }
                // As an empty parameter of a form is none; requests-oauth2client sends what it has no value for so.
                Value::Null => {}
                Value::String(text) if text.is_empty() => {}
                Value::String(text) => parameters.push((name, text)),
                other => parameters.push((name, other.to_string())),
            }
        }
        let is_clean = |(_, value): &(String, String)| !value.contains('\0');
        Some(Self(parameters)).filter(|form| form.0.len() <= Self::MOST && form.0.iter().all(is_clean))
    }

    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(own, _)| own == name).map(|(_, value)| value.as_str())
    }

    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|(name, _)| name.as_str())
    }

    pub(crate) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |(own, _)| own == name).map(|(_, value)| value.as_str())
    }
}

fn decoded(text: &str) -> Result<String, Refusal> {
    let refuse = || reason::PARAMETER_MALFORMED.refusal();
    // Assertions, which are most of a request, have nothing to decode.
    if !text.bytes().any(|byte| matches!(byte, b'%' | b'+' | 0)) {
        return Ok(text.to_owned());
    }
    let spaced = text.replace('+', " ");
    // The decoder leaves what is no escape as it is; here that is a mistake.
    let mut rest = spaced.as_bytes();
    while let Some(at) = rest.iter().position(|byte| *byte == b'%') {
        match rest.get(at + 1..at + 3) {
            Some(digits) if digits.iter().all(u8::is_ascii_hexdigit) => rest = rest.get(at + 3..).unwrap_or_default(),
            _ => return Err(refuse()),
        }
    }
    let text = percent_encoding::percent_decode_str(&spaced).decode_utf8().map_err(|_| refuse())?;
    if text.contains('\0') { Err(refuse()) } else { Ok(text.into_owned()) }
}

/// As a query is written.
pub(crate) fn encoded(text: &str) -> String {
    use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
    const KEPT: AsciiSet = NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
    utf8_percent_encode(text, &KEPT).to_string()
}

/// `uri` with more parameters in its query (RFC 6749 section 4.1.2).
pub(crate) fn with_parameters(uri: &str, parameters: &[(&str, &str)]) -> String {
    let mut uri = uri.to_owned();
    for (name, value) in parameters {
        uri.push(if uri.contains('?') { '&' } else { '?' });
        uri.push_str(name);
        uri.push('=');
        uri.push_str(&encoded(value));
    }
    uri
}

/// `uri` with parameters in its fragment, which it must not have yet.
pub(crate) fn with_fragment(uri: &str, parameters: &[(&str, &str)]) -> String {
    let pairs: Vec<String> = parameters.iter().map(|(name, value)| format!("{name}={}", encoded(value))).collect();
    format!("{uri}#{}", pairs.join("&"))
}

/// An answer with a body of this type, never to be stored.
pub(crate) fn answer(status: StatusCode, content_type: &'static str, body: impl Into<Bytes>) -> Response {
    let mut response = Response::new(Full::new(body.into()));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// A JSON answer, never to be stored.
pub(crate) fn json(status: StatusCode, body: &impl Serialize) -> Response {
    // What is answered is made of strings, numbers and JSON: writing it cannot fail.
    answer(status, "application/json", serde_json::to_vec(body).unwrap_or_default())
}

/// An answer without a body.
pub(crate) fn empty(status: StatusCode) -> Response {
    let mut response = Response::new(Full::default());
    *response.status_mut() = status;
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// To another URL, by GET whatever this was (FAPI 2.0 section 5.3.2.2, number 11: never 307).
pub(crate) fn see_other(url: &str) -> Result<Response, Refusal> {
    let location = HeaderValue::from_str(url).map_err(|_| reason::FAULT.refusal().because("a redirect that is no header"))?;
    let mut response = empty(StatusCode::SEE_OTHER);
    response.headers_mut().insert(hyper::header::LOCATION, location);
    Ok(response)
}

/// Adds a header whose value is known to be one; another is left out.
pub(crate) fn set(response: &mut Response, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        response.headers_mut().insert(name, value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_is_decoded_strictly() {
        let form = Form::parse("a=b+c%20d&empty=&resource=x&resource=y&%C3%A9=%E2%82%AC").unwrap();
        assert_eq!((form.get("a"), form.get("empty"), form.get("é")), (Some("b c d"), None, Some("€")));
        assert_eq!(form.all("resource").collect::<Vec<_>>(), ["x", "y"]);
        for wrong in ["a=1&a=2", "a=%", "a=%2", "a=%zz", "a=%ff", "a=%00"] {
            assert!(Form::parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn parameters_are_appended_to_a_query_that_is_there() {
        assert_eq!(
            with_parameters("https://c/cb?x=1", &[("code", "a b"), ("iss", "https://as")]),
            "https://c/cb?x=1&code=a%20b&iss=https%3A%2F%2Fas"
        );
        assert_eq!(with_parameters("https://c/cb", &[("code", "a")]), "https://c/cb?code=a");
    }
}
