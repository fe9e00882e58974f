// Mints ../jose.json with `jose`: tokens, proofs and JARM responses of an implementation that is not ours.
// ECDSA and PSS draw random numbers there, so each run gives other signatures: run it on purpose only.

import { X509Certificate, createHash } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { CompactSign, SignJWT, UnsecuredJWT, calculateJwkThumbprint, importJWK } from 'jose'

const here = (name) => new URL(name, import.meta.url)
const { keys } = JSON.parse(readFileSync(here('keys.json')))
const { dependencies } = JSON.parse(readFileSync(here('package.json')))

const NOW = 1_700_000_000
const ISSUER = 'https://issuer.example.org'
const AUDIENCE = 'https://resource.example.org'
const CLIENT = 'outside-client'
const URL_OF_REQUEST = 'https://resource.example.org/orders/12'
const ISSUERS = { ES256: 'issuer-es', PS256: 'issuer-ps', EdDSA: 'issuer-ed', Ed25519: 'issuer-ed-full', RS256: 'issuer-rs' }
const CLIENTS = { ES256: 'client-es', PS256: 'client-ps', EdDSA: 'client-ed' }
const PEM = readFileSync(here('certificates/jose.pem'), 'utf8')
const THUMBPRINT = createHash('sha256').update(new X509Certificate(PEM).raw).digest('base64url')
const HOLDER = { certificate: { form: 'pem', values: [PEM] } }

const publicPart = ({ kty, crv, x, y, n, e }) => JSON.parse(JSON.stringify({ kty, crv, x, y, n, e }))
const kidOf = (alg) => `outside-${alg.toLowerCase()}`
const jwkOf = (alg) => ({ kid: kidOf(alg), alg, ...publicPart(keys[ISSUERS[alg]]) })
const signerOf = (name, alg) => importJWK(keys[name], alg)
const hashOf = (text) => createHash('sha256').update(text).digest('base64url')

const base = { issuer: ISSUER, audience: AUDIENCE }
const policies = Object.fromEntries(Object.keys(ISSUERS).map((alg) => [alg, { ...base, algorithms: [alg], jwks: alg }]))
policies.dpop = { algorithms: Object.keys(CLIENTS) }
for (const alg of Object.keys(ISSUERS)) {
  policies[`jarm-${alg}`] = { issuer: ISSUER, client_id: CLIENT, algorithms: [alg], jwks: alg, state: 'state-of-the-request' }
}
const sets = Object.fromEntries(Object.keys(ISSUERS).map((alg) => [alg, { keys: [jwkOf(alg)] }]))

const cases = []
const add = (id, kind, policy, input, expect = 'ok', more = {}) => {
  cases.push({ id: `jose.${id}`, source: `jose ${dependencies.jose}`, kind, policy, now: NOW, input, expect, ...more })
  return `jose.${id}`
}

const goodClaims = (cnf) => ({
  iss: ISSUER, aud: AUDIENCE, sub: 'subject', client_id: CLIENT, exp: NOW + 600, iat: NOW, jti: 'jose-token', scope: 'orders', ...(cnf && { cnf }),
})

const mintToken = async (alg, claims, header = {}, key = ISSUERS[alg]) =>
  new SignJWT(claims).setProtectedHeader({ alg, typ: 'at+jwt', kid: kidOf(alg), ...header }).sign(await signerOf(key, alg))

async function mintProof(alg, token, change = {}, header = {}) {
  const claims = { jti: 'jose-proof', htm: 'GET', htu: URL_OF_REQUEST, iat: NOW, ...(token && { ath: hashOf(token) }), ...change }
  return new SignJWT(claims).setProtectedHeader({ alg, typ: 'dpop+jwt', jwk: publicPart(keys[CLIENTS[alg]]), ...header }).sign(await signerOf(CLIENTS[alg], alg))
}

async function accessTokens(alg) {
  const cnf = { 'x5t#S256': THUMBPRINT }
  const presenter = HOLDER
  const claims = goodClaims(cnf)
  const good = add(`${alg}.mtls`, 'access_token', alg, { token: await mintToken(alg, claims), presenter }, 'ok', { output: { claims } })
  const several = { ...claims, aud: ['https://other.example.org', AUDIENCE], authorization_details: [{ type: 'order', actions: ['read'] }] }
  add(`${alg}.mtls-several-audiences`, 'access_token', alg, { token: await mintToken(alg, several), presenter }, 'ok', { output: { claims: several } })
  const refuse = async (what, change, expect, header, key) =>
    add(`${alg}.${what}`, 'access_token', alg, { token: await mintToken(alg, { ...claims, ...change }, header, key), presenter }, expect, { twin: good })
  await refuse('expired', { exp: NOW - 60 }, 'token_expired')
  await refuse('other-audience', { aud: 'https://other.example.org' }, 'audience_mismatch')
  await refuse('typ-jwt', {}, 'type_mismatch', { typ: 'JWT' })
  const attacker = { ES256: 'attacker-es', PS256: 'attacker-ps', RS256: 'attacker-ps', EdDSA: 'attacker-ed', Ed25519: 'attacker-ed' }[alg]
  await refuse('other-key', {}, 'signature_invalid', {}, attacker)
  const unsecured = new UnsecuredJWT(claims).encode()
  add(`${alg}.unsecured`, 'access_token', alg, { token: unsecured, presenter }, 'type_mismatch', { twin: good })
  const token = await mintToken(alg, claims)
  const dot = token.lastIndexOf('.')
  add(`${alg}.split`, 'split_token', alg, { counterfoil: token.slice(0, dot), ticket: token.slice(dot + 1), presenter }, 'ok', { output: { joined: token } })
}

