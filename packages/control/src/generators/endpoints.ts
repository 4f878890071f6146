// The ready instances behind each Service port and subset. Their own input: a change here rebuilds nothing else.
import { originOf } from '@weft/core'
import {
  type AuthorizationPolicySpec,
  type PeerAuthenticationSpec,
  selectsLabels,
  servingAddress,
  type ServicePort,
  targetPortOf,
  type TrafficPolicy,
  type WorkloadEntrySpec,
  type WorkloadInstance,
} from '@weft/resources'
import { ClusterLoadAssignmentSchema } from '@weft/xds/es/envoy/config/endpoint/v3/endpoint'
import type { LbEndpointSchema } from '@weft/xds/es/envoy/config/endpoint/v3/endpoint_components'
import { effectiveMtls, peerAuthenticationsOf } from '../policies/peer-authentication.ts'
import { policyLevel } from '../policies/workload-selection.ts'
import type { SnapshotInstance, SnapshotObject } from '../snapshot/mesh-snapshot.ts'
import { asksServerName } from '../policies/rbac-rule.ts'
import { connectOriginateName, tunnelMatch, tunnelMetadata } from './connect-originate.ts'
import { takesTunnels, tunnelPort } from './connect-terminate.ts'
import { destinationRulesFor, mergeDestinationRules, portPolicy, ruleScope } from './destination-rules.ts'
import { encodeResource } from './encode.ts'
import { type BuiltResource, generator, makeView } from './generator.ts'
import { discoveryKind } from './host-discovery.ts'
import { byLocality, lbEndpointOf, type PlacedEndpoint, writtenEndpoints } from './host-endpoints.ts'
import { outboundCluster, portKind, type Service, serviceHost } from './hosts.ts'
import { imports, importsOf } from './sidecar-scope.ts'
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
interface EndpointScope {
  readonly rootNamespace: string
  readonly trustDomain: string
}

/** One ClusterLoadAssignment per outbound cluster. */
export const endpoints = generator({
  name: 'endpoints',
  scope: (mesh, proxy) => ({
    callers: ruleScope(mesh, proxy),
    hosts: importsOf(mesh, proxy),
    namespace: importsOf(mesh, proxy) === undefined ? '' : proxy.instance.namespace,
    rootNamespace: mesh.settings.rootNamespace,
    trustDomain: mesh.settings.trustDomain,
  }),
  each: ['Service'],
  views(mesh, { callers, hosts, namespace, ...scope }, item) {
    const service = item as Service
    // Where names are resolved, nobody asks for endpoints.
    if (!isSeen(mesh, service, callers) || discoveryKind(service, true) !== 'eds') return []
    if (!imports(mesh, hosts, service, namespace)) return []
    const early = service.spec.publishNotReadyAddresses === true
    const instances = mesh.instancesBehind(service).filter(({ value }) => (value.ready || early) && !value.draining)
    const targets = instances.map(({ value }) => value)
    return [
      makeView<
        EndpointScope,
        EndpointRefs & Pick<ServiceReferences, 'destinationRules'> & { readonly service: readonly Service[] }
      >(scope, {
        service: [service],
        destinationRules: destinationRulesFor(mesh, service, callers),
        instances,
        workloadEntries: mesh.workloadEntriesBehind(service),
        peerAuthentications: mesh.peerAuthentications(targets),
        serverNamePolicies: mesh.authorizationPolicies(targets).filter((policy) => asksServerName([policy])),
      }),
    ]
  },
  build({ scope, refs }) {
    const { policy, subsets } = mergeDestinationRules(refs.destinationRules)
    const tlsOf = (port: ServicePort, subset?: TrafficPolicy): boolean =>
      ['ISTIO_MUTUAL', undefined].includes(portPolicy(policy, subset, port.port).tls?.mode)
    const resources = refs.service.flatMap((service) =>
      service.spec.ports.flatMap((port) => [
        assignment(service, port, '', [
          ...running({ port, tls: tlsOf(port) }, refs.instances, refs, scope),
          ...written(service, port, refs, {}),
        ]),
        ...subsets.map(({ subset }) => {
          const members = refs.instances.filter(({ value }) => selectsLabels(subset.labels, value.labels))
          return assignment(service, port, subset.name, [
            ...running({ port, tls: tlsOf(port, subset.trafficPolicy) }, members, refs, scope),
            ...written(service, port, refs, subset.labels),
          ])
        }),
      ]),
    )
    return { resources, problems: [], losers: [] }
  },
})

function assignment(
  service: Service,
  port: ServicePort,
  subset: string,
  placed: readonly PlacedEndpoint[],
): BuiltResource {
  const name = outboundCluster(serviceHost(service), port.port, subset)
  const endpoints = byLocality(placed)
  return encodeResource(ClusterLoadAssignmentSchema, name, { clusterName: name, endpoints }, [originOf(service.id, '')])
}

interface Destination {
  readonly port: ServicePort
  /** Whether clients use TLS where the endpoint takes it: a DestinationRule can say no. */
  readonly tls: boolean
}

/** Endpoints that this mesh runs. */
function running(
  { port, tls }: Destination,
  instances: readonly SnapshotInstance[],
  { peerAuthentications, serverNamePolicies }: EndpointRefs,
  scope: EndpointScope,
): PlacedEndpoint[] {
  return instances.flatMap(({ value }) => {
    const target = targetPortOf(port, value.ports)
    if (target === undefined) return []
    const { rootNamespace } = scope
    const policies = peerAuthenticationsOf(peerAuthentications, value, rootNamespace)
    const mtls = value.proxy === 'sidecar' && effectiveMtls(policies, target).mode !== 'DISABLE'
    const limiting = serverNamePolicies.filter(
      ({ id, spec }) => policyLevel(id, spec.selector?.matchLabels, value, rootNamespace) !== undefined,
    )
    const tunnel = mtls && tls && portKind(port) === 'tcp' && takesTunnels(value.labels, limiting)
    const endpoint = tunnel ? behindTunnel(value, target, scope) : direct(value, target, mtls)
    return [{ locality: '', endpoint }]
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
    .filter((each) => selectsLabels(labels, each.labels))
    .flatMap((each) => lbEndpointOf(each, port, external) ?? [])
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
