// TLS versions, cipher suites and curves by Envoy's (BoringSSL's) names, as OpenSSL takes them.
import type * as lean from '@weft/xds/lean'
import type { CommonTls } from '../model.ts'
import { refuse } from './refusal.ts'

/** TLS 1.2 suites that both know. The suites of TLS 1.3 are not configured, in Envoy neither. */
const cipherSuites: ReadonlySet<string> = new Set([
  'ECDHE-ECDSA-AES128-GCM-SHA256',
  'ECDHE-RSA-AES128-GCM-SHA256',
  'ECDHE-ECDSA-AES256-GCM-SHA384',
  'ECDHE-RSA-AES256-GCM-SHA384',
  'ECDHE-ECDSA-CHACHA20-POLY1305',
  'ECDHE-RSA-CHACHA20-POLY1305',
  'ECDHE-ECDSA-AES128-SHA',
  'ECDHE-RSA-AES128-SHA',
  'ECDHE-ECDSA-AES256-SHA',
  'ECDHE-RSA-AES256-SHA',
  'AES128-GCM-SHA256',
  'AES256-GCM-SHA384',
  'AES128-SHA',
  'AES256-SHA',
])

const tls13Suites = 'TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256'

/** Curves by BoringSSL's names, and what OpenSSL calls them. */
const curves: ReadonlyMap<string, string> = new Map([
  ['X25519', 'X25519'],
  ['P-256', 'prime256v1'],
  ['P-384', 'secp384r1'],
  ['P-521', 'secp521r1'],
])

/** What `tls_params` asks for; what this proxy cannot enforce refuses the resource by its name. */
export function compileTlsParameters(
  at: string,
  params: lean.TlsParameters | undefined,
): Pick<CommonTls, 'minVersion' | 'maxVersion' | 'ciphers' | 'curves'> {
  if (params === undefined) return { minVersion: 'TLSv1.2', maxVersion: 'TLSv1.3' }
  if (params.signatureAlgorithms.length > 0) refuse(`${at}.signature_algorithms`, 'is not supported')
  const minVersion = params.tlsMinimumProtocolVersion === 'TLSv1_3' ? 'TLSv1.3' : 'TLSv1.2'
  const max = params.tlsMaximumProtocolVersion
  if (max === 'TLSv1_0' || max === 'TLSv1_1')
    return refuse(`${at}.tls_maximum_protocol_version`, `${max} is not supported`)
  const maxVersion = max === 'TLSv1_2' ? 'TLSv1.2' : 'TLSv1.3'
  if (minVersion === 'TLSv1.3' && maxVersion === 'TLSv1.2')
    return refuse(at, 'the minimum version is above the maximum')
  const suites = compileSuites(`${at}.cipher_suites`, params.cipherSuites)
  const groups = compileCurves(`${at}.ecdh_curves`, params.ecdhCurves)
  return {
    minVersion,
    maxVersion,
    ...(suites === undefined ? {} : { ciphers: suites }),
    ...(groups === undefined ? {} : { curves: groups }),
  }
}

/** `[A|B]` is a group of equal preference: the client's order decides in it, and OpenSSL's server lets it decide anyway. */
function compileSuites(at: string, names: readonly string[]): string | undefined {
  if (names.length === 0) return undefined
  const single = names.flatMap((name) => (/^\[.+\]$/.test(name) ? name.slice(1, -1).split('|') : [name]))
  for (const name of single) if (!cipherSuites.has(name)) refuse(at, `"${name}" is not supported`)
  return `${single.join(':')}:${tls13Suites}`
}

function compileCurves(at: string, names: readonly string[]): string | undefined {
  if (names.length === 0) return undefined
  return names.map((name) => curves.get(name) ?? refuse(at, `"${name}" is not supported`)).join(':')
}
