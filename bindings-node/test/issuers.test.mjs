// Tokens of an issuer that is not ours: oidc-provider, as its users run it behind a proxy, with tokens bound to certificates and to DPoP keys.

import assert from 'node:assert/strict'
import { createServer, request } from 'node:http'
import { after, before, describe, test } from 'node:test'
import { Verifier } from 'counterfoil'
import { Provider } from 'oidc-provider'
import { CLIENT, Key, OTHER, code, jwks, now, proof } from './material.mjs'

const ISSUER = 'https://as.example'
const API = 'https://api.example'

const signer = new Key('as-1')
const client = new Key('client-1')
const holder = new Key()

let server
before(async () => {
  const metadata = (client_id, more) => ({
    client_id,
    grant_types: ['client_credentials'],
    redirect_uris: [],
    response_types: [],
    token_endpoint_auth_method: 'private_key_jwt',
    token_endpoint_auth_signing_alg: 'ES256',
    id_token_signed_response_alg: 'ES256',
    jwks: jwks(client),
    ...more,
  })
  const provider = new Provider(ISSUER, {
    clients: [
      metadata('dpop', { dpop_bound_access_tokens: true }),
      metadata('mtls', { tls_client_certificate_bound_access_tokens: true }),
    ],
    jwks: { keys: [{ ...signer.privateKey.export({ format: 'jwk' }), kid: signer.kid, alg: 'ES256', use: 'sig' }] },
    clientAuthMethods: ['private_key_jwt'],
    features: {
      clientCredentials: { enabled: true },
      devInteractions: { enabled: false },
      dPoP: { enabled: true },
      mTLS: { enabled: true, certificateBoundAccessTokens: true, getCertificate: () => CLIENT.pem },
      resourceIndicators: {
        enabled: true,
        defaultResource: () => API,
        getResourceServerInfo: () => ({ scope: 'accounts', audience: API, accessTokenFormat: 'jwt', accessTokenTTL: 300, jwt: { sign: { alg: 'ES256' } } }),
      },
    },
  })
  provider.proxy = true
  server = createServer(provider.callback()).listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
})
after(() => server?.close())

/** Asks the provider as its proxy does. */
function ask(path, form, headers = {}) {
  return new Promise((resolve, reject) => {
    const { port } = server.address()
    const type = form ? { 'content-type': 'application/x-www-form-urlencoded' } : {}
    const forwarded = { 'x-forwarded-proto': 'https', 'x-forwarded-host': 'as.example', ...type, ...headers }
    const asked = request({ host: '127.0.0.1', port, path, method: form ? 'POST' : 'GET', headers: forwarded }, (answer) => {
      let text = ''
      answer.on('data', (piece) => (text += piece)).on('end', () => resolve({ status: answer.statusCode, body: JSON.parse(text) }))
    })
    asked.once('error', reject).end(form && new URLSearchParams(form).toString())
  })
}

async function tokenOf(client_id, headers = {}) {
  const claims = { iss: client_id, sub: client_id, aud: ISSUER, jti: crypto.randomUUID(), iat: now(), exp: now() + 60 }
  const { status, body } = await ask(
    '/token',
    {
      grant_type: 'client_credentials',
      scope: 'accounts',
      client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
      client_assertion: client.sign({ alg: 'ES256', kid: client.kid }, claims),
    },
    headers,
  )
  assert.equal(status, 200, JSON.stringify(body))
  return body
}

describe('oidc-provider', () => {
  let verifier
  before(async () => {
    const { body } = await ask('/jwks')
    verifier = new Verifier({ issuer: ISSUER, audience: API, jwks: body })
  })

  test('a token bound to a DPoP key', async () => {
    const { access_token: token, token_type } = await tokenOf('dpop', { dpop: proof(holder, 'POST', `${ISSUER}/token`, '') })
    assert.equal(token_type, 'DPoP')
    const url = `${API}/accounts`
    const called = (by) => ({ method: 'GET', url, headers: { authorization: `DPoP ${token}`, dpop: proof(by, 'GET', url, token) } })
    const accepted = verifier.acceptRequestSync(called(holder))
    assert.deepEqual([accepted.claims.client_id, accepted.hasScope('accounts')], ['dpop', true])
    assert.equal(await code(() => verifier.acceptRequestSync(called(new Key()))), 'proof_key_mismatch')
  })

  test('a token bound to a certificate', async () => {
    const { access_token: token } = await tokenOf('mtls')
    assert.equal(verifier.acceptSync(token, { certificate: CLIENT.der }).claims.client_id, 'mtls')
    assert.equal(await code(() => verifier.acceptSync(token, { certificate: OTHER.der })), 'certificate_mismatch')
  })
})
