import type { ProxyReadiness } from '@weft/core'
import type { DnsCache } from '@weft/engine'
import type { ConfigStore } from '../config/config-store.ts'
import type { BoundAddress } from '../listen/listener-manager.ts'

/** What the administrative pages may see of a proxy. Keys are out of reach from here. */
export interface ProxyView {
  readonly store: ConfigStore
  readiness(): ProxyReadiness
  serverInfo(): unknown
  addresses(): readonly BoundAddress[]
  certificates(): unknown
  controlPlane(): { readonly connected: boolean; readonly lastError: string | undefined }
  persistence(): { readonly error: string | undefined }
  /** What is remembered of the hosts that requests named. */
  readonly hostsOf: (cache: DnsCache) => unknown
  /** Connections that a drain waits for. */
  connectionCount(): number
  /** Of all processes of this proxy together. */
  renderMetrics(): string | Promise<string>
  renderStats(): string | Promise<string>
}
