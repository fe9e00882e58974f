//! Node-API by itself, for what is done for every token: the conversions of napi-rs and its records of borrowed objects take longer than to
//! judge a token that is remembered. All `unsafe` of this crate is here.

use core::cell::RefCell;
use core::ffi::c_char;
use core::panic::AssertUnwindSafe;
use core::ptr;
use std::panic::catch_unwind;

use counterfoil::Error;
use counterfoil::jose::thumbprint::Thumbprint;
use counterfoil::oauth::confirmation::Presenter;
use napi::bindgen_prelude::{FromNapiValue, Object, ToNapiValue, TypeName, Uint8ArraySlice, ValidateNapiValue};
use napi::{Env, Status, ValueType, sys};
use napi_derive::napi;

use crate::scratch::{time, with_scratch};
use crate::text::{Json, Text};
use crate::verifier::gateways;

/// V8 writes a string without measuring it first where there are three octets for each character: for tokens up to the default limit.
const AT_ONCE: usize = 3 * 16 * 1024 + 1;

/// A string that is cut ends at a character, which has at most four octets.
const WHOLE: usize = AT_ONCE - 4;

std::thread_local! {
    static BUFFER: RefCell<Box<[u8]>> = RefCell::new(vec![0; AT_ONCE].into_boxed_slice());
}

/// The string `value`, in UTF-8, as far as it fits into `buffer`; `None` where it is no string.
///
/// # Safety
/// `env` and `value` are those of the current call.
unsafe fn read(env: sys::napi_env, value: sys::napi_value, buffer: &mut [u8]) -> Option<&[u8]> {
    let mut length = 0;
    // SAFETY: the caller's promise; the buffer is as long as is said, and all that is written to.
    let status =
        unsafe { sys::napi_get_value_string_utf8(env, value, buffer.as_mut_ptr().cast::<c_char>(), buffer.len(), &raw mut length) };
    buffer.get(..length).filter(|_| status == sys::Status::napi_ok)
}

/// `text` as a string of JavaScript's.
///
/// # Safety
/// `env` is that of the current call.
unsafe fn write(env: sys::napi_env, text: &str) -> Option<sys::napi_value> {
    let (start, length, mut value) = (text.as_ptr().cast::<c_char>(), isize::try_from(text.len()).ok()?, ptr::null_mut());
    // What is ASCII is copied, and not decoded.
    let create = if text.is_ascii() { sys::napi_create_string_latin1 } else { sys::napi_create_string_utf8 };
    // SAFETY: the caller's promise; the text is as long as is said, is ASCII or UTF-8, and is copied.
    let status = unsafe { create(env, start, length, &raw mut value) };
    (status == sys::Status::napi_ok).then_some(value)
}

impl TypeName for Text {
    fn type_name() -> &'static str {
        "string or Uint8Array"
    }

    fn value_type() -> ValueType {
        ValueType::Unknown
    }
}

impl ValidateNapiValue for Text {
    unsafe fn validate(_: sys::napi_env, _: sys::napi_value) -> napi::Result<sys::napi_value> {
        // What is neither is found out when it is read.
        Ok(ptr::null_mut())
    }
}

impl FromNapiValue for Text {
    unsafe fn from_napi_value(env: sys::napi_env, value: sys::napi_value) -> napi::Result<Self> {
        // SAFETY: the caller's promise, here and below.
        let at_once = BUFFER.with_borrow_mut(|buffer| unsafe { read(env, value, buffer) }.map(<[u8]>::to_vec));
        match at_once {
            Some(text) if text.len() < WHOLE => Ok(Self::new(text)),
            // SAFETY: the caller's promise.
            Some(_) => unsafe { String::from_napi_value(env, value) }.map(|text| Self::new(text.into_bytes())),
            // SAFETY: the caller's promise.
            None => match unsafe { Uint8ArraySlice::from_napi_value(env, value) } {
                Ok(octets) => Ok(Self::new(octets.to_vec())),
                Err(_) => Err(napi::Error::new(Status::StringExpected, "a string or a Uint8Array is expected")),
            },
        }
    }
}

