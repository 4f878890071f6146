// Istio PeerAuthentication.

/** `UNSET` inherits: workload from namespace, namespace from mesh, mesh is PERMISSIVE. */
export type MtlsMode = 'UNSET' | 'DISABLE' | 'PERMISSIVE' | 'STRICT'

/** Spec of a PeerAuthentication. */
export interface PeerAuthenticationSpec {
  /** Absent or empty: the whole namespace, or the whole mesh in the root namespace. */
  readonly selector?: { readonly matchLabels: Readonly<Record<string, string>> }
  readonly mtls: { readonly mode: MtlsMode }
  /** Keys are workload ports (decimal). */
  readonly portLevelMtls: Readonly<Record<string, { readonly mode: MtlsMode }>>
}
