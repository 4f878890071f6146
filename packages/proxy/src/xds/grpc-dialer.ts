// Opens xDS streams as gRPC calls on node:http2: ADS over mutual TLS, SDS over the host agent's Unix socket in plaintext.
// Each call has an HTTP/2 session of its own, so that a reconnect always shows the newest SVID.
import {
  type ClientHttp2Session,
  type ClientHttp2Stream,
  connect,
  constants,
  type IncomingHttpHeaders,
} from 'node:http2'
import type { PeerIdentity, Runtime } from '@weft/core'
import { certificateFacts, checkLeaf } from '@weft/identity'
import type { XdsStream, XdsStreamHandler } from '@weft/xds'
import { frameMessage, frameReader } from './grpc-frames.ts'
import type { ControlPlaneTls, XdsDialer } from './subscription.ts'

const connectTimeoutMs = 5_000
const pingIntervalMs = 20_000
const pingTimeoutMs = 10_000

const paths = {
  ads: {
    delta: '/envoy.service.discovery.v3.AggregatedDiscoveryService/DeltaAggregatedResources',
    sotw: '/envoy.service.discovery.v3.AggregatedDiscoveryService/StreamAggregatedResources',
  },
  sds: {
    delta: '/envoy.service.secret.v3.SecretDiscoveryService/DeltaSecrets',
    sotw: '/envoy.service.secret.v3.SecretDiscoveryService/StreamSecrets',
  },
} as const

type Timers = Pick<Runtime, 'timers'>

/** Dials a control plane's ADS (Delta) over mutual TLS 1.3. `tls` is asked at each connect. */
export function adsDialer(
  runtime: Timers,
  address: { readonly host: string; readonly port: number },
  tls: () => ControlPlaneTls,
): XdsDialer {
  return dialer(runtime, { path: paths.ads.delta, kind: 'delta', remote: `${address.host}:${address.port}` }, () => {
    const { material, rootsPem, serverSpiffeId } = tls()
    const server: { peer: PeerIdentity | undefined } = { peer: undefined }
    const session = connect(`https://${authority(address)}`, {
      cert: material.certificateChainPem,
      key: material.privateKeyPem,
      ca: rootsPem,
      minVersion: 'TLSv1.3',
      // The chain is verified by then; the name is replaced by the SPIFFE id.
      checkServerIdentity: (_host: string, certificate: { readonly raw: Uint8Array }) => {
        const judged = judgeServer(certificate.raw, serverSpiffeId)
        if (typeof judged === 'string') return new Error(judged)
        server.peer = judged
        return undefined
      },
      settings: { enablePush: false, initialWindowSize: 1024 * 1024 },
    })
    return { session, peer: () => server.peer }
  })
}

/** Dials the host agent's SDS on a Unix socket. */
export function sdsDialer(runtime: Timers, socketPath: string, kind: 'delta' | 'sotw' = 'delta'): XdsDialer {
  return dialer(runtime, { path: paths.sds[kind], kind, remote: socketPath }, () => {
    // `path` reaches net.connect, which prefers it to the host of the URL.
    const options = { path: socketPath, settings: { enablePush: false } }
    return { session: connect('http://localhost', options), peer: () => undefined }
  })
}

