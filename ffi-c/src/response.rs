//! JWT-secured authorization responses, as the client that asked for one must judge them (JARM).

use core::mem::MaybeUninit;

use counterfoil::oauth::introspection::IntrospectionRules;
use counterfoil::oauth::jarm::{self, AuthorizationResponse, SentState};
use counterfoil::wire::value::Str;
use counterfoil::{Error, Seconds, UnixTime};

use crate::boundary::{Buffer, Bytes, Code, given, guard};
use crate::keys::{Keys, algorithms_of};

/// What one client expects of one authorization server. Plain data, as a server's.
#[repr(C)]
pub struct ResponseRules<'a> {
    /// The authorization server.
    issuer: Bytes<'a>,
    /// This client.
    client_id: Bytes<'a>,
    /// As a server's.
    algorithms: u32,
    /// The authorization server's keys.
    keys: Option<&'a Keys>,
    /// Seconds that the server's clock may differ.
    leeway: u64,
    /// The `state` that was sent; `data` NULL when none was.
    state: Bytes<'a>,
}

/// A response that was accepted: `code`, or `error` with what may come with it; absent ones have `data` NULL.
#[repr(C)]
pub struct Response<'s> {
    /// The authorization code (RFC 6749 section 4.1.2).
    code: Bytes<'s>,
    /// The refusal (RFC 6749 section 4.1.2.1).
    error: Bytes<'s>,
    /// For people.
    error_description: Bytes<'s>,
    /// For people.
    error_uri: Bytes<'s>,
}

/// Judges the parameters of a redirect (what stood behind `?` or `#`, or a form body): the one `response`, and nothing plain beside it.
/// `scratch` of 32 KiB always suffices; the response refers to it.
#[unsafe(no_mangle)]
pub extern "C" fn counterfoil_response_accept_query<'s>(
    rules: Option<&ResponseRules<'_>>,
    query: Bytes<'_>,
    now: u64,
    scratch: Buffer<'s>,
    response_out: Option<&mut MaybeUninit<Response<'s>>>,
) -> Code {
    accept(rules, scratch, response_out, |rules, state, scratch| rules.accept_query(query.text()?, state, UnixTime(now), scratch))
}

/// Judges a response JWT by itself.
#[unsafe(no_mangle)]
pub extern "C" fn counterfoil_response_accept<'s>(
    rules: Option<&ResponseRules<'_>>,
    response: Bytes<'_>,
    now: u64,
    scratch: Buffer<'s>,
    response_out: Option<&mut MaybeUninit<Response<'s>>>,
) -> Code {
    accept(rules, scratch, response_out, |rules, state, scratch| rules.accept(response.read()?, state, UnixTime(now), scratch))
}

fn accept<'s>(
    rules: Option<&ResponseRules<'_>>,
    scratch: Buffer<'s>,
    response_out: Option<&mut MaybeUninit<Response<'s>>>,
    judge: impl FnOnce(&jarm::ResponseRules<'_>, SentState<'_>, &'s mut [u8]) -> Result<AuthorizationResponse<'s>, Error>,
) -> Code {
    guard(|| {
        let (rules, out) = (given(rules)?, given(response_out)?);
        let snapshot = given(rules.keys)?.snapshot()?;
        let (issuer, client_id, algorithms) = (rules.issuer.text()?, rules.client_id.text()?, algorithms_of(rules.algorithms)?);
        let own = jarm::ResponseRules::new(issuer, client_id, algorithms, snapshot.keys())?.with_leeway(Seconds(rules.leeway));
        let state = rules.state.optional_text()?.map_or(SentState::None, SentState::Sent);
        // Half is for what is decoded, half for texts with escapes.
        let scratch = scratch.open()?;
        let (decoded, mut texts) = scratch.split_at_mut(scratch.len() / 2);
        let mut text = |string: Option<Str<'s>>| resolved(string, &mut texts);
        out.write(match judge(&own, state, decoded)? {
            AuthorizationResponse::Code(code) => {
                Response { code: text(Some(code))?, error: Bytes::NULL, error_description: Bytes::NULL, error_uri: Bytes::NULL }
            }
            AuthorizationResponse::Error { error, description, uri } => {
                Response { code: Bytes::NULL, error: text(Some(error))?, error_description: text(description)?, error_uri: text(uri)? }
            }
        });
        Ok(())
    })
}

/// The text where it stands, or resolved at the start of `rest`, which becomes what is behind it.
fn resolved<'s>(string: Option<Str<'s>>, rest: &mut &'s mut [u8]) -> Result<Bytes<'s>, Error> {
    let Some(string) = string else { return Ok(Bytes::NULL) };
    if let Some(text) = string.as_str() {
        return Ok(Bytes::of(text.as_bytes()));
    }
    let (own, behind) = core::mem::take(rest).split_at_mut_checked(string.len()).ok_or(Error::BufferTooSmall)?;
    *rest = behind;
    string.copy_to(own).map(|text| Bytes::of(text.as_bytes())).ok_or(Error::BufferTooSmall)
}

/// Judges a signed introspection answer (RFC 9701), made for this server within the last 5 minutes, and finds the claims object of the
/// token that was asked about, which `COUNTERFOIL_FORM_INTROSPECTED` then judges. `client_id` of the rules is the identifier under which
/// the server asked; their `state` is not read. `scratch` of 16 KiB always suffices.
#[unsafe(no_mangle)]
pub extern "C" fn counterfoil_introspection_accept<'s>(
    rules: Option<&ResponseRules<'_>>,
    answer: Bytes<'_>,
    now: u64,
    scratch: Buffer<'s>,
    json_out: Option<&mut MaybeUninit<Bytes<'s>>>,
) -> Code {
    guard(|| {
        let (rules, out) = (given(rules)?, given(json_out)?);
        let snapshot = given(rules.keys)?.snapshot()?;
        let (issuer, audience, algorithms) = (rules.issuer.text()?, rules.client_id.text()?, algorithms_of(rules.algorithms)?);
        let own = IntrospectionRules::new(issuer, audience, algorithms, snapshot.keys())?.with_leeway(Seconds(rules.leeway));
        out.write(Bytes::of(own.accept(answer.read()?, UnixTime(now), scratch.open()?)?.as_bytes()));
        Ok(())
    })
}
