'use strict'

/** The engine's settings are JSON with names as `jwks_uri`; here they are `jwksUri`. */
function settings(value) {
  if (Array.isArray(value)) return value.map(settings)
  if (typeof value !== 'object' || value === null) return value
  const named = Object.entries(value).filter(([, member]) => member !== undefined && member !== null)
  return Object.fromEntries(named.map(([name, member]) => [snake(name), name === 'jwks' ? textOf(member) : settings(member)]))
}

function snake(name) {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)
}

/** A JWK Set: an object, a string, or bytes. */
function textOf(jwks) {
  if (typeof jwks === 'string') return jwks
  return jwks instanceof Uint8Array ? new TextDecoder('utf-8', { fatal: true }).decode(jwks) : JSON.stringify(jwks)
}

module.exports = { settings }
