import type { JsonObject } from '@bufbuild/protobuf'
import {
  answer,
  end,
  type Family,
  get,
  head,
  pause,
  post,
  type ProtocolCase,
  request,
  reset,
  until,
} from '../protocol-case.ts'

const http10: JsonObject = { httpProtocolOptions: { acceptHttp10: true } }
const old = (name: string, text: string, more: Partial<ProtocolCase> = {}): ProtocolCase => ({
  name,
  client: [text],
  manager: http10,
  ...more,
})

/** How long connections live, and what half of them still does. */
export const connections: Family = {
  name: 'connections',
  cases: [
    { name: 'two requests one after the other share connections', client: [get('/1'), until('ok'), get('/2')] },
    { name: 'three pipelined requests are answered in order', client: [get('/1') + get('/2') + get('/3')] },
    { name: 'pipelined requests with bodies', client: [post('one') + post('two') + get('/3')], upstream: 'echo' },
    {
      name: 'a pipelined request behind one that is refused is not served',
      client: [`GET / HTTP/1.1\r\nHost: shop\r\nX Y: z\r\n\r\n${get('/2')}`],
    },
    { name: 'a pipelined request behind one without Host', client: [`GET /1 HTTP/1.1\r\n\r\n${get('/2')}`] },
    {
      name: 'a pipelined HEAD and GET',
      client: [request('HEAD', '/1') + get('/2')],
      methods: ['HEAD', 'GET'],
      upstream: [[head, 'HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n', head, answer('two')]],
    },
    {
      name: 'a client that asks to close is answered and the connection closed',
      client: [get('/', 'Connection: close\r\n')],
    },
    { name: 'a client that asks to close in capitals', client: [get('/', 'Connection: CLOSE\r\n')] },
    { name: 'close among other options', client: [get('/', 'Connection: x, close\r\n')] },
    {
      name: 'a request behind one that asks to close is not served',
      client: [get('/1', 'Connection: close\r\n') + get('/2')],
    },
    {
      name: 'an upstream that closes after its answer is dialled again',
      client: [get('/1'), until('ok'), pause(60), get('/2')],
      upstream: [[head, answer('ok'), end]],
    },
    {
      name: 'an upstream that says close is dialled again',
      client: [get('/1'), until('ok'), get('/2')],
      upstream: [[head, answer('ok', 'Connection: close\r\n')]],
    },
    {
      name: 'a client that half-closes after its request still gets the answer',
      client: [get(), end],
      upstream: [[head, pause(60), answer()]],
    },
    {
      name: 'a client that half-closes after a request with a body',
      client: [post('hello'), end],
      upstream: [[until('hello'), pause(60), answer()]],
    },
    { name: 'a client that half-closes behind two requests gets both answers', client: [get('/1') + get('/2'), end] },
    { name: 'a client that half-closes between two requests', client: [get('/1'), until('ok'), end] },
    {
      name: 'a client that resets while it waits ends the request at the upstream',
      client: [get(), { other: 'GET' }, reset],
      upstream: [[head, pause(100)]],
    },
    {
      name: 'a client that resets in the middle of a body',
      client: [request('POST', '/', 'Content-Length: 10\r\n', 'hello'), { other: 'hello' }, reset],
      upstream: [[head, pause(100)]],
    },
    {
      name: 'a client that resets while an answer comes',
      client: [get(), until('begin'), reset],
      upstream: [[head, 'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nbegin', pause(100)]],
    },
    {
      name: 'the second request is the last where two are the most',
      client: [get('/1'), until('ok'), get('/2'), until('ok'), get('/3')],
      manager: { commonHttpProtocolOptions: { maxRequestsPerConnection: 2 } },
    },
    {
      name: 'only one request where one is the most',
      client: [get('/1') + get('/2')],
      manager: { commonHttpProtocolOptions: { maxRequestsPerConnection: 1 } },
    },
    {
      name: 'an upstream connection serves two requests where two are the most',
      client: [get('/1'), until('ok'), get('/2')],
      upstream: 'echo',
      cluster: { maxRequestsPerConnection: 1 },
    },
    old('HTTP/1.0 is told to upgrade by default', 'GET / HTTP/1.0\r\nHost: shop\r\n\r\n', { manager: {} }),
    old('HTTP/1.0 where it is accepted', 'GET / HTTP/1.0\r\nHost: shop\r\n\r\n'),
    old('HTTP/1.0 with keep-alive', 'GET / HTTP/1.0\r\nHost: shop\r\nConnection: keep-alive\r\n\r\n'),
    old('HTTP/1.0 with close', 'GET / HTTP/1.0\r\nHost: shop\r\nConnection: close\r\n\r\n'),
    old('HTTP/1.0 without Host', 'GET / HTTP/1.0\r\n\r\n'),
    old('HTTP/1.0 without Host where there is a default', 'GET / HTTP/1.0\r\n\r\n', {
      manager: { httpProtocolOptions: { acceptHttp10: true, defaultHostForHttp10: 'shop' } },
    }),
    old('HTTP/1.0 with a body', 'POST / HTTP/1.0\r\nHost: shop\r\nContent-Length: 5\r\n\r\nhello', {
      upstream: 'echo',
    }),
    old('HTTP/1.0 is not answered in chunks', 'GET / HTTP/1.0\r\nHost: shop\r\n\r\n', {
      upstream: [[head, 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n']],
    }),
    old('HTTP/1.0 HEAD', 'HEAD / HTTP/1.0\r\nHost: shop\r\n\r\n', {
      methods: ['HEAD'],
      upstream: [[head, answer('').replace(': 0', ': 7')]],
    }),
    {
      name: 'an upstream of HTTP/1.0 is closed after its answer',
      client: [get('/1'), until('ok'), get('/2')],
      upstream: [[head, answer('ok').replace('HTTP/1.1', 'HTTP/1.0')]],
    },
    {
      name: 'an upstream of HTTP/1.0 that keeps alive',
      client: [get('/1'), until('ok'), get('/2')],
      upstream: [
        [
          head,
          answer('ok', 'Connection: keep-alive\r\n').replace('HTTP/1.1', 'HTTP/1.0'),
          head,
          answer('ok', 'Connection: keep-alive\r\n').replace('HTTP/1.1', 'HTTP/1.0'),
        ],
      ],
    },
  ],
}
