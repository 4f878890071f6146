import { Buffer } from 'node:buffer'
import type {
  PeerIdentity,
  PeerVerifier,
  TlsClientOptions,
  TlsServerOptions,
  Transport,
  TransportClose,
  TransportHandler,
} from '@weft/core'
import { clientHello, clientHelloExtension, simCertificateExtension, tlsRecord } from './client-hello.ts'
import { readSimCertificate, readSimRoots, type SimCertificate } from './sim-certificate.ts'

// The handshake of the simulation: records have TLS's framing (so that sniffing works), certificates are JSON in PEM
// armour, and nothing is encrypted. Verification order and outcomes are those of node:tls.

type Open = (transport: Transport) => void
type Fail = (close: TransportClose) => void

interface ServerHello {
  readonly certificate: string
  readonly alpn: string | null
}

/** Server side of a simulated handshake; see `Net.secureServer`. `at.wallMs` is the time certificates are judged at. */
export function simSecureServer(
  at: { readonly transport: Transport; readonly head: Buffer | undefined; readonly wallMs: number },
  options: TlsServerOptions,
  onOpen: Open,
  onFail: Fail,
): void {
  const { transport, head } = at
  let peer: PeerIdentity | undefined
  let alpn: string | undefined
  let sni: string | undefined
  const records = new RecordReader(transport, onFail)
  const onHello = (hello: Buffer): void => {
    if (hello[0] !== 22 || hello[5] !== 1) return refuse(transport, onFail, 'not a TLS ClientHello')
    const offered = clientHelloExtension(hello, 16)
    alpn = options.alpn.find((name) => offered?.includes(name) === true)
    sni = clientHelloExtension(hello, 0)?.subarray(5).toString()
    if (options.clientRootsPem !== undefined) {
      const pem = clientHelloExtension(hello, simCertificateExtension)?.toString()
      const verdict = judge(pem, options.clientRootsPem, options.verifyPeer, at.wallMs)
      if (typeof verdict === 'string') return refuse(transport, onFail, verdict)
      if (verdict === undefined && options.requireClientCertificate) {
        return refuse(transport, onFail, 'peer did not return a certificate')
      }
      peer = verdict
    }
    const answer: ServerHello = { certificate: options.material.certificateChainPem, alpn: alpn ?? null }
    transport.write(tlsRecord(22, Buffer.from(JSON.stringify(answer))))
    records.next(onFinished)
  }
  const onFinished = (record: Buffer): void => {
    if (record[0] !== 22) return fail(transport, onFail, record.subarray(5).toString())
    onOpen(new SecuredTransport(transport, { peer, alpn, sni }, records.rest()))
  }
  records.next(onHello)
  records.start(head)
}

/** Client side of a simulated handshake; see `Net.secureClient`. */
export function simSecureClient(
  at: { readonly transport: Transport; readonly wallMs: number },
  options: TlsClientOptions,
  onOpen: Open,
  onFail: Fail,
): void {
  const { transport } = at
  const records = new RecordReader(transport, onFail)
  const own = options.material?.certificateChainPem
  const extensions = own === undefined ? new Map() : new Map([[simCertificateExtension, Buffer.from(own)]])
  records.next((record) => {
    if (record[0] !== 22) return fail(transport, onFail, record.subarray(5).toString())
    const hello = JSON.parse(record.subarray(5).toString()) as ServerHello
    let peer: PeerIdentity | undefined
    if (options.rootsPem !== undefined) {
      const verdict = judge(hello.certificate, options.rootsPem, options.verifyPeer, at.wallMs)
      if (typeof verdict === 'string') return refuse(transport, onFail, verdict)
      peer = verdict
    }
    transport.write(tlsRecord(22, Buffer.from('finished')))
    onOpen(new SecuredTransport(transport, { peer, alpn: hello.alpn ?? undefined, sni: options.sni }, records.rest()))
  })
  transport.write(clientHello({ sni: options.sni, alpn: options.alpn, extensions }))
  records.start(undefined)
}

/** The peer's identity, undefined for no certificate, or why it is refused. */
function judge(
  pem: string | undefined,
  rootsPem: string,
  verify: PeerVerifier | undefined,
  wallMs: number,
): PeerIdentity | string | undefined {
  if (pem === undefined) return undefined
  const certificate: SimCertificate | undefined = readSimCertificate(pem)
  if (certificate === undefined) return 'unreadable certificate'
  if (!readSimRoots(rootsPem).includes(certificate.issuer)) return 'unable to verify the first certificate'
  if (certificate.notAfterMs <= wallMs) return 'certificate has expired'
  if (certificate.notBeforeMs > wallMs) return 'certificate is not yet valid'
  const { spiffeId, serial, notAfterMs } = certificate
  const refusal = verify?.({ spiffeId, serial, notAfterMs, dnsNames: certificate.dnsNames })
  return refusal ?? { spiffeId, serial, notAfterMs }
}

