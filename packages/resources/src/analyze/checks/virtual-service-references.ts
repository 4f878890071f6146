// What VirtualServices refer to: Services, ports, subsets.
import { hostCovers, resolveHost } from '../../networking/host-names.ts'
import { didYouMean } from '../../schema/did-you-mean.ts'
import type { Check, Fault } from '../check.ts'
import type { MeshView } from '../mesh-view.ts'
import { gatewaysOf, topic } from '../topics.ts'
import { type Fields, fieldsOf, fullKind, itemsOf, textOf, textsOf, type WrittenObject } from '../written-object.ts'
import { servesHost } from './gateway-hosts.ts'

const kinds = ['VirtualService.networking.istio.io']

/** A destination of a VirtualService, and where it stands. */
export interface PlacedDestination {
  readonly destination: Fields
  readonly field: string
}

/** All destinations of a VirtualService, copies (`mirror`, `mirrors`) included. */
function destinationsOf(spec: Fields): PlacedDestination[] {
  const arms = ['http', 'tls', 'tcp'].flatMap((protocol) =>
    itemsOf(spec[protocol]).flatMap((rule, i) =>
      itemsOf(rule['route']).map(({ destination }, j) => ({
        destination: fieldsOf(destination),
        field: `spec.${protocol}[${i}].route[${j}].destination`,
      })),
    ),
  )
  const copies = itemsOf(spec['http']).flatMap((rule, i) => [
    ...(rule['mirror'] === undefined
      ? []
      : [{ destination: fieldsOf(rule['mirror']), field: `spec.http[${i}].mirror` }]),
    ...itemsOf(rule['mirrors']).map(({ destination }, j) => ({
      destination: fieldsOf(destination),
      field: `spec.http[${i}].mirrors[${j}].destination`,
    })),
  ])
  return [...arms, ...copies]
}

/** What becomes of what a rule sends nowhere. */
function lossAt(field: string): string {
  if (field.includes('.mirror')) return 'no copies are sent'
  return field.startsWith('spec.http')
    ? 'requests that come here are answered by 503'
    : 'connections that come here are closed'
}

function* checkHosts(object: WrittenObject, mesh: MeshView): Iterable<Fault> {
  const { spec, id } = object
  const gateways = gatewaysOf(object)
  if (!gateways.includes('mesh')) return
  const found = gateways.flatMap((name) => mesh.one('Gateway.networking.istio.io', name) ?? [])
  for (const [i, host] of textsOf(spec['hosts']).entries()) {
    if (mesh.called(host, id.namespace).length > 0) continue
    if (host === '*' || found.some((gateway) => servesHost(gateway, host, id.namespace))) continue
    const message = `no Service is called ${resolveHost(host, id.namespace)}, so nothing inside the mesh asks for it`
    const mend = mesh.hostMend(host, id.namespace)
    yield { code: 'IST0101', severity: 'warning', field: `spec.hosts[${i}]`, message, mend }
  }
}

function* checkDestinations({ spec, id }: WrittenObject, mesh: MeshView): Iterable<Fault> {
  for (const { destination, field } of destinationsOf(spec)) {
    const host = textOf(destination['host'])
    if (host === '') continue
    const fqdn = resolveHost(host, id.namespace)
    const called = mesh.called(host, id.namespace)
    if (called.length === 0) {
      const mend = mesh.hostMend(host, id.namespace)
      const message = `no Service is called ${fqdn}, so ${lossAt(field)}`
      yield { code: 'IST0101', field: `${field}.host`, message, mend }
      continue
    }
    const declared = called.filter((service) => isCalled(service, fqdn))
    if (declared.length > 0) yield* checkPort(called, { destination, field }, fqdn)
    else yield wildcardOnly(called, { fqdn, field })
  }
}

/** Whether it is called exactly this, and not only by a wildcard. */
function isCalled({ id, spec }: WrittenObject, fqdn: string): boolean {
  return id.kind === 'Service' || textsOf(spec['hosts']).some((host) => host.toLowerCase() === fqdn.toLowerCase())
}

