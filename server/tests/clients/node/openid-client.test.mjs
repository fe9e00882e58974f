// openid-client, in all combinations of client authentication and what tokens are bound to.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import https from 'node:https'
import { after, before, test } from 'node:test'
import * as client from 'openid-client'
import { API, REDIRECT_URI, browse, signingKey, start, x5c } from './serving.mjs'

let server
let gateway

before(async () => {
  server = await start()
  gateway = server.certificate('gateway')
  server.add({
    client_id: 'gateway',
    token_endpoint_auth_method: 'tls_client_auth',
    tls_client_auth_subject_dn: 'CN=gateway,O=Bank\\, Ltd.',
    introspects: [API],
  })
})
after(async () => {
  if (process.env.SERVER_LOG) console.error(server.log())
  await server?.stop()
})

let parties = 0

/** A client of one kind: its configuration as openid-client discovers it, and what it holds. */
async function party(method, binding, { key: ownKey, ...more } = {}) {
  const id = `client-${++parties}`
  const key = ownKey ?? (await signingKey(`${id}-key`))
  const isSelfSigned = method === 'self_signed_tls_client_auth'
  const certificate = server.certificate(id, { isSelfSigned })
  const needsCertificate = method !== 'private_key_jwt' || binding === 'mtls'
  const metadata = {
    client_id: id,
    client_name: `Client ${id}`,
    redirect_uris: [REDIRECT_URI],
    grant_types: ['authorization_code', 'refresh_token', 'client_credentials'],
    token_endpoint_auth_method: method,
    dpop_bound_access_tokens: binding === 'dpop',
    tls_client_certificate_bound_access_tokens: binding === 'mtls',
  }
  if (method === 'private_key_jwt') metadata.jwks = { keys: [key.jwk] }
  if (method === 'tls_client_auth') metadata.tls_client_auth_subject_dn = `CN=${id},O=Bank\\, Ltd.`
  if (isSelfSigned) metadata.jwks = { keys: [{ ...key.jwk, x5c: [x5c(certificate.cert)] }] }
  server.add({ ...metadata, ...more })

  const authentication = method === 'private_key_jwt' ? client.PrivateKeyJwt(key) : client.TlsClientAuth()
  const fetch = server.fetchAs(needsCertificate ? certificate : {})
  const config = await client.discovery(
    new URL(server.issuer),
    id,
    { use_mtls_endpoint_aliases: needsCertificate, id_token_signed_response_alg: 'ES256' },
    authentication,
    { [client.customFetch]: fetch },
  )
  const DPoP = binding === 'dpop' ? client.getDPoPHandle(config, await client.randomDPoPKeyPair('ES256')) : undefined
  return { id, key, config, options: DPoP && { DPoP }, fetch, needsCertificate }
}

/** The code flow up to the client's redirect URI. */
async function authorized({ config, options }, { action, signedBy, ...parameters } = {}) {
  const verifier = client.randomPKCECodeVerifier()
  const state = client.randomState()
  const nonce = client.randomNonce()
  const plain = {
    redirect_uri: REDIRECT_URI,
    scope: 'openid accounts',
    code_challenge: await client.calculatePKCECodeChallenge(verifier),
    code_challenge_method: 'S256',
    state,
    nonce,
    ...parameters,
  }
  const asked = signedBy ? (await client.buildAuthorizationUrlWithJAR(config, plain, signedBy)).searchParams : plain
  const url = await client.buildAuthorizationUrlWithPAR(config, asked, options)
  const redirected = await browse(server, url, { action })
  return { redirected, checks: { pkceCodeVerifier: verifier, expectedState: state, expectedNonce: nonce, idTokenExpected: true } }
}

/** `/resource` at the host that the token's holder can prove itself to. */
function resource({ config, options, fetch, needsCertificate }, token) {
  const host = new URL(needsCertificate && !options ? config.serverMetadata().mtls_endpoint_aliases.token_endpoint : server.issuer)
  const base = options ? server.issuer : host.origin
  return client.fetchProtectedResource(config, token, new URL('/resource', base), 'GET', undefined, undefined, options).catch((error) => {
    throw new Error(`${error} ${JSON.stringify(error.cause)}`, { cause: error })
  })
}

async function introspected(token) {
  const config = await client.discovery(new URL(server.issuer), 'gateway', { use_mtls_endpoint_aliases: true }, client.TlsClientAuth(), {
    [client.customFetch]: server.fetchAs(gateway),
  })
  return client.tokenIntrospection(config, token)
}

for (const method of ['private_key_jwt', 'tls_client_auth', 'self_signed_tls_client_auth']) {
  for (const binding of ['dpop', 'mtls']) {
    test(`${method} with ${binding}: from the pushed request to revocation`, async () => {
      const own = await party(method, binding)
      const { redirected, checks } = await authorized(own)
      const tokens = await client.authorizationCodeGrant(own.config, redirected, checks, undefined, own.options)
      assert.equal(tokens.token_type, binding === 'dpop' ? 'dpop' : 'bearer')
      assert.equal(tokens.scope, 'openid accounts')
      const { sub } = tokens.claims()
      const userinfo = await client.fetchUserInfo(own.config, tokens.access_token, sub, own.options)
      assert.equal(userinfo.sub, sub)
      const answer = await resource(own, tokens.access_token)
      assert.equal((await answer.json()).client_id, own.id)

      const refreshed = await client.refreshTokenGrant(own.config, tokens.refresh_token, undefined, own.options)
      assert.notEqual(refreshed.access_token, tokens.access_token)
      assert.equal((await introspected(refreshed.access_token)).client_id, own.id)
      await client.tokenRevocation(own.config, refreshed.access_token)
      assert.deepEqual(await introspected(refreshed.access_token), { active: false })
      assert.equal((await introspected(tokens.access_token)).active, true)
      await client.tokenRevocation(own.config, tokens.refresh_token)
      assert.equal((await introspected(tokens.access_token)).active, false)
      await assert.rejects(client.refreshTokenGrant(own.config, tokens.refresh_token, undefined, own.options), { error: 'invalid_grant' })
    })
  }
}

