// Istio Gateway, as served by this mesh.

/** Where TLS of a server ends, and what clients show. */
export type ServerTlsMode =
  | 'PASSTHROUGH'
  | 'SIMPLE'
  | 'MUTUAL'
  | 'AUTO_PASSTHROUGH'
  | 'ISTIO_MUTUAL'
  | 'OPTIONAL_MUTUAL'

/** Files of one certificate. */
export interface CertificateFiles {
  readonly serverCertificate?: string
  readonly privateKey?: string
  readonly caCertificates?: string
}

/** TLS of a server. */
export interface ServerTls extends CertificateFiles {
  readonly httpsRedirect?: boolean
  readonly mode: ServerTlsMode
  readonly credentialName?: string
  /** One per kind of key. */
  readonly credentialNames?: readonly string[]
  readonly caCertCredentialName?: string
  readonly tlsCertificates?: readonly CertificateFiles[]
  readonly subjectAltNames?: readonly string[]
  readonly caCrl?: string
  readonly verifyCertificateSpki?: readonly string[]
  readonly verifyCertificateHash?: readonly string[]
  readonly minProtocolVersion?: TlsVersion
  readonly maxProtocolVersion?: TlsVersion
  readonly cipherSuites?: readonly string[]
}

/** A version of TLS as Istio writes it. */
export type TlsVersion = 'TLS_AUTO' | 'TLSV1_0' | 'TLSV1_1' | 'TLSV1_2' | 'TLSV1_3'

/** What a port of a gateway may speak. */
export type GatewayProtocol = 'HTTP' | 'HTTPS' | 'HTTP2' | 'HTTP_PROXY' | 'GRPC' | 'GRPC-WEB' | 'TLS' | 'TCP' | 'MONGO'

/** One port of a gateway and the hosts it serves. */
export interface GatewayServer {
  readonly name?: string
  readonly port: { readonly number: number; readonly name: string; readonly protocol: GatewayProtocol }
  /** `host`, `*.host`, `*`, optionally `namespace/host` with namespace `.` or `*`. */
  readonly hosts: readonly string[]
  readonly tls?: ServerTls
  /** Address to bind instead of the workload's. */
  readonly bind?: string
}

/** Spec of a Gateway. The selector picks gateway workloads in every namespace, as Istio does by default; an empty one all. */
export interface GatewaySpec {
  readonly selector: Readonly<Record<string, string>>
  readonly servers: readonly GatewayServer[]
}
