/** One identity as held in memory. Never logged, never written. */
export interface Svid {
  readonly id: string
  /** PKCS#8 PEM. */
  readonly privateKeyPem: string
  /** PEM, leaf first. */
  readonly certificateChainPem: string
  /** PEM of all roots to believe. */
  readonly rootsPem: string
  /** Lower-case hexadecimal. */
  readonly serial: string
  readonly notBeforeMs: number
  readonly notAfterMs: number
}
