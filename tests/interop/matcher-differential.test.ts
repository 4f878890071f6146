// The engine's walk through a proxy and real Envoy, on generated route configurations that say everything we compile: status,
// route, cluster, location, and what the upstream sees. WEFT_SEED replays a run.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createRegistry, fromJson, type JsonObject, toBinary } from '@bufbuild/protobuf'
import {
  compileCluster,
  compileListener,
  emptyConfig,
  type Listener,
  type PlainRequest,
  type ProxyView,
  recordTo,
  walkProxy,
} from '@weft/engine'
import { compileRegex } from '@weft/engine/regex'
import { ClusterSchema } from '@weft/xds/es/envoy/config/cluster/v3/cluster'
import { ListenerSchema } from '@weft/xds/es/envoy/config/listener/v3/listener'
import { HTTPFaultSchema } from '@weft/xds/es/envoy/extensions/filters/http/fault/v3/fault'
import { RBACPerRouteSchema, RBACSchema } from '@weft/xds/es/envoy/extensions/filters/http/rbac/v3/rbac'
import { RouterSchema } from '@weft/xds/es/envoy/extensions/filters/http/router/v3/router'
import { HttpConnectionManagerSchema } from '@weft/xds/es/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager'
import { skipWithoutEnvoy as skip } from './envoy-on-path.ts'
import { listenerJson, startField, type WireAnswer } from './matchers/envoy.ts'
import { clusterNames, generateManager, generateRequest } from './matchers/generate.ts'
import { Dice } from './matchers/random.ts'

const registry = createRegistry(
  HTTPFaultSchema,
  RBACPerRouteSchema,
  RBACSchema,
  RouterSchema,
  HttpConnectionManagerSchema,
)
const seed = Number(process.env['WEFT_SEED'] ?? Math.floor(Math.random() * 1e9))
const listeners = Number(process.env['WEFT_LISTENERS'] ?? 60)
const requestsEach = 20
test('the engine and real Envoy agree on generated configurations', { skip, timeout: 120_000 }, async (t) => {
  t.diagnostic(`WEFT_SEED=${seed}`)
  const dice = new Dice(seed)
  const managers = Array.from({ length: listeners }, () => generateManager(dice))
  const field = await startField(managers)
  const reports: string[] = []
  const counts: Record<string, number> = {}
  try {
    for (const [index, manager] of managers.entries()) {
      const listener = compiled(manager, index)
      for (let n = 0; n < requestsEach; n++) {
        const request = generateRequest(dice)
        const wire = await field.ask(field.ports[index] as number, `${index}.${n}`, request)
        const engine = answerOf(listener, request)
        counts[engine.status] = (counts[engine.status] ?? 0) + 1
        const difference = compare(
          engine,
          wire,
          String(request.headers?.['content-type']).startsWith('application/grpc'),
        )
        if (difference !== undefined) reports.push(report(difference, { request, engine, wire, manager }))
      }
    }
  } finally {
    field.close()
  }
  t.diagnostic(JSON.stringify(counts))
  assert.equal(
    reports.length,
    0,
    `WEFT_SEED=${seed}: ${reports.length} differences\n${reports.slice(0, 5).join('\n\n')}`,
  )
  for (const status of [200, 403, 404]) assert.ok((counts[status] ?? 0) > listeners, `too few answers with ${status}`)
})

function compiled(manager: JsonObject, index: number): Listener {
  const json = listenerJson(manager, index)
  const result = compileListener(toBinary(ListenerSchema, fromJson(ListenerSchema, json, { registry })), {
    regex: compileRegex,
  })
  assert.ok(result.ok, result.ok ? '' : `${result.error.field}: ${result.error.message}`)
  return result.value
}

const clusters = new Map(
  [...clusterNames, 'empty'].map((name) => {
    const result = compileCluster(toBinary(ClusterSchema, fromJson(ClusterSchema, { name, type: 'STATIC' })), {})
    assert.ok(result.ok)
    return [name, result.value] as const
  }),
)
const view: ProxyView = {
  id: 'p',
  address: '127.0.0.1',
  principal: undefined,
  config: { ...emptyConfig, clusters },
  endpoints: new Map(),
}

function answerOf(listener: Listener, request: PlainRequest): WireAnswer {
  const connection = {
    localAddress: '127.0.0.1',
    localPort: 10_000,
    remoteAddress: '127.0.0.1',
    remotePort: 40_000,
    sni: undefined,
    transportProtocol: 'raw_buffer' as const,
    applicationProtocols: [],
    tls: false,
    peerNames: [],
  }
  const departure = walkProxy(
    { view, listener, connection, request, random: 0, faultDraw: 0.5 },
    recordTo(() => {}),
  )
  assert.notEqual(departure.kind, 'closed')
  if (departure.kind === 'closed' || departure.kind === 'unknown') throw new Error(departure.reason)
  if (departure.kind === 'reply') {
    const { status, location, route } = departure
    return { status, location, route, upstream: undefined }
  }
  const { cluster, route, notFoundStatus } = departure
  if (!clusters.has(cluster)) return { status: notFoundStatus, location: undefined, route, upstream: undefined }
  if (cluster === 'empty') return { status: 503, location: undefined, route, upstream: undefined }
  const upstream: Record<string, string> = {
    ':cluster': cluster,
    ':path': departure.request.path,
    ':authority': departure.request.authority,
  }
  for (const name of ['x-user', 'x-added', 'x-trace']) {
    const value = departure.request.headers?.[name]
    if (value !== undefined) upstream[name] = String(value) // lines are joined with a comma
  }
  return { status: 200, location: undefined, route, upstream }
}

/**
 * The first thing that differs. Envoy names the route only in answers of its own, and not in all of them; a
 * local answer to a gRPC request is 200 with a grpc-status. */
function compare(engine: WireAnswer, wire: WireAnswer, isGrpc: boolean): string | undefined {
  if (isGrpc && engine.upstream === undefined && wire.upstream === undefined) return undefined
  if (engine.status !== wire.status) return `status ${engine.status} / ${wire.status}`
  if (engine.location !== wire.location) return `location ${engine.location} / ${wire.location}`
  if (wire.route !== undefined && wire.route !== '-' && wire.route !== '' && engine.route !== wire.route) {
    return `route ${engine.route} / ${wire.route}`
  }
  for (const key of Object.keys({ ...engine.upstream, ...wire.upstream })) {
    const [ours, theirs] = [engine.upstream?.[key], wire.upstream?.[key]]
    if (ours !== theirs) return `upstream ${key} ${JSON.stringify(ours)} / ${JSON.stringify(theirs)}`
  }
  return undefined
}

function report(difference: string, all: Readonly<Record<string, unknown>>): string {
  const show = ([name, value]: readonly [string, unknown]) => `  ${name}: ${JSON.stringify(value)}`
  return [`engine / envoy: ${difference}`, ...Object.entries(all).map(show)].join('\n')
}
