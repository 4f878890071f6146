// The distributor's contract.
import type { PeerIdentity, Result } from '@weft/core'
import type { ResourceTable, XdsStream } from '@weft/xds'
import type { Node } from '@weft/xds/lean'
import type { ProxyStatus } from './proxy-status.ts'

/** Decides which proxy a stream belongs to, from its node and verified peer; the error is told to the client. */
export type Authorize = (node: Node, peer: PeerIdentity | undefined) => Result<string>

/** What distributing has cost so far; counts only grow. */
export interface DistributionWork {
  /** Tables that were shown to a stream because they changed. */
  readonly streams: number
  /** Names compared with what a stream holds. */
  readonly compared: number
  readonly pushes: number
  readonly pushedBytes: number
}

/** Serves each proxy its resource table over whatever streams it opens. */
export interface Distributor {
  /** Replaces the table of a proxy: connected or not. Sends what changed, in make-before-break order. */
  setTable(proxyId: string, table: ResourceTable): void
  /** Forgets a proxy and closes its streams. */
  removeTable(proxyId: string): void
  /** Takes over a stream. A proxy that has no table yet gets nothing until it has one. */
  accept(stream: XdsStream, authorize: Authorize): void
  /** Every proxy with a table or a stream, by id. */
  status(): readonly ProxyStatus[]
  /** Calls back after a status changed (coalesced by the caller if wanted). Returns the unsubscriber. */
  onStatus(listener: (proxyId: string) => void): () => void
  /** What was done so far. */
  work(): DistributionWork
  /** Closes all streams. */
  close(): void
}
