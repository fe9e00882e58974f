// The verifier as a service uses it: its arguments, errors, threads, keys that change.

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { Worker } from 'node:worker_threads'
import * as counterfoil from 'counterfoil'
import { AccessToken, Certificate, ClaimError, ConfigurationError, CounterfoilError, Gate, Proof, ResponseVerifier, Verifier } from 'counterfoil'
import { AUDIENCE, BOUND, CLIENT, HELD, HOLDER, ISSUER, KEY, Key, ORIGIN, OTHER, bearer, code, dpop, inFolder, jwks, now, proof, token } from './material.mjs'

const verifier = (more = {}) => new Verifier({ issuer: ISSUER, audience: AUDIENCE, jwks: jwks(KEY), ...more })
const held = { certificate: CLIENT.der }

describe('construction', () => {
  test('what is unset is an error', async () => {
    for (const [options, expected] of [
      [{ issuer: '', audience: 'a' }, 'issuer_unset'],
      [{ audience: 'a' }, 'issuer_unset'],
      [{ issuer: 'i' }, 'audience_unset'],
      [{ issuer: 'i', audience: [] }, 'audience_unset'],
    ]) {
      assert.throws(() => new Verifier({ jwks: jwks(KEY), ...options }), (error) => error instanceof ConfigurationError && error.code === expected)
    }
    assert.equal(await code(() => new Verifier()), 'settings_malformed')
    assert.equal(await code(() => new ResponseVerifier({ issuer: 'i', jwks: jwks(KEY) })), 'client_id_unset')
  })

  test('what is wrong is named, without its value', () => {
    for (const [options, told] of [
      [{ binding: 's3cret' }, 'binding'],
      [{ algorithms: ['s3cret'] }, 'algorithms'],
      [{ leeway: 's3cret' }, 'u64'],
      [{ jwksUri: 'https://x/s3cret' }, 'exactly one of jwks, jwksFile and jwksUri'],
      [{ colour: 'red' }, 'unknown field `colour`'],
      [{ tls: { certificateFile: 'x' }, jwks: undefined, jwksUri: 'https://a.example/' }, 'certificateFile and keyFile'],
    ]) {
      assert.throws(() => verifier(options), (error) => {
        assert.ok(error instanceof ConfigurationError && error.status === 500)
        assert.ok(error.message.includes(told), error.message)
        return !error.message.includes('s3cret')
      })
    }
    assert.throws(() => new Verifier({ issuers: [], issuer: 'i' }), TypeError)
    for (const options of [
      {}, { origin: 'http://a' }, { origin: 'https://a/b' }, { origin: 'https://a', colour: 'red' }, { origin: 'https://a', trustedPeers: ['10.0.0.1'] },
      { origin: 'https://a', certificateHeader: { name: 'x', form: 'pem' }, trustedPeers: ['here'] },
      { origin: 'https://a', certificateHeader: { name: 'x', form: 'der' }, trustedPeers: ['10.0.0.1'] },
    ]) assert.throws(() => new Gate(verifier(), options), TypeError)
  })

  test('several issuers', async () => {
    const other = new Key('k2')
    const own = new Verifier({
      issuers: [
        { issuer: ISSUER, audience: AUDIENCE, jwks: JSON.stringify(jwks(KEY)) },
        { issuer: 'https://other.example', audience: [AUDIENCE], jwks: Buffer.from(JSON.stringify(jwks(other))) },
      ],
    })
    assert.equal(own.acceptSync(BOUND, held).issuer, ISSUER)
    assert.equal(own.acceptSync(token(other, CLIENT.cnf, { iss: 'https://other.example' }), held).issuer, 'https://other.example')
    assert.equal(await code(() => own.acceptSync(token(other, CLIENT.cnf, { iss: 'https://third.example' }))), 'issuer_mismatch')
  })
})

