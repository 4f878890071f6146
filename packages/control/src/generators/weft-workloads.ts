// For Weft's proxy: every instance's address with its workload, so that the inbound side can name its peer. Never dialled.
import { ClusterLoadAssignmentSchema } from '@weft/xds/es/envoy/config/endpoint/v3/endpoint'
import { encodeResource } from './encode.ts'
import { generator, makeView } from './generator.ts'
import { socketAddress } from './socket-address.ts'
import { weftWorkloadsCluster } from './static-clusters.ts'
import { workloadMetadata } from './workload-metadata.ts'

/** The endpoints of `weft.workloads`: ready or not, since a workload may call before it can be called. */
export const weftWorkloads = generator({
  name: 'weft-workloads',
  reads: 'mesh',
  scope: () => ({}),
  views: ({ running }) => [
    makeView({}, { instances: running.instances.filter(({ value }) => value.proxy !== 'none') }),
  ],
  build({ refs }) {
    const lbEndpoints = refs.instances.map(({ value }) => ({
      hostIdentifier: { case: 'endpoint' as const, value: { address: socketAddress(value.address, 1) } },
      metadata: workloadMetadata(value, undefined),
    }))
    const name = weftWorkloadsCluster
    const resource = encodeResource(
      ClusterLoadAssignmentSchema,
      name,
      { clusterName: name, endpoints: lbEndpoints.length === 0 ? [] : [{ locality: {}, lbEndpoints }] },
      [],
    )
    return { resources: [resource], problems: [], losers: [] }
  },
})
