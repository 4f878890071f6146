// One listener per port of the workload, at the address that endpoints carry.
import { type Origin } from '@weft/core'
import { TrafficDirection } from '@weft/xds/es/envoy/config/core/v3/base'
import { ListenerSchema } from '@weft/xds/es/envoy/config/listener/v3/listener'
import { policiesOf } from '../policies/authorization.ts'
import { peerAuthenticationsOf } from '../policies/peer-authentication.ts'
import { type Trust, trustOf } from '../policies/trust.ts'
import { rateLimitsAmong } from '../policies/rate-limits.ts'
import type { MeshQuery } from '../snapshot/mesh-query.ts'
import { encodeResource } from './encode.ts'
import { type Built, generator, makeView, type ProxyRef } from './generator.ts'
import { inboundChains, type InboundPort, type InboundRefs, sniffTimeout, tlsInspector } from './inbound-chains.ts'
import { listenerMetadata } from './metrics.ts'
import { type EntryPort, entryPortsOf } from './sidecar-scope.ts'
import { socketAddress } from './socket-address.ts'
import { type Telemetry, telemetryOf } from './telemetry.ts'

/** What inbound generators need to know of a workload instance. */
export interface InboundScope {
  readonly address: string
  readonly namespace: string
  readonly labels: Readonly<Record<string, string>>
  readonly workload: Origin
  readonly ports: readonly EntryPort[]
  readonly trust: Trust
  readonly trustDomain: string
  readonly accessLog: Telemetry
}

/** The inbound scope of a proxy. */
export function inboundScope(mesh: MeshQuery, proxy: ProxyRef): InboundScope {
  const { instance } = proxy
  return {
    address: instance.address,
    namespace: instance.namespace,
    labels: instance.labels,
    workload: workloadOrigin(instance),
    ports: entryPortsOf(mesh, proxy),
    trust: trustOf(mesh.settings),
    trustDomain: mesh.settings.trustDomain,
    accessLog: telemetryOf(mesh, proxy, proxy.instance.proxy === 'gateway' ? 'CLIENT' : 'SERVER'),
  }
}

/** The Workload object an instance was started from. */
export function workloadOrigin(instance: { readonly namespace: string; readonly workload: string }): Origin {
  return `weft.dev/Workload/${instance.namespace}/${instance.workload}`
}

/** Everything in the configuration that concerns what comes in to a workload. */
export function inboundRefs(mesh: MeshQuery, scope: InboundScope): InboundRefs {
  const services = mesh.servicesFor(scope)
  return {
    services,
    rateLimits: rateLimitsAmong(services.flatMap(({ id }) => mesh.policiesOn(id))),
    peerAuthentications: peerAuthenticationsOf(mesh.peerAuthentications([scope]), scope, mesh.settings.rootNamespace),
    ...policiesOf(mesh, scope),
  }
}

/** The ports of a scope, one by one. */
export function inboundPorts(scope: InboundScope): InboundPort[] {
  const { workload, trust, trustDomain, accessLog } = scope
  return scope.ports.map(
    ({ name, port, appProtocol, bind, bound, origin, connectionPool, tls, missingSecrets = [] }) => ({
      port,
      portName: name,
      ...(appProtocol === undefined ? {} : { appProtocol }),
      ...(bind === undefined ? {} : { bind }),
      ...(bound === undefined ? {} : { bound }),
      ...(connectionPool?.tcp?.idleTimeout === undefined ? {} : { idleTimeout: connectionPool.tcp.idleTimeout }),
      ...(tls === undefined ? {} : { tls, missingSecrets }),
      workload: origin ?? workload,
      trust,
      trustDomain,
      accessLog,
    }),
  )
}

/** `inbound_<address>_<port>` */
export const inboundListeners = generator({
  name: 'inbound-listeners',
  scope: inboundScope,
  views(mesh, scope) {
    const refs = inboundRefs(mesh, scope)
    return inboundPorts(scope).map((port) => makeView({ address: port.bind ?? scope.address, ...port }, refs))
  },
  build: ({ scope, refs }) => inboundListener(scope, refs),
})

/** The listener of one port at an address. */
export function inboundListener(scope: InboundPort & { readonly address: string }, refs: InboundRefs): Built {
  const { chains, origin, problems, losers } = inboundChains(scope, refs)
  const name = `inbound_${scope.address}_${scope.port}`
  const listener = encodeResource(
    ListenerSchema,
    name,
    {
      name,
      address: socketAddress(scope.address, scope.port),
      trafficDirection: TrafficDirection.INBOUND,
      metadata: listenerMetadata(origin, scope.accessLog),
      listenerFilters: [tlsInspector()],
      listenerFiltersTimeout: sniffTimeout,
      filterChains: [...chains],
    },
    [origin],
  )
  return { resources: [listener], problems, losers }
}
