// Node `fast-jwt` over the shared corpus; as `fast-jwt-cached`, with its cache of verified tokens.
//
// The library's: signature, iss, aud, exp, nbf, typ, required claims, the cache. Ours: choosing among several keys by kid, which it
// leaves to a function of the caller's; comparing kid where there is one key; comparing cnf. It takes no key from a header.

import { createPublicKey } from 'node:crypto'
import { createRequire } from 'node:module'
import { pathToFileURL } from 'node:url'
import { algorithmOf, serve } from '../protocol.mjs'

const require = createRequire(pathToFileURL(process.argv[3]))
const { createDecoder, createVerifier } = require('fast-jwt')
const { version } = require('./node_modules/fast-jwt/package.json')
const isCached = process.argv[4] === 'cached'

const refusals = ['garbage', 'dots', 'unknown-kid', 'expired', 'forged']

await serve({
  peer: isCached ? 'fast-jwt-cached' : 'fast-jwt',
  version,
  prepare(work, keys, parameters) {
    if (work === 'es256+dpop') return 'no keys from headers'
    if (isCached && refusals.includes(work)) return 'what is refused is timed without the cache'
    const verifierOf = (jwk) =>
      createVerifier({
        key: createPublicKey({ key: jwk, format: 'jwk' }).export({ type: 'spki', format: 'pem' }),
        algorithms: [algorithmOf(work)],
        allowedIss: parameters.issuer,
        allowedAud: parameters.audience,
        checkTyp: 'at+jwt',
        requiredClaims: ['iss', 'aud', 'exp', 'nbf', 'sub'],
        clockTolerance: 10_000,
        complete: true,
        cache: isCached,
      })
    const verifiers = new Map(keys.map((jwk) => [jwk.kid, verifierOf(jwk)]))
    const [only] = verifiers.values()
    const decode = createDecoder({ complete: true })
    return ({ token }) => {
      try {
        const verify = verifiers.size === 1 ? only : verifiers.get(decode(token).header.kid)
        const { header, payload } = verify(token)
        return verifiers.has(header.kid) && payload.cnf['x5t#S256'] === parameters.thumbprint
      } catch {
        return false
      }
    }
  },
})
