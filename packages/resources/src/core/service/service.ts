// The kind Service (v1).
import { defineKind } from '../../kind-definition.ts'
import { serviceSchema } from './schema.ts'
import type { DatagramPort, ServicePort, ServiceSpec } from './types.ts'

/** A port with its defaults. */
function portOf(
  port: Partial<Omit<ServicePort, 'protocol'>> & { readonly protocol?: string },
): ServicePort | DatagramPort {
  return {
    name: port.name ?? '',
    port: port.port ?? 0,
    targetPort: port.targetPort ?? port.port ?? 0,
    protocol: (port.protocol ?? 'TCP') as ServicePort['protocol'],
    ...(port.appProtocol === undefined ? {} : { appProtocol: port.appProtocol }),
  }
}

interface WrittenService extends Partial<Omit<ServiceSpec, 'ports' | 'sessionAffinity'>> {
  readonly ports?: readonly Parameters<typeof portOf>[0][]
  readonly clusterIP?: string
  readonly sessionAffinity?: 'ClientIP'
  readonly internalTrafficPolicy?: string
  readonly trafficDistribution?: string
}

/** What a Service says of the choice among its endpoints. */
function choiceOf(spec: WrittenService): Pick<ServiceSpec, 'sessionAffinity' | 'nodeLocal' | 'prefers'> {
  const { sessionAffinity, internalTrafficPolicy, trafficDistribution } = spec
  return {
    ...(sessionAffinity === 'ClientIP' ? { sessionAffinity } : {}),
    ...(internalTrafficPolicy === 'Local' ? { nodeLocal: true as const } : {}),
    ...(trafficDistribution === undefined
      ? {}
      : { prefers: trafficDistribution === 'PreferSameNode' ? ('node' as const) : ('zone' as const) }),
  }
}

/** A headless Service (`None`) has no address of its own. */
function addressesOf({ clusterIP = '', clusterIPs = [] }: WrittenService): Pick<ServiceSpec, 'clusterIPs'> {
  const addresses = [...new Set([clusterIP, ...clusterIPs])].filter((each) => each !== '' && each !== 'None')
  return addresses.length === 0 ? {} : { clusterIPs: addresses }
}

/** Kubernetes' Service. */
export const serviceKind = defineKind({
  kind: 'Service',
  versions: ['v1'],
  names: ['services', 'svc'],
  description: 'A name and ports for a set of workloads.',
  spec: serviceSchema,
  withDefaults: (written) => {
    const spec = written as unknown as WrittenService
    const ports = (spec.ports ?? []).map(portOf)
    return {
      selector: spec.selector ?? {},
      ports: ports.filter((port): port is ServicePort => port.protocol === 'TCP'),
      datagramPorts: ports.filter((port): port is DatagramPort => port.protocol !== 'TCP'),
      type: spec.type ?? 'ClusterIP',
      headless: spec.clusterIP === 'None',
      ...addressesOf(spec),
      ...choiceOf(spec),
      ...(spec.publishNotReadyAddresses === true ? { publishNotReadyAddresses: true as const } : {}),
      ...(spec.externalName === undefined ? {} : { externalName: spec.externalName }),
    }
  },
})
