import type { Buffer } from 'node:buffer'
import type { Timers, Transport, TransportClose } from '@weft/core'
import { type Cluster, type ConnectionFacts, type Tunneling, tunnelTarget } from '@weft/engine'
import { H1Head } from '../codec/h1/h1-head.ts'

/** What the answer to a CONNECT may have. */
const headLimits = { maxBytes: 60 * 1024, maxHeaders: 100 }

/** Which tunnel is asked for, and for whom. */
export interface TunnelRequest {
  readonly cluster: Cluster
  readonly tunneling: Tunneling
  readonly facts: ConnectionFacts
}

/**
 * Asks the upstream at the other end of `transport` for a tunnel (CONNECT over HTTP/1.1) and waits for its answer, for the
 * cluster's connect timeout at most. `onOpen` gets what was read behind the answer; after `onFail` the transport is gone.
 * Returns how to give up.
 */
export function openTunnel(
  transport: Transport,
  request: TunnelRequest,
  timers: Timers,
  outcome: {
    onOpen(head: Buffer | undefined): void
    onFail(close: TransportClose, timedOut: boolean): void
  },
): () => void {
  const { cluster } = request
  const answer = new H1Head(true)
  let received: Buffer | undefined
  let over = false
  const settle = (): boolean => {
    if (over) return false
    over = true
    timer.cancel()
    return true
  }
  const fail = (detail: string, timedOut = false): void => {
    if (!settle()) return
    transport.destroy()
    outcome.onFail({ reason: timedOut ? 'timeout' : 'closed', detail }, timedOut)
  }
  const timer = timers.set(cluster.connectTimeoutMs, () =>
    fail(`no answer to CONNECT within ${cluster.connectTimeoutMs} ms`, true),
  )
  transport.handler = {
    onData: (chunk) => {
      if (over) return
      received = joined(received, chunk)
      let state = answer.parse(received, 0, received.length, headLimits)
      while (state === 'done' && answer.status < 200 && answer.status !== 101) {
        received = received.subarray(answer.length)
        answer.reset()
        state = answer.parse(received, 0, received.length, headLimits)
      }
      if (state === 'fault') return fail('the answer to CONNECT cannot be read')
      if (state === 'more') return
      if (answer.status < 200 || answer.status > 299) return fail(`CONNECT was answered with ${answer.status}`)
      if (!settle()) return
      transport.pause()
      outcome.onOpen(received.length > answer.length ? received.subarray(answer.length) : undefined)
    },
    onEnd: () => fail('the connection ended before CONNECT was answered'),
    onDrain: () => {},
    onClose: () => fail('the connection ended before CONNECT was answered'),
  }
  const text = transport.alpn === 'h2' ? undefined : connectText(request)
  if (text === undefined) {
    // Deferred, so that nothing is told before the caller holds its way to give up.
    timers.set(0, () => fail(`the upstream of cluster ${cluster.name} takes no CONNECT over HTTP/1.1 for this name`))
  } else {
    transport.writeLatin1(text)
    transport.resume()
  }
  return () => {
    if (settle()) transport.destroy()
  }
}

function joined(before: Buffer | undefined, chunk: Buffer): Buffer {
  const { concat, from } = chunk.constructor as typeof Buffer
  return before === undefined ? from(chunk) : concat([before, chunk])
}

/** Undefined: what was asked for cannot be written as an HTTP/1.1 request. */
function connectText({ cluster, tunneling, facts }: TunnelRequest): string | undefined {
  if (cluster.http.protocol === 'http2' || tunneling.post !== undefined) return undefined
  const target = tunnelTarget(tunneling, facts)
  if (target === undefined) return undefined
  const { authority, headers } = target
  let text = `CONNECT ${authority} HTTP/1.1\r\nhost: ${authority}\r\n`
  for (let at = 0; at < headers.length; at += 2) text += `${headers[at]}: ${headers[at + 1]}\r\n`
  return `${text}\r\n`
}
