// Probes on idle connections to upstreams, as the kernel has them.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test, type TestContext } from 'node:test'
import type { JsonObject } from '@bufbuild/protobuf'
import { client, tcpListener, tcpProxy, tcpServer } from './l4.ts'
import { proxyFor, staticCluster } from './proxy-under-test.ts'
import { until } from './test-runtime.ts'

/** Seconds until the kernel's next probe of the connection to a port of loopback; undefined: it has no such timer. */
function secondsToProbe(port: number): number | undefined {
  const wanted = port.toString(16).toUpperCase().padStart(4, '0')
  const lines = readFileSync('/proc/net/tcp', 'utf8')
    .split('\n')
    .map((line) => line.trim().split(/\s+/))
  const timers = lines
    .filter(([, , remote]) => remote?.endsWith(`:${wanted}`) === true)
    .map((fields) => fields[5] ?? '')
  const probing = timers.find((timer) => timer.startsWith('02:'))
  return probing === undefined ? undefined : Number.parseInt(probing.slice(3), 16) / 100
}

async function connected(t: TestContext, tcpKeepalive: JsonObject | undefined): Promise<number> {
  const server = await tcpServer(t, () => {})
  const options = tcpKeepalive === undefined ? {} : { upstreamConnectionOptions: { tcpKeepalive } }
  const proxy = await proxyFor(t, {
    listeners: [tcpListener('in', { filterChains: [{ filters: [tcpProxy('b')] }] })],
    clusters: [staticCluster('b', [server.port], options)],
  })
  await client(t, proxy.portOf('in'))
  await until(() => server.sockets.size === 1, 'the upstream is reached')
  return server.port
}

test('an upstream connection is probed after the time that its cluster says', async (t) => {
  const port = await connected(t, { keepaliveTime: 1_000, keepaliveInterval: 7, keepaliveProbes: 3 })
  await until(() => secondsToProbe(port) !== undefined, 'the kernel has a timer')
  const seconds = secondsToProbe(port) ?? 0
  assert.ok(seconds > 900 && seconds <= 1_001, `${seconds}`)
})

test('without the setting, and with a 0 in it, nothing is probed', async (t) => {
  assert.equal(secondsToProbe(await connected(t, undefined)), undefined)
  assert.equal(secondsToProbe(await connected(t, { keepaliveTime: 1_000, keepaliveProbes: 0 })), undefined)
})
