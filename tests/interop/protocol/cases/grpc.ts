import type { JsonObject } from '@bufbuild/protobuf'
import { any, anyHost, router } from '../../../wire/proxy-under-test.ts'
import type { FieldList } from '../h2-steps.ts'
import {
  answer,
  end,
  type Family,
  head,
  pause,
  type ProtocolCase,
  request,
  type Step,
  until,
} from '../protocol-case.ts'

const ask = (more: FieldList = [], type = 'application/grpc'): FieldList => [
  [':method', 'POST'],
  [':scheme', 'http'],
  [':authority', 'shop'],
  [':path', '/pkg.Service/Method'],
  ['content-type', type],
  ['te', 'trailers'],
  ...more,
]
const message = '\0\0\0\0\x05hello'
const call: Step[] = [{ headers: ask() }, { data: message, ends: true }]
const whole: Step = { untilStream: 1, has: 'end' }
const started: Step = { untilStream: 1, has: 'head' }
const ok: FieldList = [
  [':status', '200'],
  ['content-type', 'application/grpc'],
]
const done = (status: string, more: FieldList = []): Step => ({
  headers: [['grpc-status', status], ...more],
  ends: true,
})
const grpc = (name: string, upstream: ProtocolCase['upstream'], more: Partial<ProtocolCase> = {}): ProtocolCase => ({
  name: `gRPC: ${name}`,
  client: call,
  upstream: upstream ?? 'ok',
  downstreamWire: 'h2',
  upstreamWire: 'h2',
  ...more,
})
const failing = (status: string): Step => ({
  headers: [
    [':status', '200'],
    ['content-type', 'application/grpc'],
    ['grpc-status', status],
  ],
  ends: true,
})
const retries = (retryOn: string): JsonObject => ({
  retryPolicy: { retryOn, numRetries: 1, retryBackOff: { baseInterval: '0.001s', maxInterval: '0.002s' } },
})
const second: Step[] = [
  { untilStream: 3, has: 'end' },
  { headers: ok, stream: 3 },
  { headers: [['grpc-status', '0']], stream: 3, ends: true },
]
const deadline = (value: string, route: JsonObject, more: Partial<ProtocolCase> = {}): ProtocolCase =>
  grpc(`a deadline of ${value} with ${Object.keys(route).join(' and ')}`, [[whole, pause(700)]], {
    client: [{ headers: ask([['grpc-timeout', value]]) }, { data: message, ends: true }],
    route,
    lasts: 400,
    ...more,
  })
const direct = (status: number): JsonObject =>
  anyHost([{ match: { prefix: '/' }, directResponse: { status, body: { inlineString: 'no, 100 % no' } } }])
const web: JsonObject = {
  httpFilters: [
    { name: 'envoy.filters.http.grpc_web', typedConfig: any('envoy.extensions.filters.http.grpc_web.v3.GrpcWeb') },
    router,
  ],
}
const webCall = (type: string, body: string): string =>
  request(
    'POST',
    '/pkg.Service/Method',
    `Content-Type: ${type}\r\nX-Grpc-Web: 1\r\nContent-Length: ${body.length}\r\n`,
    body,
  )

