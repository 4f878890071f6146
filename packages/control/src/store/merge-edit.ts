// The merge after the most frequent change, an edit of objects that are in force: the rest stays as it was, without a look at it.
import { byPlace, claimsTheSame, type Problem } from '@weft/resources'
import type { FileRecord } from './file-table.ts'
import { type Accepted, type MergeInput, type MergeOutput, sameText } from './merge.ts'

/** A merge and what it was of. */
export interface LastMerge {
  readonly files: ReadonlyMap<string, FileRecord>
  readonly output: MergeOutput
}

/** Both versions of the files that changed; undefined when some came or went. */
export function changedFiles(
  before: ReadonlyMap<string, FileRecord>,
  after: ReadonlyMap<string, FileRecord>,
): (readonly [FileRecord, FileRecord])[] | undefined {
  if (before.size !== after.size) return undefined
  const changed: (readonly [FileRecord, FileRecord])[] = []
  for (const [name, now] of after) {
    const old = before.get(name)
    if (old === undefined) return undefined
    if (old !== now) changed.push([old, now])
  }
  return changed
}

/**
 * What `merge` would say, when everything named is in force and goes on being so: the same objects in the same files, valid, which claim what
 * they claimed. Undefined when there is more to decide.
 */
export function mergeEdit(input: MergeInput, last: LastMerge): MergeOutput | undefined {
  if (input.accepted !== last.output.accepted || !allInForce(last.output)) return undefined
  const changed = changedFiles(last.files, input.files)
  if (changed === undefined) return undefined
  const edits = new Map<string, Accepted>()
  for (const [old, now] of changed) if (!takeEdits(old, now, input.accepted, edits)) return undefined
  const gone = new Set(changed.flatMap(([old]) => old.parsed?.problems ?? []))
  const came = changed.flatMap(([, now]) => now.parsed?.problems ?? [])
  if ([...gone, ...came].some(({ position }) => position === undefined)) return undefined
  const accepted = new Map(input.accepted)
  // Keys that are there already keep their places.
  for (const [key, each] of edits) accepted.set(key, each)
  return {
    ...last.output,
    accepted,
    objects: Array.from(accepted.values(), ({ object }) => object),
    problems: [...last.output.problems.filter((problem) => !gone.has(problem)), ...came].sort(byPlace),
  }
}

/** Nothing was refused, kept, waiting or in conflict. */
function allInForce({ problems, stale, blocking, unenforceable, withheld, dueAtMs }: MergeOutput): boolean {
  if (stale.length + blocking.length + unenforceable.length + withheld.size > 0) return false
  return dueAtMs === undefined && !problems.some(isError)
}

/** Adds the objects of a file that are another version now; false when they are not the same objects, all valid. */
function takeEdits(
  old: FileRecord,
  now: FileRecord,
  accepted: ReadonlyMap<string, Accepted>,
  edits: Map<string, Accepted>,
): boolean {
  const [before, after] = [old.parsed, now.parsed]
  if (before === undefined || after === undefined || before.objects.length !== after.objects.length) return false
  if (!before.whole || !after.whole || after.problems.some(isError)) return false
  return after.objects.every((candidate, index) => {
    const { key, object, source } = candidate
    const inForce = key === undefined ? undefined : accepted.get(key)
    if (key === undefined || key !== before.objects[index]?.key || object === undefined) return false
    if (inForce === undefined) return false
    if (inForce.object.hash !== object.hash && !claimsTheSame(inForce.object, object)) return false
    if (!sameText(inForce, candidate)) edits.set(key, { object, source })
    return true
  })
}

function isError({ severity }: Problem): boolean {
  return severity === 'error'
}
