// Byte streams as the data plane sees them: callbacks, no Readable/Writable. Real ones sit on net.Socket and node:tls,
// in-memory ones carry the peer's identity in place of TLS. Everything above is written once against these interfaces.

import type { GatheredOutput } from './gathered-output.ts'

/** Why a transport ended: `reset` by the peer, `refused`, `timeout`, `tls` (handshake or verification), `closed` normally. */
export interface TransportClose {
  readonly reason: 'closed' | 'reset' | 'refused' | 'timeout' | 'unreachable' | 'tls' | 'local'
  /** For people and logs; never contains key material. */
  readonly detail: string
}

/** Receives what happens on a transport. Exactly one handler at a time; it may be replaced between callbacks. */
export interface TransportHandler {
  /**
   * Bytes arrived. `chunk` is valid only during the call (it may be a shared read buffer): copy what must be kept.
   */
  onData(chunk: Buffer): void
  /** In its place, for whoever reads bytes where they lie: `bytes[start, end)` arrived, valid during the call. */
  onBytes?(bytes: Buffer, start: number, end: number): void
  /** The peer finished sending (FIN or close_notify). The other direction may still be open. */
  onEnd(): void
  /** Everything written has left user space, after `write` returned false. */
  onDrain(): void
  /** Exactly once, last. */
  onClose(close: TransportClose): void
}

/** What is known of the far end after a verified TLS handshake (or from the in-memory network). */
export interface PeerIdentity {
  /** The verified SPIFFE id, `spiffe://...`; undefined when the peer showed no certificate or one without a SPIFFE id. */
  readonly spiffeId: string | undefined
  /** Hexadecimal serial of the peer's leaf certificate. */
  readonly serial: string | undefined
  /** Wall clock, milliseconds: when the peer's leaf certificate expires. */
  readonly notAfterMs: number | undefined
  /** DNS names of the peer's leaf certificate; absent: none. */
  readonly dnsNames?: readonly string[]
  /** SHA-256 of the peer's leaf certificate, hexadecimal; absent: not known. */
  readonly fingerprint?: string
  /** Subject of the peer's leaf certificate as RFC 2253 writes it; absent: not known. */
  readonly subject?: string
  /** IP addresses of the peer's leaf certificate, as its text form writes them; absent: none. */
  readonly ipAddresses?: readonly string[]
}

/** One connection. Created paused: nothing is delivered before `resume`. */
export interface Transport {
  handler: TransportHandler
  readonly localAddress: string
  readonly localPort: number
  readonly remoteAddress: string
  readonly remotePort: number
  /** Set once the transport is secured; undefined on plaintext. */
  readonly peer: PeerIdentity | undefined
  readonly alpn: string | undefined
  readonly sni: string | undefined
  /** Bytes accepted by `write` that have not left user space. */
  readonly queuedBytes: number
  resume(): void
  pause(): void
  /** Takes a copy of what the kernel does not take at once. False: wait for `onDrain` before writing more. */
  write(bytes: Buffer): boolean
  /** One latin1 string (a head), same contract as `write`; saves a copy. */
  writeLatin1(text: string): boolean
  /** What was gathered, same contract as `write`, without a copy: afterwards nothing is. Absent: `write` does. */
  writeGathered?(output: GatheredOutput): boolean
  /** Finishes sending (FIN or close_notify); reading goes on. */
  end(): void
  /** Ends both directions at once; `reset` sends RST where the platform can. `onClose` follows asynchronously. */
  destroy(reset?: boolean): void
}

/** The certificate and roots one side of a handshake uses. PEM texts; never logged. */
export interface TlsMaterial {
  readonly certificateChainPem: string
  readonly privateKeyPem: string
}

/** Decides about the peer's verified chain: its SPIFFE id is acceptable, or the reason it is not. */
export type PeerVerifier = (
  peer: PeerIdentity & {
    readonly dnsNames: readonly string[]
    /** The leaf certificate as DER; absent on the in-memory network. */
    readonly leafDer?: Uint8Array
  },
) => string | undefined

/** What narrows a handshake beyond its versions. OpenSSL's lists, `:` between the names; absent: its own choice. */
export interface TlsParameters {
  /** PEM of revoked certificates: with it, every authority of a peer's chain must have a list there, and nobody of the chain be on one. */
  readonly crlPem?: string
  readonly ciphers?: string
  readonly curves?: string
}

/** Server side of a TLS handshake. */
export interface TlsServerOptions extends TlsParameters {
  readonly material: TlsMaterial
  /** The certificate for a client that names a server (lower-case), in place of `material`. */
  readonly materialFor?: (serverName: string) => TlsMaterial
  /** False: no session tickets. */
  readonly tickets?: boolean
  readonly sessionTimeoutSeconds?: number
  /** PEM roots peers must chain to; undefined: no client certificate is asked for. */
  readonly clientRootsPem: string | undefined
  readonly requireClientCertificate: boolean
  readonly alpn: readonly string[]
  readonly verifyPeer: PeerVerifier | undefined
  readonly minVersion: 'TLSv1.2' | 'TLSv1.3'
  /** TLS 1.3 when absent. */
  readonly maxVersion?: 'TLSv1.2' | 'TLSv1.3'
}

