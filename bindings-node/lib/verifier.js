'use strict'

const native = require('./native.js')
const { certificateOf } = require('./certificate.js')
const { CounterfoilError, called } = require('./errors.js')
const { valuesOf } = require('./headers.js')
const { Queue, elsewhere } = require('./pool.js')
const { settings } = require('./settings.js')
const { AccessToken, ClaimsMemory, tokenOf, tokenOrError } = require('./token.js')

const NONE = Object.freeze({})
const FOR_ALL = new Set(['realm', 'dpop', 'split', 'introspection', 'feed', 'onlyReferences', 'tokenCache', 'keyTables', 'patience'])
const DEMANDS = ['scopes', 'acrValues', 'maxAge']
/** Where the values of `Authorization` are among the parts of a request. */
const CREDENTIAL = 2

/** A DPoP proof that passed every check and is used up. */
class Proof {
  #held

  constructor(held) {
    if (!(held instanceof native.Proof)) throw new TypeError('only Verifier.acceptProof makes proofs')
    this.#held = held
  }

  /** The thumbprint of its key (RFC 7638): `jkt`. */
  get thumbprint() {
    return this.#held.thumbprint()
  }

  /** `iat`, in whole seconds. */
  get issuedAt() {
    return this.#held.issuedAt()
  }

  static held(proof) {
    return proof.#held
  }
}

/** Judges tokens and requests for one resource server. One for a process; keys are fetched in the background. */
class Verifier {
  #gateway
  #memory
  #number
  #queue
  #waits

  /** Either `issuer`, `audience` and the other members of an issuer's policy, or `issuers`. */
  constructor({ issuers, ...options } = NONE) {
    const [all, policy] = [{}, {}]
    for (const [name, value] of Object.entries(options)) (FOR_ALL.has(name) ? all : policy)[name] = value
    const [alone] = Object.keys(policy)
    if (issuers !== undefined && alone !== undefined) throw new TypeError(`issuers stand alone: ${alone} belongs into each of them`)
    const text = JSON.stringify(settings({ ...all, issuers: issuers ?? [policy] }))
    this.#gateway = called(() => new native.Verifier(text))
    this.#number = this.#gateway.number()
    const remembered = all.tokenCache ?? 1024
    this.#memory = remembered > 0 ? new ClaimsMemory(remembered) : undefined
    this.#queue = new Queue(this.#gateway, remembered > 0)
    this.#waits = Boolean(all.split ?? all.introspection ?? all.patience)
  }

  /** Whether judging a token may wait for a lookup or for keys, so that it must not be done on JavaScript's thread. */
  get waits() {
    return this.#waits
  }

