// What `explain` says: every decision on the way of one request, and how it ends.
import type { ActiveConfig, EndpointSet, Origins } from '../model.ts'
import type { ProofStep } from '../prove/proof.ts'
import type { PlainRequest } from '../request-head.ts'

/** One proxy as `explain` sees it. */
export interface ProxyView {
  /** `<instance>.<namespace>` */
  readonly id: string
  /** Mesh address; upstream connections come from it. */
  readonly address: string
  /** SPIFFE id of its SVID; undefined: it has none. */
  readonly principal: string | undefined
  readonly config: ActiveConfig
  /** By EDS name. */
  readonly endpoints: ReadonlyMap<string, EndpointSet>
  /** Of an Envoy: resources that it may well use and that are not understood here, so that nothing follows from their absence. */
  readonly unread?: readonly UnreadResource[]
}

/** A resource that is not understood, and why. */
export interface UnreadResource {
  readonly type: 'LDS' | 'RDS' | 'CDS' | 'EDS'
  readonly name: string
  readonly reason: string
}

/** What to explain. */
export interface ExplainInput {
  readonly from: ProxyView
  /** A CONNECT opens a tunnel: `inside` is what it carries. */
  readonly request: PlainRequest
  /** What a CONNECT tunnel carries: a request, TLS to the host that was asked for; absent: bytes of another protocol. */
  readonly inside?: PlainRequest | 'tls'
  /** Where a connection that carries bytes is meant for; absent: a request to the HTTP listener. */
  readonly to?: TcpTarget
  /** The proxy whose mesh address this is; undefined: nobody's, the request leaves the mesh. */
  readonly proxyAt: (address: string) => ProxyView | undefined
  /** Port of the entry listener, when the proxy has several (gateways). */
  readonly entryPort?: number
  /** The client speaks TLS and asks for this server, '' for none; absent: it speaks plain HTTP. A certificate that is asked for it has. */
  readonly overTls?: string
  /** The stream's random value: decides splits and fractions. */
  readonly random: number
  /** Draws in [0, 1) for faults: below its percentage a fault hits. */
  readonly faultDraw: number
  /** What time it is, where cookies of sessions end; absent: none has ended. */
  readonly wallMs?: number
}

/** Where a TCP client wants to go: an address, or a Service's name. */
export interface TcpTarget {
  readonly host: string
  readonly port: number
  /** Of a client that speaks TLS: the name that it asks for, '' for none. */
  readonly serverName?: string
  /** Names in the certificate that it shows where one is asked for; absent: it has none. */
  readonly clientNames?: readonly string[]
  /** The address it dials from; absent: that of the proxy's workload. */
  readonly source?: string
}

/** What to explain of a TCP connection. */
export type TcpExplainInput = Omit<ExplainInput, 'request' | 'inside'> & { readonly to: TcpTarget }

/** A decision, and the proxy that takes it. */
export interface ExplainStep extends ProofStep {
  readonly proxy: string
}

/** Something that an Envoy on the way decides by what is not computed here. */
export interface Undecided {
  readonly proxy: string
  readonly kind: 'filter' | 'policy'
  /** Of the filter, or of the policies, with commas between them. */
  readonly name: string
  readonly why: string
  readonly origins: Origins
}

/** The way of one request, or of one TCP connection. */
export interface Explanation {
  /** Set for a TCP connection. */
  readonly protocol?: 'tcp'
  readonly request: PlainRequest
  /** 200 stands for "handed to the application": its own answer is not known here. */
  readonly status: number
  /** Of a proxy's own answer to a gRPC call, whose HTTP status is 200. */
  readonly grpcStatus?: number
  /** `forwarded` to an application, `local` answer by a proxy, `failed` connection; `unknown`: it cannot be told, for `reason`. */
  readonly outcome: 'forwarded' | 'local' | 'failed' | 'unknown'
  /** All of these let the request on unchanged, or it ends there instead; absent: everything is decided. */
  readonly undecided?: readonly Undecided[]
  /** Envoy's response flag, where one is set (`NR`, `UH`, `UF`, `FI`, ...). */
  readonly flag: string | undefined
  readonly reason: string
  /** Of the first proxy. */
  readonly route: string | undefined
  readonly cluster: string | undefined
  /** `address:port` of the endpoint the walk went on with. */
  readonly endpoint: string | undefined
  readonly delayMs: number
  readonly steps: readonly ExplainStep[]
}
