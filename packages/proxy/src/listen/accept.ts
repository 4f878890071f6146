import type { Runtime, Transport } from '@weft/core'
import type { ConnectionFacts, FilterChain, Listener } from '@weft/engine'
import type { Secrets } from '../config/secret-source.ts'
import type { ProxiedEnds } from '../proxy-protocol/write-proxy-header.ts'
import { acceptTls, type Secured } from './accept-tls.ts'
import type { Anticipate, Anticipated, ConnectionServer } from './accepted-connection.ts'
import type { ConnectionTable, OpenConnection } from './connection-table.ts'
import type { SanTest } from './peer-verifier.ts'
import type { InternalOpening } from './internal-opening.ts'
import { judgeFirstBytes, silent, type Sniffed, Sniffer } from './sniff.ts'

/** A client that is silent for this long may be waiting for its server to speak first. */
const silenceMs = 50

/** The decisions of the engine that accepting needs. */
export interface AcceptDecisions {
  matchFilterChain(listener: Listener, facts: ConnectionFacts): FilterChain | undefined
  testSan: SanTest
}

/** Why a connection was refused before the request path saw it; the name of Envoy's counter, without its prefix. */
export type AcceptRefusal =
  | 'no_filter_chain_match'
  | 'downstream_cx_overflow'
  | 'downstream_listener_filter_error'
  | 'ssl_connection_error'
  | 'no_certificate'

/** What accepting needs from the proxy around it. */
export interface AcceptContext {
  readonly runtime: Pick<Runtime, 'clock' | 'timers' | 'net' | 'log' | 'files'>
  readonly decisions: AcceptDecisions
  readonly secrets: Secrets
  readonly connections: ConnectionTable
  readonly serve: ConnectionServer
  /** Opens an upstream early, for protocols in which the server speaks first; absent: nobody does. */
  readonly anticipate?: Anticipate
  onRefused(listener: Listener, refusal: AcceptRefusal, detail: string): void
  /** The listener of this name as it is now. */
  present(listenerName: string): Listener | undefined
  /** How long connections of a listener that changed or went may take to finish. */
  readonly drainMs: number
}

/**
 * Takes one fresh connection of `listener` through sniffing, choice of the filter chain and handshake, and hands it to
 * the request path. `internal`: it was made inside this process.
 */
export function acceptConnection(
  transport: Transport,
  listener: Listener,
  context: AcceptContext,
  internal?: InternalArrival,
): void {
  new Acceptance(transport, listener, context, internal).start()
}

/** What comes with a connection to an internal listener. Its local address is where the client meant to go. */
export interface InternalArrival {
  readonly opening: InternalOpening
  readonly metadata: ConnectionFacts['metadata']
}

class Acceptance {
  readonly #transport: Transport
  readonly #listener: Listener
  readonly #context: AcceptContext
  readonly #internal: InternalArrival | undefined
  readonly #sniffer: Sniffer
  #anticipated: { readonly chain: FilterChain; readonly upstream: Anticipated; spoke: boolean } | undefined

