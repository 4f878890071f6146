// AUTO_PASSTHROUGH: a gateway that leads mutual TLS of the mesh to the workloads behind the server name that sidecars ask for.
import { originOf, type Origin } from '@weft/core'
import { hostCovers } from '@weft/resources'
import { Cluster_DiscoveryType as Discovery, ClusterSchema } from '@weft/xds/es/envoy/config/cluster/v3/cluster'
import type { MeshQuery } from '../snapshot/mesh-query.ts'
import { adsSource } from './config-source.ts'
import {
  type Callers,
  destinationRulesFor,
  mergeDestinationRules,
  policyDefaults,
  type PolicyDefaults,
  portPolicy,
  ruleScope,
  serviceDefaults,
  withDefaults,
} from './destination-rules.ts'
import { encodeResource } from './encode.ts'
import { type AllEndpointRefs, assignments, type EndpointScope, endpointScope, endpointViews } from './endpoints.ts'
import { gatewayPorts, gatewaysOf, hostsOf, type PlacedServer, type ServerHost, serversOf } from './gateways.ts'
import { type BuiltResource, generator, makeView } from './generator.ts'
import { discoveryKind } from './host-discovery.ts'
import { type Service, serviceHost, sniCluster } from './hosts.ts'
import { istioService } from './inbound-clusters.ts'
import { weftMetadata } from './metadata.ts'
import { isSeen } from './service-references.ts'
import { policyMembers } from './traffic-policy.ts'

/** A server name that is passed on, which is the name of the cluster, too. */
export interface PassedName {
  readonly name: string
  /** Of the host, or of its subset. */
  readonly origin: Origin
}

/** Whether connections to a server go where their server name says. */
export function passesByName({ server: { tls } }: PlacedServer): boolean {
  return tls?.mode === 'AUTO_PASSTHROUGH'
}

/** The server names that a server passes on: a port of each host that it has, and each subset of it. */
export function passedNames(mesh: MeshQuery, placed: PlacedServer, callers: Callers): PassedName[] {
  const hosts = hostsOf(placed)
  return mesh.services().flatMap((service) => {
    if (!isSeen(mesh, service, callers) || !isPassedTo(service, hosts)) return []
    const host = serviceHost(service)
    const { subsets } = mergeDestinationRules(destinationRulesFor(mesh, service, callers))
    return service.spec.ports.flatMap(({ port }) => [
      { name: sniCluster(host, port), origin: originOf(service.id, '') },
      ...subsets.map(({ subset, origin }) => ({ name: sniCluster(host, port, subset.name), origin })),
    ])
  })
}

/** Hosts inside the mesh whose endpoints it knows: who dials them speaks mutual TLS with them, and not with the gateway. */
function isPassedTo(service: Service, hosts: readonly ServerHost[]): boolean {
  if (service.spec.entry?.external === true || discoveryKind(service, true) !== 'eds') return false
  const name = serviceHost(service)
  return hosts.some(
    ({ namespace, host }) => (namespace === '*' || namespace === service.id.namespace) && hostCovers(host, name),
  )
}

interface PassedScope extends EndpointScope {
  readonly policies: PolicyDefaults
}

/** `outbound_.<port>_.<subset>_.<host>` and its endpoints, for what AUTO_PASSTHROUGH servers of a gateway pass on. */
export const autoPassthrough = generator({
  name: 'auto-passthrough',
  scope(mesh, proxy) {
    const { ports } = gatewayPorts(mesh, proxy.instance)
    const servers = ports.flatMap((port) =>
      serversOf(gatewaysOf(mesh, proxy.instance.labels, port.servers), port.servers).filter(passesByName),
    )
    return {
      // Connections come with mutual TLS in them: tunnels would put a second one around it.
      endpoints: { ...endpointScope(mesh, proxy), tunnels: false },
      callers: ruleScope(mesh, proxy),
      policies: policyDefaults(mesh.settings),
      hosts: servers.flatMap(hostsOf),
    }
  },
  each: ['Service'],
  views(mesh, { endpoints, hosts, policies, callers }, item) {
    const service = item as Service
    if (hosts.length === 0 || !isPassedTo(service, hosts) || !isSeen(mesh, service, callers)) return []
    return endpointViews(mesh, endpoints, item).map(({ scope, refs }) =>
      makeView<PassedScope, AllEndpointRefs>({ ...scope, policies: serviceDefaults(service, policies) }, refs),
    )
  },
  build: ({ scope, refs }) => ({
    resources: [...clusters(scope, refs), ...assignments(scope, refs, onlyMutualTls, sniCluster)],
    problems: [],
    losers: [],
  }),
})

/** Plain bytes to the gateway, which takes no part in their TLS. */
function clusters(
  { policies }: PassedScope,
  { service: services, destinationRules }: AllEndpointRefs,
): BuiltResource[] {
  const { policy, origin: rule, subsets } = mergeDestinationRules(destinationRules)
  const whole = [{ subset: undefined, origin: rule }, ...subsets]
  return services.flatMap((service) =>
    service.spec.ports.flatMap(({ port }) =>
      whole.map(({ subset, origin }) => {
        const name = sniCluster(serviceHost(service), port, subset?.name)
        const own = withDefaults(portPolicy(policy, subset?.trafficPolicy, port), policies)
        const host = originOf(service.id, '')
        const init = {
          name,
          ...policyMembers(own, undefined),
          clusterDiscoveryType: { case: 'type' as const, value: Discovery.EDS },
          edsClusterConfig: { edsConfig: adsSource(), serviceName: name },
          metadata: weftMetadata(
            { origin: host, destinationRule: origin },
            { services: [istioService(service)], ...(subset === undefined ? {} : { subset: subset.name }) },
          ),
        }
        return encodeResource(ClusterSchema, name, init, origin === undefined ? [host] : [host, origin])
      }),
    ),
  )
}

type Groups = Parameters<NonNullable<Parameters<typeof assignments>[2]>>[0]

/** Who takes no mutual TLS of the mesh would be open to anybody who writes its name: nothing passed on was ever verified here. */
function onlyMutualTls(groups: Groups): Groups {
  return groups.flatMap((group) => {
    const lbEndpoints = (group.lbEndpoints ?? []).filter(
      ({ metadata }) => metadata?.filterMetadata?.['envoy.transport_socket_match']?.['tlsMode'] === 'istio',
    )
    return lbEndpoints.length === 0 ? [] : [{ ...group, lbEndpoints }]
  })
}
