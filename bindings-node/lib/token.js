'use strict'

const { refusal } = require('./errors.js')

/** Only this module knows it, so only a verdict makes access tokens. */
const ACCEPTED = Symbol('accepted')

/** An access token that passed every check. There is no other way to one. */
class AccessToken {
  #payload
  #claims

  constructor(accepted, payload) {
    if (accepted !== ACCEPTED) throw new TypeError('only a Verifier makes access tokens')
    this.#payload = payload
  }

  /** The claims as the JSON text that was signed. */
  get payload() {
    return this.#payload
  }

  /** All claims. Made when first asked for, then always the same, and frozen. */
  get claims() {
    return (this.#claims ??= frozen(JSON.parse(this.#payload)))
  }

  /** `iss`. */
  get issuer() {
    return this.#claim('iss')
  }

  /** `sub`. */
  get subject() {
    return this.#claim('sub')
  }

  /** `client_id`. */
  get clientId() {
    return this.#claim('client_id')
  }

  /** `jti`. */
  get jwtId() {
    return this.#claim('jti')
  }

  /** `aud`, always as an array. */
  get audiences() {
    return [this.#claim('aud')].flat()
  }

  /** `scope`, as it is: words between spaces. */
  get scope() {
    return this.#claim('scope')
  }

  /** Whether `scope` is one of the words of the claim. */
  hasScope(scope) {
    return scope !== '' && (this.scope?.split(' ').includes(scope) ?? false)
  }

  /** `exp`, in whole seconds. */
  get expiresAt() {
    return this.#seconds('exp')
  }

  /** `iat`, in whole seconds. */
  get issuedAt() {
    return this.#seconds('iat')
  }

  /** `nbf`, in whole seconds. */
  get notBefore() {
    return this.#seconds('nbf')
  }

  /** `auth_time`, in whole seconds. */
  get authTime() {
    return this.#seconds('auth_time')
  }

  /** `acr`. */
  get acr() {
    return this.#claim('acr')
  }

  /** What the token is bound to, and its holder has proved; null for an unbound one. */
  get confirmation() {
    return this.#claim('cnf')
  }

  /** `authorization_details` (RFC 9396). */
  get authorizationDetails() {
    return this.#claim('authorization_details')
  }

  toJSON() {
    return this.claims
  }

  /** Never what is inherited from a prototype. */
  #claim(name) {
    return Object.hasOwn(this.claims, name) ? this.claims[name] : null
  }

  #seconds(name) {
    const date = this.#claim(name)
    return date === null ? null : Math.floor(date)
  }
}

function frozen(value) {
  if (typeof value !== 'object' || value === null) return value
  for (const member of Object.values(value)) frozen(member)
  return Object.freeze(value)
}

/** The engine's verdict as a token or an error. */
function tokenOrError(verdict) {
  if (typeof verdict === 'string') return new AccessToken(ACCEPTED, verdict)
  return typeof verdict === 'number' ? refusal(verdict) : refusal(verdict.number, verdict)
}

/** The engine's verdict as a token, or the error thrown. */
function tokenOf(verdict) {
  const made = tokenOrError(verdict)
  if (made instanceof AccessToken) return made
  throw made
}

module.exports = { AccessToken, tokenOf, tokenOrError }
