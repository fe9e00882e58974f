'use strict'

const { CounterfoilError } = require('./errors.js')
const { Gate } = require('./gate.js')

/** Plugin for Fastify 4 and 5, for the routes of the instance it is registered on: the accepted token is `request.accessToken`. */
async function counterfoil(instance, { gate }) {
  if (!instance.hasRequestDecorator('accessToken')) instance.decorateRequest('accessToken', null)
  instance.addHook('onRequest', authorize(gate))
}

// The routes beside it, not those below it, are to be guarded.
counterfoil[Symbol.for('skip-override')] = true
counterfoil[Symbol.for('fastify.display-name')] = 'counterfoil'

/** A hook for one route: `{ onRequest: authorize(gate.demanding({ scopes: ['accounts'] })) }`. */
function authorize(gate) {
  return async (request, reply) => {
    if (gate.passes(request.method)) return
    try {
      request.accessToken = await gate.accept(request.raw)
    } catch (error) {
      if (!(error instanceof CounterfoilError)) throw error
      const { status, headers, body } = Gate.answer(error)
      return reply.code(status).headers(headers).send(body)
    }
    reply.headers(gate.nonce())
  }
}

module.exports = { Gate, authorize, counterfoil }
