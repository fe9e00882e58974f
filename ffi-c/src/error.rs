//! What the codes mean.

use core::ffi::{CStr, c_char};

use counterfoil::Error;

const LONGEST: usize = 32;

/// The slugs of `Error::ALL`, each with its NUL.
static SLUGS: [[u8; LONGEST]; Error::ALL.len()] = slugs();

const fn slugs() -> [[u8; LONGEST]; Error::ALL.len()] {
    let mut slugs = [[0; LONGEST]; Error::ALL.len()];
    let mut i = 0;
    while i < Error::ALL.len() {
        let slug = Error::ALL[i].slug().as_bytes();
        assert!(slug.len() < LONGEST);
        let mut at = 0;
        while at < slug.len() {
            slugs[i][at] = slug[at];
            at += 1;
        }
        i += 1;
    }
    slugs
}

/// The error of this code.
pub(crate) fn error_of(code: u16) -> Option<Error> {
    Error::ALL.iter().copied().find(|error| error.code() == code)
}

/// The stable lower-case name of a code: `ok` for 0, `unknown` for a number that is no code. Never NULL.
#[unsafe(no_mangle)]
pub extern "C" fn counterfoil_error_slug(code: u16) -> *const c_char {
    let place = Error::ALL.iter().position(|error| error.code() == code);
    match place.and_then(|place| SLUGS.get(place)) {
        Some(slug) => slug.as_ptr().cast(),
        None if code == 0 => c"ok".as_ptr(),
        None => c"unknown".as_ptr(),
    }
}

/// The HTTP status that a request refused with this code deserves; 200 for 0. An outage is 503 and the host's own mistake 500.
#[unsafe(no_mangle)]
pub extern "C" fn counterfoil_error_http_status(code: u16) -> u16 {
    if code == 0 { 200 } else { error_of(code).map_or(500, |error| error.http().status) }
}

/// The `error` of the challenge (RFC 6750 section 3.1, RFC 9449 section 7.1, RFC 9470 section 3); NULL where there is none.
#[unsafe(no_mangle)]
pub extern "C" fn counterfoil_error_oauth(code: u16) -> *const c_char {
    const NAMES: [&CStr; 6] = [
        c"invalid_request",
        c"invalid_token",
        c"insufficient_scope",
        c"insufficient_user_authentication",
        c"use_dpop_nonce",
        c"invalid_dpop_proof",
    ];
    let name = error_of(code).and_then(|error| error.http().error);
    let known = NAMES.iter().find(|known| name.is_some_and(|name| known.to_bytes() == name.as_bytes()));
    known.map_or(core::ptr::null(), |known| known.as_ptr())
}

/// The version of the library that is running, as `0.1.0`.
#[unsafe(no_mangle)]
pub extern "C" fn counterfoil_version() -> *const c_char {
    concat!(env!("CARGO_PKG_VERSION"), "\0").as_ptr().cast()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_oauth_error_has_its_name_in_c() {
        for error in Error::ALL {
            assert_eq!(counterfoil_error_oauth(error.code()).is_null(), error.http().error.is_none(), "{error}");
        }
    }
}
