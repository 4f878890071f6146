// Services that applications cannot call by an address of its own.
import type { ServiceSpec } from '../core/service/types.ts'
import type { MeshObject } from '../mesh-object.ts'
import { isTcpPort, isUdpPort } from './plan-instances.ts'
import type { WorkloadInstance } from './workload-instance.ts'

/**
 * The Services (`name.namespace`) whose TCP or UDP ports have no address of their own beside sidecars, because a machine has addresses
 * for 187 such Services only. None where there is no sidecar.
 */
export function unaddressedServices(
  services: readonly MeshObject<ServiceSpec>[],
  instances: readonly WorkloadInstance[],
): string[] {
  const caller = instances.find(({ proxy }) => proxy === 'sidecar')
  if (caller === undefined) return []
  const { outboundTcp, outboundUdp = {} } = caller
  return services.flatMap(({ id, spec }) => {
    const name = `${id.name}.${id.namespace}`
    const missing =
      spec.ports.some((port) => isTcpPort(port) && outboundTcp[`${name}:${port.port}`] === undefined) ||
      spec.datagramPorts.some((port) => isUdpPort(port) && outboundUdp[`${name}:${port.port}`] === undefined)
    return missing ? [name] : []
  })
}
