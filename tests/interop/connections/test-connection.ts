// A connection as a client makes it, and what came of it.

/** Which proxy is asked: the client's sidecar, the gateway, that of the Gateway API, the sidecar of `target`, or a sidecar to which the kernel redirects. */
export type StreamSide = 'outbound' | 'gateway' | 'edge' | 'inbound' | 'redirected'

/** All sides. */
export const streamSides: readonly StreamSide[] = ['outbound', 'gateway', 'edge', 'inbound', 'redirected']

/** TLS as a client begins it. */
export interface ClientTls {
  /** As written; '' for none. */
  readonly serverName: string
  /** SPIFFE id in the certificate that it shows where it is asked for one. */
  readonly identity: string | undefined
}

/** One connection. */
export interface TestConnection {
  /** Where the client dials; of redirected traffic, where it means to go. */
  readonly host: string
  readonly port: number
  readonly source: string
  /** Absent: plain bytes. */
  readonly tls?: ClientTls
  /** The client waits for its server to speak. */
  readonly silent?: true
}

/** `refused`: nobody listens; `closed`: the connection ended before the application spoke. */
export type StreamOutcome = 'answered' | 'closed' | 'refused'