/** Calls of gRPC and gRPC-Web. */
export const grpcCalls: Family = {
  name: 'gRPC',
  cases: [
    grpc('a unary call', [[whole, { headers: ok }, { data: message }, done('0')]]),
    grpc('a call that fails with a message', [[whole, { headers: ok }, done('5', [['grpc-message', 'not%20here']])]]),
    grpc('trailers alone', [[whole, failing('12')]]),
    grpc(
      'metadata of both kinds',
      [
        [
          whole,
          { headers: [...ok, ['x-a', '1'], ['x-b-bin', 'AAE=']] },
          { data: message },
          done('0', [
            ['x-c', '2'],
            ['x-d-bin', 'AAI='],
          ]),
        ],
      ],
      {
        client: [
          {
            headers: ask([
              ['x-a', '1'],
              ['x-b-bin', 'AAE='],
            ]),
          },
          { data: message, ends: true },
        ],
      },
    ),
    grpc(
      'both stream',
      [[started, { headers: ok }, { data: 'one' }, until('two'), { data: 'three' }, whole, done('0')]],
      { client: [{ headers: ask() }, until('one'), { data: 'two' }, until('three'), { data: '', ends: true }, whole] },
    ),
    grpc('the server ends before the client', [[started, { headers: ok }, done('0')]], {
      client: [{ headers: ask() }, { data: message }, whole],
    }),
    grpc('the server ends before the client and resets', [[started, { headers: ok }, done('0'), { rst: 0 }]], {
      client: [{ headers: ask() }, { data: message }, whole],
    }),
    grpc('the client cancels', [[started, pause(100)]], {
      client: [{ headers: ask() }, { other: ':path' }, { rst: 8 }],
    }),
    ...[1, 2, 7, 8, 11].map((code) => grpc(`the server resets with ${code}`, [[whole, { rst: code }]])),
    grpc('the server resets in the middle', [[whole, { headers: ok }, { data: 'he' }, pause(30), { rst: 2 }]]),
    grpc('an answer without a status', [[whole, { headers: ok }, { data: message, ends: true }]]),
    // Without a body: how much of one has come by the time that nobody listens is chance.
    grpc('nobody listens', 'refuses', { client: [{ headers: ask(), ends: true }] }),
    grpc('a cluster without endpoints', undefined, { cluster: { loadAssignment: { clusterName: 'none' } } }),
    grpc('no route', undefined, { routes: anyHost([{ match: { path: '/none' }, route: { cluster: 'up' } }]) }),
    grpc('the connection ends', [[whole, end]]),
    grpc('too much is pending', undefined, {
      client: [{ headers: ask(), ends: true }],
      cluster: { circuitBreakers: { thresholds: [{ maxRequests: 0 }] } },
    }),
    ...[400, 401, 403, 404, 429, 502, 503, 504, 500].map((status) =>
      grpc(`the proxy answers ${status}`, undefined, { routes: direct(status) }),
    ),
    grpc('the server answers 503 without gRPC', [[whole, { headers: [[':status', '503']], ends: true }]]),
    grpc('a route times out', [[whole, pause(700)]], { route: { timeout: '0.2s' }, lasts: 400 }),
    deadline('200m', { timeout: '5s', maxGrpcTimeout: '10s' }),
    deadline('5S', { timeout: '10s', maxGrpcTimeout: '0.2s' }),
    deadline('200m', { timeout: '0.5s' }),
    deadline('200m', { timeout: '5s', maxStreamDuration: { grpcTimeoutHeaderMax: '10s' } }),
    deadline('5S', { timeout: '5s', maxStreamDuration: { grpcTimeoutHeaderMax: '0.2s' } }),
    deadline('400m', {
      timeout: '5s',
      maxStreamDuration: { grpcTimeoutHeaderMax: '10s', grpcTimeoutHeaderOffset: '0.2s' },
    }),
    deadline('soon', { timeout: '0.3s', maxGrpcTimeout: '10s' }),
    deadline('123456789m', { timeout: '0.3s', maxGrpcTimeout: '10s' }),
    grpc('unavailable is repeated', [[whole, failing('14'), ...second]], { route: retries('unavailable') }),
    grpc('cancelled is repeated', [[whole, failing('1'), ...second]], { route: retries('cancelled') }),
    grpc('deadline-exceeded is repeated', [[whole, failing('4'), ...second]], { route: retries('deadline-exceeded') }),
    grpc('internal is repeated', [[whole, failing('13'), ...second]], { route: retries('internal') }),
    grpc('resource-exhausted is repeated', [[whole, failing('8'), ...second]], {
      route: retries('resource-exhausted'),
    }),
    grpc('not-found is not repeated for unavailable', [[whole, failing('5'), ...second]], {
      route: retries('unavailable'),
    }),
    grpc('a status in trailers is not repeated', [[whole, { headers: ok }, { data: message }, done('14'), ...second]], {
      route: retries('unavailable'),
    }),
    grpc('gRPC from a client of HTTP/1', [[whole, { headers: ok }, { data: message }, done('0')]], {
      downstreamWire: 'h1',
      client: [
        request(
          'POST',
          '/pkg.Service/Method',
          `Content-Type: application/grpc\r\nTE: trailers\r\nContent-Length: ${message.length}\r\n`,
          message,
        ),
      ],
    }),
    grpc('a server of HTTP/1', [[head, answer('x', 'Content-Type: application/grpc\r\n')]], { upstreamWire: 'h1' }),
    grpc('another content type is no gRPC for local answers', undefined, {
      client: [{ headers: ask([], 'application/json') }, { data: message, ends: true }],
      routes: direct(503),
    }),
    grpc('a content type with a suffix', undefined, {
      client: [{ headers: ask([], 'application/grpc+proto') }, { data: message, ends: true }],
      routes: direct(503),
    }),
    grpc('gRPC-Web in bytes', [[whole, { headers: ok }, { data: message }, done('0')]], {
      downstreamWire: 'h1',
      manager: web,
      client: [webCall('application/grpc-web+proto', message)],
    }),
    grpc('gRPC-Web in base64', [[whole, { headers: ok }, { data: message }, done('0', [['x-t', '1']])]], {
      downstreamWire: 'h1',
      manager: web,
      client: [webCall('application/grpc-web-text', Buffer.from(message, 'latin1').toString('base64'))],
    }),
    grpc('gRPC-Web that fails without a body', [[whole, failing('5')]], {
      downstreamWire: 'h1',
      manager: web,
      client: [webCall('application/grpc-web+proto', message)],
    }),
    grpc('gRPC-Web with base64 that is none', [[whole, { headers: ok }, done('0')]], {
      downstreamWire: 'h1',
      manager: web,
      client: [webCall('application/grpc-web-text', '!!!!')],
    }),
    grpc('gRPC-Web and nobody listens', 'refuses', {
      downstreamWire: 'h1',
      manager: web,
      client: [webCall('application/grpc-web+proto', message)],
    }),
    grpc('gRPC through the gRPC-Web filter', [[whole, { headers: ok }, { data: message }, done('0')]], {
      manager: web,
    }),
  ],
}
