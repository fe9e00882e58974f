// Every case of core/vectors through the public interface: the same code, and the same output, as in Rust.

import assert from 'node:assert/strict'
import { generateKeyPairSync, sign } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { isDeepStrictEqual } from 'node:util'
import { Certificate, CounterfoilError, Gate, ResponseVerifier, Verifier, counterfoilKey, join as joined, jwkThumbprint } from 'counterfoil'
import { decodeBase64url, loadJwks, parseJson, readCounterfoilKey, verifySignature } from 'counterfoil/primitives'
import { ROOT } from './material.mjs'

const FOLDER = join(ROOT, 'core/vectors')
const SMALL = { tokenCache: 8, keyTables: 8 }
const FORMS = { der: Certificate.der, pem: Certificate.pem, escaped_pem: Certificate.escapedPem, client_cert: Certificate.clientCert }

/** A text of the schema: plain, {"hex"}, {"text", "times"}, or a list of those. */
function octets(text) {
  if (typeof text === 'string') return Buffer.from(text)
  if (Array.isArray(text)) return Buffer.concat(text.map(octets))
  return 'hex' in text ? Buffer.from(text.hex, 'hex') : Buffer.from(text.text.repeat(text.times))
}

function* cases() {
  for (const file of readdirSync(FOLDER).filter((name) => name.endsWith('.json')).sort()) {
    const document = JSON.parse(readFileSync(join(FOLDER, file), 'utf8'))
    for (const one of document.cases) {
      const own = one.policy ?? {}
      const named = document.policies ?? {}
      yield { document, one, policy: typeof own === 'string' ? named[own] : { ...named[own.base], ...own } }
    }
  }
}

function keySet(document, { jwks }) {
  const named = typeof jwks === 'string' ? document.jwks?.[jwks] ?? jwks : jwks
  return typeof named === 'object' && 'keys' in named ? named : octets(named)
}

function verifier(document, policy, more = {}) {
  const profile = typeof policy.profile === 'object' && policy.profile !== null ? policy.profile : {}
  const issuer = {
    issuer: policy.issuer, audience: policy.audience, jwks: keySet(document, policy), keyMemory: 8192, algorithms: policy.algorithms,
    binding: policy.binding, leeway: policy.leeway, scopes: policy.scopes, acrValues: policy.acr_values, maxAge: policy.max_age,
    maxTokenBytes: policy.max_token_bytes, maxHeaderBytes: policy.max_header_bytes, types: profile.types, requiredClaims: profile.required,
  }
  return new Verifier({ issuers: [issuer], dpop: proofs(policy), realm: policy.realm, ...SMALL, ...more })
}

function proofs({ algorithms, past, ahead, nonce, store_capacity: replayCapacity = 64 }) {
  const demanded = nonce && { nonceSecret: Buffer.from(nonce.secret_hex, 'hex').toString('base64url'), nonceStep: nonce.step }
  return { algorithms, past, ahead, replayCapacity, ...demanded }
}

/** Several fields are refused by whoever reads the request's headers. */
function certificate({ form, values }) {
  if (values.length === 1) return FORMS[form](octets(values[0]))
  const name = 'Client-Cert'
  const gate = new Gate(verifierOf(JWK), { origin: 'https://api.example', certificateHeader: { name, form: camel(form) }, trustedPeers: ['127.0.0.1'] })
  const rawHeaders = values.flatMap((value) => [name, octets(value).toString('latin1')])
  return { thumbprint: gate.accept({ method: 'GET', url: '/', rawHeaders, socket: { remoteAddress: '127.0.0.1' } }) }
}

const camel = (name) => name.replace(/_([a-z])/g, (_, letter) => letter.toUpperCase())
const verifierOf = (jwk, dpop) =>
  new Verifier({ issuer: 'https://as.example', audience: 'https://api.example', jwks: { keys: [jwk] }, dpop, ...SMALL })

function presenter(shown) {
  if (shown === 'bearer') return {}
  if ('certificate' in shown) return { certificate: certificate(shown.certificate) }
  if ('thumbprint' in shown) return { certificate: Certificate.ofThumbprint(octets(shown.thumbprint)) }
  return { dpop: octets(shown.dpop.proof), method: shown.dpop.method, url: shown.dpop.url }
}

async function verdict(judge) {
  try {
    return ['ok', (await judge()) ?? {}]
  } catch (error) {
    if (!(error instanceof CounterfoilError)) throw error
    return [error.code, { status: error.status, www_authenticate: error.wwwAuthenticate ?? null, dpop_nonce: Boolean(error.dpopNonce) }]
  }
}

