'use strict'

const { CounterfoilError } = require('./errors.js')
const { Gate } = require('./gate.js')

/** Middleware for Hono 4 on Node (`@hono/node-server`): the accepted token is `context.get('accessToken')`. */
function authorize(gate) {
  return async (context, next) => {
    const request = context.env?.incoming
    if (request === undefined) throw new TypeError('counterfoil/hono needs @hono/node-server: elsewhere there is no connection to look at')
    if (gate.passes(context.req.method)) return next()
    try {
      context.set('accessToken', await gate.accept(request))
    } catch (error) {
      if (!(error instanceof CounterfoilError)) throw error
      const { status, headers, body } = Gate.answer(error)
      return new Response(body, { status, headers })
    }
    for (const [name, value] of Object.entries(gate.nonce())) context.header(name, value)
    return next()
  }
}

module.exports = { Gate, authorize }