describe('tokens', () => {
  test('claims and accessors', () => {
    const details = [{ type: 'payment', amount: 1 }]
    const text = token(KEY, CLIENT.cnf, { scope: 'a b', acr: 'gold', auth_time: 1.5, authorization_details: details, name: 'ünï', __proto__: null })
    const accepted = verifier().acceptSync(text, held)
    assert.deepEqual(accepted.claims, JSON.parse(accepted.payload))
    assert.equal(accepted.claims, accepted.claims)
    assert.deepEqual([accepted.issuer, accepted.subject, accepted.clientId, accepted.acr], [ISSUER, 'user-1', 'client-7', 'gold'])
    assert.deepEqual([accepted.audiences, accepted.authorizationDetails, accepted.claims.name], [[AUDIENCE], details, 'ünï'])
    assert.deepEqual([accepted.hasScope('b'), accepted.hasScope('c'), accepted.hasScope('')], [true, false, false])
    assert.deepEqual([accepted.expiresAt, accepted.authTime, accepted.notBefore], [accepted.claims.exp, 1, null])
    assert.deepEqual(accepted.confirmation, CLIENT.cnf)
    assert.equal(JSON.stringify(accepted), JSON.stringify(accepted.claims))
  })

  test('nothing can be written into an accepted token, or inherited by it', () => {
    const accepted = verifier().acceptSync(BOUND, held)
    assert.throws(() => { 'use strict'; accepted.claims.scope = 'admin' }, TypeError)
    assert.throws(() => { 'use strict'; accepted.claims.cnf.jkt = 'x' }, TypeError)
    Object.prototype.acr = 'gold'
    try {
      assert.equal(accepted.acr, null)
    } finally {
      delete Object.prototype.acr
    }
    assert.throws(() => new AccessToken(undefined, '{"iss":"me"}'), TypeError)
    assert.throws(() => new accepted.constructor(Symbol('accepted'), '{"iss":"me"}'), TypeError)
    assert.throws(() => new Proof({}), TypeError)
    assert.throws(() => new Certificate(), TypeError)
  })

  test('claims of tokens that come again are those of their own payload', () => {
    const own = verifier({ tokenCache: 4 })
    const tokens = Array.from({ length: 12 }, (_, place) => token(KEY, CLIENT.cnf, { sub: `user-${place}` }))
    for (const round of [1, 2, 3]) {
      for (const [place, text] of tokens.entries()) {
        const accepted = own.acceptSync(text, held)
        assert.equal(accepted.subject, `user-${place}`, `round ${round}`)
        assert.equal(own.acceptSync(text, held).claims, accepted.claims)
        assert.deepEqual(own.acceptSync(Buffer.from(text), held).claims, accepted.claims)
        assert.ok(Object.isFrozen(accepted.claims))
        const request = { method: 'GET', url: ORIGIN, headers: bearer(text), ...held }
        assert.equal(own.acceptRequestSync(request).claims, accepted.claims)
      }
    }
    const bare = verifier({ tokenCache: 0 })
    assert.notEqual(bare.acceptSync(tokens[0], held).claims, bare.acceptSync(tokens[0], held).claims)
  })

  test('the holder', async () => {
    const own = verifier()
    assert.equal(await code(() => own.acceptSync(BOUND)), 'certificate_missing')
    assert.equal(await code(() => own.acceptSync(BOUND, { certificate: OTHER.der })), 'certificate_mismatch')
    assert.equal(await code(() => own.acceptSync(BOUND, { certificate: Certificate.pem(CLIENT.pem.trim()) })), 'ok')
    assert.equal(await code(() => own.acceptSync(BOUND, { certificate: Buffer.from('x') })), 'certificate_malformed')
    assert.equal(await code(() => own.accept(BOUND, { certificate: Buffer.from('x') })), 'certificate_malformed')
    const presented = { dpop: dpop('/x')[1][1], method: 'GET', url: `${ORIGIN}/x` }
    assert.equal(await code(() => own.acceptSync(HELD, presented)), 'ok')
    assert.equal(await code(() => own.acceptSync(HELD, presented)), 'proof_replayed')
    assert.equal(await code(() => own.accept(HELD, presented)), 'proof_replayed')
    const used = own.acceptProof(proof(HOLDER, 'GET', `${ORIGIN}/y`, HELD), { method: 'GET', url: `${ORIGIN}/y`, token: HELD })
    assert.deepEqual([used.thumbprint, await code(() => own.acceptSync(HELD, { dpop: used })), await code(() => own.accept(HELD, { dpop: used }))], [HOLDER.thumbprint, 'ok', 'ok'])
    for (const wrong of [{ dpop: 'x' }, { method: 'GET' }, { dpop: 'x', certificate: CLIENT.der, method: 'GET', url: 'x' }, { dpop: used, certificate: CLIENT.der }]) {
      assert.throws(() => own.acceptSync(HELD, wrong), TypeError)
      await assert.rejects(() => own.accept(HELD, wrong), TypeError)
    }
    for (const wrong of [1, null, undefined, ['x'], {}]) {
      assert.throws(() => own.acceptSync(wrong), TypeError)
      await assert.rejects(() => own.accept(wrong), TypeError)
    }
  })

  test('what is no token of any kind is refused, whatever its length and letters', async () => {
    const own = verifier()
    const wide = BOUND.replace(/./, 'ı')
    for (const [text, expected] of [
      ['', 'token_not_compact'], [wide, 'base64url_malformed'], [`${BOUND}\u0000`, 'base64url_malformed'], ['\ud800', 'token_not_compact'],
      ['.'.repeat(16 * 1024), 'token_not_compact'], ['a'.repeat(60_000), 'token_too_large'], ['é'.repeat(30_000), 'token_too_large'],
      [Buffer.from(BOUND), 'ok'], [new Uint8Array(Buffer.from(`é${BOUND}`, 'latin1')), 'base64url_malformed'],
    ]) {
      for (const judge of [() => own.acceptSync(text, held), () => own.accept(text, held)]) assert.equal(await code(judge), expected, String(text).slice(0, 9))
    }
  })

  test('what is no time is refused, and not taken for one', async () => {
    const [own, expired] = [verifier(), token(KEY, CLIENT.cnf, { exp: 1000 })]
    for (const wrong of [NaN, -1, Infinity, '5', null, 5n, {}]) {
      const late = { ...held, now: wrong }
      assert.throws(() => own.acceptSync(expired, late), TypeError)
      await assert.rejects(() => own.accept(expired, late), TypeError)
      assert.throws(() => own.acceptBatch([[expired, CLIENT.der]], { now: wrong }), TypeError)
      const request = { method: 'GET', url: ORIGIN, headers: bearer(expired), ...late }
      assert.throws(() => own.acceptRequestSync(request), TypeError)
      await assert.rejects(() => own.acceptRequest(request), TypeError)
      assert.throws(() => own.dpopNonce({ now: wrong }), TypeError)
      assert.throws(() => own.acceptRequestSync({ ...request, now: 1, maxAge: wrong }), TypeError)
    }
    assert.equal(await code(() => own.acceptSync(expired, held)), 'token_expired')
  })

  test('a batch answers each for itself', () => {
    const verdicts = verifier().acceptBatch(Array(5).fill([[BOUND, CLIENT.der], ['x'], [BOUND, OTHER.der], [BOUND, Buffer.from('x')], [HELD]]).flat())
    const told = verdicts.map((verdict) => (verdict instanceof CounterfoilError ? verdict.code : 'ok'))
    assert.deepEqual(told, Array(5).fill(['ok', 'token_not_compact', 'certificate_mismatch', 'certificate_malformed', 'proof_required']).flat())
  })

  test('nothing unverified is readable but by its loud name', async () => {
    const shown = counterfoil.inspect(token(new Key('stranger')))
    assert.equal(shown.unprovenHeader.kid, 'stranger')
    assert.ok('iss' in shown.unprovenClaims)
    assert.match(shown.warning, /nothing/)
    assert.equal(await code(() => counterfoil.inspect('x.y')), 'token_not_compact')
  })

  test('errors have a family and say nothing of the token', () => {
    const expired = token(KEY, CLIENT.cnf, { exp: 1 })
    assert.throws(() => verifier().acceptSync(expired, held), (error) => {
      assert.ok(error instanceof ClaimError && error instanceof CounterfoilError && error instanceof Error)
      assert.deepEqual([error.name, error.code, error.number, error.status, error.wwwAuthenticate], ['ClaimError', 'token_expired', 312, 401, null])
      assert.match(error.rfc, /^RFC 7519/)
      return !`${error.stack}${JSON.stringify(error)}`.includes(expired.slice(-20))
    })
  })
})

