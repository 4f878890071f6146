// The ready instances behind each Service port and subset. Their own input: a change here rebuilds nothing else.
import { originOf } from '@weft/core'
import {
  type AuthorizationPolicySpec,
  hasProxy,
  type Subset,
  type PeerAuthenticationSpec,
  selectsLabels,
  servingAddress,
  type ServicePort,
  type WorkloadEntrySpec,
  type WorkloadInstance,
} from '@weft/resources'
import { ClusterLoadAssignmentSchema } from '@weft/xds/es/envoy/config/endpoint/v3/endpoint'
import type { LbEndpointSchema } from '@weft/xds/es/envoy/config/endpoint/v3/endpoint_components'
import { effectiveMtls, peerAuthenticationsOf, takesMtls } from '../policies/peer-authentication.ts'
import { namesServices, policyLevel } from '../policies/workload-selection.ts'
import type { MeshQuery } from '../snapshot/mesh-query.ts'
import type { Ref, SnapshotInstance, SnapshotObject } from '../snapshot/mesh-snapshot.ts'
import { sharesByZone } from '../snapshot/topics.ts'
import { asksServerName } from '../policies/rbac-rule.ts'
import { connectOriginateName, tunnelMatch, tunnelMetadata } from './connect-originate.ts'
import { takesTunnels, tunnelLabel, tunnelPort } from './connect-terminate.ts'
import {
  type Callers,
  type DestinationRule,
  destinationRulesFor,
  mergeDestinationRules,
  type PolicyDefaults,
  policyDefaults,
  portPolicy,
  ruleScope,
  serviceDefaults,
  withDefaults,
} from './destination-rules.ts'
import { encodeResource } from './encode.ts'
import { type BuiltResource, generator, makeView, type ProxyRef, type View } from './generator.ts'
import { discoveryKind } from './host-discovery.ts'
import { lbEndpointOf, writtenEndpoints } from './host-endpoints.ts'
import { outboundCluster, portKind, type Service, serviceHost } from './hosts.ts'
import {
  type ClientPlace,
  type Locality,
  localityGroups,
  localityOf,
  nodeLabel,
  parseLocality,
  type PlacedEndpoint,
  zoneAwareGroups,
} from './locality.ts'
import { type ClientsByZone, zoneOf } from './zone-shares.ts'
import { portOfInstance } from './instance-port.ts'
import { type Imports, imports, importsOf } from './sidecar-scope.ts'
import { isSeen, type ServiceReferences } from './service-references.ts'
import { internalAddress, socketAddress } from './socket-address.ts'
import { workloadMetadata } from './workload-metadata.ts'
import type { Init } from './init.ts'

type LbEndpointInit = Init<typeof LbEndpointSchema>

interface EndpointRefs {
  readonly instances: readonly SnapshotInstance[]
  readonly workloadEntries: readonly SnapshotObject<WorkloadEntrySpec>[]
  readonly peerAuthentications: readonly SnapshotObject<PeerAuthenticationSpec>[]
  /** Only those that keep workloads from taking tunnels. */
  readonly serverNamePolicies: readonly SnapshotObject<AuthorizationPolicySpec>[]
}

/** What endpoints depend on besides objects. */
export interface EndpointScope {
  readonly rootNamespace: string
  readonly trustDomain: string
  /** The client; nowhere where no rule asks where it is. */
  readonly client: ClientPlace
  /** Who shares the endpoints with it; nobody where no rule asks. */
  readonly clients: ClientsByZone
  readonly defaults: PolicyDefaults
  /** Whether the client sends streams of bytes through tunnels. */
  readonly tunnels: boolean
}

/** What endpoints are made from. */
export type AllEndpointRefs = EndpointRefs &
  Pick<ServiceReferences, 'destinationRules'> & { readonly service: readonly Service[] }

/** What a proxy's view of endpoints depends on besides objects. */
interface ProxyEndpointScope extends EndpointScope {
  readonly callers: Callers
  readonly hosts: Imports
  readonly namespace: string
}

type Groups = ReturnType<typeof localityGroups>

/** One ClusterLoadAssignment per outbound cluster. */
export const endpoints = generator({
  name: 'endpoints',
  scope: endpointScope,
  each: ['Service'],
  views: endpointViews,
  build: ({ scope, refs }) => ({ resources: assignments(scope, refs), problems: [], losers: [] }),
})

/** The scope of a proxy's endpoints. */
export function endpointScope(mesh: MeshQuery, proxy: ProxyRef): ProxyEndpointScope {
  return {
    callers: ruleScope(mesh, proxy),
    hosts: importsOf(mesh, proxy),
    namespace: importsOf(mesh, proxy) === undefined ? '' : proxy.instance.namespace,
    rootNamespace: mesh.settings.rootNamespace,
    trustDomain: mesh.settings.trustDomain,
    client: clientPlace(mesh, proxy),
    clients: clientsByZone(mesh, proxy),
    defaults: policyDefaults(mesh.settings),
    tunnels: hasProxy(proxy.instance),
  }
}

