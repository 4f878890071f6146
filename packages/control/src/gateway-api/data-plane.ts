// Which Gateways a gateway workload serves on one machine, where nobody deploys pods for them.
import type { SpecByKind } from '@weft/resources'
import type { MeshQuery } from '../snapshot/mesh-query.ts'
import type { SnapshotObject } from '../snapshot/mesh-snapshot.ts'
import { type ApiGateway, controllerName, defaultGatewayClass } from './objects.ts'

/** The label by which a workload says which Gateway of its namespace it is. */
export const gatewayNameLabel = 'gateway.networking.k8s.io/gateway-name'

/** What is asked of a workload. */
export interface DataPlane {
  readonly namespace: string
  readonly labels: Readonly<Record<string, string>>
}

/** The Gateways of this mesh that a workload serves, by key. */
export function gatewaysServedBy(mesh: MeshQuery, workload: DataPlane): ApiGateway[] {
  return mesh.apiGateways().filter((gateway) => serves(workload, gateway) && isOurs(mesh, gateway))
}

/**
 * A workload serves the Gateway that its label names. Where no workload is named, the Gateway is served by those of its
 * namespace that carry all labels of `spec.infrastructure.labels`: on one machine these choose what in a cluster they mark.
 */
export function serves({ namespace, labels }: DataPlane, { id, spec }: ApiGateway): boolean {
  if (namespace !== id.namespace) return false
  const named = labels[gatewayNameLabel]
  if (named !== undefined) return named === id.name
  const wanted = Object.entries(spec.infrastructure?.labels ?? {})
  return wanted.length > 0 && wanted.every(([key, value]) => labels[key] === value)
}

/** Whether the class of a Gateway is one of ours; `weft` is, unless it is written and says otherwise. */
export function isOurs(mesh: MeshQuery, { spec }: ApiGateway): boolean {
  return isOurClass(spec.gatewayClassName, mesh.named('GatewayClass', '', spec.gatewayClassName))
}

/** The same, of the class by itself. */
export function isOurClass(
  name: string,
  gatewayClass: SnapshotObject<SpecByKind['GatewayClass']> | undefined,
): boolean {
  return gatewayClass === undefined ? name === defaultGatewayClass : gatewayClass.spec.controllerName === controllerName
}