  /** Judges a token and who presents it, on this thread. */
  acceptSync(token, presenter = NONE) {
    const { certificate } = presenter
    const now = timeOf(presenter.now)
    const { accepted, text, method, url } = proofOf(presenter)
    const thumbprint = thumbprintOf(certificate)
    let verdict
    if (accepted === undefined && text === undefined) verdict = native.acceptHeld(this.#number, token, thumbprint, now)
    verdict ??= called(() => native.accept(this.#number, token, thumbprint, accepted, text, method, url, now))
    return tokenOf(verdict, this.#memory, token)
  }

  /** As `acceptSync`, on another thread. */
  accept(token, presenter = NONE) {
    return new Promise((resolve, reject) => {
      const { certificate } = presenter
      const now = timeOf(presenter.now)
      const { accepted, text, method, url } = proofOf(presenter)
      const thumbprint = thumbprintOf(certificate)
      const settle = (verdict) => {
        const made = tokenOrError(verdict, this.#memory, token)
        if (made instanceof AccessToken) resolve(made)
        else reject(made)
      }
      const isPlain = accepted === undefined && text === undefined && !this.#waits
      if (isPlain && isText(token)) return this.#queue.judge(token, thumbprint, now, settle)
      const rest = [this.#waits, this.#number, token, thumbprint, accepted, text, method, url, now]
      return elsewhere((verdicts, number) => called(() => native.acceptElsewhere(verdicts, number, ...rest)), settle)
    })
  }

  /** Judges a split token whose counterfoil the caller has looked up. */
  acceptSplit(counterfoil, ticket, presenter = NONE) {
    const { accepted, text, method, url } = proofOf(presenter)
    const thumbprint = thumbprintOf(presenter.certificate)
    return tokenOf(
      called(() => native.acceptSplit(this.#number, counterfoil, ticket, thumbprint, accepted, text, method, url, timeOf(presenter.now))),
    )
  }

  /** Judges one HTTP request, on this thread. */
  acceptRequestSync(request) {
    const parts = partsOf(request)
    return tokenOf(called(() => native.acceptRequest(this.#number, ...parts)), this.#memory, parts[CREDENTIAL][0])
  }

  /** As `acceptRequestSync`, on another thread. */
  async acceptRequest(request) {
    const parts = partsOf(request)
    const rest = [this.#waits, this.#number, ...parts]
    const submit = (verdicts, number) => called(() => native.acceptRequestElsewhere(verdicts, number, ...rest))
    return tokenOf(await new Promise((resolve) => elsewhere(submit, resolve)), this.#memory, parts[CREDENTIAL][0])
  }

  /** Judges many whole tokens at once, on this thread: `[token, certificate]` pairs in, tokens or errors out, each for itself. */
  acceptBatch(tokens, { now } = NONE) {
    const pairs = Array.from(tokens, ([token, certificate]) => [token, thumbprintOrError(certificate)])
    const thumbprints = pairs.map(([, thumbprint]) => (thumbprint instanceof CounterfoilError ? null : thumbprint))
    const verdicts = called(() => native.acceptBatch(this.#number, pairs.map(([token]) => token), thumbprints, timeOf(now)))
    return verdicts.map((verdict, place) => (pairs[place][1] instanceof CounterfoilError ? pairs[place][1] : tokenOrError(verdict)))
  }

  /** Judges a DPoP proof and uses it up. Without `token`: for a token endpoint. */
  acceptProof(proof, { method, url, token, now }) {
    return new Proof(called(() => this.#gateway.acceptProof(proof, method, url, token, timeOf(now))))
  }

  /** The value of `DPoP-Nonce` for every answer, where nonces are demanded; null where not. */
  dpopNonce({ now } = NONE) {
    return this.#gateway.dpopNonce(timeOf(now))
  }

  /** Puts another JWK Set in the place of an issuer's current one. */
  replaceKeys(issuer, jwks) {
    called(() => this.#gateway.replaceKeys(issuer, settings({ jwks }).jwks))
  }

  /** Waits until every issuer has keys, at most for so many seconds; says whether they have. */
  async waitForKeys(timeout) {
    const until = performance.now() + timeout * 1000
    while (!this.#gateway.hasKeys()) {
      if (performance.now() >= until) return false
      await new Promise((resolve) => setTimeout(resolve, 10))
    }
    return true
  }

  /** Refuses, until `until` (seconds since 1970), the split or phantom token whose SHA-256 is `key`, in base64url. */
  revoke(key, until) {
    called(() => this.#gateway.revoke(key, timeOf(until)))
  }

  /** How many requests and tokens were accepted, and how many refused, by code. */
  counters() {
    return this.#gateway.counters()
  }

  /** For each issuer: how many keys it has, how often its source was asked, how often in vain, and why the last time. */
  keyStatus() {
    return this.#gateway.keyStatus()
  }
}

/** A proof that was accepted, or one that is to be and what it is for. */
function proofOf({ certificate, dpop, method, url }) {
  const isAccepted = dpop instanceof Proof
  const text = isAccepted ? undefined : (dpop ?? undefined)
  if ((text !== undefined) !== (method !== undefined) || (text !== undefined) !== (url !== undefined)) {
    throw new TypeError('a proof needs method and url, and nothing else does')
  }
  if (dpop === undefined || dpop === null) return NONE
  if (certificate !== undefined && certificate !== null) throw new TypeError('certificate and dpop exclude each other')
  return { accepted: isAccepted ? Proof.held(dpop) : undefined, text, method, url }
}

/** Seconds; undefined where none are given. What is no time must not become one. */
function timeOf(now) {
  if (now === undefined || (Number.isFinite(now) && now >= 0)) return now
  throw new TypeError('a time is a number of seconds, since 1970 or, for maxAge, since the authentication')
}

function isText(value) {
  return typeof value === 'string' || value instanceof Uint8Array
}

function thumbprintOf(certificate) {
  return certificateOf(certificate)?.thumbprint
}

function thumbprintOrError(certificate) {
  try {
    return thumbprintOf(certificate) ?? null
  } catch (error) {
    if (error instanceof CounterfoilError) return error
    throw error
  }
}

/** A request for the engine. */
function partsOf({ method, url, headers, certificate, now, ...demands }) {
  for (const name of Object.keys(demands)) {
    if (!DEMANDS.includes(name)) throw new TypeError(`${name} is no member of a request`)
  }
  const [form = 0, text] = certificateOf(certificate)?.presented ?? []
  timeOf(demands.maxAge)
  const own = DEMANDS.some((name) => demands[name] !== undefined) ? demands : undefined
  return [method, url, valuesOf(headers, 'authorization'), valuesOf(headers, 'dpop'), form, text, own, timeOf(now)]
}

/** Judges the JARM responses of one authorization server to one client. */
class ResponseVerifier {
  #judge

  constructor(options = NONE) {
    this.#judge = called(() => new native.ResponseVerifier(JSON.stringify(settings(options))))
  }

  /** Judges a `response` JWT, or the `query` of a redirect that carries one. Without `state`: none was sent. */
  accept({ response, query, state, now }) {
    if ((response === undefined) === (query === undefined)) throw new TypeError('one of response and query')
    const accepted = called(() => this.#judge.accept(response ?? query, query !== undefined, state, timeOf(now)))
    const names = { code: 'code', error: 'error', error_description: 'errorDescription', error_uri: 'errorUri' }
    const parameters = Object.entries(names).filter(([, own]) => accepted[own] !== undefined && accepted[own] !== null)
    return Object.fromEntries(parameters.map(([name, own]) => [name, accepted[own]]))
  }
}

module.exports = { Proof, ResponseVerifier, Verifier }
