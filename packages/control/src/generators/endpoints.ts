// The ready instances behind each Service port and subset. Their own input: a change here rebuilds nothing else.
import { originOf } from '@weft/core'
import {
  type PeerAuthenticationSpec,
  selectsLabels,
  servingAddress,
  type ServicePort,
  targetPortOf,
} from '@weft/resources'
import { ClusterLoadAssignmentSchema } from '@weft/xds/es/envoy/config/endpoint/v3/endpoint'
import type { LbEndpointSchema } from '@weft/xds/es/envoy/config/endpoint/v3/endpoint_components'
import { effectiveMtls, peerAuthenticationsOf } from '../policies/peer-authentication.ts'
import type { SnapshotInstance, SnapshotObject } from '../snapshot/mesh-snapshot.ts'
import { destinationRulesFor, mergeDestinationRules, ruleScope } from './destination-rules.ts'
import { encodeResource } from './encode.ts'
import { type BuiltResource, generator, makeView } from './generator.ts'
import { outboundCluster, type Service, serviceHost } from './hosts.ts'
import { socketAddress } from './socket-address.ts'
import { workloadMetadata } from './workload-metadata.ts'
import type { Init } from './init.ts'

type LbEndpointInit = Init<typeof LbEndpointSchema>

interface EndpointRefs {
  readonly instances: readonly SnapshotInstance[]
  readonly peerAuthentications: readonly SnapshotObject<PeerAuthenticationSpec>[]
}

/** One ClusterLoadAssignment per outbound cluster. */
export const endpoints = generator({
  name: 'endpoints',
  scope: (mesh, proxy) => ({ callers: ruleScope(mesh, proxy), rootNamespace: mesh.settings.rootNamespace }),
  each: ['Service'],
  views(mesh, { callers, rootNamespace }, item) {
    const service = item as Service
    const instances = mesh.instancesBehind(service).filter(({ value }) => value.ready && !value.draining)
    return [
      makeView(
        { rootNamespace },
        {
          service: [service],
          destinationRules: destinationRulesFor(mesh, service, callers),
          instances,
          peerAuthentications: mesh.peerAuthentications(instances.map(({ value }) => value)),
        },
      ),
    ]
  },
  build({ scope, refs }) {
    const { subsets } = mergeDestinationRules(refs.destinationRules)
    const resources = refs.service.flatMap((service) =>
      service.spec.ports.flatMap((port) => [
        assignment(service, port, '', lbEndpoints(port, refs.instances, refs, scope.rootNamespace)),
        ...subsets.map(({ subset }) => {
          const members = refs.instances.filter(({ value }) => selectsLabels(subset.labels, value.labels))
          return assignment(service, port, subset.name, lbEndpoints(port, members, refs, scope.rootNamespace))
        }),
      ]),
    )
    return { resources, problems: [], losers: [] }
  },
})

function assignment(service: Service, port: ServicePort, subset: string, lbEndpoints: LbEndpointInit[]): BuiltResource {
  const name = outboundCluster(serviceHost(service), port.port, subset)
  const endpoints = lbEndpoints.length === 0 ? [] : [{ lbEndpoints, locality: {} }]
  return encodeResource(ClusterLoadAssignmentSchema, name, { clusterName: name, endpoints }, [originOf(service.id, '')])
}

function lbEndpoints(
  port: ServicePort,
  instances: readonly SnapshotInstance[],
  { peerAuthentications }: EndpointRefs,
  rootNamespace: string,
): LbEndpointInit[] {
  return instances.flatMap(({ value }) => {
    const target = targetPortOf(port, value.ports)
    if (target === undefined) return []
    const policies = peerAuthenticationsOf(peerAuthentications, value, rootNamespace)
    const mtls = value.proxy === 'sidecar' && effectiveMtls(policies, target).mode !== 'DISABLE'
    return [
      {
        hostIdentifier: { case: 'endpoint' as const, value: { address: socketAddress(servingAddress(value), target) } },
        metadata: workloadMetadata(value, mtls),
      },
    ]
  })
}
