import { err, ok, type Logger, type Result, type TlsMaterial } from '@weft/core'
import { certificateFacts } from '@weft/identity'
import { tryRead, typeUrl } from '@weft/xds'
import { type DataSource, readSecret, type Secret } from '@weft/xds/lean'
import type { ResourceRejection, ResourceUpdate, XdsConsumer } from '../xds/subscription.ts'

/** What the leaf of a chain says; see `LeafReader`. */
export interface LeafFacts {
  readonly spiffeId: string | undefined
  /** Hexadecimal. */
  readonly serial: string
  readonly notBeforeMs: number
  readonly notAfterMs: number
  /** DNS names; absent: none. */
  readonly dnsNames?: readonly string[]
}

/** Reads the first certificate of a PEM text. The simulation has its own, since its certificates are not X.509. */
export type LeafReader = (certificateChainPem: string) => Result<LeafFacts>

/** Our certificate under one SDS name. A new object at each rotation, so identity tells whether it changed. */
export interface CertificateSecret {
  readonly name: string
  readonly material: TlsMaterial
  readonly facts: LeafFacts
}

/** Where TLS contexts get their secrets from by SDS name. Values change over time; ask at each handshake. */
export interface Secrets {
  has(name: string): boolean
  certificate(name: string): CertificateSecret | undefined
  rootsPem(name: string): string | undefined
  /** The certificates that came with the roots as revoked. */
  crlPem(name: string): string | undefined
}

/**
 * Holds what SDS gave: certificates and roots by name, in memory only. A secret that cannot be read is refused by name
 * and the last good one stays.
 */
export class SecretSource implements XdsConsumer, Secrets {
  readonly #certificates = new Map<string, CertificateSecret>()
  readonly #roots = new Map<string, { readonly rootsPem: string; readonly crlPem: string | undefined }>()
  readonly #readLeaf: LeafReader
  readonly #log: Logger
  readonly #onChange: () => void

  constructor(log: Logger, onChange: () => void, readLeaf: LeafReader = readX509Leaf) {
    this.#log = log
    this.#onChange = onChange
    this.#readLeaf = readLeaf
  }

  has(name: string): boolean {
    return this.#certificates.has(name) || this.#roots.has(name)
  }

  certificate(name: string): CertificateSecret | undefined {
    return this.#certificates.get(name)
  }

  rootsPem(name: string): string | undefined {
    return this.#roots.get(name)?.rootsPem
  }

  crlPem(name: string): string | undefined {
    return this.#roots.get(name)?.crlPem
  }

  /** Everything but keys, for `/certs`. */
  describe(): { readonly certificates: readonly CertificateSecret[]; readonly roots: readonly string[] } {
    return { certificates: [...this.#certificates.values()], roots: [...this.#roots.keys()] }
  }

  async onUpdate(
    type: string,
    added: readonly ResourceUpdate[],
    removed: readonly string[],
  ): Promise<readonly ResourceRejection[]> {
    if (type !== typeUrl.secret) return added.map(({ name }) => ({ name, reason: `not a secret: ${type}` }))
    const refused: ResourceRejection[] = []
    for (const { name, value } of added) {
      const read = tryRead(readSecret, value)
      const problem = read.ok ? this.#take(name, read.value, read.unlisted) : read.error
      if (problem === undefined) continue
      refused.push({ name, reason: problem })
      this.#log.error('secret refused; the last good one stays', { secret: name, reason: problem })
    }
    for (const name of removed) {
      this.#certificates.delete(name)
      this.#roots.delete(name)
    }
    this.#onChange()
    return refused
  }

  /** Takes one secret; what is wrong with it, or undefined. */
  #take(name: string, secret: Secret, unlisted: readonly string[]): string | undefined {
    if (unlisted.length > 0) return `sets fields this proxy does not read: ${unlisted.join(', ')}`
    if (secret.tlsCertificate !== undefined) {
      const chain = inline(secret.tlsCertificate.certificateChain)
      const key = inline(secret.tlsCertificate.privateKey)
      if (chain === undefined || key === undefined) return 'certificate and key must be inline'
      const facts = this.#readLeaf(chain)
      if (!facts.ok) return facts.error
      const known = this.#certificates.get(name)
      if (known?.material.certificateChainPem === chain && known.material.privateKeyPem === key) return undefined
      const material = { certificateChainPem: chain, privateKeyPem: key }
      this.#certificates.set(name, { name, material, facts: facts.value })
      const { serial, spiffeId, notAfterMs } = facts.value
      this.#log.info('certificate received', { secret: name, serial, spiffeId, notAfterMs })
      return undefined
    }
    const { trustedCa, crl, ...others } = secret.validationContext ?? {}
    const rootsPem = inline(trustedCa)
    if (rootsPem === undefined || rootsPem === '') return 'holds neither a certificate nor roots'
    const crlPem = inline(crl)
    if (crl !== undefined && crlPem?.includes('-----BEGIN ') !== true) return 'its crl is not PEM and inline'
    const unheeded = Object.entries(others).find(([field, value]) => says(field, value))
    if (unheeded !== undefined) return `sets ${unheeded[0]}, which this proxy takes from the TLS context only`
    this.#roots.set(name, { rootsPem, crlPem })
    return undefined
  }
}

/** Facts of an X.509 leaf in PEM. */
export function readX509Leaf(certificateChainPem: string): Result<LeafFacts> {
  const body = /-----BEGIN CERTIFICATE-----([A-Za-z0-9+/=\s]+)-----END CERTIFICATE-----/.exec(certificateChainPem)?.[1]
  if (body === undefined) return err('no PEM certificate')
  const facts = certificateFacts(Uint8Array.from(atob(body.replace(/\s+/g, '')), (char) => char.charCodeAt(0)))
  if (!facts.ok) return facts
  const { serial, notBeforeMs, notAfterMs, uris, dnsNames } = facts.value
  const spiffeId = uris.find((uri) => uri.startsWith('spiffe://'))
  return ok({ serial, notBeforeMs, notAfterMs, spiffeId, dnsNames })
}

/** Whether a field of a validation context asks for anything. */
function says(field: string, value: unknown): boolean {
  if (field === 'trustChainVerification') return value !== 'VERIFY_TRUST_CHAIN'
  return Array.isArray(value) ? value.length > 0 : value !== undefined && value !== false
}

function inline(source: DataSource | undefined): string | undefined {
  if (source?.inlineString !== undefined) return source.inlineString
  return source?.inlineBytes === undefined ? undefined : new TextDecoder().decode(source.inlineBytes)
}
