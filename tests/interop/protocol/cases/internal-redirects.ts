import type { JsonObject } from '@bufbuild/protobuf'
import { any } from '../../../wire/proxy-under-test.ts'
import type { FieldList } from '../h2-steps.ts'
import {
  answer,
  chunked,
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

/**
 * An answer without a body that sends the request elsewhere, and ends its connection: else Envoy would open a second one beside the
 * first, which is free again too late.
 */
const moved = (location: string, status = '302 Found', lines = ''): string =>
  answer('', `Location: ${location}\r\nConnection: close\r\n${lines}`, status)
const busy = answer('', 'Connection: close\r\n', '503 Busy')
const there = 'http://shop/there'

interface Redirected extends Partial<Omit<ProtocolCase, 'route'>> {
  readonly policy?: JsonObject
  readonly action?: JsonObject
  /** Routes in front of the one that serves everything. */
  readonly first?: JsonObject[]
  readonly host?: JsonObject
  readonly hosts?: JsonObject[]
}

const redirected = (name: string, upstream: readonly Step[], more: Redirected = {}): ProtocolCase => {
  const { policy = {}, action = {}, first = [], host = {}, hosts = [], ...rest } = more
  const last = {
    name: 'all',
    match: { prefix: '/' },
    route: { cluster: 'up', internalRedirectPolicy: policy, ...action },
  }
  return {
    name: `redirect: ${name}`,
    client: [get('/here')],
    upstream: byConnection(upstream),
    routes: { name: 'r', virtualHosts: [{ name: 'all', domains: ['*'], routes: [...first, last], ...host }, ...hosts] },
    ...rest,
  }
}
/** What comes behind an answer that ends its connection happens on the next one. */
function byConnection(steps: readonly Step[]): readonly (readonly Step[])[] {
  const connections: Step[][] = [[]]
  for (const step of steps) {
    connections.at(-1)?.push(step)
    if (typeof step === 'string' && /Connection: close|go there/.test(step)) connections.push([])
  }
  return connections
}
const asked = (location: string, status?: string, lines?: string): Step[] => [
  head,
  moved(location, status, lines),
  head,
  answer('there'),
]
const once = (name: string, location: string, more: Redirected = {}): ProtocolCase =>
  redirected(name, asked(location), more)

const ask = (method: string, more: readonly (readonly [string, string])[] = []): FieldList => [
  [':method', method],
  [':scheme', 'http'],
  [':authority', 'shop'],
  [':path', '/here'],
  ...more,
]
const sent302: FieldList = [
  [':status', '302'],
  ['location', there],
]
const ok: FieldList = [[':status', '200']]
const whole = (stream: number): Step => ({ untilStream: stream, has: 'end' })
/** To an upstream of HTTP/2, where each is a stream of one connection. */
const byStreams = (name: string, first: readonly Step[], more: Redirected = {}): ProtocolCase =>
  redirected(
    name,
    [whole(1), ...first, whole(3), { headers: ok, stream: 3 }, { data: 'there', stream: 3, ends: true }],
    {
      upstreamWire: 'h2',
      ...more,
    },
  )

const predicate = (name: string, config: JsonObject = {}): JsonObject => {
  const type = name.replaceAll(/(?:^|_)([a-z])/g, (_, letter: string) => letter.toUpperCase())
  return {
    name: `envoy.internal_redirect_predicates.${name}`,
    typedConfig: any(`envoy.extensions.internal_redirect.${name}.v3.${type}Config`, config),
  }
}
const follow = (name: string, path: string, policy: JsonObject): JsonObject => ({
  name,
  match: { prefix: path },
  route: { cluster: 'up', internalRedirectPolicy: policy },
})

/** Answers that send a request elsewhere, which the proxy follows itself. */
export const internalRedirects: Family = {
  name: 'internal redirects',
  cases: [
    once('a GET is sent where the answer says', there),
    once('a query', 'http://shop/there?a=b'),
    once('another host', 'http://other:8080/there'),
    once('no path', 'http://other'),
    once('no path but a query', 'http://other?a=b'),
    once('a fragment', 'http://shop/there#part'),
    once('dot segments', 'http://shop/a/../there'),
    once('dot segments that are normalised', 'http://shop/a/../there', { manager: { normalizePath: true } }),
    once('capitals in scheme and host', 'HTTP://Shop/There'),
    once('the default port', 'http://shop:80/there'),
    once('an address of version 6', 'http://[::1]:80/there'),
    once('a user', 'http://me:pass@shop/there'),
    once('a location without a host', '/there'),
    once('an empty location', ''),
    once('no scheme', '//shop/there'),
    once('another kind of scheme', 'ftp://shop/there'),
    once('a port that is none', 'http://shop:99999/there'),
    once('white space in the location', 'http://shop/the re'),
    redirected('no location', [head, answer('', '', '302 Found')]),
    ...['301 Moved', '303 See', '307 Temporary', '308 Permanent', '300 Many', '304 Not Modified'].flatMap((status) => [
      redirected(`${status} where nothing is said about it`, asked(there, status)),
      redirected(`${status} where it is followed`, asked(there, status), {
        policy: { redirectResponseCodes: [Number(status.slice(0, 3))] },
      }),
    ]),
    redirected('302 where another status is followed', asked(there), { policy: { redirectResponseCodes: [307] } }),
    redirected('200 with a location', asked(there, '200 OK'), { policy: { redirectResponseCodes: [200] } }),
    redirected('a second redirect is passed on', [head, moved(there), head, moved('http://shop/else')]),
    redirected('as many as allowed', [head, moved(there), head, moved('http://shop/else'), head, answer('there')], {
      policy: { maxInternalRedirects: 2 },
    }),
    redirected('none allowed', asked(there), { policy: { maxInternalRedirects: 0 } }),
    redirected('a redirect with a body', [
      head,
      answer('go there', `Location: ${there}\r\n`, '302 Found'),
      head,
      answer('there'),
    ]),
    redirected('a redirect with a body in chunks', [
      head,
      `HTTP/1.1 302 Found\r\nLocation: ${there}\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n2\r\ngo\r\n0\r\n\r\n`,
      head,
      answer('there'),
    ]),
    redirected('a body', [until('hello'), moved(there), until('hello'), answer('there')], { client: [post('hello')] }),
    redirected('a body in chunks', [until('0\r\n\r\n'), moved(there), until('0\r\n\r\n'), answer('there')], {
      client: [chunked(['hel', 'lo'])],
    }),
    redirected('a body that is not there yet', [head, moved(there), head, answer('there')], {
      client: [request('POST', '/here', 'Content-Length: 5\r\n', 'he'), pause(100), 'llo'],
    }),
    redirected('a body behind 303', [until('hello'), moved(there, '303 See'), head, answer('there')], {
      client: [post('hello', 'Content-Type: text/x\r\n')],
      policy: { redirectResponseCodes: [303] },
    }),
    redirected('a body in chunks behind 303', [until('0\r\n\r\n'), moved(there, '303 See'), head, answer('there')], {
      client: [chunked(['hel', 'lo'])],
      policy: { redirectResponseCodes: [303] },
    }),
    redirected('HEAD behind 303', [head, moved(there, '303 See'), head, answer('', '')], {
      client: [request('HEAD', '/here')],
      methods: ['HEAD'],
      policy: { redirectResponseCodes: [303] },
    }),
    redirected('DELETE behind 303', asked(there, '303 See'), {
      client: [request('DELETE', '/here')],
      policy: { redirectResponseCodes: [303] },
    }),
    redirected('HEAD', [head, moved(there), head, answer('', '')], {
      client: [request('HEAD', '/here')],
      methods: ['HEAD'],
    }),
    redirected('another request behind it', [...asked(there), head, answer('next')], {
      client: [get('/here'), until('there'), get('/next')],
    }),
    redirected('two requests at once', [...asked(there), head, answer('next')], {
      client: [`${get('/here')}${get('/next')}`],
    }),
    once('no upgrade', there, {
      client: [
        get(
          '/here',
          'Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: x\r\nSec-WebSocket-Version: 13\r\n',
        ),
      ],
      manager: { upgradeConfigs: [{ upgradeType: 'websocket' }] },
    }),
    once('to https', 'https://shop/there'),
    once('to https where schemes may change', 'https://shop/there', { policy: { allowCrossSchemeRedirect: true } }),
    once('to https where only safe changes are', 'https://shop/there', {
      policy: { allowCrossSchemeRedirect: true, predicates: [predicate('safe_cross_scheme')] },
    }),
    once('a request that came by https further on', there, { client: [get('/here', 'X-Forwarded-Proto: https\r\n')] }),
    once('no route for where it goes', 'http://else/there', { host: { domains: ['shop'] } }),
    once('a route that answers itself', 'http://shop/self', {
      first: [{ match: { path: '/self' }, directResponse: { status: 418, body: { inlineString: 'me' } } }],
    }),
    once('a route that redirects', 'http://shop/self', {
      first: [{ match: { path: '/self' }, redirect: { pathRedirect: '/away' } }],
    }),
    once('a route without a cluster', 'http://shop/self', {
      first: [{ match: { path: '/self' }, route: { clusterHeader: 'x-nobody' } }],
    }),
    once('a host that asks for TLS', 'http://safe/there', {
      hosts: [
        {
          name: 'safe',
          domains: ['safe'],
          requireTls: 'ALL',
          routes: [{ match: { prefix: '/' }, route: { cluster: 'up' } }],
        },
      ],
    }),
    redirected('the route it goes to follows no more', [head, moved(there), head, moved('http://shop/else')], {
      policy: { maxInternalRedirects: 5 },
      first: [{ match: { path: '/there' }, route: { cluster: 'up' } }],
    }),
    redirected(
      'the limit is that of the route that is left',
      [head, moved('http://shop/a'), head, moved('http://shop/b'), head, moved('http://shop/c'), head, answer('c')],
      {
        policy: { maxInternalRedirects: 3 },
        first: [follow('a', '/a', { maxInternalRedirects: 1 })],
      },
    ),
    redirected(
      'not to a route that it was at',
      [
        head,
        moved('http://shop/a'),
        head,
        moved('http://shop/here'),
        head,
        moved('http://shop/a'),
        head,
        answer('end'),
      ],
      {
        policy: { maxInternalRedirects: 5, predicates: [predicate('previous_routes')] },
        first: [follow('a', '/a', { maxInternalRedirects: 5, predicates: [predicate('previous_routes')] })],
      },
    ),
    redirected(
      'not from the same route to the same twice',
      [head, moved('http://shop/x'), head, moved('http://shop/y'), head, answer('end')],
      {
        policy: { maxInternalRedirects: 5, predicates: [predicate('previous_routes')] },
      },
    ),
    once('to a route that is listed', 'http://shop/a', {
      policy: { predicates: [predicate('allow_listed_routes', { allowedRouteNames: ['a'] })] },
      first: [follow('a', '/a', {})],
    }),
    once('to a route that is not listed', 'http://shop/b', {
      policy: { predicates: [predicate('allow_listed_routes', { allowedRouteNames: ['a'] })] },
      first: [follow('b', '/b', {})],
    }),
    once('header rules, rewrites and the attempt', there, {
      host: {
        includeRequestAttemptCount: true,
        requestHeadersToAdd: [{ header: { key: 'x-host', value: '%REQ(:path)%' } }],
      },
      action: { prefixRewrite: '/new', hostRewriteLiteral: 'elsewhere' },
    }),
    once('rules for answers', there, {
      host: {
        responseHeadersToAdd: [{ header: { key: 'x-host', value: '%REQ(:path)%' } }],
        includeAttemptCountInResponse: true,
      },
    }),
    redirected(
      'headers of the answer are copied',
      [head, moved(there, '302 Found', 'X-A: 1\r\nX-A: 2\r\nX-D: 3\r\n'), head, answer('there')],
      {
        client: [get('/here', 'X-A: 0\r\nX-B: 0\r\nX-C: 0\r\n')],
        policy: { responseHeadersToCopy: ['x-a', 'X-B', 'x-d'] },
      },
    ),
    once('the edge', there, { manager: { useRemoteAddress: true, via: 'me', skipXffAppend: true } }),
    once('what only proxies say', there, {
      client: [get('/here', 'X-Envoy-Original-Url: http://me/\r\nX-Envoy-Upstream-Rq-Timeout-Ms: 9000\r\n')],
    }),
    redirected('a redirect behind a repeated failure', [head, busy, head, moved(there), head, answer('there')], {
      action: {
        retryPolicy: {
          retryOn: '5xx',
          numRetries: 1,
          retryBackOff: { baseInterval: '0.001s', maxInterval: '0.002s' },
        },
      },
    }),
    redirected('a failure behind a redirect is repeated', [head, moved(there), head, busy, head, answer('there')], {
      action: {
        retryPolicy: {
          retryOn: '5xx',
          numRetries: 1,
          retryBackOff: { baseInterval: '0.001s', maxInterval: '0.002s' },
        },
      },
    }),
    redirected(
      'a redirect that is a reason to repeat',
      [head, moved(there), head, moved(there), head, answer('there')],
      {
        action: {
          retryPolicy: {
            retryOn: 'retriable-status-codes',
            retriableStatusCodes: [302],
            numRetries: 1,
            retryBackOff: { baseInterval: '0.001s', maxInterval: '0.002s' },
          },
        },
      },
    ),
    redirected('the limit of time begins anew', [head, pause(300), moved(there), head, pause(300), answer('there')], {
      action: { timeout: '0.5s' },
      lasts: 800,
    }),
    redirected('where it goes takes too long', [head, moved(there), head, pause(900)], {
      action: { timeout: '0.3s' },
      lasts: 600,
    }),
    redirected('where it goes breaks off', [head, moved(there), head, { act: 'reset' }]),
    redirected('an expectation', [until('hello'), moved(there), until('hello'), answer('there')], {
      client: [request('POST', '/here', 'Expect: 100-continue\r\nContent-Length: 5\r\n'), until('100'), 'hello'],
    }),
    redirected(
      'trailers of the request are left behind',
      [until('0\r\n'), moved(there), until('0\r\n'), answer('there')],
      {
        client: [chunked(['hello'], 'x-t: 1\r\n')],
        manager: { httpProtocolOptions: { enableTrailers: true } },
      },
    ),
    byStreams('to streams: an answer that is whole', [{ headers: sent302, ends: true }]),
    byStreams('to streams: an answer with a body', [{ headers: sent302 }, { data: 'go' }, pause(50)]),
    byStreams('to streams: a body', [{ headers: sent302, ends: true }], { client: [post('hello')] }),
    once('a client of HTTP/2', there, { downstreamWire: 'h2', client: [{ headers: ask('GET'), ends: true }] }),
    redirected('a body of HTTP/2', [until('hello'), moved(there), until('hello'), answer('there')], {
      downstreamWire: 'h2',
      client: [{ headers: ask('POST') }, { data: 'hello', ends: true }],
    }),
    redirected('a body of HTTP/2 that is not there yet', [head, moved(there), head, answer('there')], {
      downstreamWire: 'h2',
      client: [{ headers: ask('POST') }, { data: 'he' }, pause(100), { data: 'llo', ends: true }],
    }),
    byStreams('to streams: a call', [{ headers: sent302, ends: true }], {
      downstreamWire: 'h2',
      client: [
        {
          headers: ask('POST', [
            ['content-type', 'application/grpc'],
            ['te', 'trailers'],
          ]),
        },
        { data: '\0\0\0\0\0', ends: true },
      ],
    }),
    redirected('the client cancels what goes on', [head, moved(there), head, pause(400)], {
      downstreamWire: 'h2',
      client: [{ headers: ask('GET'), ends: true }, { other: '/there' }, { rst: 8 }],
    }),
    redirected('the client goes away from what goes on', [head, moved(there), head, pause(400)], {
      client: [get('/here'), { other: '/there' }, { act: 'reset' }],
    }),
  ],
}
