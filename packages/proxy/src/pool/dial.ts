import type { Result, Runtime, Transport, TransportClose } from '@weft/core'
import {
  type Cluster,
  type Endpoint,
  passedMetadata,
  proxyProtocolFor,
  transportSocketFor,
  type UpstreamTls,
} from '@weft/engine'
import type { LeafFacts, Secrets } from '../config/secret-source.ts'
import { type TlsContextMaterial, tlsMaterial } from '../config/tls-material.ts'
import type { InternalOpening } from '../listen/internal-opening.ts'
import type { InternalEnds } from '../listen/listener-manager.ts'
import { peerVerifier, type SanTest } from '../listen/peer-verifier.ts'
import { writeProxyHeader } from '../proxy-protocol/write-proxy-header.ts'
import { sourceAddressTo } from './source-address.ts'

/** An open upstream connection, secured when the endpoint asks for it. Paused; its handler is not set yet. */
export interface Dialed {
  readonly transport: Transport
  /** The certificate we showed; undefined on plaintext. */
  readonly own: LeafFacts | undefined
  /**
   * Monotonic clock: not to be used for new requests from then on, as one of the two certificates is running out. Earlier
   * than the server starts to drain it, so that it is always the client that ends it.
   */
  readonly retireMs: number
}

/** The share of the time to the earlier certificate's end that a connection is used; servers drain after 0.8 of it. */
const usedShare = 0.7

/** What dialling needs from the proxy around it. */
export interface DialContext {
  readonly runtime: Pick<Runtime, 'net' | 'timers' | 'clock' | 'files' | 'log'>
  readonly secrets: Secrets
  readonly testSan: SanTest
  /** Source address for clusters that name none; undefined: the kernel chooses. */
  readonly upstreamBindAddress?: string | undefined
  connectInternal(listenerName: string, ends: InternalEnds): Result<InternalOpening>
}

/** What happened to one attempt to connect; exactly one is called, unless it was given up. */
export interface DialOutcome {
  /** ALPN to offer when the transport socket names none. */
  readonly offers?: readonly string[]
  onOpen(dialed: Dialed): void
  onFail(close: TransportClose, timedOut: boolean): void
}

/**
 * Connects to an endpoint and, when its transport socket is TLS, completes the handshake: `connect_timeout` covers both, as
 * in Envoy. `ends` tells an internal listener who is calling. Returns a function that gives up.
 */
export function dialEndpoint(
  cluster: Cluster,
  endpoint: Endpoint,
  ends: InternalEnds | undefined,
  context: DialContext,
  outcome: DialOutcome,
): () => void {
  const attempt = new Dial(cluster, endpoint, context, outcome)
  attempt.begin(ends)
  return () => attempt.giveUp()
}

class Dial {
  readonly #cluster: Cluster
  readonly #endpoint: Endpoint
  readonly #context: DialContext
  readonly #outcome: DialOutcome
  #over = false
  #cancelConnect: (() => void) | undefined
  #transport: Transport | undefined
  readonly #timer: { cancel(): void }

