import { Buffer } from 'node:buffer'
import type { X509Certificate } from 'node:crypto'
import type { PeerIdentity } from '../transport.ts'

/** What a leaf certificate names. */
export interface CertificateNames {
  readonly uris: readonly string[]
  readonly dnsNames: readonly string[]
  readonly ipAddresses: readonly string[]
}

/**
 * URI and DNS names and IP addresses out of node's `subjectAltName` text, `URI:spiffe://a/b, DNS:c`. Node quotes (as JSON) every value
 * that could be mistaken for a separator, so that a name cannot smuggle in another one.
 */
export function parseSubjectAltName(text: string | undefined): CertificateNames {
  const uris: string[] = []
  const dnsNames: string[] = []
  const ipAddresses: string[] = []
  const entry = /([A-Za-z0-9 ]+):("(?:[^"\\]|\\.)*"|[^,"]*)(?:, |$)/gy
  const source = text ?? ''
  let position = 0
  while (position < source.length) {
    entry.lastIndex = position
    const found = entry.exec(source)
    // Anything unreadable voids the whole: half-understood names are not an identity.
    if (found === null) return { uris: [], dnsNames: [], ipAddresses: [] }
    position = entry.lastIndex
    const [, kind, raw = ''] = found
    const value = raw.startsWith('"') ? (JSON.parse(raw) as string) : raw
    if (kind === 'URI') uris.push(value)
    else if (kind === 'DNS') dnsNames.push(value)
    else if (kind === 'IP Address') ipAddresses.push(value)
  }
  return { uris, dnsNames, ipAddresses }
}

/** The peer's identity as its verified leaf states it; a SPIFFE id counts only when it is the one URI. */
export function peerIdentity(leaf: X509Certificate): PeerIdentity & { readonly dnsNames: readonly string[] } {
  const { uris, dnsNames, ipAddresses } = parseSubjectAltName(leaf.subjectAltName)
  const [uri] = uris
  return {
    spiffeId: uris.length === 1 && uri?.startsWith('spiffe://') === true ? uri : undefined,
    serial: leaf.serialNumber.toLowerCase(),
    notAfterMs: Date.parse(leaf.validTo),
    dnsNames,
    ipAddresses,
    fingerprint: leaf.fingerprint256.replaceAll(':', '').toLowerCase(),
    subject: distinguishedName(leaf.subject),
  }
}

/** Node's lines, the most general first, as one line the other way round (RFC 2253 2.1); bytes above 127 as that has them. */
export function distinguishedName(lines: string | undefined): string {
  const parts = (lines ?? '').split('\n').filter((line) => line !== '')
  return parts
    .reverse()
    .join(',')
    .replace(/[^ -~]/gu, escaped)
}

function escaped(char: string): string {
  return Array.from(Buffer.from(char), (byte) => `\\${byte.toString(16).toUpperCase().padStart(2, '0')}`).join('')
}
