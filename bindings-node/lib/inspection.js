'use strict'

const { numberOf, refusal } = require('./errors.js')
const { decodeBase64url, parseJson } = require('./primitives.js')

/**
 * Shows the parts of a token without judging anything. For debugging only: IT PROVES NOTHING. Anybody can write any token; never decide by it.
 */
function inspect(token) {
  const parts = token.split('.')
  if (parts.length !== 3) throw refusal(numberOf('token_not_compact'))
  const [unprovenHeader, unprovenClaims] = parts.slice(0, 2).map(objectOf)
  return { unprovenHeader, unprovenClaims, warning: 'nothing of this is proved: only a Verifier does that' }
}

function objectOf(part) {
  const value = parseJson(decodeBase64url(part))
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw refusal(numberOf('json_not_object'))
  return value
}

module.exports = { inspect }
