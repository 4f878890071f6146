import { Buffer } from 'node:buffer'
import type { Timers, Transport } from '@weft/core'
import type { ListenerSniffing } from '@weft/engine'
import { inspectHttp } from './http-inspector.ts'
import { readClientHello } from './tls-client-hello.ts'

/** What the first bytes of a connection said; the words of Envoy's FilterChainMatch. */
export interface Sniffed {
  readonly transportProtocol: 'tls' | 'raw_buffer'
  readonly serverName: string
  readonly applicationProtocols: readonly string[]
  /** Bytes already read; they belong in front of everything that follows. */
  readonly head: Buffer | undefined
}

/** A connection nothing was asked of. */
const notSniffed: Sniffed = {
  transportProtocol: 'raw_buffer',
  serverName: '',
  applicationProtocols: [],
  head: undefined,
}

/**
 * Reads just enough of a connection to tell TLS from plaintext and HTTP from the rest (tls_inspector, http_inspector),
 * bounded in bytes and time. `onDone` gets the paused transport's facts; `onGone` the reason it was given up, after
 * which the transport is destroyed.
 */
export function sniff(
  transport: Transport,
  wanted: ListenerSniffing,
  timers: Timers,
  events: { onDone(sniffed: Sniffed): void; onGone(reason: string): void },
): void {
  if (!wanted.tls && !wanted.http) return events.onDone(notSniffed)
  let head: Buffer = Buffer.alloc(0)
  let settled = false
  const timer =
    wanted.timeoutMs > 0
      ? timers.set(wanted.timeoutMs, () => {
          if (wanted.continueOnTimeout) settle({ ...notSniffed, head: head.length > 0 ? head : undefined })
          else giveUp('listener_filter_timeout')
        })
      : undefined
  const settle = (sniffed: Sniffed): void => {
    if (settled) return
    settled = true
    timer?.cancel()
    transport.pause()
    events.onDone(sniffed)
  }
  const giveUp = (reason: string): void => {
    if (settled) return
    settled = true
    timer?.cancel()
    transport.destroy()
    events.onGone(reason)
  }
  transport.handler = {
    onData: (chunk) => {
      if (settled) return
      head = head.length === 0 ? Buffer.from(chunk) : Buffer.concat([head, chunk])
      const sniffed = judge(head, wanted)
      if (sniffed !== undefined) settle(sniffed)
    },
    // A half-closed connection that said too little is nothing that a chain could serve.
    onEnd: () => giveUp('downstream_closed'),
    onDrain: () => {},
    onClose: () => giveUp('downstream_closed'),
  }
  transport.resume()
}

/** The verdict on the bytes so far; undefined while it takes more. */
function judge(head: Buffer, wanted: ListenerSniffing): Sniffed | undefined {
  if (wanted.tls) {
    const hello = readClientHello(head)
    if (hello.kind === 'incomplete') return undefined
    if (hello.kind === 'tls') {
      return { transportProtocol: 'tls', serverName: hello.sni, applicationProtocols: hello.alpn, head }
    }
  }
  if (!wanted.http) return { ...notSniffed, head }
  const verdict = inspectHttp(head)
  if (verdict === 'incomplete') return undefined
  return { ...notSniffed, applicationProtocols: verdict === 'not-http' ? [] : [verdict], head }
}
