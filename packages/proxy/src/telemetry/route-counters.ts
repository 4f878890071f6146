import { type Route, type Subject, type VirtualHost, virtualClusterName } from '@weft/engine'
import type { ExchangeRecord } from './exchange-record.ts'
import { type RequestSeries, RequestFamilies } from './request-families.ts'
import type { MetricsRegistry } from './metrics-registry.ts'

/** What is counted by route and by virtual cluster, where these ask for it; for others nothing is made. */
export class RouteCounters {
  readonly #routes: RequestFamilies
  readonly #clusters: RequestFamilies
  readonly #ofRoutes = new WeakMap<Route, RequestSeries>()
  readonly #ofClusters = new WeakMap<VirtualHost, Map<string, RequestSeries>>()

  constructor(metrics: MetricsRegistry) {
    this.#routes = new RequestFamilies(metrics, 'envoy_vhost_route', ['envoy_virtual_host', 'envoy_route'])
    this.#clusters = new RequestFamilies(metrics, 'envoy_vhost_vcluster', [
      'envoy_virtual_host',
      'envoy_virtual_cluster',
    ])
  }

  /** Counts a finished exchange that was to go upstream. */
  count(record: ExchangeRecord & Subject, host: VirtualHost | undefined): void {
    const { route } = record
    if (route === undefined || host === undefined || record.upstream === undefined) return
    if (route.statPrefix !== '') this.#routes.count(record, this.#ofRoute(route, host))
    if (host.virtualClusters.length > 0) this.#clusters.count(record, this.#ofCluster(host, record))
  }

  #ofRoute(route: Route, host: VirtualHost): RequestSeries {
    let series = this.#ofRoutes.get(route)
    if (series === undefined) this.#ofRoutes.set(route, (series = this.#routes.series([host.name, route.statPrefix])))
    return series
  }

  #ofCluster(host: VirtualHost, subject: Subject): RequestSeries {
    const name = virtualClusterName(host, subject) ?? ''
    let known = this.#ofClusters.get(host)
    if (known === undefined) this.#ofClusters.set(host, (known = new Map()))
    let series = known.get(name)
    if (series === undefined) known.set(name, (series = this.#clusters.series([host.name, name])))
    return series
  }
}
