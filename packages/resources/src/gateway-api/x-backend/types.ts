// XBackend (experimental): a backend that is no Service.
import type { BackendTlsValidation } from '../backend-tls-policy/types.ts'
import type { ObjectReference } from '../types.ts'

/** Spec of an XBackend. */
export interface XBackendSpec {
  readonly type: 'ExternalHostname'
  readonly externalHostname?: { readonly hostname: string }
  readonly port: { readonly name?: string; readonly port: number }
  readonly protocol?: 'TCP' | 'HTTP' | 'HTTP2' | 'HTTP11' | 'H2C' | 'MCP'
  readonly tls?: {
    readonly mode: 'None' | 'ServerOnly' | 'ClientAndServer'
    readonly clientCertificateRef?: ObjectReference
    readonly validation?: BackendTlsValidation
  }
}
