'use strict'

const native = require('./native.js')
const { certificateThumbprint } = require('./certificate.js')
const { called } = require('./errors.js')

/** Takes a compact token apart: the counterfoil to keep, and the ticket to give to the client. */
function split(token) {
  const length = called(() => native.split(token))
  return { counterfoil: token.slice(0, length), ticket: token.slice(length + 1) }
}

/** Puts the halves together again, as a service behind the gateway wants them. */
function join(counterfoil, ticket) {
  return called(() => native.join(counterfoil, ticket))
}

/** The key under which a ticket's counterfoil is kept: a string, or for `raw` the 32 octets. */
function counterfoilKey(ticket, encoding = 'base64url') {
  return called(() => native.counterfoilKey(ticket, encoding))
}

/** Reads the key of a counterfoil. */
function readCounterfoilKey(key, encoding = 'base64url') {
  return called(() => native.readCounterfoilKey(key, encoding))
}

/** The RFC 7638 thumbprint of a public JWK (an object or its text) that serves one of these algorithms. */
function jwkThumbprint(jwk, algorithms) {
  return called(() => native.jwkThumbprint(textOf(jwk), algorithms))
}

/** Loads a JWK Set of at most `most` keys; returns those that are not used: their places and the codes of the reasons. */
function loadJwks(jwks, algorithms, most = 32) {
  return called(() => native.loadJwks(textOf(jwks), algorithms, most))
}

/** Judges a signature, in base64url, by one JWK and one algorithm. */
function verifySignature(jwk, algorithm, signingInput, signature) {
  called(() => native.verifySignature(textOf(jwk), algorithm, signingInput, signature))
}

/** Reads JSON as strictly as the engine does: no repeated member, no lone surrogate, bounded depth. */
function parseJson(text) {
  return JSON.parse(called(() => native.checkJson(text)))
}

/** Decodes base64url without padding, of which there is one text for one value. */
function decodeBase64url(text) {
  return called(() => native.decodeBase64url(text))
}

function textOf(jwk) {
  return typeof jwk === 'string' || jwk instanceof Uint8Array ? jwk : JSON.stringify(jwk)
}

module.exports = {
  certificateThumbprint,
  counterfoilKey,
  decodeBase64url,
  join,
  jwkThumbprint,
  loadJwks,
  parseJson,
  readCounterfoilKey,
  split,
  verifySignature,
}
