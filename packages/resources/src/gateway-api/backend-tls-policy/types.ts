// BackendTLSPolicy, with defaults filled in.
import type { LocalReference, TargetReference } from '../types.ts'

/** How a backend's certificate is verified. */
export interface BackendTlsValidation {
  /** The name that is asked for (SNI), and that the certificate must bear unless `subjectAltNames` is written. */
  readonly hostname: string
  readonly caCertificateRefs?: readonly LocalReference[]
  /** `System`: the authorities of the operating system. */
  readonly wellKnownCACertificates?: string
  readonly subjectAltNames?: readonly {
    readonly type: 'Hostname' | 'URI'
    readonly hostname?: string
    readonly uri?: string
  }[]
}

/** Spec of a BackendTLSPolicy. */
export interface BackendTLSPolicySpec {
  readonly targetRefs: readonly TargetReference[]
  readonly validation: BackendTlsValidation
  readonly options?: Readonly<Record<string, string>>
}
