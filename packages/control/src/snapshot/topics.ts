// The questions that views ask of a mesh, as names: a topic is one question, and an object is part of the answer to the
// topics listed here. What an object says about itself is all that goes in, so a change of it touches these topics only.
import {
  type ClientTls,
  type DestinationRuleSpec,
  type KindName,
  type LoadBalancer,
  mirrorsOf,
  resolveGateway,
  resolveHost,
  type SpecByKind,
  type VirtualServiceSpec,
  type WorkloadEntrySpec,
} from '@weft/resources'
import { gatewayApiTopics, namedTopic } from '../gateway-api/topics.ts'
import { serviceNameLabel } from './elsewhere.ts'
import { exportsOf, hostName, isDynamic, type MeshHost } from './mesh-hosts.ts'
import type { SnapshotInstance, SnapshotObject, SnapshotUnenforceable } from './mesh-snapshot.ts'

type Labels = Readonly<Record<string, string>>

/** Topics of a configuration object. */
export function topicsOfObject(kind: KindName, object: SnapshotObject): readonly string[] {
  const { namespace } = object.id
  switch (kind) {
    case 'Service':
      return hostTopics(object as MeshHost)
    case 'Workload':
      return labelTopics('Workload', namespace, object.labels)
    case 'Pod':
      return [namedTopic(kind, namespace, object.id.name), ...labelTopics('Pod', namespace, object.labels)]
    case 'EndpointSlice': {
      const service = object.labels[serviceNameLabel]
      return service === undefined ? [] : [sliceTopic(namespace, service)]
    }
    case 'WorkloadEntry':
      return workloadEntryTopics(object as SnapshotObject<WorkloadEntrySpec>)
    case 'WorkloadGroup':
      return [workloadGroupTopic(namespace, object.id.name)]
    case 'DestinationRule':
      return destinationRuleTopics(object as SnapshotObject<DestinationRuleSpec>)
    case 'VirtualService':
      return virtualServiceTopics(object as SnapshotObject<VirtualServiceSpec>)
    case 'Gateway':
    case 'EnvoyFilter':
      return [kind]
    case 'Sidecar': {
      const { workloadSelector } = object.spec as SpecByKind['Sidecar']
      return selectionOf('Sidecar', namespace, workloadSelector?.labels ?? {}, true)
    }
    case 'PeerAuthentication':
    case 'RequestAuthentication':
    case 'AuthorizationPolicy':
    case 'WasmPlugin':
    case 'Telemetry': {
      const { selector } = object.spec as SpecByKind[
        | 'PeerAuthentication'
        | 'RequestAuthentication'
        | 'AuthorizationPolicy'
        | 'WasmPlugin'
        | 'Telemetry']
      return selectionOf(kind, namespace, selector?.matchLabels ?? {}, true)
    }
    default:
      // The Gateway API's, and none for kinds that are checked and reported, and no generator asks about.
      return gatewayApiTopics(kind, object)
  }
}

/** Topics of a workload instance. */
export function topicsOfInstance({ value }: SnapshotInstance): readonly string[] {
  return ['Instance', ...labelTopics('Instance', value.namespace, value.labels)]
}

/** Topics of a policy that cannot be enforced. */
export function topicsOfUnenforceable({ value }: SnapshotUnenforceable): readonly string[] {
  return selectionOf('unenforceable', value.id.namespace, value.selector ?? {}, true)
}

/** The hosts of a full name. */
export function serviceTopic(host: string): string {
  return `Service/${host}`
}

/** The hosts that have an endpoint at an address, as written in their ServiceEntry. */
export function addressTopic(address: string): string {
  return `Service@${address}`
}

/** The hosts that stand for names which callers bring. */
export const dynamicServices = 'Service?dynamic'

/** The hosts that not everyone sees. */
export const localServices = 'Service?local'

/** WorkloadEntries made from a group take from it what they do not say themselves. */
export const groupAnnotation = 'istio.io/autoRegistrationGroup'

