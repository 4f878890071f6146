// What a gateway workload serves: the servers of the Gateways that select it, by the port they bind.
import { originOf, type Origin } from '@weft/core'
import { type GatewayServer, type GatewaySpec, targetPortOf, type WorkloadInstance } from '@weft/resources'
import type { MeshQuery } from '../snapshot/mesh-query.ts'
import type { SnapshotObject } from '../snapshot/mesh-snapshot.ts'
import type { Loser } from './generator.ts'
import { type Service, serviceHost } from './hosts.ts'

/** A Gateway with its content. */
export type Gateway = SnapshotObject<GatewaySpec>

/** What a port speaks, as far as servers can share one: HTTP by host, TLS by server name, anything else not at all. */
export type PortKind = 'http' | 'tls' | 'tcp'

/** A server by the key of its Gateway and its place there: plain, so that a scope may hold it. */
export interface ServerRef {
  readonly gateway: string
  readonly index: number
}

/** A port to bind and who is served there. */
export interface GatewayPort {
  readonly port: number
  /** Other than the workload's own address. */
  readonly bind: string | undefined
  readonly kind: PortKind
  readonly servers: readonly ServerRef[]
}

/** All ports of a gateway workload, and the servers that found theirs taken. */
export interface GatewayPorts {
  readonly ports: readonly GatewayPort[]
  readonly losers: readonly Loser[]
}

/** A server and its Gateway. */
export interface PlacedServer {
  readonly server: GatewayServer
  /** `namespace/name` of the Gateway. */
  readonly gateway: string
  readonly namespace: string
  readonly name: string
  readonly origin: Origin
}

/** A host of a server: `namespace/host` narrows whose VirtualServices may bind to it. */
export interface ServerHost {
  /** `*` for any. */
  readonly namespace: string
  readonly host: string
}

/** What tells apart which Services stand before a gateway workload. */
export type GatewayWorkload = Pick<WorkloadInstance, 'namespace' | 'labels' | 'address' | 'ports'>

/** Names the Services a Gateway is served through, instead of a selector: full names, comma separated. */
const gatewayService = 'internal.istio.io/gateway-service'
/** On a Service: Gateways name the ports of the workload, not its own. */
const noTranslation = 'experimental.istio.io/disable-gateway-port-translation'

/** The ports of the Gateways that select a workload: those of one kind on one port share it, others lose to the first. */
export function gatewayPorts(mesh: MeshQuery, workload: GatewayWorkload): GatewayPorts {
  const services = mesh.servicesFor(workload).filter(({ id }) => id.namespace === workload.namespace)
  const ports = new Map<string, GatewayPort & { readonly servers: ServerRef[] }>()
  const losers: Loser[] = []
  for (const gateway of mesh.gatewaysFor(workload.labels)) {
    for (const [index, server] of gateway.spec.servers.entries()) {
      for (const port of boundPorts(gateway, server, services, workload)) {
        const key = `${server.bind ?? ''} ${port}`
        const kind = kindOf(server)
        const taken = ports.get(key)
        if (taken === undefined) {
          ports.set(key, { port, bind: server.bind, kind, servers: [{ gateway: gateway.key, index }] })
        } else if (taken.kind === kind) taken.servers.push({ gateway: gateway.key, index })
        else losers.push(portTaken(gateway, index, taken))
      }
    }
  }
  const sorted = [...ports.values()].sort((a, b) => a.port - b.port || ((a.bind ?? '') < (b.bind ?? '') ? -1 : 1))
  return { ports: sorted, losers }
}

function portTaken(gateway: Gateway, index: number, { servers, kind, port }: GatewayPort): Loser {
  const first = servers[0]
  return {
    origin: originOf(gateway.id, `spec.servers[${index}]`),
    reason: 'port-conflict',
    ...(first === undefined ? {} : { by: `${first.gateway}#spec.servers[${first.index}]` }),
    detail: `port ${port} speaks ${kind.toUpperCase()} for another server already`,
  }
}

