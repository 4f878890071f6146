import type { JsonObject } from '@bufbuild/protobuf'
import { any } from '../../../wire/proxy-under-test.ts'
import { answer, type Family, get, head, pause, post, type ProtocolCase, reset, type Step } from '../protocol-case.ts'

const soon = { baseInterval: '0.001s', maxInterval: '0.002s' }
/** Tries that take longer than 0.2 s are hedged. */
const hedged = (
  name: string,
  upstream: Step[][],
  {
    policy = {},
    route = {},
    ...more
  }: Partial<Omit<ProtocolCase, 'route'>> & { policy?: JsonObject; route?: JsonObject } = {},
): ProtocolCase => ({
  name,
  client: [get()],
  upstream,
  route: {
    hedgePolicy: { hedgeOnPerTryTimeout: true },
    retryPolicy: { retryOn: '5xx', numRetries: 1, perTryTimeout: '0.2s', retryBackOff: soon, ...policy },
    ...route,
  },
  lasts: 1000,
  ...more,
})
/** Else each would keep its connection, and Weft's proxy keeps those of answers that are thrown away. */
const busy = answer('busy', 'Connection: close\r\n', '503 Busy')
/** Without the time that is left for a try, of which chance has a part. */
const untold: JsonObject = {
  httpFilters: [
    {
      name: 'envoy.filters.http.router',
      typedConfig: any('envoy.extensions.filters.http.router.v3.Router', { suppressEnvoyHeaders: true }),
    },
  ],
}
const silent = [head, pause(2500)]
const after = (ms: number, ...steps: Step[]): Step[] => [head, pause(ms), ...steps]
const late = after(500, answer('first'))
const whole = (name: string, hostPolicy: JsonObject | undefined, action: JsonObject): ProtocolCase => ({
  name,
  client: [get()],
  upstream: [late, [head, answer('second')]],
  lasts: 1000,
  routes: {
    name: 'r',
    virtualHosts: [
      {
        name: 'all',
        domains: ['*'],
        ...(hostPolicy === undefined ? {} : { hedgePolicy: hostPolicy }),
        routes: [{ match: { prefix: '/' }, route: { cluster: 'up', retryPolicy: resetOnly, ...action } }],
      },
    ],
  },
})
const resetOnly = { retryOn: 'reset', perTryTimeout: '0.2s', retryBackOff: soon }

/** Requests that are sent again beside a slow one. */
export const hedges: Family = {
  name: 'hedges',
  cases: [
    hedged('the second answers first', [silent, [head, answer('second')]]),
    hedged('the first answers while the second is slow', [late, silent]),
    hedged('a body is sent with each', [silent, [head, answer('second')]], { client: [post('hello')] }),
    hedged('the first answers after the second failed', [after(700, answer('first')), [head, busy]]),
    hedged('the first answers after the second was reset', [after(700, answer('first')), [head, reset]]),
    hedged('the first fails while the second is asked', [after(300, busy), after(300, answer('second'))]),
    hedged('the first is reset while the second is asked', [after(300, reset), after(300, answer('second'))]),
    hedged('both fail, the first last', [after(600, busy), [head, answer('no', '', '500 No')]]),
    hedged('both fail, the second last', [after(300, busy), after(300, answer('no', '', '500 No'))]),
    hedged('both are reset', [after(300, reset), after(300, reset)]),
    hedged('the second fails and the first never answers', [silent, [head, busy]], {
      manager: untold,
      route: { timeout: '0.6s' },
    }),
    hedged('nobody answers', [silent, silent], { manager: untold, route: { timeout: '0.7s' } }),
    hedged('the third answers', [silent, silent, [head, answer('third')]], { policy: { numRetries: 2 } }),
    hedged('the second fails and is repeated beside the first', [silent, [head, busy], [head, answer('third')]], {
      policy: { numRetries: 2 },
    }),
    hedged('an answer that is no failure to the policy wins', [late, [head, answer('', '', '404 Not Found')]]),
    hedged('a slow one is waited for when nothing is left', [late], { policy: { numRetries: 0 } }),
    hedged('a slow one is waited for when nothing is repeated', [late], { policy: { retryOn: '' } }),
    hedged('whatever is repeated, a slow one is', [silent, [head, answer('second')]], {
      policy: { retryOn: 'connect-failure' },
    }),
    hedged('an idle try', [silent, [head, answer('second')]], {
      policy: { perTryTimeout: '0s', perTryIdleTimeout: '0.2s' },
    }),
    hedged('the limit of retries', [late], {
      cluster: { circuitBreakers: { thresholds: [{ maxRetries: 0 }] } },
    }),
    hedged('the limit of requests', [late], {
      cluster: { circuitBreakers: { thresholds: [{ maxRequests: 1 }] } },
    }),
    hedged('a limit per try that is no shorter than the whole', [silent], {
      policy: { perTryTimeout: '0.5s' },
      route: { timeout: '0.5s' },
    }),
    hedged('the winner breaks off', [
      silent,
      [head, 'HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello', pause(50), { act: 'end' }],
    ]),
    whole('the virtual host hedges', { hedgeOnPerTryTimeout: true }, {}),
    whole('the route does not, whatever the virtual host says', { hedgeOnPerTryTimeout: true }, { hedgePolicy: {} }),
    whole('nobody hedges', undefined, {}),
  ],
}
