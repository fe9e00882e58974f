'use strict'

const { refusal } = require('./errors.js')

/** Only this module knows it, so only a verdict makes access tokens. */
const ACCEPTED = Symbol('accepted')

/**
 * The claims of tokens that come again, so that they are parsed once. They are frozen, and so may be shared. A token is found by the end of
 * its signature, and its claims are those of the very payload that was accepted. Bounded: of two halves, the older one is forgotten.
 */
class ClaimsMemory {
  #half
  #young = new Map()
  #old = new Map()

  constructor(capacity) {
    this.#half = Math.ceil(capacity / 2)
  }

  claimsOf(token, payload) {
    const tail = token.slice(-TAIL)
    const known = this.#young.get(tail) ?? this.#old.get(tail)
    if (known !== undefined && known.payload === payload) return known.claims
    const claims = frozen(JSON.parse(payload))
    if (this.#young.size >= this.#half) {
      this.#old = this.#young
      this.#young = new Map()
    }
    this.#young.set(tail, { payload, claims })
    return claims
  }
}

/** 258 bits of a signature. */
const TAIL = 43

/** An access token that passed every check. There is no other way to one. */
class AccessToken {
  #payload
  #claims
  #memory
  #token

  constructor(accepted, payload, memory, token) {
    if (accepted !== ACCEPTED) throw new TypeError('only a Verifier makes access tokens')
    this.#payload = payload
    this.#memory = memory
    this.#token = token
  }

  /** The claims as the JSON text that was signed. */
  get payload() {
    return this.#payload
  }

  /** All claims. Made when first asked for, then always the same, and frozen. */
  get claims() {
    return (this.#claims ??= this.#memory?.claimsOf(this.#token, this.#payload) ?? frozen(JSON.parse(this.#payload)))
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

/** The engine's verdict on `token` as a token or an error. `memory`: where its claims are remembered, if anywhere. */
function tokenOrError(verdict, memory, token) {
  if (typeof verdict === 'string') return new AccessToken(ACCEPTED, verdict, typeof token === 'string' ? memory : undefined, token)
  return typeof verdict === 'number' ? refusal(verdict) : refusal(verdict.number, verdict)
}

/** As `tokenOrError`, with the error thrown. */
function tokenOf(verdict, memory, token) {
  const made = tokenOrError(verdict, memory, token)
  if (made instanceof AccessToken) return made
  throw made
}

module.exports = { AccessToken, ClaimsMemory, tokenOf, tokenOrError }
