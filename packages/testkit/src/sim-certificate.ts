import { Buffer } from 'node:buffer'
import type { TlsMaterial } from '@weft/core'

/** What a simulated certificate says. */
export interface SimCertificate {
  /** The URI SAN; undefined for a certificate without one. */
  readonly spiffeId: string | undefined
  readonly dnsNames: readonly string[]
  /** Hexadecimal. */
  readonly serial: string
  /** Wall clock, milliseconds. */
  readonly notBeforeMs: number
  readonly notAfterMs: number
  /** Name of the root that signed it. */
  readonly issuer: string
}

/** A simulated certificate in PEM armour, so that code which only carries PEM texts cannot tell. */
export function simCertificatePem(certificate: SimCertificate): string {
  return armour({ ...certificate, spiffeId: certificate.spiffeId ?? null })
}

/** A simulated root in PEM armour; certificates name it as `issuer`. */
export function simRootPem(name: string): string {
  return armour({ root: name })
}

/** Certificate and (fake) key of one side. */
export function simMaterial(certificate: SimCertificate): TlsMaterial {
  return { certificateChainPem: simCertificatePem(certificate), privateKeyPem: `sim key of ${certificate.serial}` }
}

/** Reads the first certificate of a PEM text; undefined when it is not a simulated one. */
export function readSimCertificate(pem: string): SimCertificate | undefined {
  const first = disarm(pem)[0]
  if (first === undefined || typeof first['issuer'] !== 'string') return undefined
  const spiffeId = typeof first['spiffeId'] === 'string' ? first['spiffeId'] : undefined
  return { ...(first as unknown as SimCertificate), spiffeId }
}

/** Names of the roots in a PEM bundle. */
export function readSimRoots(pem: string): readonly string[] {
  return disarm(pem).flatMap((entry) => (typeof entry['root'] === 'string' ? [entry['root']] : []))
}

function armour(value: object): string {
  return `-----BEGIN CERTIFICATE-----\n${Buffer.from(JSON.stringify(value)).toString('base64')}\n-----END CERTIFICATE-----\n`
}

function disarm(pem: string): Record<string, unknown>[] {
  const found: Record<string, unknown>[] = []
  for (const match of pem.matchAll(/-----BEGIN CERTIFICATE-----\n([^-]*)\n-----END CERTIFICATE-----/g)) {
    try {
      found.push(JSON.parse(Buffer.from(match[1] as string, 'base64').toString()) as Record<string, unknown>)
    } catch {
      // A real certificate in a simulation: nobody here can read it, so nobody here trusts it.
    }
  }
  return found
}
