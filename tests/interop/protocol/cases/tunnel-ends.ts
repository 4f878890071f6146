import { anyHost } from '../../../wire/proxy-under-test.ts'
import {
  answer,
  end,
  type Family,
  get,
  head,
  other,
  pause,
  type ProtocolCase,
  request,
  reset,
  type Step,
  until,
} from '../protocol-case.ts'

const websocket = { upgradeConfigs: [{ upgradeType: 'websocket' }, { upgradeType: 'other' }] }
const connecting = { upgradeConfigs: [{ upgradeType: 'CONNECT' }] }
const asks = 'Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: x\r\nSec-WebSocket-Version: 13\r\n'
const switched = 'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n'
const started: Step = { untilStream: 1, has: 'head' }
const ok: Step = { headers: [[':status', '200']] }
const fin: Step = { data: '', ends: true }

const terminating = anyHost([
  {
    match: { connectMatcher: {} },
    route: { cluster: 'up', upgradeConfigs: [{ upgradeType: 'CONNECT', connectConfig: {} }] },
  },
])
const forwarding = anyHost([{ match: { connectMatcher: {} }, route: { cluster: 'up' } }])

/** CONNECT over HTTP/1.1 that ends in the proxy. */
const ending = (name: string, client: Step[], upstream: Step[]): ProtocolCase => ({
  name: `CONNECT: ${name}`,
  client: ['CONNECT shop:80 HTTP/1.1\r\nHost: shop:80\r\n\r\n', until('200'), ...client],
  upstream: [upstream],
  upstreamWire: 'tcp',
  methods: ['CONNECT'],
  manager: connecting,
  routes: terminating,
})

/** CONNECT over HTTP/1.1 that goes on as CONNECT. */
const forwarded = (name: string, client: Step[], upstream: Step[]): ProtocolCase => ({
  name: `CONNECT passed on: ${name}`,
  client: ['CONNECT shop:80 HTTP/1.1\r\nHost: shop:80\r\n\r\n', ...client],
  upstream: [[head, ...upstream]],
  methods: ['CONNECT'],
  manager: connecting,
  routes: forwarding,
})

/** CONNECT over HTTP/2 that ends in the proxy. */
const h2 = (name: string, client: Step[], upstream: Step[]): ProtocolCase => ({
  name: `CONNECT over h2: ${name}`,
  client: [
    {
      headers: [
        [':method', 'CONNECT'],
        [':authority', 'shop:80'],
      ],
    },
    started,
    ...client,
  ],
  upstream: [upstream],
  downstreamWire: 'h2',
  upstreamWire: 'tcp',
  manager: { ...connecting, http2ProtocolOptions: { allowConnect: true } },
  routes: terminating,
})

/** A WebSocket by extended CONNECT. */
const h2WebSocket = (name: string, client: Step[], upstream: Step[]): ProtocolCase => ({
  name: `WebSocket over h2: ${name}`,
  client: [
    {
      headers: [
        [':method', 'CONNECT'],
        [':scheme', 'http'],
        [':authority', 'shop'],
        [':path', '/chat'],
        [':protocol', 'websocket'],
      ],
    },
    ...client,
  ],
  upstream: [[head, ...upstream]],
  downstreamWire: 'h2',
  manager: { ...websocket, http2ProtocolOptions: { allowConnect: true } },
})

/** CONNECT that becomes a stream of an upstream's connection. */
const toH2 = (name: string, client: Step[], upstream: Step[]): ProtocolCase => ({
  name: `CONNECT to h2: ${name}`,
  client: ['CONNECT shop:80 HTTP/1.1\r\nHost: shop:80\r\n\r\n', ...client],
  upstream: [[started, ...upstream]],
  upstreamWire: 'h2',
  methods: ['CONNECT'],
  manager: connecting,
  routes: forwarding,
})

const upgrade = (name: string, client: Step[], upstream: Step[]): ProtocolCase => ({
  name: `upgrade: ${name}`,
  client: [get('/chat', asks), ...client],
  upstream: [[head, ...upstream]],
  manager: websocket,
})