describe('requests', () => {
  test('headers of every shape', async () => {
    const own = verifier()
    const [[name, value]] = bearer()
    for (const headers of [bearer(), { [name]: value }, { authorization: [value] }, new Headers(bearer()), new Map([['AUTHORIZATION', Buffer.from(value)]])]) {
      const request = { method: 'GET', url: `${ORIGIN}/x`, headers, ...held }
      assert.ok(own.acceptRequestSync(request).subject)
      assert.ok((await own.acceptRequest(request)).subject)
    }
    const twice = { method: 'GET', url: ORIGIN, headers: [...bearer(), ...bearer()], ...held }
    assert.equal(await code(() => own.acceptRequestSync(twice)), 'credential_repeated')
    assert.throws(() => own.acceptRequestSync({ ...twice, scope: 'admin' }), TypeError)
    const known = { ...twice, headers: bearer(), certificate: Certificate.ofThumbprint(CLIENT.cnf['x5t#S256']) }
    assert.equal(await code(() => own.acceptRequestSync(known)), 'certificate_malformed')
  })

  test('trusted peers in every spelling', async () => {
    const certificateHeader = { name: 'Client-Cert', form: 'escapedPem' }
    const gate = new Gate(verifier(), { origin: ORIGIN, certificateHeader, trustedPeers: ['10.0.0.0/8', '2001:db8::1'] })
    const rawHeaders = [...bearer(), ['Client-Cert', encodeURIComponent(CLIENT.pem)]].flat()
    for (const [remoteAddress, expected] of [
      ['10.1.2.3', 'ok'], ['::ffff:10.1.2.3', 'ok'], ['2001:db8:0:0::1', 'ok'], ['11.0.0.1', 'certificate_missing'],
      ['::ffff:11.0.0.1', 'certificate_missing'], [undefined, 'certificate_missing'],
    ]) {
      assert.equal(await code(() => gate.accept({ method: 'GET', url: '/x', rawHeaders, socket: { remoteAddress } })), expected, remoteAddress)
    }
  })

  test('the answer', async () => {
    const own = verifier({ realm: 'api', dpop: { nonceRandom: true } })
    const ask = (headers, more = {}) => own.acceptRequestSync({ method: 'GET', url: `${ORIGIN}/x`, headers, ...more })
    let nonce
    assert.throws(() => ask(dpop('/x')), (error) => {
      nonce = error.dpopNonce
      assert.match(error.wwwAuthenticate, /realm="api"/)
      return error.code === 'nonce_required' && error.status === 401 && error.body === '{"error":"use_dpop_nonce"}'
    })
    assert.equal(await code(() => ask(dpop('/x', { nonce }))), 'ok')
    assert.deepEqual([own.counters().accepted, own.counters().refused], [1, { nonce_required: 1 }])
    assert.throws(() => ask(bearer(), { ...held, scopes: ['admin'] }), (error) => error.status === 403 && error.body === '{"error":"insufficient_scope"}')
    await assert.rejects(() => own.acceptRequest({ method: 'GET', url: `${ORIGIN}/x`, headers: [] }), (error) => error.wwwAuthenticate.includes('Bearer'))
  })
})

