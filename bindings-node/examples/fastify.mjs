// Fastify behind a proxy that hands on the client's certificate (RFC 9440).

import { fastify } from 'fastify'
import { Verifier } from 'counterfoil'
import { Gate, counterfoil } from 'counterfoil/fastify'

const verifier = new Verifier({ issuer: 'https://as.example', audience: 'https://api.example', jwksUri: 'https://as.example/jwks' })
const gate = new Gate(verifier, {
  origin: 'https://api.example',
  certificateHeader: { name: 'Client-Cert', form: 'clientCert' },
  trustedPeers: ['10.0.0.0/8'],
})
const app = fastify()
await app.register(counterfoil, { gate })
app.get('/accounts', async (request) => ({ subject: request.accessToken?.subject }))
await app.listen({ port: 8080 })
