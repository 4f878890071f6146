// The questions that views ask of a mesh, as names: a topic is one question, and an object is part of the answer to the
// topics listed here. What an object says about itself is all that goes in, so a change of it touches these topics only.
import {
  type DestinationRuleSpec,
  type KindName,
  resolveGateway,
  resolveHost,
  serviceFqdn,
  type SpecByKind,
  type VirtualServiceSpec,
} from '@weft/resources'
import type { SnapshotInstance, SnapshotObject, SnapshotUnenforceable } from './mesh-snapshot.ts'

type Labels = Readonly<Record<string, string>>

/** Topics of a configuration object. */
export function topicsOfObject(kind: KindName, object: SnapshotObject): readonly string[] {
  const { namespace } = object.id
  switch (kind) {
    case 'Service': {
      const { selector } = object.spec as SpecByKind['Service']
      return ['Service', serviceTopic(serviceFqdn(object.id)), ...selectionOf('Service', namespace, selector, false)]
    }
    case 'Workload':
      return labelTopics('Workload', namespace, object.labels)
    case 'DestinationRule':
      return destinationRuleTopics(object as SnapshotObject<DestinationRuleSpec>)
    case 'VirtualService':
      return virtualServiceTopics(object as SnapshotObject<VirtualServiceSpec>)
    case 'Gateway':
    case 'EnvoyFilter':
      return [kind]
    case 'PeerAuthentication':
    case 'RequestAuthentication':
    case 'AuthorizationPolicy': {
      const { selector } = object.spec as SpecByKind[
        | 'PeerAuthentication'
        | 'RequestAuthentication'
        | 'AuthorizationPolicy']
      return selectionOf(kind, namespace, selector?.matchLabels ?? {}, true)
    }
    default:
      // Kinds that are checked and reported, and no generator asks about.
      return []
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

/** The Service of a full host name. */
export function serviceTopic(host: string): string {
  return `Service/${host}`
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

/** The VirtualServices that ask for labels of their callers. */
export const askingForLabels = 'VirtualService?sourceLabels'

/** The DestinationRules that callers of different namespaces see differently. */
export const localDestinationRules = 'DestinationRule?local'

/** The DestinationRules that ask for labels of their callers to order endpoints. */
export const askingForFailover = 'DestinationRule?failoverPriority'

/** The labels of its callers by which a rule orders endpoints. */
export function failoverLabels({ trafficPolicy, subsets }: DestinationRuleSpec): string[] {
  const policies = [trafficPolicy, ...subsets.map((subset) => subset.trafficPolicy)]
  return policies
    .flatMap((policy) => [policy, ...(policy?.portLevelSettings ?? [])])
    .flatMap((policy) => policy?.loadBalancer?.localityLbSetting?.failoverPriority ?? [])
    .flatMap((label) => (label.includes('=') ? [] : [label]))
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

function destinationRuleTopics({ id, spec }: SnapshotObject<DestinationRuleSpec>): string[] {
  const host = resolveHost(spec.host, id.namespace)
  const exported = spec.exportTo.length === 0 || spec.exportTo.includes('*')
  const ofOwnService = host.split('.')[1] === id.namespace
  const everyone = exported && ofOwnService && spec.workloadSelector === undefined
  return [
    destinationRuleTopic(host),
    ...(everyone ? [] : [localDestinationRules]),
    ...(failoverLabels(spec).length === 0 ? [] : [askingForFailover]),
  ]
}

function virtualServiceTopics({ id, spec }: SnapshotObject<VirtualServiceSpec>): string[] {
  const hosts = spec.hosts.map((host) => resolveHost(host, id.namespace))
  const gateways = spec.gateways.map((name) => resolveGateway(name, id.namespace))
  const matches = [...spec.http, ...spec.tcp].flatMap((rule) => rule.match ?? [])
  const topics = [
    'VirtualService',
    ...(hosts.length === 0 ? [delegateTopic(id.namespace, id.name)] : []),
    ...hosts.map((host) => (host.includes('*') ? wildcardVirtualServices : virtualServiceTopic(host))),
    ...gateways.map(gatewayTopic),
    ...(matches.some((match) => Object.keys(match.sourceLabels ?? {}).length > 0) ? [askingForLabels] : []),
  ]
  return [...new Set(topics)]
}