describe('keys', () => {
  test('a file is watched, and keys can be replaced', () =>
    inFolder(async (folder) => {
      const file = join(folder, 'jwks.json')
      writeFileSync(file, JSON.stringify(jwks(new Key('other'))))
      const own = verifier({ jwks: undefined, jwksFile: file })
      assert.equal(await own.waitForKeys(1), true)
      assert.equal(await code(() => own.acceptSync(BOUND, held)), 'key_unknown')
      writeFileSync(file, JSON.stringify(jwks(KEY)))
      const end = Date.now() + 10_000
      while ((await code(() => own.acceptSync(BOUND, held))) !== 'ok') {
        assert.ok(Date.now() < end)
        await sleep(50)
      }
      own.replaceKeys(ISSUER, jwks(new Key('other')))
      assert.equal(await code(() => own.acceptSync(BOUND, held)), 'key_unknown')
      assert.deepEqual([own.keyStatus()[0].issuer, own.keyStatus()[0].keys], [ISSUER, 1])
      assert.equal(await code(() => own.replaceKeys('https://nobody', '{}')), 'issuer_mismatch')
    }))

  test('an unreachable set is an outage', async () => {
    const own = verifier({ jwks: undefined, jwksUri: 'https://127.0.0.1:1/jwks' })
    assert.equal(await own.waitForKeys(0.2), false)
    assert.throws(() => own.acceptSync(BOUND, held), (error) => error.code === 'lookup_unavailable' && error.status === 503)
  })

  test('a split token', () => {
    const own = verifier()
    const { counterfoil: head, ticket } = counterfoil.split(BOUND)
    assert.equal(counterfoil.join(head, ticket), BOUND)
    assert.equal(own.acceptSplit(head, ticket, held).payload, own.acceptSync(BOUND, held).payload)
    assert.equal(counterfoil.counterfoilKey(ticket, 'raw').length, 32)
    assert.throws(() => counterfoil.counterfoilKey(ticket, 'octal'), ConfigurationError)
    own.revoke(counterfoil.counterfoilKey(ticket), now() + 60)
  })

  test('a lookup that does not answer blocks nobody, and is an outage', async () => {
    const own = verifier({ split: { url: 'redis://127.0.0.1:1/' } })
    assert.equal(own.waits, true)
    const { ticket } = counterfoil.split(BOUND)
    await assert.rejects(() => own.accept(ticket, held), (error) => error.code === 'lookup_unavailable' && error.status === 503)
  })
})

