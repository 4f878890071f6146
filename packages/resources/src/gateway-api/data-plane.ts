// Which Gateways are this mesh's to serve, and by which workloads: on one machine nobody deploys pods for them.
import type { LabelSelector } from './types.ts'

/** The controller of GatewayClasses that this mesh serves. */
export const controllerName = 'weft.dev/gateway-controller'
/** The GatewayClass that is there without being written. */
const defaultGatewayClass = 'weft'
/** The label by which a workload says which Gateway of its namespace it is. */
export const gatewayNameLabel = 'gateway.networking.k8s.io/gateway-name'
/** The label that says of which class that Gateway is. */
export const gatewayClassLabel = 'gateway.networking.k8s.io/gateway-class-name'

/** Whether a GatewayClass is ours; `weft` is, unless it is written and says otherwise. */
export function isOurClass(name: string, written: { readonly controllerName: string } | undefined): boolean {
  return written === undefined ? name === defaultGatewayClass : written.controllerName === controllerName
}

/**
 * Whether a gateway workload serves a Gateway of its namespace: the one that its label names, else one all of whose
 * `spec.infrastructure.labels` it carries: these mark in a cluster what they choose on one machine.
 */
export function servesGateway(
  workload: { readonly namespace: string; readonly labels: Readonly<Record<string, string>> },
  gateway: {
    readonly id: { readonly namespace: string; readonly name: string }
    readonly spec: { readonly infrastructure?: { readonly labels?: LabelSelector['matchLabels'] } }
  },
): boolean {
  if (workload.namespace !== gateway.id.namespace) return false
  const named = workload.labels[gatewayNameLabel]
  if (named !== undefined) return named === gateway.id.name
  const wanted = Object.entries(gateway.spec.infrastructure?.labels ?? {})
  return wanted.length > 0 && wanted.every(([key, value]) => workload.labels[key] === value)
}
