import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Http2ServerRequest, Http2ServerResponse } from 'node:http2'
import type { AccessToken, Gate } from './index.js'

export { Gate } from './index.js'

/** A listener that calls `listener` for accepted requests alone. `token` is undefined for an `OPTIONS` that passes unjudged. */
export function guard<Q extends IncomingMessage | Http2ServerRequest, S extends ServerResponse | Http2ServerResponse>(
  gate: Gate,
  listener: (request: Q, response: S, token: AccessToken | undefined) => unknown,
): (request: Q, response: S) => Promise<unknown>
