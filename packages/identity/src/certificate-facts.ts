// What a certificate says about itself, as plain values that the pure rules judge (RFC 5280).
import { err, ok, type Result } from '@weft/core'
import { children, type DerElement, DerError, hex, ia5, readAll, readElement, TAG, timeMs } from './der.ts'

/** The parts of a certificate that SPIFFE's rules look at. Signatures are not checked here. */
export interface CertificateFacts {
  /** Lower-case hexadecimal, without leading zero bytes. */
  readonly serial: string
  readonly notBeforeMs: number
  readonly notAfterMs: number
  /** Every URI among the subject alternative names, in order. */
  readonly uris: readonly string[]
  readonly dnsNames: readonly string[]
  readonly isCa: boolean
  /** Undefined when the extension is absent. */
  readonly keyUsage: KeyUsage | undefined
}

/** The key usage bits SPIFFE's rules name. */
export interface KeyUsage {
  readonly digitalSignature: boolean
  readonly keyCertSign: boolean
  readonly crlSign: boolean
}

const SEQUENCE = 0x30
const OID_SUBJECT_ALT_NAME = '551d11'
const OID_BASIC_CONSTRAINTS = '551d13'
const OID_KEY_USAGE = '551d0f'

/** Reads one DER certificate; the error says that, and where, it does not decode. */
export function certificateFacts(der: Uint8Array): Result<CertificateFacts> {
  try {
    return ok(read(der))
  } catch (error) {
    if (error instanceof DerError) return err(`certificate does not decode: ${error.message}`)
    throw error
  }
}

function read(der: Uint8Array): CertificateFacts {
  const certificate = readElement(der)
  if (certificate.raw.length !== der.length) throw new DerError('bytes after the certificate')
  const tbs = children(children(certificate, SEQUENCE)[0], SEQUENCE)
  const first = tbs[0]?.tag === 0xa0 ? 1 : 0
  const serial = tbs[first]
  const validity = children(tbs[first + 3], SEQUENCE)
  if (serial === undefined || serial.tag !== TAG.integer) throw new DerError('no serial number')
  const [notBefore, notAfter] = validity
  if (notBefore === undefined || notAfter === undefined) throw new DerError('no validity')
  const wrapper = tbs.find((element) => element.tag === 0xa3)
  const list = wrapper === undefined ? [] : children(readElement(wrapper.content), SEQUENCE)
  const extensions = extensionMap(list)
  const names = altNames(extensions.get(OID_SUBJECT_ALT_NAME))
  return {
    serial: hex(serial.content).replace(/^(00)+(?=..)/, ''),
    notBeforeMs: timeMs(notBefore),
    notAfterMs: timeMs(notAfter),
    uris: names.filter((name) => name.tag === 0x86).map((name) => ia5(name.content)),
    dnsNames: names.filter((name) => name.tag === 0x82).map((name) => ia5(name.content)),
    isCa: basicConstraintsCa(extensions.get(OID_BASIC_CONSTRAINTS)),
    keyUsage: keyUsageOf(extensions.get(OID_KEY_USAGE)),
  }
}

function extensionMap(list: readonly DerElement[]): Map<string, Uint8Array> {
  const map = new Map<string, Uint8Array>()
  for (const element of list) {
    const parts = children(element, SEQUENCE)
    const id = parts[0]
    const value = parts.at(-1)
    if (id === undefined || id.tag !== TAG.oid) throw new DerError('extension without an id')
    if (value === undefined || value.tag !== TAG.octetString) throw new DerError('extension without a value')
    // RFC 5280 4.2: an extension may appear only once; two would let two readers see two identities.
    if (map.has(hex(id.content))) throw new DerError('an extension appears twice')
    map.set(hex(id.content), value.content)
  }
  return map
}

function altNames(value: Uint8Array | undefined): DerElement[] {
  return value === undefined ? [] : children(readElement(value), SEQUENCE)
}

function basicConstraintsCa(value: Uint8Array | undefined): boolean {
  if (value === undefined) return false
  const first = children(readElement(value), SEQUENCE)[0]
  return first !== undefined && first.tag === TAG.boolean && first.content[0] === 0xff
}

function keyUsageOf(value: Uint8Array | undefined): KeyUsage | undefined {
  if (value === undefined) return undefined
  const [bits] = readAll(value)
  if (bits === undefined || bits.tag !== TAG.bitString) throw new DerError('key usage is not a bit string')
  // Byte 0 counts the unused bits; bit 0 (digitalSignature) is the highest of byte 1 (RFC 5280 4.2.1.3).
  const first = bits.content[1] ?? 0
  return { digitalSignature: (first & 0x80) !== 0, keyCertSign: (first & 0x04) !== 0, crlSign: (first & 0x02) !== 0 }
}
