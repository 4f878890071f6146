// What Services and Gateways select.
import { isHttpPort, protocolOf } from '../core/service/protocol.ts'
import { selectsLabels, targetPortOf } from '../core/service/selection.ts'
import type { ServiceSpec } from '../core/service/types.ts'
import type { MeshObject } from '../mesh-object.ts'
import type { GatewaySpec } from '../networking/gateway/types.ts'
import { checkGatewayConflicts } from './gateway-conflicts.ts'
import type { MeshIndex, ReferenceFault } from './mesh-index.ts'

/** Reference faults of one Service. */
export function* checkService(service: MeshObject<ServiceSpec>, index: MeshIndex): Iterable<ReferenceFault> {
  const { spec, id } = service
  for (const [i, port] of spec.ports.entries()) {
    if (protocolOf(port) !== 'undeclared' || isHttpPort(port)) continue
    const message = `port ${port.port} does not say what it speaks, so it is carried as plain TCP`
    const mend = 'Give it a `name` that begins with http or tcp, or an `appProtocol`.'
    yield { severity: 'info', code: 'undeclared-protocol', field: `spec.ports[${i}]`, message, mend }
  }
  if (Object.keys(spec.selector).length === 0) {
    const mend = 'Add a `selector` with labels of its workloads.'
    yield {
      severity: 'warning',
      code: 'selects-nothing',
      field: 'spec',
      message: 'has no selector and so no endpoints',
      mend,
    }
    return
  }
  const workloads = index.workloadsOf(service)
  if (workloads.length === 0) {
    const message = `no Workload of namespace ${id.namespace} carries ${shownLabels(spec.selector)}`
    const mend = 'Correct the selector, or add the labels to a Workload.'
    yield { severity: 'warning', code: 'selects-nothing', field: 'spec.selector', message, mend }
  }
  for (const [i, port] of spec.ports.entries()) {
    for (const workload of workloads) {
      const target = targetPortOf(port, workload.spec.ports)
      const ports = workload.spec.ports.map((each) => `${each.name} (${each.port})`)
      if (target !== undefined && workload.spec.ports.some((each) => each.port === target)) continue
      const message = `Workload ${workload.id.name} has no port ${port.targetPort}`
      const mend = `Use one of its ports: ${ports.join(', ') || 'it has none'}.`
      const written = port.targetPort === port.port ? 'port' : 'targetPort'
      yield { severity: 'error', code: 'unknown-port', field: `spec.ports[${i}].${written}`, message, mend }
    }
  }
}

/** Reference faults of one Gateway. */
export function* checkGateway(gateway: MeshObject<GatewaySpec>, index: MeshIndex): Iterable<ReferenceFault> {
  yield* checkGatewayConflicts(gateway, index)
  const { spec } = gateway
  const selected = index.workloads.filter(({ labels }) => selectsLabels(spec.selector, labels))
  if (selected.some((workload) => workload.spec.proxy === 'gateway')) return
  const message =
    selected.length === 0
      ? `no Workload carries ${shownLabels(spec.selector)}`
      : `Workload ${selected[0]?.id.name} carries ${shownLabels(spec.selector)} but is no gateway`
  const mend = 'Select a Workload with proxy: gateway.'
  yield { severity: 'warning', code: 'selects-nothing', field: 'spec.selector', message, mend }
}

/** `app=catalog, version=v1`. */
export function shownLabels(labels: Readonly<Record<string, string>>): string {
  return Object.entries(labels)
    .map(([name, value]) => `${name}=${value}`)
    .join(', ')
}
