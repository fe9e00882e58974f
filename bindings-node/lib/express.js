'use strict'

const { CounterfoilError } = require('./errors.js')
const { Gate } = require('./gate.js')

/** Middleware for Express 4 and 5 (and what takes the same): the accepted token is `request.accessToken`. */
function authorize(gate) {
  return async (request, response, next) => {
    if (gate.passes(request.method)) return next()
    try {
      request.accessToken = await gate.accept(request)
    } catch (error) {
      if (!(error instanceof CounterfoilError)) return next(error)
      const { status, headers, body } = Gate.answer(error)
      return void response.writeHead(status, headers).end(body)
    }
    for (const [name, value] of Object.entries(gate.nonce())) response.setHeader(name, value)
    return next()
  }
}

module.exports = { Gate, authorize }
