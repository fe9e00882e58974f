// oauth4webapi against a server that demands DPoP nonces; and as a resource server that judges our tokens.
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { after, before, test } from 'node:test'
import * as oauth from 'oauth4webapi'
import { API, browse, signingKey, start } from './serving.mjs'

const REDIRECT_URI = 'https://client.example/cb?dummy1=lorem&dummy2=ipsum'

let server
before(async () => {
  server = await start({ settings: { 'nonces = false': 'nonces = true' } })
})
after(() => server?.stop())

async function discovered(fetch) {
  const issuer = new URL(server.issuer)
  const results = []
  for (const algorithm of ['oidc', 'oauth2']) {
    const answer = await oauth.discoveryRequest(issuer, { algorithm, [oauth.customFetch]: fetch })
    results.push(await oauth.processDiscoveryResponse(issuer, answer))
  }
  assert.deepEqual(results[0], results[1])
  return results[0]
}

/** Makes a request, and once more where the first answer brought the nonce that it must carry. */
async function withNonce(attempt) {
  try {
    return await attempt()
  } catch (error) {
    if (!oauth.isDPoPNonceError(error)) throw error
    return attempt()
  }
}

async function party(id, metadata) {
  const key = await signingKey(`${id}-key`)
  server.add({
    client_id: id,
    redirect_uris: [REDIRECT_URI],
    grant_types: ['authorization_code', 'refresh_token', 'client_credentials'],
    ...metadata(key),
  })
  return { key, client: { client_id: id, id_token_signed_response_alg: 'ES256' }, authentication: oauth.PrivateKeyJwt(key) }
}

const byKey = (more) => (key) => ({ token_endpoint_auth_method: 'private_key_jwt', jwks: { keys: [key.jwk] }, ...more })

/** The token as a resource server receives it, judged by oauth4webapi. */
function judged(as, fetch, headers) {
  const request = new Request('https://api.example.com/accounts', { headers })
  return oauth.validateJwtAccessToken(as, request, API, { [oauth.customFetch]: fetch })
}

test('private_key_jwt with DPoP and nonces: the code flow, userinfo, the resource, refresh; and its token is accepted', async () => {
  const fetch = server.fetchAs()
  const as = await discovered(fetch)
  const { client, authentication } = await party('app', byKey({ dpop_bound_access_tokens: true }))
  const keys = await oauth.generateKeyPair('ES256')
  const DPoP = oauth.DPoP(client, keys)
  const options = { DPoP, [oauth.customFetch]: fetch }

  const verifier = oauth.generateRandomCodeVerifier()
  const [state, nonce] = [oauth.generateRandomState(), oauth.generateRandomNonce()]
  const parameters = {
    response_type: 'code',
    redirect_uri: REDIRECT_URI,
    scope: 'openid accounts',
    state,
    nonce,
    code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
    code_challenge_method: 'S256',
  }
  const pushed = await withNonce(async () => {
    const answer = await oauth.pushedAuthorizationRequest(as, client, authentication, parameters, options)
    return oauth.processPushedAuthorizationResponse(as, client, answer)
  })
  const url = new URL(as.authorization_endpoint)
  url.search = new URLSearchParams({ client_id: client.client_id, request_uri: pushed.request_uri })
  const redirected = await browse(server, url)
  assert.equal(redirected.searchParams.get('dummy2'), 'ipsum')
  redirected.searchParams.delete('dummy1')
  redirected.searchParams.delete('dummy2')
  const answered = oauth.validateAuthResponse(as, client, redirected, state)

  const tokens = await withNonce(async () => {
    const answer = await oauth.authorizationCodeGrantRequest(as, client, authentication, answered, REDIRECT_URI, verifier, options)
    return oauth.processAuthorizationCodeResponse(as, client, answer, { expectedNonce: nonce, requireIdToken: true })
  })
  const { sub } = oauth.getValidatedIdTokenClaims(tokens)
  const userinfo = await withNonce(async () => {
    const answer = await oauth.userInfoRequest(as, client, tokens.access_token, options)
    return oauth.processUserInfoResponse(as, client, sub, answer)
  })
  assert.equal(userinfo.sub, sub)
  const resource = new URL('/resource', server.issuer)
  const answer = await withNonce(() => oauth.protectedResourceRequest(tokens.access_token, 'GET', resource, undefined, undefined, options))
  assert.equal((await answer.json()).client_id, 'app')
  const refreshed = await withNonce(async () => {
    const answer = await oauth.refreshTokenGrantRequest(as, client, authentication, tokens.refresh_token, options)
    return oauth.processRefreshTokenResponse(as, client, answer)
  })

  const encode = (part) => Buffer.from(JSON.stringify(part)).toString('base64url')
  const jwk = await crypto.subtle.exportKey('jwk', keys.publicKey)
  const header = { typ: 'dpop+jwt', alg: 'ES256', jwk: { kty: jwk.kty, crv: jwk.crv, x: jwk.x, y: jwk.y } }
  const ath = createHash('sha256').update(refreshed.access_token).digest('base64url')
  const iat = Math.floor(Date.now() / 1000)
  const input = `${encode(header)}.${encode({ jti: crypto.randomUUID(), htm: 'GET', htu: 'https://api.example.com/accounts', iat, ath })}`
  const signature = await crypto.subtle.sign({ name: 'ECDSA', hash: 'SHA-256' }, keys.privateKey, Buffer.from(input))
  const proof = `${input}.${Buffer.from(signature).toString('base64url')}`
  const claims = await judged(as, fetch, { authorization: `DPoP ${refreshed.access_token}`, dpop: proof })
  assert.deepEqual([claims.client_id, claims.sub, claims.iss], ['app', sub, server.issuer])
})

