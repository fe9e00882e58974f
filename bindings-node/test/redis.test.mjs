// Used proofs in a real Redis, which processes share.

import assert from 'node:assert/strict'
import { execFileSync, spawn, spawnSync } from 'node:child_process'
import { createServer, connect } from 'node:net'
import { once } from 'node:events'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { Verifier } from 'counterfoil'
import { AUDIENCE, HELD, HOLDER, ISSUER, KEY, ORIGIN, ROOT, code, inFolder, jwks, proof } from './material.mjs'

const isAbsent = spawnSync('redis-server', ['--version']).error !== undefined && process.env.CI !== 'true'

async function freePort() {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address()
  await new Promise((resolve) => server.close(resolve))
  return port
}

async function redisServer(folder) {
  const port = await freePort()
  const words = ['--port', port, '--bind', '127.0.0.1', '--save', '', '--dir', folder, '--loglevel', 'warning']
  const server = spawn('redis-server', words, { stdio: 'ignore' })
  for (let attempt = 0; attempt < 500; attempt += 1) {
    const socket = connect(port, '127.0.0.1')
    const isThere = await new Promise((resolve) => socket.on('connect', () => resolve(true)).on('error', () => resolve(false)))
    socket.destroy()
    if (isThere) return { server, url: `redis://127.0.0.1:${port}/` }
    await sleep(20)
  }
  server.kill()
  throw new Error('redis-server does not listen')
}

const OTHER_PROCESS = `
  import { Verifier } from 'counterfoil'
  const { options, token, presenter } = JSON.parse(process.argv[1])
  try {
    new Verifier(options).acceptSync(token, presenter)
    console.log('ok')
  } catch (error) {
    console.log(error.code)
  }
`

test('a proof is used up for all processes', { skip: isAbsent && 'redis-server is not installed' }, () =>
  inFolder(async (folder) => {
    const { server, url } = await redisServer(folder)
    const options = { issuer: ISSUER, audience: AUDIENCE, jwks: jwks(KEY), dpop: { replayUrl: url } }
    const own = new Verifier(options)
    const presenter = () => ({ dpop: proof(HOLDER, 'GET', `${ORIGIN}/x`, HELD), method: 'GET', url: `${ORIGIN}/x` })
    const [used, unused] = [presenter(), presenter()]
    try {
      own.acceptSync(HELD, used)
      for (const [shown, expected] of [[used, 'proof_replayed'], [unused, 'ok']]) {
        const words = ['--input-type=module', '-e', OTHER_PROCESS, JSON.stringify({ options, token: HELD, presenter: shown })]
        assert.equal(execFileSync(process.execPath, words, { cwd: `${ROOT}/bindings-node`, encoding: 'utf8', timeout: 60_000 }), `${expected}\n`)
      }
    } finally {
      server.kill()
      await once(server, 'exit')
    }
    await assert.rejects(() => own.accept(HELD, presenter()), (error) => error.status === 503)
    assert.equal(await code(() => own.acceptSync(HELD, presenter())), 'lookup_unavailable')
  }))
