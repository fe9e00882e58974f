// The middleware of each framework, on the real one, over TLS.

import assert from 'node:assert/strict'
import { createSecureServer, connect } from 'node:http2'
import { createServer } from 'node:https'
import { test } from 'node:test'
import { serve } from '@hono/node-server'
import express from 'express'
import { fastify } from 'fastify'
import { Hono } from 'hono'
import Koa from 'koa'
import { authorize as forExpress } from 'counterfoil/express'
import { authorize as forFastify, counterfoil } from 'counterfoil/fastify'
import { authorize as forHono } from 'counterfoil/hono'
import { guard } from 'counterfoil/http'
import { authorize as forKoa } from 'counterfoil/koa'
import { AUTHORITY, BOUND, CLIENT, bearer } from './material.mjs'
import { ask, behind, demanding, gate, listening, promises, tls, withNonces } from './serving.mjs'

const GATES = { '/accounts': gate, '/behind': behind, '/admin': demanding, '/nonce': withNonces }
const subject = (token) => JSON.stringify(token?.subject ?? null)

function routes() {
  const guarded = Object.fromEntries(
    Object.entries(GATES).map(([path, gate]) => [path, guard(gate, (request, response, token) => response.end(subject(token)))]),
  )
  return (request, response) => guarded[request.url.split('?')[0]](request, response)
}

promises('http', () => listening(createServer(tls, routes())))

promises('http2', () => listening(createSecureServer({ ...tls, allowHTTP1: true }, routes())))

promises('express', () => {
  const app = express()
  for (const [path, gate] of Object.entries(GATES)) {
    // Mounted: the path of the request is cut, and the proof is for the whole.
    app.use(path, forExpress(gate), (request, response) => response.send(subject(request.accessToken)))
  }
  return listening(createServer(tls, app))
})

promises('fastify', async () => {
  const app = fastify({ https: tls })
  for (const [path, gate] of Object.entries(GATES)) {
    if (gate === demanding) {
      app.get(path, { onRequest: forFastify(gate) }, (request, reply) => reply.send(subject(request.accessToken)))
      continue
    }
    await app.register(async (routes) => {
      await routes.register(counterfoil, { gate })
      routes.route({ method: ['GET', 'OPTIONS'], url: path, handler: (request, reply) => reply.send(subject(request.accessToken)) })
    })
  }
  app.get('/open', (request, reply) => reply.send('open'))
  await app.listen({ port: 0, host: '127.0.0.1' })
  const { port } = app.server.address()
  // What is beside the guarded routes is not guarded.
  assert.equal((await ask(port, '/open')).status, 200)
  return { port, stop: () => app.close() }
})

promises('koa', () => {
  const app = new Koa()
  app.use((context, next) => forKoa(GATES[context.path])(context, next))
  app.use((context) => {
    context.body = subject(context.state.accessToken)
  })
  return listening(createServer(tls, app.callback()))
})

promises('hono', async () => {
  const app = new Hono()
  for (const [path, gate] of Object.entries(GATES)) {
    app.use(path, forHono(gate))
    app.all(path, (context) => context.body(subject(context.get('accessToken'))))
  }
  const server = await new Promise((resolve) => {
    const made = serve({ fetch: app.fetch, port: 0, hostname: '127.0.0.1', createServer, serverOptions: tls }, () => resolve(made))
  })
  return { port: server.address().port, stop: () => new Promise((resolve) => (server.close(resolve), server.closeAllConnections())) }
})

test('HTTP/2 and a resumed session', async (t) => {
  const { port, stop } = await listening(createSecureServer({ ...tls, allowHTTP1: true }, routes()))
  t.after(stop)
  const options = { ca: AUTHORITY.pem, cert: CLIENT.pem, key: CLIENT.key, servername: 'localhost' }
  const session = connect(`https://127.0.0.1:${port}`, options)
  const stream = session.request({ ':path': '/accounts', authorization: `Bearer ${BOUND}` })
  const status = await new Promise((resolve) => stream.on('response', (headers) => resolve(headers[':status'])))
  assert.equal(status, 200)
  stream.resume()
  await new Promise((resolve) => session.close(resolve))

  const { default: nodeTls } = await import('node:tls')
  const once = (ticket) =>
    new Promise((resolve, reject) => {
      let [kept, answer] = [ticket, '']
      const socket = nodeTls.connect({ ...options, host: '127.0.0.1', port, session: ticket, ALPNProtocols: ['http/1.1'] })
      socket.on('session', (session) => (kept = session)).on('error', reject).setEncoding('utf8')
      socket.on('data', (part) => (answer += part))
      socket.on('close', () => resolve({ kept, answer, isResumed }))
      let isResumed = false
      socket.on('secureConnect', () => {
        isResumed = socket.isSessionReused()
        socket.write(`GET /accounts HTTP/1.1\r\nHost: x\r\n${bearer().map(([name, value]) => `${name}: ${value}\r\n`).join('')}Connection: close\r\n\r\n`)
      })
    })
  const first = await once(undefined)
  const second = await once(first.kept)
  assert.ok(second.isResumed)
  for (const { answer } of [first, second]) assert.match(answer, /^HTTP\/1\.1 200 .*"user-1"/s)
})
