// Under which topics an object can be found. A check that asks about a topic is run again when an object of that topic changes.
import { resolveGateway, resolveHost, serviceFqdn } from '../networking/host-names.ts'
import { selectorOf } from './selectors.ts'
import {
  dig,
  fieldsOf,
  fullKind,
  itemsOf,
  labelsOf,
  nameOf,
  textOf,
  textsOf,
  type WrittenObject,
} from './written-object.ts'

/** Topics as text, so that who asks and who answers write them alike. */
export const topic = {
  /** All objects of a kind. */
  kind: (kind: string) => `kind ${kind}`,
  /** Those of one namespace. */
  inNamespace: (kind: string, namespace: string) => `in ${kind} ${namespace}`,
  /** One object. */
  one: (kind: string, name: string) => `one ${kind} ${name}`,
  /** Services and ServiceEntries of a full host name, or of a wildcard as written. */
  host: (host: string) => `host ${host}`,
  /** The same, of every host that ends in `.suffix`. */
  hostsBelow: (suffix: string) => `below ${suffix}`,
  /** Services of a short name, in any namespace. */
  shortName: (name: string) => `short ${name}`,
  /** What runs with a label; namespace `*` for anywhere. */
  carrier: (namespace: string, label: string, value: string) => `runs ${namespace} ${label}=${value}`,
  /** What runs in a namespace, or (`*`) anywhere. */
  carriers: (namespace: string) => `runs ${namespace}`,
  /** Services that select by a label. */
  selectedBy: (namespace: string, label: string, value: string) => `selects ${namespace} ${label}=${value}`,
  /** DestinationRules of a host as resolved. */
  destinationRule: (host: string) => `rule ${host}`,
  /** VirtualServices that route a host inside the mesh. */
  meshHost: (host: string) => `routes ${host}`,
  /** VirtualServices that route wildcard hosts inside the mesh. */
  wildMeshHosts: 'routes *',
  /** VirtualServices that name a gateway. */
  boundTo: (gateway: string) => `bound ${gateway}`,
  /** VirtualServices that others delegate to it by name. */
  delegatesTo: (name: string) => `delegates ${name}`,
  /** AuthorizationPolicies that let an account (`namespace/name`) in by name. */
  letsIn: (account: string) => `lets in ${account}`,
  /** Gateways that serve a port. */
  gatewayPort: (port: number) => `port ${port}`,
  /** EndpointSlices of a Service (`namespace/name`). */
  slicesOf: (service: string) => `slices ${service}`,
  /** Gateways that serve a certificate. */
  credential: (name: string) => `credential ${name}`,
} as const

const podOwners = new Set(['Deployment.apps', 'StatefulSet.apps', 'DaemonSet.apps', 'ReplicaSet.apps', 'Job.batch'])

/** Labels of the workloads that an object is or makes; undefined when it is nothing of the kind. */
export function runningLabels(object: WrittenObject): Readonly<Record<string, string>> | undefined {
  const kind = fullKind(object.id)
  if (kind === 'Pod' || kind === 'Workload.weft.dev') return object.labels
  if (kind === 'WorkloadEntry.networking.istio.io') return { ...object.labels, ...labelsOf(object.spec['labels']) }
  if (kind === 'WorkloadGroup.networking.istio.io') return labelsOf(dig(object.spec, 'metadata', 'labels'))
  if (podOwners.has(kind)) return labelsOf(dig(object.spec, 'template', 'metadata', 'labels'))
  return undefined
}

/** The hosts by which a Service or ServiceEntry is called, lower-case. */
export function hostsOf(object: WrittenObject): string[] {
  const kind = fullKind(object.id)
  if (kind === 'Service') return [serviceFqdn(object.id)]
  if (kind !== 'ServiceEntry.networking.istio.io') return []
  return textsOf(object.spec['hosts']).map((host) => host.toLowerCase())
}

/** The gateways a VirtualService names, qualified; `mesh` when it names none. */
export function gatewaysOf({ spec, id }: WrittenObject): string[] {
  const written = textsOf(spec['gateways'])
  return written.length === 0 ? ['mesh'] : written.map((name) => resolveGateway(name, id.namespace))
}

