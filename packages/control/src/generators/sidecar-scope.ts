// What a Sidecar object says about a workload: which hosts it is told of, what happens to others, and how it is entered.
import { type Origin, originOf } from '@weft/core'
import {
  type ConnectionPool,
  hostCovers,
  isVisible,
  resolveHost,
  type ServerTls,
  type SidecarSpec,
} from '@weft/resources'
import type { MeshQuery } from '../snapshot/mesh-query.ts'
import type { SnapshotObject } from '../snapshot/mesh-snapshot.ts'
import { missingSecrets } from './gateway-tls.ts'
import type { ProxyRef } from './generator.ts'
import { outboundCluster, type Service, serviceHost } from './hosts.ts'
import type { VirtualService } from './routes/virtual-service-routes.ts'
import { blackHole, passthrough } from './static-clusters.ts'

/** Hosts that a workload is told of, as `namespace/host`; undefined: all that it sees. Plain, so that a scope may hold it. */
export type Imports = readonly string[] | undefined

/** A listener for some hosts alone. */
export interface EgressPort {
  readonly port: number
  readonly protocol: string
  readonly bind: string | undefined
  /** Bound where traffic is redirected, too. */
  readonly bound: boolean
  readonly hosts: readonly string[]
  readonly origin: Origin
}

/** A port of the workload, and what a Sidecar says about it. */
export interface EntryPort {
  readonly name: string
  readonly port: number
  /** As the Sidecar declares it; else Services do. */
  readonly appProtocol?: string
  readonly bind?: string
  /** Bound where traffic is redirected, too. */
  readonly bound?: boolean
  /** Where the application listens, when not at the same port of its own address. */
  readonly endpoint?: string
  readonly connectionPool?: ConnectionPool
  /** TLS that ends here, where it is not that of the mesh. */
  readonly tls?: ServerTls
  /** Secrets that it names and that are not there. */
  readonly missingSecrets?: readonly string[]
  readonly origin?: Origin
}

type Sidecar = SnapshotObject<SidecarSpec>

/** The hosts of all egress listeners of a workload: what clusters and endpoints are for. */
export function importsOf(mesh: MeshQuery, { instance }: Pick<ProxyRef, 'instance'>): Imports {
  if (instance.proxy === 'gateway') return undefined
  const sidecar = egressOf(mesh, instance)
  return sidecar === undefined
    ? undefined
    : hostsOf(
        sidecar,
        (sidecar.spec.egress ?? []).flatMap(({ hosts }) => hosts),
      )
}

/** The hosts of those egress listeners that have no port of their own. */
export function commonImportsOf(mesh: MeshQuery, { instance }: ProxyRef): Imports {
  if (instance.proxy === 'gateway') return undefined
  const sidecar = egressOf(mesh, instance)
  if (sidecar === undefined) return undefined
  const common = (sidecar.spec.egress ?? []).filter(({ port }) => port?.number === undefined)
  return hostsOf(
    sidecar,
    common.flatMap(({ hosts }) => hosts),
  )
}

/** The egress listeners that have a port. */
export function egressPortsOf(mesh: MeshQuery, { instance }: ProxyRef): EgressPort[] {
  const sidecar = egressOf(mesh, instance)
  if (sidecar === undefined) return []
  return (sidecar.spec.egress ?? []).flatMap(({ port, bind, captureMode, hosts }, index) =>
    port?.number === undefined
      ? []
      : [
          {
            port: port.number,
            protocol: port.protocol ?? port.name ?? '',
            bind,
            bound: captureMode === 'NONE',
            hosts: hostsOf(sidecar, hosts),
            origin: originOf(sidecar.id, `spec.egress[${index}]`),
          },
        ],
  )
}

/** The cluster for calls of hosts that the workload is not told of: an egress proxy, where they meant to go, or nowhere. */
export function clusterForUnknown(mesh: MeshQuery, { instance }: ProxyRef): string {
  const sidecar = mesh.sidecarsFor(instance).find(({ spec }) => spec.outboundTrafficPolicy !== undefined)
  const { mode } = (sidecar?.spec ?? mesh.settings.config).outboundTrafficPolicy ?? {}
  if (mode === 'REGISTRY_ONLY') return blackHole
  return (sidecar === undefined ? undefined : egressProxyOf(mesh, sidecar, instance.namespace)) ?? passthrough
}

