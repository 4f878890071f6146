import {
  answer,
  chunked,
  end,
  type Family,
  get,
  head,
  other,
  pause,
  post,
  type ProtocolCase,
  request,
  reset,
  until,
} from '../protocol-case.ts'

const expecting = (body: string): string => `Expect: 100-continue\r\nContent-Length: ${body.length}\r\n`
const interim = (name: string, status: string, more = ''): ProtocolCase => ({
  name,
  client: [get()],
  upstream: [[head, `HTTP/1.1 ${status}\r\n${more}\r\n`, pause(30), answer()]],
})

/** Interim answers, expectations, and answers that come before the request is whole. */
export const early: Family = {
  name: 'interim and early answers',
  cases: [
    {
      name: 'an expectation is answered by the proxy and not forwarded',
      client: [request('POST', '/', expecting('hello')), until('100 Continue'), 'hello'],
      upstream: 'echo',
    },
    {
      name: 'an expectation with the body right behind',
      client: [request('POST', '/', expecting('hello'), 'hello')],
      upstream: 'echo',
    },
    {
      name: 'an expectation in capitals',
      client: [request('POST', '/', 'EXPECT: 100-CONTINUE\r\nContent-Length: 5\r\n'), pause(50), 'hello'],
      upstream: 'echo',
    },
    {
      name: 'an expectation of something else',
      client: [request('POST', '/', 'Expect: 200-ok\r\nContent-Length: 5\r\n', 'hello')],
      upstream: 'echo',
    },
    { name: 'an expectation without a body', client: [get('/', 'Expect: 100-continue\r\n')] },
    {
      name: 'an expectation that the upstream is to judge',
      client: [request('POST', '/', expecting('hello')), until('100 Continue'), 'hello'],
      upstream: [[head, 'HTTP/1.1 100 Continue\r\n\r\n', until('hello'), answer()]],
      manager: { proxy100Continue: true },
    },
    {
      name: 'an expectation that the upstream refuses',
      client: [request('POST', '/', expecting('hello')), until('417')],
      upstream: [[head, answer('', '', '417 Expectation Failed')]],
      manager: { proxy100Continue: true },
    },
    {
      name: 'an expectation of a chunked body',
      client: [
        request('POST', '/', 'Expect: 100-continue\r\nTransfer-Encoding: chunked\r\n'),
        until('100 Continue'),
        '5\r\nhello\r\n0\r\n\r\n',
      ],
      upstream: 'echo',
    },
    interim('100 of the upstream is not forwarded', '100 Continue'),
    interim('102 of the upstream', '102 Processing'),
    interim('103 of the upstream', '103 Early Hints', 'Link: </a>; rel=preload\r\n'),
    {
      name: 'two 100s before the answer',
      client: [get()],
      upstream: [[head, 'HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n', answer()]],
    },
    {
      name: 'an interim answer and the end of the connection',
      client: [get()],
      upstream: [[head, 'HTTP/1.1 100 Continue\r\n\r\n', end]],
    },
    {
      name: 'the upstream answers before the body has come',
      client: [request('POST', '/', 'Content-Length: 10\r\n', 'hello'), until('ok'), pause(50), 'hello'],
      upstream: [[head, answer()]],
    },
    {
      name: 'the upstream answers early and closes',
      client: [request('POST', '/', 'Content-Length: 10\r\n', 'hello'), until('early')],
      upstream: [[head, answer('early', 'Connection: close\r\n', '413 Payload Too Large'), end]],
    },
    {
      name: 'the upstream answers early, the next request is served',
      client: [request('POST', '/', 'Content-Length: 10\r\n', 'hello'), until('ok'), 'hello', pause(30), get('/2')],
      upstream: [
        [head, answer(), pause(100)],
        [head, answer('two')],
      ],
    },
    {
      name: 'the upstream answers before the chunks are over',
      client: [request('POST', '/', 'Transfer-Encoding: chunked\r\n', '5\r\nhello\r\n'), until('ok'), '0\r\n\r\n'],
      upstream: [[head, answer()]],
    },
    {
      name: 'the upstream begins to answer while it reads: both go on',
      client: [
        request('POST', '/', 'Transfer-Encoding: chunked\r\n', '3\r\none\r\n'),
        until('ONE'),
        '3\r\ntwo\r\n0\r\n\r\n',
      ],
      upstream: [
        [
          until('one'),
          'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nONE\r\n',
          until('two'),
          '3\r\nTWO\r\n0\r\n\r\n',
        ],
      ],
    },
    {
      name: 'the proxy answers before the body has come',
      client: [request('POST', '/', 'Content-Length: 10\r\n', 'hello'), pause(50), 'hello'],
      routes: {
        name: 'routes',
        virtualHosts: [
          {
            name: 'any',
            domains: ['*'],
            routes: [{ match: { prefix: '/' }, directResponse: { status: 403, body: { inlineString: 'no' } } }],
          },
        ],
      },
    },
    {
      name: 'the proxy answers early, the next request is served or not',
      client: [post('hello') + get('/2')],
      routes: {
        name: 'routes',
        virtualHosts: [
          {
            name: 'any',
            domains: ['*'],
            routes: [{ match: { prefix: '/' }, directResponse: { status: 403, body: { inlineString: 'no' } } }],
          },
        ],
      },
    },
    {
      name: 'the proxy redirects',
      client: [get('/a?b')],
      routes: {
        name: 'routes',
        virtualHosts: [
          {
            name: 'any',
            domains: ['*'],
            routes: [{ match: { prefix: '/' }, redirect: { hostRedirect: 'other', httpsRedirect: true } }],
          },
        ],
      },
    },
    {
      name: 'the proxy redirects a POST with 307',
      client: [post('hello')],
      routes: {
        name: 'routes',
        virtualHosts: [
          {
            name: 'any',
            domains: ['*'],
            routes: [{ match: { prefix: '/' }, redirect: { pathRedirect: '/z', responseCode: 'TEMPORARY_REDIRECT' } }],
          },
        ],
      },
    },
    {
      name: 'the proxy answers HEAD without a body',
      client: [request('HEAD', '/')],
      methods: ['HEAD'],
      routes: {
        name: 'routes',
        virtualHosts: [
          {
            name: 'any',
            domains: ['*'],
            routes: [{ match: { prefix: '/' }, directResponse: { status: 200, body: { inlineString: 'body' } } }],
          },
        ],
      },
    },
    {
      name: 'the proxy answers 204 without a body',
      client: [get()],
      routes: {
        name: 'routes',
        virtualHosts: [
          { name: 'any', domains: ['*'], routes: [{ match: { prefix: '/' }, directResponse: { status: 204 } }] },
        ],
      },
    },
    {
      name: 'an upload that is aborted after the upstream answered',
      client: [request('POST', '/', 'Content-Length: 10\r\n', 'hello'), until('ok'), reset],
      upstream: [[head, answer(), pause(100)]],
    },
    {
      name: 'an upload that ends early by a half-close',
      client: [request('POST', '/', 'Content-Length: 10\r\n', 'hello'), other('hello'), end],
      upstream: [[head, pause(100)]],
    },
    {
      name: 'a body of one byte at a time',
      client: [request('POST', '/', 'Content-Length: 5\r\n'), ...'hello'],
      upstream: 'echo',
    },
    { name: 'chunks of one byte at a time', client: [...chunked(['ab', 'c'])], upstream: 'echo' },
  ],
}
