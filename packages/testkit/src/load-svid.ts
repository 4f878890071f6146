// Reads an SVID from PEM texts (X509-SVID 2 to 4): structure only; dates and trust are `verifySvid`'s business.
import { createPrivateKey, X509Certificate } from 'node:crypto'
import { err, ok, type Result } from '@weft/core'
import { type CertificateFacts, certificateFacts, checkChainStructure, type SpiffeId } from '@weft/identity'

/** A loaded SVID: what it names, and its chain as DER, leaf first. */
export interface LoadedSvid {
  readonly id: SpiffeId
  readonly chain: readonly Uint8Array[]
  readonly facts: CertificateFacts
}

/** Loads certificate chain and key; both may sit in one file, in any order. */
export function loadSvid(certificatesPem: string, keyPem: string): Result<LoadedSvid> {
  const chain = certificatesFromPem(certificatesPem)
  if (!chain.ok) return chain
  if (chain.value.length === 0) return err('no certificate in the certificate file')
  const facts: CertificateFacts[] = []
  for (const der of chain.value) {
    const one = certificateFacts(der)
    if (!one.ok) return one
    facts.push(one.value)
  }
  const blocks = pemBlocks(keyPem)
  if (blocks.length === 0) return err('key file holds no PEM block')
  const keyBlock = blocks.find((block) => block.label.endsWith('PRIVATE KEY'))
  if (keyBlock === undefined) return err('no private key in the key file')
  const id = checkChainStructure(facts)
  if (!id.ok) return id
  try {
    const key = createPrivateKey(keyBlock.pem)
    if (!new X509Certificate(chain.value[0] as Uint8Array).checkPrivateKey(key)) {
      return err('leaf does not match the private key')
    }
  } catch {
    return err('key does not decode')
  }
  return ok({ id: id.value, chain: chain.value, facts: facts[0] as CertificateFacts })
}

/** Every CERTIFICATE block of a PEM text as DER; other blocks are passed over. Text that is no PEM at all is an error. */
export function certificatesFromPem(pem: string): Result<Uint8Array[]> {
  const blocks = pemBlocks(pem)
  if (blocks.length === 0 && pem.trim() !== '') return err('certificate file holds no PEM block')
  const list: Uint8Array[] = []
  for (const block of blocks) {
    if (block.label !== 'CERTIFICATE') continue
    const parsed = certificateFacts(block.der)
    if (!parsed.ok) return parsed
    list.push(block.der)
  }
  return ok(list)
}

function pemBlocks(text: string): { label: string; der: Uint8Array; pem: string }[] {
  const pattern = /-----BEGIN ([A-Z0-9 ]+)-----([A-Za-z0-9+/=\s]*)-----END \1-----/g
  return [...text.matchAll(pattern)].map((match) => ({
    label: match[1] as string,
    der: new Uint8Array(Buffer.from(match[2] as string, 'base64')),
    pem: match[0],
  }))
}
