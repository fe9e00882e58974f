// People who sign in at another OpenID provider: oidc-provider, over TLS, with its own pages.
import assert from 'node:assert/strict'
import { createServer } from 'node:https'
import { after, before, test } from 'node:test'
import { Provider } from 'oidc-provider'
import * as client from 'openid-client'
import { REDIRECT_URI, browser, freePort, hidden, signingKey, start } from './serving.mjs'

let server
let pages
let app

before(async () => {
  const port = await freePort()
  const issuer = `https://localhost:${port}`
  const provider = `
[login.provider]
issuer = "${issuer}"
client_id = "counterfoil"
acr_values = ["urn:example:strong"]
authorities = "tls/authority.pem"
`
  server = await start({ more: provider })
  const jwks = await (await server.fetchAs()(`${server.issuer}/jwks`)).json()
  const key = (await signingKey('provider-1')).exported
  const elsewhere = new Provider(issuer, {
    clients: [
      {
        client_id: 'counterfoil',
        redirect_uris: [`${server.issuer}/login/return`],
        token_endpoint_auth_method: 'private_key_jwt',
        token_endpoint_auth_signing_alg: 'ES256',
        id_token_signed_response_alg: 'ES256',
        jwks,
      },
    ],
    jwks: { keys: [key] },
    acrValues: ['urn:example:strong'],
    claims: { acr: null, auth_time: null, profile: ['name'], email: ['email'] },
    clientAuthMethods: ['private_key_jwt'],
    cookies: { keys: [crypto.randomUUID()] },
    findAccount: (_context, sub) => ({ accountId: sub, claims: () => ({ sub, name: 'Bob Example', email: 'bob@example.com' }) }),
  })
  pages = createServer(server.certificate('provider', { host: 'localhost' }), elsewhere.callback()).listen(port, '127.0.0.1')
  await new Promise((resolve) => pages.once('listening', resolve))

  const own = await signingKey('app-key')
  server.add({
    client_id: 'app',
    redirect_uris: [REDIRECT_URI],
    token_endpoint_auth_method: 'private_key_jwt',
    dpop_bound_access_tokens: true,
    jwks: { keys: [own.jwk] },
  })
  const authentication = client.PrivateKeyJwt(own)
  const metadata = { id_token_signed_response_alg: 'ES256' }
  app = await client.discovery(new URL(server.issuer), 'app', metadata, authentication, { [client.customFetch]: server.fetchAs() })
})
after(async () => {
  pages?.closeAllConnections()
  pages?.close()
  await server?.stop()
})

/** Follows redirections until a page or another host comes. */
async function follow(visit, to) {
  for (let hops = 0; hops < 10; hops++) {
    const answer = await visit(to)
    const next = answer.headers.get('location')
    if (!next) return { at: to, page: await answer.text(), status: answer.status }
    to = new URL(next, to)
    if (to.href.startsWith(REDIRECT_URI)) return { at: to }
  }
  throw new Error(`no end at ${to}`)
}

/** Signs in at the provider's own pages, and answers at ours. Gives where the client is told something, and our last page. */
async function browse(url, { name = 'bob', visit = browser(server) } = {}) {
  let { at, page } = await follow(visit, url)
  for (const form of [{ prompt: 'login', login: name, password: 'any' }, { prompt: 'consent' }]) {
    if (!at.pathname?.startsWith('/interaction/')) break
    const answered = await visit(at, form)
    ;({ at, page } = await follow(visit, new URL(answered.headers.get('location'), at)))
  }
  if (at.href.startsWith(REDIRECT_URI)) return { at }
  const answered = await visit(`${server.issuer}/consent`, { ...hidden(page), action: 'approve' })
  return { at: new URL(answered.headers.get('location') ?? 'error:'), page }
}

async function begun(DPoP, more = {}) {
  const verifier = client.randomPKCECodeVerifier()
  const [state, nonce] = [client.randomState(), client.randomNonce()]
  const parameters = {
    redirect_uri: REDIRECT_URI,
    scope: 'openid profile',
    code_challenge: await client.calculatePKCECodeChallenge(verifier),
    code_challenge_method: 'S256',
    state,
    nonce,
    ...more,
  }
  const url = await client.buildAuthorizationUrlWithPAR(app, parameters, { DPoP })
  return { url, checks: { pkceCodeVerifier: verifier, expectedState: state, expectedNonce: nonce, idTokenExpected: true } }
}

test('a person signs in there, consents here, and is the same person the next time', async () => {
  const DPoP = client.getDPoPHandle(app, await client.randomDPoPKeyPair('ES256'))
  const subjects = []
  for (const name of ['bob', 'bob', 'carol']) {
    const { url, checks } = await begun(DPoP, { claims: JSON.stringify({ id_token: { email: null } }), max_age: '600' })
    const { at, page } = await browse(url, { name })
    assert.match(page, /bob@example\.com/)
    const tokens = await client.authorizationCodeGrant(app, at, checks, undefined, { DPoP })
    const claims = tokens.claims()
    assert.equal(claims.email, 'bob@example.com')
    assert.ok(Math.abs(claims.auth_time - Date.now() / 1000) < 60)
    assert.equal('acr' in claims, false)
    const userinfo = await client.fetchUserInfo(app, tokens.access_token, claims.sub, { DPoP })
    assert.equal(userinfo.name, 'Bob Example')
    subjects.push(claims.sub)
  }
  assert.equal(subjects[0], subjects[1])
  assert.notEqual(subjects[0], subjects[2])
  assert.ok(!subjects[0].includes('bob'))
})

test('what a client demands, the provider must have done', async () => {
  const { url } = await begun(undefined, { acr_values: 'urn:example:strong' })
  const { at } = await browse(url)
  assert.equal(at.searchParams.get('error'), 'unmet_authentication_requirements')
})

test('nobody signs in with what another browser began', async () => {
  const { url } = await begun()
  const [victim, attacker] = [browser(server), browser(server)]
  let { at } = await follow(attacker, url)
  let returned
  for (const form of [{ prompt: 'login', login: 'mallory', password: 'any' }, { prompt: 'consent' }]) {
    let to = new URL((await attacker(at, form)).headers.get('location'), at)
    for (;;) {
      if (to.pathname === '/login/return') {
        returned = to
        break
      }
      const answer = await attacker(to)
      if (!answer.headers.get('location')) break
      to = new URL(answer.headers.get('location'), to)
    }
    at = to
  }
  assert.ok(returned)
  await victim(url)
  const answer = await victim(returned)
  assert.deepEqual([answer.status, answer.headers.getSetCookie()], [303, []])
  const without = await browser(server)(returned)
  assert.equal(without.status, 400)
  const forged = new URL(returned)
  forged.searchParams.set('iss', 'https://other.example')
  const mixed = await attacker(forged)
  assert.equal(mixed.status, 502)
  assert.match(await mixed.text(), /temporarily_unavailable/)
  assert.match(server.log(), /another provider answered/)
})

test('no password is taken here', async () => {
  const { url } = await begun()
  const visit = browser(server)
  await visit(url)
  const { searchParams } = new URL(url)
  const form = { client_id: 'app', request_uri: searchParams.get('request_uri'), csrf: 'x', username: 'alice', password: 'correct horse battery', action: 'login' }
  const answer = await visit(`${server.issuer}/login`, form)
  assert.deepEqual([answer.status, answer.headers.getSetCookie()], [303, []])
})
