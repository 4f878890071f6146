// What holds for the whole mesh and is no object of its own.

/**
 * What proxies speak to one another. `http2`: HTTP/2 wherever both ends can (ALPN), TCP in CONNECT streams on 15008. `http1`: HTTP/1.1 and
 * plain TCP, both over TLS, for proxies without HTTP/2: ports that say `http2` or `grpc` are carried as TCP then.
 */
export type MeshHop = 'http1' | 'http2'

/** Mesh-wide settings; part of every view that uses them. */
export interface MeshSettings {
  readonly trustDomain: string
  /** Namespace whose policies without a selector hold for the whole mesh. */
  readonly rootNamespace: string
  /** Write one JSON line per request to standard output. */
  readonly accessLog: boolean
  readonly hop: MeshHop
}

/** Istio's defaults. */
export const defaultMeshSettings: MeshSettings = {
  trustDomain: 'cluster.local',
  rootNamespace: 'istio-system',
  accessLog: true,
  hop: 'http1',
}