  constructor(cluster: Cluster, endpoint: Endpoint, context: DialContext, outcome: DialOutcome) {
    this.#cluster = cluster
    this.#endpoint = endpoint
    this.#context = context
    this.#outcome = outcome
    this.#timer = context.runtime.timers.set(cluster.connectTimeoutMs, () => {
      this.#fail(
        { reason: 'timeout', detail: `no connection to ${endpoint.key} within ${cluster.connectTimeoutMs} ms` },
        true,
      )
    })
  }

  begin(ends: InternalEnds | undefined): void {
    const { target } = this.#endpoint
    if (target.kind === 'internal') return this.#internal(target.listener, ends)
    const localAddress = sourceAddressTo(target.address, this.#cluster.bindAddress ?? this.#context.upstreamBindAddress)
    this.#cancelConnect = this.#context.runtime.net.connect(
      {
        host: target.address,
        port: target.port,
        ...(localAddress === undefined ? {} : { localAddress }),
        ...(this.#cluster.keepAlive === undefined ? {} : { keepAlive: this.#cluster.keepAlive }),
      },
      (transport) => {
        this.#cancelConnect = undefined
        this.#transport = transport
        this.#sendProxyHeader(transport, ends)
        this.#connected(transport)
      },
      (close) => this.#fail(close, false),
    )
  }

  giveUp(): void {
    if (!this.#finish()) return
    this.#cancelConnect?.()
    this.#transport?.destroy()
  }

  #internal(listener: string, ends: InternalEnds | undefined): void {
    const metadata = passedMetadata(this.#cluster, this.#endpoint)
    const begun =
      ends === undefined
        ? ({ ok: false, error: `internal listener ${listener} is reached through a tunnel only` } as const)
        : this.#context.connectInternal(listener, { ...ends, metadata })
    // The outcome never comes before the caller holds its way to give up.
    const deferred = this.#context.runtime.timers.set(0, () => {
      if (!begun.ok) return this.#fail({ reason: 'unreachable', detail: begun.error }, false)
      begun.value.settle({
        onOpen: (transport) => {
          this.#cancelConnect = undefined
          this.#transport = transport
          this.#connected(transport)
        },
        onFail: (close, timedOut) => this.#fail(close, timedOut),
      })
    })
    this.#cancelConnect = () => {
      deferred.cancel()
      if (begun.ok) begun.value.giveUp()
    }
  }

  /** The bytes can flow; TLS goes on top where the endpoint asks for it. */
  #connected(transport: Transport): void {
    const tls = transportSocketFor(this.#cluster, this.#endpoint)
    if (tls !== undefined) return this.#shakeHands(transport, tls)
    if (this.#endpoint.peerNames === undefined) this.#open(transport, undefined)
    else this.#nameless(transport, 'no certificate')
  }

  /** A name is required of the endpoint, and it cannot prove one. */
  #nameless(transport: Transport, shows: string): void {
    transport.destroy()
    this.#fail({ reason: 'tls', detail: `${this.#endpoint.key} shows ${shows}, and a name is required of it` }, false)
  }

  /** In front of everything, TLS too. A connection that nobody in particular asked for is our own. */
  #sendProxyHeader(transport: Transport, ends: InternalEnds | undefined): void {
    const version = proxyProtocolFor(this.#cluster, this.#endpoint)
    if (version !== undefined) transport.write(writeProxyHeader(version, ends))
  }

  #shakeHands(transport: Transport, tls: UpstreamTls): void {
    const begin = (material: Result<TlsContextMaterial>): void => {
      if (this.#over) return transport.destroy()
      if (material.ok) return this.#secure(transport, tls, material.value)
      transport.destroy()
      this.#fail({ reason: 'tls', detail: material.error }, false)
    }
    const material = tlsMaterial(tls, this.#context.secrets, this.#context.runtime)
    if ('then' in material) void material.then(begin)
    else begin(material)
  }

  #secure(transport: Transport, tls: UpstreamTls, material: TlsContextMaterial): void {
    const { certificates, rootsPem, systemRoots, crlPem } = material
    if (this.#endpoint.peerNames !== undefined && rootsPem === undefined && !systemRoots)
      return this.#nameless(transport, 'a certificate that nothing proves')
    const [certificate] = certificates
    this.#context.runtime.net.secureClient(
      transport,
      {
        material: certificate?.material,
        rootsPem,
        ...(systemRoots ? { systemRoots } : {}),
        sni: this.#endpoint.serverName ?? tls.sni,
        alpn: tls.alpn.length > 0 ? tls.alpn : (this.#outcome.offers ?? tls.alpn),
        verifyPeer: peerVerifier(tls, certificate?.facts.spiffeId, this.#context.testSan, this.#endpoint.peerNames),
        minVersion: tls.minVersion,
        maxVersion: tls.maxVersion,
        ...(crlPem === undefined ? {} : { crlPem }),
        ...(tls.ciphers === undefined ? {} : { ciphers: tls.ciphers }),
        ...(tls.curves === undefined ? {} : { curves: tls.curves }),
      },
      (secured) => {
        if (this.#over) return secured.destroy()
        const ends = [certificate?.facts.notAfterMs, secured.peer?.notAfterMs].filter((end) => end !== undefined)
        const { clock } = this.#context.runtime
        const leftMs = Math.max(0, Math.min(...ends) - clock.wallMs())
        this.#open(secured, certificate?.facts, clock.nowMs() + leftMs * usedShare)
      },
      (close) => this.#fail(close, false),
    )
  }

  #open(transport: Transport, own: LeafFacts | undefined, retireMs = Number.POSITIVE_INFINITY): void {
    if (this.#finish()) this.#outcome.onOpen({ transport, own, retireMs })
  }

  #fail(close: TransportClose, timedOut: boolean): void {
    if (!this.#finish()) return
    if (timedOut) {
      this.#cancelConnect?.()
      this.#transport?.destroy()
    }
    this.#outcome.onFail(close, timedOut)
  }

  #finish(): boolean {
    if (this.#over) return false
    this.#over = true
    this.#timer.cancel()
    return true
  }
}
