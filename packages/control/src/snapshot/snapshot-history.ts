// The last few snapshots, newest first.
import type { MeshSnapshot } from './mesh-snapshot.ts'
import type { SourceMap } from './source-map.ts'

/** A snapshot that was in force. */
export interface HistoryEntry {
  readonly snapshot: MeshSnapshot
  readonly sourceMap: SourceMap
  /** Wall clock, milliseconds. */
  readonly sinceMs: number
}

/** Adds an entry in front and forgets the oldest beyond `limit`. */
export function remember(history: readonly HistoryEntry[], entry: HistoryEntry, limit = 32): readonly HistoryEntry[] {
  return [entry, ...history].slice(0, limit)
}
