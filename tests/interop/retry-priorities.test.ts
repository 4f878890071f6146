// Where retries go among priorities: the same failing requests to our proxy and to real Envoy must try the same priorities in the same order.
import assert from 'node:assert/strict'
import { before, describe, test } from 'node:test'
import type { JsonObject } from '@bufbuild/protobuf'
import { any, httpListener } from '../wire/proxy-under-test.ts'
import { converse, type RawBackend, rawBackend } from '../wire/raw-http.ts'
import { skipWithoutEnvoy as skip } from './envoy-on-path.ts'
import { type Arm, arms, bothProxies } from './protocol/both-proxies.ts'

/** One cluster: how many endpoints each priority has, and what a route makes of failures. */
interface Prioritised {
  readonly name: string
  readonly endpoints: readonly number[]
  readonly every: number
  readonly retries: number
  /** Priorities whose endpoints are not to be used. */
  readonly down?: readonly number[]
  readonly avoidPrevious?: true
}

const all: readonly Prioritised[] = [
  { name: 'each try goes to the next priority, and then it begins anew', endpoints: [1, 1, 1], every: 1, retries: 7 },
  { name: 'two tries for each priority', endpoints: [2, 2, 2], every: 2, retries: 9 },
  { name: 'three tries for each priority', endpoints: [1, 1], every: 3, retries: 9 },
  { name: 'other endpoints too', endpoints: [3, 1, 2], every: 2, retries: 8, avoidPrevious: true },
  { name: 'a priority without endpoints that can be used', endpoints: [1, 1, 1], every: 1, retries: 5, down: [1] },
  { name: 'the first priority is down', endpoints: [1, 1, 1], every: 2, retries: 7, down: [0] },
  { name: 'one priority', endpoints: [2], every: 1, retries: 3 },
  { name: 'fewer tries than it takes', endpoints: [1, 1], every: 5, retries: 3 },
]

function clusterOf({ endpoints, down = [] }: Prioritised, name: string, ports: readonly number[][]): JsonObject {
  return {
    name,
    type: 'STATIC',
    connectTimeout: '5s',
    loadAssignment: {
      clusterName: name,
      endpoints: endpoints.map((count, priority) => ({
        priority,
        locality: { region: `r${priority}` },
        lbEndpoints: Array.from({ length: count }, (_, at) => ({
          endpoint: { address: { socketAddress: { address: '127.0.0.1', portValue: ports[priority]?.[at] ?? 0 } } },
          healthStatus: down.includes(priority) ? 'UNHEALTHY' : 'HEALTHY',
        })),
      })),
    },
  }
}

function routeTo({ every, retries, avoidPrevious }: Prioritised, name: string): JsonObject {
  const previousHosts = {
    name: 'envoy.retry_host_predicates.previous_hosts',
    typedConfig: any('envoy.extensions.retry.host.previous_hosts.v3.PreviousHostsPredicate'),
  }
  return {
    name,
    domains: [name],
    routes: [
      {
        match: { prefix: '/' },
        route: {
          cluster: name,
          retryPolicy: {
            retryOn: '5xx',
            numRetries: retries,
            retryBackOff: { baseInterval: '0.001s', maxInterval: '0.001s' },
            retryPriority: {
              name: 'envoy.retry_priorities.previous_priorities',
              typedConfig: any('envoy.extensions.retry.priority.previous_priorities.v3.PreviousPrioritiesConfig', {
                updateFrequency: every,
              }),
            },
            ...(avoidPrevious ? { retryHostPredicate: [previousHosts], hostSelectionRetryMaxAttempts: '5' } : {}),
          },
        },
      },
    ],
  }
}

describe('retries and priorities', { skip, timeout: 120_000 }, () => {
  /** By tag: the priorities that were asked, in order. */
  const asked = new Map<string, number[]>()
  const backends: RawBackend[] = []
  const both = bothProxies(() => backends)

  before(async () => {
    const ports: number[][] = []
    for (let priority = 0; priority < 3; priority++) {
      const failing = await Promise.all(Array.from({ length: 3 }, () => failingAt(priority, asked)))
      backends.push(...failing)
      ports.push(failing.map(({ port }) => port))
    }
    const virtualHosts = all.map((one, at) => routeTo(one, `c${at}`))
    const resources = {
      listeners: [httpListener('in', { name: 'r', virtualHosts })],
      clusters: all.map((one, at) => clusterOf(one, `c${at}`, ports)),
    }
    await both.start(resources)
  })

  for (const [at, one] of all.entries()) {
    test(one.name, async () => {
      const rounds: Record<Arm, (number[] | undefined)[]> = { weft: [], envoy: [] }
      for (const arm of arms) {
        const port = both.port(arm)
        for (let round = 0; round < 4; round++) {
          const tag = `${arm}-${at}-${round}`
          const lines = [`Host: c${at}`, `User-Agent: ${tag}`, 'Connection: close']
          await converse(port, [`GET / HTTP/1.1\r\n${lines.join('\r\n')}\r\n\r\n`])
          rounds[arm].push(asked.get(tag))
        }
      }
      assert.equal(rounds.envoy[0]?.length, one.retries + 1, 'Envoy has tried as often as it may')
      assert.deepEqual(rounds.weft, rounds.envoy)
    })
  }
})

function failingAt(priority: number, asked: Map<string, number[]>): Promise<RawBackend> {
  return rawBackend((socket, text) => {
    if (!text.endsWith('\r\n\r\n')) return
    const tag = /user-agent: (.*)\r\n/i.exec(text)?.[1] ?? ''
    asked.set(tag, [...(asked.get(tag) ?? []), priority])
    socket.end('HTTP/1.1 503 Busy\r\ncontent-length: 0\r\nconnection: close\r\n\r\n')
  })
}
