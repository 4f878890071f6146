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

const fault = (name: string, ...upstream: Step[]): ProtocolCase => ({
  name,
  client: [get()],
  upstream: [[head, ...upstream]],
})
const bytes = (name: string, text: string): ProtocolCase => fault(name, text)

/** Upstreams that do not keep to the protocol, or go away. */
export const upstreamFaults: Family = {
  name: 'faults of upstreams',
  cases: [
    { name: 'nobody listens', client: [get()], upstream: 'refuses' },
    {
      name: 'nobody listens for a POST',
      client: [request('POST', '/', 'Content-Length: 5\r\n', 'hello')],
      upstream: 'refuses',
    },
    { name: 'nobody listens for a HEAD', client: [request('HEAD', '/')], methods: ['HEAD'], upstream: 'refuses' },
    { name: 'a cluster without endpoints', client: [get()], cluster: { loadAssignment: { clusterName: 'none' } } },
    fault('the connection ends instead of an answer', end),
    fault('the connection is reset instead of an answer', reset),
    { name: 'the connection ends as soon as it is made', client: [get()], upstream: [[end]] },
    fault('the connection ends inside the head', 'HTTP/1.1 200 OK\r\nContent-Le', end),
    fault(
      'the connection ends inside a body of known length',
      'HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello',
      pause(30),
      end,
    ),
    fault(
      'the connection is reset inside a body of known length',
      'HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello',
      pause(30),
      reset,
    ),
    fault(
      'the connection ends inside a chunk',
      'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\na\r\nhello',
      pause(30),
      end,
    ),
    fault(
      'the connection ends before the last chunk',
      'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n',
      pause(30),
      end,
    ),
    fault('the connection is reset inside a body without end', 'HTTP/1.1 200 OK\r\n\r\nhello', pause(30), reset),
    bytes('a status line that is none', 'rubbish\r\n\r\n'),
    bytes('a status of letters', 'HTTP/1.1 abc OK\r\nContent-Length: 0\r\n\r\n'),
    bytes('a status of two digits', 'HTTP/1.1 20 OK\r\nContent-Length: 0\r\n\r\n'),
    bytes('a status of four digits', 'HTTP/1.1 2000 OK\r\nContent-Length: 0\r\n\r\n'),
    bytes('a status of 600', 'HTTP/1.1 600 OK\r\nContent-Length: 0\r\n\r\n'),
    bytes('a status of 000', 'HTTP/1.1 000 OK\r\nContent-Length: 0\r\n\r\n'),
    bytes('a version of 2.0', 'HTTP/2.0 200 OK\r\nContent-Length: 0\r\n\r\n'),
    bytes('another protocol', 'SSH-2.0-OpenSSH_9.0\r\n\r\n'),
    bytes('a header line of an answer without a colon', answer('ok', 'nonsense\r\n')),
    bytes('a space before the colon of an answer', answer('ok', 'X : y\r\n')),
    bytes('NUL in a value of an answer', answer('ok', 'X: a\x00b\r\n')),
    bytes('two lengths of an answer', answer('ok', 'Content-Length: 3\r\n')),
    bytes('the same length of an answer twice', answer('ok', 'Content-Length: 2\r\n')),
    bytes(
      'a length and a coding of an answer',
      'HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n',
    ),
    bytes('a length of letters of an answer', 'HTTP/1.1 200 OK\r\nContent-Length: two\r\n\r\nok'),
    bytes('a negative length of an answer', 'HTTP/1.1 200 OK\r\nContent-Length: -2\r\n\r\nok'),
    bytes('an unknown coding of an answer', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\nok'),
    bytes(
      'a chunk size of an answer that is no number',
      'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nok\r\n0\r\n\r\n',
    ),
    fault(
      'a bad chunk after a good one',
      'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n',
      pause(30),
      'zz\r\n',
    ),
    bytes('a head of an answer beyond 60 kB', answer('ok', `X: ${'y'.repeat(70_000)}\r\n`)),
    bytes('101 header lines of an answer', answer('ok', 'X: y\r\n'.repeat(101))),
    {
      name: 'extra bytes behind an answer end the connection',
      client: [get('/1'), until('ok'), pause(50), get('/2')],
      upstream: [
        [head, `${answer()}extra`, head, answer('no')],
        [head, answer('two')],
      ],
    },
    {
      name: 'a second answer nobody asked for',
      client: [get('/1'), until('ok'), pause(50), get('/2')],
      upstream: [
        [head, `${answer()}${answer('evil')}`],
        [head, answer('two')],
      ],
    },
    { name: 'bytes before any request', client: [get()], upstream: [['early', head, answer()]] },
    { name: 'an answer before any request', client: [pause(50), get()], upstream: [[answer('early'), head, answer()]] },
    {
      name: '204 with a body',
      client: [get('/1'), until('204'), pause(50), get('/2')],
      upstream: [
        [head, 'HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\nhello'],
        [head, answer('two')],
      ],
    },
    {
      name: '304 with a body',
      client: [get('/1'), until('304'), pause(50), get('/2')],
      upstream: [
        [head, 'HTTP/1.1 304 Not Modified\r\n\r\nhello'],
        [head, answer('two')],
      ],
    },
    {
      name: 'an answer to HEAD with a body',
      client: [request('HEAD', '/1'), until('200'), pause(50), get('/2')],
      methods: ['HEAD', 'GET'],
      upstream: [
        [head, 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello'],
        [head, answer('two')],
      ],
    },
    bytes('an empty line before an answer', `\r\n${answer()}`),
    bytes('a bare LF in an answer', 'HTTP/1.1 200 OK\nContent-Length: 2\n\nok'),
    bytes('a folded line in an answer', answer('ok', 'X: a\r\n b\r\n')),
    bytes(
      'a coding in an answer of HTTP/1.0',
      'HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n',
    ),
    {
      name: 'too much is pending',
      client: [get()],
      cluster: { circuitBreakers: { thresholds: [{ maxRequests: 0 }] } },
    },
    {
      name: 'no connection may be made',
      client: [get()],
      cluster: { circuitBreakers: { thresholds: [{ maxPendingRequests: 0 }] } },
    },
  ],
}
