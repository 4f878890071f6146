// Everything a gateway workload serves for the Gateway API, as the references of one view.
import type { Origin } from '@weft/core'
import { type GatewayRefs, gatewayRefs } from '../../gateway-api/gateway-refs.ts'
import type { ApiGateway } from '../../gateway-api/objects.ts'
import type { MeshQuery } from '../../snapshot/mesh-query.ts'
import type { Ref } from '../../snapshot/mesh-snapshot.ts'
import { type Gateway, gatewayPorts, gatewaysOn, serverHosts } from '../gateways.ts'

/** The Gateways of a workload together, and the Istio Gateways that bind ports of it. */
export interface DataPlaneRefs extends GatewayRefs {
  readonly istioGateways: readonly Gateway[]
}

/** Gathers what several Gateways on one workload stand on. */
export function dataPlaneRefs(
  mesh: MeshQuery,
  labels: Readonly<Record<string, string>>,
  gateways: readonly ApiGateway[],
): DataPlaneRefs {
  const all = gateways.map((gateway) => gatewayRefs(mesh, gateway))
  const joined: Partial<Record<keyof GatewayRefs, readonly Ref[]>> = {}
  for (const refs of all) {
    for (const role of Object.keys(refs) as (keyof GatewayRefs)[]) {
      joined[role] = [...(joined[role] ?? []), ...refs[role]]
    }
  }
  const lists = Object.fromEntries(Object.entries(joined).map(([role, list]) => [role, eachOnce(list)]))
  return { ...(lists as unknown as GatewayRefs), istioGateways: mesh.gatewaysFor(labels) }
}

/** The ports that Istio Gateways have on the workload already. */
export function takenByIstio(gateways: readonly Gateway[]): ReadonlyMap<number, Origin> {
  return new Map(
    gatewayPorts(gateways).map((port) => [port, serverHosts(gatewaysOn(gateways, port), port)[0]?.origin ?? '']),
  )
}

function eachOnce(refs: readonly Ref[]): Ref[] {
  return [...new Map(refs.map((ref) => [ref.key, ref])).values()].sort((a, b) => (a.key < b.key ? -1 : 1))
}