describe('threads', () => {
  test('many at the same time, each with its own verdict', async () => {
    for (const own of [verifier(), verifier({ tokenCache: 0 })]) {
      const codes = await Promise.all(Array.from({ length: 4000 }, (_, place) => code(() => own.accept(BOUND, { certificate: place % 2 ? CLIENT.der : OTHER.der }))))
      assert.ok(codes.every((one, place) => one === (place % 2 ? 'ok' : 'certificate_mismatch')))
      assert.deepEqual(own.counters(), { accepted: 2000, refused: { certificate_mismatch: 2000 } })
    }
  })

  test('a verifier that nobody holds any more still answers', async () => {
    const answers = []
    for (let round = 0; round < 200; round += 1) {
      for (const more of [{}, { tokenCache: 0 }]) answers.push(verifier({ keyMemory: 4096, ...more }).accept(BOUND, held))
      answers.push(verifier({ keyMemory: 4096 }).acceptRequest({ method: 'GET', url: ORIGIN, headers: bearer(), ...held }))
      if (round % 50 === 0) await sleep(1)
      global.gc?.()
    }
    assert.ok((await Promise.all(answers)).every(({ subject }) => subject === 'user-1'))
  })

  test('points in time are not mixed up in one turn', async () => {
    const own = verifier()
    const late = now() + 10_000
    const [good, expired, again] = await Promise.all([undefined, late, undefined].map((now) => code(() => own.accept(BOUND, { ...held, now }))))
    assert.deepEqual([good, expired, again], ['ok', 'token_expired', 'ok'])
  })

  test('workers have verifiers of their own, which end with them', async () => {
    const source = `
      const { parentPort, workerData } = require('node:worker_threads')
      const { Verifier } = require('counterfoil')
      const own = new Verifier(workerData.options)
      Promise.all([own.accept(workerData.token, { certificate: workerData.certificate }), own.accept('x').catch((error) => error)])
        .then(([token, error]) => parentPort.postMessage([token.subject, error.code]))
      own.accept(workerData.token).catch(() => {}).finally(() => {})
    `
    const workerData = { options: { issuer: ISSUER, audience: AUDIENCE, jwks: jwks(KEY) }, token: BOUND, certificate: CLIENT.der }
    for (let round = 0; round < 3; round += 1) {
      const workers = [1, 2].map(() => new Worker(source, { eval: true, workerData }))
      for (const [[message]] of await Promise.all(workers.map((worker) => Promise.all([once(worker, 'message'), once(worker, 'exit')])))) {
        assert.deepEqual(message, ['user-1', 'token_not_compact'])
      }
    }
  })

  test('memory does not grow', async () => {
    const [own, bad] = [verifier({ tokenCache: 64 }), `${BOUND.slice(0, -2)}AA`]
    const request = (credential) => ({ method: 'GET', url: `${ORIGIN}/x`, headers: bearer(credential), ...held })
    const some = async (count) => {
      for (let done = 0; done < count; done += 8) {
        assert.ok(own.acceptSync(BOUND, held).claims.iss)
        own.acceptRequestSync(request(BOUND))
        assert.throws(() => own.acceptSync(bad, held))
        assert.throws(() => own.acceptRequestSync(request(bad)))
        await Promise.allSettled([own.accept(BOUND, held), own.accept(bad, held), own.acceptRequest(request(BOUND)), own.acceptRequest(request(bad))])
      }
      global.gc?.()
      return process.memoryUsage.rss()
    }
    await some(40_000)
    const before = await some(40_000)
    assert.ok((await some(80_000)) - before < 24 << 20)
  })
})

test('a panic is an exception', { skip: !createRequire(import.meta.url)('../lib/native.js').panic && 'built without inject-panic' }, () => {
  const require = createRequire(import.meta.url)
  const [native, { called }] = [require('../lib/native.js'), require('../lib/errors.js')]
  assert.throws(() => called(() => native.panic()), (error) => error instanceof counterfoil.BoundaryError && error.code === 'panicked' && error.status === 500)
})
