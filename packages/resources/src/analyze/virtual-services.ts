// What VirtualServices refer to: Services, ports, subsets, gateways.
import type { MeshObject } from '../mesh-object.ts'
import type { GatewaySpec } from '../networking/gateway/types.ts'
import { hostCovers, resolveGateway, resolveHost } from '../networking/host-names.ts'
import type { Destination, VirtualServiceSpec } from '../networking/virtual-service/types.ts'
import { didYouMean } from '../schema/did-you-mean.ts'
import type { MeshIndex, ReferenceFault } from './mesh-index.ts'

/** Reference faults of one VirtualService. */
export function* checkVirtualService(
  object: MeshObject<VirtualServiceSpec>,
  index: MeshIndex,
): Iterable<ReferenceFault> {
  yield* checkHosts(object, index)
  for (const [i, name] of object.spec.gateways.entries()) {
    yield* checkGateway(object, index, { name, field: `spec.gateways[${i}]` })
  }
  for (const { destination, field } of destinationsOf(object.spec)) {
    yield* checkDestination(object.id.namespace, index, { destination, field })
  }
  for (const { gateways, field } of matchGateways(object.spec)) {
    for (const [i, name] of gateways.entries()) {
      if (object.spec.gateways.includes(name)) continue
      const message = `${name} is not among the gateways of this VirtualService, so the condition never holds`
      const mend = `Add ${name} to spec.gateways, or remove the condition.`
      yield { severity: 'warning', code: 'unknown-gateway', field: `${field}[${i}]`, message, mend }
    }
  }
}

function* checkHosts({ spec, id }: MeshObject<VirtualServiceSpec>, index: MeshIndex): Iterable<ReferenceFault> {
  if (!spec.gateways.includes('mesh')) return
  const gateways = spec.gateways.map((name) => index.gateways.get(resolveGateway(name, id.namespace)))
  for (const [i, host] of spec.hosts.entries()) {
    if (index.servicesOf(host, id.namespace).length > 0) continue
    if (gateways.some((gateway) => gateway !== undefined && servesHost(gateway, host, id.namespace))) continue
    const message = `no Service is called ${resolveHost(host, id.namespace)}, so nothing inside the mesh asks for it`
    const mend = index.hostMend(host, id.namespace)
    yield { severity: 'warning', code: 'unknown-host', field: `spec.hosts[${i}]`, message, mend }
  }
}

function* checkGateway(
  { spec, id }: MeshObject<VirtualServiceSpec>,
  index: MeshIndex,
  { name, field }: { readonly name: string; readonly field: string },
): Iterable<ReferenceFault> {
  if (name === 'mesh') return
  const qualified = resolveGateway(name, id.namespace)
  const gateway = index.gateways.get(qualified)
  if (gateway === undefined) {
    const meant = didYouMean(name, [
      ...index.gateways.keys(),
      ...[...index.gateways.values()].map((each) => each.id.name),
    ])
    const mend = meant === undefined ? 'Add the Gateway, or correct the name.' : `Did you mean ${meant}?`
    yield { severity: 'error', code: 'unknown-gateway', field, message: `there is no Gateway ${qualified}`, mend }
    return
  }
  if (spec.hosts.some((host) => servesHost(gateway, host, id.namespace))) return
  const message = `Gateway ${qualified} serves none of the hosts (it serves ${servedHosts(gateway).join(', ')})`
  const mend = 'Add a host to a server of the Gateway, or correct `hosts`.'
  yield { severity: 'warning', code: 'host-not-on-gateway', field, message, mend }
}

function servedHosts(gateway: MeshObject<GatewaySpec>): string[] {
  return gateway.spec.servers.flatMap((server) => server.hosts.map((host) => host.split('/').at(-1) ?? ''))
}

function servesHost(gateway: MeshObject<GatewaySpec>, host: string, namespace: string): boolean {
  const fqdn = resolveHost(host, namespace)
  return servedHosts(gateway).some(
    (pattern) => hostCovers(pattern, fqdn) || hostCovers(pattern, host) || hostCovers(fqdn, pattern),
  )
}

interface PlacedDestination {
  readonly destination: Destination
  readonly field: string
}

function destinationsOf(spec: VirtualServiceSpec): PlacedDestination[] {
  const arms = (['http', 'tcp'] as const).flatMap((protocol) =>
    spec[protocol].flatMap((rule, i) =>
      (rule.route ?? []).map(({ destination }, j) => ({
        destination,
        field: `spec.${protocol}[${i}].route[${j}].destination`,
      })),
    ),
  )
  const copies = spec.http.flatMap(({ mirror, mirrors = [] }, i) => [
    ...(mirror === undefined ? [] : [{ destination: mirror, field: `spec.http[${i}].mirror` }]),
    ...mirrors.map(({ destination }, j) => ({ destination, field: `spec.http[${i}].mirrors[${j}].destination` })),
  ])
  return [...arms, ...copies]
}

function matchGateways(spec: VirtualServiceSpec): { readonly gateways: readonly string[]; readonly field: string }[] {
  return (['http', 'tcp'] as const).flatMap((protocol) =>
    spec[protocol].flatMap((rule, i) =>
      (rule.match ?? []).map(({ gateways = [] }, j) => ({
        gateways,
        field: `spec.${protocol}[${i}].match[${j}].gateways`,
      })),
    ),
  )
}

function* checkDestination(
  namespace: string,
  index: MeshIndex,
  { destination, field }: PlacedDestination,
): Iterable<ReferenceFault> {
  const fqdn = resolveHost(destination.host, namespace)
  const service = index.services.get(fqdn)
  if (service === undefined) {
    const mend = index.hostMend(destination.host, namespace)
    yield {
      severity: 'error',
      code: 'unknown-host',
      field: `${field}.host`,
      message: `no Service is called ${fqdn}`,
      mend,
    }
    if (index.destinationRules.has(fqdn)) yield* checkSubset(fqdn, index, { destination, field })
    return
  }
  const port = destination.port?.number
  const ports = service.spec.ports.map((each) => each.port)
  if (port !== undefined && !ports.includes(port)) {
    const message = `Service ${fqdn} has no port ${port}`
    const mend = `Use ${ports.join(' or ')}.`
    yield { severity: 'error', code: 'unknown-port', field: `${field}.port.number`, message, mend }
  }
  yield* checkSubset(fqdn, index, { destination, field })
}

function* checkSubset(
  fqdn: string,
  index: MeshIndex,
  { destination, field }: PlacedDestination,
): Iterable<ReferenceFault> {
  if (destination.subset === undefined) return
  const subsets = (index.destinationRules.get(fqdn) ?? []).flatMap(({ spec }) => spec.subsets.map(({ name }) => name))
  if (subsets.includes(destination.subset)) return
  const message = `no DestinationRule for ${fqdn} defines subset ${destination.subset}`
  const meant = didYouMean(destination.subset, subsets)
  const mend = meant === undefined ? 'Define it in a DestinationRule, or remove `subset`.' : `Did you mean ${meant}?`
  yield { severity: 'error', code: 'unknown-subset', field: `${field}.subset`, message, mend }
}