  constructor(transport: Transport, listener: Listener, context: AcceptContext, internal: InternalArrival | undefined) {
    this.#transport = transport
    this.#listener = listener
    this.#context = context
    this.#internal = internal
    this.#sniffer = new Sniffer(transport, listener.sniff, context.runtime.timers, {
      onDone: (sniffed) => this.#choose(sniffed),
      onGone: (reason) => {
        this.#context.connections.arriving--
        this.#anticipated?.upstream.giveUp()
        if (reason !== 'downstream_closed') this.#refused('downstream_listener_filter_error', reason)
      },
      silence:
        context.anticipate !== undefined && servesSilence(listener)
          ? { afterMs: silenceMs, onSilence: (ends) => this.#anticipate(ends) }
          : undefined,
    })
  }

  start(): void {
    this.#context.connections.arriving++
    this.#sniffer.start()
  }

  /** The client waits. If silence means a chain of plain bytes, its upstream is opened: it may be the one to begin. */
  #anticipate(ends: ProxiedEnds | undefined): void {
    const facts = this.#facts({ ...silent, ends })
    const chain = this.#context.decisions.matchFilterChain(this.#listener, facts)
    if (chain === undefined || !isPlainTcp(chain)) return
    const upstream = this.#context.anticipate?.({ facts, chain }, () => {
      // What the client has begun to say decides, even if it takes more of it.
      if (!this.#sniffer.quiet || this.#anticipated === undefined) return
      this.#anticipated.spoke = true
      this.#sniffer.settleSilent()
    })
    if (upstream !== undefined) this.#anticipated = { chain, upstream, spoke: false }
  }

  #choose(sniffed: Sniffed): void {
    const facts = this.#facts(sniffed)
    const chain = this.#context.decisions.matchFilterChain(this.#listener, facts)
    const anticipated = this.#anticipated
    if (anticipated !== undefined && anticipated.chain !== chain) anticipated.upstream.giveUp()
    if (chain === undefined) {
      this.#context.connections.arriving--
      this.#refused('no_filter_chain_match', `from ${this.#transport.remoteAddress}`)
      this.#transport.destroy()
    } else if (chain.tls === undefined) {
      this.#handOver(chain, facts, sniffed.head, undefined)
    } else {
      const { tls, handshakeTimeoutMs: timeoutMs } = chain
      const from = { transport: this.#transport, head: sniffed.head, facts, tls, timeoutMs }
      acceptTls(from, this.#context, {
        onSecured: (secured) => this.#handOver(chain, secured.facts, undefined, secured),
        onRefused: (refusal, detail) => {
          this.#context.connections.arriving--
          this.#refused(refusal, detail)
        },
      })
    }
  }

  #facts({ serverName, transportProtocol, applicationProtocols, ends }: Sniffed): ConnectionFacts {
    const { localAddress, localPort, remoteAddress, remotePort } = this.#transport
    const known = {
      localAddress,
      localPort,
      remoteAddress,
      remotePort,
      sni: serverName === '' ? undefined : serverName,
      transportProtocol,
      applicationProtocols,
      tls: false,
      peerNames: [],
      ...(this.#internal === undefined ? {} : { destinationKnown: true as const, metadata: this.#internal.metadata }),
    }
    if (ends === undefined) return known
    const { source, destination } = ends
    return {
      ...known,
      localAddress: destination.address,
      localPort: destination.port,
      remoteAddress: source.address,
      remotePort: source.port,
      direct: { address: remoteAddress, port: remotePort },
      destinationKnown: true,
    }
  }

  #refused(refusal: AcceptRefusal, detail: string): void {
    this.#context.onRefused(this.#listener, refusal, detail)
  }

  #handOver(chain: FilterChain, facts: ConnectionFacts, head: Buffer | undefined, secured: Secured | undefined): void {
    const { connections, serve } = this.#context
    const { own, peer } = secured ?? {}
    const open: OpenConnection = {
      listener: this.#listener,
      chain,
      facts,
      served: undefined,
      own: own?.facts,
      certificateSecret: own === undefined || own.name === '' ? undefined : own.name,
      expiresWallMs: own === undefined ? undefined : Math.min(endOf(own), peer?.notAfterMs ?? Number.POSITIVE_INFINITY),
      draining: false,
      deadline: undefined,
    }
    connections.arriving--
    connections.add(open)
    // The listener may have changed during the handshake; nobody told this connection, since it was not open.
    const follows = connections.follow(open, this.#context.present(this.#listener.name), (listener) =>
      this.#context.decisions.matchFilterChain(listener, facts),
    )
    const anticipated = this.#anticipated?.chain === chain ? this.#anticipated : undefined
    open.served = serve({
      transport: secured?.transport ?? this.#transport,
      head,
      facts,
      peer,
      listener: () => open.listener,
      chain: () => open.chain,
      ...(anticipated === undefined ? {} : { anticipated: anticipated.upstream }),
      ...(this.#internal === undefined ? {} : { opening: this.#internal.opening }),
      ...(anticipated?.spoke === true ? { fits: (bytes: Buffer) => this.#fits(chain, facts, bytes) } : {}),
      onClosed: () => connections.remove(open),
    })
    if (!follows) connections.drain(open, this.#context.drainMs)
  }

  /** Whether the first bytes of a client whose server spoke first belong on its chain; undefined: it takes more to tell. */
  #fits(chain: FilterChain, facts: ConnectionFacts, bytes: Buffer): boolean | undefined {
    const sniffed = judgeFirstBytes(bytes, this.#listener.sniff)
    if (sniffed === undefined) return undefined
    const { transportProtocol, applicationProtocols, serverName } = sniffed
    const sni = serverName === '' ? undefined : serverName
    const told = { ...facts, transportProtocol, applicationProtocols, sni }
    return this.#context.decisions.matchFilterChain(this.#listener, told) === chain
  }
}

/** A certificate that came with the resource is used to its end and beyond: only SDS brings another one. */
function endOf(own: { readonly name: string; readonly facts: { readonly notAfterMs: number } }): number {
  return own.name === '' ? Number.POSITIVE_INFINITY : own.facts.notAfterMs
}

function isPlainTcp(chain: FilterChain): boolean {
  return chain.tls === undefined && chain.terminal.kind === 'tcp'
}

/** Whether a client that says nothing may get a chain of plain bytes. */
function servesSilence({ filterChains, defaultFilterChain }: Listener): boolean {
  return filterChains.some(isPlainTcp) || (defaultFilterChain !== undefined && isPlainTcp(defaultFilterChain))
}
