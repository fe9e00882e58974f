// Express: every route behind the middleware, one with a demand of its own.

import { readFileSync } from 'node:fs'
import { createServer } from 'node:https'
import express from 'express'
import { Verifier } from 'counterfoil'
import { Gate, authorize } from 'counterfoil/express'

const verifier = new Verifier({
  issuer: 'https://as.example',
  audience: 'https://api.example',
  jwksUri: 'https://as.example/jwks',
  dpop: { nonceRandom: true },
})
const gate = new Gate(verifier, { origin: 'https://api.example' })
const app = express()
app.use(authorize(gate))
app.get('/accounts', (request, response) => void response.json({ subject: request.accessToken?.subject }))
app.get('/payments', authorize(gate.demanding({ scopes: ['payments'] })), (request, response) => void response.json([]))

const tls = { cert: readFileSync('server.pem'), key: readFileSync('server.key'), requestCert: true, rejectUnauthorized: false }
createServer(tls, app).listen(8443)
