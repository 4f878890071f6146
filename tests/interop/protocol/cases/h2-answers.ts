import { anyHost } from '../../../wire/proxy-under-test.ts'
import { answer, end, type Family, head, pause, type ProtocolCase, reset, type Step, until } from '../protocol-case.ts'
import { ask, get, h2, whole } from './h2-words.ts'

const from = (name: string, upstream: Step[], more: Partial<ProtocolCase> = {}): ProtocolCase =>
  h2(name, [get], { upstream: [[head, ...upstream]], ...more })

/** What upstreams of HTTP/1 answer, seen by clients of HTTP/2. */
export const h2Answers: Family = {
  name: 'HTTP/2 answers',
  cases: [
    from('an answer in chunks', ['HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n']),
    from('an answer without a body', [answer('')]),
    from('an answer that ends with its connection', ['HTTP/1.1 200 OK\r\n\r\nall', end]),
    from('204', ['HTTP/1.1 204 No Content\r\n\r\n']),
    from('304 with a length', ['HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n']),
    from('hop-by-hop headers go', [
      answer('ok', 'Connection: x\r\nX: y\r\nKeep-Alive: a\r\nUpgrade: h2c\r\nProxy-Connection: z\r\n'),
    ]),
    from('names become small', [answer('ok', 'X-Capital: Y\r\n')]),
    from('cookies stay apart', [answer('ok', 'Set-Cookie: a\r\nSet-Cookie: b\r\n')]),
    from('103 of the upstream', ['HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n', pause(20), answer()]),
    from('100 of the upstream', ['HTTP/1.1 100 Continue\r\n\r\n', pause(20), answer()]),
    from('101 that nobody asked for', [
      'HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n',
    ]),
    from('trailers', ['HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nX-T: 1\r\n\r\n']),
    from('the upstream is cut instead of an answer', [end]),
    from('the upstream is cut inside an answer', [
      'HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello',
      pause(30),
      end,
    ]),
    from('the upstream resets inside an answer', [
      'HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello',
      pause(30),
      reset,
    ]),
    from('rubbish instead of an answer', ['rubbish\r\n\r\n']),
    h2('HEAD', [{ headers: ask('HEAD'), ends: true }], {
      upstream: [[head, 'HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n']],
    }),
    h2('nobody listens', [get], { upstream: 'refuses' }),
    h2('no route', [get], { routes: anyHost([{ match: { path: '/none' }, route: { cluster: 'up' } }]) }),
    h2('the proxy answers itself', [get], {
      routes: anyHost([{ match: { prefix: '/' }, directResponse: { status: 418, body: { inlineString: 'tea' } } }]),
    }),
    h2('the proxy answers before the body is over', [{ headers: ask('POST') }, { data: 'hello' }, whole()], {
      routes: anyHost([{ match: { prefix: '/' }, directResponse: { status: 403, body: { inlineString: 'no' } } }]),
    }),
    h2('the upstream answers before the body is over', [{ headers: ask('POST') }, { data: 'hello' }, whole()], {
      upstream: [[until('hello'), answer()]],
    }),
    h2('a route times out', [get], { upstream: [[head, pause(700)]], route: { timeout: '0.2s' }, lasts: 400 }),
    h2('a stream is idle', [get], {
      upstream: [[head, pause(700)]],
      route: { timeout: '0s', idleTimeout: '0.2s' },
      lasts: 400,
    }),
    h2('a stream is idle in the middle of an answer', [get], {
      upstream: [[head, 'HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhello', pause(700)]],
      route: { timeout: '0s', idleTimeout: '0.2s' },
      lasts: 400,
    }),
    h2('a connection is idle', [get, whole()], {
      manager: { commonHttpProtocolOptions: { idleTimeout: '0.2s' } },
      lasts: 500,
    }),
    h2(
      'the second request is the last where two are the most',
      [get, whole(1), { headers: ask(), stream: 3, ends: true }, whole(3)],
      { manager: { commonHttpProtocolOptions: { maxRequestsPerConnection: 2 } } },
    ),
  ],
}
