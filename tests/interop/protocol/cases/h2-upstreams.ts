import { anyHost } from '../../../wire/proxy-under-test.ts'
import type { FieldList } from '../h2-steps.ts'
import {
  chunked,
  end,
  type Family,
  get,
  pause,
  post,
  type ProtocolCase,
  request,
  type Step,
  until,
} from '../protocol-case.ts'

const ok: FieldList = [[':status', '200']]
const whole: Step = { untilStream: 1, has: 'end' }
const started: Step = { untilStream: 1, has: 'head' }
const to = (name: string, upstream: Step[] | Step[][] | 'echo', more: Partial<ProtocolCase> = {}): ProtocolCase => ({
  name: `to h2: ${name}`,
  client: [get()],
  upstream: typeof upstream === 'string' ? upstream : isMany(upstream) ? upstream : [upstream],
  upstreamWire: 'h2',
  ...more,
})
function isMany(list: Step[] | Step[][]): list is Step[][] {
  return Array.isArray(list[0])
}
const asks = 'Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: x\r\nSec-WebSocket-Version: 13\r\n'

/** Clients of HTTP/1 before upstreams of HTTP/2. */
export const h2Upstreams: Family = {
  name: 'HTTP/1 to HTTP/2',
  cases: [
    to('a GET', 'echo'),
    to('a POST with a length', 'echo', { client: [post('hello')] }),
    to('a POST in chunks', 'echo', { client: [chunked(['hel', 'lo'])] }),
    to('a POST without a body', 'echo', { client: [request('POST', '/')] }),
    to('HEAD', [whole, { headers: [...ok, ['content-length', '9']], ends: true }], {
      client: [request('HEAD', '/')],
      methods: ['HEAD'],
    }),
    to('hop-by-hop headers go', 'echo', {
      client: [get('/', 'Connection: x\r\nX: y\r\nKeep-Alive: a\r\nTE: trailers\r\nProxy-Connection: b\r\n')],
    }),
    to('names become small', 'echo', { client: [get('/', 'X-Capital: Y\r\n')] }),
    to('cookies', 'echo', { client: [get('/', 'Cookie: a=b; c=d\r\n')] }),
    to('an absolute target', 'echo', { client: ['GET http://other/a HTTP/1.1\r\nHost: shop\r\n\r\n'] }),
    to('an expectation', 'echo', {
      client: [request('POST', '/', 'Expect: 100-continue\r\nContent-Length: 5\r\n'), until('100'), 'hello'],
    }),
    to('an answer with a length', [whole, { headers: [...ok, ['content-length', '2']] }, { data: 'ok', ends: true }]),
    to('an answer without a length', [whole, { headers: ok }, { data: 'o' }, { data: 'k', ends: true }]),
    to('an answer without a body', [whole, { headers: ok, ends: true }]),
    to('204', [whole, { headers: [[':status', '204']], ends: true }]),
    to('304', [
      whole,
      {
        headers: [
          [':status', '304'],
          ['etag', '"x"'],
        ],
        ends: true,
      },
    ]),
    to('103 and an answer', [
      whole,
      {
        headers: [
          [':status', '103'],
          ['link', '</a>'],
        ],
      },
      pause(20),
      { headers: ok, ends: true },
    ]),
    to('100 and an answer', [whole, { headers: [[':status', '100']] }, pause(20), { headers: ok, ends: true }]),
    to('trailers', [whole, { headers: ok }, { data: 'ok' }, { headers: [['x-t', '1']], ends: true }]),
    to(
      'trailers where they are enabled',
      [whole, { headers: ok }, { data: 'ok' }, { headers: [['x-t', '1']], ends: true }],
      { manager: { httpProtocolOptions: { enableTrailers: true } } },
    ),
    to('a body longer than its length', [
      whole,
      { headers: [...ok, ['content-length', '1']] },
      { data: 'ok', ends: true },
    ]),
    to('a body shorter than its length', [
      whole,
      { headers: [...ok, ['content-length', '9']] },
      { data: 'ok', ends: true },
    ]),
    to('no status', [whole, { headers: [['x', 'y']], ends: true }]),
    to('a status of letters', [whole, { headers: [[':status', 'abc']], ends: true }]),
    to('capitals in a name of an answer', [whole, { headers: [...ok, ['X', 'y']], ends: true }]),
    to('Connection in an answer', [whole, { headers: [...ok, ['connection', 'close']], ends: true }]),
    to('a request pseudo header in an answer', [whole, { headers: [...ok, [':path', '/']], ends: true }]),
    to('a line end in a value of an answer', [whole, { headers: [...ok, ['x', 'a\r\nb: c']], ends: true }]),
    ...[0, 1, 2, 5, 7, 8, 11].map((code) => to(`a reset with ${code} instead of an answer`, [whole, { rst: code }])),
    ...[0, 2, 8].map((code) =>
      to(`a reset with ${code} inside an answer`, [whole, { headers: ok }, { data: 'he' }, pause(30), { rst: code }]),
    ),
    to(
      'a refused stream is repeated',
      [[started, { rst: 7 }, { untilStream: 3, has: 'end' }, { headers: ok, stream: 3, ends: true }]],
      { route: { retryPolicy: { retryOn: 'refused-stream', retryBackOff: { baseInterval: '0.001s' } } } },
    ),
    to('an answer and then a reset without error', [started, { headers: ok }, { data: 'ok', ends: true }, { rst: 0 }], {
      client: [request('POST', '/', 'Content-Length: 10\r\n', 'hello')],
    }),
    to('GOAWAY that allows the request', [whole, { goaway: 0, last: 1 }, pause(20), { headers: ok, ends: true }]),
    to('GOAWAY that does not know the request', [
      [whole, { goaway: 0, last: 0 }],
      [whole, { headers: ok, ends: true }],
    ]),
    to('GOAWAY with an error', [whole, { goaway: 2, last: 0 }, end]),
    to('the connection ends instead of an answer', [whole, end]),
    to('the connection ends inside an answer', [whole, { headers: ok }, { data: 'he' }, pause(30), end]),
    to('HTTP/1 instead of HTTP/2', ['HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n']),
    to('PUSH_PROMISE', [
      whole,
      { frame: { type: 5, flags: 4, stream: 1, payload: '\0\0\0\x02\x82\x84\x86' } },
      { headers: ok, ends: true },
    ]),
    to('DATA before a head', [whole, { data: 'ok', ends: true }]),
    to('two requests share a connection', 'echo', { client: [get('/1'), until('200'), get('/2')] }),
    to(
      'one stream at a time',
      [
        { settings: [[3, 1]] },
        whole,
        { headers: ok, ends: true },
        { untilStream: 3, has: 'end' },
        { headers: ok, stream: 3, ends: true },
      ],
      { client: [get('/1'), until('200'), get('/2')] },
    ),
    to(
      'the upstream gives no credit at first',
      [{ settings: [[4, 0]] }, started, pause(50), { window: 100, stream: 1 }, whole, { headers: ok, ends: true }],
      { client: [post('hello')] },
    ),
    to(
      'a WebSocket becomes extended CONNECT',
      [{ settings: [[8, 1]] }, started, { headers: ok }, { data: 'hello' }, pause(30)],
      {
        client: [get('/chat', asks), until('hello'), 'ping', pause(30)],
        manager: { upgradeConfigs: [{ upgradeType: 'websocket' }] },
        cluster: allowsConnect(),
      },
    ),
    to('CONNECT stays CONNECT', [started, { headers: ok }, { data: 'hello' }, pause(30)], {
      client: ['CONNECT shop:80 HTTP/1.1\r\nHost: shop:80\r\n\r\n', until('hello'), 'ping', pause(30)],
      methods: ['CONNECT'],
      manager: { upgradeConfigs: [{ upgradeType: 'CONNECT' }] },
      routes: anyHost([{ match: { connectMatcher: {} }, route: { cluster: 'up' } }]),
      cluster: allowsConnect(),
    }),
    to('a route times out', [whole, pause(700)], { route: { timeout: '0.2s' }, lasts: 400 }),
    to('a client that resets cancels the stream', [whole, pause(100)], {
      client: [get(), { other: ':path' }, { act: 'reset' }],
    }),
    to('a client that half-closes still gets the answer', [whole, pause(40), { headers: ok, ends: true }], {
      client: [get(), end],
    }),
  ],
}

function allowsConnect(): NonNullable<ProtocolCase['cluster']> {
  const type = 'envoy.extensions.upstreams.http.v3.HttpProtocolOptions'
  return {
    typedExtensionProtocolOptions: {
      [type]: {
        '@type': `type.googleapis.com/${type}`,
        explicitHttpConfig: { http2ProtocolOptions: { allowConnect: true } },
      },
    },
  }
}
