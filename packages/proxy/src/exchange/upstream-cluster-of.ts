import type { UpstreamCluster } from '../cluster/upstream-cluster.ts'
import type { ExchangeFacts } from './exchange-facts.ts'

/** The living cluster that routing named; undefined: the exchange's configuration has none of that name. */
export function upstreamClusterOf({ config, context, plan, clusterName }: ExchangeFacts): UpstreamCluster | undefined {
  const { clusters } = context
  const generation = clusters.generationOf(config)
  const known = plan?.cluster
  if (known !== undefined && known.generation === generation && known.living.cluster.name === clusterName) {
    return known.living
  }
  if (clusterName === undefined || !config.clusters.has(clusterName)) return undefined
  const living = clusters.get(clusterName)
  if (living !== undefined && plan !== undefined && generation > 0) plan.cluster = { generation, living }
  return living
}
