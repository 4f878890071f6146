// Where a cluster sends what names its own host (`envoy.clusters.dynamic_forward_proxy`).
import { withoutPort } from '../match/authority.ts'
import { parseAddress } from '../match/cidr.ts'
import type { Cluster, Endpoint } from '../model.ts'

/** A host and a port as a request or a connection names them. `host`: lower-case, an IPv6 address without brackets. */
export interface DynamicHost {
  readonly host: string
  readonly port: number
}

/** What an authority names: its port, else that of HTTPS where the cluster speaks TLS, and that of HTTP where it does not. */
export function dynamicHost(cluster: Cluster, authority: string): DynamicHost | undefined {
  const name = withoutPort(authority)
  const written = authority.slice(name.length + 1)
  const port = written === '' ? (cluster.tls === undefined ? 80 : 443) : Number(written)
  const host = (name.startsWith('[') && name.endsWith(']') ? name.slice(1, -1) : name).toLowerCase()
  return host === '' || port < 1 || port > 65_535 ? undefined : { host, port }
}

/** The endpoint of a host at one of its addresses. Hosts share no connections, whatever address they have. */
export function dynamicEndpoint({ host, port }: DynamicHost, address: string): Endpoint {
  const key = `${address.includes(':') ? `[${address}]` : address}:${port}`
  return {
    key,
    target: { kind: 'socket', address, port },
    hostname: host,
    health: 'unknown',
    weight: 1,
    metadata: {},
    poolKey: `${host} ${key}`,
  }
}

/** The address that a host is by itself; undefined: it has to be looked up. */
export function literalAddress(host: string): string | undefined {
  return parseAddress(host) === undefined ? undefined : host
}
