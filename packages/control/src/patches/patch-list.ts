// Operations on a list of named things: filters, routes, virtual hosts.
import type { Message } from '@bufbuild/protobuf'
import type { PatchOperation } from '@weft/resources'

/** What a list is patched with. */
export interface ListPatch<T extends Message> {
  readonly operation: PatchOperation
  /** Absent for REMOVE. */
  readonly value: T | undefined
  /** Which items the patch names; undefined: it names none. */
  readonly names: ((item: T) => boolean) | undefined
  /** Where ADD puts it. */
  readonly end?: (items: readonly T[]) => number
  merge(target: T, source: T): void
}

/** The list after a patch; the same list when it is not concerned. */
export function patchList<T extends Message>(items: T[], patch: ListPatch<T>): T[] {
  const { operation, value, names } = patch
  const named = names ?? (() => true)
  const at = items.findIndex(named)
  if (operation === 'REMOVE') return items.filter((item) => !named(item))
  if (value === undefined) return items
  switch (operation) {
    case 'MERGE':
    case 'MERGE_AND_REPLACE_LIST':
      for (const item of items) if (named(item)) patch.merge(item, value)
      return items
    case 'ADD':
      return items.toSpliced(patch.end?.(items) ?? items.length, 0, value)
    case 'INSERT_FIRST':
      return names === undefined || at >= 0 ? [value, ...items] : items
    case 'INSERT_BEFORE':
      return names === undefined ? [value, ...items] : at < 0 ? items : items.toSpliced(at, 0, value)
    case 'INSERT_AFTER':
      return names === undefined ? [...items, value] : at < 0 ? items : items.toSpliced(at + 1, 0, value)
    case 'REPLACE':
      return items.map((item) => (names !== undefined && named(item) ? value : item))
    case 'INVALID':
      return items
  }
}
