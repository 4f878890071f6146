// Gateways: who serves them, on which ports, with which certificates, and with whom they quarrel.
import { selectsLabels } from '../../core/service/selection.ts'
import type { Check, Fault } from '../check.ts'
import type { MeshView } from '../mesh-view.ts'
import { selectorOf, shownLabels } from '../selectors.ts'
import { runningLabels, topic } from '../topics.ts'
import { dig, type Fields, fullKind, itemsOf, nameOf, textOf, textsOf, type WrittenObject } from '../written-object.ts'
import { type BoundHost, boundHost } from './gateway-hosts.ts'
import { portNumbers } from './virtual-service-references.ts'

function serving(gateway: WrittenObject, mesh: MeshView): WrittenObject[] {
  return mesh.running('*', selectorOf(gateway))
}

function* checkWorkloads(gateway: WrittenObject, mesh: MeshView): Iterable<Fault> {
  const selected = serving(gateway, mesh)
  const shown = shownLabels(selectorOf(gateway))
  const gateways = selected.filter(isGateway)
  if (gateways.length === 0) {
    const message =
      selected.length === 0
        ? `no workload carries ${shown}, so nothing listens`
        : `Workload ${selected[0]?.id.name} carries ${shown} but is no gateway`
    const mend = 'Correct the selector, or select a Workload with proxy: gateway.'
    yield { code: 'IST0101', severity: 'warning', field: 'spec.selector', message, mend }
  }
}

function* checkPorts(gateway: WrittenObject, mesh: MeshView): Iterable<Fault> {
  const gateways = serving(gateway, mesh).filter(isGateway)
  // Our own gateways listen where the Gateway says; pods are reached through a Service.
  if (gateways.length === 0 || gateways.some(isOurs)) return
  const services = gateways.flatMap((pod) => mesh.servicesFor(pod.id.namespace, runningLabels(pod) ?? {}))
  const ports = new Set(services.flatMap(portNumbers))
  for (const [i, server] of itemsOf(gateway.spec['servers']).entries()) {
    const port = dig(server, 'port', 'number')
    if (typeof port !== 'number' || ports.has(port)) continue
    const message = `no Service in front of the gateway has port ${port}, so nobody outside reaches it`
    const mend = `Add the port to the Service${ports.size === 0 ? '' : `, or use ${[...ports].join(' or ')}`}.`
    yield { code: 'IST0162', field: `spec.servers[${i}].port.number`, message, mend }
  }
}

function isOurs({ id }: WrittenObject): boolean {
  return fullKind(id) === 'Workload.weft.dev'
}

/** Any pod may be a gateway; a Workload says so. */
function isGateway(workload: WrittenObject): boolean {
  return !isOurs(workload) || workload.spec['proxy'] === 'gateway'
}

function* checkCertificate(
  { name, field }: { readonly name: string; readonly field: string },
  namespace: string,
  mesh: MeshView,
): Iterable<Fault> {
  const secret = mesh.one('Secret', `${namespace}/${name}`)
  if (secret === undefined) {
    const message = `there is no Secret ${namespace}/${name}, so handshakes on this port fail`
    yield { code: 'IST0101', field, message, mend: `Add it in namespace ${namespace}, where the gateway runs.` }
    return
  }
  const wrong = secretFault(secret, mesh)
  if (wrong === undefined) return
  const message = `Secret ${namespace}/${name} ${wrong}, so handshakes on this port fail`
  yield { code: 'IST0161', field, message, mend: 'Put a PEM certificate and its key into the Secret.' }
}

function* checkSecrets(gateway: WrittenObject, mesh: MeshView): Iterable<Fault> {
  const namespaces = [...new Set(serving(gateway, mesh).map(({ id }) => id.namespace))]
  for (const [i, server] of itemsOf(gateway.spec['servers']).entries()) {
    const at = `spec.servers[${i}].tls`
    const name = textOf(dig(server, 'tls', 'credentialName'))
    const more = textsOf(dig(server, 'tls', 'credentialNames'))
    const certificates = [
      { name, field: `${at}.credentialName` },
      ...more.map((one, k) => ({ name: one, field: `${at}.credentialNames[${k}]` })),
    ]
    for (const certificate of certificates) {
      if (certificate.name === '') continue
      for (const namespace of namespaces) yield* checkCertificate(certificate, namespace, mesh)
    }
    if (name === '') continue
    const others = mesh
      .at(topic.credential(name))
      .filter((other) => other !== gateway && sharesSelector(other, gateway))
    const [other] = others
    if (other === undefined) continue
    const message = `Gateway ${nameOf(other)} serves the same certificate on the same workloads: a client that reuses an HTTP/2 connection for both can be answered by 404`
    yield {
      code: 'IST0138',
      field: `${at}.credentialName`,
      message,
      mend: 'Serve the hosts of one certificate by one Gateway.',
    }
  }
}

