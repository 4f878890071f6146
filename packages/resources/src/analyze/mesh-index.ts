// Lookups that the reference checks share.
import { serviceSelects } from '../core/service/selection.ts'
import type { ServiceSpec } from '../core/service/types.ts'
import { ofKind } from '../kinds.ts'
import type { MeshObject, Problem, Severity } from '../mesh-object.ts'
import type { DestinationRuleSpec } from '../networking/destination-rule/types.ts'
import type { GatewaySpec } from '../networking/gateway/types.ts'
import { hostCovers, resolveHost, serviceFqdn } from '../networking/host-names.ts'
import { didYouMean } from '../schema/did-you-mean.ts'
import type { WorkloadSpec } from '../weft/workload/types.ts'

/** Objects by what others call them. */
export class MeshIndex {
  readonly objects: readonly MeshObject[]
  /** By fully qualified name. */
  readonly services: ReadonlyMap<string, MeshObject<ServiceSpec>>
  readonly workloads: readonly MeshObject<WorkloadSpec>[]
  /** By `namespace/name`. */
  readonly gateways: ReadonlyMap<string, MeshObject<GatewaySpec>>
  /** By resolved host. */
  readonly destinationRules: ReadonlyMap<string, readonly MeshObject<DestinationRuleSpec>[]>

  constructor(objects: readonly MeshObject[]) {
    this.objects = objects
    this.services = new Map(ofKind(objects, 'Service').map((service) => [serviceFqdn(service.id), service]))
    this.workloads = ofKind(objects, 'Workload')
    this.gateways = new Map(
      ofKind(objects, 'Gateway').map((gateway) => [`${gateway.id.namespace}/${gateway.id.name}`, gateway]),
    )
    this.destinationRules = Map.groupBy(ofKind(objects, 'DestinationRule'), ({ spec, id }) =>
      resolveHost(spec.host, id.namespace),
    )
  }

  /** Services that a host names; several for a wildcard. */
  servicesOf(host: string, namespace: string): MeshObject<ServiceSpec>[] {
    const fqdn = resolveHost(host, namespace)
    return [...this.services].filter(([name]) => hostCovers(fqdn, name)).map(([, service]) => service)
  }

  /** Workloads behind a Service. */
  workloadsOf(service: MeshObject<ServiceSpec>): MeshObject<WorkloadSpec>[] {
    return this.workloads.filter(
      ({ id, labels }) => id.namespace === service.id.namespace && serviceSelects(service.spec.selector, labels),
    )
  }

  /** What to write instead of a host that names no Service. */
  hostMend(host: string, namespace: string): string {
    const elsewhere = [...this.services.keys()].find((fqdn) => fqdn.startsWith(`${host}.`) || fqdn === `${host}.svc`)
    if (elsewhere !== undefined) return `Write ${elsewhere}.`
    const near = [...this.services.values()].filter(({ id }) => id.namespace === namespace).map(({ id }) => id.name)
    const meant = didYouMean(host, [...near, ...this.services.keys()])
    return meant === undefined ? 'Add the Service, or correct the name.' : `Did you mean ${meant}?`
  }
}

/** What a reference check found. */
export interface ReferenceFault {
  readonly severity: Severity
  readonly code: string
  readonly field: string
  readonly message: string
  readonly mend: string
}

/** A fault at its place. */
export function problemOf(object: MeshObject, fault: ReferenceFault): Problem {
  return { ...fault, position: object.positionOf(fault.field), objectId: object.id }
}
