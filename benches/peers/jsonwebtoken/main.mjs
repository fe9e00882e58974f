// Node `jsonwebtoken` over the shared corpus.
//
// The library's: signature, iss, aud, exp, nbf. Ours: choosing among several keys by kid, comparing kid where there is one key,
// comparing typ and cnf. It knows no EdDSA and takes no key from a header.

import { createPublicKey } from 'node:crypto'
import { createRequire } from 'node:module'
import { pathToFileURL } from 'node:url'
import { algorithmOf, serve } from '../protocol.mjs'

const require = createRequire(pathToFileURL(process.argv[3]))
const jwt = require('jsonwebtoken')
const { version } = require('./node_modules/jsonwebtoken/package.json')

await serve({
  peer: 'jsonwebtoken',
  version,
  prepare(work, jwks, parameters) {
    if (work === 'es256+dpop') return 'no keys from headers'
    if (work === 'eddsa') return 'no EdDSA'
    const keys = new Map(jwks.map((jwk) => [jwk.kid, createPublicKey({ key: jwk, format: 'jwk' })]))
    const [only] = keys.values()
    const options = {
      issuer: parameters.issuer,
      audience: parameters.audience,
      algorithms: [algorithmOf(work)],
      clockTolerance: 10,
      complete: true,
    }
    return ({ token }) => {
      try {
        const key = keys.size === 1 ? only : keys.get(jwt.decode(token, { complete: true }).header.kid)
        const { header, payload } = jwt.verify(token, key, options)
        return keys.has(header.kid) && header.typ === 'at+jwt' && payload.cnf['x5t#S256'] === parameters.thumbprint
      } catch {
        return false
      }
    }
  },
})
