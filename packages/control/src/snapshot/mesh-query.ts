// What views ask about the mesh.
import {
  type AuthorizationPolicySpec,
  type DestinationRuleSpec,
  type EndpointSliceSpec,
  type GatewaySpec,
  hostCovers,
  isVisible,
  type PeerAuthenticationSpec,
  type PodSpec,
  type RequestAuthenticationSpec,
  resolveHost,
  selectsLabels,
  type SidecarSpec,
  serviceSelects,
  type TelemetrySpec,
  type VirtualServiceSpec,
  type WasmPluginSpec,
  type WorkloadEntrySpec,
  type WorkloadGroupSpec,
  type WorkloadSpec,
} from '@weft/resources'
import { delegates, mergeDelegates } from './delegates.ts'
import { type ElsewhereInstance, instanceOfPod, instancesOfSlices, workloadsOf } from './elsewhere.ts'
import { GatewayApiQuery } from './gateway-api-query.ts'
import { entryOfGroup, exportsOf, hostName, type MeshHost } from './mesh-hosts.ts'
import { merged } from './mesh-index.ts'
import { sourceLabelKeys } from './source-labels.ts'
import type { Ref, SnapshotInstance, SnapshotObject, SnapshotUnenforceable } from './mesh-snapshot.ts'
import {
  addressTopic,
  askingForFailover,
  namingSecrets,
  askingForLabels,
  carrierTopic,
  delegateTopic,
  failoverLabels,
  destinationHosts,
  destinationRuleTopic,
  destinationTopic,
  dynamicServices,
  gatewayHostTopic,
  gatewayTopic,
  groupAnnotation,
  groupedEntries,
  localDestinationRules,
  localServices,
  serviceTopic,
  sharesByZone,
  sliceTopic,
  virtualServiceTopic,
  wildcardVirtualServices,
  workloadGroupTopic,
} from './topics.ts'
import type { Selectable } from './topic-query.ts'

type Service = MeshHost
type VirtualService = SnapshotObject<VirtualServiceSpec>

/** Answers questions about one snapshot. All lists are sorted by key. */
export class MeshQuery extends GatewayApiQuery {
  /** Every host, of Services and ServiceEntries: to ask this is to be asked again whenever any of them changes. */
  services(): readonly Service[] {
    return this.at('Service')
  }

  /** The host of a full name. */
  service(host: string): Service | undefined {
    return this.at<Service>(serviceTopic(host))[0]
  }

  /**
   * The host of a full name as workloads of a namespace see it: of several, a Service before ServiceEntries, then what is their own,
   * then the first by key. '' sees what everyone sees.
   */
  serviceSeenBy(host: string, namespace: string): Service | undefined {
    const seen = this.at<Service>(serviceTopic(host)).filter((each) =>
      isVisible(exportsOf(each), each.id.namespace, namespace),
    )
    return seen.length < 2
      ? seen[0]
      : (seen.find(({ id }) => id.kind === 'Service') ?? seen.find(({ id }) => id.namespace === namespace) ?? seen[0])
  }

  /** The Services that stand for a workload, and the ServiceEntries that select it or name its address. */
  servicesFor(target: Selectable & { readonly address?: string }): Service[] {
    const selected = this.selecting<Service>('Service', [target]).filter(
      ({ id, spec }) => id.namespace === target.namespace && serviceSelects(spec.selector, target.labels),
    )
    if (target.address === undefined) return selected
    return merged(selected, this.at(addressTopic(target.address))) as Service[]
  }

  /** The WorkloadEntries behind a host, with what they take from their group. */
  workloadEntriesBehind({ id, spec }: Service): SnapshotObject<WorkloadEntrySpec>[] {
    const topic = carrierTopic('WorkloadEntry', id.namespace, spec.selector)
    if (topic === undefined) return []
    const entries = merged(this.at(topic), this.at(groupedEntries(id.namespace)))
    return (entries as SnapshotObject<WorkloadEntrySpec>[])
      .map((entry) => this.#withGroup(entry))
      .filter((entry) => selectsLabels(spec.selector, { ...entry.labels, ...entry.spec.labels }))
  }

  #withGroup(entry: SnapshotObject<WorkloadEntrySpec>): SnapshotObject<WorkloadEntrySpec> {
    const name = entry.annotations[groupAnnotation]
    if (name === undefined) return entry
    const group = this.at<SnapshotObject<WorkloadGroupSpec>>(workloadGroupTopic(entry.id.namespace, name))[0]
    return group === undefined ? entry : entryOfGroup(entry, group)
  }

  /** The Workloads behind a Service, and what stands behind it elsewhere as Workloads. */
  workloadsBehind(service: Service): SnapshotObject<WorkloadSpec>[] {
    const elsewhere = workloadsOf(this.elsewhereBehind(service))
    return merged(elsewhere, this.ownWorkloadsBehind(service)) as SnapshotObject<WorkloadSpec>[]
  }

