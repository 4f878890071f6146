// Which Gateways a gateway workload serves.
import { isOurClass, servesGateway } from '@weft/resources'
import type { PolicyTarget } from '../policies/workload-selection.ts'
import type { MeshQuery } from '../snapshot/mesh-query.ts'
import type { ApiGateway } from './objects.ts'

/** What is asked of a workload. */
export interface DataPlane {
  readonly namespace: string
  readonly labels: Readonly<Record<string, string>>
}

/** The Gateways of this mesh that a workload serves, by key. */
export function gatewaysServedBy(mesh: MeshQuery, workload: DataPlane): ApiGateway[] {
  return mesh.apiGateways().filter((gateway) => servesGateway(workload, gateway) && isOurs(mesh, gateway))
}

/** A gateway workload as policies see it, which may name the Gateways that it serves. */
export function gatewayTarget(
  mesh: MeshQuery,
  { namespace, labels }: DataPlane,
): PolicyTarget & { readonly gateways: ApiGateway[] } {
  return { namespace, labels, gateways: gatewaysServedBy(mesh, { namespace, labels }) }
}

/** Whether the class of a Gateway is one of ours. */
export function isOurs(mesh: MeshQuery, { spec }: ApiGateway): boolean {
  return isOurClass(spec.gatewayClassName, mesh.named('GatewayClass', '', spec.gatewayClassName)?.spec)
}
