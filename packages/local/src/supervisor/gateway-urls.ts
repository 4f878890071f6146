// Which ports a gateway instance opens, and the addresses a person types.
import { type GatewaySpec, type MeshObject, servingAddress, type WorkloadInstance } from '@weft/resources'

/** A port that a Gateway object asks of an instance. */
export interface GatewayPort {
  readonly port: number
  readonly protocol: string
  /** `namespace/name` of the Gateway. */
  readonly gateway: string
}

/** Ports of all Gateways whose selector matches the instance's labels; each port once. */
export function gatewayPorts(
  instance: WorkloadInstance,
  gateways: readonly MeshObject<GatewaySpec>[],
): readonly GatewayPort[] {
  if (instance.proxy !== 'gateway') return []
  const ports = new Map<number, GatewayPort>()
  for (const { id, spec } of gateways) {
    const matches = Object.entries(spec.selector).every(([name, value]) => instance.labels[name] === value)
    if (!matches) continue
    for (const { port } of spec.servers) {
      if (!ports.has(port.number)) {
        ports.set(port.number, { port: port.number, protocol: port.protocol, gateway: `${id.namespace}/${id.name}` })
      }
    }
  }
  return [...ports.values()]
}

/** `http://127.0.0.1:8080/` for every HTTP port of every gateway instance. */
export function gatewayUrls(
  instances: readonly WorkloadInstance[],
  gateways: readonly MeshObject<GatewaySpec>[],
): readonly string[] {
  return instances.flatMap((instance) =>
    gatewayPorts(instance, gateways)
      .filter(({ protocol }) => protocol.startsWith('HTTP'))
      .map(({ port, protocol }) => `${protocol === 'HTTPS' ? 'https' : 'http'}://${servingAddress(instance)}:${port}/`),
  )
}