for (const format of ['phantom', 'split']) {
  test(`${format} tokens serve the client as whole ones do`, async () => {
    const own = await party('private_key_jwt', 'dpop', { access_token_format: format })
    const { redirected, checks } = await authorized(own)
    const tokens = await client.authorizationCodeGrant(own.config, redirected, checks, undefined, own.options)
    assert.equal(tokens.access_token.split('.').length, 1)
    assert.equal((await (await resource(own, tokens.access_token)).json()).client_id, own.id)
    assert.equal((await introspected(tokens.access_token)).active, true)
  })
}

test('who cancels is told so at the client', async () => {
  const own = await party('private_key_jwt', 'dpop')
  const { redirected, checks } = await authorized(own, { action: 'cancel' })
  await assert.rejects(client.authorizationCodeGrant(own.config, redirected, checks, undefined, own.options), { error: 'access_denied' })
})

test('rich authorization requests come back as they were granted', async () => {
  const own = await party('private_key_jwt', 'mtls', { authorization_details_types: ['payment_initiation'] })
  const details = [
    {
      type: 'payment_initiation',
      instructedAmount: { currency: 'EUR', amount: '123.50' },
      creditorName: 'Merchant',
      creditorAccount: { iban: 'DE02100100109307118603' },
    },
  ]
  const { redirected, checks } = await authorized(own, { authorization_details: JSON.stringify(details), scope: 'openid' })
  const tokens = await client.authorizationCodeGrant(own.config, redirected, checks, undefined, own.options)
  assert.deepEqual(tokens.authorization_details, details)
})

/** Serves a key set at a URL. */
async function keysAtUrl(jwks) {
  const { cert, key } = server.certificate(`keys-${++parties}`, { host: 'localhost' })
  const serving = https.createServer({ cert, key }, (_, response) => {
    response.setHeader('content-type', 'application/jwk-set+json').end(JSON.stringify(jwks))
  })
  serving.listen(0, '127.0.0.1')
  await once(serving, 'listening')
  return Object.assign(serving, { uri: `https://localhost:${serving.address().port}/jwks` })
}

for (const [alg, isAtUrl] of [['RSA-OAEP', false], ['RSA-OAEP-256', true], ['ECDH-ES', false]]) {
  test(`ID tokens encrypted by ${alg} to a key of ${isAtUrl ? 'jwks_uri' : 'jwks'} are read`, async (context) => {
    const isElliptic = alg === 'ECDH-ES'
    const algorithm = isElliptic ? { name: 'ECDH', namedCurve: 'P-256' } : { name: 'RSA-OAEP', modulusLength: 2048, publicExponent: new Uint8Array([1, 0, 1]), hash: alg === 'RSA-OAEP' ? 'SHA-1' : 'SHA-256' }
    const pair = await crypto.subtle.generateKey(algorithm, true, isElliptic ? ['deriveBits'] : ['decrypt', 'encrypt'])
    const { kty, crv, x, y, n, e } = await crypto.subtle.exportKey('jwk', pair.publicKey)
    const key = await signingKey('signing')
    const jwks = { keys: [key.jwk, { kty, crv, x, y, n, e, kid: 'for-us', use: 'enc', alg }] }
    const url = isAtUrl && (await keysAtUrl(jwks))
    if (url) context.after(() => url.close())
    const own = await party('private_key_jwt', 'dpop', {
      key,
      ...(url ? { jwks: undefined, jwks_uri: url.uri } : { jwks }),
      id_token_encrypted_response_alg: alg,
      id_token_encrypted_response_enc: 'A256GCM',
    })
    client.enableDecryptingResponses(own.config, ['A256GCM'], { key: pair.privateKey, alg, kid: 'for-us' })
    const { redirected, checks } = await authorized(own)
    const tokens = await client.authorizationCodeGrant(own.config, redirected, checks, undefined, own.options)
    assert.equal(tokens.id_token.split('.').length, 5)
    assert.equal(tokens.claims().aud, own.id)
    if (!url) return
    // What is known is used for a while, and goes on being used when the URL is gone.
    url.closeAllConnections()
    url.close()
    const again = await authorized(own)
    await client.authorizationCodeGrant(own.config, again.redirected, again.checks, undefined, own.options)
  })
}

for (const mode of ['jwt', 'query.jwt', 'fragment.jwt', 'form_post.jwt']) {
  test(`signed requests, and signed responses by ${mode}: what is granted, and what is not`, async () => {
    const own = await party('private_key_jwt', 'dpop', { profile: 'fapi2-message-signing' })
    client.useJwtResponseMode(own.config)
    const ask = async (action) => {
      const { redirected, checks } = await authorized(own, { action, signedBy: own.key, response_mode: mode })
      // As a page at the redirection would do.
      if (mode === 'fragment.jwt') redirected.href = redirected.href.replace('#', '?')
      return client.authorizationCodeGrant(own.config, redirected, checks, undefined, own.options)
    }
    assert.equal((await ask('approve')).scope, 'openid accounts')
    await assert.rejects(ask('cancel'), { error: 'access_denied' })
    await assert.rejects(authorized(own), { error: 'invalid_request' })
  })
}
