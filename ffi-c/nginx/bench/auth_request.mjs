// What nginx's auth_request asks: JWTs bound to the client's certificate, judged by jose. 204 or 401.

import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { createRequire } from 'node:module'
import { pathToFileURL } from 'node:url'

const [jwks, folder] = process.argv.slice(2)
const jose = await import(pathToFileURL(createRequire(`${folder}/main.mjs`).resolve('jose')))
const keys = jose.createLocalJWKSet(JSON.parse(readFileSync(jwks)))
const expected = { issuer: 'https://as.example.com', audience: 'https://api.example.com', typ: 'at+jwt', algorithms: ['ES256', 'PS256', 'EdDSA', 'Ed25519'],
  requiredClaims: ['exp', 'iat', 'sub', 'client_id', 'jti'] }

const server = createServer(async (request, response) => {
  let status = 401
  try {
    const { payload } = await jose.jwtVerify(request.headers.authorization.replace(/^Bearer /i, ''), keys, expected)
    const pem = decodeURIComponent(request.headers['x-certificate'])
    const der = Buffer.from(pem.replace(/-----[A-Z ]+-----|\s/g, ''), 'base64')
    if (payload.cnf['x5t#S256'] === createHash('sha256').update(der).digest('base64url')) status = 204
  } catch {}
  response.writeHead(status).end()
})
server.keepAliveTimeout = 600_000
server.listen(0, '127.0.0.1', () => console.log(server.address().port))
