// oidc-provider as a FAPI 2.0 server, with its own store in memory: FOLDER has the clients, and the certificate where it is to speak TLS.
import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import { generateKeyPairSync } from 'node:crypto'
import { join } from 'node:path'
import { Provider } from 'oidc-provider'

const [folder, port, tlsPort] = process.argv.slice(2)
const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })

const provider = new Provider('https://as.example', {
  clients: JSON.parse(readFileSync(join(folder, 'clients.json'))),
  jwks: { keys: [{ ...privateKey.export({ format: 'jwk' }), kid: 'as-1', alg: 'ES256', use: 'sig' }] },
  scopes: ['openid', 'accounts', 'offline_access'],
  clientAuthMethods: ['private_key_jwt'],
  pkce: { required: () => true },
  routes: { pushed_authorization_request: '/par' },
  cookies: { keys: ['of no use here'] },
  features: {
    clientCredentials: { enabled: true },
    devInteractions: { enabled: false },
    dPoP: { enabled: true },
    fapi: { enabled: true, profile: '2.0' },
    pushedAuthorizationRequests: { enabled: true, requirePushedAuthorizationRequests: true },
    resourceIndicators: {
      enabled: true,
      defaultResource: () => 'https://api.example.com',
      getResourceServerInfo: () => ({ scope: 'accounts', accessTokenFormat: 'jwt', accessTokenTTL: 300, jwt: { sign: { alg: 'ES256' } } }),
    },
  },
})
provider.proxy = true
const callback = provider.callback()
createServer(callback).listen(Number(port), '127.0.0.1')
const pem = (name) => readFileSync(join(folder, name))
createTlsServer({ cert: pem('tls/server.pem'), key: pem('tls/server.key') }, callback).listen(Number(tlsPort), '127.0.0.1')
