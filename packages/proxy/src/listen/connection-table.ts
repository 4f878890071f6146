import type { Runtime, Timer } from '@weft/core'
import type { ConnectionFacts, FilterChain, Listener } from '@weft/engine'
import { givesWay } from '../config/gives-way.ts'
import type { LeafFacts } from '../config/secret-source.ts'
import type { ServedConnection } from './accepted-connection.ts'
import { sameExcept, sameStructure } from './same-structure.ts'

/** One open connection as the listener side keeps it. */
export interface OpenConnection {
  listener: Listener
  chain: FilterChain
  readonly facts: ConnectionFacts
  /** Undefined until the request path has it. */
  served: ServedConnection | undefined
  /** Our certificate in the handshake; undefined on plaintext. */
  readonly own: LeafFacts | undefined
  /** SDS name of that certificate. */
  readonly certificateSecret: string | undefined
  /** Wall clock: the earlier end of the two certificates. */
  readonly expiresWallMs: number | undefined
  draining: boolean
  deadline: Timer | undefined
}

/**
 * How long an idle connection gets to hear of the drain with an answer before it is ended: a request that meets the end on
 * its way is lost if it must not be sent twice.
 */
const idleGraceMs = 1_000
/** How often a drain looks at what is left. */
const drainLookMs = 20

/** Finds the chain a connection would get under another listener. */
export type Rematch = (listener: Listener, connection: OpenConnection) => FilterChain | undefined

/**
 * The open downstream connections of one proxy: draining them when their listener changes or goes, when our certificate
 * gives way to a newer one, and before a certificate of either side expires.
 */
export class ConnectionTable {
  readonly #runtime: Pick<Runtime, 'clock' | 'timers'>
  readonly #open = new Set<OpenConnection>()
  /** Connections that are accepted and not open yet: their first bytes or their handshake are waited for. */
  arriving = 0

  constructor(runtime: Pick<Runtime, 'clock' | 'timers'>) {
    this.#runtime = runtime
  }

  get size(): number {
    return this.#open.size
  }

  /** Open connections of the listeners that `which` names. */
  count(which: (listener: Listener) => boolean): number {
    let count = 0
    for (const { listener } of this.#open) if (which(listener)) count++
    return count
  }

  add(connection: OpenConnection): void {
    this.#open.add(connection)
    if (connection.expiresWallMs === undefined) return
    // No connection outlives either certificate: it drains first, and is closed at the end at the latest.
    const leftMs = Math.max(0, connection.expiresWallMs - this.#runtime.clock.wallMs())
    connection.deadline = this.#runtime.timers.set(
      leftMs * 0.8,
      () => {
        this.drain(connection, Math.max(0, (connection.expiresWallMs as number) - this.#runtime.clock.wallMs()))
      },
      { keepAlive: false },
    )
  }

  remove(connection: OpenConnection): void {
    if (!this.#open.delete(connection)) return
    connection.deadline?.cancel()
  }

  /** Tells a connection to finish; it is destroyed when it has not within `withinMs`. */
  drain(connection: OpenConnection, withinMs: number): void {
    if (connection.draining) return
    connection.draining = true
    connection.deadline?.cancel()
    connection.deadline = this.#runtime.timers.set(withinMs, () => connection.served?.destroy(), { keepAlive: false })
    connection.served?.drain()
  }

  /**
   * A listener changed: connections of a chain that is still there, wherever it stands now, go on (Envoy's update of filter
   * chains only). Of the others, one whose new chain secures it the same way goes on under the new chain from its next exchange;
   * the rest drain.
   */
  replaceListener(name: string, next: Listener | undefined, rematch: Rematch, drainMs: number): void {
    for (const connection of this.#open) {
      if (connection.listener.name === name && !this.follow(connection, next, rematch)) this.drain(connection, drainMs)
    }
  }

  /** Puts a connection under its listener as it is now; false: it cannot go on. */
  follow(connection: OpenConnection, present: Listener | undefined, rematch: Rematch): boolean {
    if (present === connection.listener) return true
    const chain = present === undefined ? undefined : chainUnder(present, connection, rematch)
    if (present === undefined || chain === undefined) return false
    connection.listener = present
    connection.chain = chain
    return true
  }

  /** Our certificate was rotated: connections made with an older one that gives way to it drain until that expires. */
  certificateRotated(secretName: string, present: LeafFacts): void {
    const wallMs = this.#runtime.clock.wallMs()
    for (const connection of this.#open) {
      if (connection.certificateSecret !== secretName || !givesWay(connection.own, present, wallMs)) continue
      const leftMs = (connection.expiresWallMs ?? 0) - wallMs
      this.drain(connection, Math.max(0, leftMs))
    }
  }

  /**
   * Drains the connections that `which` names; resolves when none of them is open, at `withinMs` at the latest. One that
   * has nothing in flight is ended after `idleMs`.
   */
  drainAll(which: (listener: Listener) => boolean, withinMs: number, idleMs = idleGraceMs): Promise<void> {
    const left = (): OpenConnection[] => [...this.#open].filter(({ listener }) => which(listener))
    for (const connection of left()) {
      connection.draining = false
      this.drain(connection, withinMs)
    }
    const { clock, timers } = this.#runtime
    const untilMs = clock.nowMs() + withinMs
    return new Promise((resolve) => {
      const look = (): void => {
        const open = left()
        if (open.length === 0 || clock.nowMs() > untilMs) return resolve()
        timers.set(drainLookMs, look)
        // Long enough to have heard of the drain with an answer; what is idle now has nothing to lose.
        if (clock.nowMs() > untilMs - withinMs + idleMs) {
          for (const { served } of open) if (served?.idle() === true) served.destroy()
        }
      }
      look()
    })
  }
}

/** The chain a connection goes on under; undefined: there is none. */
function chainUnder(next: Listener, connection: OpenConnection, rematch: Rematch): FilterChain | undefined {
  const kept = unchangedChain(next, connection.chain)
  if (kept !== undefined) return kept
  const chain = rematch(next, connection)
  return chain !== undefined && interchangeable(connection.chain, chain) ? chain : undefined
}

/** Where a chain stands in the list says nothing about it. */
function unchangedChain({ filterChains, defaultFilterChain }: Listener, before: FilterChain): FilterChain | undefined {
  if (before.index < 0) {
    return defaultFilterChain !== undefined && sameStructure(before, defaultFilterChain)
      ? defaultFilterChain
      : undefined
  }
  return filterChains.find((chain) => sameExcept('index', before, chain))
}

/** True when a connection can move from one chain to the other between two exchanges. */
function interchangeable(before: FilterChain, after: FilterChain): boolean {
  if (!sameStructure(before.tls, after.tls)) return false
  if (before.terminal.kind === 'http' && after.terminal.kind === 'http') {
    return before.terminal.codec === after.terminal.codec && sameStructure(before.rbac, after.rbac)
  }
  return sameStructure(before.terminal, after.terminal) && sameStructure(before.rbac, after.rbac)
}
