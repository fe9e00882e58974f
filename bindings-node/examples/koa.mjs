// Koa, where clients hold references (phantom tokens) that the issuer is asked about.

import { createServer } from 'node:https'
import { readFileSync } from 'node:fs'
import Koa from 'koa'
import { Verifier } from 'counterfoil'
import { Gate, authorize } from 'counterfoil/koa'

const verifier = new Verifier({
  issuer: 'https://as.example',
  audience: 'https://api.example',
  jwksUri: 'https://as.example/jwks',
  introspection: {
    issuer: 'https://as.example',
    url: 'https://as.example/introspect',
    format: 'jwt',
    clientId: 'api',
    tls: { certificateFile: 'api.pem', keyFile: 'api.key' },
  },
  onlyReferences: true,
})
const app = new Koa()
app.use(authorize(new Gate(verifier, { origin: 'https://api.example' })))
app.use((context) => {
  context.body = { subject: context.state.accessToken?.subject }
})
const tls = { cert: readFileSync('server.pem'), key: readFileSync('server.key'), requestCert: true, rejectUnauthorized: false }
createServer(tls, app.callback()).listen(8443)
