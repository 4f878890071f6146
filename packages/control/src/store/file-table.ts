// What the store remembers of each configuration file: its parse, and when it last changed.
import { type DataPlane, type ParsedFile, parseFile, type SourceFile, unusableFile } from '@weft/resources'
import type { Accepted } from './merge.ts'

/** One file. `parsed` is undefined once the file is gone. */
export interface FileRecord {
  readonly name: string
  readonly snapshot: SourceFile | undefined
  readonly parsed: ParsedFile | undefined
  readonly changedAtMs: number
}

/** The table after a source emitted `files` at `nowMs`. Unchanged files keep their record. */
export function updateTable(
  table: ReadonlyMap<string, FileRecord>,
  files: readonly SourceFile[],
  accepted: ReadonlyMap<string, Accepted>,
  nowMs: number,
  dataPlane: DataPlane = 'weft',
): Map<string, FileRecord> {
  const next = new Map<string, FileRecord>()
  let held: ReadonlyMap<string, readonly Accepted[]> | undefined
  const heldIn = (name: string): readonly Accepted[] => {
    held ??= Map.groupBy(accepted.values(), ({ source }) => source.file)
    return held.get(name) ?? []
  }
  for (const snapshot of [...files].sort((a, b) => (a.name < b.name ? -1 : 1))) {
    const old = table.get(snapshot.name)
    const same = old?.snapshot?.text === snapshot.text && old.snapshot.unreadable === snapshot.unreadable
    next.set(
      snapshot.name,
      same
        ? old
        : {
            name: snapshot.name,
            snapshot,
            parsed: parse(snapshot, heldIn, old?.parsed, dataPlane),
            changedAtMs: nowMs,
          },
    )
  }
  // Files that are gone count as long as something they held is in force. What is in force is of files in the table, but right after a start.
  if (table.size > 0 && [...table.keys()].every((name) => next.has(name))) return next
  for (const { source } of accepted.values()) {
    const { file: name } = source
    if (next.has(name)) continue
    const old = table.get(name)
    const goneAlready = old !== undefined && old.snapshot === undefined
    next.set(name, goneAlready ? old : { name, snapshot: undefined, parsed: undefined, changedAtMs: nowMs })
  }
  return next
}

function parse(
  snapshot: SourceFile,
  heldIn: (name: string) => readonly Accepted[],
  before: ParsedFile | undefined,
  dataPlane: DataPlane,
): ParsedFile {
  const { name, text } = snapshot
  if (text !== '' && !text.endsWith('\n') && isCut(text, heldIn(name))) {
    const message = 'the file ends in the middle of what it held before; that stays in force'
    const line = text.split('\n').length
    return unusableFile(name, line, {
      code: 'cut-file',
      message,
      mend: 'Complete it; end the last line with a line break.',
    })
  }
  const parsed = parseFile(snapshot, 1, before, dataPlane)
  if (parsed.objects.length === 0 && parsed.problems.length === 0 && heldIn(name).length > 0) {
    const message = 'the file holds no objects any more; what it held stays in force'
    return unusableFile(name, 1, { code: 'empty-file', message, mend: 'Delete the file to remove its objects.' })
  }
  return parsed
}

/**
 * Whether a text that does not stop at the end of a line stops within a document it held before: a copy that was interrupted, which
 * may well be valid YAML with fewer routes or rules.
 */
function isCut(text: string, held: readonly Accepted[]): boolean {
  if (held.length === 0) return false
  const starts = [0]
  for (let at = text.indexOf('\n'); at !== -1; at = text.indexOf('\n', at + 1)) starts.push(at + 1)
  return held.some(({ source }) => {
    const rest = text.slice(starts[source.firstLine - 1] ?? text.length)
    const before = source.text.trimEnd()
    return rest.length > 0 && rest.length < before.length && before.startsWith(rest)
  })
}
