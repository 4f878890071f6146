// Pods and EndpointSlices: whether anything takes them for endpoints.
import type { Check, Fault } from '../check.ts'
import type { MeshView } from '../mesh-view.ts'
import { serviceOfSlice, topic } from '../topics.ts'
import { dig, itemsOf, listOf, nameOf, textOf, type WrittenObject } from '../written-object.ts'

const label = 'kubernetes.io/service-name'

function* checkSlice(slice: WrittenObject, mesh: MeshView): Iterable<Fault> {
  const name = serviceOfSlice(slice)
  if (name === undefined) {
    const message = `has no label ${label}, so it is no Service's`
    yield { code: 'WEFT0112', field: 'metadata.labels', message, mend: `Add ${label} with the name of the Service.` }
    return
  }
  const { namespace } = slice.id
  const service = mesh.one('Service', `${namespace}/${name}`)
  if (service === undefined) {
    const message = `there is no Service ${namespace}/${name}, so nothing is sent to its endpoints`
    const mend = mesh.hostMend(name, namespace)
    yield { code: 'IST0101', severity: 'warning', field: `metadata.labels["${label}"]`, message, mend }
    return
  }
  yield* checkPorts(slice, service)
  yield* checkTargets(slice, mesh)
}

function* checkPorts(slice: WrittenObject, service: WrittenObject): Iterable<Fault> {
  // A Service that was read keeps the two kinds of ports apart.
  const ports = [...itemsOf(service.spec['ports']), ...itemsOf(service.spec['datagramPorts'])]
  const known = ports.map(keyOf)
  for (const [i, port] of itemsOf(slice.body['ports']).entries()) {
    if (known.includes(keyOf(port))) continue
    const message = `Service ${nameOf(service)} has no port ${keyOf(port)}, so nothing is sent there`
    const mend = known.length === 0 ? 'Add the port to the Service.' : `Use one of its ports: ${known.join(', ')}.`
    yield { code: 'WEFT0101', severity: 'warning', field: `ports[${i}]`, message, mend }
  }
}

/** What joins a port of a slice with one of the Service: `http`, or `dns (UDP)`. */
function keyOf(port: Readonly<Record<string, unknown>>): string {
  const protocol = textOf(port['protocol']) || 'TCP'
  const name = textOf(port['name']) || '(without a name)'
  return protocol === 'TCP' ? name : `${name} (${protocol})`
}

/** Where no Pods are written nobody expects their identities. */
function* checkTargets(slice: WrittenObject, mesh: MeshView): Iterable<Fault> {
  const { namespace } = slice.id
  if (!mesh.any(topic.inNamespace('Pod', namespace))) return
  for (const [i, endpoint] of itemsOf(slice.body['endpoints']).entries()) {
    const ref = endpoint['targetRef']
    if (dig(ref, 'kind') !== 'Pod') continue
    const pod = `${textOf(dig(ref, 'namespace')) || namespace}/${textOf(dig(ref, 'name'))}`
    if (pod.startsWith(`${namespace}/`) && mesh.one('Pod', pod) !== undefined) continue
    const message = `there is no Pod ${pod} in this namespace, so the endpoint belongs to no subset and is spoken to in plaintext`
    const mend = 'Correct the name, or add the Pod.'
    yield { code: 'WEFT0112', severity: 'info', field: `endpoints[${i}].targetRef`, message, mend }
  }
}

function* checkPod(pod: WrittenObject, mesh: MeshView): Iterable<Fault> {
  const status = pod.body['status']
  if (textOf(dig(status, 'podIP')) !== '' || listOf(dig(status, 'podIPs')).length > 0) return
  const service = mesh.servicesFor(pod.id.namespace, pod.labels)[0]
  if (service === undefined || mesh.any(topic.slicesOf(nameOf(service)))) return
  const message = `has no address, and nothing starts it here: it is no endpoint of Service ${nameOf(service)}`
  const mend = 'Write `status.podIP`, or a Workload instead of the Pod.'
  yield { code: 'WEFT0112', severity: 'info', field: 'status.podIP', message, mend }
}

/** Checks of what Kubernetes says runs. */
export const endpointSources: readonly Check[] = [
  { name: 'endpoint-slices', kinds: ['EndpointSlice.discovery.k8s.io'], run: checkSlice },
  { name: 'pod-addresses', kinds: ['Pod'], run: checkPod },
]
