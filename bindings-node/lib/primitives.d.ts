import type { Algorithm, JwkSet, Text } from './index.js'

export { certificateThumbprint, counterfoilKey, join, jwkThumbprint, split } from './index.js'

/** Loads a JWK Set of at most `most` keys (a power of two up to 32, the default); returns those that are not used: their places and the codes of the reasons. */
export function loadJwks(jwks: JwkSet, algorithms?: readonly Algorithm[], most?: number): { index: number; code: string }[]
/** Judges a signature, in base64url, by one JWK and one algorithm. */
export function verifySignature(jwk: Text | object, algorithm: Algorithm, signingInput: Text, signature: Text): void
/** Reads JSON as strictly as the engine does: no repeated member, no lone surrogate, bounded depth. */
export function parseJson(text: Text): unknown
/** Decodes base64url without padding, of which there is one text for one value. */
export function decodeBase64url(text: Text): Buffer
/** Reads the key of a counterfoil. */
export function readCounterfoilKey(key: Text, encoding?: 'base64url' | 'base64' | 'hex' | 'raw'): Buffer