async function boundToProofs(alg) {
  for (const clientAlg of Object.keys(CLIENTS)) {
    const thumbprint = await calculateJwkThumbprint(publicPart(keys[CLIENTS[clientAlg]]))
    const claims = goodClaims({ jkt: thumbprint })
    const token = await mintToken(alg, claims)
    const policy = { base: alg, algorithms: [...new Set([alg, ...Object.keys(CLIENTS)])] }
    const dpop = { proof: await mintProof(clientAlg, token), method: 'GET', url: URL_OF_REQUEST }
    add(`${alg}.dpop-${clientAlg}`, 'access_token', policy, { token, presenter: { dpop } }, 'ok', { output: { claims } })
  }
}

async function proofs(alg) {
  const thumbprint = await calculateJwkThumbprint(publicPart(keys[CLIENTS[alg]]))
  add(`${alg}.thumbprint`, 'jwk', { algorithms: [alg] }, { jwk: JSON.stringify(publicPart(keys[CLIENTS[alg]])) }, 'ok', { output: { thumbprint } })
  const token = 'a-reference.token~of_the+test/12=='
  const output = { thumbprint }
  const at = (proof, more = {}) => ({ proof, method: 'GET', url: URL_OF_REQUEST, token, ...more })
  const good = add(`${alg}.proof`, 'dpop', 'dpop', at(await mintProof(alg, token)), 'ok', { output })
  add(`${alg}.proof-at-the-token-endpoint`, 'dpop', 'dpop', at(await mintProof(alg, null, { htm: 'POST', htu: `${ISSUER}/token` }), { method: 'POST', url: `${ISSUER}/token`, token: null }), 'ok', { output })
  add(`${alg}.proof-with-query`, 'dpop', 'dpop', at(await mintProof(alg, token, { htu: `${URL_OF_REQUEST}?a=b` })), 'ok', { output })
  const refuse = async (what, proof, expect) => add(`${alg}.proof-${what}`, 'dpop', 'dpop', at(await proof), expect, { twin: good })
  await refuse('old', mintProof(alg, token, { iat: NOW - 400 }), 'proof_issued_at')
  await refuse('other-method', mintProof(alg, token, { htm: 'DELETE' }), 'proof_method')
  await refuse('other-token', mintProof(alg, 'another'), 'proof_token_hash')
  await refuse('typ', mintProof(alg, token, {}, { typ: 'JWT' }), 'proof_type')
  await refuse('other-jwk', mintProof(alg, token, {}, { jwk: publicPart(keys[{ ES256: 'client-es-2', PS256: 'attacker-ps', EdDSA: 'attacker-ed' }[alg]]) }), 'proof_signature')
}

async function responses(alg) {
  const policy = `jarm-${alg}`
  const mint = async (claims) => new SignJWT(claims).setProtectedHeader({ alg, kid: kidOf(alg) }).sign(await signerOf(ISSUERS[alg], alg))
  const common = { iss: ISSUER, aud: CLIENT, exp: NOW + 120, state: 'state-of-the-request' }
  const good = add(`${alg}.jarm-code`, 'jarm', policy, { response: await mint({ ...common, code: 'a-code' }) }, 'ok', { output: { code: 'a-code' } })
  add(`${alg}.jarm-error`, 'jarm', policy, { query: `response=${await mint({ ...common, error: 'access_denied', error_description: 'no' })}` }, 'ok', { output: { error: 'access_denied' } })
  add(`${alg}.jarm-expired`, 'jarm', policy, { response: await mint({ ...common, code: 'a-code', exp: NOW - 60 }) }, 'response_expired', { twin: good })
  add(`${alg}.jarm-other-state`, 'jarm', policy, { response: await mint({ ...common, code: 'a-code', state: 'other' }) }, 'response_state', { twin: good })
}

async function unencoded() {
  const sign = new CompactSign(new TextEncoder().encode(JSON.stringify(goodClaims({ 'x5t#S256': THUMBPRINT }))))
  const header = { alg: 'ES256', typ: 'at+jwt', kid: kidOf('ES256'), b64: true, crit: ['b64'] }
  const token = await sign.setProtectedHeader(header).sign(await signerOf(ISSUERS.ES256, 'ES256'))
  add('ES256.b64', 'access_token', 'ES256', { token, presenter: HOLDER }, 'header_unencoded', { twin: 'jose.ES256.mtls' })
}

for (const alg of Object.keys(ISSUERS)) {
  await accessTokens(alg)
  await boundToProofs(alg)
  await responses(alg)
}
for (const alg of Object.keys(CLIENTS)) await proofs(alg)
await unencoded()

const lines = (object) => Object.entries(object).map(([name, value]) => `  ${JSON.stringify(name)}: ${JSON.stringify(value)}`).join(',\n')
const document = `{
 "description": "Tokens, proofs and JARM responses minted by jose ${dependencies.jose} (npm).",
 "jwks": {\n${lines(sets)}\n },
 "policies": {\n${lines(policies)}\n },
 "cases": [\n${cases.map((one) => `  ${JSON.stringify(one)}`).join(',\n')}\n ]
}
`
JSON.parse(document)
writeFileSync(here('../jose.json'), document)
console.log(`jose.json: ${cases.length} cases`)
