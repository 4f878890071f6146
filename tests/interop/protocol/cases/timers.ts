import type { JsonObject } from '@bufbuild/protobuf'
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

const late = (name: string, route: JsonObject, more: Partial<ProtocolCase> = {}): ProtocolCase => ({
  name,
  client: [get()],
  upstream: [[head, pause(700), answer('late')]],
  route,
  lasts: 900,
  ...more,
})
const busy = answer('busy', '', '503 Busy')
const soon = { baseInterval: '0.001s', maxInterval: '0.002s' }
const retried = (
  name: string,
  retryOn: string,
  scripts: Step[][],
  more: Partial<ProtocolCase> = {},
  policy: JsonObject = {},
): ProtocolCase => ({
  name,
  client: [get()],
  upstream: scripts,
  route: { retryPolicy: { retryOn, numRetries: 1, retryBackOff: soon, ...policy } },
  ...more,
})
const close = 'Connection: close\r\n'
const busyOnce = answer('busy', close, '503 Busy')
const statusOnce = (status: string, more = ''): string => answer('', close + more, status)

/** Time limits and retries. */
export const timers: Family = {
  name: 'time limits and retries',
  cases: [
    late('a route times out', { timeout: '0.2s' }),
    late('a route times out for HEAD', { timeout: '0.2s' }, { client: [request('HEAD', '/')], methods: ['HEAD'] }),
    late('a route times out for a POST', { timeout: '0.2s' }, { client: [post('hello')] }),
    late('a route without a limit waits', { timeout: '0s' }),
    late('one try times out', { retryPolicy: { retryOn: '5xx', numRetries: 0, perTryTimeout: '0.2s' } }),
    late(
      'one try times out and is repeated',
      { retryPolicy: { retryOn: '5xx', numRetries: 1, perTryTimeout: '0.2s', retryBackOff: soon } },
      {
        upstream: [
          [head, pause(900)],
          [head, answer('second')],
        ],
      },
    ),
    late(
      'a client sets the limit by a header where it may',
      { timeout: '5s' },
      { client: [get('/', 'x-envoy-upstream-rq-timeout-ms: 200\r\n')], manager: { useRemoteAddress: false } },
    ),
    late(
      'the limit runs out in the middle of an answer',
      { timeout: '0.3s' },
      { upstream: [[head, 'HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello', pause(900)]] },
    ),
    late(
      'the answer is idle for too long',
      { timeout: '0s', idleTimeout: '0.2s' },
      { upstream: [[head, 'HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello', pause(900)]] },
    ),
    late('a stream is idle before its answer', { timeout: '0s', idleTimeout: '0.2s' }),
    late('a stream is idle by the manager', { timeout: '0s' }, { manager: { streamIdleTimeout: '0.2s' } }),
    late(
      'a body that stops is idle',
      { timeout: '0s', idleTimeout: '0.2s' },
      { client: [request('POST', '/', 'Content-Length: 10\r\n', 'hello')], upstream: [[head, pause(900)]] },
    ),
    late(
      'a request takes too long to come',
      {},
      {
        client: [request('POST', '/', 'Content-Length: 10\r\n', 'hello')],
        upstream: [[head, pause(900)]],
        manager: { requestTimeout: '0.2s' },
      },
    ),
    late(
      'a head takes too long to come',
      {},
      { client: ['GET / HTTP/1.1\r\nHost: shop\r\n'], manager: { requestHeadersTimeout: '0.2s' } },
    ),
    late(
      'an idle connection is closed',
      {},
      { client: [get(), until('ok')], upstream: 'ok', manager: { commonHttpProtocolOptions: { idleTimeout: '0.2s' } } },
    ),
    late(
      'a connection without a request is closed',
      {},
      { client: [], upstream: 'ok', manager: { commonHttpProtocolOptions: { idleTimeout: '0.2s' } }, lasts: 600 },
    ),
    late('a stream lasts too long', { timeout: '0s', maxStreamDuration: { maxStreamDuration: '0.2s' } }),
    late(
      'a stream lasts too long by the manager',
      { timeout: '0s' },
      { manager: { commonHttpProtocolOptions: { maxStreamDuration: '0.2s' } } },
    ),
    late(
      'a connection lives too long',
      {},
      {
        client: [get('/1'), until('ok'), pause(400), get('/2')],
        upstream: 'ok',
        manager: { commonHttpProtocolOptions: { maxConnectionDuration: '0.2s' }, drainTimeout: '0.1s' },
      },
    ),
    retried('503 is repeated', '5xx', [
      [head, busyOnce],
      [head, answer('second')],
    ]),
    retried('503 is repeated as often as allowed', '5xx', [[head, busyOnce]]),
    retried('503 without a policy is forwarded', '', [[head, busy]], { route: {} }),
    retried('500 is repeated for 5xx', '5xx', [
      [head, statusOnce('500 No')],
      [head, answer('second')],
    ]),
    retried('500 is not repeated for gateway-error', 'gateway-error', [
      [head, statusOnce('500 No')],
      [head, answer('second')],
    ]),
    retried('502 is repeated for gateway-error', 'gateway-error', [
      [head, statusOnce('502 No')],
      [head, answer('second')],
    ]),
    retried('409 is repeated for retriable-4xx', 'retriable-4xx', [
      [head, statusOnce('409 Conflict')],
      [head, answer('second')],
    ]),
    retried('404 is not repeated for retriable-4xx', 'retriable-4xx', [
      [head, statusOnce('404 Not Found')],
      [head, answer('second')],
    ]),
    retried(
      'a status of the list is repeated',
      'retriable-status-codes',
      [
        [head, statusOnce('418 Teapot')],
        [head, answer('second')],
      ],
      {},
      { retriableStatusCodes: [418] },
    ),
    retried(
      'a header of the list is repeated',
      'retriable-headers',
      [
        [head, statusOnce('200 OK', 'X-Retry: 1\r\n')],
        [head, answer('second')],
      ],
      {},
      { retriableHeaders: [{ name: 'x-retry', presentMatch: true }] },
    ),
    retried('a reset is repeated', 'reset', [
      [head, reset0()],
      [head, answer('second')],
    ]),
    retried('an end without an answer is repeated', 'reset', [
      [head, { act: 'end' }],
      [head, answer('second')],
    ]),
    retried('a reset after the head is not repeated', 'reset', [
      [head, 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhe', pause(30), reset0()],
      [head, answer('second')],
    ]),
    retried('a connection that is refused is repeated and fails', 'connect-failure', [[]], { upstream: 'refuses' }),
    retried(
      'two retries',
      '5xx',
      [
        [head, busyOnce],
        [head, busyOnce],
        [head, answer('third')],
      ],
      {},
      { numRetries: 2 },
    ),
    retried(
      'the body is repeated',
      '5xx',
      [
        [until('hello'), busyOnce],
        [until('hello'), answer('second')],
      ],
      { client: [post('hello')] },
    ),
    retried('the body is repeated as often as allowed', '5xx', [[until('hello'), busyOnce]], {
      client: [post('hello')],
    }),
    retried(
      'a body that is not repeated even once',
      '5xx',
      [[until('hello'), busyOnce]],
      { client: [post('hello')] },
      { numRetries: 0 },
    ),
    retried('a body whose upstream answers nothing, as often as allowed', 'reset', [[until('hello'), reset0()]], {
      client: [post('hello')],
    }),
    retried('a body is not repeated for another reason than the policy says', 'reset', [[until('hello'), busyOnce]], {
      client: [post('hello')],
    }),
    retried(
      'attempts are counted for the upstream and the client',
      '5xx',
      [
        [head, busyOnce],
        [head, answer('second')],
      ],
      {
        routes: {
          name: 'routes',
          virtualHosts: [
            {
              name: 'any',
              domains: ['*'],
              includeRequestAttemptCount: true,
              includeAttemptCountInResponse: true,
              routes: [
                {
                  match: { prefix: '/' },
                  route: { cluster: 'up', retryPolicy: { retryOn: '5xx', retryBackOff: soon } },
                },
              ],
            },
          ],
        },
      },
    ),
    retried(
      'the client asks for retries by a header',
      '',
      [
        [head, busyOnce],
        [head, answer('second')],
      ],
      { client: [get('/', 'x-envoy-retry-on: 5xx\r\nx-envoy-max-retries: 1\r\n')], route: {} },
    ),
    retried(
      'a retry is not made where the breaker forbids it',
      '5xx',
      [
        [head, busyOnce],
        [head, answer('second')],
      ],
      { cluster: { circuitBreakers: { thresholds: [{ maxRetries: 0 }] } } },
    ),
    {
      name: 'a stale connection is found out when it is used',
      client: [get('/1'), until('ok'), pause(60), get('/2')],
      upstream: [
        [head, answer(), head, { act: 'end' }],
        [head, answer('two')],
      ],
    },
  ],
}

function reset0(): Step {
  return { act: 'reset' }
}
