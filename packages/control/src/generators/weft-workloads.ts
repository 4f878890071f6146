// For Weft's proxy: every instance's address with its workload, so that the inbound side can name its peer. Never dialled.
import { concatenated } from '@weft/core'
import { hasProxy } from '@weft/resources'
import { ClusterLoadAssignmentSchema } from '@weft/xds/es/envoy/config/endpoint/v3/endpoint'
import { LbEndpointSchema } from '@weft/xds/es/envoy/config/endpoint/v3/endpoint_components'
import type { SnapshotInstance } from '../snapshot/mesh-snapshot.ts'
import { encodePart, field, splicedResource, textField, versionOf } from './encode.ts'
import { type Built, generator, makeView, type Part } from './generator.ts'
import { socketAddress } from './socket-address.ts'
import { weftWorkloadsCluster } from './static-clusters.ts'
import { workloadMetadata } from './workload-metadata.ts'

interface EndpointPart extends Part {
  /** As a field of its locality. */
  readonly field: Uint8Array
}

/**
 * The endpoints of `weft.workloads`: ready or not, since a workload may call before it can be called. So instances that become
 * ready or drain change nothing here.
 */
export const weftWorkloads = generator({
  name: 'weft-workloads',
  scope: () => ({}),
  each: ['Instance'],
  views(_mesh, _scope, item) {
    const { name, workload, namespace, labels, address, proxy } = (item as SnapshotInstance).value
    return !hasProxy({ proxy }) ? [] : [makeView({ name, workload, namespace, labels, address }, {})]
  },
  build({ scope }) {
    const endpoint = encodePart(LbEndpointSchema, {
      hostIdentifier: { case: 'endpoint', value: { address: socketAddress(scope.address, 1) } },
      metadata: workloadMetadata(scope, undefined),
    })
    const part: EndpointPart = { field: field(18, endpoint), size: endpoint.length, version: versionOf(endpoint) }
    return { resources: [], parts: [part], problems: [], losers: [] }
  },
  join: (_scope, parts) => assignment(parts),
})

function assignment(parts: readonly EndpointPart[]): Built {
  const name = weftWorkloadsCluster
  // One locality, `locality: {}`, as in every other assignment.
  const locality = parts.length === 0 ? [] : [field(18, field(10), ...parts.map((part) => part.field))]
  const content = parts.map(({ version }) => version).join(',')
  const resource = splicedResource(
    ClusterLoadAssignmentSchema,
    name,
    concatenated([textField(10, name), ...locality]),
    { content, origin: [] },
  )
  return { resources: [resource], problems: [], losers: [] }
}
