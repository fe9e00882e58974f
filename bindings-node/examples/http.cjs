// node:https, from CommonJS: the client's certificate is that of the TLS connection.

const { readFileSync } = require('node:fs')
const { createServer } = require('node:https')
const { Gate, Verifier } = require('counterfoil')
const { guard } = require('counterfoil/http')

const verifier = new Verifier({ issuer: 'https://as.example', audience: 'https://api.example', jwksUri: 'https://as.example/jwks' })
const gate = new Gate(verifier, { origin: 'https://api.example', scopes: ['accounts'] })
const tls = { cert: readFileSync('server.pem'), key: readFileSync('server.key'), requestCert: true, rejectUnauthorized: false }

const server = createServer(tls, guard(gate, (request, response, token) => response.end(JSON.stringify({ subject: token?.subject }))))
server.listen(8443)
