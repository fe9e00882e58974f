import type { HttpBindings } from '@hono/node-server'
import type { MiddlewareHandler } from 'hono'
import type { AccessToken, Gate } from './index.js'

export { Gate } from './index.js'

/** For `new Hono<Env>()`. */
export interface Env {
  Bindings: HttpBindings
  Variables: { accessToken: AccessToken }
}

/** Middleware for Hono 4 on Node (`@hono/node-server`): the accepted token is `context.get('accessToken')`. */
export function authorize(gate: Gate): MiddlewareHandler<Env>
