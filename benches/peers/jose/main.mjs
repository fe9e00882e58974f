// Node `jose` over the shared corpus.
//
// The library's: signature, iss, aud, exp, nbf, typ, required claims, the key by kid from a local JWK set, the key of a proof's header
// and its thumbprint. Ours: comparing cnf, and a proof's htm, htu, iat and ath; nothing remembers its jti.

import { createHash } from 'node:crypto'
import { createRequire } from 'node:module'
import { pathToFileURL } from 'node:url'
import { algorithmOf, serve } from '../protocol.mjs'

const require = createRequire(pathToFileURL(process.argv[3]))
const { EmbeddedJWK, calculateJwkThumbprint, createLocalJWKSet, jwtVerify } = await import(pathToFileURL(require.resolve('jose')))
const { version } = require('./node_modules/jose/package.json')

async function keyOfProof(proof, token, parameters) {
  const options = { typ: 'dpop+jwt', algorithms: ['ES256'], requiredClaims: ['jti', 'iat'] }
  const { payload, protectedHeader } = await jwtVerify(proof, EmbeddedJWK, options)
  const isMeant = payload.htm === parameters.method && payload.htu === parameters.url
  const isCurrent = Math.abs(payload.iat - parameters.now) < 4000
  if (!isMeant || !isCurrent || payload.ath !== createHash('sha256').update(token).digest('base64url')) return undefined
  return calculateJwkThumbprint(protectedHeader.jwk)
}

await serve({
  peer: 'jose',
  version,
  isAsync: true,
  prepare(work, keys, parameters) {
    const set = createLocalJWKSet({ keys })
    const options = {
      issuer: parameters.issuer,
      audience: parameters.audience,
      typ: 'at+jwt',
      algorithms: [algorithmOf(work)],
      requiredClaims: ['exp', 'nbf', 'sub'],
      clockTolerance: 10,
    }
    return async ({ token, proof }) => {
      try {
        const { payload } = await jwtVerify(token, set, options)
        if (proof === undefined) return payload.cnf['x5t#S256'] === parameters.thumbprint
        return payload.cnf.jkt === (await keyOfProof(proof, token, parameters))
      } catch {
        return false
      }
    }
  },
})
