// How the datagrams of a UDPRoute are shared out. Envoy's UDP proxy has no weighted clusters: where a route has several backends, one cluster
// holds the endpoints of all, each with its part of its backend's weight.
import type { DatagramPort } from '@weft/resources'
import { resolveBackend } from '../../gateway-api/backends.ts'
import type { RouteRefs } from '../../gateway-api/gateway-refs.ts'
import type { Route, UdpRoute } from '../../gateway-api/objects.ts'
import type { Service } from '../hosts.ts'
import { blackHole } from '../static-clusters.ts'
import { backendCluster } from './clusters-of-backends.ts'

/** A backend's part; one that leads nowhere has its part, which is dropped. */
export interface DatagramShare {
  readonly weight: number
  readonly to: { readonly service: Service; readonly port: DatagramPort } | undefined
}

/** The parts of a route's backends, in the order in which they are written. */
export function datagramShares(route: Route, refs: RouteRefs): readonly DatagramShare[] {
  const rule = (route as UdpRoute).spec.rules[0]
  return (rule?.backendRefs ?? [])
    .filter(({ weight }) => weight > 0)
    .map((ref): DatagramShare => {
      const resolved = resolveBackend(route, ref, refs)
      if (!resolved.ok || resolved.target.kind !== 'service') return { weight: ref.weight, to: undefined }
      const { service, port } = resolved.target
      return { weight: ref.weight, to: port.protocol === 'TCP' ? undefined : { service, port } }
    })
}

/** The cluster of a route's datagrams. */
export function datagramCluster({ id }: Route, shares: readonly DatagramShare[]): string {
  const [first] = shares
  if (shares.every(({ to }) => to === undefined)) return blackHole
  if (shares.length > 1) return `gateway-api|udp|${id.namespace}/${id.name}`
  return first?.to === undefined
    ? blackHole
    : backendCluster({ kind: 'service', ...first.to }, { http2: false, datagrams: true })
}

/** The largest sum of weights that proxies take. */
const mostWeight = 4_294_967_295

/**
 * The weight of each endpoint of each backend, so that a backend's endpoints have its weight together: whole numbers, as exact as the largest sum
 * allows.
 */
export function endpointWeights(
  backends: readonly { readonly weight: number; readonly endpoints: number }[],
): number[] {
  const some = backends.filter(({ endpoints }) => endpoints > 0)
  const total = some.reduce((sum, { weight }) => sum + weight, 0)
  const most = Math.max(1, Math.floor(mostWeight / Math.max(1, total)))
  const exact = some.reduce((all, { endpoints }) => Math.min(most + 1, leastCommonMultiple(all, endpoints)), 1)
  const scale = Math.min(most, exact)
  return backends.map(({ weight, endpoints }) =>
    endpoints === 0 ? 0 : Math.max(1, Math.floor((weight * scale) / endpoints)),
  )
}

function leastCommonMultiple(a: number, b: number): number {
  let [x, y] = [a, b]
  while (y !== 0) [x, y] = [y, x % y]
  return (a / x) * b
}