function wildcardOnly(
  called: readonly WrittenObject[],
  { fqdn, field }: { readonly fqdn: string; readonly field: string },
): Fault {
  const wild = called
    .flatMap(({ spec }) => textsOf(spec['hosts']))
    .find((host) => host.startsWith('*') && hostCovers(host.toLowerCase(), fqdn))
  const message = `${fqdn} is named by the wildcard ${wild ?? '*'} alone, and there is a cluster for the wildcard only, so ${lossAt(field)}`
  const mend = `Write ${wild ?? 'the wildcard'} as the host, or add ${fqdn} to a ServiceEntry.`
  return { code: 'WEFT0112', field: `${field}.host`, message, mend }
}

function* checkPort(
  called: readonly WrittenObject[],
  { destination, field }: PlacedDestination,
  fqdn: string,
): Iterable<Fault> {
  const port = fieldsOf(destination['port'])['number']
  const ports = [...new Set(called.flatMap(portNumbers))]
  const shown = fullKind((called[0] as WrittenObject).id) === 'Service' ? 'Service' : 'ServiceEntry'
  if (port === undefined) {
    if (ports.length < 2) return
    const message = `${shown} ${fqdn} has several ports, and which one is meant is left to the port of the request`
    const mend = `Add port: { number: ${ports.join(' or ')} }.`
    yield { code: 'IST0112', severity: 'info', field, message, mend }
    return
  }
  if (typeof port !== 'number' || ports.includes(port)) return
  const message = `${shown} ${fqdn} has no port ${port}`
  const mend = ports.length === 0 ? 'Add the port to it.' : `Use ${ports.join(' or ')}.`
  yield { code: 'WEFT0101', field: `${field}.port.number`, message, mend }
}

/** The ports of a Service or ServiceEntry. */
export function portNumbers({ spec }: WrittenObject): number[] {
  return itemsOf(spec['ports']).flatMap(({ port, number }) =>
    typeof port === 'number' ? [port] : typeof number === 'number' ? [number] : [],
  )
}

function* checkSubsets({ spec, id }: WrittenObject, mesh: MeshView): Iterable<Fault> {
  for (const { destination, field } of destinationsOf(spec)) {
    const subset = textOf(destination['subset'])
    if (subset === '') continue
    const fqdn = resolveHost(textOf(destination['host']), id.namespace)
    const subsets = rulesFor(fqdn, mesh).flatMap((rule) =>
      itemsOf(rule.spec['subsets']).map(({ name }) => textOf(name)),
    )
    if (subsets.includes(subset)) continue
    const message = `no DestinationRule for ${fqdn} defines subset ${subset}, so ${lossAt(field)}`
    const meant = didYouMean(subset, subsets)
    const mend = meant === undefined ? 'Define it in a DestinationRule, or remove `subset`.' : `Did you mean ${meant}?`
    yield { code: 'IST0101', field: `${field}.subset`, message, mend }
  }
}

/** DestinationRules for a full host name, those of wildcard hosts included. */
function rulesFor(fqdn: string, mesh: MeshView): WrittenObject[] {
  const rules = [...mesh.at(topic.destinationRule(fqdn))]
  for (let dot = fqdn.indexOf('.'); dot >= 0; dot = fqdn.indexOf('.', dot + 1)) {
    const wild = `*${fqdn.slice(dot)}`
    if (hostCovers(wild, fqdn)) rules.push(...mesh.at(topic.destinationRule(wild)))
  }
  return rules
}

/** Without hosts it is a delegate, and one that nobody names takes no request. */
function* checkDelegated({ spec, id }: WrittenObject, mesh: MeshView): Iterable<Fault> {
  if (textsOf(spec['hosts']).length > 0 || mesh.any(topic.delegatesTo(`${id.namespace}/${id.name}`))) return
  const message = 'names no host, and no VirtualService delegates to this one: its rules take no request'
  const mend = 'Write the hosts, or a `delegate` with this name in a rule of another VirtualService.'
  yield { code: 'WEFT0112', field: 'spec.hosts', message, mend }
}

/** Checks of what VirtualServices name. */
export const virtualServiceReferences: readonly Check[] = [
  { name: 'virtual-service-hosts', kinds, run: checkHosts },
  { name: 'virtual-service-destinations', kinds, run: checkDestinations },
  { name: 'virtual-service-subsets', kinds, run: checkSubsets },
  { name: 'virtual-service-delegated', kinds, run: checkDelegated },
]
