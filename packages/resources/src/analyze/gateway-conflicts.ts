// Gateways that claim the same port and host at one gateway workload. Their routes are served together; where two match, those
// bound to the Gateway that comes first by namespace and name win, and the other one is told.
import { selectsLabels } from '../core/service/selection.ts'
import type { MeshObject } from '../mesh-object.ts'
import type { GatewaySpec } from '../networking/gateway/types.ts'
import type { MeshIndex, ReferenceFault } from './mesh-index.ts'

type Gateway = MeshObject<GatewaySpec>

/** What a Gateway loses to others that come before it. */
export function* checkGatewayConflicts(gateway: Gateway, index: MeshIndex): Iterable<ReferenceFault> {
  const name = nameOf(gateway)
  const earlier = [...index.gateways].filter(([other]) => other < name).sort(([a], [b]) => (a < b ? -1 : 1))
  for (const [i, { port, hosts }] of gateway.spec.servers.entries()) {
    for (const [j, host] of hosts.entries()) {
      const winner = earlier.find(
        ([, other]) => sharesWorkload(gateway, other, index) && claims(other, port.number, bound(host, gateway)),
      )?.[0]
      if (winner === undefined) continue
      const message = `port ${port.number} and host ${host} are claimed by Gateway ${winner} too, which comes first by name: where routes of both match, those bound to ${winner} win`
      const mend = `Use another port or host, or bind the VirtualServices to ${winner}.`
      yield { severity: 'warning', code: 'gateway-conflict', field: `spec.servers[${i}].hosts[${j}]`, message, mend }
    }
  }
}

function sharesWorkload(one: Gateway, other: Gateway, index: MeshIndex): boolean {
  return index.workloads.some(
    ({ labels, spec }) =>
      spec.proxy === 'gateway' &&
      selectsLabels(one.spec.selector, labels) &&
      selectsLabels(other.spec.selector, labels),
  )
}

interface BoundHost {
  /** Whose VirtualServices may bind; `*` for all. */
  readonly namespace: string
  readonly host: string
}

function claims(gateway: Gateway, port: number, wanted: BoundHost): boolean {
  return gateway.spec.servers.some(
    (server) =>
      server.port.number === port &&
      server.hosts.some((text) => {
        const { namespace, host } = bound(text, gateway)
        const shared = namespace === '*' || wanted.namespace === '*' || namespace === wanted.namespace
        return shared && host === wanted.host
      }),
  )
}

function bound(text: string, gateway: Gateway): BoundHost {
  const slash = text.indexOf('/')
  const namespace = slash < 0 ? '*' : text.slice(0, slash)
  return {
    namespace: namespace === '.' ? gateway.id.namespace : namespace,
    host: text.slice(slash + 1).toLowerCase(),
  }
}

function nameOf({ id }: Gateway): string {
  return `${id.namespace}/${id.name}`
}