/** Everything an object can be found under. */
export function topicsOf(object: WrittenObject): Set<string> {
  const kind = fullKind(object.id)
  const { namespace, name } = object.id
  const topics = [topic.kind(kind), topic.inNamespace(kind, namespace), topic.one(kind, nameOf(object))]
  for (const host of hostsOf(object)) topics.push(topic.host(host), ...suffixes(host).map(topic.hostsBelow))
  const running = runningLabels(object)
  if (running !== undefined) {
    topics.push(topic.carriers(namespace), topic.carriers('*'))
    for (const [label, value] of Object.entries(running)) {
      topics.push(topic.carrier(namespace, label, value), topic.carrier('*', label, value))
    }
  }
  if (kind === 'Service') {
    topics.push(topic.shortName(name))
    for (const [label, value] of Object.entries(selectorOf(object)))
      topics.push(topic.selectedBy(namespace, label, value))
  }
  topics.push(...networkingTopics(object, kind))
  return new Set(topics)
}

/** The accounts (`namespace/name`) that an ALLOW policy names as callers. */
function accountsLetIn({ spec, id }: WrittenObject): string[] {
  if (spec['action'] !== undefined && spec['action'] !== 'ALLOW') return []
  const sources = itemsOf(spec['rules']).flatMap((rule) =>
    itemsOf(rule['from']).map((from) => fieldsOf(from['source'])),
  )
  return sources.flatMap((source) => [
    ...textsOf(source['principals']).flatMap(
      (name) => /\/ns\/([^/]+)\/sa\/([^/]+)$/.exec(name)?.slice(1).join('/') ?? [],
    ),
    ...textsOf(source['serviceAccounts']).map((name) => (name.includes('/') ? name : `${id.namespace}/${name}`)),
  ])
}

/** The account that a workload runs as: `namespace/name`. */
export function accountOf(object: WrittenObject): string {
  const pod = object.id.kind === 'Pod' ? object.spec : dig(object.spec, 'template', 'spec')
  const name = textOf(object.spec['serviceAccount']) || textOf(dig(pod, 'serviceAccountName')) || 'default'
  return `${object.id.namespace}/${name}`
}

/** The Service that an EndpointSlice is about. */
export function serviceOfSlice({ labels }: WrittenObject): string | undefined {
  return labels['kubernetes.io/service-name']
}

function networkingTopics(object: WrittenObject, kind: string): string[] {
  const { spec, id } = object
  if (kind === 'DestinationRule.networking.istio.io') {
    return [topic.destinationRule(resolveHost(textOf(spec['host']), id.namespace))]
  }
  if (kind === 'Gateway.networking.istio.io') {
    const servers = itemsOf(spec['servers'])
    const ports = servers.map((server) => topic.gatewayPort(Number(dig(server, 'port', 'number') ?? 0)))
    return [...ports, ...servers.map((server) => topic.credential(textOf(dig(server, 'tls', 'credentialName'))))]
  }
  if (kind === 'EndpointSlice.discovery.k8s.io') {
    const service = serviceOfSlice(object)
    return service === undefined ? [] : [topic.slicesOf(`${id.namespace}/${service}`)]
  }
  if (kind === 'AuthorizationPolicy.security.istio.io') return accountsLetIn(object).map(topic.letsIn)
  if (kind !== 'VirtualService.networking.istio.io') return []
  const gateways = gatewaysOf(object)
  const hosts = textsOf(spec['hosts']).map((host) => resolveHost(host, id.namespace))
  const delegated = itemsOf(spec['http']).map((rule) => fieldsOf(rule['delegate']))
  return [
    ...gateways.map(topic.boundTo),
    ...(gateways.includes('mesh')
      ? hosts.map((host) => (host.startsWith('*') ? topic.wildMeshHosts : topic.meshHost(host)))
      : []),
    ...delegated.map((to) => topic.delegatesTo(`${textOf(to['namespace']) || id.namespace}/${textOf(to['name'])}`)),
  ]
}

/** `b.c` and `c` of `a.b.c`: hosts are few labels long. */
function suffixes(host: string): string[] {
  const found: string[] = []
  for (let dot = host.indexOf('.'); dot >= 0 && found.length < 16; dot = host.indexOf('.', dot + 1)) {
    found.push(host.slice(dot + 1))
  }
  return found
}