/** What stands behind one Service, for callers of a scope. */
export function endpointViews(
  mesh: MeshQuery,
  { callers, client, clients, hosts, namespace, ...scope }: ProxyEndpointScope,
  item: Ref | undefined,
): View<EndpointScope, AllEndpointRefs>[] {
  const service = item as Service
  // Where names are resolved, nobody asks for endpoints.
  if (!isSeen(mesh, service, callers) || discoveryKind(service, true) !== 'eds') return []
  if (!imports(mesh, hosts, service, namespace)) return []
  const instances = mesh.servingBehind(service)
  const destinationRules = destinationRulesFor(mesh, service, callers)
  const targets = instances.map(({ value }) => value)
  return [
    makeView<EndpointScope, AllEndpointRefs>(
      {
        ...scope,
        defaults: serviceDefaults(service, scope.defaults),
        client: asksForPlace(service, destinationRules, scope.defaults) ? client : nowhere,
        clients: destinationRules.some(({ spec }) => sharesByZone(spec)) ? clients : {},
      },
      {
        service: [service],
        destinationRules,
        instances,
        workloadEntries: mesh.workloadEntriesBehind(service),
        peerAuthentications: mesh.peerAuthentications(targets),
        serverNamePolicies: mesh.authorizationPolicies(targets).filter((policy) => asksServerName([policy])),
      },
    ),
  ]
}

/** The assignments of a Service's ports and subsets, each for the cluster that is `named` so; `shape` has the last word on the groups. */
export function assignments(
  scope: EndpointScope,
  refs: AllEndpointRefs,
  shape: (groups: Groups) => Groups = (groups) => groups,
  named: typeof outboundCluster = outboundCluster,
): BuiltResource[] {
  const { policy, subsets } = mergeDestinationRules(refs.destinationRules)
  const groups = (service: Service, port: ServicePort, subset?: Subset): Groups => {
    const rules = withDefaults(portPolicy(policy, subset?.trafficPolicy, port.port), scope.defaults)
    const { tls, loadBalancer, outlierDetection } = rules
    const { localityLbSetting: setting, zoneAware } = loadBalancer ?? {}
    const always = scope.defaults.ordered === true && setting === scope.defaults.localityLbSetting
    const usesTls = tls === undefined || tls.mode === 'ISTIO_MUTUAL'
    const labels = subset?.labels ?? {}
    const members = refs.instances.filter(({ value }) => selectsLabels(labels, value.labels))
    const all = [...running({ port, tls: usesTls }, members, refs, scope), ...written(service, port, refs, labels)]
    const placed = service.spec.nodeLocal === true ? all.filter(({ node }) => node === scope.client.node) : all
    if (zoneAware !== undefined) return shape(zoneAwareGroups(placed, scope.client, zoneAware, scope.clients))
    return shape(localityGroups(placed, scope.client, setting, always || outlierDetection !== undefined))
  }
  return refs.service.flatMap((service) =>
    service.spec.ports.flatMap((port) => [
      assignment(named(serviceHost(service), port.port), service, groups(service, port)),
      ...subsets.map(({ subset }) =>
        assignment(named(serviceHost(service), port.port, subset.name), service, groups(service, port, subset)),
      ),
    ]),
  )
}

/** The node of workloads that name none. */
const thisMachine = ''

const nowhere: ClientPlace = { locality: parseLocality(''), labels: {} }

/** Where a client is, and its labels that some rule asks for. */
function clientPlace(mesh: MeshQuery, { instance }: ProxyRef): ClientPlace {
  const labels = mesh.failoverLabelKeys().flatMap((key) => {
    const value = instance.labels[key]
    return value === undefined ? [] : [[key, value] as const]
  })
  return {
    locality: localityOf(instance.labels),
    labels: Object.fromEntries(labels),
    node: instance.labels[nodeLabel] ?? thisMachine,
  }
}

/** The instances of the client's application, by zone: those of its label `app`; without one it is alone. */
function clientsByZone(mesh: MeshQuery, { instance: { namespace, labels } }: ProxyRef): ClientsByZone {
  const { app } = labels
  if (app === undefined || !mesh.anySharesByZone()) return {}
  const zones = mesh.instancesWith(namespace, { app }).map(({ value }) => zoneOf(localityOf(value.labels)))
  return Object.fromEntries([...Map.groupBy(zones.sort(), (zone) => zone)].map(([zone, all]) => [zone, all.length]))
}

