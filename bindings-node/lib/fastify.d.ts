import type { FastifyPluginAsync, onRequestAsyncHookHandler } from 'fastify'
import type { AccessToken, Gate } from './index.js'

export { Gate } from './index.js'

declare module 'fastify' {
  interface FastifyRequest {
    /** Behind counterfoil: the accepted token. */
    accessToken: AccessToken | null
  }
}

/** Plugin for Fastify 4 and 5, for the routes of the instance it is registered on: the accepted token is `request.accessToken`. */
export const counterfoil: FastifyPluginAsync<{ gate: Gate }>
/** A hook for one route: `{ onRequest: authorize(gate.demanding({ scopes: ['accounts'] })) }`. */
export function authorize(gate: Gate): onRequestAsyncHookHandler
