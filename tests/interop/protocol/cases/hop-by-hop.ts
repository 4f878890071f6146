import type { JsonObject } from '@bufbuild/protobuf'
import { answer, chunked, type Family, get, head, post, type ProtocolCase } from '../protocol-case.ts'

const asked = (name: string, lines: string, manager: JsonObject = {}): ProtocolCase => ({
  name,
  client: [get('/', lines)],
  manager,
})
const answered = (name: string, lines: string): ProtocolCase => ({
  name,
  client: [get()],
  upstream: [[head, answer('ok', lines)]],
})

/** Headers that concern one connection, and those a proxy adds. */
export const hopByHop: Family = {
  name: 'hop-by-hop and forwarding headers',
  cases: [
    asked('Keep-Alive is not forwarded', 'Keep-Alive: timeout=5\r\nConnection: keep-alive\r\n'),
    asked('Proxy-Connection is not forwarded', 'Proxy-Connection: keep-alive\r\n'),
    asked('what Connection names is not forwarded', 'Connection: x-hop\r\nX-Hop: 1\r\n'),
    asked('Connection names several', 'Connection: x-a, x-b\r\nX-A: 1\r\nX-B: 2\r\nX-C: 3\r\n'),
    asked('Connection names a header that is not there', 'Connection: x-none\r\n'),
    asked('Connection names Host', 'Connection: host\r\n'),
    asked('Connection names a pseudo header', 'Connection: :path\r\n'),
    asked('Connection names x-forwarded-for', 'Connection: x-forwarded-for\r\nX-Forwarded-For: 1.2.3.4\r\n'),
    asked('Connection names Content-Length', 'Connection: content-length\r\nContent-Length: 0\r\n'),
    {
      name: 'Connection names the Content-Length of a body',
      client: [post('hello', 'Connection: content-length\r\n')],
    },
    {
      name: 'Connection names Transfer-Encoding',
      client: [chunked(['hello'], '', 'Connection: transfer-encoding\r\n')],
    },
    asked('Connection: keep-alive and more', 'Connection: keep-alive, x-hop\r\nX-Hop: 1\r\n'),
    asked('an empty Connection', 'Connection:\r\n'),
    asked('Connection of a comma', 'Connection: ,\r\n'),
    asked('TE: trailers', 'TE: trailers\r\n'),
    asked('TE: trailers as Connection names it', 'Connection: TE\r\nTE: trailers\r\n'),
    asked('TE: gzip', 'TE: gzip, trailers\r\n'),
    asked('TE: gzip as Connection names it', 'Connection: TE\r\nTE: gzip\r\n'),
    asked('Trailer', 'Trailer: x\r\n'),
    asked('Proxy-Authorization', 'Proxy-Authorization: Basic eA==\r\n'),
    asked('X-Forwarded-For is kept where the remote address is not used', 'X-Forwarded-For: 1.2.3.4\r\n'),
    asked('X-Forwarded-For grows where the remote address is used', 'X-Forwarded-For: 1.2.3.4\r\n', {
      useRemoteAddress: true,
    }),
    asked('X-Forwarded-Proto of a client', 'X-Forwarded-Proto: https\r\n'),
    asked('X-Forwarded-Proto of a client at the edge', 'X-Forwarded-Proto: https\r\n', {
      useRemoteAddress: true,
      skipXffAppend: true,
    }),
    asked('X-Forwarded-Proto that is no scheme', 'X-Forwarded-Proto: gopher\r\n'),
    asked('X-Forwarded-Host and -Port are left alone', 'X-Forwarded-Host: a\r\nX-Forwarded-Port: 1\r\n'),
    asked('X-Request-Id of a client', 'X-Request-Id: mine\r\n'),
    asked('internal headers of a client', 'x-envoy-internal: true\r\nx-envoy-expected-rq-timeout-ms: 5\r\n'),
    asked(
      'internal headers of a client at the edge',
      'x-envoy-internal: true\r\nx-envoy-upstream-rq-timeout-ms: 50\r\n',
      { useRemoteAddress: true, skipXffAppend: true },
    ),
    asked("a server name of one's own", '', { serverName: 'mine' }),
    asked('Via where it is configured', '', { via: 'mesh' }),
    asked('no request id where it is not generated', '', { generateRequestId: false }),
    answered('Keep-Alive of an answer', 'Keep-Alive: timeout=5\r\nConnection: keep-alive\r\n'),
    answered('Connection of an answer names a header', 'Connection: x-hop\r\nX-Hop: 1\r\n'),
    answered('Proxy-Connection of an answer', 'Proxy-Connection: keep-alive\r\n'),
    answered('Connection: close of an answer is not for the client', 'Connection: close\r\n'),
    answered('Upgrade of an answer that is not 101', 'Upgrade: h2\r\nConnection: upgrade\r\n'),
    answered('internal headers of an answer', 'x-envoy-upstream-service-time: 5\r\nx-envoy-overloaded: true\r\n'),
    answered('Proxy-Authenticate of an answer', 'Proxy-Authenticate: Basic\r\n'),
  ],
}