const { privateKey: KEY, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
const JWK = publicKey.export({ format: 'jwk' })

const KINDS = {
  async access_token({ document, policy, given, now }) {
    const [own, shown, token] = [verifier(document, policy), presenter(given.presenter), octets(given.token)]
    const accepted = own.acceptSync(token, { ...shown, now })
    if (shown.dpop === undefined) {
      const [batched] = own.acceptBatch([[token, shown.certificate]], { now })
      assert.equal(batched.payload, accepted.payload, 'the batch disagrees')
      assert.equal((await own.accept(token, { ...shown, now })).payload, accepted.payload, 'the pool and the memory disagree')
    }
    return { claims: accepted.claims }
  },
  split_token({ document, policy, given, now }) {
    const [counterfoil, ticket] = [octets(given.counterfoil), octets(given.ticket)]
    const accepted = verifier(document, policy).acceptSplit(counterfoil, ticket, { ...presenter(given.presenter), now })
    return { claims: accepted.claims, joined: joined(counterfoil, ticket) }
  },
  async dpop({ policy, given, now }) {
    const own = verifierOf(JWK, proofs(policy))
    const judge = ({ proof, method, url, token }, now) =>
      own.acceptProof(octets(proof), { method, url, token: token === null ? undefined : octets(token), now })
    for (const earlier of given.before ?? []) assert.equal((await verdict(() => judge(earlier, earlier.now)))[0], earlier.expect)
    return { thumbprint: judge(given, now).thumbprint }
  },
  jarm({ document, policy, given, now }) {
    const rules = new ResponseVerifier({
      issuer: policy.issuer, clientId: policy.client_id, jwks: keySet(document, policy), algorithms: policy.algorithms,
    })
    const returned = 'query' in given ? { query: given.query } : { response: octets(given.response) }
    return rules.accept({ ...returned, state: policy.state ?? undefined, now })
  },
  async request({ document, policy, given, now }) {
    const own = verifier(document, policy)
    const judge = async (given, now) => {
      const headers = [['authorization', (given.authorization ?? []).map(octets)], ['DPoP', (given.dpop ?? []).map(octets)]]
      const request = { method: given.method, url: given.url, headers, certificate: given.certificate && certificate(given.certificate), now }
      // Every second one on another thread: the verdict is the same.
      const token = (judged += 1) % 2 ? own.acceptRequestSync(request) : await own.acceptRequest(request)
      return { claims: token.claims, status: 200, dpop_nonce: own.dpopNonce({ now }) !== null }
    }
    for (const earlier of given.before ?? []) assert.equal((await verdict(() => judge(earlier, earlier.now)))[0], earlier.expect)
    return judge(given, now)
  },
  /** With a proof of the test's own. */
  htu({ given }) {
    const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
    const decoded = [given.htu, given.url].map((text) => {
      try {
        return decoder.decode(octets(text))
      } catch {
        return undefined
      }
    })
    // A string cannot hold what is not UTF-8; the proof can, so it is made of octets.
    if (decoded[1] === undefined) return assert.fail('a URL of the host is a string')
    const body = decoded[0] === undefined
      ? Buffer.concat([Buffer.from('{"jti":"1","htm":"GET","iat":0,"htu":"'), octets(given.htu), Buffer.from('"}')])
      : Buffer.from(JSON.stringify({ jti: '1', htm: 'GET', htu: decoded[0], iat: 0 }))
    const input = `${Buffer.from(JSON.stringify({ typ: 'dpop+jwt', alg: 'ES256', jwk: JWK })).toString('base64url')}.${body.toString('base64url')}`
    const proof = `${input}.${sign('sha256', input, { key: KEY, dsaEncoding: 'ieee-p1363' }).toString('base64url')}`
    const own = verifierOf(JWK, { replayCapacity: 64 })
    own.acceptProof(proof, { method: 'GET', url: decoded[1], now: 0 })
  },
  ticket({ given }) {
    const ticket = octets(given.ticket)
    return Object.fromEntries(['base64url', 'base64', 'hex'].map((encoding) => [encoding, counterfoilKey(ticket, encoding)]))
  },
  signature: ({ policy, given }) =>
    verifySignature(octets(given.jwk), policy.algorithms[0], octets(given.signing_input), octets(given.signature)),
  jwk: ({ policy, given }) => ({ thumbprint: jwkThumbprint(octets(given.jwk), policy.algorithms) }),
  jwks: ({ policy, given }) => ({ refused: loadJwks(octets(given.jwks), policy.algorithms, policy.capacity ?? 8).map(({ index, code }) => [index, code]) }),
  json: ({ given }) => void parseJson(octets(given.text)),
  base64url: ({ given }) => ({ hex: decodeBase64url(octets(given.text)).toString('hex') }),
  certificate: async ({ given }) => ({ thumbprint: await certificate(given).thumbprint }),
  ticket_hash: ({ given }) => ({ hex: readCounterfoilKey(octets(given.text), given.encoding).toString('hex') }),
}
let judged = 0

test('every vector has its verdict', async () => {
  const [ran, wrong] = [{}, []]
  for (const { document, one, policy } of cases()) {
    const [got, output] = await verdict(() => KINDS[one.kind]({ document, policy, given: one.input, now: one.now }))
    ran[one.kind] = (ran[one.kind] ?? 0) + 1
    const differs = Object.entries(one.output ?? {}).filter(([name, wanted]) => !same(name, output[name], wanted))
    if (got !== one.expect || differs.length > 0) wrong.push(`${one.id}: ${got} instead of ${one.expect} ${JSON.stringify(differs)} ${JSON.stringify(output)}`)
  }
  console.log(ran)
  assert.deepEqual(wrong, [], `${wrong.length} wrong`)
  assert.deepEqual(Object.keys(ran).sort(), Object.keys(KINDS).sort())
  assert.ok(Object.values(ran).reduce((sum, count) => sum + count) > 5500)
})

function same(name, got, wanted) {
  if (name !== 'claims') return isDeepStrictEqual(got ?? null, wanted ?? null)
  return Object.entries(wanted).every(([claim, value]) => isDeepStrictEqual(JSON.parse(JSON.stringify(got[claim])), value))
}
