import type { Transport } from '@weft/core'
import type { Cluster, Endpoint, UpstreamTls } from '@weft/engine'
import type { InternalEnds } from '../listen/listener-manager.ts'
import type { RequestPathContext } from '../request-path.ts'
import { currentIdentity, secureUpstream, type UpstreamIdentity } from '../tls/upstream-tls.ts'

/** Where to dial, and how. */
export interface DialTarget {
  readonly cluster: Cluster
  readonly endpoint: Endpoint
  readonly tls: UpstreamTls | undefined
  /** How the connection presents itself to an internal listener. */
  readonly ends: InternalEnds | undefined
}

/** Why no connection came about. `detail` is what `%UPSTREAM_TRANSPORT_FAILURE_REASON%` shows. */
export interface DialFailure {
  readonly kind: 'connect' | 'timeout' | 'tls'
  readonly detail: string
}

/** A connection, and the secrets of its handshake. */
export interface Dialled {
  readonly transport: Transport
  readonly identity: UpstreamIdentity | undefined
}

/** What dialling needs. */
export type DialContext = Pick<RequestPathContext, 'runtime' | 'secrets' | 'connectInternal'>

/**
 * Opens one upstream connection, TLS included, within the cluster's connect timeout. Exactly one callback, never
 * synchronously; the function returned gives up (then neither).
 */
export function dial(
  context: DialContext,
  target: DialTarget,
  onOpen: (dialled: Dialled) => void,
  onFail: (failure: DialFailure) => void,
): () => void {
  const dialling = new Dialling(context, target, onOpen, onFail)
  dialling.start()
  return () => dialling.giveUp()
}

class Dialling {
  readonly #context: DialContext
  readonly #target: DialTarget
  readonly #onOpen: (dialled: Dialled) => void
  readonly #onFail: (failure: DialFailure) => void
  readonly #timer: { cancel(): void }
  #over = false
  #transport: Transport | undefined
  #cancelConnect: (() => void) | undefined

  constructor(
    context: DialContext,
    target: DialTarget,
    onOpen: (dialled: Dialled) => void,
    onFail: (failure: DialFailure) => void,
  ) {
    this.#context = context
    this.#target = target
    this.#onOpen = onOpen
    this.#onFail = onFail
    const timeoutMs = target.cluster.connectTimeoutMs || 5_000
    this.#timer = context.runtime.timers.set(timeoutMs, () => this.#fail({ kind: 'timeout', detail: 'connect timeout' }))
  }

  start(): void {
    const { runtime, connectInternal } = this.#context
    const { endpoint, cluster, ends } = this.#target
    if (endpoint.target.kind === 'internal') {
      const name = endpoint.target.listener
      // Asynchronous, as sockets are: a caller may rely on no callback within `dial`.
      queueMicrotask(() => {
        const made = ends === undefined ? { ok: false as const, error: `${name} needs a tunnel` } : connectInternal(name, ends)
        if (made.ok) this.#connected(made.value)
        else this.#fail({ kind: 'connect', detail: made.error })
      })
      return
    }
    const { address: host, port } = endpoint.target
    const local = cluster.bindAddress === undefined ? {} : { localAddress: cluster.bindAddress }
    this.#cancelConnect = runtime.net.connect(
      { host, port, ...local },
      (transport) => this.#connected(transport),
      (close) => this.#fail({ kind: 'connect', detail: delayedConnectError(close.reason, close.detail) }),
    )
  }

  giveUp(): void {
    if (this.#over) return
    this.#over = true
    this.#timer.cancel()
    this.#cancelConnect?.()
    this.#transport?.destroy()
  }

  #connected(transport: Transport): void {
    if (this.#over) return transport.destroy()
    this.#transport = transport
    const { tls } = this.#target
    if (tls === undefined) return this.#open(transport, undefined)
    const identity = currentIdentity(tls, this.#context.secrets)
    if (identity === undefined) {
      transport.destroy()
      return this.#fail({ kind: 'tls', detail: 'TLS error: our certificate or roots are not there yet' })
    }
    secureUpstream(
      this.#context.runtime.net,
      transport,
      { tls, identity },
      (secured) => this.#open(secured, identity),
      (close) => this.#fail({ kind: 'tls', detail: `TLS error: ${close.detail}` }),
    )
  }

  #open(transport: Transport, identity: UpstreamIdentity | undefined): void {
    if (this.#over) return transport.destroy()
    this.#over = true
    this.#timer.cancel()
    this.#onOpen({ transport, identity })
  }

  #fail(failure: DialFailure): void {
    if (this.#over) return
    this.giveUp()
    this.#onFail(failure)
  }
}

/** Envoy's words for what connect(2) answered. */
function delayedConnectError(reason: string, detail: string): string {
  return reason === 'refused' ? 'delayed connect error: Connection refused' : `delayed connect error: ${detail}`
}
