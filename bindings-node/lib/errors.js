'use strict'

const { CODES } = require('./codes.js')

/** A refusal, or a mistake in the configuration. Holds nothing of what was judged, so it may be logged. */
class CounterfoilError extends Error {
  constructor(number, { wwwAuthenticate = null, dpopNonce = null, about = null } = {}) {
    const [code, family, status, rfc, sentence] = CODES[number]
    super(about === null ? `${code}: ${sentence}` : `${code}: ${about}`)
    Object.assign(this, { code, number, rfc, status, wwwAuthenticate, dpopNonce, about })
    Object.defineProperty(this, 'family', { value: family })
  }

  get name() {
    return this.constructor.name
  }

  /** A JSON body that says no more than the challenge does. */
  get body() {
    const error = ERRORS[this.code] ?? BY_STATUS[this.status] ?? BY_FAMILY[this.family] ?? 'invalid_token'
    return JSON.stringify({ error })
  }
}

/** Between the engine and this language; `panicked` is a mistake of this library's. */
class BoundaryError extends CounterfoilError {}
/** The bytes are not what they claim to be. */
class ShapeError extends CounterfoilError {}
/** Signatures and keys. */
class SignatureError extends CounterfoilError {}
/** The claims of a token. */
class ClaimError extends CounterfoilError {}
/** The binding of a token to its holder. */
class ConfirmationError extends CounterfoilError {}
/** DPoP proofs (RFC 9449). */
class ProofError extends CounterfoilError {}
/** JARM responses. */
class ResponseError extends CounterfoilError {}
/** Split and phantom tokens, and their lookup. */
class SplitTokenError extends CounterfoilError {}
/** The credentials of an HTTP request. */
class RequestError extends CounterfoilError {}
/** A mistake of the caller's: what is configured, or how it is called. */
class ConfigurationError extends CounterfoilError {}

const FAMILIES = {
  Boundary: BoundaryError,
  Shape: ShapeError,
  Signature: SignatureError,
  Claim: ClaimError,
  Confirmation: ConfirmationError,
  Proof: ProofError,
  Response: ResponseError,
  SplitToken: SplitTokenError,
  Request: RequestError,
  Misuse: ConfigurationError,
}
const ERRORS = {
  scope_insufficient: 'insufficient_scope',
  authentication_context: 'insufficient_user_authentication',
  authentication_age: 'insufficient_user_authentication',
  nonce_required: 'use_dpop_nonce',
  nonce_invalid: 'use_dpop_nonce',
}
const BY_STATUS = { 400: 'invalid_request', 500: 'server_error', 503: 'temporarily_unavailable' }
const BY_FAMILY = { Proof: 'invalid_dpop_proof' }

/** The error of a number. */
function refusal(number, more) {
  return new FAMILIES[CODES[number][1]](number, more)
}

/** The number of a code. */
function numberOf(code) {
  return Number(Object.keys(CODES).find((number) => CODES[number][0] === code))
}

/** Calls the engine; what it throws becomes an error of the library. */
function called(work) {
  try {
    return work()
  } catch (error) {
    if (CODES[error.code] !== undefined) throw refusal(Number(error.code), { about: inWordsOfJavaScript(error.message) })
    // The engine's own messages for arguments of a wrong type.
    if (/^(InvalidArg|.*Expected)$/.test(error.code)) throw new TypeError(error.message)
    throw error
  }
}

/** The engine names settings as its JSON does. */
function inWordsOfJavaScript(about) {
  return about === '' ? null : about.replace(/\b(?:jwks|required|acr|max|key|nonce|replay|only|token|client|ca|certificate)_[a-z_]+\b/g, camel)
}

function camel(name) {
  return name.replace(/_([a-z])/g, (_, letter) => letter.toUpperCase())
}

module.exports = {
  CounterfoilError,
  BoundaryError,
  ShapeError,
  SignatureError,
  ClaimError,
  ConfirmationError,
  ProofError,
  ResponseError,
  SplitTokenError,
  RequestError,
  ConfigurationError,
  refusal,
  numberOf,
  called,
}
