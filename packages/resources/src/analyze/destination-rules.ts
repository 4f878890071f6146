// What DestinationRules refer to: Services, their ports, and workloads by subset labels.
import { selectsLabels } from '../core/service/selection.ts'
import type { MeshObject } from '../mesh-object.ts'
import type { DestinationRuleSpec, TrafficPolicy } from '../networking/destination-rule/types.ts'
import { resolveHost } from '../networking/host-names.ts'
import type { MeshIndex, ReferenceFault } from './mesh-index.ts'

/** Reference faults of one DestinationRule. */
export function* checkDestinationRule(
  { spec, id }: MeshObject<DestinationRuleSpec>,
  index: MeshIndex,
): Iterable<ReferenceFault> {
  yield* checkAuthorities(spec.trafficPolicy, 'spec.trafficPolicy')
  for (const [i, { trafficPolicy }] of spec.subsets.entries()) {
    yield* checkAuthorities(trafficPolicy, `spec.subsets[${i}].trafficPolicy`)
  }
  const services = index.servicesOf(spec.host, id.namespace)
  if (services.length === 0) {
    const message = `no Service is called ${resolveHost(spec.host, id.namespace)}`
    const mend = index.hostMend(spec.host, id.namespace)
    yield { severity: 'error', code: 'unknown-host', field: 'spec.host', message, mend }
    return
  }
  const workloads = services.flatMap((service) => index.workloadsOf(service))
  for (const [i, subset] of spec.subsets.entries()) {
    if (workloads.length === 0 || workloads.some(({ labels }) => selectsLabels(subset.labels, labels))) continue
    const message = `no workload behind ${spec.host} carries the labels of subset ${subset.name}`
    const mend = 'Correct the labels, or add a Workload that carries them.'
    yield { severity: 'warning', code: 'empty-subset', field: `spec.subsets[${i}].labels`, message, mend }
  }
  const ports = new Set(services.flatMap((service) => service.spec.ports.map(({ port }) => port)))
  yield* checkPorts(spec.trafficPolicy, 'spec.trafficPolicy', ports)
  for (const [i, { trafficPolicy }] of spec.subsets.entries()) {
    yield* checkPorts(trafficPolicy, `spec.subsets[${i}].trafficPolicy`, ports)
  }
}

/** Istio verifies no server without `caCertificates`; here the system's authorities are asked. */
function* checkAuthorities(policy: TrafficPolicy | undefined, field: string): Iterable<ReferenceFault> {
  const places = [
    { tls: policy?.tls, at: field },
    ...(policy?.portLevelSettings ?? []).map(({ tls }, i) => ({ tls, at: `${field}.portLevelSettings[${i}]` })),
  ]
  for (const { tls, at } of places) {
    if (tls === undefined || tls.mode === 'DISABLE' || tls.mode === 'ISTIO_MUTUAL') continue
    if (tls.caCertificates !== undefined) continue
    const message = "names no authorities: Weft asks those of the system, and Istio's control plane verifies no server"
    const mend = 'Add `caCertificates`.'
    yield { severity: 'info', code: 'unverified-by-istio', field: `${at}.tls`, message, mend }
  }
}

function* checkPorts(
  policy: TrafficPolicy | undefined,
  field: string,
  ports: ReadonlySet<number>,
): Iterable<ReferenceFault> {
  for (const [i, { port }] of (policy?.portLevelSettings ?? []).entries()) {
    if (ports.has(port.number)) continue
    const message = `the Service has no port ${port.number}`
    const mend = `Use ${[...ports].join(' or ')}.`
    const place = `${field}.portLevelSettings[${i}].port.number`
    yield { severity: 'warning', code: 'unknown-port', field: place, message, mend }
  }
}