/** Client side of a TLS handshake. `verifyPeer` replaces host name verification. */
export interface TlsClientOptions extends TlsParameters {
  readonly material: TlsMaterial | undefined
  readonly rootsPem: string | undefined
  /** The roots this machine trusts, when `rootsPem` is undefined. */
  readonly systemRoots?: true
  readonly sni: string | undefined
  readonly alpn: readonly string[]
  readonly verifyPeer: PeerVerifier | undefined
  readonly minVersion: 'TLSv1.2' | 'TLSv1.3'
  /** TLS 1.3 when absent. */
  readonly maxVersion?: 'TLSv1.2' | 'TLSv1.3'
}

/** Where to connect, and from which local address (so that the far end can name the workload). */
export interface ConnectOptions {
  /** An address, or the absolute path of a Unix socket (then `port` is not looked at). */
  readonly host: string
  readonly port: number
  readonly localAddress?: string
  /** Probes while nothing is said; absent: none. */
  readonly keepAlive?: KeepAlive
}

/** Probes of an idle TCP connection. */
export interface KeepAlive {
  readonly idleSeconds: number
  readonly intervalSeconds: number
  /** Unanswered ones after which the connection is dead. */
  readonly probes: number
}

/** A bound listener. */
export interface NetListener {
  readonly address: string
  readonly port: number
  /** Stops accepting; accepted connections live on. */
  close(): Promise<void>
}

/** Where to listen. */
export interface ListenAt {
  readonly host: string
  readonly port: number
  readonly backlog?: number
  /** A native handle that somebody else has bound to this address: listen on it instead of binding. */
  readonly handle?: object | undefined
}

/** An address and port of UDP. */
export interface DatagramPeer {
  readonly address: string
  readonly port: number
}

/** A UDP socket. Datagrams are lost without a word when the machine, or its own bounded queue, takes no more. */
export interface DatagramSocket {
  readonly address: string
  readonly port: number
  /** `bytes` must not be changed afterwards. */
  send(bytes: Uint8Array, to: DatagramPeer): void
  close(): void
}

/** Where to take datagrams. */
export interface DatagramAt {
  readonly host: string
  readonly port: number
  /** Other processes of the same user may bind this address, too: the kernel deals out senders among them. */
  readonly shared?: boolean
}

/** The part of the network that carries datagrams. */
export interface Datagrams {
  /** Port 0: any. `bytes` are the receiver's to keep. `onError`: of a datagram sent before (its port is closed), or of the socket. */
  bind(
    at: DatagramAt,
    onDatagram: (bytes: Uint8Array, from: DatagramPeer) => void,
    onError: (detail: string) => void,
  ): Promise<{ readonly ok: true; readonly value: DatagramSocket } | { readonly ok: false; readonly error: string }>
}

/** What is asked of name servers: the addresses of one family that a name has. */
export interface NameQuestion {
  readonly name: string
  readonly family: 4 | 6
  /** Who is asked, in order; empty: those that this machine asks. */
  readonly servers: readonly DatagramPeer[]
}

/** What they said. `none`: there is no such name, or it has no address of the family. */
export type NameAnswer =
  /** `ttlMs`: how long it holds; undefined: nobody said. */
  | { readonly kind: 'addresses'; readonly addresses: readonly string[]; readonly ttlMs: number | undefined }
  | { readonly kind: 'none' }
  | { readonly kind: 'failed'; readonly detail: string }

/** The part of the network that finds the addresses of names. */
export interface Names {
  /** Answers once, never synchronously, and in the end always: waiting for servers is bounded. */
  lookup(question: NameQuestion, onAnswer: (answer: NameAnswer) => void): void
}

/** The network. Connect outcomes arrive by callback: exactly one of the two, never synchronously. */
export interface Net {
  /** Absent: this network carries none. */
  readonly datagrams?: Datagrams
  /** Absent: no name is looked up on this network. */
  readonly names?: Names
  listen(
    at: ListenAt,
    onConnection: (transport: Transport) => void,
  ): Promise<{ readonly ok: true; readonly value: NetListener } | { readonly ok: false; readonly error: string }>
  /** Returns a function that gives up (then neither callback fires). */
  connect(
    options: ConnectOptions,
    onOpen: (transport: Transport) => void,
    onFail: (close: TransportClose) => void,
  ): () => void
  /**
   * Runs the server side of a handshake over an accepted transport. `head` holds bytes already read from it (sniffed).
   * The plain transport must not be used afterwards.
   */
  secureServer(
    transport: Transport,
    head: Buffer | undefined,
    options: TlsServerOptions,
    onOpen: (transport: Transport) => void,
    onFail: (close: TransportClose) => void,
  ): void
  /** Runs the client side of a handshake over a connected transport. */
  secureClient(
    transport: Transport,
    options: TlsClientOptions,
    onOpen: (transport: Transport) => void,
    onFail: (close: TransportClose) => void,
  ): void
}
