'use strict'

const { CounterfoilError } = require('./errors.js')
const { Gate } = require('./gate.js')

/** A request listener for `node:https` (and `http`, `http2`) that calls `listener(request, response, token)` for accepted requests alone. */
function guard(gate, listener) {
  return async (request, response) => {
    if (gate.passes(request.method)) return listener(request, response, undefined)
    let token
    try {
      token = await gate.accept(request)
    } catch (error) {
      if (!(error instanceof CounterfoilError)) return response.destroy(error)
      const { status, headers, body } = Gate.answer(error)
      return void response.writeHead(status, headers).end(body)
    }
    for (const [name, value] of Object.entries(gate.nonce())) response.setHeader(name, value)
    return listener(request, response, token)
  }
}

module.exports = { Gate, guard }