/** The WorkloadGroup of a name. */
export function workloadGroupTopic(namespace: string, name: string): string {
  return `WorkloadGroup=${namespace}/${name}`
}

/** The EndpointSlices of a Service. */
export function sliceTopic(namespace: string, service: string): string {
  return `EndpointSlice>${namespace}/${service}`
}

/** The DestinationRules for a full host name. */
export function destinationRuleTopic(host: string): string {
  return `DestinationRule/${host}`
}

/** The VirtualServices that name a full host name; see `wildcardVirtualServices` for the others that may cover it. */
export function virtualServiceTopic(host: string): string {
  return `VirtualService/${host}`
}

/** The VirtualServices with a wildcard host. */
export const wildcardVirtualServices = 'VirtualService/*'

/** The VirtualService of a name, for those that delegate to it. */
export function delegateTopic(namespace: string, name: string): string {
  return `VirtualService=${namespace}/${name}`
}

/** The VirtualServices bound to a gateway `namespace/name`. */
export function gatewayTopic(gateway: string): string {
  return `VirtualService@${gateway}`
}

/** Those of them that name a host, in lower case as it is written; all wildcards are one. */
export function gatewayHostTopic(gateway: string, host: string): string {
  return `${gatewayTopic(gateway)} ${host.includes('*') ? '*' : host}`
}

/** The VirtualServices that send something to a full host name. */
export function destinationTopic(host: string): string {
  return `VirtualService>${host}`
}

/** The VirtualServices that ask for labels of their callers. */
export const askingForLabels = 'VirtualService?sourceLabels'

/** The DestinationRules that callers of different namespaces see differently. */
export const localDestinationRules = 'DestinationRule?local'

/** The DestinationRules that ask who their callers are to order endpoints. */
export const askingForFailover = 'DestinationRule?failoverPriority'

/** The labels of its callers by which a rule orders endpoints. */
export function failoverLabels(rule: DestinationRuleSpec): string[] {
  return balancersOf(rule)
    .flatMap(({ localityLbSetting, zoneAware }) => [localityLbSetting, zoneAware])
    .flatMap((setting) => setting?.failoverPriority ?? [])
    .flatMap((label) => (label.includes('=') ? [] : [label]))
}

/** Whether a rule shares endpoints among its callers by zone. */
export function sharesByZone(rule: DestinationRuleSpec): boolean {
  return balancersOf(rule).some(({ zoneAware }) => zoneAware !== undefined)
}

function balancersOf({ trafficPolicy, subsets }: DestinationRuleSpec): LoadBalancer[] {
  return [trafficPolicy, ...subsets.map((subset) => subset.trafficPolicy)]
    .flatMap((policy) => [policy, ...(policy?.portLevelSettings ?? [])])
    .flatMap((policy) => policy?.loadBalancer ?? [])
}

/** The DestinationRules that name Secrets. */
export const namingSecrets = 'DestinationRule?credentialName'

/** The settings of a rule for servers outside that name Secrets. */
export function credentialsOf({ trafficPolicy, subsets }: DestinationRuleSpec): ClientTls[] {
  return [trafficPolicy, ...subsets.map((subset) => subset.trafficPolicy)]
    .flatMap((policy) => [policy, ...(policy?.portLevelSettings ?? [])])
    .flatMap((policy) => (policy?.tls?.credentialName === undefined ? [] : policy.tls))
}

/** What selects by labels: all candidates for a workload are found under these topics. */
export function candidateTopics(kind: string, namespace: string, labels: Labels): string[] {
  return [`${kind}?${namespace}`, ...labelTopics(kind, namespace, labels)]
}

/** What carries labels: all candidates for a selector are found under this topic; undefined for an empty selector. */
export function carrierTopic(kind: string, namespace: string, selector: Labels): string | undefined {
  const [first] = Object.keys(selector).sort()
  return first === undefined ? undefined : `${kind}?${namespace}|${first}=${selector[first]}`
}

