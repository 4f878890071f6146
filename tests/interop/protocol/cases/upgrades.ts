import { anyHost } from '../../../wire/proxy-under-test.ts'
import {
  answer,
  end,
  type Family,
  get,
  head,
  pause,
  type ProtocolCase,
  request,
  reset,
  type Step,
  until,
} from '../protocol-case.ts'

const websocket = { upgradeConfigs: [{ upgradeType: 'websocket' }] }
const asks = 'Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: x\r\nSec-WebSocket-Version: 13\r\n'
const switched = 'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n'
const upgrade = (name: string, client: Step[], upstream: Step[], more: Partial<ProtocolCase> = {}): ProtocolCase => ({
  name,
  client: [get('/chat', asks), ...client],
  upstream: [[head, ...upstream]],
  manager: websocket,
  ...more,
})

const connectRoutes = (config: object = {}): ProtocolCase['routes'] =>
  anyHost([
    {
      match: { connectMatcher: {} },
      route: { cluster: 'up', upgradeConfigs: [{ upgradeType: 'CONNECT', connectConfig: { ...config } }] },
    },
    { match: { prefix: '/' }, route: { cluster: 'up' } },
  ])
const connect = (name: string, client: Step[], upstream: Step[], more: Partial<ProtocolCase> = {}): ProtocolCase => ({
  name,
  client: ['CONNECT shop:80 HTTP/1.1\r\nHost: shop:80\r\n\r\n', ...client],
  upstream: [upstream],
  upstreamWire: 'tcp',
  methods: ['CONNECT'],
  manager: { upgradeConfigs: [{ upgradeType: 'CONNECT' }] },
  routes: connectRoutes() ?? {},
  ...more,
})

/** Connections that become something else. */
export const upgrades: Family = {
  name: 'upgrades and tunnels',
  cases: [
    upgrade('a WebSocket speaks both ways', [until('101'), 'ping', until('pong')], [switched, until('ping'), 'pong']),
    upgrade('the server speaks first', [until('hello')], [switched, 'hello']),
    upgrade('the first bytes come with the answer', [until('hello')], [`${switched}hello`]),
    upgrade(
      'the client ends and the server answers still',
      [until('101'), 'bye', end],
      [switched, until('bye'), pause(40), 'late'],
    ),
    upgrade('the server ends', [until('101')], [switched, 'bye', end]),
    upgrade('the client resets', [until('101'), 'x', reset], [switched, pause(100)]),
    upgrade('the server resets', [until('101')], [switched, pause(30), reset]),
    upgrade('the server refuses with 403', [], [answer('no', '', '403 Forbidden')]),
    upgrade('the server answers 200', [], [answer('plain')]),
    upgrade(
      'the server asks for another version',
      [],
      [answer('', 'Sec-WebSocket-Version: 8\r\n', '426 Upgrade Required')],
    ),
    upgrade('the request is upgraded where nobody allowed it', [], [switched], { manager: {} }),
    upgrade(
      'an upgrade is allowed by the route',
      [until('101'), 'ping', until('pong')],
      [switched, until('ping'), 'pong'],
      { manager: {}, route: { upgradeConfigs: [{ upgradeType: 'websocket' }] } },
    ),
    upgrade('an upgrade is forbidden by the route', [], [switched], {
      route: { upgradeConfigs: [{ upgradeType: 'websocket', enabled: false }] },
    }),
    upgrade('an upgrade in capitals', [until('101'), 'ping', until('pong')], [switched, until('ping'), 'pong'], {
      client: [get('/chat', asks.replace('websocket', 'WebSocket')), until('101'), 'ping', until('pong')],
    }),
    upgrade('an upgrade of a POST with a body', [], [until('hello'), switched, 'x'], {
      client: [request('POST', '/chat', `${asks}Content-Length: 5\r\n`, 'hello'), until('101')],
    }),
    upgrade('an Upgrade that Connection does not name is not one', [], [answer()], {
      client: [get('/chat', 'Upgrade: websocket\r\n')],
    }),
    upgrade('an upgrade to something else', [], [answer()], {
      client: [get('/chat', 'Upgrade: other\r\nConnection: Upgrade\r\n')],
    }),
    upgrade('an offer of h2c is passed over', [], [answer()], {
      client: [get('/chat', 'Upgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\nConnection: Upgrade, HTTP2-Settings\r\n')],
    }),
    upgrade('101 that nobody asked for', [], [switched], { client: [get('/')] }),
    connect('CONNECT makes a tunnel', [until('200'), 'ping', until('pong')], [until('ping'), 'pong']),
    connect('the far end of a tunnel speaks first', [until('hello')], ['hello']),
    connect('the far end of a tunnel ends', [until('200'), until('bye')], ['bye', end]),
    connect(
      'the client of a tunnel ends and still hears',
      [until('200'), 'ping', end],
      [until('ping'), pause(40), 'late'],
    ),
    connect('CONNECT with bytes right behind', [], [until('early'), 'pong'], {
      client: ['CONNECT shop:80 HTTP/1.1\r\nHost: shop:80\r\n\r\nearly', until('pong')],
    }),
    connect('CONNECT where nobody allowed it', [], [], {
      manager: {},
      routes: anyHost([{ match: { prefix: '/' }, route: { cluster: 'up' } }]),
    }),
    connect('CONNECT without a route for it', [], [], {
      routes: anyHost([{ match: { prefix: '/' }, route: { cluster: 'up' } }]),
    }),
    connect('CONNECT to nobody', [], [], { upstream: 'refuses' }),
    connect('CONNECT without a port', [until('200'), 'ping', until('pong')], [until('ping'), 'pong'], {
      client: ['CONNECT shop HTTP/1.1\r\nHost: shop\r\n\r\n', until('200'), 'ping', until('pong')],
    }),
    connect('CONNECT of a path', [], [], { client: ['CONNECT /a HTTP/1.1\r\nHost: shop:80\r\n\r\n'] }),
    connect('CONNECT with a length', [until('200'), pause(30)], [pause(30)], {
      client: ['CONNECT shop:80 HTTP/1.1\r\nHost: shop:80\r\nContent-Length: 5\r\n\r\nhello'],
    }),
    connect('CONNECT with another Host', [until('200'), 'ping', until('pong')], [until('ping'), 'pong'], {
      client: ['CONNECT shop:80 HTTP/1.1\r\nHost: evil:80\r\n\r\n', until('200'), 'ping', until('pong')],
    }),
    {
      name: 'CONNECT is forwarded as CONNECT',
      client: ['CONNECT shop:80 HTTP/1.1\r\nHost: shop:80\r\n\r\n', until('200'), 'ping', until('pong')],
      upstream: [[head, 'HTTP/1.1 200 OK\r\n\r\n', until('ping'), 'pong']],
      methods: ['CONNECT'],
      manager: { upgradeConfigs: [{ upgradeType: 'CONNECT' }] },
      routes: anyHost([{ match: { connectMatcher: {} }, route: { cluster: 'up' } }]),
    },
  ],
}
