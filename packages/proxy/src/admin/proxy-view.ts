import type { ConfigStore } from '../config/config-store.ts'
import type { BoundAddress } from '../listen/listener-manager.ts'

/** What the administrative pages may see of a proxy. Keys are out of reach from here. */
export interface ProxyView {
  readonly store: ConfigStore
  /** Envoy's words: LIVE serves, PRE_INITIALIZING waits for identity or configuration, DRAINING is on its way out. */
  readiness(): 'LIVE' | 'PRE_INITIALIZING' | 'DRAINING'
  serverInfo(): unknown
  addresses(): readonly BoundAddress[]
  certificates(): unknown
  controlPlane(): { readonly connected: boolean; readonly lastError: string | undefined }
  persistence(): { readonly error: string | undefined }
  /** Connections that a drain waits for. */
  connectionCount(): number
  renderMetrics(): string
  renderStats(): string
}
