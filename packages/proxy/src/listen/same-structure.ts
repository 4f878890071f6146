/**
 * True when two compiled values say the same: plain objects, arrays, maps and sets are compared by content. Functions
 * are made from the data beside them (a rule's closure from its predicate), so they are not looked at.
 */
export function sameStructure(a: unknown, b: unknown): boolean {
  if (Object.is(a, b)) return true
  if (typeof a === 'function' || typeof b === 'function') return typeof a === typeof b
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false
  if (a instanceof Map) return b instanceof Map && sameEntries([...a], [...b])
  if (a instanceof Set) return b instanceof Set && sameEntries([...a], [...b])
  if (Array.isArray(a)) return Array.isArray(b) && sameEntries(a, b)
  if (a instanceof Uint8Array) return b instanceof Uint8Array && sameEntries([...a], [...b])
  return sameEntries(Object.entries(a), Object.entries(b))
}

/** `sameStructure` of two objects, one of their fields aside. */
export function sameExcept<T extends object>(field: keyof T & string, a: T, b: T): boolean {
  const others = (value: T): readonly unknown[] => Object.entries(value).filter(([name]) => name !== field)
  return sameEntries(others(a), others(b))
}

function sameEntries(a: readonly unknown[], b: readonly unknown[]): boolean {
  return a.length === b.length && a.every((value, at) => sameStructure(value, b[at]))
}
