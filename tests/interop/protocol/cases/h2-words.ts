// Words for the cases of HTTP/2.
import type { FieldList, FrameStep } from '../h2-steps.ts'
import type { ProtocolCase, Step } from '../protocol-case.ts'

/** Fields of a request. */
export const ask = (method = 'GET', path = '/', more: FieldList = []): FieldList => [
  [':method', method],
  [':scheme', 'http'],
  [':authority', 'shop'],
  [':path', path],
  ...more,
]
/** A plain GET on stream 1. */
export const get: FrameStep = { headers: ask(), ends: true }
/** Goes on when a stream is over. */
export const whole = (stream = 1): Step => ({ untilStream: stream, has: 'end' })
/** Goes on when a stream has its head. */
export const started = (stream = 1): Step => ({ untilStream: stream, has: 'head' })
/** A case of a client of HTTP/2. */
export const h2 = (name: string, client: Step[], more: Partial<ProtocolCase> = {}): ProtocolCase => ({
  name: `h2: ${name}`,
  client,
  downstreamWire: 'h2',
  ...more,
})
