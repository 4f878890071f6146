import { answer, chunked, type Family, get, head, pause, post, request, until } from '../protocol-case.ts'

/** Requests and answers as everyone sends them, and the corners of their bodies. */
export const messages: Family = {
  name: 'messages',
  cases: [
    { name: 'a GET is answered with a length', client: [get()] },
    { name: 'a GET with a query keeps it', client: [get('/a/b?c=d&e=%20f')] },
    { name: 'a GET of an empty query keeps the question mark', client: [get('/a?')] },
    { name: 'a POST with a length is forwarded with it', client: [post('hello')], upstream: 'echo' },
    { name: 'a POST without a body keeps Content-Length: 0', client: [post('')], upstream: 'echo' },
    { name: 'a POST without length or coding has no body', client: [request('POST', '/')], upstream: 'echo' },
    { name: 'a POST in chunks stays chunked', client: [chunked(['hel', 'lo'])], upstream: 'echo' },
    { name: 'a POST of no chunk but the last stays chunked', client: [chunked([])], upstream: 'echo' },
    {
      name: 'a GET with a body forwards it',
      client: [request('GET', '/', 'Content-Length: 5\r\n', 'hello')],
      upstream: 'echo',
    },
    {
      name: 'a DELETE with a chunked body forwards it',
      client: [request('DELETE', '/', 'Transfer-Encoding: chunked\r\n', '3\r\nabc\r\n0\r\n\r\n')],
      upstream: 'echo',
    },
    { name: 'a PATCH is forwarded', client: [request('PATCH', '/x', 'Content-Length: 2\r\n', 'hi')], upstream: 'echo' },
    { name: 'a method nobody registered is judged', client: [request('BREW', '/pot')] },
    { name: 'a method in lower case is judged', client: [request('get', '/')] },
    { name: 'OPTIONS of a path without a body', client: [request('OPTIONS', '/a')] },
    { name: 'PROPFIND without a body', client: [request('PROPFIND', '/a')] },
    { name: 'DELETE without a body', client: [request('DELETE', '/a')] },
    { name: 'OPTIONS of everything', client: [request('OPTIONS', '*')] },
    { name: 'TRACE is forwarded', client: [request('TRACE', '/')] },
    {
      name: 'a body of two pieces',
      client: [request('POST', '/', 'Content-Length: 6\r\n'), 'abc', pause(20), 'def'],
      upstream: 'echo',
    },
    { name: 'a head in single bytes', client: [...get('/bytewise')] },
    {
      name: 'an answer in chunks stays chunked',
      client: [get()],
      upstream: [[head, 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n4\r\ndefg\r\n0\r\n\r\n']],
    },
    {
      name: 'an answer of one empty chunk',
      client: [get()],
      upstream: [[head, 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n']],
    },
    {
      name: 'an answer that ends with its connection becomes chunked',
      client: [get()],
      upstream: [[head, 'HTTP/1.1 200 OK\r\n\r\nall of it', { act: 'end' }]],
    },
    {
      name: 'an empty answer that ends with its connection',
      client: [get()],
      upstream: [[head, 'HTTP/1.1 200 OK\r\n\r\n', { act: 'end' }]],
    },
    { name: 'an answer in bytes', client: [get()], upstream: [[head, ...answer('slow')]] },
    {
      name: 'HEAD keeps the length of what there would be',
      client: [request('HEAD', '/'), until('\r\n\r\n'), request('HEAD', '/2')],
      methods: ['HEAD', 'HEAD'],
      upstream: [
        [head, 'HTTP/1.1 200 OK\r\nContent-Length: 12\r\n\r\n', head, 'HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\n'],
      ],
    },
    {
      name: 'HEAD of something chunked',
      client: [request('HEAD', '/')],
      methods: ['HEAD'],
      upstream: [[head, 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n']],
    },
    {
      name: 'HEAD answered without length or coding',
      client: [request('HEAD', '/')],
      methods: ['HEAD'],
      upstream: [[head, 'HTTP/1.1 200 OK\r\nX: y\r\n\r\n']],
    },
    { name: '204 has no body', client: [get()], upstream: [[head, 'HTTP/1.1 204 No Content\r\nX: y\r\n\r\n']] },
    {
      name: '204 with a length of zero',
      client: [get()],
      upstream: [[head, 'HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n']],
    },
    {
      name: '304 keeps its length and has no body',
      client: [get()],
      upstream: [[head, 'HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\nETag: "x"\r\n\r\n']],
    },
    {
      name: '304 with a coding has no body',
      client: [get()],
      upstream: [[head, 'HTTP/1.1 304 Not Modified\r\nTransfer-Encoding: chunked\r\n\r\n']],
    },
    {
      name: '205 with a length of zero',
      client: [get()],
      upstream: [[head, 'HTTP/1.1 205 Reset Content\r\nContent-Length: 0\r\n\r\n']],
    },
    { name: 'a status nobody registered', client: [get()], upstream: [[head, answer('odd', '', '299 Odd')]] },
    { name: 'a status of 599', client: [get()], upstream: [[head, answer('odd', '', '599 Odd')]] },
    { name: "a reason of one's own", client: [get()], upstream: [[head, answer('ok', '', '200 Very Well')]] },
    {
      name: 'an answer without a reason',
      client: [get()],
      upstream: [[head, 'HTTP/1.1 200 \r\nContent-Length: 2\r\n\r\nok']],
    },
    {
      name: 'an answer without even the space before the reason',
      client: [get()],
      upstream: [[head, 'HTTP/1.1 200\r\nContent-Length: 2\r\n\r\nok']],
    },
    {
      name: 'headers of an answer keep their values',
      client: [get()],
      upstream: [[head, answer('ok', 'Set-Cookie: a=b\r\nSet-Cookie: c=d\r\nX-Empty:\r\nX-Spaces:   a  b  \r\n')]],
    },
    {
      name: 'headers of a request keep their values',
      client: [get('/', 'Cookie: a=b\r\nCookie: c=d\r\nX-Empty:\r\nX-Spaces:   a  b  \r\nAccept: a\r\nAccept: b\r\n')],
    },
    { name: 'bytes above 127 in a value', client: [get('/', 'X: \xe4\xf6\r\n')] },
    { name: 'a tab inside a value', client: [get('/', 'X: a\tb\r\n')] },
    {
      name: 'the server of the upstream is replaced',
      client: [get()],
      upstream: [[head, answer('ok', 'Server: apache\r\n')]],
    },
    {
      name: 'a date of the upstream stays or not',
      client: [get()],
      upstream: [[head, answer('ok', 'Date: Thu, 01 Jan 1970 00:00:00 GMT\r\n')]],
    },
    { name: 'Via is left alone', client: [get('/', 'Via: 1.1 other\r\n')] },
    { name: 'a user agent is forwarded', client: [get('/', 'User-Agent: test\r\n')] },
    { name: 'a large body of 300 kB up and down', client: [post('x'.repeat(300_000))], upstream: 'echo' },
    {
      name: 'an answer of 300 kB in chunks',
      client: [get()],
      upstream: [
        [
          head,
          `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n${`3e8\r\n${'y'.repeat(1_000)}\r\n`.repeat(300)}0\r\n\r\n`,
        ],
      ],
    },
  ],
}
