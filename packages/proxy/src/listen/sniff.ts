import { Buffer } from 'node:buffer'
import type { Timer, Timers, Transport } from '@weft/core'
import type { ListenerSniffing, ProxyProtocolRules } from '@weft/engine'
import type { ProxiedEnds } from '../proxy-protocol/write-proxy-header.ts'
import { readProxyHeader } from '../proxy-protocol/read-proxy-header.ts'
import { inspectHttp } from './http-inspector.ts'
import { readClientHello } from './tls-client-hello.ts'

/** What the first bytes of a connection said; the words of Envoy's FilterChainMatch. */
export interface Sniffed {
  readonly transportProtocol: 'tls' | 'raw_buffer'
  readonly serverName: string
  readonly applicationProtocols: readonly string[]
  /** Bytes already read; they belong in front of everything that follows. */
  readonly head: Buffer | undefined
  /** Whose connection it is, when a PROXY header told. */
  readonly ends?: ProxiedEnds | undefined
}

/** A connection of which nothing was asked, or that said nothing. */
export const silent: Sniffed = {
  transportProtocol: 'raw_buffer',
  serverName: '',
  applicationProtocols: [],
  head: undefined,
}

/** What a sniffer tells; exactly one of `onDone` and `onGone`, last. */
export interface SniffEvents {
  /** The transport is paused. */
  onDone(sniffed: Sniffed): void
  /** It was given up and destroyed. */
  onGone(reason: string): void
  /** The client has said nothing for `afterMs`; `ends` is what a PROXY header told. Absent: nobody wants to know. */
  readonly silence?: { readonly afterMs: number; onSilence(ends: ProxiedEnds | undefined): void } | undefined
}

/**
 * Reads just enough of a connection to tell whose it is (PROXY protocol), TLS from plaintext and HTTP from the rest
 * (tls_inspector, http_inspector), bounded in bytes and time.
 */
export class Sniffer {
  readonly #transport: Transport
  readonly #wanted: ListenerSniffing
  readonly #timers: Timers
  readonly #events: SniffEvents
  #head: Buffer = Buffer.alloc(0)
  #ends: ProxiedEnds | undefined
  /** A PROXY header has to be looked for. */
  #headerDue: boolean
  #settled = false
  #timer: Timer | undefined
  #silence: Timer | undefined

  constructor(transport: Transport, wanted: ListenerSniffing, timers: Timers, events: SniffEvents) {
    this.#transport = transport
    this.#wanted = wanted
    this.#timers = timers
    this.#events = events
    this.#headerDue = wanted.proxyProtocol !== undefined
  }

  /** Begins; when nothing has to be found out it is done within the call. */
  start(): void {
    const { tls, http, timeoutMs } = this.#wanted
    if (!tls && !http && !this.#headerDue) return this.#settle(silent)
    if (timeoutMs > 0) this.#timer = this.#timers.set(timeoutMs, () => this.#onTimeout())
    this.#transport.handler = {
      onData: (chunk) => this.#onData(chunk),
      // A half-closed connection that said too little is nothing that a chain could serve.
      onEnd: () => this.#giveUp('downstream_closed'),
      onDrain: () => {},
      onClose: () => this.#giveUp('downstream_closed'),
    }
    this.#armSilence()
    this.#transport.resume()
  }

  /** True while the client has said nothing but its PROXY header. */
  get quiet(): boolean {
    return !this.#settled && this.#head.length === 0
  }

  /** Ends the wait for a client that says nothing: it is taken for one whose server speaks first. */
  settleSilent(): void {
    this.#settle(silent)
  }

  #onData(chunk: Buffer): void {
    if (this.#settled) return
    this.#head = this.#head.length === 0 ? Buffer.from(chunk) : Buffer.concat([this.#head, chunk])
    if (this.#headerDue && !this.#takeHeader(this.#wanted.proxyProtocol as ProxyProtocolRules)) return
    if (!this.#wanted.tls && !this.#wanted.http) return this.#settle({ ...silent, head: this.#head })
    if (this.#head.length === 0) return this.#armSilence()
    const sniffed = judgeFirstBytes(this.#head, this.#wanted)
    if (sniffed !== undefined) this.#settle(sniffed)
  }

  /** True when the bytes behind the header can be looked at. */
  #takeHeader(rules: ProxyProtocolRules): boolean {
    const version = this.#head[0] === firstByteOfV1 ? 1 : 2
    const verdict = rules.versions.includes(version) ? readProxyHeader(this.#head) : ({ kind: 'none' } as const)
    switch (verdict.kind) {
      case 'incomplete':
        return false
      case 'header':
        this.#ends = verdict.ends
        this.#head = this.#head.subarray(verdict.length)
        break
      case 'none':
        if (rules.optional) break
        this.#giveUp('proxy_protocol_error: no PROXY header')
        return false
      case 'malformed':
        this.#giveUp(`proxy_protocol_error: ${verdict.detail}`)
        return false
    }
    this.#headerDue = false
    return true
  }

  #armSilence(): void {
    const { silence } = this.#events
    if (silence === undefined || this.#silence !== undefined) return
    // Until a header that must come has come, nothing is known of whose connection it is.
    if (this.#headerDue && this.#wanted.proxyProtocol?.optional !== true) return
    this.#silence = this.#timers.set(silence.afterMs, () => {
      if (this.quiet) silence.onSilence(this.#ends)
    })
  }

  #onTimeout(): void {
    // A header that must come stands for who is calling: there is no going on without it.
    const headerMissing = this.#headerDue && this.#wanted.proxyProtocol?.optional !== true
    if (!this.#wanted.continueOnTimeout || headerMissing) return this.#giveUp('listener_filter_timeout')
    this.#settle({ ...silent, head: this.#head.length > 0 ? this.#head : undefined })
  }

  #settle(sniffed: Sniffed): void {
    if (!this.#finish()) return
    this.#transport.pause()
    const head = sniffed.head === undefined || sniffed.head.length === 0 ? undefined : sniffed.head
    this.#events.onDone({ ...sniffed, head, ends: this.#ends })
  }

  #giveUp(reason: string): void {
    if (!this.#finish()) return
    this.#transport.destroy()
    this.#events.onGone(reason)
  }

  #finish(): boolean {
    if (this.#settled) return false
    this.#settled = true
    this.#timer?.cancel()
    this.#silence?.cancel()
    return true
  }
}

/** `P`; version 2 begins with a carriage return. */
const firstByteOfV1 = 0x50

/** The verdict of the inspectors on the bytes so far; undefined while it takes more. */
export function judgeFirstBytes(head: Buffer, wanted: ListenerSniffing): Sniffed | undefined {
  if (wanted.tls) {
    const hello = readClientHello(head)
    if (hello.kind === 'incomplete') return undefined
    if (hello.kind === 'tls') {
      return { transportProtocol: 'tls', serverName: hello.sni, applicationProtocols: hello.alpn, head }
    }
  }
  if (!wanted.http) return { ...silent, head }
  const verdict = inspectHttp(head)
  if (verdict === 'incomplete') return undefined
  return { ...silent, applicationProtocols: verdict === 'not-http' ? [] : [verdict], head }
}