/** How tunnels end: from which side, by an end or a reset, in each pair of protocols. */
export const tunnelEnds: Family = {
  name: 'ends of tunnels',
  cases: [
    ending('the far end resets', ['ping', pause(50)], [until('ping'), reset]),
    ending('the client resets', ['ping', pause(50), reset], [until('ping'), pause(150)]),
    forwarded('the far end ends', [until('bye')], ['HTTP/1.1 200 OK\r\n\r\n', 'bye', end]),
    forwarded('the far end resets', ['ping', pause(50)], ['HTTP/1.1 200 OK\r\n\r\n', until('ping'), reset]),
    forwarded(
      'the client resets',
      [until('200'), 'ping', pause(50), reset],
      ['HTTP/1.1 200 OK\r\n\r\n', until('ping'), pause(150)],
    ),
    forwarded('it is refused with 403', [], [answer('no', '', '403 Forbidden')]),
    forwarded('it is answered with 204', [], ['HTTP/1.1 204 No Content\r\n\r\n', pause(50)]),
    h2('the far end ends', [{ data: 'ping' }], [until('ping'), 'bye', end]),
    h2('the far end ends and the client after it', [{ data: 'ping' }, until('bye'), fin], [until('ping'), 'bye', end]),
    h2('the far end resets', [{ data: 'ping' }, pause(50)], [until('ping'), reset]),
    h2('the client ends', [{ data: 'ping' }, fin], [until('ping'), pause(50), 'late']),
    h2('the client resets the stream', [{ data: 'ping' }, pause(50), { rst: 8 }], [until('ping'), pause(150)]),
    h2('the client resets the connection', [{ data: 'ping' }, pause(50), reset], [until('ping'), pause(150)]),
    h2WebSocket('the server ends', [started], [switched, 'bye', end]),
    h2WebSocket('the server resets', [started], [switched, pause(30), reset]),
    h2WebSocket('the client ends', [started, { data: 'x' }, fin], [switched, until('x'), pause(50), 'late']),
    h2WebSocket(
      'the client resets the stream',
      [started, { data: 'x' }, pause(50), { rst: 8 }],
      [switched, until('x'), pause(150)],
    ),
    h2WebSocket('the server refuses with 403', [], [answer('no', '', '403 Forbidden')]),
    h2WebSocket('the server answers 200', [], [answer('plain')]),
    toH2('the far end ends', [until('bye')], [ok, { data: 'bye', ends: true }]),
    toH2('the far end resets the stream', [until('200')], [ok, pause(50), { rst: 2 }]),
    toH2('the client resets', [until('200'), 'ping', pause(50), reset], [ok, until('ping'), pause(150)]),
    toH2('it is refused', [], [{ headers: [[':status', '403']], ends: true }]),
    upgrade('the server redirects', [], [answer('', 'Location: /b\r\n', '302 Found')]),
    upgrade('the server answers 500', [], [answer('no', '', '500 Internal Server Error')]),
    upgrade('the server answers 101 to something else', [], [switched.replace('websocket', 'other')]),
    upgrade('the upgrade is answered with 101 without Upgrade', [], ['HTTP/1.1 101 Switching Protocols\r\n\r\n']),
    {
      ...upgrade('something else is answered with 200', [], [answer('plain')]),
      client: [get('/chat', 'Upgrade: other\r\nConnection: Upgrade\r\n')],
    },
    {
      ...upgrade('something else is agreed on', [], [switched.replace('websocket', 'other'), 'hello']),
      client: [get('/chat', 'Upgrade: other\r\nConnection: Upgrade\r\n'), until('hello')],
    },
    {
      ...upgrade('a POST with a body that is agreed on', [], [switched, until('hello'), 'x']),
      client: [request('POST', '/chat', `${asks}Content-Length: 5\r\n`, 'hello'), until('x')],
    },
    {
      ...upgrade('a POST with a body that is refused', [], [answer('no', '', '403 Forbidden')]),
      client: [request('POST', '/chat', `${asks}Content-Length: 5\r\n`, 'hello')],
    },
    {
      ...upgrade('a POST in chunks', [], [switched, pause(50), 'x']),
      client: [request('POST', '/chat', `${asks}Transfer-Encoding: chunked\r\n`, '5\r\nhello\r\n0\r\n\r\n')],
    },
    {
      ...upgrade('a client of HTTP/1.0', [], [switched]),
      client: [`GET /chat HTTP/1.0\r\nHost: shop\r\n${asks}\r\n`],
      manager: { ...websocket, httpProtocolOptions: { acceptHttp10: true } },
    },
    {
      ...upgrade('a body behind a CONNECT that is refused', [], []),
      client: ['CONNECT shop:80 HTTP/1.1\r\nHost: shop:80\r\n\r\nGET / HTTP/1.1\r\nHost: shop\r\n\r\n', other('none')],
      methods: ['CONNECT'],
    },
  ],
}
