// What a gateway workload serves: the servers of the Gateways that select it, by port.
import { originOf, type Origin } from '@weft/core'
import type { GatewaySpec } from '@weft/resources'
import type { SnapshotObject } from '../snapshot/mesh-snapshot.ts'

/** A Gateway with its content. */
export type Gateway = SnapshotObject<GatewaySpec>

/** A host of a server: `namespace/host` narrows whose VirtualServices may bind to it. */
export interface ServerHost {
  /** `*` for any. */
  readonly namespace: string
  readonly host: string
  /** `namespace/name` of the Gateway. */
  readonly gateway: string
  readonly origin: Origin
}

/** The hosts of all servers on a port, in order. */
export function serverHosts(gateways: readonly Gateway[], port: number): ServerHost[] {
  return gateways.flatMap((gateway) =>
    gateway.spec.servers.flatMap((server, index) =>
      server.port.number !== port
        ? []
        : server.hosts.map((text) => {
            const slash = text.indexOf('/')
            const namespace = slash < 0 ? '*' : text.slice(0, slash)
            return {
              namespace: namespace === '.' ? gateway.id.namespace : namespace,
              host: text.slice(slash + 1),
              gateway: `${gateway.id.namespace}/${gateway.id.name}`,
              origin: originOf(gateway.id, `spec.servers[${index}]`),
            }
          }),
    ),
  )
}

/** The ports of all servers, ascending. */
export function gatewayPorts(gateways: readonly Gateway[]): number[] {
  const ports = gateways.flatMap((gateway) => gateway.spec.servers.map((server) => server.port.number))
  return [...new Set(ports)].sort((a, b) => a - b)
}

/** Gateways that have a server on the port. */
export function gatewaysOn(gateways: readonly Gateway[], port: number): Gateway[] {
  return gateways.filter((gateway) => gateway.spec.servers.some((server) => server.port.number === port))
}
