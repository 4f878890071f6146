// Whether a certificate and its key serve together, now.
import { createPrivateKey, X509Certificate } from 'node:crypto'

/** What is wrong with a PEM certificate and key; undefined when nothing is. `nowMs` is the time to judge by. */
export function certificateFault(certificate: string, key: string, nowMs: number): string | undefined {
  let leaf: X509Certificate
  try {
    leaf = new X509Certificate(certificate)
  } catch {
    return 'holds a certificate that cannot be read'
  }
  try {
    if (!leaf.checkPrivateKey(createPrivateKey(key))) return 'holds a key that is not that of its certificate'
  } catch {
    return 'holds a key that cannot be read'
  }
  if (Date.parse(leaf.validTo) < nowMs) return `holds a certificate that expired ${leaf.validTo}`
  return Date.parse(leaf.validFrom) > nowMs
    ? `holds a certificate that is not valid before ${leaf.validFrom}`
    : undefined
}
