// What a decision may ask of a request and of its connection. The h1 codec answers from byte offsets, h2 from its
// fields, `explain` from a plain object. Nothing here allocates a headers object.

/** The request line and headers, as filters see them: after path normalisation and port stripping. */
export interface RequestHead {
  /** Upper-case as sent, `GET`. */
  method(): string
  /** Path without query and fragment, `/books`. `''` for CONNECT without a path. */
  path(): string
  /** What follows the first `?`, without it; undefined when there is no `?`. */
  query(): string | undefined
  /** Host header or `:authority`, with its port when one was sent. */
  authority(): string
  /** `http` or `https`. */
  scheme(): string
  /** Value of a header by lower-case name; several lines are joined with `,`. No pseudo headers. */
  header(name: string): string | undefined
  /**
   * Value of the `index`-th line of a header, counted from 0; undefined behind the last. Matchers ask line by line: one line
   * that matches is enough, and no two are ever joined (as Envoy 1.40; joined values let policies be evaded).
   */
  headerLine(name: string, index: number): string | undefined
}

/** What is known of the downstream connection once its listener filters and handshake are done. */
export interface ConnectionFacts {
  /** Destination as the client meant it (original destination, or the CONNECT authority's address inside a tunnel). */
  readonly localAddress: string
  readonly localPort: number
  /** The client: the peer at the other end of the socket, or whom its PROXY header names. */
  readonly remoteAddress: string
  readonly remotePort: number
  /** The peer at the other end of the socket, when it speaks for another. */
  readonly direct?: { readonly address: string; readonly port: number }
  /** True when the local address is where the client meant to go, and not simply where we listen. */
  readonly destinationKnown?: true
  /** Server name from the TLS ClientHello, lower-case. */
  readonly sni: string | undefined
  /** What the TLS inspector found. `raw_buffer` without one. */
  readonly transportProtocol: 'raw_buffer' | 'tls'
  /** ALPN of the ClientHello, or what the HTTP inspector found (`http/1.0`, `http/1.1`, `h2c`). */
  readonly applicationProtocols: readonly string[]
  /** True once a TLS handshake completed on this connection. */
  readonly tls: boolean
  /**
   * Names of the verified client certificate in Envoy's order: URI SANs, DNS SANs, subject. Empty without a
   * certificate. The first is `source.principal`.
   */
  readonly peerNames: readonly string[]
  /** SPIFFE id of our own certificate, when known: `destination.principal`. */
  readonly localPrincipal?: string | undefined
  /** On internal listeners: metadata that whoever connected passed on, by namespace. */
  readonly metadata?: Readonly<Record<string, Json>> | undefined
}

/** JSON as it comes out of a protobuf Struct. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json }

/** Everything a predicate may look at. The proxy's exchange implements it, so that no object is made per decision. */
export interface Subject {
  readonly head: RequestHead
  readonly connection: ConnectionFacts
  /**
   * The stream's random value: one non-negative integer below 2^48, drawn once per stream. Route fractions and weighted
   * clusters take it modulo their denominator, as Envoy does.
   */
  readonly random: number
  /** The client's address after X-Forwarded-For was interpreted; undefined: the connection's remote address. */
  readonly trustedAddress?: string | undefined
  /** Value of a runtime key; absent: every key has its default. */
  readonly runtime?: ((key: string) => number | undefined) | undefined
  /** Dynamic metadata by filter name. */
  readonly dynamicMetadata?: { readonly [filter: string]: Json } | undefined
}

/** A request as plain data; header names in any case, repeated lines as arrays. */
export interface PlainRequest {
  readonly method: string
  /** Path with query. */
  readonly path: string
  readonly authority: string
  readonly scheme?: 'http' | 'https'
  readonly headers?: { readonly [name: string]: string | readonly string[] }
}

/** What a connection carries that carries only bytes. */
export const noRequest: PlainRequest = { method: '', path: '', authority: '' }

/** A `RequestHead` over plain data, for `explain` and tests. A fragment is dropped. */
export function plainHead(request: PlainRequest): RequestHead {
  const headers = new Map<string, readonly string[]>()
  for (const [name, value] of Object.entries(request.headers ?? {})) {
    const key = name.toLowerCase()
    headers.set(key, [...(headers.get(key) ?? []), ...(typeof value === 'string' ? [value] : value)])
  }
  const hash = request.path.indexOf('#')
  const whole = hash < 0 ? request.path : request.path.slice(0, hash)
  const mark = whole.indexOf('?')
  const path = mark < 0 ? whole : whole.slice(0, mark)
  const query = mark < 0 ? undefined : whole.slice(mark + 1)
  return {
    method: () => request.method,
    path: () => path,
    query: () => query,
    authority: () => request.authority,
    scheme: () => request.scheme ?? 'http',
    header: (name) => headers.get(name)?.join(','),
    headerLine: (name, index) => headers.get(name)?.[index],
  }
}
