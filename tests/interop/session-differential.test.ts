// Sessions that stay at one endpoint: what one proxy writes down the other one reads, and what cannot be used is treated alike.
import assert from 'node:assert/strict'
import { before, describe, test } from 'node:test'
import type { JsonObject } from '@bufbuild/protobuf'
import { any, httpListener, router } from '../wire/proxy-under-test.ts'
import { answering, converse, type RawBackend } from '../wire/raw-http.ts'
import { skipWithoutEnvoy as skip } from './envoy-on-path.ts'
import { type Arm, arms, bothProxies } from './protocol/both-proxies.ts'

const statuses = ['HEALTHY', 'HEALTHY', 'DEGRADED', 'UNHEALTHY', 'DRAINING'] as const
const filterName = 'envoy.filters.http.stateful_session'
const kinds = ['cookie', 'header'] as const
type Kind = (typeof kinds)[number]

interface Seen {
  readonly status: string
  /** Which endpoint answered. */
  readonly endpoint: string | undefined
  /** The session that the answer sets, as a request would say it. */
  readonly session: string | undefined
}

describe('sessions', { skip, timeout: 120_000 }, () => {
  let backends: RawBackend[] = []
  const both = bothProxies(() => backends)

  before(async () => {
    backends = await Promise.all(
      statuses.map((_, at) => answering(`HTTP/1.1 200 OK\r\nx-endpoint: ${at}\r\ncontent-length: 0\r\n\r\n`)),
    )
    const virtualHosts = kinds.flatMap((kind) => [false, true].map((strict) => hostFor(kind, strict)))
    const filter = any('envoy.extensions.filters.http.stateful_session.v3.StatefulSession')
    const httpFilters = [{ name: filterName, typedConfig: filter }, router]
    const resources = {
      listeners: [httpListener('in', { name: 'r', virtualHosts }, { httpFilters })],
      clusters: [clusterOf(backends.map(({ port }) => port))],
    }
    await both.start(resources)
  })

  const ask = async (proxy: Arm, host: string, kind: Kind, session?: string): Promise<Seen> => {
    const name = kind === 'cookie' ? 'Cookie: s=' : 'x-session: '
    const line = session === undefined ? '' : `${name}${session}\r\n`
    const port = both.port(proxy)
    const answer = await converse(port, [`GET / HTTP/1.1\r\nHost: ${host}\r\n${line}Connection: close\r\n\r\n`])
    const written = kind === 'cookie' ? /set-cookie: s="?([^";\r]*)/i : /x-session: ([^\r]*)/i
    return {
      status: answer.slice(9, 12),
      endpoint: /x-endpoint: (\d)/.exec(answer)?.[1],
      session: written.exec(answer)?.[1],
    }
  }

  for (const kind of kinds) {
    for (const strict of [false, true]) {
      const host = nameOf(kind, strict)

      test(`${host}: what either writes both read`, async () => {
        for (const writer of arms) {
          for (let at = 0; at < 4; at++) {
            const first = await ask(writer, host, kind)
            assert.equal(first.status, '200')
            assert.notEqual(first.session, undefined)
            for (const reader of arms)
              assert.deepEqual(
                await ask(reader, host, kind, first.session),
                { status: '200', endpoint: first.endpoint, session: undefined },
                `${reader} reads what ${writer} wrote`,
              )
          }
        }
      })

      test(`${host}: endpoints in every state, and none at all`, async (t) => {
        const wishes = [...backends.map(({ port }) => `127.0.0.1:${port}`), '127.0.0.1:1', 'nobody', '']
        const used: string[] = []
        for (const wish of wishes) {
          const session = btoa(wish)
          const seen = await Promise.all(arms.map((proxy) => ask(proxy, host, kind, session)))
          const [ours, theirs] = seen.map(({ status, session: set }) => ({ status, set: set !== undefined }))
          assert.deepEqual(ours, theirs, `asked for ${wish}`)
          // Where the session counts the endpoint is certain, else it is the balancer's choice.
          if (theirs?.set === false) assert.equal(seen[0]?.endpoint, seen[1]?.endpoint, `asked for ${wish}`)
          used.push(`${wish}: ${theirs?.status} ${theirs?.set === true ? 'another' : seen[1]?.endpoint}`)
        }
        t.diagnostic(used.join(', '))
        const kept = seenKept(used)
        assert.ok(kept > 0 && kept < wishes.length, 'some are kept and some are not')
      })
    }
  }
})

function seenKept(used: readonly string[]): number {
  return used.filter((one) => / 200 \d$/.test(one)).length
}

function nameOf(kind: Kind, strict: boolean): string {
  return `${kind}${strict ? '-strict' : ''}`
}

/** A virtual host whose route has the session. */
function hostFor(kind: Kind, strict: boolean): JsonObject {
  const state =
    kind === 'cookie'
      ? any('envoy.extensions.http.stateful_session.cookie.v3.CookieBasedSessionState', {
          cookie: { name: 's', path: '/', ttl: '60s' },
        })
      : any('envoy.extensions.http.stateful_session.header.v3.HeaderBasedSessionState', { name: 'x-session' })
  const statefulSession = {
    sessionState: { name: `envoy.http.stateful_session.${kind}`, typedConfig: state },
    strict,
  }
  const perRoute = any('envoy.extensions.filters.http.stateful_session.v3.StatefulSessionPerRoute', { statefulSession })
  const name = nameOf(kind, strict)
  const route = { match: { prefix: '/' }, route: { cluster: 'c' }, typedPerFilterConfig: { [filterName]: perRoute } }
  return { name, domains: [name], routes: [route] }
}

function clusterOf(ports: readonly number[]): JsonObject {
  const lbEndpoints = ports.map((portValue, at) => ({
    endpoint: { address: { socketAddress: { address: '127.0.0.1', portValue } } },
    healthStatus: statuses[at] as string,
  }))
  return {
    name: 'c',
    type: 'STATIC',
    connectTimeout: '5s',
    lbPolicy: 'ROUND_ROBIN',
    commonLbConfig: { healthyPanicThreshold: { value: 0 } },
    loadAssignment: { clusterName: 'c', endpoints: [{ lbEndpoints }] },
  }
}
