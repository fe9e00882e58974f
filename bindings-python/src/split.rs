//! Split tokens: the ticket that a client holds, and the counterfoil that is kept.

use counterfoil::Error;
use counterfoil::oauth::split_token::{self, Counterfoil, KeyEncoding, Ticket};
use counterfoil_gateway::settings;
use pyo3::prelude::*;
use pyo3::types::PyBytes;

use crate::error::{misconfigured, raised};
use crate::text::Text;

pub(crate) fn encoding_of(py: Python<'_>, name: &str) -> PyResult<KeyEncoding> {
    settings::key_encoding(name).map_err(|error| misconfigured(py, &error))
}

/// Takes a compact token apart: the counterfoil to keep, and the ticket to give to the client.
#[pyfunction]
pub(crate) fn split(py: Python<'_>, token: Text<'_>) -> PyResult<(String, String)> {
    let token = token.bytes()?;
    let (counterfoil, _) = split_token::split(token).map_err(|error| raised(py, error))?;
    // Behind the dot. Both halves are base64url and dots.
    let ticket = token.get(counterfoil.as_bytes().len().saturating_add(1)..).unwrap_or_default();
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).map_err(|_| raised(py, Error::CounterfoilMalformed));
    Ok((text(counterfoil.as_bytes())?, text(ticket)?))
}

/// Puts the halves together again, as a service behind the gateway wants them.
#[pyfunction]
pub(crate) fn join(py: Python<'_>, counterfoil: Text<'_>, ticket: Text<'_>) -> PyResult<String> {
    let (counterfoil, ticket) = (counterfoil.bytes()?, ticket.bytes()?);
    let mut out = vec![0; counterfoil.len().saturating_add(ticket.len()).saturating_add(1)];
    let mut joined = || split_token::join(Counterfoil::parse(counterfoil)?, Ticket::parse(ticket)?, &mut out).map(str::to_owned);
    joined().map_err(|error| raised(py, error))
}

/// The key under which a ticket's counterfoil is kept: `str`, or for `raw` the 32 `bytes`.
#[pyfunction]
#[pyo3(signature = (ticket, encoding = "base64url"))]
pub(crate) fn counterfoil_key(py: Python<'_>, ticket: Text<'_>, encoding: &str) -> PyResult<Py<PyAny>> {
    let encoding = encoding_of(py, encoding)?;
    let key = Ticket::parse(ticket.bytes()?).map_err(|error| raised(py, error))?.key();
    let mut out = [0; 64];
    let text = key.encode(encoding, &mut out).map_err(|error| raised(py, error))?;
    match core::str::from_utf8(text) {
        Ok(text) if encoding != KeyEncoding::Raw => Ok(text.into_pyobject(py)?.into_any().unbind()),
        _ => Ok(PyBytes::new(py, text).into_any().unbind()),
    }
}
