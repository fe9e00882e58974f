import type { Middleware } from 'koa'
import type { AccessToken, Gate } from './index.js'

export { Gate } from './index.js'

/** What is added to `context.state`. */
export interface State {
  accessToken?: AccessToken
}

/** Middleware for Koa 2 and 3: the accepted token is `context.state.accessToken`. */
export function authorize(gate: Gate): Middleware<State>
