// Services: what their ports say, what they select, and Services that disagree about the same pods.
import { protocolOf } from '../../core/service/protocol.ts'
import { targetPortOf } from '../../core/service/selection.ts'
import type { Check, Fault } from '../check.ts'
import type { MeshView } from '../mesh-view.ts'
import { selectorOf, shownLabels } from '../selectors.ts'
import { runningLabels, topic } from '../topics.ts'
import { dig, type Fields, fullKind, itemsOf, nameOf, textOf, type WrittenObject } from '../written-object.ts'

const systemNamespaces = new Set(['kube-system', 'kube-public', 'kube-node-lease', 'istio-system'])

function* checkPortNames({ spec, id }: WrittenObject): Iterable<Fault> {
  if (systemNamespaces.has(id.namespace)) return
  const external = spec['type'] === 'ExternalName'
  for (const [i, port] of itemsOf(spec['ports']).entries()) {
    if (port['protocol'] === 'UDP' || port['protocol'] === 'SCTP') continue
    const field = `spec.ports[${i}]`
    const appProtocol = textOf(port['appProtocol'])
    const protocol = protocolOf({ name: textOf(port['name']), ...(appProtocol === '' ? {} : { appProtocol }) })
    if (external && (protocol === 'undeclared' || protocol === 'tcp')) {
      const message = `port ${Number(port['port'])} of a name outside is carried as plain TCP, which takes the port for all other TCP traffic`
      yield { code: 'IST0150', field, message, mend: 'Give it a `name` that begins with http, https, grpc or tls.' }
    } else if (protocol === 'undeclared' && appProtocol === '') {
      const message = `port ${Number(port['port'])} does not say what it speaks, so it is carried as plain TCP`
      const mend = 'Give it a `name` that begins with http or tcp, or an `appProtocol`.'
      yield { code: 'IST0118', field, message, mend }
    }
  }
}

function* checkWorkloads(service: WrittenObject, mesh: MeshView): Iterable<Fault> {
  const { spec, id } = service
  // Configuration alone (as in a review of Istio objects) says nothing of what runs.
  if (spec['type'] === 'ExternalName' || !mesh.any(topic.carriers('*'))) return
  const selector = selectorOf(service)
  if (Object.keys(selector).length === 0) {
    if (mesh.any(topic.one('Endpoints', nameOf(service))) || mesh.any(topic.slicesOf(nameOf(service)))) return
    const message = 'has no selector and no EndpointSlice, and so no endpoints: requests to it are answered by 503'
    const mend = 'Add a `selector` with labels of its workloads, or an EndpointSlice.'
    yield { code: 'WEFT0102', field: 'spec', message, mend }
    return
  }
  const behind = mesh.behind(service)
  if (behind.length === 0 && !mesh.any(topic.slicesOf(nameOf(service)))) {
    const message = `no workload of namespace ${id.namespace} carries ${shownLabels(selector)}: requests to it are answered by 503`
    const mend = 'Correct the selector, or add the labels to a workload.'
    yield { code: 'WEFT0102', field: 'spec.selector', message, mend }
  }
  for (const [i, port] of itemsOf(spec['ports']).entries()) {
    for (const workload of behind) yield* checkTarget(port, `spec.ports[${i}]`, workload)
  }
}

/** A workload of ours lists all its ports; a pod need not. */
function* checkTarget(port: Fields, field: string, workload: WrittenObject): Iterable<Fault> {
  if (fullKind(workload.id) !== 'Workload.weft.dev') return
  const targetPort = (port['targetPort'] ?? port['port']) as number | string
  const own = itemsOf(workload.spec['ports']).map((each) => ({
    name: textOf(each['name']),
    port: Number(each['port']),
  }))
  const target = targetPortOf({ targetPort }, own)
  if (target !== undefined && own.some((each) => each.port === target)) return
  const message = `Workload ${workload.id.name} has no port ${String(targetPort)}, so connections to it are refused`
  const known = own.map((each) => `${each.name} (${each.port})`).join(', ')
  const mend = `Use one of its ports: ${known || 'it has none'}.`
  const written = port['targetPort'] === undefined || port['targetPort'] === port['port'] ? 'port' : 'targetPort'
  yield { code: 'WEFT0101', field: `${field}.${written}`, message, mend }
}

interface Claim {
  readonly service: WrittenObject
  readonly port: number
  readonly target: string
  readonly protocol: string
}