function refuse(transport: Transport, onFail: Fail, detail: string): void {
  transport.write(tlsRecord(21, Buffer.from(`alert: ${detail}`)))
  fail(transport, onFail, detail)
}

function fail(transport: Transport, onFail: Fail, detail: string): void {
  transport.handler = { onData() {}, onEnd() {}, onDrain() {}, onClose() {} }
  transport.destroy()
  onFail({ reason: 'tls', detail })
}

/** Cuts a byte stream into TLS records, one callback per record. */
class RecordReader implements TransportHandler {
  readonly #transport: Transport
  readonly #onFail: Fail
  #buffered: Buffer = Buffer.alloc(0)
  #onRecord: ((record: Buffer) => void) | undefined

  constructor(transport: Transport, onFail: Fail) {
    this.#transport = transport
    this.#onFail = onFail
  }

  next(onRecord: (record: Buffer) => void): void {
    this.#onRecord = onRecord
  }

  start(head: Buffer | undefined): void {
    this.#transport.handler = this
    if (head !== undefined && head.length > 0) queueMicrotask(() => this.onData(head))
    this.#transport.resume()
  }

  /** Bytes behind the last record; reading stops here. */
  rest(): Buffer {
    this.#transport.pause()
    return this.#buffered
  }

  onData(chunk: Buffer): void {
    this.#buffered = Buffer.concat([this.#buffered, chunk])
    while (this.#onRecord !== undefined && this.#buffered.length >= 5) {
      const length = 5 + this.#buffered.readUInt16BE(3)
      if (this.#buffered.length < length) return
      const record = this.#buffered.subarray(0, length)
      this.#buffered = this.#buffered.subarray(length)
      const onRecord = this.#onRecord
      this.#onRecord = undefined
      onRecord(record)
    }
  }

  onEnd(): void {
    fail(this.#transport, this.#onFail, 'peer closed during the handshake')
  }

  onDrain(): void {}

  onClose(close: TransportClose): void {
    this.#onFail({
      reason: close.reason === 'reset' ? 'reset' : 'tls',
      detail: `during the handshake: ${close.detail}`,
    })
  }
}

interface Session {
  readonly peer: PeerIdentity | undefined
  readonly alpn: string | undefined
  readonly sni: string | undefined
}

/** The plain transport plus the identity its handshake established; bytes read too early come first. */
class SecuredTransport implements Transport {
  readonly peer: PeerIdentity | undefined
  readonly alpn: string | undefined
  readonly sni: string | undefined
  readonly #inner: Transport
  #early: Buffer | undefined
  #paused = true

  constructor(inner: Transport, session: Session, early: Buffer) {
    this.#inner = inner
    this.peer = session.peer
    this.alpn = session.alpn
    this.sni = session.sni
    this.#early = early.length > 0 ? Buffer.from(early) : undefined
  }

  get handler(): TransportHandler {
    return this.#inner.handler
  }
  set handler(handler: TransportHandler) {
    this.#inner.handler = handler
  }
  get localAddress(): string {
    return this.#inner.localAddress
  }
  get localPort(): number {
    return this.#inner.localPort
  }
  get remoteAddress(): string {
    return this.#inner.remoteAddress
  }
  get remotePort(): number {
    return this.#inner.remotePort
  }
  get queuedBytes(): number {
    return this.#inner.queuedBytes
  }

  resume(): void {
    this.#paused = false
    if (this.#early === undefined) return this.#inner.resume()
    queueMicrotask(() => {
      const early = this.#early
      if (this.#paused || early === undefined) return
      this.#early = undefined
      this.handler.onData(early)
      if (!this.#paused) this.#inner.resume()
    })
  }
  pause(): void {
    this.#paused = true
    this.#inner.pause()
  }
  write(bytes: Buffer): boolean {
    return this.#inner.write(bytes)
  }
  writeLatin1(text: string): boolean {
    return this.#inner.writeLatin1(text)
  }
  end(): void {
    this.#inner.end()
  }
  destroy(reset?: boolean): void {
    this.#inner.destroy(reset)
  }
}
