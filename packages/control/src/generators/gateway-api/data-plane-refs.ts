// Everything a gateway workload serves for the Gateway API, as the references of one view.
import type { Origin } from '@weft/core'
import { eachOnce, type GatewayRefs, gatewayRefs } from '../../gateway-api/gateway-refs.ts'
import type { ApiGateway } from '../../gateway-api/objects.ts'
import type { MeshQuery } from '../../snapshot/mesh-query.ts'
import type { Ref } from '../../snapshot/mesh-snapshot.ts'
import { gatewayPorts, type GatewayWorkload } from '../gateways.ts'

/** Gathers what several Gateways on one workload stand on. */
export function dataPlaneRefs(mesh: MeshQuery, gateways: readonly ApiGateway[]): GatewayRefs {
  const joined: Partial<Record<keyof GatewayRefs, readonly Ref[]>> = {}
  for (const gateway of gateways) {
    const refs = gatewayRefs(mesh, gateway)
    for (const role of Object.keys(refs) as (keyof GatewayRefs)[]) {
      joined[role] = [...(joined[role] ?? []), ...refs[role]]
    }
  }
  const lists = Object.fromEntries(Object.entries(joined).map(([role, list]) => [role, eachOnce(list)]))
  return lists as unknown as GatewayRefs
}

/** Ports of a workload by number, and the Istio Gateway that has them already. */
export type TakenPorts = Readonly<Record<string, Origin>>

/** The ports that Istio Gateways bind on the workload. */
export function takenByIstio(mesh: MeshQuery, workload: GatewayWorkload): TakenPorts {
  const { ports } = gatewayPorts(mesh, workload)
  return Object.fromEntries(ports.map(({ port, servers }) => [String(port), servers[0]?.gateway ?? '']))
}
