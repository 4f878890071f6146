// Which endpoint is told for a request with a session.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fromJson, type JsonObject, toBinary } from '@bufbuild/protobuf'
import { ClusterSchema } from '@weft/xds/es/envoy/config/cluster/v3/cluster'
import { compileCluster } from '../compile/cluster.ts'
import { emptyConfig } from '../compile/empty-config.ts'
import type { ProofStep } from '../prove/proof.ts'
import { recordTo } from '../prove/record-to.ts'
import { subject } from '../subject-under-test.ts'
import { chooseUpstream, type Upstream } from './walk-upstream.ts'

const endpoint = (address: string, healthStatus = 'HEALTHY'): JsonObject => ({
  endpoint: { address: { socketAddress: { address, portValue: 80 } } },
  healthStatus,
})
const json: JsonObject = {
  name: 'c',
  type: 'STATIC',
  loadAssignment: {
    clusterName: 'c',
    endpoints: [{ lbEndpoints: [endpoint('127.0.0.1'), endpoint('127.0.0.2'), endpoint('127.0.0.3', 'UNHEALTHY')] }],
  },
}

function choose(key: string, strict: boolean): { readonly upstream: Upstream; readonly told: string | undefined } {
  const cluster = compileCluster(toBinary(ClusterSchema, fromJson(ClusterSchema, json)), {})
  assert.ok(cluster.ok)
  const view = { id: 'p', address: '', principal: undefined, config: emptyConfig, endpoints: new Map() }
  const steps: ProofStep[] = []
  const asked = {
    view,
    cluster: cluster.value,
    connection: subject().connection,
    wanted: { key, strict, by: 'cookie s' },
  }
  const upstream = chooseUpstream(
    asked,
    0,
    recordTo((step) => steps.push(step)),
  )
  return { upstream, told: steps[0]?.summary }
}

for (const address of ['127.0.0.1:80', '127.0.0.2:80']) {
  test(`a session goes to its endpoint, whatever the balancer would choose: ${address}`, () => {
    const { upstream, told } = choose(address, false)
    assert.equal(upstream.kind === 'endpoint' && upstream.endpoint.key, address)
    assert.equal(told, `endpoint ${address} (asked for by cookie s, plaintext)`)
  })
}

for (const [what, address] of [
  ['is gone', '127.0.0.9:80'],
  ['is not healthy', '127.0.0.3:80'],
] as const) {
  test(`a session whose endpoint ${what} gets another one, or none where it is strict`, () => {
    const { upstream, told } = choose(address, false)
    assert.equal(upstream.kind, 'endpoint')
    assert.match(told ?? '', new RegExp(`; cookie s asks for ${address}, which cannot be used$`))
    const strict = choose(address, true)
    assert.deepEqual(strict.upstream, { kind: 'none', reason: 'no healthy upstream' })
    assert.equal(
      strict.told,
      `cluster c has no endpoint to send to; cookie s asks for ${address}, which cannot be used`,
    )
  })
}

test('a host that the request names is told, and not looked up', () => {
  const cluster = compileCluster(toBinary(ClusterSchema, fromJson(ClusterSchema, json)), {})
  assert.ok(cluster.ok)
  const servers: [] = []
  const limits = { refreshMs: 1, minRefreshMs: 1, failureRefreshMs: 1, hostTtlMs: 1, maxHosts: 1, maxPending: 1 }
  const cache = { name: 'hosts', family: 'v4', ...limits, queryTimeoutMs: 1, servers } as const
  const dynamic = { ...cluster.value, discovery: { kind: 'dynamic', cache } } as const
  const view = { id: 'p', address: '', principal: undefined, config: emptyConfig, endpoints: new Map() }
  const steps: ProofStep[] = []
  const asked = { view, cluster: dynamic, connection: subject().connection, host: { host: 'a.example', port: 80 } }
  const record = recordTo((step) => steps.push(step))
  assert.deepEqual(chooseUpstream(asked, 0, record), { kind: 'named', host: 'a.example:80' })
  assert.match(steps[0]?.summary ?? '', /^host a\.example:80 .*looks up its address, which is not done here$/)
  const { host: _host, ...nameless } = asked
  assert.deepEqual(chooseUpstream(nameless, 0, record), {
    kind: 'none',
    reason: 'no filter looks up the host that it names',
  })
})
