// What the types allow, and what they do not. Checked by tsc, never run.

import {
  AccessToken,
  Certificate,
  CounterfoilError,
  Gate,
  Proof,
  ResponseVerifier,
  Verifier,
  counterfoilKey,
  inspect,
  split,
  type Claims,
  type Issuer,
  type VerifierOptions,
} from 'counterfoil'
import { loadJwks, parseJson } from 'counterfoil/primitives'

const issuer: Issuer = { issuer: 'i', audience: ['a'], jwks: { keys: [] }, types: ['at+jwt', null] }
const options: VerifierOptions = { issuers: [issuer], dpop: { nonceRandom: true }, split: { url: 'redis://localhost/', encoding: 'hex' } }
const verifier = new Verifier(options)
const token: AccessToken = verifier.acceptSync('x', { certificate: Certificate.pem('x') })
const later: Promise<AccessToken> = verifier.accept(Buffer.from('x'), { dpop: 'x', method: 'GET', url: 'u' })
const claims: Claims = token.claims
const own: unknown = claims.organisation
const text: string = counterfoilKey('x')
const octets: Buffer = counterfoilKey('x', 'raw')
const verdicts: (AccessToken | CounterfoilError)[] = verifier.acceptBatch([['x', null], ['y']])
const proof: Proof = verifier.acceptProof('x', { method: 'GET', url: 'u' })
verifier.acceptRequestSync({ method: 'GET', url: 'u', headers: new Headers(), scopes: ['a'] })
const response = new ResponseVerifier({ issuer: 'i', clientId: 'c', jwksUri: 'u' }).accept({ response: 'x', state: 's' })
if (response.error === undefined) response.code.length
new Gate(verifier, { origin: 'https://a', certificateHeader: { name: 'x', form: 'pem' }, trustedPeers: ['::1'] }).demanding({ maxAge: 5 })

if (verdicts[0] instanceof CounterfoilError && verdicts[0].code === 'token_expired') verdicts[0].number.toFixed()
// @ts-expect-error no such code
if (verdicts[0] instanceof CounterfoilError && verdicts[0].code === 'ERR_EXPIRED') verdicts[0].number.toFixed()
// @ts-expect-error no issuer
new Verifier({ audience: 'a', jwks: '' })
// @ts-expect-error no audience
new Verifier({ issuer: 'i', jwks: '' })
// @ts-expect-error no such algorithm
new Verifier({ issuer: 'i', audience: 'a', jwks: '', algorithms: ['HS256'] })
// @ts-expect-error no such option
new Verifier({ issuer: 'i', audience: 'a', jwks: '', ignoreExpiration: true })
// @ts-expect-error a proof needs its request
verifier.acceptSync('x', { dpop: 'x' })
// @ts-expect-error either or
verifier.acceptSync('x', { certificate: new Uint8Array(), dpop: 'x', method: 'GET', url: 'u' })
// @ts-expect-error nobody makes tokens
new AccessToken()
// @ts-expect-error frozen
token.claims.scope = 'admin'
// @ts-expect-error unproven things are called so
inspect('x').claims

export { later, loadJwks, octets, own, parseJson, proof, split, text, verdicts }
