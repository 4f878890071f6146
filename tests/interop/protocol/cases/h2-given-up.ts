import type { JsonObject } from '@bufbuild/protobuf'
import type { FieldList } from '../h2-steps.ts'
import { type Family, get, other, pause, type ProtocolCase, request, reset, type Step } from '../protocol-case.ts'

const ok: FieldList = [[':status', '200']]
const ask: FieldList = [
  [':method', 'GET'],
  [':scheme', 'http'],
  [':authority', 'shop'],
  [':path', '/'],
]
const whole: Step = { untilStream: 1, has: 'end' }
const started: Step = { untilStream: 1, has: 'head' }
const silent: readonly Step[] = [whole, pause(900)]

const givenUp = (name: string, upstream: readonly Step[], more: Partial<ProtocolCase>): ProtocolCase => ({
  name: `given up: ${name}`,
  client: [get()],
  upstream: [upstream],
  upstreamWire: 'h2',
  ...more,
})
const cancelled = (name: string, upstream: readonly Step[], code: number, seen: Step): ProtocolCase =>
  givenUp(name, upstream, { downstreamWire: 'h2', client: [{ headers: ask, ends: true }, seen, { rst: code }] })
const repeated = (name: string, upstream: readonly Step[], policy: JsonObject): ProtocolCase =>
  givenUp(name, upstream, {
    route: {
      retryPolicy: {
        retryOn: '5xx',
        numRetries: 1,
        retryBackOff: { baseInterval: '0.001s', maxInterval: '0.002s' },
        ...policy,
      },
    },
    lasts: 700,
  })

/** Streams to upstreams that the proxy gives up, and the code it says so with: the same one, whoever gave up first. */
export const h2GivenUp: Family = {
  name: 'streams given up',
  cases: [
    cancelled('a client that cancels', silent, 8, other(':path')),
    cancelled('a client that resets for another reason', silent, 2, other(':path')),
    cancelled(
      'a client that cancels in the middle of an answer',
      [whole, { headers: ok }, { data: 'he' }, pause(300)],
      8,
      { untilStream: 1, has: 'head' },
    ),
    givenUp('a client that goes away in the middle of its body', [started, pause(300)], {
      client: [request('POST', '/', 'Content-Length: 10\r\n', 'hel'), other('hel'), reset],
    }),
    givenUp('the limit of the whole', silent, { route: { timeout: '0.2s' }, lasts: 700 }),
    givenUp('the idle limit', silent, { route: { idleTimeout: '0.2s' }, lasts: 700 }),
    givenUp('the longest a stream may last', silent, {
      route: { maxStreamDuration: { maxStreamDuration: '0.2s' } },
      lasts: 700,
    }),
    repeated('the limit of a try', silent, { perTryTimeout: '0.1s' }),
    repeated(
      'an answer that is repeated',
      [
        whole,
        { headers: [[':status', '503']] },
        { untilStream: 3, has: 'end' },
        { headers: ok, stream: 3, ends: true },
      ],
      {},
    ),
    givenUp('an answer before the end of the request', [started, { headers: ok, ends: true }], {
      client: [request('POST', '/', 'Content-Length: 10\r\n', 'hel'), pause(400)],
    }),
  ],
}
