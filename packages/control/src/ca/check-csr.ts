// What a certificate request must be before anyone asks who may have it.
import 'reflect-metadata'
import { err, ok, type Result } from '@weft/core'
import * as x509 from '@peculiar/x509'

/** A request that is well formed and proves possession of its key. `id` is not yet authorised. */
export interface CheckedCsr {
  readonly id: string
  readonly publicKey: x509.PublicKey
}

function alternativeNames(request: x509.Pkcs10CertificateRequest): readonly x509.GeneralName[] {
  const extension = request.extensions.find((one) => one instanceof x509.SubjectAlternativeNameExtension)
  return extension?.names.items ?? []
}

const CURVES: ReadonlySet<string> = new Set(['P-256', 'P-384'])

/** A request with an EC key and one id has some hundred bytes; strangers may send megabytes, and see their id in the log. */
const MAX_BYTES = 8192

/** Checks a PKCS#10 request (DER): it decodes, is signed by its own key, has an EC key and exactly one URI SAN. */
export async function checkCsr(der: Uint8Array): Promise<Result<CheckedCsr>> {
  if (der.length > MAX_BYTES) return err(`request has more than ${MAX_BYTES} bytes`)
  let request: x509.Pkcs10CertificateRequest
  let uris: string[]
  let others: number
  try {
    request = new x509.Pkcs10CertificateRequest(new Uint8Array(der))
    const names = alternativeNames(request)
    uris = names.filter((name) => name.type === 'url').map((name) => name.value)
    others = names.length - uris.length
  } catch {
    return err('request does not decode as PKCS#10')
  }
  const [id] = uris
  if (id === undefined || uris.length > 1) return err(`request must name exactly one URI SAN, it names ${uris.length}`)
  if (others > 0) return err('request names a SAN that is not a URI')
  const algorithm = request.publicKey.algorithm as { name: string; namedCurve?: string }
  if (!algorithm.name.startsWith('EC') || !CURVES.has(algorithm.namedCurve ?? '')) {
    return err(`key type ${algorithm.name} is not accepted: use EC P-256 or P-384`)
  }
  const signed = await request.verify().catch(() => false)
  return signed ? ok({ id, publicKey: request.publicKey }) : err('request is not signed by its own key')
}