/** Where TLS may be: a port that speaks HTTP has none, even if it redirects to where there is some. */
function kindOf({ port: { protocol } }: GatewayServer): PortKind {
  if (protocol === 'HTTPS' || protocol === 'TLS') return 'tls'
  return protocol === 'TCP' || protocol === 'MONGO' ? 'tcp' : 'http'
}

/** The workload's ports behind a server's: those that Services lead to, else the very number. */
function boundPorts(
  gateway: Gateway,
  { port: { number } }: GatewayServer,
  services: readonly Service[],
  { ports }: GatewayWorkload,
): number[] {
  const named = gateway.annotations[gatewayService]?.split(',').map((name) => name.trim())
  const targets = services
    .filter((service) => named?.includes(serviceHost(service)) ?? service.labels[noTranslation] !== 'true')
    .flatMap(({ spec }) => spec.ports.filter((port) => port.port === number))
    .flatMap((port) => targetPortOf(port, ports) ?? [])
  if (targets.length > 0) return [...new Set(targets)]
  return named === undefined ? [number] : []
}

/** The Gateways that have a server among these, each once. */
export function gatewaysOf(
  mesh: MeshQuery,
  labels: GatewayWorkload['labels'],
  servers: readonly ServerRef[],
): Gateway[] {
  const keys = new Set(servers.map(({ gateway }) => gateway))
  return mesh.gatewaysFor(labels).filter(({ key }) => keys.has(key))
}

/** The servers of a port, in order. */
export function serversOf(gateways: readonly Gateway[], refs: readonly ServerRef[]): PlacedServer[] {
  const byKey = new Map(gateways.map((gateway) => [gateway.key, gateway]))
  return refs.flatMap(({ gateway: key, index }) => {
    const gateway = byKey.get(key)
    const server = gateway?.spec.servers[index]
    if (gateway === undefined || server === undefined) return []
    const { namespace, name } = gateway.id
    const origin = originOf(gateway.id, `spec.servers[${index}]`)
    return [{ server, gateway: `${namespace}/${name}`, namespace, name, origin }]
  })
}

// Asked for each VirtualService that may be bound to the server.
const hosts = new WeakMap<PlacedServer, readonly ServerHost[]>()

/** The hosts of a server, lower-case. */
export function hostsOf(placed: PlacedServer): readonly ServerHost[] {
  let known = hosts.get(placed)
  if (known === undefined) {
    known = placed.server.hosts.map((text) => {
      const slash = text.indexOf('/')
      const owner = slash < 0 ? '*' : text.slice(0, slash)
      return { namespace: owner === '.' ? placed.namespace : owner, host: text.slice(slash + 1).toLowerCase() }
    })
    hosts.set(placed, known)
  }
  return known
}

/** Whether TLS ends at the server. */
export function endsTls({ server: { tls, port } }: PlacedServer): boolean {
  const secured = port.protocol === 'HTTPS' || port.protocol === 'TLS'
  return secured && tls !== undefined && tls.mode !== 'PASSTHROUGH' && tls.mode !== 'AUTO_PASSTHROUGH'
}

/**
 * The RouteConfiguration of a server that speaks HTTP, by Istio's names: plain HTTP of a port has one for all servers; behind TLS each server has
 * its own, since the server name chose it. Undefined: no HTTP.
 */
export function routeNameOf(
  placed: PlacedServer,
  { port, bind }: Pick<GatewayPort, 'port' | 'bind'>,
): string | undefined {
  const { server, name, namespace } = placed
  const own = bind === undefined ? '' : `.${bind}`
  switch (server.port.protocol) {
    case 'TCP':
    case 'MONGO':
    case 'TLS':
      return undefined
    case 'HTTPS':
      return endsTls(placed) ? `https.${server.port.number}.${server.port.name}.${name}.${namespace}` : undefined
    default:
      return `http.${port}${own}`
  }
}
