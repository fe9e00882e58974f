import type { IncomingMessage, ServerResponse } from 'node:http'
import type { AccessToken, Gate } from './index.js'

export { Gate } from './index.js'

declare module 'http' {
  interface IncomingMessage {
    /** Behind `authorize` of counterfoil: the accepted token. */
    accessToken?: AccessToken
  }
}

/** Middleware for Express 4 and 5 (and what takes the same): the accepted token is `request.accessToken`. */
export function authorize(gate: Gate): (request: IncomingMessage, response: ServerResponse, next: (error?: unknown) => void) => Promise<void>
