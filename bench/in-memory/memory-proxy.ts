// The request path of one proxy of a mesh of `bench/mesh`, with the configuration the control plane writes for it.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { buildOffline } from '@weft/control'
import type { ConnectOptions, TlsClientOptions, Transport } from '@weft/core'
import {
  type ActiveConfig,
  compile,
  type CompileOptions,
  type EndpointSet,
  type Listener,
  testValue,
} from '@weft/engine'
import { typeUrl } from '@weft/xds'
import { systemClock, systemRng, systemTimers } from '../../packages/core/src/node/clock.ts'
import type { RawShared } from '../../packages/core/src/node/raw-transport.ts'
import { createRequestPath } from '../../packages/proxy/src/exchange/create-request-path.ts'
import type { RequestPath } from '../../packages/proxy/src/request-path.ts'
import { IstioMetrics } from '../../packages/proxy/src/telemetry/istio-metrics.ts'
import { MetricsRegistry } from '../../packages/proxy/src/telemetry/metrics-registry.ts'
import { telemetrySink } from '../../packages/proxy/src/telemetry/telemetry.ts'
import { unknownWorkload } from '../../packages/proxy/src/telemetry/workload-labels.ts'

/** Where a proxy's upstream connections go. */
export interface Upstreams {
  connect(options: ConnectOptions): Transport
  /** The same connection as it is after its handshake. */
  secure(transport: Transport): Transport
}

/** A proxy without its listeners. */
export interface MemoryProxy {
  readonly config: ActiveConfig
  readonly metrics: MetricsRegistry
  /** Serves a connection of a listener's first chain. */
  serve(listener: Listener, transport: Transport): void
}

const files = {
  bytes: (kind: string): string => readFileSync(join(import.meta.dirname, '../mesh', kind, 'mesh/mesh.yaml'), 'utf8'),
}
const quiet = { debug() {}, info() {}, warn() {}, error() {}, child: () => quiet }
const inAYear = Date.now() + 365 * 24 * 3600_000

/** Makes the proxy of an instance of `bench/mesh/<kind>`. */
export function memoryProxy(
  kind: 'plain' | 'pair' | 'grpc',
  instance: string,
  shared: RawShared,
  upstreams: Upstreams,
): MemoryProxy {
  const mesh = buildOffline([{ name: 'mesh.yaml', text: files.bytes(kind) }], { flavor: 'weft' })
  const table = mesh.resourcesFor(`${instance}.bench`)
  if (table === undefined) throw new Error(`no proxy ${instance}.bench in the mesh`)
  const all = <T>(
    type: string,
    read: (body: Uint8Array, options: CompileOptions) => { readonly ok: boolean },
  ): Map<string, T> =>
    new Map(
      [...table.get(type)].map(([name, { body }]) => {
        const result = read(body, { regex: undefined })
        if (!result.ok) throw new Error(`${name}: ${JSON.stringify(result)}`)
        return [name, (result as unknown as { readonly value: T }).value]
      }),
    )
  const config: ActiveConfig = {
    listeners: all(typeUrl.listener, compile.compileListener),
    routeConfigs: all(typeUrl.routeConfiguration, compile.compileRouteConfig),
    clusters: all(typeUrl.cluster, compile.compileCluster),
  }
  const endpoints = all<EndpointSet>(typeUrl.clusterLoadAssignment, compile.compileEndpoints)
  const metrics = new MetricsRegistry()
  const istio = new IstioMetrics(metrics, {
    self: () => unknownWorkload,
    selfPrincipal: () => undefined,
    workloadAt: () => undefined,
    node: { id: '', cluster: '', metadata: {} },
  })
  const net = {
    connect: (options: ConnectOptions, onOpen: (transport: Transport) => void) => {
      queueMicrotask(() => onOpen(upstreams.connect(options)))
      return () => {}
    },
    secureClient: (transport: Transport, _options: TlsClientOptions, onSecure: (transport: Transport) => void) =>
      queueMicrotask(() => onSecure(upstreams.secure(transport))),
  }
  const facts = {
    spiffeId: 'spiffe://cluster.local/ns/bench/sa/gateway',
    serial: '01',
    notBeforeMs: 0,
    notAfterMs: inAYear,
  }
  const path: RequestPath = createRequestPath({
    runtime: {
      clock: systemClock,
      timers: { set: systemTimers.set.bind(systemTimers), soon: (task) => shared.turn.soon(task) },
      rng: systemRng,
      log: quiet,
      files: undefined as never,
      net: net as never,
    },
    metrics,
    secrets: {
      has: () => true,
      certificate: (name) => ({ name, material: { certificateChainPem: '', privateKeyPem: '' }, facts }),
      rootsPem: () => 'roots',
      crlPem: () => undefined,
    },
    testSan: ({ test }, name) => testValue(test, name),
    config: () => config,
    endpointsOf: (name) => endpoints.get(name),
    connectInternal: () => ({ ok: false, error: 'none' }),
    telemetry: (where) => telemetrySink(istio, undefined, where, { set: systemTimers.set.bind(systemTimers) }),
  })
  path.onConfig(config, { listeners: new Map(), routeConfigs: new Map(), clusters: new Map() })
  for (const [name, one] of endpoints) path.onEndpoints(name, one)
  return {
    config,
    metrics,
    serve(listener, transport) {
      const chain = listener.filterChains[0]
      if (chain === undefined) throw new Error(`${listener.name} has no filter chain`)
      const { localAddress, localPort, remoteAddress, remotePort, peer } = transport
      const secure = peer !== undefined
      path.serve({
        transport,
        head: undefined,
        listener: () => listener,
        chain: () => chain,
        facts: {
          ...{ localAddress, localPort, remoteAddress, remotePort },
          ...{
            sni: undefined,
            transportProtocol: secure ? 'tls' : 'raw_buffer',
            applicationProtocols: secure ? ['h2'] : [],
          },
          ...{
            tls: secure,
            peerNames: secure ? [peer.spiffeId] : [],
            localPrincipal: secure ? 'spiffe://cluster.local/ns/bench/sa/echo' : undefined,
          },
        } as never,
        peer,
        onClosed: () => {
          throw new Error('a connection was closed')
        },
      })
    },
  }
}
