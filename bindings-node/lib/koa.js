'use strict'

const { CounterfoilError } = require('./errors.js')
const { Gate } = require('./gate.js')

/** Middleware for Koa 2 and 3: the accepted token is `context.state.accessToken`. */
function authorize(gate) {
  return async (context, next) => {
    if (gate.passes(context.method)) return next()
    try {
      context.state.accessToken = await gate.accept(context.req)
    } catch (error) {
      if (!(error instanceof CounterfoilError)) throw error
      const { status, headers, body } = Gate.answer(error)
      context.status = status
      context.set(headers)
      context.body = body
      return undefined
    }
    context.set(gate.nonce())
    return next()
  }
}

module.exports = { Gate, authorize }
