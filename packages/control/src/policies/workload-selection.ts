// Which workloads a policy holds for that selects by labels, names its targets, or does neither.
import type { ObjectId } from '@weft/core'
import { type Selection, selectsLabels, type PolicyReference, targetsNamedBy } from '@weft/resources'
import type { MeshQuery } from '../snapshot/mesh-query.ts'

/** A workload, as policies see it. */
export interface PolicyTarget {
  readonly namespace: string
  readonly labels: Readonly<Record<string, string>>
  /** The Gateways of the Gateway API that it serves; none for a sidecar. */
  readonly gateways?: readonly TargetGateway[]
  /** Names of the Services that it stands behind, where some policy asks for them (`withServices`). */
  readonly services?: readonly string[]
}

/** A Gateway, as far as policies name it. */
export interface TargetGateway {
  readonly id: Pick<ObjectId, 'namespace' | 'name'>
  readonly spec: { readonly gatewayClassName: string }
}

/** How narrowly a policy selects: the whole mesh, its gateways of a class, a namespace, or workloads by label or by name. */
export type PolicyLevel = 'mesh' | 'class' | 'namespace' | 'workload'

/** The level at which a policy holds for a workload; undefined when it does not (Istio's rules of selection). */
export function policyLevel(
  id: ObjectId,
  selection: Selection,
  target: PolicyTarget,
  rootNamespace: string,
): PolicyLevel | undefined {
  const inRoot = id.namespace === rootNamespace
  if (!inRoot && id.namespace !== target.namespace) return undefined
  if (targetsNamedBy(selection).length > 0) {
    if (namesServiceOf(id, selection, target)) return 'workload'
    const named = target.gateways?.some((gateway) => namesGateway(id, selection, gateway, rootNamespace))
    return named !== true ? undefined : inRoot && target.namespace !== rootNamespace ? 'class' : 'workload'
  }
  const labels = selection.selector?.matchLabels ?? {}
  if (Object.keys(labels).length === 0) return inRoot ? 'mesh' : 'namespace'
  return selectsLabels(labels, target.labels) ? 'workload' : undefined
}

/** Whether a policy that names targets names this Gateway, or its class. */
export function namesGateway(
  { namespace }: Pick<ObjectId, 'namespace'>,
  selection: Selection,
  gateway: TargetGateway,
  rootNamespace: string,
): boolean {
  const near = namespace === gateway.id.namespace
  const names = ({ kind, name }: PolicyReference): boolean =>
    kind === 'Gateway'
      ? near && name === gateway.id.name
      : kind === 'GatewayClass' && (near || namespace === rootNamespace) && name === gateway.spec.gatewayClassName
  return targetsNamedBy(selection).some(names)
}

/** A policy that names a Service holds for the workloads behind it: no waypoint stands between. */
function namesServiceOf(
  { namespace }: ObjectId,
  selection: Selection,
  { namespace: own, services }: PolicyTarget,
): boolean {
  if (services === undefined || namespace !== own) return false
  return targetsNamedBy(selection).some(({ kind, name }) => kind === 'Service' && services.includes(name))
}

/** Whether a policy names Services. */
export function namesServices(selection: Selection): boolean {
  return targetsNamedBy(selection).some(({ kind }) => kind === 'Service')
}

/** A workload with its Services, if one of the policies names any: only then does it matter which those are. */
export function withServices(
  mesh: Pick<MeshQuery, 'servicesFor'>,
  { namespace, labels, gateways }: PolicyTarget,
  policies: readonly Selection[],
): PolicyTarget {
  const target = { namespace, labels, ...(gateways === undefined ? {} : { gateways }) }
  if (!policies.some(namesServices)) return target
  const services = mesh.servicesFor({ namespace, labels }).filter(({ id }) => id.kind === 'Service')
  return { ...target, services: services.map(({ id }) => id.name) }
}