/** Without a port the only one of the host is meant. */
function egressProxyOf(mesh: MeshQuery, { id, spec }: Sidecar, namespace: string): string | undefined {
  const proxy = spec.outboundTrafficPolicy?.egressProxy
  if (proxy === undefined) return undefined
  const host = resolveHost(proxy.host, id.namespace)
  const port = proxy.port?.number ?? mesh.serviceSeenBy(host, namespace)?.spec.ports[0]?.port
  // Not passed on directly: who names a proxy does not want that.
  return port === undefined ? blackHole : outboundCluster(host, port, proxy.subset)
}

/** The ports by which a workload is entered: those of its Sidecar, else its own. */
export function entryPortsOf(mesh: MeshQuery, { instance }: ProxyRef): readonly EntryPort[] {
  if (instance.proxy !== 'sidecar') return instance.ports
  const sidecars = mesh.sidecarsFor(instance)
  const shared = sidecars.find(({ spec }) => spec.inboundConnectionPool !== undefined)?.spec.inboundConnectionPool
  const [sidecar] = sidecars
  if (sidecar?.spec.ingress === undefined) {
    return shared === undefined ? instance.ports : instance.ports.map((port) => ({ ...port, connectionPool: shared }))
  }
  return sidecar.spec.ingress.map(
    ({ port, bind, captureMode, defaultEndpoint, tls, connectionPool = shared }, index) => ({
      name: port.name ?? instance.ports.find((own) => own.port === port.number)?.name ?? '',
      port: port.number ?? 0,
      ...(port.protocol === undefined ? {} : { appProtocol: port.protocol.toLowerCase() }),
      ...(bind === undefined ? {} : { bind }),
      ...(captureMode === 'NONE' ? { bound: true } : {}),
      ...(defaultEndpoint === undefined ? {} : { endpoint: defaultEndpoint }),
      ...(connectionPool === undefined ? {} : { connectionPool }),
      ...(tls === undefined ? {} : { tls, missingSecrets: missingSecrets(mesh, [tls], instance.namespace) }),
      origin: originOf(sidecar.id, `spec.ingress[${index}]`),
    }),
  )
}

/** The first Sidecar that says which hosts may be called: one without `egress` leaves that to the next. */
function egressOf(mesh: MeshQuery, workload: ProxyRef['instance']): Sidecar | undefined {
  return mesh.sidecarsFor(workload).find(({ spec }) => spec.egress !== undefined)
}

function hostsOf({ id }: Sidecar, hosts: readonly string[]): string[] {
  return [
    ...new Set(hosts.map((host) => (host.startsWith('./') ? `${id.namespace}/${host.slice(2)}` : host).toLowerCase())),
  ]
}

/** Whether a host is among the imports: by its own name, or as the destination of a VirtualService that is. */
export function imports(mesh: MeshQuery, hosts: Imports, service: Service, namespace: string): boolean {
  if (hosts === undefined) return true
  const name = serviceHost(service)
  if (covers(hosts, service.id.namespace, name)) return true
  return mesh
    .virtualServicesTo(name)
    .some((each) => isVisible(each.spec.exportTo, each.id.namespace, namespace) && importsRules(hosts, each))
}

/** Whether the rules for any host of a VirtualService are among the imports. */
export function importsRules(hosts: Imports, { id, spec }: VirtualService): boolean {
  return hosts === undefined || spec.hosts.some((host) => covers(hosts, id.namespace, resolveHost(host, id.namespace)))
}

/** Whether any of the hosts covers a name of an object in a namespace. */
export function covers(hosts: readonly string[], namespace: string, name: string): boolean {
  return hosts.some((text) => {
    const slash = text.indexOf('/')
    const owner = text.slice(0, slash)
    const pattern = text.slice(slash + 1)
    return (owner === '*' || owner === namespace) && hostCovers(pattern, name)
  })
}