/** Services of one namespace that lead to the same port of the same pods, and differ about it. */
function* checkDeployment(deployment: WrittenObject, mesh: MeshView): Iterable<Fault> {
  const labels = runningLabels(deployment) ?? {}
  const claims = mesh.servicesFor(deployment.id.namespace, labels).flatMap((service) =>
    itemsOf(service.spec['ports']).map(
      (port): Claim => ({
        service,
        port: Number(port['port']),
        target: String(port['targetPort'] ?? port['port']),
        protocol: spokenBy(port),
      }),
    ),
  )
  const field = 'spec.template.metadata.labels'
  for (const [port, group] of Map.groupBy(claims, (claim) => claim.port)) {
    const protocols = new Set(group.map(({ protocol }) => protocol))
    if (protocols.size < 2) continue
    const message = `its pods belong to Services ${shownServices(group)}, which use port ${port} with different protocols (${[...protocols].join(', ')})`
    yield { code: 'IST0116', field, message, mend: 'Use one protocol, or different ports.' }
  }
  for (const [target, group] of Map.groupBy(claims, (claim) => claim.target)) {
    const ports = new Set(group.map(({ port }) => port))
    if (ports.size < 2 || new Set(group.map(({ service }) => service)).size < 2) continue
    const message = `its pods belong to Services ${shownServices(group)}, which lead different ports (${[...ports].join(', ')}) to target port ${target}`
    yield { code: 'IST0137', field, message, mend: 'Use one Service port for one target port.' }
  }
}

function spokenBy(port: Fields): string {
  const appProtocol = textOf(port['appProtocol'])
  return protocolOf({ name: textOf(port['name']), ...(appProtocol === '' ? {} : { appProtocol }) })
}

function shownServices(claims: readonly Claim[]): string {
  return [...new Set(claims.map(({ service }) => service.id.name))].join(', ')
}

/** 1337 is the user whose traffic is not intercepted, since it is the proxy's own. */
function* checkUser(object: WrittenObject): Iterable<Fault> {
  const path = object.id.kind === 'Pod' ? ['spec'] : ['spec', 'template', 'spec']
  const pod = dig(object.body, ...path)
  const at = path.join('.')
  const message = "runs as user 1337, which is the proxy's: its traffic goes around the mesh"
  const mend = 'Run the application as another user.'
  if (dig(pod, 'securityContext', 'runAsUser') === 1337) {
    yield { code: 'IST0144', field: `${at}.securityContext.runAsUser`, message, mend }
    return
  }
  for (const [i, container] of itemsOf(dig(pod, 'containers')).entries()) {
    if (container['name'] === 'istio-proxy' || dig(container, 'securityContext', 'runAsUser') !== 1337) continue
    yield { code: 'IST0144', field: `${at}.containers[${i}].securityContext.runAsUser`, message, mend }
  }
}

/** Sidecars take datagrams for what a UDPRoute is about, and for nothing else; in a cluster they go past the sidecar, which no address of one machine allows. */
function* checkDatagrams(service: WrittenObject, mesh: MeshView): Iterable<Fault> {
  const ports = itemsOf(service.spec['ports'])
  if (!ports.some((port) => port['protocol'] === 'UDP')) return
  if (!mesh.behind(service).some(({ id }) => fullKind(id) === 'Workload.weft.dev')) return
  const routed = mesh
    .at(topic.kind('UDPRoute.gateway.networking.k8s.io'))
    .flatMap((route) => routedPorts(route, service))
  for (const [i, port] of ports.entries()) {
    if (port['protocol'] !== 'UDP' || routed.includes(undefined) || routed.includes(Number(port['port']))) continue
    const message = `nobody takes the datagrams that are sent to port ${Number(port['port'])}: no UDPRoute names it`
    const mend = 'Add a UDPRoute whose `parentRefs` and `backendRefs` name the Service.'
    yield { code: 'WEFT0112', field: `spec.ports[${i}].protocol`, message, mend }
  }
}

/** Ports of a Service that a route is about, as its parent or as a backend; undefined for all of them. */
function routedPorts({ spec, id }: WrittenObject, service: WrittenObject): (number | undefined)[] {
  const backends = itemsOf(spec['rules']).flatMap((rule) => itemsOf(rule['backendRefs']))
  const services = backends.map((backend) => ({ kind: 'Service', ...backend }) as Fields)
  return [...itemsOf(spec['parentRefs']), ...services].flatMap((reference) => {
    const { kind, name, namespace = id.namespace, port } = reference
    if (kind !== 'Service' || name !== service.id.name || namespace !== service.id.namespace) return []
    return [port === undefined ? undefined : Number(port)]
  })
}

/** Checks of Services and what is behind them. */
export const services: readonly Check[] = [
  { name: 'port-names', kinds: ['Service'], run: checkPortNames },
  { name: 'service-workloads', kinds: ['Service'], run: checkWorkloads },
  { name: 'service-datagrams', kinds: ['Service'], run: checkDatagrams },
  { name: 'deployment-services', kinds: ['Deployment.apps'], run: checkDeployment },
  { name: 'application-uid', kinds: ['Pod', 'Deployment.apps'], run: checkUser },
]
