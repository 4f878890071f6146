// The control plane's own metrics, in the names Istio's dashboards look for where there is one.
import { Counter, Gauge, Histogram, Registry } from 'prom-client'
import { shortTypeName } from '@weft/xds'
import type { Rebuild } from '../control-plane.ts'
import type { DistributorEvent } from '../serve/distributor.ts'

/** Feeds and prints the metrics; every control plane has its own registry. */
export interface ControlMetrics {
  onRebuild(rebuild: Rebuild): void
  onDistributorEvent(event: DistributorEvent): void
  /** Prometheus text format 0.0.4. */
  print(): Promise<string>
  readonly contentType: string
}

/** Makes an empty set of metrics. */
export function controlMetrics(): ControlMetrics {
  const registers = [new Registry()]
  const [registry] = registers as [Registry]
  const connected = new Gauge({ name: 'pilot_xds', help: 'Proxies connected over xDS', registers })
  const pushes = new Counter({ name: 'pilot_xds_pushes', help: 'xDS responses sent', labelNames: ['type'], registers })
  const pushedBytes = new Counter({
    name: 'weft_xds_pushed_bytes_total',
    help: 'Bytes of xDS responses sent',
    labelNames: ['type'],
    registers,
  })
  const accepted = new Counter({
    name: 'weft_xds_accepted_total',
    help: 'xDS responses acknowledged',
    labelNames: ['type'],
    registers,
  })
  const refused = new Counter({
    name: 'pilot_total_xds_rejects',
    help: 'xDS resources refused by proxies',
    labelNames: ['type'],
    registers,
  })
  const builds = new Counter({
    name: 'weft_generator_builds_total',
    help: 'Generator builds not answered from memory',
    registers,
  })
  const encodedBytes = new Counter({
    name: 'weft_encoded_bytes_total',
    help: 'Bytes of resources encoded; what is sent again or to several proxies is encoded once',
    registers,
  })
  const rebuilds = new Histogram({
    name: 'weft_rebuild_seconds',
    help: 'From a changed snapshot to tables for every proxy',
    buckets: [0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1],
    registers,
  })
  return {
    onRebuild(rebuild) {
      builds.inc(rebuild.work.builds)
      encodedBytes.inc(rebuild.work.encodedBytes)
      rebuilds.observe(rebuild.durationMs / 1000)
    },
    onDistributorEvent(event) {
      switch (event.kind) {
        case 'connected':
          connected.inc()
          break
        case 'disconnected':
          connected.dec()
          break
        case 'pushed':
          pushes.inc({ type: shortTypeName(event.typeUrl).toLowerCase() })
          pushedBytes.inc({ type: shortTypeName(event.typeUrl).toLowerCase() }, event.bytes)
          break
        case 'accepted':
          accepted.inc({ type: shortTypeName(event.typeUrl).toLowerCase() })
          break
        case 'refused':
          refused.inc({ type: shortTypeName(event.typeUrl).toLowerCase() })
          break
      }
    },
    print: () => registry.metrics(),
    contentType: registry.contentType,
  }
}
