// Real servers over real TLS, for the tests of middleware; what every framework's must do.

import assert from 'node:assert/strict'
import { request } from 'node:https'
import { test } from 'node:test'
import { Gate, Verifier } from 'counterfoil'
import { AUDIENCE, AUTHORITY, BOUND, CLIENT, ISSUER, KEY, ORIGIN, OTHER, SELF_SIGNED, SERVER, bearer, dpop, jwks, token } from './material.mjs'

export const verifier = new Verifier({ issuer: ISSUER, audience: AUDIENCE, jwks: jwks(KEY) })
export const gate = new Gate(verifier, { origin: ORIGIN })
export const behind = new Gate(verifier, {
  origin: ORIGIN,
  certificateHeader: { name: 'X-Client-Cert', form: 'clientCert' },
  trustedPeers: ['127.0.0.0/8'],
})
export const demanding = gate.demanding({ scopes: ['admin'] })
export const withNonces = new Gate(new Verifier({ issuer: ISSUER, audience: AUDIENCE, jwks: jwks(KEY), dpop: { nonceRandom: true } }), {
  origin: ORIGIN,
  passOptions: true,
})

/** Clients may have a certificate, of any authority: what it is worth is the token's business. */
export const tls = { cert: SERVER.pem, key: SERVER.key, ca: AUTHORITY.pem, requestCert: true, rejectUnauthorized: false }

/** Status, headers and body, as a client that may have a certificate. */
export function ask(port, path, { headers = [], client, method = 'GET', ...more } = {}) {
  const options = { host: '127.0.0.1', servername: 'localhost', port, path, method, ca: AUTHORITY.pem, agent: false, timeout: 20_000, ...more }
  return new Promise((resolve, reject) => {
    const sent = request({ ...options, headers: [['Host', 'localhost'], ...headers].flat(), ...(client && { cert: client.pem, key: client.key }) }, (answer) => {
      let body = ''
      answer.setEncoding('utf8')
      answer.on('data', (part) => (body += part))
      answer.on('end', () => resolve({ status: answer.statusCode, headers: answer.headers, body }))
      answer.on('error', reject)
    })
    sent.on('error', reject).end()
  })
}

/**
 * `start` makes a server that answers a token's subject at `/accounts`, `/behind` (a proxy's header counts), `/admin` (demands a scope) and
 * `/nonce` (demands nonces), and returns its port and how to stop it.
 */
export function promises(name, start) {
  test(name, async (t) => {
    const { port, stop } = await start()
    t.after(stop)

    await t.test('a client with its certificate', async () => {
      const good = await ask(port, '/accounts?x=1', { headers: bearer(), client: CLIENT })
      assert.deepEqual([good.status, good.body], [200, '"user-1"'])
      for (const client of [undefined, OTHER]) {
        const { status, headers, body } = await ask(port, '/accounts', { headers: bearer(), client })
        assert.deepEqual([status, body], [401, '{"error":"invalid_token"}'])
        assert.match(headers['content-type'], /^application\/json\b/)
        assert.match(headers['www-authenticate'], /invalid_token/)
      }
    })

    await t.test('a client with a certificate that nobody signed', async () => {
      const own = bearer(token(KEY, SELF_SIGNED.cnf))
      assert.equal((await ask(port, '/accounts', { headers: own, client: SELF_SIGNED })).status, 200)
    })

    await t.test('a client with proofs', async () => {
      const headers = dpop('/accounts?x=%31')
      assert.equal((await ask(port, '/accounts?x=%31', { headers })).status, 200)
      const { status, body } = await ask(port, '/accounts', { headers })
      assert.deepEqual([status, body], [401, '{"error":"invalid_dpop_proof"}'])
      assert.equal((await ask(port, '/accounts?x=2', { headers: [...dpop('/accounts'), dpop('/accounts')[1]] })).status, 401)
    })

    await t.test('a repeated credential is not hidden', async () => {
      const raw = { Authorization: [`Bearer ${BOUND}`, `Bearer ${BOUND}`] }
      const headers = Object.entries(raw).flatMap(([name, values]) => values.map((value) => [name, value]))
      const { status, body } = await ask(port, '/accounts', { headers, client: CLIENT })
      assert.deepEqual([status, body], [400, '{"error":"invalid_request"}'])
    })

    await t.test('a forwarded certificate counts from trusted peers alone', async () => {
      const field = ['X-Client-Cert', `:${CLIENT.der.toString('base64')}:`]
      assert.equal((await ask(port, '/accounts', { headers: [...bearer(), field], client: OTHER })).status, 401)
      assert.equal((await ask(port, '/behind', { headers: [...bearer(), field] })).status, 200)
      assert.equal((await ask(port, '/behind', { headers: [...bearer(), field, field] })).status, 400)
      assert.equal((await ask(port, '/behind', { headers: bearer(), client: CLIENT })).status, 401)
    })

    await t.test('a route with demands of its own', async () => {
      const { status, headers } = await ask(port, '/admin', { headers: bearer(), client: CLIENT })
      assert.equal(status, 403)
      assert.match(headers['www-authenticate'], /scope="admin"/)
    })

    await t.test('nonces', async () => {
      const first = await ask(port, '/nonce', { headers: dpop('/nonce') })
      assert.deepEqual([first.status, first.body], [401, '{"error":"use_dpop_nonce"}'])
      const nonce = first.headers['dpop-nonce']
      const { status, headers } = await ask(port, '/nonce', { headers: dpop('/nonce', { nonce }) })
      assert.equal(status, 200)
      assert.ok(headers['dpop-nonce'])
      assert.notEqual((await ask(port, '/nonce', { method: 'OPTIONS' })).status, 401)
    })

    await t.test('no credential', async () => {
      const { status, headers } = await ask(port, '/accounts')
      assert.equal(status, 401)
      assert.match(headers['www-authenticate'], /Bearer/)
    })
  })
}

/** A server of Node's on a free port, and how to stop it. */
export async function listening(server) {
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve))
  const stop = () => new Promise((resolve) => (server.close(resolve), server.closeAllConnections?.()))
  return { port: server.address().port, stop }
}