function labelTopics(kind: string, namespace: string, labels: Labels): string[] {
  return Object.entries(labels).map(([name, value]) => `${kind}?${namespace}|${name}=${value}`)
}

/** One label of a selector is enough to find it by; `emptySelectsAll` says what none at all means. */
function selectionOf(kind: string, namespace: string, selector: Labels, emptySelectsAll: boolean): string[] {
  const topic = carrierTopic(kind, namespace, selector)
  if (topic !== undefined) return [topic]
  return emptySelectsAll ? [`${kind}?${namespace}`] : []
}

function hostTopics(host: MeshHost): string[] {
  const { spec, id } = host
  const addresses = spec.entry?.endpoints.flatMap(({ address }) => address ?? []) ?? []
  return [
    'Service',
    serviceTopic(hostName(host)),
    ...(exportsOf(host).includes('*') ? [] : [localServices]),
    ...(isDynamic(host) ? [dynamicServices] : []),
    ...[...new Set(addresses)].map(addressTopic),
    ...selectionOf('Service', id.namespace, spec.selector, false),
  ]
}

/** One of a group carries the group's labels too, which are not known here: it is found by the namespace alone. */
function workloadEntryTopics({ id, labels, annotations, spec }: SnapshotObject<WorkloadEntrySpec>): string[] {
  if (annotations[groupAnnotation] !== undefined) return [groupedEntries(id.namespace)]
  return labelTopics('WorkloadEntry', id.namespace, { ...labels, ...spec.labels })
}

/** The WorkloadEntries of a namespace that belong to groups. */
export function groupedEntries(namespace: string): string {
  return `WorkloadEntry?${namespace}`
}

function destinationRuleTopics({ id, spec }: SnapshotObject<DestinationRuleSpec>): string[] {
  const host = resolveHost(spec.host, id.namespace)
  const exported = spec.exportTo.length === 0 || spec.exportTo.includes('*')
  const ofOwnService = host.split('.')[1] === id.namespace
  const everyone = exported && ofOwnService && spec.workloadSelector === undefined
  return [
    destinationRuleTopic(host),
    ...(everyone ? [] : [localDestinationRules]),
    ...(failoverLabels(spec).length === 0 && !sharesByZone(spec) ? [] : [askingForFailover]),
    ...(credentialsOf(spec).length === 0 ? [] : [namingSecrets]),
  ]
}

function virtualServiceTopics({ id, spec }: SnapshotObject<VirtualServiceSpec>): string[] {
  const hosts = spec.hosts.map((host) => resolveHost(host, id.namespace))
  const gateways = spec.gateways.map((name) => resolveGateway(name, id.namespace))
  const matches = [...spec.http, ...spec.tls, ...spec.tcp].flatMap((rule) => rule.match ?? [])
  const topics = [
    'VirtualService',
    ...(hosts.length === 0 ? [delegateTopic(id.namespace, id.name)] : []),
    ...hosts.map((host) => (host.includes('*') ? wildcardVirtualServices : virtualServiceTopic(host))),
    ...gateways.map(gatewayTopic),
    ...gateways
      .filter((gateway) => gateway !== 'mesh')
      .flatMap((gateway) => spec.hosts.map((host) => gatewayHostTopic(gateway, host.toLowerCase()))),
    ...destinationHosts({ id, spec }).map(destinationTopic),
    ...(matches.some((match) => Object.keys(match.sourceLabels ?? {}).length > 0) ? [askingForLabels] : []),
  ]
  return [...new Set(topics)]
}

/** Every host that a VirtualService names as a destination, in full. */
export function destinationHosts({
  id,
  spec,
}: Pick<SnapshotObject<VirtualServiceSpec>, 'id' | 'spec'>): readonly string[] {
  const destinations = [...spec.http, ...spec.tls, ...spec.tcp].flatMap((rule) => [
    ...(rule.route ?? []),
    ...('mirrors' in rule || 'mirror' in rule ? mirrorsOf(rule) : []),
  ])
  return [...new Set(destinations.map(({ destination }) => resolveHost(destination.host, id.namespace)))]
}
