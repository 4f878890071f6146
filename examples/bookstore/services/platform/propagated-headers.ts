// A request that causes others must hand on what says whose they are: tracing and routing by reader depend on it.
import { randomUUID } from 'node:crypto'
import type { IncomingMessage } from 'node:http'

const handedOn = ['x-request-id', 'traceparent', 'tracestate', 'baggage', 'x-user', 'x-test'] as const

/** The headers to hand on; a request without `x-request-id` gets one. */
export function propagatedHeaders(request: IncomingMessage): Record<string, string> {
  const headers: Record<string, string> = {}
  for (const name of handedOn) {
    const value = request.headers[name]
    if (typeof value === 'string') headers[name] = value
  }
  headers['x-request-id'] ??= randomUUID()
  return headers
}