function sharesSelector(a: WrittenObject, b: WrittenObject): boolean {
  return shownLabels(selectorOf(a)) === shownLabels(selectorOf(b))
}

/** What is wrong with a Secret for TLS; undefined when nothing is. */
function secretFault(secret: WrittenObject, mesh: MeshView): string | undefined {
  const certificate = secretText(secret, 'tls.crt') ?? secretText(secret, 'cert')
  const key = secretText(secret, 'tls.key') ?? secretText(secret, 'key')
  if (certificate === undefined || key === undefined) return 'holds no tls.crt and tls.key'
  if (!/-----BEGIN CERTIFICATE-----/.test(certificate)) return 'holds no PEM certificate in tls.crt'
  if (!/-----BEGIN [A-Z ]*PRIVATE KEY-----/.test(key)) return 'holds no PEM key in tls.key'
  return mesh.surroundings.certificateFault?.(certificate, key)
}

function secretText(secret: WrittenObject, name: string): string | undefined {
  const plain = dig(secret.body, 'stringData', name)
  if (typeof plain === 'string') return plain
  const encoded = dig(secret.body, 'data', name)
  if (typeof encoded !== 'string') return undefined
  try {
    return atob(encoded.replace(/\s/g, ''))
  } catch {
    return ''
  }
}

function* checkConflicts(gateway: WrittenObject, mesh: MeshView): Iterable<Fault> {
  for (const [i, server] of itemsOf(gateway.spec['servers']).entries()) {
    const port = dig(server, 'port', 'number')
    if (typeof port !== 'number') continue
    for (const [j, host] of textsOf(server['hosts']).entries()) {
      const wanted = boundHost(host, gateway)
      const rival = mesh
        .at(topic.gatewayPort(port))
        .find((other) => other !== gateway && claims(other, port, wanted) && sharesWorkload(gateway, other, mesh))
      if (rival === undefined) continue
      const [first, second] = [nameOf(gateway), nameOf(rival)].sort()
      const winner = first === nameOf(gateway) ? 'this one' : (first as string)
      const message = `port ${port} and host ${host} are claimed by Gateway ${nameOf(rival)} too: where routes of both match, those bound to ${winner} win, which comes first by name`
      const mend = `Use another port or host, or bind the VirtualServices of ${second} to ${first}.`
      yield { code: 'IST0145', field: `spec.servers[${i}].hosts[${j}]`, message, mend }
    }
  }
}

function sharesWorkload(one: WrittenObject, other: WrittenObject, mesh: MeshView): boolean {
  const theirs = selectorOf(other)
  return serving(one, mesh).some((each) => isGateway(each) && selectsLabels(theirs, runningLabels(each) ?? {}))
}

function claims(gateway: WrittenObject, port: number, wanted: BoundHost): boolean {
  return itemsOf(gateway.spec['servers']).some(
    (server) => dig(server, 'port', 'number') === port && claimsHost(server, wanted, gateway),
  )
}

function claimsHost(server: Fields, wanted: BoundHost, gateway: WrittenObject): boolean {
  return textsOf(server['hosts']).some((text) => {
    const { namespace, host } = boundHost(text, gateway)
    return host === wanted.host && (namespace === '*' || wanted.namespace === '*' || namespace === wanted.namespace)
  })
}

const kinds = ['Gateway.networking.istio.io']

/** Checks of Gateways. */
export const gateways: readonly Check[] = [
  { name: 'gateway-workloads', kinds, run: checkWorkloads },
  { name: 'gateway-ports', kinds, run: checkPorts },
  { name: 'gateway-secrets', kinds, run: checkSecrets },
  { name: 'gateway-conflicts', kinds, run: checkConflicts },
]
