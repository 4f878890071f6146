// Endpoints as gRPC takes them: addresses alone, and a weight for each place, since a place without one gets nothing.
import type { MessageInitShape } from '@bufbuild/protobuf'
import { isIpAddress } from '@weft/resources'
import { HealthStatus } from '@weft/xds/es/envoy/config/core/v3/health_check'
import type {
  LbEndpointSchema,
  LocalityLbEndpointsSchema,
} from '@weft/xds/es/envoy/config/endpoint/v3/endpoint_components'
import { assignments, endpointScope, endpointViews } from '../endpoints.ts'
import { generator } from '../generator.ts'
import type { Init } from '../init.ts'

type GroupInit = Init<typeof LocalityLbEndpointsSchema>
type EndpointInit = MessageInitShape<typeof LbEndpointSchema>

/** One ClusterLoadAssignment per cluster. */
export const grpcEndpoints = generator({
  name: 'proxyless-endpoints',
  scope: endpointScope,
  each: ['Service'],
  views: endpointViews,
  build: ({ scope, refs }) => ({ resources: assignments(scope, refs, weighted), problems: [], losers: [] }),
})

/** Places with something in them, weighed by their endpoints where no rule gives them a share. */
function weighted(groups: readonly GroupInit[]): GroupInit[] {
  const kept = groups.flatMap((group) => {
    const lbEndpoints = (group.lbEndpoints ?? []).filter(hasAddress).map(addressOnly)
    if (lbEndpoints.length === 0) return []
    const sum = lbEndpoints.reduce((total, { loadBalancingWeight = 1 }) => total + loadBalancingWeight, 0)
    return [{ ...group, lbEndpoints, loadBalancingWeight: group.loadBalancingWeight ?? sum }]
  })
  // A priority left empty would leave a gap, which gRPC refuses.
  const levels = [...new Set(kept.map(({ priority = 0 }) => priority))].sort((a, b) => a - b)
  return kept.map((group) => ({ ...group, priority: levels.indexOf(group.priority ?? 0) }))
}

function addressOnly({
  hostIdentifier,
  healthStatus = HealthStatus.UNKNOWN,
  loadBalancingWeight = 1,
}: EndpointInit): Init<typeof LbEndpointSchema> {
  return { healthStatus, loadBalancingWeight, ...(hostIdentifier === undefined ? {} : { hostIdentifier }) }
}

/** gRPC dials numeric addresses only: no Unix sockets, no names. */
function hasAddress(endpoint: EndpointInit): boolean {
  const { hostIdentifier } = endpoint
  if (hostIdentifier?.case !== 'endpoint') return false
  const address = hostIdentifier.value.address?.address
  return address?.case === 'socketAddress' && isIpAddress(address.value.address ?? '')
}