impl TypeName for Json {
    fn type_name() -> &'static str {
        "string"
    }

    fn value_type() -> ValueType {
        ValueType::String
    }
}

impl ToNapiValue for Json {
    unsafe fn to_napi_value(env: sys::napi_env, Self(text): Self) -> napi::Result<sys::napi_value> {
        // SAFETY: the caller's promise.
        unsafe { write(env, &text) }.ok_or_else(|| napi::Error::from_status(Status::GenericFailure))
    }
}

/// `acceptHeld(verifier, token, thumbprint, now)`: as `accept`, presented with a certificate or by nobody. Returns undefined for what it leaves
/// to `accept`: a token that is no string, or longer than any.
unsafe extern "C" fn accept_held(env: sys::napi_env, info: sys::napi_callback_info) -> sys::napi_value {
    // SAFETY: Node-API calls this, with an environment and a call that are current.
    let judged = catch_unwind(AssertUnwindSafe(|| unsafe { held(env, info) }));
    // SAFETY: as before.
    let judged = judged.unwrap_or_else(|_| Some(unsafe { number(env, Error::Panicked) }));
    // To Node-API this is undefined.
    judged.unwrap_or(ptr::null_mut())
}

/// # Safety
/// `env` and `info` are those of the current call.
unsafe fn held(env: sys::napi_env, info: sys::napi_callback_info) -> Option<sys::napi_value> {
    let (mut arguments, mut count) = ([ptr::null_mut(); 4], 4);
    // SAFETY: the caller's promise; there is room for as many arguments as is said, and what is not given becomes undefined.
    let status = unsafe { sys::napi_get_cb_info(env, info, &raw mut count, arguments.as_mut_ptr(), ptr::null_mut(), ptr::null_mut()) };
    let [verifier, token, thumbprint, now] = arguments;
    let (mut place, mut seconds) = (0, 0.0);
    // SAFETY: the caller's promise; the arguments are values of this call.
    let is_known =
        status == sys::Status::napi_ok && unsafe { sys::napi_get_value_uint32(env, verifier, &raw mut place) } == sys::Status::napi_ok;
    let gateways = gateways();
    let gateway = gateways.get(usize::try_from(place).ok().filter(|_| is_known)?)?.as_ref()?;
    // SAFETY: as before.
    let is_given = unsafe { sys::napi_get_value_double(env, now, &raw mut seconds) } == sys::Status::napi_ok;
    let now = time(is_given.then_some(seconds));
    let mut buffer = [0; 64];
    // SAFETY: as before.
    let thumbprint = unsafe { read(env, thumbprint, &mut buffer) }.map(Thumbprint::parse);
    BUFFER.with_borrow_mut(|buffer| {
        // SAFETY: as before.
        let token = unsafe { read(env, token, buffer) }.filter(|token| token.len() < WHOLE)?;
        let judge = |presenter| {
            with_scratch(|scratch| {
                let token = gateway.accept(token, presenter, now, scratch)?;
                // SAFETY: as before.
                unsafe { write(env, token.payload()) }.ok_or(Error::BufferTooSmall)
            })
        };
        let verdict = thumbprint.map_or(Ok(Presenter::Bearer), |thumbprint| thumbprint.map(Presenter::Certificate)).and_then(judge);
        // SAFETY: as before.
        Some(verdict.unwrap_or_else(|error| unsafe { number(env, error) }))
    })
}

/// The number of a refusal; undefined where none can be made, which is no acceptance either.
///
/// # Safety
/// `env` is that of the current call.
unsafe fn number(env: sys::napi_env, error: Error) -> sys::napi_value {
    let mut value = ptr::null_mut();
    // SAFETY: the caller's promise.
    let _ = unsafe { sys::napi_create_uint32(env, error.code().into(), &raw mut value) };
    value
}

/// Adds what the macros of napi-rs do not make.
///
/// # Errors
/// Node-API's.
#[napi(module_exports)]
pub(crate) fn export(mut exports: Object<'_>, env: Env) -> napi::Result<()> {
    let function = env.create_function::<(), ()>("acceptHeld", accept_held)?;
    exports.set("acceptHeld", function)
}
