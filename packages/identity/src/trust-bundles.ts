// Trust is a map from trust domain to a set of roots: an id is believed only under its own domain's roots.

/** Roots (DER certificates) per trust domain. Empty set: the domain is known and nobody in it is believed. */
export type TrustBundles = ReadonlyMap<string, readonly Uint8Array[]>