  /** The Workloads behind a Service. */
  ownWorkloadsBehind({ id, spec }: Service): SnapshotObject<WorkloadSpec>[] {
    const topic = carrierTopic('Workload', id.namespace, spec.selector)
    if (topic === undefined) return []
    return this.at<SnapshotObject<WorkloadSpec>>(topic).filter(({ labels }) => selectsLabels(spec.selector, labels))
  }

  /** The instances behind a Service, ready or not. */
  instancesBehind(service: Service): SnapshotInstance[] {
    const { id, spec } = service
    const topic = carrierTopic('Instance', id.namespace, spec.selector)
    const own = topic === undefined ? [] : this.at<SnapshotInstance>(topic)
    const selected = own.filter(({ value }) => selectsLabels(spec.selector, value.labels))
    return merged(this.elsewhereBehind(service), selected) as SnapshotInstance[]
  }

  /** The instances behind a Service that take traffic: those that are ready; where none is, those that end and still answer. */
  servingBehind(service: Service): SnapshotInstance[] {
    const early = service.spec.publishNotReadyAddresses === true
    const all = this.instancesBehind(service).filter(({ value }) => !value.draining)
    const ready = all.filter(({ value }) => value.ready || early)
    return ready.length > 0 ? ready : all.filter(({ elsewhere }) => elsewhere?.leaving === true)
  }

  /** What stands behind a Service and was not started by this mesh: as its EndpointSlices say, else the Pods that it selects. */
  elsewhereBehind({ id, spec }: Service): ElsewhereInstance[] {
    const slices =
      id.kind === 'Service' ? this.at<SnapshotObject<EndpointSliceSpec>>(sliceTopic(id.namespace, id.name)) : []
    if (slices.length > 0) return instancesOfSlices(slices, spec, (name) => this.named('Pod', id.namespace, name))
    const topic = carrierTopic('Pod', id.namespace, spec.selector)
    if (topic === undefined) return []
    return this.at<SnapshotObject<PodSpec>>(topic)
      .filter(({ labels }) => selectsLabels(spec.selector, labels))
      .flatMap((pod) => instanceOfPod(pod) ?? [])
  }

  /** The DestinationRules for a Service, whoever they are exported to. */
  destinationRulesOf(service: Service): readonly SnapshotObject<DestinationRuleSpec>[] {
    return this.at(destinationRuleTopic(hostName(service)))
  }

  /** Namespaces that see hosts or DestinationRules which others do not see, or otherwise; labels that those of one ask for. */
  localRules(namespace: string): { readonly namespaces: ReadonlySet<string>; readonly labelKeys: readonly string[] } {
    const rules = this.at<SnapshotObject<DestinationRuleSpec>>(localDestinationRules)
    const own = rules.filter(({ id }) => id.namespace === namespace).map(({ spec }) => spec.workloadSelector)
    const keys = own.flatMap((selector) => Object.keys(selector?.matchLabels ?? {}))
    const hosts = this.at<Service>(localServices).flatMap((host) => [host.id.namespace, ...exportsOf(host)])
    return {
      namespaces: new Set([...rules.flatMap(({ id, spec }) => [id.namespace, ...spec.exportTo]), ...hosts]),
      labelKeys: [...new Set(keys)].sort(),
    }
  }

  /** Labels of their callers that some DestinationRule asks for to find out which endpoints come first. */
  failoverLabelKeys(): string[] {
    const rules = this.at<SnapshotObject<DestinationRuleSpec>>(askingForFailover)
    return [...new Set(rules.flatMap(({ spec }) => failoverLabels(spec)))].sort()
  }

  /** The DestinationRules that name Secrets. */
  rulesNamingSecrets(): readonly SnapshotObject<DestinationRuleSpec>[] {
    return this.at(namingSecrets)
  }

  /** Whether some DestinationRule shares endpoints among its callers by zone. */
  anySharesByZone(): boolean {
    return this.at<SnapshotObject<DestinationRuleSpec>>(askingForFailover).some(({ spec }) => sharesByZone(spec))
  }

  /** The instances of a namespace that carry labels: all of an application, say. */
  instancesWith(namespace: string, labels: Readonly<Record<string, string>>): SnapshotInstance[] {
    const topic = carrierTopic('Instance', namespace, labels)
    return topic === undefined
      ? []
      : this.at<SnapshotInstance>(topic).filter(({ value }) => selectsLabels(labels, value.labels))
  }

  /** The VirtualServices whose hosts may cover a full host name. */
  virtualServicesNaming(host: string): readonly VirtualService[] {
    const wild = this.at<VirtualService>(wildcardVirtualServices).filter(({ id, spec }) =>
      spec.hosts.some((name) => hostCovers(resolveHost(name, id.namespace), host)),
    )
    const named = merged(this.at(virtualServiceTopic(host)), wild) as readonly VirtualService[]
    return named.map((virtualService) => this.withDelegates(virtualService))
  }

