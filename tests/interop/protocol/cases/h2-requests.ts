import { anyHost } from '../../../wire/proxy-under-test.ts'
import type { FieldList, FrameStep } from '../h2-steps.ts'
import { end, type Family, head, other, type ProtocolCase, until } from '../protocol-case.ts'
import { ask, get, h2, started, whole } from './h2-words.ts'

const fields = (name: string, list: FieldList, more: Partial<ProtocolCase> = {}): ProtocolCase =>
  h2(name, [{ headers: list, ends: true }], more)
const connectRoutes = anyHost([
  {
    match: { connectMatcher: {} },
    route: { cluster: 'up', upgradeConfigs: [{ upgradeType: 'CONNECT', connectConfig: {} }] },
  },
  { match: { prefix: '/' }, route: { cluster: 'up' } },
])

/** Clients of HTTP/2 before an upstream of HTTP/1: requests and their fields. */
export const h2Requests: Family = {
  name: 'HTTP/2 requests',
  cases: [
    fields('a GET', ask()),
    h2(
      'a POST with a length',
      [{ headers: ask('POST', '/', [['content-length', '5']]) }, { data: 'hello', ends: true }],
      { upstream: 'echo' },
    ),
    h2('a POST without a length becomes chunked', [{ headers: ask('POST') }, { data: 'hello', ends: true }], {
      upstream: 'echo',
    }),
    h2('a POST without a body', [{ headers: ask('POST'), ends: true }], { upstream: 'echo' }),
    h2('a POST whose end is an empty frame', [{ headers: ask('POST') }, { data: 'hello' }, { data: '', ends: true }], {
      upstream: 'echo',
    }),
    h2('a GET with a body', [{ headers: ask() }, { data: 'hello', ends: true }], { upstream: 'echo' }),
    h2('padding is no part of a body', [{ headers: ask('POST') }, { data: 'hello', padding: 20, ends: true }], {
      upstream: 'echo',
    }),
    h2(
      'a body longer than its length',
      [{ headers: ask('POST', '/', [['content-length', '3']]) }, other('POST'), { data: 'hello', ends: true }],
      { upstream: 'echo' },
    ),
    h2(
      'a body shorter than its length',
      [{ headers: ask('POST', '/', [['content-length', '9']]) }, other('POST'), { data: 'hello', ends: true }],
      { upstream: 'echo' },
    ),
    fields('a length and no body', ask('POST', '/', [['content-length', '5']])),
    fields(
      'two lengths',
      ask('POST', '/', [
        ['content-length', '0'],
        ['content-length', '1'],
      ]),
    ),
    fields('a length of letters', ask('POST', '/', [['content-length', 'five']])),
    h2(
      'trailers of a request',
      [{ headers: ask('POST') }, { data: 'hello' }, { headers: [['x-t', '1']], ends: true }],
      { upstream: 'echo' },
    ),
    h2(
      'trailers with a pseudo header',
      [{ headers: ask('POST') }, { data: 'hello' }, other('hello'), { headers: [[':path', '/evil']], ends: true }],
      { upstream: 'echo' },
    ),
    h2(
      'trailers that do not end the stream',
      [{ headers: ask('POST') }, { data: 'hello' }, other('hello'), { headers: [['x-t', '1']] }],
      { upstream: 'echo' },
    ),
    fields('capitals in a name', ask('GET', '/', [['X-Capital', '1']])),
    fields('Connection is of HTTP/1', ask('GET', '/', [['connection', 'close']])),
    fields('Keep-Alive is of HTTP/1', ask('GET', '/', [['keep-alive', 'timeout=5']])),
    fields('Proxy-Connection is of HTTP/1', ask('GET', '/', [['proxy-connection', 'keep-alive']])),
    fields('Upgrade is of HTTP/1', ask('GET', '/', [['upgrade', 'websocket']])),
    fields('Transfer-Encoding is of HTTP/1', ask('POST', '/', [['transfer-encoding', 'chunked']])),
    fields('TE: trailers', ask('GET', '/', [['te', 'trailers']])),
    fields('TE of something else', ask('GET', '/', [['te', 'gzip']])),
    fields('no method', ask().slice(1)),
    fields(
      'no scheme',
      ask().filter(([name]) => name !== ':scheme'),
    ),
    fields(
      'no path',
      ask().filter(([name]) => name !== ':path'),
    ),
    fields('an empty path', ask('GET', '')),
    fields('a path without a slash', ask('GET', 'a')),
    fields('a path with a fragment', ask('GET', '/a#b')),
    fields('an absolute path', ask('GET', 'http://other/a')),
    fields('a path with a space', ask('GET', '/a b')),
    fields('an asterisk', ask('OPTIONS', '*')),
    fields(
      'another scheme',
      ask().map(([name, value]) => [name, name === ':scheme' ? 'https' : value]),
    ),
    fields(
      'a scheme nobody knows',
      ask().map(([name, value]) => [name, name === ':scheme' ? 'gopher' : value]),
    ),
    fields('the method twice', [...ask(), [':method', 'POST']]),
    fields('the path twice', [[':path', '/evil'], ...ask()]),
    fields('an unknown pseudo header', [[':evil', '1'], ...ask()]),
    fields('a status in a request', [[':status', '200'], ...ask()]),
    fields('a pseudo header behind another', [...ask().slice(0, 3), ['x', 'y'], [':path', '/']]),
    fields('a method nobody registered', ask('BREW')),
    fields('a method of other bytes', ask('G T')),
    fields(
      'no authority',
      ask().filter(([name]) => name !== ':authority'),
    ),
    fields('Host instead of an authority', [...ask().filter(([name]) => name !== ':authority'), ['host', 'shop']]),
    fields('Host beside the same authority', ask('GET', '/', [['host', 'shop']])),
    fields('Host beside another authority', ask('GET', '/', [['host', 'evil']])),
    fields(
      'an authority with a user',
      ask().map(([name, value]) => [name, name === ':authority' ? 'user@shop' : value]),
    ),
    fields(
      'an authority with a space',
      ask().map(([name, value]) => [name, name === ':authority' ? 'shop evil' : value]),
    ),
    fields('an empty value', ask('GET', '/', [['x', '']])),
    fields('an empty name', ask('GET', '/', [['', 'x']])),
    fields('a space in a name', ask('GET', '/', [['x y', 'z']])),
    fields('a colon in a name', ask('GET', '/', [['x:y', 'z']])),
    fields('NUL in a value', ask('GET', '/', [['x', 'a\x00b']])),
    fields('a line end in a value', ask('GET', '/', [['x', 'a\r\nevil: b']])),
    fields('spaces around a value', ask('GET', '/', [['x', ' a ']])),
    fields('bytes above 127 in a value', ask('GET', '/', [['x', '\xe4']])),
    fields(
      'crumbs of cookies',
      ask('GET', '/', [
        ['cookie', 'a=b'],
        ['cookie', 'c=d'],
      ]),
    ),
    fields('an underscore in a name', ask('GET', '/', [['x_y', 'z']])),
    h2(
      'an expectation',
      [
        {
          headers: ask('POST', '/', [
            ['expect', '100-continue'],
            ['content-length', '5'],
          ]),
        },
        started(),
        { data: 'hello', ends: true },
      ],
      { upstream: 'echo' },
    ),
    fields(
      '101 fields are too many',
      ask(
        'GET',
        '/',
        Array.from({ length: 101 }, (_, at) => [`x-${at}`, 'y'] as const),
      ),
    ),
    fields('a path is normalised', ask('GET', '/a/../b'), { manager: { normalizePath: true } }),
    fields('CONNECT where nobody allowed it', [
      [':method', 'CONNECT'],
      [':authority', 'shop:80'],
    ]),
    fields('CONNECT with a path', ask('CONNECT')),
    h2(
      'CONNECT makes a tunnel',
      [
        {
          headers: [
            [':method', 'CONNECT'],
            [':authority', 'shop:80'],
          ],
        },
        started(),
        { data: 'ping' },
        until('pong'),
        { data: '', ends: true },
        whole(),
      ],
      {
        upstream: [[until('ping'), 'pong', { act: 'see the end' }, 'late', end]],
        upstreamWire: 'tcp',
        routes: connectRoutes,
        manager: { upgradeConfigs: [{ upgradeType: 'CONNECT' }], http2ProtocolOptions: { allowConnect: true } },
      },
    ),
    h2(
      'a WebSocket by extended CONNECT',
      [
        { headers: [...ask('CONNECT', '/chat'), [':protocol', 'websocket'], ['sec-websocket-version', '13']] },
        started(),
        { data: 'ping' },
        until('pong'),
      ],
      {
        upstream: [
          [
            head,
            'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n',
            until('ping'),
            'pong',
          ],
        ],
        manager: { upgradeConfigs: [{ upgradeType: 'websocket' }], http2ProtocolOptions: { allowConnect: true } },
      },
    ),
    h2(
      'extended CONNECT where it was not offered',
      [{ headers: [...ask('CONNECT', '/chat'), [':protocol', 'websocket']] }],
      {},
    ),
    h2('two requests at once', [get, { headers: ask('GET', '/2'), stream: 3, ends: true }, whole(1), whole(3)]),
    h2('two requests one after the other', [
      get,
      whole(1),
      { headers: ask('GET', '/2'), stream: 3, ends: true },
      whole(3),
    ]),
    h2('a head in two frames', [{ headers: ask(), ends: true, split: 10 }]),
    h2(
      'a body of 100 kB',
      [
        { headers: ask('POST') },
        ...Array.from({ length: 6 }, (_, at): FrameStep => ({ data: 'x'.repeat(10_000), ends: at === 5 })),
      ],
      { upstream: 'echo' },
    ),
  ],
}
