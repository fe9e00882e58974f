// CIBA by openid-client and oauth4webapi: polls, and pings at an endpoint of their own, while a person answers on a phone.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import https from 'node:https'
import { after, before, test } from 'node:test'
import * as oauth from 'oauth4webapi'
import * as client from 'openid-client'
import { answer, signingKey, start } from './serving.mjs'

const GRANT_TYPE = 'urn:openid:params:grant-type:ciba'

let server
let pinged
before(async () => {
  server = await start({ settings: { '# [backchannel]': '[backchannel]\ninterval = 1\nauthorities = "tls/authority.pem"' } })
  pinged = await notificationEndpoint(server)
})
after(async () => {
  pinged?.close()
  await server?.stop()
})

/** Takes notifications, answers each as it is told to, and keeps them. */
async function notificationEndpoint(server) {
  const told = []
  const { cert, key } = server.certificate('ping', { host: 'localhost' })
  const endpoint = https.createServer({ cert, key }, async (request, response) => {
    const body = JSON.parse((await request.toArray()).join(''))
    told.push({ url: request.url, authorization: request.headers.authorization, type: request.headers['content-type'], body })
    endpoint.emit('told')
    const [, kind] = request.url.split('/')
    if (kind === 'elsewhere') response.writeHead(302, { location: `/followed` })
    else response.writeHead({ refuses: 401, forbids: 403 }[kind] ?? 200, { 'content-type': 'text/plain' })
    response.end('a body that nobody reads')
  })
  endpoint.listen(0, '127.0.0.1')
  await once(endpoint, 'listening')
  return Object.assign(endpoint, { told, at: (kind) => `https://localhost:${endpoint.address().port}/${kind}` })
}

let parties = 0
async function party(more) {
  const id = `ciba-${++parties}`
  const key = await signingKey(`${id}-key`)
  const certificate = server.certificate(id)
  server.add({
    client_id: id,
    client_name: `Shop ${id}`,
    grant_types: ['refresh_token', GRANT_TYPE],
    token_endpoint_auth_method: 'private_key_jwt',
    jwks: { keys: [key.jwk] },
    backchannel_token_delivery_mode: 'poll',
    ...more,
  })
  return { id, key, certificate }
}

async function openidClient({ id, key, certificate }) {
  const fetch = server.fetchAs(certificate)
  const metadata = { use_mtls_endpoint_aliases: true, id_token_signed_response_alg: 'ES256' }
  return client.discovery(new URL(server.issuer), id, metadata, client.PrivateKeyJwt(key), { [client.customFetch]: fetch })
}

/** A request that is signed as openid-client signs those for the authorization endpoint; they have the same claims. */
async function signed(config, key, parameters) {
  const url = await client.buildAuthorizationUrlWithJAR(config, parameters, key)
  return { request: url.searchParams.get('request') }
}

test('openid-client polls with DPoP, unsigned: approved', async () => {
  const own = await party({ dpop_bound_access_tokens: true })
  const config = await openidClient(own)
  const DPoP = client.getDPoPHandle(config, await client.randomDPoPKeyPair('ES256'))
  const asked = await client.initiateBackchannelAuthentication(config, { scope: 'openid accounts', login_hint: 'alice', binding_message: 'W4SCT' })
  assert.equal(asked.interval, 1)
  const tokens = client.pollBackchannelAuthenticationGrant(config, asked, undefined, { DPoP })
  const page = await answer(server, 'W4SCT')
  assert.match(page, /You have allowed it/)
  assert.equal((await tokens).token_type, 'dpop')
  assert.equal((await tokens).claims().aud, own.id)
})

test('openid-client polls by FAPI-CIBA, signed and with a certificate: refused', async () => {
  const own = await party({ profile: 'fapi-ciba', tls_client_certificate_bound_access_tokens: true })
  const config = await openidClient(own)
  const parameters = { scope: 'openid accounts', login_hint: 'alice', binding_message: 'refuse me' }
  await assert.rejects(client.initiateBackchannelAuthentication(config, parameters), { error: 'invalid_request' })
  const asked = await client.initiateBackchannelAuthentication(config, await signed(config, own.key, parameters))
  const tokens = client.pollBackchannelAuthenticationGrant(config, asked)
  await Promise.all([assert.rejects(tokens, { error: 'access_denied' }), answer(server, 'refuse me', { action: 'deny' })])
})

for (const kind of ['accepts', 'refuses', 'forbids', 'elsewhere']) {
  test(`openid-client is notified at an endpoint that ${kind}, once`, async () => {
    const own = await party({
      profile: 'fapi-ciba',
      tls_client_certificate_bound_access_tokens: true,
      backchannel_token_delivery_mode: 'ping',
      backchannel_client_notification_endpoint: pinged.at(kind),
    })
    const config = await openidClient(own)
    const client_notification_token = oauth.generateRandomState()
    const parameters = { scope: 'openid', login_hint: 'alice', binding_message: `ping ${kind}`, client_notification_token }
    const asked = await client.initiateBackchannelAuthentication(config, await signed(config, own.key, parameters))
    const notified = once(pinged, 'told')
    await answer(server, `ping ${kind}`)
    await notified
    const tokens = await client.pollBackchannelAuthenticationGrant(config, asked)
    assert.equal(tokens.token_type, 'bearer')
    // Nothing is tried again, and no redirection followed.
    await new Promise((resolve) => setTimeout(resolve, 1500))
    const own_ = pinged.told.filter(({ body }) => body.auth_req_id === asked.auth_req_id)
    assert.deepEqual(own_, [
      { url: `/${kind}`, authorization: `Bearer ${client_notification_token}`, type: 'application/json', body: { auth_req_id: asked.auth_req_id } },
    ])
    assert.ok(pinged.told.every(({ url }) => url !== '/followed'))
    assert.ok(!server.log().includes(client_notification_token) && !server.log().includes(asked.auth_req_id), 'secrets in the log')
  })
}

test('oauth4webapi polls: pending, slow down, approved, and never again', async () => {
  const { id, key, certificate } = await party({ tls_client_certificate_bound_access_tokens: true })
  const options = { [oauth.customFetch]: server.fetchAs(certificate) }
  const issuer = new URL(server.issuer)
  const found = await oauth.processDiscoveryResponse(issuer, await oauth.discoveryRequest(issuer, options))
  const as = { ...found, ...found.mtls_endpoint_aliases }
  const own = { client_id: id, id_token_signed_response_alg: 'ES256' }
  const authentication = oauth.PrivateKeyJwt(key)
  const asking = { scope: 'openid', login_hint: 'alice', binding_message: 'by oauth4webapi' }
  const asked = await oauth.processBackchannelAuthenticationResponse(
    as,
    own,
    await oauth.backchannelAuthenticationRequest(as, own, authentication, asking, options),
  )
  const poll = async () =>
    oauth.processBackchannelAuthenticationGrantResponse(
      as,
      own,
      await oauth.backchannelAuthenticationGrantRequest(as, own, authentication, asked.auth_req_id, options),
    )
  await assert.rejects(poll(), { error: 'authorization_pending' })
  await answer(server, 'by oauth4webapi')
  const tokens = await poll()
  assert.equal(oauth.getValidatedIdTokenClaims(tokens).aud, id)
  await assert.rejects(poll(), { error: 'invalid_grant' })
})