  /** A VirtualService with the rules of those it delegates to. */
  withDelegates(root: VirtualService): VirtualService {
    if (!delegates(root)) return root
    return mergeDelegates(root, (namespace, name) => this.at<VirtualService>(delegateTopic(namespace, name))[0])
  }

  /** The VirtualServices bound to any of these gateways (`namespace/name`). */
  virtualServicesOf(gateways: readonly string[]): readonly VirtualService[] {
    return gateways
      .map((gateway) => this.at<VirtualService>(gatewayTopic(gateway)))
      .reduce<readonly Ref[]>(merged, [])
      .map((ref) => this.withDelegates(ref as VirtualService))
  }

  /** Those of them whose hosts may be, or cover, one as clients of a gateway write it (in lower case). */
  virtualServicesAt(gateways: readonly string[], host: string): readonly VirtualService[] {
    return gateways
      .flatMap((gateway) => [gatewayHostTopic(gateway, host), gatewayHostTopic(gateway, '*')])
      .map((topic) => this.at<VirtualService>(topic))
      .reduce<readonly Ref[]>(merged, [])
      .map((ref) => this.withDelegates(ref as VirtualService))
  }

  /** The Services that VirtualServices send to. */
  destinationsOf(virtualServices: readonly VirtualService[]): Service[] {
    const hosts = virtualServices.flatMap(destinationHosts)
    return [...new Set(hosts)].sort().flatMap((host) => this.service(host) ?? [])
  }

  /** The VirtualServices that send something to a full host name, whoever sees them. */
  virtualServicesTo(host: string): readonly VirtualService[] {
    return this.at(destinationTopic(host))
  }

  /**
   * The Sidecars that may hold for a workload, the one in force first: what selects it, then what is for its namespace, then what is for the whole
   * mesh.
   */
  sidecarsFor(target: Selectable): SnapshotObject<SidecarSpec>[] {
    const { rootNamespace } = this.settings
    const rank = ({ id, spec }: SnapshotObject<SidecarSpec>): number => {
      const selector = spec.workloadSelector?.labels ?? {}
      if (Object.keys(selector).length > 0)
        return id.namespace === target.namespace && selectsLabels(selector, target.labels) ? 0 : -1
      return id.namespace === target.namespace ? 1 : id.namespace === rootNamespace ? 2 : -1
    }
    return this.selecting<SnapshotObject<SidecarSpec>>('Sidecar', this.withRoot([target]))
      .filter((sidecar) => rank(sidecar) >= 0)
      .sort((a, b) => rank(a) - rank(b))
  }

  /** The hosts that stand for names which callers bring. */
  dynamicHosts(): readonly Service[] {
    return this.at<Service>(dynamicServices)
  }

  /** Label keys that some rule asks of its caller, sorted: only these make callers differ. */
  sourceLabelKeys(): string[] {
    return sourceLabelKeys(this.at<VirtualService>(askingForLabels))
  }

  /** The Gateways whose selector picks these labels; an empty one picks every gateway workload, as in Istio. */
  gatewaysFor(labels: Readonly<Record<string, string>>): SnapshotObject<GatewaySpec>[] {
    return this.at<SnapshotObject<GatewaySpec>>('Gateway').filter(({ spec }) => selectsLabels(spec.selector, labels))
  }

  /** The PeerAuthentications that may hold for any of these workloads, mesh-wide ones included. */
  peerAuthentications(targets: readonly Selectable[]): SnapshotObject<PeerAuthenticationSpec>[] {
    return this.selecting('PeerAuthentication', this.withRoot(targets))
  }

  /** The RequestAuthentications that may hold for any of these workloads, mesh-wide ones included. */
  requestAuthentications(targets: readonly Selectable[]): SnapshotObject<RequestAuthenticationSpec>[] {
    return this.selecting('RequestAuthentication', this.withRoot(targets))
  }

  /** The AuthorizationPolicies that may hold for any of these workloads, mesh-wide ones included. */
  authorizationPolicies(targets: readonly Selectable[]): SnapshotObject<AuthorizationPolicySpec>[] {
    return this.selecting('AuthorizationPolicy', this.withRoot(targets))
  }

  /** The Telemetries that may hold for a workload, mesh-wide ones included. */
  telemetries(target: Selectable): SnapshotObject<TelemetrySpec>[] {
    return this.selecting('Telemetry', this.withRoot([target]))
  }

  /** The WasmPlugins that may hold for a workload, mesh-wide ones included. */
  wasmPlugins(target: Selectable): SnapshotObject<WasmPluginSpec>[] {
    return this.selecting('WasmPlugin', this.withRoot([target]))
  }

  /** The policies that may hold for a workload but cannot be enforced. */
  unenforceable(target: Selectable): SnapshotUnenforceable[] {
    return this.selecting('unenforceable', this.withRoot([target]))
  }
}