test('tls_client_auth with a bound token: client credentials, and its token is accepted from its holder alone', async () => {
  const fetch = server.fetchAs(server.certificate('machine'))
  const as = await discovered(fetch)
  const { client } = await party('machine', () => ({
    token_endpoint_auth_method: 'tls_client_auth',
    tls_client_auth_subject_dn: 'CN=machine,O=Bank\\, Ltd.',
    tls_client_certificate_bound_access_tokens: true,
  }))
  const bound = { ...client, use_mtls_endpoint_aliases: true }
  const answer = await oauth.clientCredentialsGrantRequest(as, bound, oauth.TlsClientAuth(), { scope: 'accounts' }, { [oauth.customFetch]: fetch })
  const tokens = await oauth.processClientCredentialsResponse(as, bound, answer)
  assert.equal(tokens.token_type, 'bearer')
  // oauth4webapi knows tokens bound to certificates only as something that it does not judge; ours does.
  const headers = { authorization: `Bearer ${tokens.access_token}` }
  await assert.rejects(judged(as, fetch, headers), { name: 'UnsupportedOperationError' })
  const resource = new URL('/resource', as.mtls_endpoint_aliases.token_endpoint)
  assert.equal((await fetch(resource, { headers })).status, 200)
  assert.equal((await server.fetchAs(server.certificate('thief'))(resource, { headers })).status, 401)
})

for (const mode of ['jwt', 'query.jwt', 'fragment.jwt', 'form_post.jwt']) {
  test(`a signed request by value of PAR, and a signed response by ${mode}`, async () => {
    const fetch = server.fetchAs()
    const as = await discovered(fetch)
    const { key, client, authentication } = await party(`signing-${mode}`, byKey({ dpop_bound_access_tokens: true, profile: 'fapi2-message-signing' }))
    const options = { DPoP: oauth.DPoP(client, await oauth.generateKeyPair('ES256')), [oauth.customFetch]: fetch }
    const verifier = oauth.generateRandomCodeVerifier()
    const [state, nonce] = [oauth.generateRandomState(), oauth.generateRandomNonce()]
    const parameters = {
      response_type: 'code',
      response_mode: mode,
      redirect_uri: REDIRECT_URI,
      scope: 'openid accounts',
      state,
      nonce,
      code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
      code_challenge_method: 'S256',
    }
    const pushed = await withNonce(async () => {
      const request = await oauth.issueRequestObject(as, client, new URLSearchParams(parameters), key)
      const answer = await oauth.pushedAuthorizationRequest(as, client, authentication, { request }, options)
      return oauth.processPushedAuthorizationResponse(as, client, answer)
    })
    const url = new URL(as.authorization_endpoint)
    url.search = new URLSearchParams({ client_id: client.client_id, request_uri: pushed.request_uri })
    const told = await browse(server, url)
    const of = { 'fragment.jwt': async () => new URLSearchParams(told.hash.slice(1)), 'form_post.jwt': async () => new URLSearchParams(await told.text()) }
    const response = new URLSearchParams({ response: (of[mode] ? await of[mode]() : told.searchParams).get('response') })
    const answered = await oauth.validateJwtAuthResponse(as, client, response, state, { [oauth.customFetch]: fetch })
    const tokens = await withNonce(async () => {
      const answer = await oauth.authorizationCodeGrantRequest(as, client, authentication, answered, REDIRECT_URI, verifier, options)
      return oauth.processAuthorizationCodeResponse(as, client, answer, { expectedNonce: nonce, requireIdToken: true })
    })
    assert.equal(tokens.token_type, 'dpop')
  })
}
