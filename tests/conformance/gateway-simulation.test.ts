// Istio's gateway simulation: 32 configurations and 54 calls. Each call goes through what we generate as a proxy would take it:
// listener, filter chain, virtual host, route, cluster. README of the data: what the fields mean.
import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import {
  chooseCluster,
  chooseTcpCluster,
  compileListener,
  compileRouteConfig,
  type ConnectionFacts,
  decideRoute,
  type FilterChain,
  type HttpConnectionManager,
  type Listener,
  matchFilterChain,
  plainHead,
  type RouteConfig,
} from '@weft/engine'
import { compileRegex } from '@weft/engine/regex'
import type { WorkloadInstance } from '@weft/resources'
import { type ResourceTable, typeUrl } from '@weft/xds'
import { parse } from 'yaml'
import { buildOffline } from '../../packages/control/src/build-offline.ts'

const dataDir = join(
  process.env['WEFT_TEST_DATA'] ?? join(import.meta.dirname, '../../../shared/data'),
  'istio-gateway-simulation',
)

interface Answer {
  readonly listener?: string
  readonly routeConfig?: string
  readonly virtualHost?: string
  readonly route?: string
  readonly cluster?: string
  readonly error?: string
}

interface Call {
  readonly name?: string
  readonly address: string
  readonly port: number
  readonly protocol: 'http' | 'http2' | 'tcp'
  readonly tls: 'plaintext' | 'tls' | 'mtls'
  readonly sni?: string
  readonly alpn?: string
  readonly host?: string
  readonly path?: string
  readonly expect: Answer & { readonly strict?: boolean }
}

interface Case {
  readonly name: string
  readonly config: string
  readonly proxy: { readonly namespace: string; readonly labels: Readonly<Record<string, string>>; readonly ip: string }
  readonly calls: readonly Call[]
}

/** Calls (`case: call`) that end elsewhere on purpose: what we answer instead, and why. */
const different: Readonly<Record<string, { readonly answer: Answer; readonly why: string }>> = {
  'duplicate cross namespace gateway collision: call': {
    answer: { cluster: 'outbound|9080||productpage.default', listener: '0.0.0.0_80' },
    why: 'upstream calls its answer a bug: a Gateway without routes does not take the port from one that has some',
  },
  'duplicate tls gateway: call': {
    answer: { error: 'no-route', virtualHost: 'blackhole:443', listener: '0.0.0.0_443' },
    why: 'two chains for one server name make a proxy refuse the listener: the first Gateway has the name, the other one is told',
  },
}

/** Cases with objects of kinds that are no configuration of this mesh yet. */
const unknownKinds: ReadonlySet<string> = new Set([
  'ingress shared TLS cert conflict - beta first',
  'ingress shared TLS cert conflict - alpha first',
])

const skip = existsSync(dataDir) ? false : `no test data at ${dataDir}`
if (skip !== false) test('gateway simulation', { skip }, () => {})
else {
  const { cases } = parse(readFileSync(join(dataDir, 'cases.yaml'), 'utf8')) as { readonly cases: readonly Case[] }
  const seen = new Set<string>()
  for (const one of cases) {
    describe(`gateway simulation: ${one.name}`, () => {
      if (unknownKinds.has(one.name)) {
        test('is refused by kind', () => {
          const { problems } = buildOffline([{ name: 'in.yaml', text: one.config }])
          assert.deepEqual([...new Set(problems.map(({ code }) => code))], ['unknown-kind'])
        })
        return
      }
      const table = translate(one)
      for (const call of one.calls) {
        const id = `${one.name}: ${call.name ?? 'call'}`
        seen.add(id)
        const known = different[id]
        test(`${call.name ?? 'call'}${known === undefined ? '' : ' ends elsewhere'}`, () => {
          const answer = walk(call, table)
          if (known !== undefined)
            assert.notDeepEqual(differences(answer, call.expect), [], 'is answered as upstream does')
          assert.deepEqual(differences(answer, known?.answer ?? call.expect), [], JSON.stringify(answer))
        })
      }
      test('no two chains of a listener ask for the same', () => {
        for (const listener of listenersOf(table)) {
          const names = listener.filterChains.flatMap(({ match }) =>
            match.serverNames.length === 0 ? [''] : match.serverNames,
          )
          assert.equal(new Set(names).size, names.length, `${listener.name}: ${names.join(' ')}`)
        }
      })
    })
  }
  test('all 32 cases with 54 calls were read', () => {
    assert.equal(cases.length, 32)
    assert.equal(cases.flatMap(({ calls }) => calls).length, 54)
    assert.deepEqual(
      Object.keys(different).filter((id) => !seen.has(id)),
      [],
    )
  })
}

