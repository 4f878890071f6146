import { Buffer } from 'node:buffer'
import { authorize } from '@weft/engine'
import type { ClusterRegistry } from '../cluster/cluster-registry.ts'
import type { Anticipate, Anticipated } from '../listen/accepted-connection.ts'
import type { RequestPathContext } from '../request-path.ts'
import { connectionSubject } from './connection-subject.ts'
import { type Carried, type OpenedUpstream, UpstreamOpening } from './open-upstream.ts'

/**
 * The upstream of a client that says nothing: opened to hear whether it is the one to begin. A connection that network RBAC
 * denies gets none.
 */
export function anticipateTcp(clusters: ClusterRegistry, context: RequestPathContext): Anticipate {
  return ({ facts, chain }, onSpeak) => {
    if (chain.terminal.kind !== 'tcp') return undefined
    const random = Math.floor(context.runtime.rng.float() * 2 ** 48)
    const subject = connectionSubject(facts, random)
    if (chain.rbac.some(({ rules, shadow }) => !authorize(rules, shadow, subject).allowed)) return undefined
    return new AnticipatedUpstream(
      { proxy: chain.terminal, facts, peer: undefined, random },
      clusters,
      context,
      onSpeak,
    )
  }
}

/** What of it is left when the connection is served. */
export interface TakenUpstream {
  readonly opening: UpstreamOpening
  readonly upstream: OpenedUpstream
}

/** Opened, listened to, and then taken or given up. */
export class AnticipatedUpstream implements Anticipated {
  readonly #opening: UpstreamOpening
  #upstream: OpenedUpstream | undefined
  #said: Buffer | undefined
  #over = false

  constructor(carried: Carried, clusters: ClusterRegistry, context: RequestPathContext, onSpeak: () => void) {
    this.#opening = new UpstreamOpening(carried, clusters, context, {
      onOpen: (upstream) => this.#listen(upstream, onSpeak),
      // It may not be needed; if it is, it is tried again, and that failure is told.
      onFail: () => (this.#over = true),
    })
    this.#opening.start()
  }

  giveUp(): void {
    if (this.#over) return
    this.#over = true
    this.#opening.giveUp()
    this.#upstream?.transport.destroy()
    this.#opening.released()
  }

  /** Hands it over, with what it said; undefined: it did not come about, or is over. */
  take(): TakenUpstream | undefined {
    const upstream = this.#upstream
    if (this.#over || upstream === undefined) {
      this.giveUp()
      return undefined
    }
    this.#over = true
    upstream.transport.pause()
    return { opening: this.#opening, upstream: { ...upstream, head: this.#said } }
  }

  #listen(upstream: OpenedUpstream, onSpeak: () => void): void {
    if (this.#over) return
    this.#upstream = upstream
    const { transport } = upstream
    const hear = (bytes: Buffer): void => {
      transport.pause()
      this.#said = this.#said === undefined ? Buffer.from(bytes) : Buffer.concat([this.#said, bytes])
      onSpeak()
    }
    transport.handler = {
      onData: hear,
      // It ended without a word of its client: of no use to anybody.
      onEnd: () => this.giveUp(),
      onDrain: () => {},
      onClose: () => this.giveUp(),
    }
    if (upstream.head === undefined) transport.resume()
    else hear(upstream.head)
  }
}
