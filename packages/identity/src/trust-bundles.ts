// Trust is a map from trust domain to a set of roots: an id is believed only under its own domain's roots.

/** Roots (DER certificates) per trust domain. Empty set: the domain is known and nobody in it is believed. */
export type TrustBundles = ReadonlyMap<string, readonly Uint8Array[]>

/** Adds roots to a domain, keeping the old ones (a root rotation overlaps) and dropping byte-equal doubles. */
export function withRoots(bundles: TrustBundles, trustDomain: string, roots: readonly Uint8Array[]): TrustBundles {
  const merged = [...(bundles.get(trustDomain) ?? [])]
  for (const root of roots) if (!merged.some((known) => sameBytes(known, root))) merged.push(root)
  return new Map([...bundles, [trustDomain, merged]])
}

function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i])
}