function authority({ host, port }: { readonly host: string; readonly port: number }): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`
}

function judgeServer(raw: Uint8Array, wanted: string): PeerIdentity | string {
  const facts = certificateFacts(raw)
  if (!facts.ok) return `control plane: ${facts.error}`
  const leaf = checkLeaf(facts.value)
  if (!leaf.ok) return `control plane: ${leaf.error}`
  if (leaf.value.uri !== wanted) return `the control plane is ${leaf.value.uri}, expected ${wanted}`
  return { spiffeId: wanted, serial: facts.value.serial, notAfterMs: facts.value.notAfterMs }
}

interface Dialed {
  readonly session: ClientHttp2Session
  readonly peer: () => PeerIdentity | undefined
}

interface Call {
  readonly path: string
  readonly kind: 'delta' | 'sotw'
  readonly remote: string
}

function dialer(runtime: Timers, call: Call, open: () => Dialed): XdsDialer {
  return (onOpen, onFail) => {
    const { session, peer } = open()
    let settled = false
    const fail = (reason: string): void => {
      if (settled) return
      settled = true
      timeout.cancel()
      session.destroy()
      onFail(`${call.remote}: ${reason}`)
    }
    const timeout = runtime.timers.set(connectTimeoutMs, () => fail('connect timed out'), { keepAlive: false })
    session.on('error', (error) => fail(error.message))
    session.on('close', () => fail('closed while connecting'))
    session.once('connect', () => {
      if (settled) return
      settled = true
      timeout.cancel()
      session.setLocalWindowSize(4 * 1024 * 1024)
      onOpen(openCall(runtime, { ...call, session, peer: peer() }))
    })
    return () => {
      settled = true
      timeout.cancel()
      session.destroy()
    }
  }
}

type OpenCall = Call & { readonly session: ClientHttp2Session; readonly peer: PeerIdentity | undefined }

function openCall(runtime: Timers, call: OpenCall): XdsStream {
  const { session } = call
  const request = session.request({
    [constants.HTTP2_HEADER_METHOD]: 'POST',
    [constants.HTTP2_HEADER_PATH]: call.path,
    'content-type': 'application/grpc',
    te: 'trailers',
  })
  const stopPings = keepAlive(runtime, session)
  let handler: XdsStreamHandler | undefined
  let closed = false
  let outcome: string | undefined
  const finish = (error: string | undefined): void => {
    if (closed) return
    closed = true
    stopPings()
    session.destroy()
    handler?.onClose(error)
  }
  session.on('goaway', () => finish('the server asks to reconnect'))
  session.on('error', (error) => finish(error.message))
  session.on('close', () => finish(outcome ?? 'connection closed'))
  return {
    kind: call.kind,
    peer: call.peer,
    remote: call.remote,
    start(first) {
      handler = first
      listen(request, {
        onMessage: (message) => {
          if (!closed) first.onMessage(message)
        },
        onOutcome: (text) => {
          outcome = text
        },
        finish: (error) => finish(error ?? outcome),
      })
      request.on('drain', () => {
        if (!closed) first.onDrain()
      })
    },
    send: (bytes) => closed || request.write(frameMessage(bytes)),
    close(error) {
      if (closed) return
      request.close(constants.NGHTTP2_CANCEL)
      queueMicrotask(() => finish(error))
    },
  }
}

function listen(
  request: ClientHttp2Stream,
  to: {
    readonly onMessage: (message: Uint8Array) => void
    readonly onOutcome: (text: string | undefined) => void
    readonly finish: (error: string | undefined) => void
  },
): void {
  const frames = frameReader(to.onMessage)
  request.on('response', (headers) => {
    if (headers[':status'] !== 200) to.finish(`HTTP status ${headers[':status']}`)
    else if (headers['grpc-status'] !== undefined) to.onOutcome(outcomeOf(headers))
  })
  request.on('trailers', (headers: IncomingHttpHeaders) => to.onOutcome(outcomeOf(headers)))
  request.on('data', (chunk: Buffer) => {
    const problem = frames.push(chunk)
    if (problem !== undefined) to.finish(problem)
  })
  request.on('error', (error) => to.finish(error.message))
  request.on('close', () => to.finish(undefined))
}

/** The far end's status as text; undefined for OK. */
function outcomeOf(headers: IncomingHttpHeaders): string | undefined {
  const code = headers['grpc-status']
  if (code === '0') return undefined
  const message = headers['grpc-message']
  return `gRPC status ${code}: ${typeof message === 'string' ? decodePercent(message) : ''}`
}

function decodePercent(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

/** Finds out about a peer that vanished without a word. Returns the function that stops it. */
function keepAlive(runtime: Timers, session: ClientHttp2Session): () => void {
  let timer = arm()
  function arm(): { cancel(): void } {
    return runtime.timers.set(pingIntervalMs, ping, { keepAlive: false })
  }
  function ping(): void {
    if (session.destroyed) return
    timer = runtime.timers.set(pingTimeoutMs, () => session.destroy(new Error('no answer to ping')), {
      keepAlive: false,
    })
    session.ping(() => {
      timer.cancel()
      if (!session.destroyed) timer = arm()
    })
  }
  return () => timer.cancel()
}
