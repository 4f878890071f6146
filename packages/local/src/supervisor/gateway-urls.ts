// Which ports a gateway instance opens, and the addresses a person types.
import { servesGateway, servingAddress, type WorkloadInstance } from '@weft/resources'
import type { MeshView } from './mesh-source.ts'

/** The Gateways of a mesh: Istio's and the Gateway API's. */
export type MeshGateways = Pick<MeshView, 'gateways' | 'apiGateways'>

/** A port that a Gateway object asks of an instance. */
export interface GatewayPort {
  readonly port: number
  readonly protocol: string
  /** `namespace/name` of the Gateway. */
  readonly gateway: string
}

/** Ports of all Gateways that the instance serves; each port once. */
export function gatewayPorts(
  instance: WorkloadInstance,
  { gateways, apiGateways }: MeshGateways,
): readonly GatewayPort[] {
  if (instance.proxy !== 'gateway') return []
  const ports = new Map<number, GatewayPort>()
  const add = (port: number, protocol: string, { namespace, name }: { namespace: string; name: string }): void => {
    if (!ports.has(port)) ports.set(port, { port, protocol, gateway: `${namespace}/${name}` })
  }
  for (const { id, spec } of gateways) {
    const matches = Object.entries(spec.selector).every(([name, value]) => instance.labels[name] === value)
    if (matches) for (const { port } of spec.servers) add(port.number, port.protocol, id)
  }
  for (const gateway of apiGateways) {
    if (!servesGateway(instance, gateway)) continue
    for (const { port, protocol } of gateway.spec.listeners) add(port, protocol, gateway.id)
  }
  return [...ports.values()]
}

/** `http://127.0.0.1:8080/` for every HTTP port of every gateway instance. */
export function gatewayUrls(instances: readonly WorkloadInstance[], gateways: MeshGateways): readonly string[] {
  return instances.flatMap((instance) =>
    gatewayPorts(instance, gateways)
      .filter(({ protocol }) => protocol.startsWith('HTTP'))
      .map(({ port, protocol }) => `${protocol === 'HTTPS' ? 'https' : 'http'}://${servingAddress(instance)}:${port}/`),
  )
}
