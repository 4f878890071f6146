// What lies below HTTP: TLS contexts, the PROXY protocol, TCP tunnels, datagrams.
import type { FormatTemplate } from './model-format.ts'
import type { HeaderOption } from './model-routes.ts'
import type { AccessLog } from './model.ts'
import type { ValueTest } from './predicate.ts'

/** PEM text, or the absolute path of the file that holds it. */
export type PemSource =
  | { readonly kind: 'inline'; readonly pem: string }
  | { readonly kind: 'file'; readonly path: string }

/** A certificate of our own that the resource itself gives, not SDS. */
export interface GivenCertificate {
  readonly chain: PemSource
  readonly key: PemSource
}

/** An SDS name that is waited for no longer than `initial_fetch_timeout`: connections that need it fail from then on. */
export interface DispensableSecret {
  readonly name: string
  readonly afterMs: number
}

/** The part of a TLS context both directions share. What SDS gives is named, never held. */
export interface CommonTls {
  /** SDS name of our certificate; undefined: none is shown, unless one is given. */
  readonly certificateSecret: string | undefined
  /** SDS names of further certificates; the client's server name and the order choose (see `chooseCertificate`). */
  readonly moreCertificateSecrets?: readonly string[]
  /** Certificates that came with the resource, used instead of SDS ones. */
  readonly givenCertificates?: readonly GivenCertificate[]
  /** SDS name of the roots the peer must chain to; undefined: the peer is not verified, unless `givenRoots`. */
  readonly rootsSecret: string | undefined
  readonly dispensableSecrets?: readonly DispensableSecret[]
  /** Roots that came with the resource, or those of this machine. */
  readonly givenRoots?: PemSource | { readonly kind: 'system' }
  /** Revoked certificates. */
  readonly crl?: PemSource
  /** SHA-256 of what the peer's leaf must be, one of them: of its key (SubjectPublicKeyInfo, base64), of the whole (lower-case hex). */
  readonly leafHashes?: { readonly keys: readonly string[]; readonly certificates: readonly string[] }
  /** The peer must carry one SAN that matches one of these; empty: any. */
  readonly sans: readonly SanMatcher[]
  readonly alpn: readonly string[]
  readonly minVersion: 'TLSv1.2' | 'TLSv1.3'
  readonly maxVersion: 'TLSv1.2' | 'TLSv1.3'
  /** OpenSSL's lists, `:` between the names; undefined: its own choice. */
  readonly ciphers?: string
  readonly curves?: string
}

/** One acceptable subject alternative name of the peer. */
export interface SanMatcher {
  readonly type: 'uri' | 'dns' | 'email' | 'ip'
  readonly test: ValueTest
}

/** TLS towards downstream. */
export interface DownstreamTls extends CommonTls {
  readonly requireClientCertificate: boolean
  /** A client that names no server is refused. */
  readonly requireSni?: boolean
  readonly resumption?: Resumption
}

/** Whether and for how long sessions may be resumed. */
export interface Resumption {
  readonly tickets: boolean
  /** Seconds; undefined: OpenSSL's default. */
  readonly timeoutSeconds: number | undefined
}

/** TLS towards upstream. */
export interface UpstreamTls extends CommonTls {
  readonly sni: string | undefined
}

/** `envoy.filters.listener.proxy_protocol`. */
export interface ProxyProtocolRules {
  /** Connections without a header are served as they are. */
  readonly optional: boolean
  readonly versions: readonly (1 | 2)[]
}

/** `tunneling_config` of a TCP proxy: its bytes go to the upstream inside a CONNECT or POST request. */
export interface Tunneling {
  readonly hostname: FormatTemplate
  /** `POST path` (HTTP/2 only) instead of CONNECT. */
  readonly post: string | undefined
  readonly headers: readonly HeaderOption[]
}

/** `envoy.filters.udp_listener.udp_proxy`. */
export interface UdpProxy {
  readonly statPrefix: string
  readonly cluster: string
  readonly idleTimeoutMs: number
  /** Larger datagrams are dropped, in either direction. */
  readonly maxDatagramBytes: { readonly downstream: number; readonly upstream: number }
  readonly perPacket: boolean
  readonly sessionLogs: readonly AccessLog[]
}
