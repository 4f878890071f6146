// A record made name by name.

/** Something for each name. */
export function forEach<S extends string, T>(names: readonly S[], make: (name: S) => T): Record<S, T> {
  return Object.fromEntries(names.map((name) => [name, make(name)])) as Record<S, T>
}
