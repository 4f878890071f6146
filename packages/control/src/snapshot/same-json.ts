/** Whether two JSON values are equal, whatever the order of their members. */
export function sameJson(a: unknown, b: unknown): boolean {
  if (a === b) return true
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false
  if (Array.isArray(a) || Array.isArray(b)) {
    if (!Array.isArray(a) || !Array.isArray(b) || a.length !== b.length) return false
    return a.every((item, index) => sameJson(item, b[index]))
  }
  return holds(a as Json, b as Json) && holds(b as Json, a as Json)
}

type Json = Readonly<Record<string, unknown>>

function holds(a: Json, b: Json): boolean {
  return Object.entries(a).every(([key, value]) => sameJson(value, b[key]))
}
