// Hono on Node; used proofs are remembered where all processes see them.

import { createServer } from 'node:https'
import { readFileSync } from 'node:fs'
import { serve } from '@hono/node-server'
import { Hono } from 'hono'
import { Verifier } from 'counterfoil'
import { Gate, authorize } from 'counterfoil/hono'

const verifier = new Verifier({
  issuer: 'https://as.example',
  audience: 'https://api.example',
  jwksUri: 'https://as.example/jwks',
  dpop: { replayUrl: 'redis://127.0.0.1:6379/' },
})
/** @type {Hono<import('counterfoil/hono').Env>} */
const app = new Hono()
app.use(authorize(new Gate(verifier, { origin: 'https://api.example' })))
app.get('/accounts', (context) => context.json({ subject: context.get('accessToken').subject }))
const tls = { cert: readFileSync('server.pem'), key: readFileSync('server.key'), requestCert: true, rejectUnauthorized: false }
serve({ fetch: app.fetch, port: 8443, createServer, serverOptions: tls })