function translate({ config, proxy, name }: Case): ResourceTable {
  const instance: WorkloadInstance = {
    name: 'gateway-0',
    workload: 'gateway',
    namespace: proxy.namespace,
    labels: proxy.labels,
    serviceAccount: 'gateway',
    proxy: 'gateway',
    address: proxy.ip,
    appAddress: proxy.ip,
    ports: [],
    outboundTcp: {},
    ready: true,
    draining: false,
  }
  const mesh = buildOffline([{ name: 'in.yaml', text: config }], { flavor: 'envoy', instances: [instance] })
  const errors = mesh.problems.filter(({ severity }) => severity === 'error')
  assert.deepEqual(
    errors.map(({ field, message }) => `${field}: ${message}`),
    [],
    name,
  )
  const table = mesh.resourcesFor(`gateway-0.${proxy.namespace}`)
  assert.ok(table !== undefined)
  return table
}

function listenersOf(table: ResourceTable): Listener[] {
  return [...table.get(typeUrl.listener).values()].map(({ body }) => {
    const compiled = compileListener(body, { regex: compileRegex })
    assert.ok(compiled.ok, compiled.ok ? '' : `${compiled.error.field}: ${compiled.error.message}`)
    return compiled.value
  })
}

/** Takes a call as far as it goes. */
function walk(call: Call, table: ResourceTable): Answer {
  const listener = listenersOf(table).find(({ address }) => address.kind === 'socket' && address.port === call.port)
  if (listener === undefined) return { error: 'no-listener' }
  const found: Answer = { listener: `0.0.0.0_${call.port}` }
  const connection = connectionOf(call)
  const chain = matchFilterChain(listener, connection)
  if (chain === undefined) return { ...found, error: 'no-filter-chain' }
  const mismatch = handshake(chain, call)
  if (mismatch !== undefined) return { ...found, error: mismatch }
  if (chain.terminal.kind === 'tcp') return { ...found, cluster: chooseTcpCluster(chain.terminal, 0) }
  if (call.protocol === 'tcp') return { ...found, error: 'protocol-error' }
  return { ...found, ...walkHttp(chain.terminal, call, { connection, table }) }
}

function connectionOf(call: Call): ConnectionFacts {
  const tls = call.tls !== 'plaintext'
  return {
    localAddress: call.address,
    localPort: call.port,
    remoteAddress: '203.0.113.1',
    remotePort: 50_000,
    sni: call.sni,
    transportProtocol: tls ? 'tls' : 'raw_buffer',
    applicationProtocols: call.alpn === undefined ? [] : [call.alpn],
    tls,
    peerNames: [],
  }
}

/** Whether client and chain agree about TLS; bytes that are passed on are nobody's business. */
function handshake(chain: FilterChain, { tls, protocol }: Call): string | undefined {
  if (chain.tls === undefined) return tls === 'plaintext' || chain.terminal.kind === 'tcp' ? undefined : 'tls-error'
  if (tls === 'plaintext') return 'tls-error'
  if (chain.tls.requireClientCertificate && tls !== 'mtls') return 'mtls-error'
  return chain.terminal.kind === 'tcp' && protocol !== 'tcp' ? 'protocol-error' : undefined
}

interface Arrived {
  readonly connection: ConnectionFacts
  readonly table: ResourceTable
}

function walkHttp(manager: HttpConnectionManager, call: Call, { connection, table }: Arrived): Answer {
  assert.ok(manager.routes.kind === 'rds')
  const { name: routeConfig } = manager.routes
  const config = routesOf(table, routeConfig)
  const head = plainHead({
    method: 'GET',
    path: call.path ?? '/',
    authority: call.host ?? '',
    scheme: connection.tls ? 'https' : 'http',
  })
  const subject = { head, connection, random: 0 }
  const decision = decideRoute(config, subject)
  if (decision.kind === 'none') {
    const { reason, host } = decision
    return { routeConfig, ...(host === undefined ? {} : { virtualHost: host.name }), error: reason }
  }
  const virtualHost = decision.host.name
  if (decision.kind === 'tls-redirect') return { routeConfig, virtualHost, error: 'tls-redirect' }
  const { action } = decision.route
  assert.ok(action.kind === 'route')
  const choice = chooseCluster(action, subject)
  assert.ok(choice.kind === 'cluster')
  return { routeConfig, virtualHost, cluster: choice.name }
}

function routesOf(table: ResourceTable, name: string): RouteConfig {
  const resource = table.get(typeUrl.routeConfiguration).get(name)
  assert.ok(resource !== undefined, `no route configuration ${name}`)
  const compiled = compileRouteConfig(resource.body, { regex: compileRegex })
  assert.ok(compiled.ok)
  return compiled.value
}

/** What differs from what is expected; fields that are not given do not matter, unless the case is strict. */
function differences(answer: Answer, { strict, ...expected }: Call['expect']): string[] {
  const fields = ['listener', 'routeConfig', 'virtualHost', 'cluster', 'error'] as const
  return fields.flatMap((field) => {
    const wanted = field === 'cluster' ? fullName(expected.cluster) : expected[field]
    const matters = wanted !== undefined || field === 'error' || strict === true
    return matters && wanted !== answer[field] ? [`${field}: ${answer[field]}, expected ${wanted}`] : []
  })
}

/** Upstream's short hosts stand for Services: `a.default` is a.default.svc.cluster.local. */
function fullName(cluster: string | undefined): string | undefined {
  return cluster?.replace(/\|([^.|]+\.[^.|]+)$/, '|$1.svc.cluster.local')
}
