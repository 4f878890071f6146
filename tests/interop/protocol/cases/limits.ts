import type { JsonObject } from '@bufbuild/protobuf'
import { any } from '../../../wire/proxy-under-test.ts'
import {
  answer,
  type Family,
  get,
  head,
  pause,
  post,
  type ProtocolCase,
  request,
  type Step,
  until,
} from '../protocol-case.ts'

const limited = (name: string, upstream: Step[][], more: Partial<ProtocolCase>): ProtocolCase => ({
  name,
  client: [get()],
  upstream,
  lasts: 700,
  ...more,
})
const soon = { baseInterval: '0.001s', maxInterval: '0.002s' }
const idleTry = (more: JsonObject = {}): JsonObject => ({
  retryPolicy: { retryOn: '5xx', numRetries: 0, perTryIdleTimeout: '0.2s', retryBackOff: soon, ...more },
})
const options = (more: JsonObject): JsonObject => ({
  typedExtensionProtocolOptions: {
    'envoy.extensions.upstreams.http.v3.HttpProtocolOptions': any(
      'envoy.extensions.upstreams.http.v3.HttpProtocolOptions',
      { explicitHttpConfig: { httpProtocolOptions: {} }, ...more },
    ),
  },
})
const stream = options({ commonHttpProtocolOptions: { maxStreamDuration: '0.2s' } })
const begun = 'HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello'
const websocket = 'Upgrade: websocket\r\nConnection: Upgrade\r\n'
const switched = 'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n'

/** Time limits of one attempt, of an upstream's stream, and of connections. */
export const limits: Family = {
  name: 'limits of attempts and connections',
  cases: [
    limited('a try is idle before its answer', [[head, pause(900)]], { route: idleTry() }),
    limited('a try is idle inside its answer', [[head, begun, pause(900)]], { route: idleTry() }),
    limited(
      'a try is idle and repeated',
      [
        [head, pause(900)],
        [head, answer('second')],
      ],
      { route: idleTry({ numRetries: 1 }) },
    ),
    limited(
      'a try that goes on slowly is not idle',
      [
        [
          head,
          'HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n',
          pause(120),
          'a',
          pause(120),
          'b',
          pause(120),
          'c',
          pause(120),
          'd',
        ],
      ],
      {
        route: idleTry(),
      },
    ),
    limited('a try waits for the rest of its request', [[head, until('world'), answer()]], {
      client: [request('POST', '/', 'Content-Length: 10\r\n', 'hello'), pause(400), 'world'],
      route: idleTry(),
    }),
    limited('an upstream stream lasts too long', [[head, pause(900)]], { cluster: stream, route: { timeout: '0s' } }),
    limited('an upstream stream lasts too long inside its answer', [[head, begun, pause(900)]], {
      cluster: stream,
      route: { timeout: '0s' },
    }),
    limited(
      'an upstream stream lasts too long and is repeated',
      [
        [head, pause(900)],
        [head, answer('second')],
      ],
      {
        cluster: stream,
        route: { timeout: '0s', retryPolicy: { retryOn: 'reset', numRetries: 1, retryBackOff: soon } },
      },
    ),
    limited('an upstream stream lasts too long before its request is whole', [[head, pause(900)]], {
      client: [request('POST', '/', 'Content-Length: 10\r\n', 'hello')],
      cluster: stream,
      route: { timeout: '0s' },
    }),
    limited('a WebSocket lasts too long for the upstream', [[head, switched, pause(900)]], {
      client: [get('/chat', websocket), until('101'), 'x'],
      manager: { upgradeConfigs: [{ upgradeType: 'websocket' }] },
      cluster: stream,
      route: { timeout: '0s' },
    }),
    limited('a WebSocket is idle', [[head, switched, pause(900)]], {
      client: [get('/chat', websocket), until('101'), 'x'],
      manager: { upgradeConfigs: [{ upgradeType: 'websocket' }], streamIdleTimeout: '0.2s' },
    }),
    limited('a WebSocket lasts too long', [[head, switched, pause(900)]], {
      client: [get('/chat', websocket), until('101'), 'x'],
      manager: { upgradeConfigs: [{ upgradeType: 'websocket' }] },
      route: { timeout: '0s', maxStreamDuration: { maxStreamDuration: '0.2s' } },
    }),
    limited('a connection lives too long while it is asked', [[head, pause(400), answer()]], {
      manager: { commonHttpProtocolOptions: { maxConnectionDuration: '0.2s' }, drainTimeout: '0.1s' },
    }),
    limited(
      'a connection that asks within its drain is answered for the last time',
      [[head, answer(), head, answer()]],
      {
        client: [get('/1'), until('ok'), pause(150), get('/2'), until('ok')],
        manager: { commonHttpProtocolOptions: { maxConnectionDuration: '0.1s' }, drainTimeout: '0.3s' },
      },
    ),
    limited('a connection lives too long and has never asked', [], {
      client: [],
      manager: { commonHttpProtocolOptions: { maxConnectionDuration: '0.2s' }, drainTimeout: '0.1s' },
    }),
    limited(
      'a connection to an upstream lives too long',
      [
        [head, answer(), head, answer()],
        [head, answer()],
      ],
      {
        client: [get('/1'), until('ok'), pause(400), post('x'), until('ok')],
        cluster: options({ commonHttpProtocolOptions: { maxConnectionDuration: '0.2s' } }),
      },
    ),
    limited(
      'a connection to an upstream carries two requests at most',
      [
        [head, answer(), head, answer()],
        [head, answer()],
      ],
      {
        client: [get('/1'), until('ok'), get('/2'), until('ok'), get('/3'), until('ok')],
        cluster: options({ commonHttpProtocolOptions: { maxRequestsPerConnection: 2 } }),
      },
    ),
  ],
}
