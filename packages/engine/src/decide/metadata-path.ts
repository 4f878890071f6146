// Reading a value out of metadata by its namespace and the members below it.
import type { Json } from '../request-head.ts'

/** The value at `path`: the namespace first, then one member after the other; undefined: there is none. */
export function metadataAt(
  metadata: Readonly<Record<string, Json>> | undefined,
  path: readonly string[],
): Json | undefined {
  let found: Json | undefined = metadata
  for (const key of path) {
    if (found === null || typeof found !== 'object' || Array.isArray(found) || !Object.hasOwn(found, key))
      return undefined
    found = (found as { readonly [key: string]: Json })[key]
  }
  return found
}
