// What a proxy is told at its start.
import { controlPlaneId } from '@weft/identity'
import { nodeMetadata, type WorkloadInstance } from '@weft/resources'
import { envoyBootstrap } from './envoy-bootstrap.ts'
import { PROXY_PORTS } from './proxy-ports.ts'

/** Whose proxies run. */
export type ProxyKind = 'weft' | 'envoy'

/** One proxy: who it is and whom it asks. */
export interface ProxyTarget {
  readonly node: { readonly id: string; readonly cluster: string; readonly metadata: Readonly<Record<string, unknown>> }
  readonly address: string
  readonly adminPort: number
  readonly xds: { readonly host: string; readonly port: number }
  readonly sdsPath: string
  readonly trustDomain: string
  readonly dnsServers?: readonly NameServer[] | undefined
}

/** A name server. */
export interface NameServer {
  /** An IP address. */
  readonly address: string
  readonly port: number
}

/** What is common to all proxies of a mesh. */
export interface ProxySettings {
  readonly kind: ProxyKind
  readonly trustDomain: string
  readonly xds: { readonly host: string; readonly port: number }
  /** Folder for what a proxy keeps between its generations. */
  readonly stateDir: string
  readonly drainMs: number
  readonly accessLog: boolean
  /** Who is asked for the addresses of hosts that requests name; absent: whom the machine asks. */
  readonly dnsServers?: readonly NameServer[] | undefined
}

/** The bootstrap document of an instance's proxy, as JSON text. */
export function proxyBootstrap(instance: WorkloadInstance, sdsPath: string, settings: ProxySettings): string {
  const target = proxyTarget(instance, sdsPath, settings)
  if (settings.kind === 'envoy') return JSON.stringify(envoyBootstrap(target))
  return JSON.stringify({
    node: target.node,
    instance: instance.name,
    address: instance.address,
    upstreamBindAddress: instance.address,
    ads: { ...settings.xds, serverSpiffeId: controlPlaneId(settings.trustDomain) },
    sds: { path: sdsPath },
    admin: { address: instance.address, port: PROXY_PORTS.admin },
    metricsPort: PROXY_PORTS.metrics,
    healthPort: PROXY_PORTS.health,
    stateDir: settings.stateDir,
    drainMs: settings.drainMs,
    accessLog: settings.accessLog,
    dnsServers: settings.dnsServers,
  })
}

function proxyTarget(instance: WorkloadInstance, sdsPath: string, settings: ProxySettings): ProxyTarget {
  const { name, namespace, address, workload, proxy } = instance
  const role = proxy === 'gateway' ? 'router' : 'sidecar'
  return {
    node: {
      id: `${role}~${address}~${name}.${namespace}~${namespace}.svc.cluster.local`,
      cluster: `${workload}.${namespace}`,
      metadata: { ...nodeMetadata(instance), WEFT: { instance: name, namespace, flavor: settings.kind } },
    },
    address,
    adminPort: PROXY_PORTS.admin,
    xds: settings.xds,
    sdsPath,
    trustDomain: settings.trustDomain,
    dnsServers: settings.dnsServers,
  }
}