/** Whether endpoints depend on where the client is: by shares or preference, or since failing ones are found out. */
function asksForPlace(
  { spec: { nodeLocal, prefers } }: Service,
  rules: readonly DestinationRule[],
  { localityLbSetting }: PolicyDefaults,
): boolean {
  if (localityLbSetting?.distribute !== undefined || nodeLocal === true || prefers !== undefined) return true
  return rules.some(({ spec }) =>
    [spec.trafficPolicy, ...spec.subsets.map((subset) => subset.trafficPolicy)]
      .flatMap((policy) => [policy, ...(policy?.portLevelSettings ?? [])])
      .some(
        (policy) =>
          policy?.outlierDetection !== undefined ||
          policy?.loadBalancer?.zoneAware !== undefined ||
          policy?.loadBalancer?.localityLbSetting?.distribute !== undefined,
      ),
  )
}

function assignment(name: string, service: Service, endpoints: Groups): BuiltResource {
  return encodeResource(ClusterLoadAssignmentSchema, name, { clusterName: name, endpoints }, [originOf(service.id, '')])
}

interface Destination {
  readonly port: ServicePort
  /** Whether clients use TLS where the endpoint takes it: a DestinationRule can say no. */
  readonly tls: boolean
}

/** Endpoints that run: this mesh started them, or Kubernetes did. */
function running(
  { port, tls }: Destination,
  instances: readonly SnapshotInstance[],
  { peerAuthentications, serverNamePolicies }: EndpointRefs,
  scope: EndpointScope,
): PlacedEndpoint[] {
  return instances.flatMap((instance) => {
    const { value, elsewhere } = instance
    const target = portOfInstance(port, instance)
    if (target === undefined) return []
    const { rootNamespace } = scope
    const policies = peerAuthenticationsOf(peerAuthentications, value, rootNamespace)
    const mtls = takesMtls(value, effectiveMtls(policies, target).mode)
    const limiting = serverNamePolicies.filter(
      ({ id, spec }) =>
        policyLevel(id, spec, value, rootNamespace) !== undefined ||
        (namesServices(spec) && id.namespace === value.namespace),
    )
    // Elsewhere only a label can tell that a proxy takes them.
    const told = elsewhere === undefined ? value.proxy === 'sidecar' : value.labels[tunnelLabel] !== undefined
    const tunnels = scope.tunnels && told
    const tunnel = mtls && tls && portKind(port) === 'tcp' && tunnels && takesTunnels(value.labels, limiting)
    const init = tunnel ? behindTunnel(value, target, scope) : direct(value, target, mtls)
    const { labels } = value
    return [{ init, locality: placeOf(instance, scope.client), labels, node: nodeOf(instance) }]
  })
}

/** Endpoints that are written down; `labels` narrow to those of a subset. */
function written(
  service: Service,
  port: ServicePort,
  { workloadEntries }: Pick<EndpointRefs, 'workloadEntries'>,
  labels: Readonly<Record<string, string>>,
): PlacedEndpoint[] {
  const external = service.spec.entry?.external === true
  return writtenEndpoints(service, workloadEntries)
    .filter(({ spec, labels: own }) => spec.unready !== true && selectsLabels(labels, own))
    .flatMap((each) => {
      const placed = lbEndpointOf(each, port, external)
      if (placed === undefined) return []
      const locality = parseLocality(placed.locality)
      return [{ init: placed.endpoint, locality, labels: each.labels, node: each.labels[nodeLabel] }]
    })
}

/** The node of an instance: workloads that say nothing are all on this machine. */
function nodeOf({ value, elsewhere }: SnapshotInstance): string | undefined {
  return elsewhere === undefined ? (value.labels[nodeLabel] ?? thisMachine) : elsewhere.node
}

/** Where an instance is; an EndpointSlice tells the zone alone, which is in one region. */
function placeOf({ value, elsewhere }: SnapshotInstance, client: ClientPlace): Locality {
  const told = localityOf(value.labels)
  const zone = elsewhere?.zone
  if (zone === undefined || told.region !== '' || told.zone !== '') return told
  return { ...told, zone, region: zone === client.locality.zone ? client.locality.region : '' }
}

function direct(instance: WorkloadInstance, target: number, mtls: boolean): LbEndpointInit {
  const address = socketAddress(servingAddress(instance), target)
  return {
    hostIdentifier: { case: 'endpoint', value: { address } },
    metadata: workloadMetadata(instance, mtls ? { tlsMode: 'istio' } : undefined),
  }
}

/** An internal address: the connection to it goes on as a CONNECT stream, by what the metadata says. */
function behindTunnel(instance: WorkloadInstance, target: number, { trustDomain }: EndpointScope): LbEndpointInit {
  const host = servingAddress(instance)
  const destination = `${host}:${target}`
  const { filterMetadata } = workloadMetadata(instance, { tlsMode: 'istio', ...tunnelMatch })
  const identity = `spiffe://${trustDomain}/ns/${instance.namespace}/sa/${instance.serviceAccount}`
  const tunnel = { destination, address: `${host}:${tunnelPort}`, identity }
  return {
    hostIdentifier: { case: 'endpoint', value: { address: internalAddress(connectOriginateName, destination) } },
    metadata: { filterMetadata: { ...filterMetadata, [tunnelMetadata]: tunnel } },
  }
}
